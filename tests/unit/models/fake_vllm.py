"""Stands in for vLLM's server: one argument says how it behaves, the other is its port."""

from __future__ import annotations

import os
import sys
import time

from aiohttp import web


async def complete(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {os.environ['VLLM_API_KEY']}":
        return web.Response(status=401)
    return web.json_response({"choices": [{"text": "1"}]})


def main(behaviour: str, port: int) -> None:
    if behaviour == "fails":
        for n in range(60):
            print(f"line {n}")
        print(f"OSError: no such model, key {os.environ['VLLM_API_KEY']}")
        sys.exit(1)
    if behaviour == "silent":
        time.sleep(60)
    app = web.Application()
    app.router.add_post("/v1/completions", complete)
    web.run_app(app, host="127.0.0.1", port=port, print=lambda line: None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
