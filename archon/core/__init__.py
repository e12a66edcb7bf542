"""Values, ports and errors. Standard library only; no clock, no randomness, no I/O."""
