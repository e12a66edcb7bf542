"""What the embedded engine answers: completions and its list of models, nothing else.

vLLM asks for the API key on ``/v1`` only; ``/invocations`` and others would answer any process of
this machine. The engine loads this class by name (``--middleware``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ALLOWED = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/models"})


class AllowedRoutes:
    """ASGI middleware that answers 404 for every other route, and closes WebSockets."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in ALLOWED):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"not served by this engine"})
        else:
            await send({"type": "websocket.close", "code": 1008})
