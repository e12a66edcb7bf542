"""The direction of imports, who may import what, and what importing Archon costs.

Read from the source: imports inside functions and under ``TYPE_CHECKING`` count, and so does a
module that is imported by its name as a string.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from archon.components.table import COMPONENTS

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "core prompts components runtime models benchmarks scoring world search explain store cluster "
    "spec service cli testing"
)
RANK = {package: rank for rank, package in enumerate(ORDER.split())}

ONLY_IN: dict[str, tuple[str, ...]] = {
    "alembic": ("archon/store/",),
    "datasets": ("archon/benchmarks/hub.py",),
    "fastapi": ("archon/service/",),
    "if_verifiable": ("archon/scoring/ifeval_checks.py",),
    "langdetect": ("archon/scoring/ifeval_checks.py",),
    "litellm": ("archon/models/litellm.py", "archon/models/prices.py"),
    "math_verify": ("archon/scoring/math_checks.py",),
    "nltk": ("archon/scoring/ifeval_checks.py",),
    "optuna": ("archon/search/samplers/", "archon/service/export_optuna.py"),
    "platformdirs": ("archon/service/settings.py",),
    "plotly": ("dashboards/",),
    "psycopg": ("archon/store/", "archon/testing/"),
    "pydantic_settings": ("archon/service/settings.py",),
    "pytest": ("archon/testing/",),
    "ray": ("archon/cluster/",),
    "rich": ("archon/cli/",),
    "sqlalchemy": ("archon/store/",),
    "streamlit": ("dashboards/",),
    "tests": (),
    "tools": (),
    "torch": (),  # only the engine's own process has it
    "transformers": ("archon/models/engine_convert.py",),
    "typer": ("archon/cli/",),
    "vllm": (),  # a process of its own, reached through its endpoint
    "yaml": ("archon/spec/",),
}
"""The files of Archon that may import a package; one not named here may be imported anywhere."""

CORE_MAY_NOT = {"asyncio", "os", "pathlib", "random", "secrets", "socket", "subprocess", "time"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "expandvars"}
ENVIRONMENT_IS_READ_IN = {"archon/service/settings.py"}
BOUNDARIES = {"archon/search/evaluate.py", "archon/scoring/base.py", "archon/scoring/worker.py"}
"""Example, scorer and worker: where any exception becomes a recorded result."""
SLOW = {"litellm", "optuna", "ray", "sqlalchemy", "streamlit", "torch", "transformers", "vllm"}
OPTIONAL = {"datasets", "if_verifiable", "litellm", "ray", "streamlit", "torch", "vllm"}
MOST_IMPORT_S = 0.3


@cache
def sources(folder: str) -> dict[str, ast.Module]:
    """The parsed files below a folder, by their path from the root."""
    return {
        file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted((ROOT / folder).rglob("*.py"))
    }


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a source imports, with the names that it takes from it: ``a.b.name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            yield from (text for arg in node.args for text in texts_in(arg))


def called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def texts_in(tree: ast.AST) -> list[str]:
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def roots(tree: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in imported(tree)}


def upward_imports(file: str, tree: ast.AST) -> list[str]:
    parts = [name.split(".") for name in imported(tree)]
    used = [part[1] for part in parts if part[0] == "archon" and len(part) > 1]
    return [name for name in used if RANK[name] > RANK[file.split("/")[1]]]


def foreign_imports(file: str, tree: ast.AST) -> list[str]:
    known = roots(tree) & ONLY_IN.keys()
    return sorted(root for root in known if not file.startswith(ONLY_IN[root]))


def core_imports(file: str, tree: ast.AST) -> list[str]:
    allowed = (set(sys.stdlib_module_names) | {"archon"}) - CORE_MAY_NOT
    return sorted(roots(tree) - allowed) if file.startswith("archon/core/") else []


def environment_reads(file: str, tree: ast.AST) -> list[str]:
    if file in ENVIRONMENT_IS_READ_IN:
        return []
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    taken = {name.removeprefix("os.") for name in imported(tree) if name.startswith("os.")}
    return sorted((names | taken) & ENVIRONMENT)


def broad_excepts(file: str, tree: ast.AST) -> list[str]:
    """Handlers that swallow whatever it is; cleaning up and raising again is none of them."""
    if file in BOUNDARIES:
        return []
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    caught = {handler: ast.unparse(handler.type or ast.Name("")) for handler in handlers}
    broad = [h for h in handlers if re.search(r"^$|\b(Base)?Exception\b", caught[h])]
    return [f"line {h.lineno}" for h in broad if not isinstance(h.body[-1], ast.Raise)]


RULES: dict[str, Callable[[str, ast.AST], list[str]]] = {
    "upward": upward_imports,
    "foreign": foreign_imports,
    "core": core_imports,
    "environment": environment_reads,
    "broad except": broad_excepts,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_source_of_archon_keeps_the_rule(rule: Callable[[str, ast.AST], list[str]]) -> None:
    files = {name: tree for name, tree in sources("archon").items() if name.count("/") > 1}
    assert len(files) > 100
    found = [f"{file}: {what}" for file, tree in files.items() for what in rule(file, tree)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "file", "source", "found"),
    [
        pytest.param("upward", "core/a", "from archon.search import study", ["search"], id="up"),
        pytest.param("upward", "core/a", "from archon import cli", ["cli"], id="package"),
        pytest.param("upward", "spec/a", "def f():\n    import archon.cli.b", ["cli"], id="lazy"),
        pytest.param(
            "upward", "spec/a", "if TYPE_CHECKING:\n    import archon.cli", ["cli"], id="types"
        ),
        pytest.param("upward", "spec/a", "import_module('archon.cli')", ["cli"], id="by name"),
        pytest.param("upward", "cli/a", "import archon.core.calls", [], id="down"),
        pytest.param("foreign", "search/study", "import optuna.trial", ["optuna"], id="optuna"),
        pytest.param("foreign", "search/samplers/tpe", "import optuna", [], id="sampler"),
        pytest.param("foreign", "core/a", "from tests.stub import x", ["tests"], id="tests"),
        pytest.param("foreign", "models/a", "import vllm", ["vllm"], id="vllm"),
        pytest.param("core", "core/a", "import numpy, json, time", ["numpy", "time"], id="core"),
        pytest.param("core", "spec/a", "import time", [], id="not core"),
        pytest.param("environment", "cli/a", "os.environ['X']", ["environ"], id="environ"),
        pytest.param("environment", "cli/a", "from os import getenv", ["getenv"], id="getenv"),
        pytest.param("environment", "service/settings", "os.environ", [], id="settings"),
        pytest.param(
            "broad except", "cli/a", "try: f()\nexcept Exception: pass", ["line 2"], id="broad"
        ),
        pytest.param("broad except", "cli/a", "try: f()\nexcept: pass", ["line 2"], id="bare"),
        pytest.param(
            "broad except", "cli/a", "try: f()\nexcept BaseException: raise", [], id="cleaning up"
        ),
        pytest.param("broad except", "cli/a", "try: f()\nexcept OSError: pass", [], id="narrow"),
    ],
)
def test_rule_sees_what_breaks_it(rule: str, file: str, source: str, found: list[str]) -> None:
    assert RULES[rule](f"archon/{file}.py", ast.parse(source)) == found


def test_every_package_of_archon_has_its_place_in_the_order() -> None:
    packages = {name.split("/")[1] for name in sources("archon") if name.count("/") > 1}
    assert packages <= RANK.keys()


def test_bootstrap_needs_nothing_but_python() -> None:
    found = {name.rsplit(".", 1)[0] for name in imported(sources("tools")["tools/bootstrap.py"])}
    others = {name for name in found if name.split(".")[0] not in sys.stdlib_module_names}
    assert others == {"archon.models.engine_choice"}


@pytest.mark.parametrize("kind", COMPONENTS)
def test_component_has_its_tests_under_its_own_name(kind: str) -> None:
    package, name = COMPONENTS[kind].__module__.rsplit(".", 1)
    assert package == "archon.components"
    assert (ROOT / f"tests/unit/components/test_{name}.py").is_file()


def prompt_patterns() -> list[tuple[str, set[str]]]:
    """What is loaded by files that take ``load`` from the prompts: a pattern, and their texts."""
    found = []
    for tree in sources("archon").values():
        if "archon.prompts.load" not in set(imported(tree)):
            continue
        texts = set(texts_in(tree))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        loads = [call.args[0] for call in calls if called(call) == "load" and call.args]
        found += [(pattern_of(argument), texts) for argument in loads]
    return found


def pattern_of(argument: ast.expr) -> str:
    """A name as it stands; a group in place of each value that is only known when it runs."""
    if isinstance(argument, ast.Constant):
        return re.escape(str(argument.value))
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return "".join(pattern_of(p) if isinstance(p, ast.Constant) else "(.+)" for p in parts)


def is_loaded(prompt: str, pattern: str, texts: set[str]) -> bool:
    """Whether the pattern is the prompt's name, each of its values standing in the same file."""
    match = re.fullmatch(pattern, prompt)
    return match is not None and texts.issuperset(match.groups())


PROMPTS = sorted(file.stem for file in (ROOT / "archon/prompts").glob("*.txt"))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompt_is_used(prompt: str) -> None:
    assert any(is_loaded(prompt, pattern, texts) for pattern, texts in prompt_patterns())


def test_every_prompt_that_is_loaded_is_there() -> None:
    patterns = [pattern for pattern, _ in prompt_patterns()]
    assert patterns
    assert not [p for p in patterns if not any(re.fullmatch(p, prompt) for prompt in PROMPTS)]


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", *options, "-c", code]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended


def import_times() -> dict[str, float]:
    """Seconds until each module was there, what it imports included, in a fresh Python."""
    lines = run("import archon", "-X", "importtime").stderr.splitlines()
    rows = [line.split("|") for line in lines if line.count("|") == 2]
    return {name.strip(): int(time) / 1e6 for _, time, name in rows if time.strip().isdigit()}


def test_import_of_archon_is_quick_and_brings_nothing_heavy() -> None:
    runs = [import_times() for _ in range(5)]
    assert not {name.split(".")[0] for name in runs[0]} & SLOW
    assert min(times["archon"] for times in runs) < MOST_IMPORT_S


@pytest.mark.parametrize("module", ["archon.scoring.table", "archon.spec.job"])
def test_what_reads_schemas_is_not_there_before_a_job_has_one(module: str) -> None:
    modules = run(f"import sys, {module}; print(*sys.modules)").stdout.split()
    assert module in modules
    assert not {name for name in modules if name.split(".")[0] in ("jsonschema", "referencing")}


EFFECTS = """
import logging, os, pkgutil, sys, threading

seen = []
def watch(event, arguments):
    if event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.fork"):
        seen.append(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(f"{event} {arguments}")

import archon
names = [m.name for m in pkgutil.walk_packages(archon.__path__, "archon.")]
names = [n for n in names if ".migrations." not in n and n != "archon.scoring.ifeval_checks"]
before = dict(os.environ)
sys.addaudithook(watch)
for name in names:
    __import__(name)
    if len(seen) or threading.active_count() > 1 or os.environ != before or logging.root.handlers:
        sys.exit(f"importing {name} has effects: {seen}")
print(*sys.modules)
"""


def test_import_of_any_module_has_no_effects_and_brings_nothing_optional() -> None:
    modules = {name.split(".")[0] for name in run(EFFECTS).stdout.split()}
    assert "sqlalchemy" in modules
    assert not modules & OPTIONAL
