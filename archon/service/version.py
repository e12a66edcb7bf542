"""Which version of the code runs, for what it writes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def code_version() -> str:
    """The installed version of Archon; "unknown" where it runs without being installed."""
    try:
        return version("archon")
    except PackageNotFoundError:
        return "unknown"
