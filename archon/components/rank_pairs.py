"""Pairwise ranking: a model says which of two candidates is better; games make a ranking.

Sources: both orders of each pair against the bias for places, MT-Bench, arXiv 2306.05685, section
3.4; rankings from pairs, arXiv 2306.17563; strengths, Bradley & Terry (1952). ``solve_first`` has
the model solve the question before it compares: fewer wrong answers to mathematics are then
preferred (same section of MT-Bench).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.bradley_terry import log_strengths
from archon.components.parsing import read_verdict
from archon.components.repair import Ask, read_twice
from archon.components.showing import exhibit
from archon.components.together import together
from archon.core.calls import ModelReply, ModelRequest, Sampling
from archon.core.candidates import LayerState
from archon.core.messages import ask
from archon.prompts import load

_MARKER = "Better"
_FIRST_WINS: Mapping[str, float] = {"answer 1": 1.0, "answer 2": 0.0, "tie": 0.5}
_FORM = " or ".join(f'"{_MARKER}: {word}"' for word in _FIRST_WINS)
_WORDINGS: Mapping[str, str] = {
    "reason_first": "rank_pairs",
    "solve_first": "rank_pairs_solve_first",
}


@dataclass(frozen=True, slots=True)
class _Game:
    """One comparison: the places shown first and second, and how it ended."""

    first: int
    second: int
    won_by_first: float | None
    reply: ModelReply

    def share_of(self, place: int) -> float:
        """What the game was worth to one of the two; one half where nobody could tell."""
        if self.won_by_first is None:
            return 0.5
        return self.won_by_first if place == self.first else 1 - self.won_by_first


@dataclass(frozen=True, slots=True)
class RankPairs:
    """Order the candidates by games between two of them, keep the first ``keep``.

    ``round_robin`` plays every pair; the score "rank_pairs" is the Bradley-Terry strength as the
    probability, in (0, 1), of beating a player of strength 1. ``knockout`` plays the first against
    the last, the winners go on, a tie goes to who arrived first; its score is the share of rounds
    survived. A game that cannot be read does not count. Where none can, the order stays.
    """

    model: str
    keep: int | None = knob(
        None, "candidates to keep, best first; null keeps all", low=1, high=1000
    )
    schedule: str = knob(
        "round_robin", "which pairs are compared", options=("round_robin", "knockout")
    )
    swap: bool = knob(True, "every pair in both orders; else in one, by chance")
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "reason_first",
        "reasons and then the better one, or a solution made before them",
        options=tuple(_WORDINGS),
    )

    kind: ClassVar[str] = "rank_pairs"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "critique"}),
        writes=frozenset({"scores"}),
        effect="select",
        most_shown=2,
        usual_reply=100,
        usual_replies={"solve_first": 250},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """All pairs, or n - 1 of them; two calls each with ``swap``; one repair of each call."""
        n = arriving.candidates
        most = n.high if self.keep is None else self.keep
        after = Interval(min(most, n.low), min(most, n.high))
        calls = Interval(self._n_calls(n.low), self._n_calls(n.high))
        return Bounds(calls, calls.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the best candidates in order, each with its score "rank_pairs"."""
        n = len(state.candidates)
        if not n:
            context.count("empty_input")
            return state
        if n == 1:
            (only,) = state.candidates
            return replace(state, candidates=(only.with_score(self.kind, 1.0),))
        play = self._round_robin if self.schedule == "round_robin" else self._knockout
        scores = await play(state, context)
        if scores is None:
            context.count("fallback")
            return replace(state, candidates=state.candidates[: self.keep])
        best_first = sorted(range(n), key=lambda i: (-scores[i], i))
        ranked = [state.candidates[i].with_score(self.kind, scores[i]) for i in best_first]
        return replace(state, candidates=tuple(ranked[: self.keep]))

    def _n_calls(self, n: int) -> int:
        n_pairs = n * (n - 1) // 2 if self.schedule == "round_robin" else max(0, n - 1)
        return n_pairs * (2 if self.swap else 1)

    async def _round_robin(self, state: LayerState, context: RunContext) -> list[float] | None:
        n = len(state.candidates)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        games = [game for match in await self._round(pairs, state, context, ()) for game in match]
        wins = [[0.0] * n for _ in range(n)]
        for game in games:
            if game.won_by_first is not None:
                wins[game.first][game.second] += game.won_by_first
                wins[game.second][game.first] += 1 - game.won_by_first
        if not any(map(any, wins)):
            return None
        # Rounded, so that equal strengths stay equal whatever the arithmetic of the machine.
        return [round(1 / (1 + math.exp(-theta)), 9) for theta in log_strengths(wins)]

    async def _knockout(self, state: LayerState, context: RunContext) -> list[float] | None:
        n_survived = [0] * len(state.candidates)
        playing, is_readable = list(range(len(state.candidates))), False
        after: tuple[ModelReply, ...] = ()
        while len(playing) > 1:
            byes, pairs = drawn(playing)
            matches = await self._round(pairs, state, context, after)
            winners = [_winner(*pair, games) for pair, games in zip(pairs, matches, strict=True)]
            games = [game for match in matches for game in match]
            after = tuple(game.reply for game in games)
            is_readable = is_readable or any(game.won_by_first is not None for game in games)
            playing = sorted([*byes, *winners])
            for place in playing:
                n_survived[place] += 1
        return [n / max(n_survived) for n in n_survived] if is_readable else None

    async def _round(
        self,
        pairs: Sequence[tuple[int, int]],
        state: LayerState,
        context: RunContext,
        after: tuple[ModelReply, ...],
    ) -> list[list[_Game]]:
        """The games of each pair, all at the same time."""
        return await together([self._match(i, j, state, context, after) for i, j in pairs])

    async def _match(
        self,
        i: int,
        j: int,
        state: LayerState,
        context: RunContext,
        after: tuple[ModelReply, ...],
    ) -> list[_Game]:
        """The games of one pair, at the same time."""
        if self.swap:
            orders = [(i, j), (j, i)]
        else:
            orders = [(i, j) if context.seed("order", i, j) % 2 else (j, i)]
        return await together([self._game(a, b, state, context, after) for a, b in orders])

    async def _game(
        self,
        first: int,
        second: int,
        state: LayerState,
        context: RunContext,
        after: tuple[ModelReply, ...],
    ) -> _Game:
        quoted = exhibit(state.question, [state.candidates[first], state.candidates[second]])
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=quoted.question, answers=quoted.answers, form=_FORM
        )
        sampling = Sampling(self.temperature, self.max_tokens, self.top_p)
        compared = Ask(ModelRequest(self.model, ask(prompt), sampling), _won_by_first, form=_FORM)
        (reply,) = await context.sample(compared.request, after=after, purpose="compare")
        reading = await read_twice(compared, reply, context)
        return _Game(first, second, reading.value, reading.reply)


def drawn(playing: Sequence[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Who has a bye, and who plays whom: the first against the last.

    The first have the byes that bring the number of players down to a power of two.
    """
    n_byes = 2 ** (len(playing) - 1).bit_length() - len(playing)
    rest = playing[n_byes:]
    half = len(rest) // 2
    return [*playing[:n_byes]], list(zip(rest[:half], reversed(rest[half:]), strict=True))


def _winner(i: int, j: int, games: Sequence[_Game]) -> int:
    return j if sum(game.share_of(i) for game in games) < len(games) / 2 else i


def _won_by_first(reply: str) -> float:
    return _FIRST_WINS[read_verdict(reply, _MARKER, tuple(_FIRST_WINS))]
