from __future__ import annotations

from typing import Any

import pytest

from archon.models.engine_routes import AllowedRoutes


async def passes(scope: dict[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the request reached the engine, and what was sent instead."""
    reached: list[str] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    await AllowedRoutes(app)(scope, receive, send)
    return bool(reached), sent


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/models"])
async def test_completions_and_models_are_served(path: str) -> None:
    assert await passes({"type": "http", "path": path}) == (True, [])


@pytest.mark.parametrize(
    "path", ["/invocations", "/tokenize", "/metrics", "/docs", "/v1/models/../../invocations", "/"]
)
async def test_any_other_route_is_not_there(path: str) -> None:
    reached, sent = await passes({"type": "http", "path": path})
    assert not reached
    assert sent[0]["status"] == 404


async def test_websockets_are_closed_and_the_lifespan_goes_through() -> None:
    reached, sent = await passes({"type": "websocket", "path": "/v1/realtime"})
    assert not reached
    assert sent[0]["type"] == "websocket.close"
    assert (await passes({"type": "lifespan"}))[0]
