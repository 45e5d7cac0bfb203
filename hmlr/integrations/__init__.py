"""HMLR as the memory of agent frameworks: one file each, imported by the programs that use it."""
