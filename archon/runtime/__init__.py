"""Runs one architecture on one question, and the policies around a model client."""
