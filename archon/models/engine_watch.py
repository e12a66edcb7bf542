"""The embedded engine's model, watched: where the engine is gone, its log says why."""

from __future__ import annotations

from dataclasses import dataclass

from archon.core.calls import CallBatch, ModelReply
from archon.core.errors import Unreachable
from archon.models.engine import EmbeddedEngine
from archon.models.openai_endpoint import OpenAIEndpoint


@dataclass(frozen=True, slots=True)
class EngineModel:
    """An endpoint of an engine that Archon started."""

    endpoint: OpenAIEndpoint
    engine: EmbeddedEngine

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``.

        Raises:
            SetupError: The engine has ended; holds the last lines of its log. Nothing is asked
                again then, since it does not come back by itself.
        """
        try:
            return await self.endpoint.complete(batch)
        except Unreachable as error:
            if (failure := self.engine.failure()) is not None:
                raise failure from error
            raise

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        await self.endpoint.aclose()
