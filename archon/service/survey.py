"""What recorded calls say of a pipeline and of its variants on the held-out questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.core.architecture import Architecture
from archon.core.candidates import LayerState
from archon.explain.gaps import Amounts, Asking, calls_left, leading, mean_calls, priced
from archon.explain.judging import Judging, judgings_of
from archon.explain.stages import Stage
from archon.explain.variants import Variant, variants_of
from archon.models.wire import BYTES_PER_TOKEN
from archon.runtime.trace import Trace
from archon.scoring.cost import judge_cost
from archon.search.ceiling import Ceiling, sizes_of
from archon.search.lengths import USUAL
from archon.search.objectives import Objective, score_of
from archon.service.replay import Replay, Replayer
from archon.service.subject import Subject

CANDIDATES = "candidates"
"""Stands in ``Tried`` for the scores of candidates that are no answers."""

Tried = Mapping[str, Collection[str]]
"""By pipeline id (or ``CANDIDATES``), the questions whose missing calls were bought or failed."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not known for want of calls."""

    questions: tuple[str, ...]
    about: Amounts
    """What they would take in all."""


@dataclass(frozen=True, slots=True)
class Runs:
    """One pipeline on the questions, as far as it is known."""

    architecture: Architecture
    replays: Mapping[str, Replay]
    """By example id, in the order of the questions."""
    usable: tuple[str, ...]
    """The questions with a score that say something of all: it is no outcome of theirs that made
    them known."""
    gap: Gap | None
    """None where nothing is missing."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A pipeline and its variants, as far as they are known."""

    base: Runs
    variants: tuple[tuple[Variant, Runs], ...]
    judgings: tuple[tuple[Judging, Runs], ...]
    """Each layer that judges candidates, with the runs in which it keeps them all."""
    stages: Mapping[str, tuple[Stage, ...]]
    """By example id, for usable questions: what each layer left."""
    scores: Mapping[str, Mapping[str, float]]
    """By example id, for the same questions: the score of each candidate's text."""
    candidates_gap: Gap | None
    """Scores of candidates that are no answers; only where a model is asked for them."""

    @property
    def others(self) -> tuple[Runs, ...]:
        """The runs besides those of the pipeline itself."""
        return tuple(runs for _, runs in (*self.variants, *self.judgings))

    @property
    def has_gaps(self) -> bool:
        """Whether more could be known if more were bought."""
        gaps = (self.candidates_gap, self.base.gap, *(runs.gap for runs in self.others))
        return any(gap is not None for gap in gaps)


async def survey(subject: Subject, replayer: Replayer, tried: Tried) -> Survey:
    """Replay a pipeline and its variants; nothing is bought.

    Args:
        subject: What is explained.
        replayer: From recorded calls.
        tried: What was bought for this before.
    """
    looker = _Looker(subject, replayer, tried)
    base = await looker.runs(subject.architecture, subject.examples)
    counted = [base.replays[i].example for i in base.usable]
    variants = [
        (variant, await looker.runs(variant.architecture, counted))
        for variant in variants_of(subject.architecture)
    ]
    judgings = [
        (judging, await looker.runs(judging.architecture, counted))
        for judging in judgings_of(subject.architecture)
    ]
    scores, gap = await looker.scores([base.replays[i] for i in base.usable])
    stages = {i: looker.stages_of(base.replays[i].trace, scores[i]) for i in scores}
    return Survey(base, tuple(variants), tuple(judgings), stages, scores, gap)


class _Looker:
    """Looks at one pipeline after the other; the first is the one that is explained."""

    def __init__(self, subject: Subject, replayer: Replayer, tried: Tried) -> None:
        self._subject = subject
        self._replayer = replayer
        self._tried = tried
        self._means: dict[Asking, Amounts] = {}
        sizes = sizes_of(
            subject.architecture,
            question_tokens=fmean(map(_tokens, subject.examples)) if subject.examples else 0.0,
            prices={alias: card.price for alias, card in replayer.cards.items()},
            judge=judge_cost(subject.job.benchmark.scorer.to_data()),
            lengths=USUAL,
        )
        likely = _amounts(sizes.pipeline).times(1 / max(1, sizes.pipeline.calls))
        self._usual = subject.usual_call or likely
        self._judge = _amounts(sizes.judge)

    async def runs(self, architecture: Architecture, examples: Sequence[Example]) -> Runs:
        """One pipeline on these questions."""
        replays = {r.example.id: r for r in await self._replayer.run(architecture, examples)}
        is_subject = architecture == self._subject.architecture
        if is_subject:
            self._means = mean_calls([r.trace for r in replays.values()], self._replayer.cards)
        known = {i for i, replay in replays.items() if not replay.is_missing}
        tried = self._tried.get(architecture.pipeline_id(), ())
        fair = self._fair(tuple(replays), known, tried)
        if is_subject and self._subject.has_run:
            fair = known  # what cannot be replayed is damaged, or of another version
        left = [r for i, r in replays.items() if r.is_missing and i not in tried]
        return Runs(
            architecture=architecture,
            replays=replays,
            usable=tuple(i for i in replays if i in fair and _has_score(replays[i])),
            gap=self._gap(architecture, left) if left else None,
        )

    async def scores(
        self, replays: Sequence[Replay]
    ) -> tuple[dict[str, dict[str, float]], Gap | None]:
        """By question the score of each candidate's text, where every one of them has a score."""
        found: dict[str, dict[str, float]] = {}
        unscored: list[str] = []
        n_missing: dict[str, int] = {}
        for replay in replays:
            texts = {c.text for state in replay.trace.states for c in state.candidates}
            scores = {text: await self._replayer.score(replay.example, text) for text in texts}
            if n := sum(scored.is_missing for scored in scores.values()):
                n_missing[replay.example.id] = n
            elif any(scored.value is None for scored in scores.values()):
                unscored.append(replay.example.id)
            else:
                found[replay.example.id] = {t: one.value or 0.0 for t, one in scores.items()}
        order = tuple(replay.example.id for replay in replays)
        tried = self._tried.get(CANDIDATES, ())
        fair = self._fair(order, {*found, *unscored}, tried)
        left = [i for i in n_missing if i not in tried]
        about = self._judge.times(sum(n_missing[i] for i in left))
        return (
            {i: scores for i, scores in found.items() if i in fair},
            Gap(tuple(left), about) if left else None,
        )

    def stages_of(self, trace: Trace, scores: Mapping[str, float]) -> tuple[Stage, ...]:
        """What each layer left on one question, and took."""
        return tuple(
            Stage(_scores(state, scores), self._took(trace, layer))
            for layer, state in enumerate(trace.states)
        )

    def _fair(
        self, order: Sequence[str], known: Collection[str], tried: Collection[str]
    ) -> Collection[str]:
        """The known questions, where it is no outcome of theirs that made them known."""
        if all(i in known for i in order):
            return known
        if not tried:
            return ()
        by_id = {example.id: example for example in self._subject.examples}
        cut = blocks([by_id[i] for i in order], self._subject.job.block_size)
        ids = [[example.id for example in block] for block in cut]
        return {i for i in leading(ids, {*known, *tried}) if i in known}

    def _gap(self, architecture: Architecture, left: Sequence[Replay]) -> Gap:
        about = self._judge.times(len(left))
        for replay in left:
            calls = calls_left(architecture, replay.trace)
            about += priced(calls, self._means, self._usual)
        return Gap(tuple(replay.example.id for replay in left), about)

    def _took(self, trace: Trace, layer: int) -> dict[Objective, float]:
        part = Trace(calls=[call for call in trace.calls if call.layer == layer])
        took = part.deployed(self._replayer.cards)
        return {
            "cost": took.cost_nusd / 1e9,
            "calls": float(took.calls),
            "tokens": float(took.tokens),
            "latency": took.latency_s,
        }


def _has_score(replay: Replay) -> bool:
    return replay.result is not None and score_of(replay.result) is not None


def _scores(state: LayerState, scores: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(scores[candidate.text] for candidate in state.candidates)


def _amounts(ceiling: Ceiling) -> Amounts:
    return Amounts(ceiling.calls, ceiling.tokens, ceiling.cost_usd or 0.0)


def _tokens(example: Example) -> float:
    return sum(len(message.content.encode()) for message in example.question) / BYTES_PER_TOKEN
