"""The database: calls, studies, trials and results. The only package with SQLAlchemy."""

from archon.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
