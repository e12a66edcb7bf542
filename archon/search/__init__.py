"""Spaces, samplers, evaluation, the study loop, and the choice of a winner."""
