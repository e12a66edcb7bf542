"""``python -m tests.stub --port 0 --latency 0.05``: prints its address and serves until killed."""

from __future__ import annotations

import argparse
import asyncio
from importlib import import_module

from tests.stub.server import Stub, running_stub
from tests.stub.texts import Responder, respond


def _responder(path: str) -> Responder:
    module, _, name = path.partition(":")
    found: Responder = getattr(import_module(module), name)
    return found


async def _serve(stub: Stub, port: int) -> None:
    async with running_stub(stub, port=port):
        print(stub.base_url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.stub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--max-n", type=int, default=128, help="most samples of one request")
    parser.add_argument("--responder", type=_responder, default=respond, help="module:function")
    options = parser.parse_args()
    stub = Stub(options.latency, options.max_n, options.responder)
    try:
        asyncio.run(_serve(stub, options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
