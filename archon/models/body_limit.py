"""Bodies without an end are not read, also where another library drives the HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from archon.core.errors import BadResponse

if TYPE_CHECKING:
    import httpx

MAX_BODY_BYTES = 8 * 1024 * 1024


def body_limit(where: str) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for the responses of an ``httpx.AsyncClient``.

    Reading more than ``MAX_BODY_BYTES`` of a body then raises ``BadResponse``.

    Args:
        where: The model, for the message.
    """
    import httpx

    class Limited(httpx.AsyncByteStream):
        def __init__(self, inner: httpx.AsyncByteStream) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in self._inner:
                size += len(piece)
                if size > MAX_BODY_BYTES:
                    raise too_long(where)
                yield piece

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def limit(response: httpx.Response) -> None:
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = Limited(response.stream)

    return limit


def too_long(where: str) -> BadResponse:
    """The error of a body that is not read to its end."""
    return BadResponse(f"{where} sent more than {MAX_BODY_BYTES:,} bytes")
