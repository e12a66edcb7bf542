"""Archon finds the best inference-time pipeline for a task under a budget, and ships it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archon.service.library import Pipeline, Study

__all__ = ["Pipeline", "Study"]


def __getattr__(name: str) -> Any:
    """Load the public names with their first use: ``import archon`` itself costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'archon' has no attribute {name!r}")
    from archon.service import library

    return getattr(library, name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted({*globals(), *__all__})
