"""The strict judge: complete, exact, and nothing wrong."""
