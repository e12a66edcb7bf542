"""Spaces by name: a profile says what may be composed, a job file narrows it with options."""
