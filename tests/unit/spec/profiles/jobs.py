"""Jobs whose space is a profile."""

from __future__ import annotations

import yaml

from archon.search.space import Space
from archon.spec.job import JobSpec, read_job
from archon.spec.yaml_source import parse_document


def profile_job(text: str, *, n_models: int = 3, **changes: object) -> JobSpec:
    """A job whose section ``space:``, from line 2 on, is ``text``, with models m0, m1, ...

    ``changes`` are its other entries.
    """
    rest: dict[str, object] = {
        "benchmark": {"builtin": "keywords", "scorer": {"kind": "keywords"}},
        "models": {
            f"m{i}": {"url": f"http://localhost:{i}/v1", "model": "m"} for i in range(n_models)
        },
        "budget": {"trials": 10},
    }
    lines = [f"  {line}" for line in text.strip().splitlines()]
    whole = "\n".join(["space:", *lines, yaml.safe_dump(rest | changes)])
    return read_job(parse_document(whole.encode(), "job.yaml"))


def paper_space(options: str = "", *, n_models: int = 3) -> Space:
    """The profile ``paper``, the options from line 4 on, m0 the best model."""
    models = ", ".join(f"m{i}" for i in range(n_models))
    return profile_space(f"profile: paper\nmodels: [{models}]\n{options}", n_models=n_models)


def profile_space(text: str, *, n_models: int = 3) -> Space:
    """The space of such a job."""
    return profile_job(text, n_models=n_models).space
