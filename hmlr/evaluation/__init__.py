"""Evaluation: how much of the evidence recall finds, on conversations with questions; `bench` runs it."""
