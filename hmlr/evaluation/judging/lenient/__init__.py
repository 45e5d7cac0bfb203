"""The lenient judge: the point of the reference is met."""
