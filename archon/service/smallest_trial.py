"""Can a budget pay for a single trial? Asked before anything is paid.

What is refused here is certain to buy no result: a search that ends within its first trial has
measured nothing, whatever was spent on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from archon.benchmarks.examples import Example
from archon.components.generate import Generate
from archon.core.calls import Price, Sampling
from archon.core.errors import Problem, SpecError
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS
from archon.scoring.cost import judge_cost
from archon.search.space import Dimension, components_below
from archon.service.units import count, usd
from archon.spec.dimensions import some_values
from archon.spec.job import JobSpec

_MOST_BYTES_PER_TOKEN = 8
"""Texts of any language, code and numbers have fewer; four is usual for English."""


@dataclass(frozen=True, slots=True)
class SmallestTrial:
    """The least that a trial takes: one call a question, with the shortest of replies."""

    calls: int
    tokens: int
    cost_usd: float | None
    """None where a model's price is not known."""


def smallest_trial(
    job: JobSpec, examples: Sequence[Example], prices: Mapping[str, Price]
) -> SmallestTrial:
    """Lower bounds for any pipeline of a job on its questions of the search.

    Args:
        job: The job.
        examples: The questions of one trial.
        prices: By model alias.
    """
    sizes = [_bytes(example) for example in examples]
    prompts = [size // _MOST_BYTES_PER_TOKEN for size in sizes]
    # The budget sets the worst case of a call aside before it is made: that much must be left for
    # the last one, too. The shortest question may come last.
    last_prompt = PROMPT_OVERHEAD_TOKENS + min(sizes)
    tokens: list[int] = []
    costs: list[float | None] = []
    for component in components_below(job.space.root):
        if component.kind != Generate.kind:
            continue
        longest = _least(dict(component.params).get("max_tokens"))
        tokens.append(sum(prompts) - max(prompts) + len(prompts) - 1 + last_prompt + longest)
        for model in component.models:
            price = prices.get(model)
            costs.append(None if price is None else _usd(price, sum(prompts), len(prompts)))
    known = [cost for cost in costs if cost is not None]
    n_judged = judge_cost(job.benchmark.scorer.to_data()).calls
    return SmallestTrial(
        calls=len(examples) * (1 + n_judged),
        tokens=min(tokens, default=0),
        cost_usd=min(known) if known and len(known) == len(costs) else None,
    )


def check_budget(job: JobSpec, examples: Sequence[Example], prices: Mapping[str, Price]) -> None:
    """Refuse a budget of which the search's share does not pay for one trial.

    Raises:
        SpecError: With the line of each limit that is too low.
    """
    if problems := list(_problems(job, examples, prices)):
        raise SpecError(problems)


def _problems(
    job: JobSpec, examples: Sequence[Example], prices: Mapping[str, Price]
) -> Iterator[Problem]:
    least, budget = smallest_trial(job, examples, prices), job.budget
    share = 1 - budget.held_out_share
    limits = (("calls", budget.calls), ("tokens", budget.tokens), ("usd", budget.usd))
    for name, limit in limits:
        needed = least.cost_usd if name == "usd" else getattr(least, name)
        if limit is None or needed is None or limit * share >= needed:
            continue
        written = _in_words(name, limit * share)
        yield job.source.problem(
            f"budget.{name}",
            f"a limit of {_in_words(name, limit)} does not allow a single trial: the search "
            f"has {written} of it, and a trial on {count(len(examples))} questions takes at least "
            f"{_in_words(name, needed)}.",
            f"Write {_enough(name, needed / share)} or more, or benchmark.max_search: with fewer "
            "questions.",
        )


def _in_words(name: str, value: float) -> str:
    if name == "usd":
        return usd(value)
    return f"{count(int(value))} {name.removesuffix('s') if int(value) == 1 else name}"


def _enough(name: str, value: float) -> str:
    return f"{value:.2g}" if name == "usd" else str(ceil(value))


def _least(max_tokens: Dimension | None) -> int:
    """The shortest limit of a reply that may be chosen."""
    if max_tokens is None:
        return Sampling().max_tokens
    return min(value for value in some_values(max_tokens) if isinstance(value, int))


def _bytes(example: Example) -> int:
    return sum(len(message.content.encode()) for message in example.question)


def _usd(price: Price, prompt: int, completion: int) -> float:
    return (prompt * price.input_usd_per_mtok + completion * price.output_usd_per_mtok) / 1e6
