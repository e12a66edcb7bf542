"""Pipelines of one batch on a shared question: one after the other, in their order.

They share completions. Samples of one request share its bill, so what a sample took depends on
which others were bought with it, and that on which pipeline came first. In an order that is fixed,
it depends on no speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from archon.search.evaluate import RunsUnits, Unit, UnitEnd


class InOrder:
    """A ``RunsUnits`` in which a unit waits for the pipelines before its own on its examples."""

    def __init__(self, inner: RunsUnits, answered: Mapping[str, Iterable[str]]) -> None:
        """Nobody waits yet.

        Args:
            inner: Runs the units.
            answered: All pipelines, by id and in their order, each with the ids of the examples
                that it will not ask again.
        """
        self._inner = inner
        self._passed = {pipeline_id: set(ids) for pipeline_id, ids in answered.items()}
        self._gone: set[str] = set()
        self._waiting: list[asyncio.Future[None]] = []

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        """See ``RunsUnits``."""
        ids = {example.id for example in unit.examples}
        while not self._is_free(unit.pipeline_id, ids):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        try:
            return await self._inner.evaluate(unit, is_again=is_again)
        finally:
            self._passed[unit.pipeline_id] |= ids
            self._wake()

    def leave(self, pipeline_id: str) -> None:
        """A pipeline asks nothing more: nobody waits for it."""
        self._gone.add(pipeline_id)
        self._wake()

    def _is_free(self, pipeline_id: str, ids: set[str]) -> bool:
        """Whether every pipeline before this one is done with these examples."""
        for other, passed in self._passed.items():
            if other == pipeline_id:
                return True
            if other not in self._gone and not ids <= passed:
                return False
        raise KeyError(pipeline_id)

    def _wake(self) -> None:
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()
