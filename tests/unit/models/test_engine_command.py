from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from archon.core.errors import SetupError
from archon.models import engine_command
from archon.models.engine_choice import Machine
from archon.models.engine_command import (
    EngineSize,
    command,
    engine_environment,
    installed_build,
    offline_environment,
    size_for,
    this_size,
)
from archon.models.secret import Secret

SIZE = EngineSize(n_threads=2, kv_cache_gib=2)
GIB = 2**30


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def test_command_serves_on_loopback_only_and_shows_no_key() -> None:
    words = command(Path("/models/small"), 4321, "cpu", SIZE)
    assert option(words, "--host") == "127.0.0.1"
    assert option(words, "--port") == "4321"
    assert option(words, "--max-num-seqs") == "64"
    assert option(words, "--middleware") == "archon.models.engine_routes.AllowedRoutes"
    assert "--enforce-eager" in words
    assert not {"--api-key", "--trust-remote-code", "--seed"} & set(words)


def test_cuda_build_replays_its_decoding_and_compiles_nothing() -> None:
    words = command(Path("/models/small"), 4321, "cuda", this_size("cuda"))
    assert "--enforce-eager" not in words
    config = json.loads(option(words, "--compilation-config"))
    assert config == {"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY"}
    assert option(words, "--max-num-seqs") == "256"
    assert "--compilation-config" not in command(Path("/m"), 4321, "cpu", SIZE)


@pytest.mark.engine
def test_options_of_the_cuda_build_are_known_to_the_pinned_vllm() -> None:
    """Its CPU build reads the same options; what the graphs do only a GPU shows."""
    asked = command(Path("/models/small"), 4321, "cuda", this_size("cuda"))
    words = asked[asked.index("--model") :]
    ran = subprocess.run(
        [sys.executable, "-c", PARSE, *words], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split() == ["256", "FULL_DECODE_ONLY", "NONE"]


PARSE = """
import sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
read = make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[1:])
config = read.compilation_config
print(read.max_num_seqs, config.cudagraph_mode.name, config.mode.name)
"""


def test_engine_is_given_no_secret_of_the_user() -> None:
    given = {"OPENAI_API_KEY": "sk-CANARY", "AWS_SECRET_ACCESS_KEY": "CANARY", "PATH": "/bin"}
    offline = offline_environment(given, Path("/cache"))
    assert "CANARY" not in repr(engine_environment(offline, "cpu", SIZE, Secret("its-own")))
    assert offline["PATH"] == "/bin"
    assert offline["HOME"] == "/cache"
    assert offline["HF_HUB_OFFLINE"] == "1"


def test_gpu_settings_of_the_user_reach_the_engine() -> None:
    given = {"CUDA_VISIBLE_DEVICES": "1", "LD_LIBRARY_PATH": "/opt/driver"}
    assert offline_environment(given, Path("/cache")).items() >= given.items()


def test_cpu_variables_stay_away_from_the_cuda_build() -> None:
    cpu = engine_environment({}, "cpu", SIZE, Secret("k"))
    assert (cpu["OMP_NUM_THREADS"], cpu["VLLM_CPU_KVCACHE_SPACE"]) == ("2", "2")
    cuda = engine_environment({}, "cuda", SIZE, Secret("k"))
    assert not {"OMP_NUM_THREADS", "VLLM_CPU_KVCACHE_SPACE"} & cuda.keys()


def test_cuda_build_starts_where_no_cuda_compiler_is() -> None:
    cuda = engine_environment({}, "cuda", SIZE, Secret("k"))
    assert cuda["VLLM_USE_FLASHINFER_SAMPLER"] == "0"
    assert "VLLM_USE_FLASHINFER_SAMPLER" not in engine_environment({}, "cpu", SIZE, Secret("k"))


@pytest.mark.parametrize(
    ("n_cores", "memory_bytes", "size"),
    [
        pytest.param(2, 24 * GIB, EngineSize(2, 2, 64), id="laptop"),
        pytest.param(1, 4 * GIB, EngineSize(1, 1, 16), id="small"),
        pytest.param(128, 512 * GIB, EngineSize(16, 2, 64), id="server"),
    ],
)
def test_engine_takes_what_the_machine_has(
    n_cores: int, memory_bytes: int, size: EngineSize
) -> None:
    assert size_for(n_cores, memory_bytes) == size


@pytest.mark.parametrize(
    ("installed", "build"), [("vllm-cpu", "cpu"), ("vllm", "cuda")], ids=["cpu", "cuda"]
)
def test_build_is_the_one_that_is_installed(
    installed: str, build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        if package != installed:
            raise metadata.PackageNotFoundError(package)
        return "0.32.0"

    monkeypatch.setattr(engine_command.metadata, "version", version)
    assert installed_build() == build


@pytest.mark.parametrize(
    ("system", "advice"), [("Linux", "make quickstart"), ("Darwin", "no wheel for macOS")]
)
def test_missing_vllm_says_what_to_do(
    system: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(engine_command.metadata, "version", version)
    machine = Machine(system, "x86_64", has_nvidia_gpu=False)
    monkeypatch.setattr(engine_command, "this_machine", lambda: machine)
    with pytest.raises(SetupError, match="vLLM is not installed") as failure:
        installed_build()
    assert advice in str(failure.value)
