"""Adapters behind the ``ModelClient`` port, and the prices of models."""
