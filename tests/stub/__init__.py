"""A scripted model endpoint for tests and benchmarks: OpenAI's and Anthropic's wire formats.

In a test::

    async with running_stub(Stub()) as stub:
        stub.script("small", "429:2", "ok")
        client = OpenAIEndpoint(stub.base_url, "small")

As a process: ``python -m tests.stub --port 0 --latency 0.05`` prints its address.
"""

from tests.stub.server import Stub, running_stub

__all__ = ["Stub", "running_stub"]
