"""From a group of exceptions back to the one that the user needs to hear about."""

from __future__ import annotations

from archon.core.errors import ArchonError, BudgetExceeded


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that decided: a reached budget before any other, ours before foreign ones."""
    leaves = list(_leaves(group))
    for kind in (BudgetExceeded, ArchonError):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
