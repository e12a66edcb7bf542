"""Files to values and back, with line numbers."""
