"""The answer's prompt when it comes from another program: what is remembered goes beside its messages."""
