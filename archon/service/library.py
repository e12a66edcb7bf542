"""Archon from Python, also where an event loop runs already, as in a notebook.

    from archon import Pipeline, Study

    study = Study.from_file("job.yaml")
    report = await study.run()
    study.best().save("best.yaml")

    async with Pipeline.load("best.yaml") as pipeline:
        result = await pipeline.generate("What is 17 + 25?")
        print(result.answer.text, result.deployed.tokens)

Nothing runs before ``run`` or ``generate``, and nothing is opened before it is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast, get_args

from archon.core.messages import Conversation, Message, Role, ask
from archon.core.records import ProposalRow
from archon.core.results import ExampleResult, TrialOutcome
from archon.runtime.pipeline import Pipeline as Runnable
from archon.runtime.pipeline import PipelineResult
from archon.search.watch import Watcher
from archon.service.assemble import SharedEngine, open_models
from archon.service.explain import explain
from archon.service.explanation import Explanation
from archon.service.export import RULES, Rule, export_by_rule, export_trial
from archon.service.prepare import PreparedJob, in_store, prepare
from archon.service.report import StudyReport, TrialLine, load_report
from archon.service.settings import Settings, load_settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.spec.pipeline_file import PipelineFile, load_pipeline_file
from archon.store.opening import Store, open_store

Say = Callable[[str], None]
Question = str | Sequence[Message | Mapping[str, str]]
"""A text, or the turns of a chat as messages or ``{"role": ..., "content": ...}``."""


def _silent(line: str) -> None:
    """Say nothing."""


class Pipeline:
    """A pipeline file that answers questions.

    Models are opened with the first question (an embedded engine is started then), or on entering
    an ``async with`` block, and closed by ``aclose`` or on leaving the block. For one event loop,
    and many questions at once.
    """

    def __init__(
        self,
        file: PipelineFile,
        settings: Settings,
        *,
        say: Say = _silent,
        shared: SharedEngine | None = None,
    ) -> None:
        """Nothing is opened yet; ``load`` is the usual way."""
        self.file = file
        self._settings = settings
        self._say = say
        self._shared = shared
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._runnable: Runnable | None = None

    @classmethod
    def load(
        cls, path: str | Path, *, settings: Settings | None = None, say: Say = _silent
    ) -> Self:
        """Read a pipeline file.

        Args:
            path: The file.
            settings: Where keys and folders are; read from the environment by default.
            say: Told what happens while models are opened, or not reached, a line at a time.

        Raises:
            SpecError: The file is wrong; names every problem.
        """
        return cls(load_pipeline_file(Path(path)), settings or load_settings(), say=say)

    async def generate(self, question: Question) -> PipelineResult:
        """Answer one question.

        Returns:
            The answer, what it took (calls, tokens, cost, seconds) and the trace of every call.

        Raises:
            ValueError: The question is empty, or no question; nothing was asked.
            SetupError: A key or package is missing, or an engine does not start.
            CallError: A model could not be reached.
        """
        asked = conversation(question)
        runnable = await self._opened()
        return await runnable.generate(asked)

    async def aclose(self) -> None:
        """Close the models. The next question opens them again."""
        self._runnable = None
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        """Open the models.

        Raises:
            SetupError: A key or package is missing, or an engine does not start.
        """
        await self._opened()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the models."""
        await self.aclose()

    async def _opened(self) -> Runnable:
        async with self._opening:
            if self._runnable is None:
                opening = open_models(
                    self.file.models, self._settings, say=self._say, shared=self._shared
                )
                models = await self._stack.enter_async_context(opening)
                client = models.answering(self._say)
                self._runnable = Runnable(self.file.architecture, client, models.cards)
            return self._runnable


class Study:
    """A job with its study: run it, look at it, take the best pipeline out."""

    def __init__(self, prepared: PreparedJob, settings: Settings) -> None:
        """``from_file`` is the usual way."""
        self._prepared = prepared
        self._settings = settings

    @classmethod
    def from_file(
        cls, path: str | Path, *, settings: Settings | None = None, is_fresh: bool = False
    ) -> Self:
        """Read and check a job file and its questions; nothing runs and nothing is paid.

        Args:
            path: The job file.
            settings: Where keys and folders are; read from the environment by default.
            is_fresh: Make a new study although there may be one of this job.

        Raises:
            SpecError: The job or its questions are wrong; names every problem.
            SetupError: A package that is needed is not installed.
            StoreError: The database cannot be opened.
        """
        settings = settings or load_settings()
        prepared = prepare(load_job(Path(path)), is_offline=settings.offline)
        with open_store(settings.database_url.reveal()) as store:
            return cls(in_store(prepared, store.reader(), is_fresh=is_fresh), settings)

    @property
    def id(self) -> str:
        """The study's id, for ``archon show`` and the like."""
        return self._prepared.study_id

    async def run(self, *, watcher: Watcher | None = None, say: Say = _silent) -> StudyReport:
        """Run the study to its end, or on from where it stopped.

        `archon pause`, `stop` and `change` act on it as on `archon search`.

        Raises:
            StoppedFromOutside: Somebody gave `archon stop`. It rests as paused.
            ArchonError: It cannot go on now. It rests as paused; ``run`` resumes it.
        """
        async with _opened(self._settings) as store:
            await run_job(
                self._prepared, store, self._settings, watcher=watcher or Unwatched(), say=say
            )
            return load_report(store.reader(), self.id)

    def report(self) -> StudyReport:
        """How the study stands.

        Raises:
            NotFound: It has never run.
        """
        with open_store(self._settings.database_url.reveal()) as store:
            return load_report(store.reader(), self.id)

    async def explain(self, trial: int | None = None) -> Explanation:
        """Why a pipeline does what it does: the winner, or the one of a trial.

        From recorded calls alone, on held-out questions; nothing is bought.

        Raises:
            NotFound: It has never run, there is no such trial, or none to explain.
        """
        with open_store(self._settings.database_url.reveal()) as store:
            reader = store.reader()
            return await explain(load_report(reader, self.id), reader, self._settings, trial=trial)

    def front(self) -> tuple[TrialLine, ...]:
        """The trials that no other beats in every objective, by number.

        Raises:
            NotFound: It has never run.
        """
        return tuple(line for line in self.report().trials if line.is_on_front)

    def best(self, rule: Rule = "best", *, within: float | None = None) -> PipelineFile:
        """The pipeline that a rule picks: best, cheapest or baseline.

        Args:
            rule: What is picked.
            within: For ``cheapest``: score points that it may be below the best, 0.01 for one in a
                hundred.

        Raises:
            ValueError: There is no such rule, or ``within`` goes with another one.
            NotFound: There are no held-out results yet.
        """
        if rule not in RULES:
            raise ValueError(f"there is no rule {rule!r}; there is: {', '.join(RULES)}")
        if within is not None and rule != "cheapest":
            raise ValueError("within goes with the rule 'cheapest'")
        with open_store(self._settings.database_url.reveal()) as store:
            report = load_report(store.reader(), self.id)
            return export_by_rule(report, store.reader(), rule, within=within)

    def pipeline_of(self, number: int) -> PipelineFile:
        """The pipeline of one trial.

        Raises:
            NotFound: There is no such trial.
        """
        with open_store(self._settings.database_url.reveal()) as store:
            report = load_report(store.reader(), self.id)
            return export_trial(report, store.reader(), number)


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    """The store, opened and closed in a thread: a notebook's event loop has others to serve."""
    store = await asyncio.to_thread(open_store, settings.database_url.reveal())
    try:
        yield store
    finally:
        await asyncio.to_thread(store.close)


class Unwatched:
    """A watcher that looks away."""

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        """See ``Watcher``."""

    def trial_begins(self, proposal: ProposalRow) -> None:
        """See ``Watcher``."""

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """See ``Watcher``."""

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        """See ``Watcher``."""

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """See ``Watcher``."""


def conversation(question: Question) -> Conversation:
    """A question in any of its forms as a conversation.

    Raises:
        ValueError: It is empty or no text, a turn has no known role, or the last one is not the
            user's. Nothing was asked, so nothing was paid.
    """
    if isinstance(question, str):
        return ask(_text(question, "the question"))
    if isinstance(question, Mapping) or not isinstance(question, Sequence):
        raise ValueError(
            f"a question is a text or a list of turns, not {type(question).__name__}; "
            'write [{"role": "user", "content": "..."}]'
        )
    turns = tuple(_turn(turn, i) for i, turn in enumerate(question))
    if not turns or turns[-1].role != "user":
        raise ValueError("a conversation ends with a turn of the user")
    _text(turns[-1].content, "the last turn")
    return turns


def _turn(turn: object, number: int) -> Message:
    if isinstance(turn, Message):
        given: Mapping[str, object] = {"role": turn.role, "content": turn.content}
    elif isinstance(turn, Mapping):
        given = turn
    elif isinstance(turn, str):
        raise ValueError(
            f"turn {number} is a text; a list holds the turns of one chat, as "
            '{"role": "user", "content": "..."}; for several questions call generate for each: '
            "await asyncio.gather(*(pipeline.generate(text) for text in texts))"
        )
    else:
        raise ValueError(f"turn {number} is {type(turn).__name__}, not a message or mapping")
    role, content = given.get("role", ""), given.get("content")
    if role not in get_args(Role):
        raise ValueError(f"a turn has the role {role!r}; there is: {', '.join(get_args(Role))}")
    if not isinstance(content, str):
        what = "no content" if content is None else f"{type(content).__name__} as its content"
        raise ValueError(f"turn {number} has {what}; it must be a text")
    return Message(cast(Role, role), _encodable(content, f"turn {number}"))


def _text(text: str, what: str) -> str:
    if not text.strip():
        raise ValueError(f"{what} is empty")
    return _encodable(text, what)


def _encodable(text: str, what: str) -> str:
    """The text, if every character is one: half of a surrogate pair cannot be sent."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} holds {text[error.start]!a} at character {error.start}, which is no character"
        ) from error
    return text
