"""What a study leaves behind, as values, and the ports that write and read it.

Texts named ``*_json`` are opaque to the store: it keeps them to the letter. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from archon.core.architecture import Architecture
from archon.core.calls import CallKey, Finish, ModelReply, Usage
from archon.core.messages import Conversation
from archon.core.results import ExampleResult, TrialOutcome

StudyState = Literal["running", "paused", "completed", "failed"]
"""``running`` with a dead owner was cut off; ``paused`` and cut off can be resumed. ``failed``:
nothing could be measured; running it on would find the same."""

TrialState = Literal["proposed", "running", "complete", "pruned", "failed", "interrupted"]
"""The last four are terminal: a trial reaches one of them, once."""

Origin = Literal["baseline", "seed", "user", "search"]
"""baseline: what winners are compared with; seed: known to be good elsewhere; user: enqueued by a
user; search: the sampler's."""

Verb = Literal["pause", "resume", "stop", "finish", "change"]
"""stop: end the process, to be run on later; finish: end the search, and run the finalists."""

InstructionState = Literal["waiting", "done", "refused", "void"]
"""void: nobody was there to follow it."""

LossReason = Literal["owner_died", "maybe_billed", "corrupt", "duplicate"]
"""Why a purchase has no stored completion: the process died with the call in flight, the call
failed but may be charged, the stored row failed its checksum, another buyer's reply came first."""

SEARCH_SPLIT = "search"
HELD_OUT_SPLIT = "held_out"
EVALUATION = "evaluation"
"""Where results of a pipeline file on questions of any split belong; they are part of no study."""


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One row of a study's own copy of its benchmark."""

    example_id: str
    split: str
    position: int
    """Place in the split's fixed order, from 0."""
    row_json: str


@dataclass(frozen=True, slots=True)
class NewStudy:
    """What is known of a study before its first trial. The job holds aliases, never keys."""

    study_id: str
    name: str
    job_json: str
    benchmark_fingerprint: str
    seed: int


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study as it stands."""

    study_id: str
    name: str
    created_at: datetime
    job_json: str
    job_sha256: str
    state: StudyState
    stop_reason: str
    """Why it is not running, as a sentence for the user; "" while it runs."""
    benchmark_fingerprint: str
    seed: int
    owner: str
    """The process that runs it; "" when none does."""
    has_live_owner: bool
    elapsed_s: float
    """How long it has run, over all its runs; a few seconds behind while it runs."""
    n_trials: int
    n_complete: int
    paused_at: datetime | None = None
    """Since when its process, which is alive, waits to be told to go on; None where it does not."""
    progress_json: str = ""
    """What its process last said of how far it is; "" where it never did."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a user asked of a study from outside its process, with what came of it."""

    number: int
    """Within the study, from 0 in the order of asking."""
    verb: Verb
    arguments_json: str
    """What a change sets."""
    given_from: str
    """The host."""
    given_at: datetime
    state: InstructionState
    answer: str
    """What was done, or why it was not, for the user; "" while it waits."""
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """A pipeline that is to be tried, durable before the first call is made for it."""

    number: int
    pipeline_id: str
    architecture: Architecture
    choices_json: str
    """The answers to the space's questions with their distributions."""
    origin: Origin = "search"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A proposal with what became of it."""

    study_id: str
    proposal: ProposalRow
    state: TrialState
    objectives: tuple[float, ...] | None
    """In the study's order; None unless the state is ``complete``."""
    reason: str
    """Why it stopped early; "" otherwise."""
    n_examples: int
    """Those that its objectives are the means of; 0 unless it is complete."""
    proposed_at: datetime
    ended_at: datetime | None

    @property
    def number(self) -> int:
        """The trial's number within its study, from 0 in the order of proposals."""
        return self.proposal.number

    @property
    def is_over(self) -> bool:
        """Whether the trial has reached a terminal state."""
        return self.state not in ("proposed", "running")


@dataclass(frozen=True, slots=True)
class CallRow:
    """One bought completion with the prompt that it answers."""

    key: CallKey
    identity: str
    model: str
    """Alias under which it was first asked for."""
    messages: Conversation
    sampling_json: str
    text: str
    reasoning: str
    finish: Finish
    usage: Usage
    latency_s: float
    served_model: str
    spend_nusd: int
    bought_by: str
    """The study that paid; "" when it was no study (``archon ask``)."""
    done_at: datetime


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One pipeline on one example, with every call that the run used."""

    example: ExampleRow
    result: ExampleResult
    calls: tuple[CallRow, ...]
    """In the order of the trace; the trace itself is ``result.trace``."""


@dataclass(frozen=True, slots=True)
class SpendTotals:
    """What a study has bought so far. Money is billionths of a dollar."""

    n_bought: int = 0
    n_reused: int = 0
    """Calls of finished questions that were answered from the store."""
    prompt_tokens: int = 0
    """As billed."""
    completion_tokens: int = 0
    spend_nusd: int = 0
    n_in_flight: int = 0
    reserved_nusd: int = 0
    reserved_tokens: int = 0
    n_uncertain: int = 0
    """Calls without a reply that may have been billed; their worst case counts as spent."""
    uncertain_nusd: int = 0
    uncertain_tokens: int = 0
    n_corrupt: int = 0
    """Stored completions that failed their checksum and were asked again."""
    n_duplicate: int = 0
    """Completions bought although another buyer's reply was stored first."""
    wasted_nusd: int = 0
    """Paid for corrupt and duplicate completions; not part of ``spend_nusd``."""
    wasted_tokens: int = 0


class TrialLog(Protocol):
    """What a search may do to its study. Every method is durable when it returns.

    All methods may be repeated: the same content changes nothing. Safe to call from many tasks.
    """

    async def propose(self, proposal: ProposalRow) -> None:
        """Record a proposal before it runs.

        Raises:
            Conflict: The number is taken by a different proposal.
        """
        ...

    async def begin(self, number: int) -> None:
        """Note that a proposed trial now runs; nothing happens to one that is over.

        Raises:
            NotFound: There is no such trial.
        """
        ...

    async def append(self, number: int, outcome: TrialOutcome) -> None:
        """Bring a trial to its one terminal state.

        Raises:
            NotFound: There is no such trial.
            Conflict: The trial has ended in another way already.
        """
        ...

    async def record(self, results: Sequence[ExampleResult]) -> None:
        """Keep results. One that is there already, for the same question and split, stays.

        Except one without a score (a fault): it makes way for one that has a score.
        """
        ...


class StudyReader(Protocol):
    """What a dashboard or a report may do: read pages of values. Any thread; blocking."""

    def studies(self, *, after: str | None = None, limit: int = 50) -> Sequence[StudyRow]:
        """Studies, newest first; the next page follows the study ``after``."""
        ...

    def studies_named(self, name: str) -> Sequence[StudyRow]:
        """All studies of a name, newest first."""
        ...

    def find_study(self, reference: str) -> StudyRow:
        """The study with this id, else the newest so named, else the only one whose id begins so.

        Raises:
            NotFound: No study fits, or several ids begin so.
        """
        ...

    def examples(
        self, study_id: str, *, split: str, after: int = -1, limit: int | None = None
    ) -> Sequence[ExampleRow]:
        """Examples of a split by position, from the one behind position ``after``."""
        ...

    def trials(
        self, study_id: str, *, after: int | None = None, limit: int | None = 200
    ) -> Sequence[TrialRow]:
        """Trials by number, from the one behind number ``after``; ``limit`` None: all."""
        ...

    def trial(self, study_id: str, number: int) -> TrialRow:
        """One trial.

        Raises:
            NotFound: There is no such trial.
        """
        ...

    def results(
        self, study_id: str, pipeline_id: str, *, split: str = SEARCH_SPLIT
    ) -> Sequence[ExampleResult]:
        """Results of a pipeline in the order of the examples, without their traces."""
        ...

    def n_examples(self, study_id: str, *, split: str) -> int:
        """Examples of a split."""
        ...

    def n_scored(self, study_id: str, *, split: str) -> Mapping[str, int]:
        """By pipeline id, the examples of a split that it has a score for; without those of 0."""
        ...

    def question(
        self, study_id: str, pipeline_id: str, example_id: str, *, split: str = SEARCH_SPLIT
    ) -> QuestionRow:
        """One question's result with its trace, and every call and prompt of it.

        Raises:
            NotFound: The pipeline has no result for this example in this split.
        """
        ...

    def calls_to(self, identity: str, *, limit: int) -> Sequence[CallRow]:
        """The newest completions of a model, of whatever study, newest first."""
        ...

    def completions(self, digest: str) -> Mapping[int, ModelReply]:
        """All stored completions of one request by their slots, whichever study bought them."""
        ...

    def spend(self, study_id: str) -> SpendTotals:
        """What the study has bought, reserved and lost."""
        ...

    def instructions(self, study_id: str, *, is_waiting: bool = False) -> Sequence[Instruction]:
        """What users asked of a study, in order; only what has no answer yet, if so wanted."""
        ...

    def report(self, study_id: str) -> str | None:
        """The study's report as JSON text, or None while there is none."""
        ...
