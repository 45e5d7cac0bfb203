"""Errands: which user a worker looks at next, and what becomes of it when the worker dies."""
