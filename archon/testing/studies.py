"""What every store must do with studies, trials and results, as a test class to inherit from.

A subclass defines the fixture ``opener`` as for ``archon.testing.stores.CallStoreSuite``.
"""

# ruff: noqa: D102  (the tests' names say what they hold)
from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import CallBatch, CallKey, ModelRequest, Sampling
from archon.core.candidates import Answer
from archon.core.errors import Conflict, NotFound, StoreError
from archon.core.messages import Message
from archon.core.records import HELD_OUT_SPLIT, ExampleRow, NewStudy, ProposalRow, TrialLog
from archon.core.results import Completed, ExampleResult, Score, Spending, Stopped, TrialOutcome
from archon.testing.stores import (
    IDENTITY,
    ODD_TEXTS,
    OpenedStore,
    Opener,
    batch_of,
    reply_to,
)

ARCHITECTURE = Architecture(((ComponentSpec.of("generate", "small", samples=2),),))
STUDY = NewStudy("abc123", "sums", '{"benchmark": "sums"}', "f" * 64, 2**63 - 1)
EXAMPLES = tuple(
    ExampleRow(f"q{i}", split, i, f'{{"question": {i}}}')
    for split in ("search", HELD_OUT_SPLIT)
    for i in (0, 1, 2)
)


def proposal(number: int = 0, choices: str = '{"n": 2}') -> ProposalRow:
    """A proposal of one fixed pipeline."""
    return ProposalRow(number, ARCHITECTURE.pipeline_id(), ARCHITECTURE, choices, "search")


def result_of(
    example_id: str = "q0", split: str = "search", text: str = "4", call: CallKey | None = None
) -> ExampleResult:
    """One question's result."""
    trace: tuple[dict[str, object], ...] = ()
    if call is not None:
        trace = ({"event": "call", "digest": call.digest, "slot": call.slot},)
    return ExampleResult(
        pipeline_id=ARCHITECTURE.pipeline_id(),
        example_id=example_id,
        split=split,
        status="ok",
        answer=Answer(text, call),
        score=Score(0.25, f"said {text}"),
        deployed=Spending(3, 30, 6, 900, 0.7),
        bought=Spending(1, 10, 2, 300, 0.2),
        degradations=(("parse_failed", 2),),
        trace=trace,
    )


class StudyStoreSuite:
    """The contracts of ``TrialLog`` and ``StudyReader``."""

    async def test_study_runs_from_its_own_copy_of_the_benchmark(self, opener: Opener) -> None:
        with opener() as store:
            await store.studies().create(STUDY, EXAMPLES)
            await store.studies().create(STUDY, EXAMPLES)
            study = store.reader().find_study("abc123")
            kept = store.reader().examples("abc123", split="search")
            page = store.reader().examples("abc123", split=HELD_OUT_SPLIT, after=0, limit=1)
        assert (study.job_json, study.seed, study.state) == (STUDY.job_json, STUDY.seed, "running")
        assert study.has_live_owner
        assert (tuple(kept), tuple(page)) == (EXAMPLES[:3], EXAMPLES[4:5])

    async def test_other_job_under_the_same_id_is_a_conflict(self, opener: Opener) -> None:
        with opener() as store:
            await store.studies().create(STUDY, EXAMPLES)
            with pytest.raises(Conflict, match="another job"):
                await store.studies().create(replace(STUDY, job_json="{}"), EXAMPLES)

    async def test_study_is_found_by_id_by_its_beginning_and_by_name(self, opener: Opener) -> None:
        with opener() as store:
            for study_id, name in (("abc1", "sums"), ("abd2", "sums"), ("x_3", "logic")):
                await store.studies().create(replace(STUDY, study_id=study_id, name=name), EXAMPLES)
            reader = store.reader()
            assert reader.find_study("abc1").study_id == "abc1"
            assert reader.find_study("x_").study_id == "x_3"
            assert reader.find_study("sums").study_id == "abd2"
            for reference, message in (("ab", "several"), ("a%", "archon ls"), ("", "archon ls")):
                with pytest.raises(NotFound, match=message):
                    reader.find_study(reference)
            first, second = reader.studies(limit=2)
            (third,) = reader.studies(after=second.study_id)
        assert [s.study_id for s in (first, second, third)] == ["x_3", "abd2", "abc1"]

    async def test_whole_name_goes_before_the_beginning_of_an_id(self, opener: Opener) -> None:
        with opener() as store:
            for study_id, name in (("abc1", "sums"), ("f00d", "abc")):
                await store.studies().create(replace(STUDY, study_id=study_id, name=name), EXAMPLES)
            assert store.reader().find_study("abc").study_id == "f00d"
            assert store.reader().find_study("abc1").study_id == "abc1"

    async def test_study_has_one_running_process(self, opener: Opener) -> None:
        with opener() as first, opener() as second:
            await first.studies().create(STUDY, EXAMPLES)
            with pytest.raises(Conflict, match="Stop that one"):
                await second.studies().take("abc123")
            await first.studies().stop("abc123", "paused", "the budget of 10 calls is spent")
            paused = second.reader().find_study("abc123")
            await second.studies().take("abc123")
            taken = second.reader().find_study("abc123")
        assert (paused.state, paused.has_live_owner) == ("paused", False)
        assert paused.stop_reason == "the budget of 10 calls is spent"
        assert (taken.state, taken.stop_reason, taken.has_live_owner) == ("running", "", True)

    async def test_study_of_a_closed_store_can_be_resumed(self, opener: Opener) -> None:
        with opener() as store:
            await store.studies().create(STUDY, EXAMPLES)
        with opener() as store:
            cut_off = store.reader().find_study("abc123")
            assert (cut_off.state, cut_off.has_live_owner) == ("running", False)
            await store.studies().take("abc123")
            assert store.reader().find_study("abc123").has_live_owner

    async def test_time_of_a_study_is_kept_over_its_runs(self, opener: Opener) -> None:
        with opener() as store:
            await store.studies().create(STUDY, EXAMPLES)
            await store.studies().beat("abc123", elapsed_s=12.0)
            beaten = store.reader().find_study("abc123")
            await store.studies().stop("abc123", "paused", "", elapsed_s=13.5)
        with opener() as store:
            await store.studies().take("abc123")
            resumed = store.reader().find_study("abc123")
            await store.studies().beat("abc123", elapsed_s=20.0)
        with opener() as store:  # the last run was cut off some time after its sign of life
            await store.studies().take("abc123")
            cut_off = store.reader().find_study("abc123")
        assert (beaten.elapsed_s, resumed.elapsed_s) == (12.0, 13.5)
        assert 20.0 <= cut_off.elapsed_s <= 25.0

    async def test_process_that_lost_its_study_can_neither_stop_nor_keep_it(
        self, opener: Opener
    ) -> None:
        with opener() as first, opener() as second:
            await first.studies().create(STUDY, EXAMPLES)
            await second.studies().take("abc123", is_forced=True)
            with pytest.raises(Conflict, match="another one has taken it"):
                await first.studies().stop("abc123", "completed", "")
            with pytest.raises(Conflict, match="another one has taken it"):
                await first.studies().beat("abc123", elapsed_s=1.0)
            study = second.reader().find_study("abc123")
        assert (study.state, study.has_live_owner) == ("running", True)

    async def test_unknown_study_is_named(self, opener: Opener) -> None:
        with opener() as store:
            with pytest.raises(NotFound, match="nowhere"):
                await store.studies().take("nowhere")
            with pytest.raises(NotFound, match="nowhere"):
                await store.studies().stop("nowhere", "failed", "")
            with pytest.raises(NotFound, match="nowhere"):
                await store.studies().beat("nowhere", elapsed_s=1.0)

    async def test_trial_goes_from_proposal_to_its_end(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            await log.propose(proposal())
            proposed = store.reader().trial("abc123", 0)
            await log.begin(0)
            running = store.reader().trial("abc123", 0)
            await log.append(0, Completed((0.1 + 0.2, 7.0), 3))
            await log.begin(0)
        with opener() as store:
            over = store.reader().trial("abc123", 0)
            study = store.reader().find_study("abc123")
        assert proposed.proposal == proposal()
        assert (proposed.state, running.state, over.state) == ("proposed", "running", "complete")
        assert (over.objectives, over.n_examples, over.is_over) == ((0.1 + 0.2, 7.0), 3, True)
        assert over.ended_at is not None and over.ended_at >= over.proposed_at
        assert (study.n_trials, study.n_complete) == (1, 1)

    async def test_repeating_a_proposal_or_an_end_changes_nothing(self, opener: Opener) -> None:
        outcome = Stopped("pruned", "behind the front on 40 of 60 examples")
        with opener() as store:
            log = await self._log(store)
            await log.propose(proposal())
            await log.append(0, outcome)
            before = store.reader().trial("abc123", 0)
            await log.propose(proposal())
            await log.append(0, outcome)
            assert store.reader().trial("abc123", 0) == before
        assert (before.state, before.reason, before.objectives) == ("pruned", outcome.reason, None)

    @pytest.mark.parametrize(
        "second",
        [Completed((0.6,), 3), Completed((0.5,), 2), Stopped("failed", "no scores")],
        ids=["other-objectives", "other-count", "other-state"],
    )
    async def test_another_end_of_a_trial_is_a_conflict(
        self, opener: Opener, second: TrialOutcome
    ) -> None:
        with opener() as store:
            log = await self._log(store)
            await log.propose(proposal())
            await log.append(0, Completed((0.5,), 3))
            with pytest.raises(Conflict, match="trial 0 of study abc123 ended as complete"):
                await log.append(0, second)
            assert store.reader().trial("abc123", 0).objectives == (0.5,)

    async def test_racing_ends_leave_one_winner(self, opener: Opener) -> None:
        ends = [Completed((i / 10,), 3) for i in range(10)]
        with opener() as first, opener() as second:
            logs = [await self._log(first), second.trials("abc123")]
            await logs[0].propose(proposal())
            outcomes = await asyncio.gather(
                *(logs[i % 2].append(0, end) for i, end in enumerate(ends)), return_exceptions=True
            )
            stored = first.reader().trial("abc123", 0)
        winners = [end for end, outcome in zip(ends, outcomes, strict=True) if outcome is None]
        assert [end.objectives for end in winners] == [stored.objectives]
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9

    async def test_other_proposal_under_the_same_number_is_a_conflict(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            await log.propose(proposal())
            with pytest.raises(Conflict, match="trial 0"):
                await log.propose(proposal(choices='{"n": 3}'))

    async def test_unknown_trial_is_named(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            with pytest.raises(NotFound, match="no trial 7"):
                await log.begin(7)
            with pytest.raises(NotFound, match="no trial 7"):
                await log.append(7, Stopped("failed", ""))
            with pytest.raises(NotFound, match="no trial 7"):
                store.reader().trial("abc123", 7)

    async def test_objectives_must_be_finite(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            await log.propose(proposal())
            with pytest.raises(ValueError, match="not finite"):
                await log.append(0, Completed((float("nan"),), 3))
            assert store.reader().trial("abc123", 0).state == "proposed"

    async def test_trials_come_in_pages(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            await asyncio.gather(*(log.propose(proposal(number)) for number in range(5)))
            reader = store.reader()
            pages = [reader.trials("abc123", after=after, limit=2) for after in (None, 1, 3)]
        assert [[trial.number for trial in page] for page in pages] == [[0, 1], [2, 3], [4]]

    async def test_first_result_of_a_question_stays(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            await log.record([result_of("q1"), result_of("q0"), result_of("q0", HELD_OUT_SPLIT)])
            await log.record([result_of("q1", text="another"), result_of("q2")])
            reader = store.reader()
            found = reader.results("abc123", ARCHITECTURE.pipeline_id())
            held_out = reader.results("abc123", ARCHITECTURE.pipeline_id(), split=HELD_OUT_SPLIT)
            spend = reader.spend("abc123")
        assert list(found) == [result_of("q0"), result_of("q1"), result_of("q2")]
        assert list(held_out) == [result_of("q0", HELD_OUT_SPLIT)]
        assert spend.n_reused == 8, "two of three calls, in four results"

    async def test_score_takes_the_place_of_a_fault_and_no_fault_that_of_a_score(
        self, opener: Opener
    ) -> None:
        fault = replace(result_of(), status="infra_fault", score=None, error="reset")
        with opener() as store:
            log = await self._log(store)
            for result in (fault, replace(fault, error="again"), result_of(), fault):
                await log.record([result])
            (found,) = store.reader().results("abc123", ARCHITECTURE.pipeline_id())
        assert found == result_of()

    async def test_questions_are_counted_by_split_and_only_those_with_a_score_by_pipeline(
        self, opener: Opener
    ) -> None:
        fault = replace(result_of("q1"), status="infra_fault", score=None, error="reset")
        wrong = replace(result_of("q2"), status="model_fault", score=None)
        other = replace(result_of("q0"), pipeline_id="other")
        with opener() as store:
            log = await self._log(store)
            await log.record([result_of("q0"), fault, wrong, result_of("q0", HELD_OUT_SPLIT)])
            await log.record([other, replace(fault, pipeline_id="faulty")])
            reader = store.reader()
            n_examples = reader.n_examples("abc123", split="search")
            search, held_out = (
                reader.n_scored("abc123", split=split) for split in ("search", HELD_OUT_SPLIT)
            )
        assert n_examples == 3
        assert search == {ARCHITECTURE.pipeline_id(): 2, "other": 1}
        assert held_out == {ARCHITECTURE.pipeline_id(): 1}

    async def test_result_of_an_unknown_example_is_refused(self, opener: Opener) -> None:
        with opener() as store:
            log = await self._log(store)
            with pytest.raises(StoreError):
                await log.record([result_of("q99")])

    async def test_fault_has_no_score(self, opener: Opener) -> None:
        fault = replace(result_of(), status="infra_fault", score=None, error="reset")
        with opener() as store:
            await (await self._log(store)).record([fault])
            (found,) = store.reader().results("abc123", fault.pipeline_id)
        assert found == fault

    @pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
    async def test_question_shows_its_prompts_and_answers(self, opener: Opener, text: str) -> None:
        messages = (Message("system", "Be brief."), Message("user", "2 + 2?\x00"))
        request = ModelRequest("small", messages, Sampling(0.5, 64))
        batch = CallBatch(request, request.digest(IDENTITY), (3,))
        (key,) = batch.keys()
        with opener() as store:
            log = await self._log(store)
            await store.calls("abc123").claim(batch, IDENTITY)
            await store.calls("abc123").put((reply_to(batch, text),), (5,))
            await log.record([result_of("q1", text=text, call=key)])
            question = store.reader().question("abc123", ARCHITECTURE.pipeline_id(), "q1")
        (call,) = question.calls
        assert question.example == EXAMPLES[1]
        assert question.result.answer == Answer(text, key)
        assert question.result.trace == result_of(call=key).trace
        assert (call.key, call.messages, call.text) == (key, messages, text)
        assert (call.model, call.identity, call.bought_by) == ("small", IDENTITY, "abc123")
        assert call.spend_nusd == 5

    async def test_newest_completions_of_a_model_are_found(self, opener: Opener) -> None:
        with opener() as store:
            for i in range(4):
                batch = batch_of(f"Question {i}")
                identity = IDENTITY if i != 2 else "stub/other@1"
                await store.calls("abc123").claim(batch, identity)
                await store.calls("abc123").put((reply_to(batch),), (7,))
            found = store.reader().calls_to(IDENTITY, limit=2)
        assert [call.messages[-1].content for call in found] == ["Question 3", "Question 1"]
        assert {call.usage for call in found} == {reply_to(batch).usage}

    async def test_question_without_a_result_is_named(self, opener: Opener) -> None:
        with opener() as store:
            await self._log(store)
            with pytest.raises(NotFound, match="q2"):
                store.reader().question("abc123", "feedfeedfeed", "q2")

    async def test_report_is_replaced(self, opener: Opener) -> None:
        with opener() as store:
            await self._log(store)
            assert store.reader().report("abc123") is None
            await store.studies().save_report("abc123", '{"verdict": 1}')
            await store.studies().save_report("abc123", '{"verdict": 2}')
            assert store.reader().report("abc123") == '{"verdict": 2}'

    async def _log(self, store: OpenedStore) -> TrialLog:
        await store.studies().create(STUDY, EXAMPLES)
        return store.trials("abc123")
