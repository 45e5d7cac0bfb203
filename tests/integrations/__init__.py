"""HMLR inside real agent frameworks."""
