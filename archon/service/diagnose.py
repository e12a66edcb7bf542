"""What is here and what is not: the machine, packages, folders, the database, a file's models."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import aiohttp

from archon.core.errors import ArchonError, SetupError, StoreError
from archon.models.engine_choice import choose, this_machine
from archon.models.engine_command import installed_build
from archon.models.engine_weights import packaged_model
from archon.models.failures import scrubbed
from archon.models.openai_endpoint import IS_IT_UP, not_connected
from archon.service.needs import FOLLOWS_REDIRECTS, keeps_key, needs_of
from archon.service.settings import Settings
from archon.spec.model_spec import ModelSpec
from archon.store.opening import schema_status

State = Literal["ok", "absent", "missing", "wrong"]
"""absent: not here, and not needed; missing, wrong: something needs it."""

ENDPOINT_TIMEOUT_S = 5.0
_EXTRAS = (
    ("hosted models", "litellm", "hosted"),
    ("PostgreSQL", "psycopg", "postgres"),
    ("Hugging Face data sets", "datasets", "datasets"),
    ("IFEval's checks", "if-verifiable", "ifeval"),
)
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    detail: str
    remedy: str = ""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


async def diagnose(settings: Settings, models: Iterable[ModelSpec] = ()) -> tuple[Finding, ...]:
    """Look at everything; nothing is changed and no completion is asked for.

    Args:
        settings: Where keys and folders are.
        models: Those of a file, whose keys and endpoints are looked at too.
    """
    used = tuple(models)
    endpoints = await asyncio.gather(
        *(_endpoint(model, settings) for model in used if model.backend == "url")
    )
    return (
        _machine(),
        _engine(),
        *(_extra(*extra) for extra in _EXTRAS),
        _folder("data folder", settings.data_dir, "ARCHON_DATA_DIR"),
        _folder("cache folder", settings.cache_dir, "ARCHON_CACHE_DIR"),
        _database(settings),
        *(finding for model in used for finding in _model(model, settings)),
        *endpoints,
    )


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIB:.0f} GiB"
    detail = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
    return Finding("machine", "ok", f"{detail}{cores} cores{memory}; {sys.executable}")


def _engine() -> Finding:
    choice = choose(this_machine())
    try:
        build = installed_build()
        model, version = packaged_model()
    except SetupError as error:
        return Finding("embedded engine", "absent", choice.reason.splitlines()[0], str(error))
    detail = f"vLLM's {build.upper()} build, {model.stem} {version}"
    if choice.build not in (build, "cuda"):
        return Finding("embedded engine", "wrong", detail, choice.reason)
    return Finding("embedded engine", "ok", detail)


def _extra(what: str, package: str, extra: str) -> Finding:
    try:
        return Finding(what, "ok", f"{package} {metadata.version(package)}")
    except metadata.PackageNotFoundError:
        return Finding(what, "absent", f"no {package}", f"pip install 'archon[{extra}]'")


def _folder(what: str, path: Path, variable: str) -> Finding:
    nearest = next((p for p in (path, *path.parents) if p.exists()), path)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(what, "ok", str(path))
    remedy = f"Set {variable} to a folder that you may write to."
    return Finding(what, "wrong", f"{path} cannot be written", remedy)


def _database(settings: Settings) -> Finding:
    try:
        found = schema_status(settings.database_url.reveal())
    except (SetupError, StoreError) as error:
        return Finding("database", "wrong", str(error), "See ARCHON_DATABASE_URL.")
    if found.found is None:
        return Finding("database", "ok", f"{found.url}, nothing stored yet")
    if not found.is_current:
        detail = f"{found.url} has schema {found.found}; this version needs {found.newest}"
        return Finding("database", "wrong", detail, "Run: archon db upgrade")
    return Finding("database", "ok", f"{found.url}, schema {found.found}")


def _model(model: ModelSpec, settings: Settings) -> tuple[Finding, ...]:
    name = f"model {model.alias}"
    needs = needs_of(model, settings)
    missing = tuple(
        Finding(name, "missing", f"needs {need.what.partition(' (')[0]}", need.remedy)
        for need in needs
        if not need.is_here
    )
    if missing or model.backend == "url":
        return missing
    if model.backend == "simulated":
        return (Finding(name, "ok", f"simulated: {model.model}"),)
    here = ", ".join(need.what.partition(" (")[0] for need in needs)
    doubt = "" if keeps_key(model) else f". {FOLLOWS_REDIRECTS}"
    return (Finding(name, "ok", f"{model.backend} {model.model}: {here}{doubt}"),)


async def _endpoint(model: ModelSpec, settings: Settings) -> Finding:
    """Whether an endpoint answers and serves the model; asks for its list of models only."""
    name, url = f"model {model.alias}", f"{model.url}/models"
    secret = settings.secret(model.key_env) if model.key_env else None
    headers = {"Authorization": f"Bearer {secret.reveal()}"} if secret is not None else {}
    timeout = aiohttp.ClientTimeout(total=ENDPOINT_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            status, body = response.status, await response.json(content_type=None)
    except TimeoutError:
        detail = f"{url} gave no answer within {ENDPOINT_TIMEOUT_S:g} s"
        return Finding(name, "wrong", detail, IS_IT_UP)
    except aiohttp.ClientConnectorError as error:
        return Finding(name, "wrong", f"{url}: {not_connected(error)}", IS_IT_UP)
    except (aiohttp.ClientError, ValueError) as error:
        said = scrubbed(str(error) or type(error).__name__, secret)
        return Finding(name, "wrong", f"{url}: {said}", IS_IT_UP)
    if status in (401, 403):
        key = f"its key ({model.key_env})" if model.key_env else "a key: write key_env"
        return Finding(name, "wrong", f"{url} answers {status}", f"It wants {key}.")
    if status == 404:
        return Finding(name, "ok", f"{model.url} answers; it does not list its models")
    if status != 200:
        return Finding(name, "wrong", f"{url} answers {status}", IS_IT_UP)
    served = _served(body)
    if served and model.model not in served:
        listed = ", ".join(sorted(served)[:5])
        return Finding(name, "wrong", f"{url} serves {listed}", f"It has no {model.model!r}.")
    return Finding(name, "ok", f"{model.model} at {model.url}")


def _served(body: object) -> set[str]:
    listed = body.get("data") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        return set()
    return {str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry}


def worst_of(findings: Iterable[Finding]) -> ArchonError | None:
    """The error that a command ends with, or None where nothing that is needed is missing."""
    bad = [f"{f.what}: {f.detail}" for f in findings if f.state in ("missing", "wrong")]
    return SetupError("; ".join(bad)) if bad else None
