"""A job file with some of its entries replaced from the command line.

The replaced job is a job like any other: what is wrong with it is found by the same checks, and
another model, seed or number of trials makes another study.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from archon.core.errors import SpecError
from archon.spec.yaml_source import Document


@dataclass(frozen=True, slots=True)
class Overrides:
    """What to replace; None and "" leave the file as it is."""

    model: str = ""
    """Takes the place of the file's model: as LiteLLM writes it, or as the server at ``url``."""
    url: str = ""
    key_env: str = ""
    trials: int | None = None
    seed: int | None = None


def overridden(document: Document, overrides: Overrides) -> Document:
    """The document with the overrides in it.

    Raises:
        SpecError: They do not fit the file.
    """
    data = copy.deepcopy(document.data)
    if overrides.trials is not None:
        budget = data.setdefault("budget", {})
        if isinstance(budget, dict):
            budget["trials"] = overrides.trials
    if overrides.seed is not None:
        data["seed"] = overrides.seed
    if overrides.model or overrides.url or overrides.key_env:
        _replace_model(document, data, overrides)
    return replace(document, data=data)


def _replace_model(document: Document, data: dict[str, object], overrides: Overrides) -> None:
    if not overrides.model:
        given = "--url" if overrides.url else "--key-env"
        raise SpecError(f"{given} goes with --model, the name of a model.")
    models = data.get("models")
    if not isinstance(models, dict) or not models:
        return  # the reader of the job says what is wrong
    embedded = [a for a, entry in models.items() if isinstance(entry, dict) and "engine" in entry]
    replaceable = embedded or (list(models) if len(models) == 1 else [])
    if len(replaceable) != 1:
        message = f"--model replaces one model, and this file has {len(models)}."
        raise SpecError([document.problem("models", message, "Change the file instead.")])
    written = {"url": overrides.url, "model": overrides.model}
    entry: dict[str, object] = dict(written) if overrides.url else {"litellm": overrides.model}
    if overrides.key_env:
        entry["key_env"] = overrides.key_env
    data["models"] = {**models, replaceable[0]: entry}
