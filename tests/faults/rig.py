"""One pipeline on a few questions, put together as a study is, with a clock that never waits.

Everything between the pipeline and the stub's socket is the real thing: the models as a job file
would name them, the policies around them, the database file. Only the waits between tries pass at
once; what was waited for is kept.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archon.benchmarks.examples import Example
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import Price
from archon.core.messages import ask
from archon.core.records import SEARCH_SPLIT, ExampleRow, NewStudy, SpendTotals
from archon.core.results import ExampleResult
from archon.runtime.asking import ModelAsks
from archon.runtime.budget import Amount, Budget, Caps
from archon.scoring.table import build_scorer
from archon.search.evaluate import Evaluator, Unit, usable
from archon.service.assemble import open_models
from archon.service.budgets import spent_before
from archon.service.settings import Settings
from archon.spec.model_spec import ModelLimits, ModelSpec
from archon.store.opening import Store, open_store
from tests.stub import Stub
from tests.unit.runtime.clients import Clock

STUDY = "study"
KEY_NAME = "STUB_KEY"
CANARY = "sk-CANARY-4711-do-not-tell"
PRICE = Price(1.0, 2.0)
"""Dollars per million tokens: a prompt token is 1000 billionths, a written one 2000."""

ENDPOINT, OPENAI, ANTHROPIC = "endpoint", "openai", "anthropic"
WIRES = (ENDPOINT, OPENAI, ANTHROPIC)
"""The thin client, and LiteLLM in each of the two wire formats."""

SINGLE = Architecture(((ComponentSpec.of("generate", "m", temperature=1.0, max_tokens=32),),))
NUMERIC: Mapping[str, object] = {"kind": "numeric"}


def model_spec(
    wire: str, url: str, name: str, *, alias: str, key_name: str, deadline_s: float
) -> ModelSpec:
    """The model as a job file would describe it."""
    limits = ModelLimits(deadline_s=deadline_s)
    if wire == ENDPOINT:
        return ModelSpec(
            alias, "url", name, url=url, key_env=key_name, price=PRICE, sends_slots=True,
            limits=limits,
        )  # fmt: skip
    return ModelSpec(
        alias, "litellm", f"{wire}/{name}", key_env=key_name, price=PRICE, limits=limits
    )


def sums(n: int) -> tuple[Example, ...]:
    """Questions that the stub's model "adds-1" always answers rightly."""
    return tuple(
        Example(f"q{i}", ask(f"What is {i + 1} + {i + 1}?"), str(2 * i + 2)) for i in range(n)
    )


@dataclass(frozen=True)
class Lost:
    """A row of the table of purchases without a stored completion."""

    reason: str
    nusd: int
    tokens: int


PROMPT, ANSWER = 7, 4
"""Tokens of "What is 1 + 1?" and of "The answer is 2." as the stub counts and bills them."""
WORST_PROMPT, WORST_ANSWER = 64 + 14 + 8, 32
"""Tokens of the same at worst: one for each byte, what a chat template may add, ``max_tokens``."""
MAYBE_BILLED = Lost(
    "maybe_billed", WORST_PROMPT * 1000 + WORST_ANSWER * 2000, WORST_PROMPT + WORST_ANSWER
)
"""What one try that may have been charged has on the books."""
PAID = Amount(1, PROMPT + ANSWER, PROMPT * 1000 + ANSWER * 2000)


def uncertain(n: int) -> Amount:
    """So many tries that may have been charged, as the budget counts them."""
    return Amount(n, n * MAYBE_BILLED.tokens, n * MAYBE_BILLED.nusd)


@dataclass
class Rig:
    """A study of one pipeline; ``ask`` may be called again, as after a restart."""

    stub: Stub
    settings: Settings
    folder: Path
    wire: str = ENDPOINT
    name: str = "adds-1"
    """What the stub calls the model behind the alias "m"; "j", a judge, is always "judge"."""
    architecture: Architecture = SINGLE
    scorer: Mapping[str, object] = field(default_factory=lambda: NUMERIC)
    key_name: str = KEY_NAME
    """The variable that the models name for their key; "" for none."""
    deadline_s: float = 30.0
    caps: Caps = field(default_factory=Caps)
    clock: Clock = field(default_factory=Clock)
    is_in_real_time: bool = False
    """Waits between tries are waited for."""
    budget: Budget = field(init=False)
    said: list[str] = field(default_factory=list)
    """Every line and error that a user could have seen."""

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "archon.db"

    async def ask(self, n: int = 1) -> tuple[ExampleResult, ...]:
        """Run the study on from where it stands: all questions that have no score yet.

        Returns:
            The results of this run, in the order of the questions.

        Raises:
            ArchonError: What stops a study.
        """
        with open_store(f"sqlite:///{self.file}") as store:
            await self._create(store, sums(n))
            try:
                async with self._evaluator(store) as evaluator:
                    return await self._evaluated(evaluator, store, sums(n))
            except Exception as error:
                self.said += [f"{error}", f"{error.args}", f"{error.__cause__}"]
                raise

    async def _create(self, store: Store, examples: tuple[Example, ...]) -> None:
        rows = [ExampleRow(e.id, SEARCH_SPLIT, i, "{}") for i, e in enumerate(examples)]
        await store.studies().create(NewStudy(STUDY, "test", "{}", "f", 0), rows)

    async def _evaluated(
        self, evaluator: Evaluator, store: Store, examples: tuple[Example, ...]
    ) -> tuple[ExampleResult, ...]:
        pipeline_id = self.architecture.pipeline_id()
        done = {one.example_id for one in usable(store.reader().results(STUDY, pipeline_id))}
        missing = tuple(example for example in examples if example.id not in done)
        end = await evaluator.evaluate(Unit(pipeline_id, self.architecture, SEARCH_SPLIT, missing))
        self.said += [end.stopped, *(f"{result}" for result in end.results)]
        await store.trials(STUDY).record([r for r in end.results if r.score is not None])
        return end.results

    @contextlib.asynccontextmanager
    async def _evaluator(self, store: Store) -> AsyncIterator[Evaluator]:
        spent = spent_before(store.reader().spend(STUDY))
        self.budget = Budget(self.caps, time.monotonic, spent)
        specs = [
            model_spec(
                self.wire,
                self.stub.base_url,
                name,
                alias=a,
                key_name=self.key_name,
                deadline_s=self.deadline_s,
            )
            for a, name in (("m", self.name), ("j", "judge"))
        ]
        async with open_models(specs, self.settings, say=self.said.append) as models:
            for model in models.by_alias.values() if not self.is_in_real_time else ():
                model.gate.clock = model.gate.patience_clock = self.clock
                model.gate.sleep = self.clock.sleep
            client = models.studied(store.calls(STUDY), self.budget)
            scorer = build_scorer(self.scorer, lambda alias: ModelAsks(client, models.cards[alias]))
            yield Evaluator(client, models.cards, scorer, questions_in_flight=8)

    def totals(self) -> SpendTotals:
        """What the database says was spent."""
        with open_store(f"sqlite:///{self.file}") as store:
            return store.reader().spend(STUDY)

    def lost(self) -> list[Lost]:
        """All purchases without a stored completion."""
        rows = self.rows("SELECT reason, nusd, tokens FROM lost_calls ORDER BY id")
        return [Lost(*row) for row in rows]

    def finishes(self) -> list[str]:
        """How each stored completion ended, in the order of the slots."""
        return [row[0] for row in self.rows("SELECT finish FROM calls ORDER BY digest, slot")]

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """What the database file itself holds."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(select).fetchall()


MakeRig = Callable[..., Rig]
