"""One architecture on one question: layers in order, the components of a layer side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture
from archon.core.calls import ModelCard, ModelClient
from archon.core.candidates import Answer, Candidate, LayerState
from archon.core.errors import SpecError
from archon.core.messages import Conversation, ask
from archon.core.results import Spending
from archon.runtime.context import ComponentContext, Run
from archon.runtime.failures import first_cause
from archon.runtime.slots import DEPLOYED_SLOT, SlotDealer
from archon.runtime.trace import Trace


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """What a pipeline gave for one question."""

    answer: Answer
    deployed: Spending
    """What this answer takes where nothing is stored."""
    bought: Spending
    """What was paid for now."""
    trace: Trace


class Pipeline:
    """An architecture that can run. Safe to use for many questions at once on one event loop."""

    def __init__(
        self,
        architecture: Architecture,
        client: ModelClient,
        cards: Mapping[str, ModelCard],
        *,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Build every component of the canonical form of ``architecture``.

        Args:
            architecture: What to run; equal pipelines end as the same canonical form.
            client: Where calls go.
            cards: What is known of each model, by alias.
            table: Component kinds, for plug-ins.

        Raises:
            SpecError: The architecture is not well typed; names every problem.
        """
        if problems := problems_of(architecture, table):
            raise SpecError(problems)
        self.architecture = canonical(architecture, table)
        self.id = self.architecture.pipeline_id()
        self._client = client
        self._cards = cards
        self._layers = [
            [(f"layers[{i}].{spec.kind}[{j}]", build(spec, table)) for j, spec in enumerate(layer)]
            for i, layer in enumerate(self.architecture.layers)
        ]

    async def generate(
        self,
        question: str | Conversation,
        *,
        first_slot: int = DEPLOYED_SLOT,
        trace: Trace | None = None,
    ) -> PipelineResult:
        """Answer one question.

        Args:
            question: Text, or a conversation that ends with the question.
            first_slot: Where this run's sample slots begin (``archon.runtime.slots``); runs with
                different beginnings draw different samples.
            trace: An empty one, for those who want to know how far a run came that failed.

        Raises:
            CallError: The infrastructure failed.
            BudgetExceeded: The budget does not allow a call.
        """
        conversation = ask(question) if isinstance(question, str) else question
        dealer, grown = SlotDealer(first_slot), Trace() if trace is None else trace
        run = Run(conversation, self._client, self._cards, dealer, grown)
        state = LayerState(conversation)
        try:
            for index, layer in enumerate(self._layers):
                state = await _run_layer(index, layer, state, run)
                run.trace.states.append(state)
        except ExceptionGroup as group:
            raise first_cause(group) from group
        return PipelineResult(
            answer=Answer.first_of(state),
            deployed=run.trace.deployed(self._cards),
            bought=run.trace.bought(self._cards),
            trace=run.trace,
        )


async def _run_layer(
    index: int, layer: Sequence[tuple[str, Component]], state: LayerState, run: Run
) -> LayerState:
    contexts = [ComponentContext(run, index, path, component.kind) for path, component in layer]
    if len(layer) == 1:
        return await layer[0][1].run(state, contexts[0])
    # A TaskGroup, so that a failing call cancels its siblings instead of leaving them to spend.
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(component.run(state, context))
            for (_, component), context in zip(layer, contexts, strict=True)
        ]
    return merge(state, [task.result() for task in tasks])


def merge(arrived: LayerState, results: Sequence[LayerState]) -> LayerState:
    """Join what the components of one layer made of the same state.

    A candidate that arrived stays if no component dropped or replaced it, with everything that
    any of them learnt about it; new candidates follow in the order of the components.
    """
    old = {candidate.call for candidate in arrived.candidates}
    by_call = [{c.call: c for c in result.candidates} for result in results]
    kept = [
        _join_facts(candidate, [versions[candidate.call] for versions in by_call])
        for candidate in arrived.candidates
        if all(candidate.call in versions for versions in by_call)
    ]
    new = [c for result in results for c in result.candidates if c.call not in old]
    tests = [test for result in results for test in result.unit_tests]
    extras = {name: value for result in results for name, value in result.extras}
    return replace(
        arrived,
        candidates=(*kept, *new),
        unit_tests=tuple(dict.fromkeys(tests)),
        extras=tuple(sorted(extras.items())),
    )


def _join_facts(candidate: Candidate, versions: Sequence[Candidate]) -> Candidate:
    scores = dict(pair for version in versions for pair in version.scores)
    added = [v.critique.removeprefix(candidate.critique).strip() for v in versions]
    critiques = [text for text in dict.fromkeys([candidate.critique, *added]) if text]
    verdicts = next((v.verdicts for v in versions if v.verdicts), candidate.verdicts)
    return replace(
        candidate,
        scores=tuple(sorted(scores.items())),
        critique="\n\n".join(critiques),
        verdicts=verdicts,
    )
