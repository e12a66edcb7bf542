"""One trial, and one question of a trial, with everything that is known of them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from archon.core.calls import CallKey
from archon.core.errors import NotFound
from archon.core.records import (
    HELD_OUT_SPLIT,
    SEARCH_SPLIT,
    CallRow,
    QuestionRow,
    StudyReader,
    TrialRow,
)
from archon.core.results import ExampleResult, Spending
from archon.service.report import StudyReport, TrialLine
from archon.spec.pipeline_file import layers_yaml

_NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TrialPage:
    """One trial with its pipeline and its results by question."""

    line: TrialLine
    layers: str
    """The pipeline as YAML, as it stands in a file."""
    results: Mapping[str, Sequence[ExampleResult]]
    """By split, in the order of the questions; the held-out ones of finalists only."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "trial": self.line.to_data(),
            "layers": self.layers,
            "results": {
                split: [_result_data(result) for result in results]
                for split, results in self.results.items()
            },
        }


@dataclass(frozen=True, slots=True)
class TracedCallPage:
    """One call of a question, in the order in which its pipeline made them."""

    layer: int
    """From 0; -1 for a scorer's call, which is behind all layers."""
    component: str
    purpose: str
    call: CallRow | None
    """None: the stored completion is damaged or gone."""
    is_reused: bool
    buyer: str
    """Who paid for it, in words."""

    def to_data(self) -> dict[str, Any]:
        """Plain data, with prompt and reply in full."""
        data: dict[str, Any] = {
            "layer": self.layer,
            "component": self.component,
            "purpose": self.purpose,
            "is_reused": self.is_reused,
        }
        if self.call is None:
            return data | {"call": None}
        call = self.call
        return data | {
            "call": {
                "model": call.model,
                "messages": [asdict(message) for message in call.messages],
                "sampling": json.loads(call.sampling_json),
                "text": call.text,
                "reasoning": call.reasoning,
                "finish": call.finish,
                "prompt_tokens": call.usage.prompt_tokens,
                "completion_tokens": call.usage.completion_tokens,
                "latency_s": call.latency_s,
                "served_model": call.served_model,
                "bought_by": call.bought_by,
                "digest": call.key.digest,
                "slot": call.key.slot,
            }
        }


@dataclass(frozen=True, slots=True)
class LayerPage:
    """What one layer left: how many candidates, and the first of them."""

    layer: int
    candidates: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """One pipeline on one question: every call of it, in order."""

    trial: int
    question: str
    target: object
    row: QuestionRow
    calls: tuple[TracedCallPage, ...]
    scorer_calls: tuple[TracedCallPage, ...]
    """What a judge was asked and said; none where no model scores."""
    layers: tuple[LayerPage, ...]

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "trial": self.trial,
            "example": json.loads(self.row.example.row_json),
            "split": self.row.example.split,
            "result": _result_data(self.row.result),
            "calls": [call.to_data() for call in self.calls],
            "scorer_calls": [call.to_data() for call in self.scorer_calls],
            "layers": [asdict(layer) for layer in self.layers],
        }


def trial_page(report: StudyReport, reader: StudyReader, number: int) -> TrialPage:
    """One trial.

    Raises:
        NotFound: There is no such trial.
    """
    row = reader.trial(report.study.study_id, number)
    line = next(line for line in report.trials if line.number == number)
    found = {split: _results(reader, row, split) for split in (SEARCH_SPLIT, HELD_OUT_SPLIT)}
    return TrialPage(
        line=line,
        layers=layers_yaml(row.proposal.architecture),
        results={split: results for split, results in found.items() if results},
    )


def question_page(
    report: StudyReport, reader: StudyReader, number: int, example_id: str, *, split: str = ""
) -> QuestionPage:
    """One question of a trial.

    Args:
        report: The study's.
        reader: The store's.
        number: The trial.
        example_id: The question's id.
        split: Which run of it; "" takes the held-out one where there is one, else the search's.

    Raises:
        NotFound: There is no such trial, or it has no result for this question.
    """
    study_id = report.study.study_id
    pipeline_id = reader.trial(study_id, number).proposal.pipeline_id
    ids = {
        name: [result.example_id for result in reader.results(study_id, pipeline_id, split=name)]
        for name in ([split] if split else [HELD_OUT_SPLIT, SEARCH_SPLIT])
    }
    wanted = next((name for name, known in ids.items() if example_id in known), None)
    if wanted is None:
        raise NotFound(_no_question(report, number, example_id, ids, split))
    row = reader.question(study_id, pipeline_id, example_id, split=wanted)
    example = json.loads(row.example.row_json)
    by_key = {call.key: call for call in row.calls}
    events = row.result.trace
    return QuestionPage(
        trial=number,
        question="\n".join(turn["content"] for turn in example["question"]),
        target=example["target"],
        row=row,
        calls=tuple(
            _call(event, by_key, study_id) for event in events if event.get("event") == "call"
        ),
        scorer_calls=tuple(
            _call({"layer": -1, "component": "scorer", "purpose": "", **event}, by_key, study_id)
            for event in events
            if event.get("event") == "scorer_call"
        ),
        layers=tuple(_layer(event) for event in events if event.get("event") == "layer"),
    )


def _results(reader: StudyReader, row: TrialRow, split: str) -> Sequence[ExampleResult]:
    return reader.results(row.study_id, row.proposal.pipeline_id, split=split)


def _no_question(
    report: StudyReport,
    number: int,
    example_id: str,
    ids: Mapping[str, Sequence[str]],
    split: str,
) -> str:
    where = f" in the split {split!r}" if split else ""
    close = difflib.get_close_matches(example_id, chain(*ids.values()), n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return (
        f"trial {number} has no result for the question {example_id!r}{where}. {hint}"
        f"Its questions: archon show {report.study.study_id} --trial {number}"
    )


def _call(
    event: Mapping[str, Any], by_key: Mapping[CallKey, CallRow], study_id: str
) -> TracedCallPage:
    call = by_key.get(CallKey(event["digest"], event["slot"]))
    return TracedCallPage(
        layer=event["layer"],
        component=event["component"],
        purpose=event["purpose"],
        call=call,
        is_reused=event["is_reused"],
        buyer="" if call is None else _buyer(call, study_id),
    )


def _buyer(call: CallRow, study_id: str) -> str:
    if call.bought_by == study_id:
        return "this study"
    return f"study {call.bought_by}" if call.bought_by else "archon eval or explain"


def _layer(event: Mapping[str, Any]) -> LayerPage:
    return LayerPage(event["layer"], tuple(event["candidates"]))


def _result_data(result: ExampleResult) -> dict[str, Any]:
    return {
        "example": result.example_id,
        "status": result.status,
        "score": None if result.score is None else result.score.value,
        "reason": "" if result.score is None else result.score.reason,
        "answer": result.answer.text,
        "deployed": _spending_data(result.deployed),
        "bought": _spending_data(result.bought),
        "degradations": dict(result.degradations),
        "error": result.error,
    }


def _spending_data(spending: Spending) -> dict[str, Any]:
    return {
        "calls": spending.calls,
        "prompt_tokens": spending.prompt_tokens,
        "completion_tokens": spending.completion_tokens,
        "cost_usd": spending.cost_nusd / _NUSD_PER_USD,
        "latency_s": spending.latency_s,
    }
