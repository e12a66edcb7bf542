"""Archon finds the best inference-time pipeline for a task under a budget, and ships it."""
