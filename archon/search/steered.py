"""What somebody outside may ask of a search that runs."""

from __future__ import annotations

from typing import Protocol

from archon.search.widths import Widths


class Steered(Protocol):
    """A search that can be changed and ended from the event loop that runs it."""

    @property
    def n_proposed(self) -> int:
        """Trials that there are, in this run or from earlier ones."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether no further trial runs."""
        ...

    def change(self, *, n_trials: int | None, widths: Widths) -> None:
        """Set the most trials and the size of batches; not below ``n_proposed``."""
        ...

    def end(self, reason: str) -> None:
        """Begin nothing further; whoever calls has the budget refuse the calls of what runs."""
        ...
