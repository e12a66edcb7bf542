"""What is allowed in a job, and doubtful: said before it is paid for."""

from __future__ import annotations

from importlib.util import find_spec

from archon.core.architecture import ParamValue
from archon.models.litellm import takes_temperature
from archon.search.space import Dimension, Fixed, Node, components_below
from archon.service.settings import keep_litellm_at_home
from archon.spec.job import JobSpec

_MADE_UP = (
    "simulated, with prices and times: {}. Nothing that is found here says anything of real models."
)
_NO_RACE = (
    "racing: has no effect on the sampler gain, which decides block by block what to look at. "
    "Leave it out, or take another sampler."
)
_SAME_ANSWERS = (
    "deterministic: the same answers of the models give the same trials, front and exported file. "
    "Whether a model answers alike twice is up to its server. Times differ, and "
    "are not exported; what follows a fault, or a held-out run that the budget cuts short, may too."
)


def notes_on(job: JobSpec) -> tuple[str, ...]:
    """Sentences for the user; LiteLLM is asked where it is installed."""
    simulated = [repr(model.alias) for model in job.models if model.backend == "simulated"]
    said: tuple[str, ...] = (_MADE_UP.format(", ".join(simulated)),) if simulated else ()
    if job.sampler == "gain" and "racing" in job.source.data:
        said += (_NO_RACE,)
    if job.is_deterministic and job.has_real_times:
        said += (_SAME_ANSWERS,)
    hosted = [model for model in job.models if model.backend == "litellm"]
    if not hosted or find_spec("litellm") is None:
        return said
    keep_litellm_at_home()
    varied = _varied(job.space.root)
    return said + tuple(
        f"the model {model.alias!r} ({model.model}) takes no temperature, and the space varies it: "
        "pipelines that differ in nothing else are equal, and each is paid for. Leave its "
        "temperature out, or take another model."
        for model in hosted
        if model.alias in varied and not takes_temperature(model.model)
    )


def _varied(root: Node) -> set[str]:
    """Aliases of the models that a space asks at more than one temperature for the same thing."""
    met: dict[tuple[str, str], set[ParamValue]] = {}
    varied: set[str] = set()
    for component in components_below(root):
        for alias in component.models:
            temperature: Dimension | None = dict(component.params).get("temperature")
            if isinstance(temperature, Fixed):
                met.setdefault((component.kind, alias), set()).add(temperature.value)
            elif temperature is not None:
                varied.add(alias)
    return varied | {alias for (_, alias), values in met.items() if len(values) > 1}
