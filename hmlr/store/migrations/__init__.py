"""Steps that lead an older database file to the newest schema."""
