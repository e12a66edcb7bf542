"""A world as a whole: its questions and its models."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archon.core.calls import ModelCard
from archon.world.cast import SimulatedModel
from archon.world.client import SimulatedClient
from archon.world.draws import Draws
from archon.world.questions import QuestionRules, Questions
from archon.world.replies import Speaker
from archon.world.tags import Mark, Tags

USUAL = QuestionRules()


@dataclass(frozen=True, slots=True)
class World:
    """Questions and models, all that they say decided by one seed."""

    name: str
    models: tuple[SimulatedModel, ...]
    rules: QuestionRules = USUAL
    seed: int = 0

    @property
    def identity(self) -> str:
        """Tells it from worlds with other questions, or with other models of the same names."""
        parameters = hashlib.sha256(repr(self).encode()).hexdigest()
        return f"{self.name}/{parameters[:12]}"

    @property
    def _tags(self) -> Tags:
        return Tags(f"archon world {self.seed}".encode())

    @property
    def draws(self) -> Draws:
        """Its random numbers."""
        return Draws(self.seed)

    @property
    def questions(self) -> Questions:
        """Its questions, numbered from 0."""
        return Questions(self.draws, self.rules)

    def model(self, name: str) -> SimulatedModel:
        """One of its models.

        Raises:
            KeyError: There is none of this name.
        """
        for model in self.models:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self.models)
        raise KeyError(f"no simulated model is called {name!r}; there is: {names}")

    def client(self, name: str) -> SimulatedClient:
        """What answers as this model.

        Raises:
            KeyError: There is none of this name.
        """
        return SimulatedClient(Speaker(self.model(name), self.questions, self._tags))

    def mark_of(self, text: str) -> Mark | None:
        """What an answer is: its last tag; None where it has none, which is a wrong answer."""
        marks = [mark for _, mark in self._tags.read(text)]
        return marks[-1] if marks else None

    def card(self, name: str, alias: str = "") -> ModelCard:
        """What the runtime needs to know of a model.

        Raises:
            KeyError: There is none of this name.
        """
        identity = f"simulated/{self.identity}/{name}"
        return ModelCard(alias or name, identity, self.model(name).price, has_many_samples=True)
