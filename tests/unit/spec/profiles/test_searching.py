"""Every sampler searches the spaces of profiles, whose ranges and choices depend on each other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from archon.core.errors import SpecError
from archon.core.records import ProposalRow
from archon.core.results import Completed
from archon.search.feasible import over_ceiling
from archon.search.propose import Proposer
from archon.search.samplers.table import SAMPLERS, Needs, SamplerKind, build_sampler
from archon.search.space import Space
from tests.unit.spec.profiles.jobs import paper_space, profile_job, profile_space

OPTIONS = "max_calls: 30\ngenerate: {samples: SAMPLES, temperature: {from: 0.2, to: 1.0}}"
RANGE = OPTIONS.replace("SAMPLES", "{from: 1, to: 5}")
LIST = OPTIONS.replace("SAMPLES", "[1, 4, 9]")
SPACES = {
    "paper": paper_space(RANGE, n_models=6),
    "free": profile_space(f"profile: free\n{LIST}"),
}
N, CUT = 16, 11


def worth(row: ProposalRow) -> Completed:
    return Completed((int(row.pipeline_id, 16) % 97 / 97,), 8)


def proposer(space: Space, kind: SamplerKind) -> Proposer:
    needs = Needs(space, ("quality",), seed=3, n_startup=8, n_trials=N)
    return Proposer(space, build_sampler(kind, needs), seed=3)


def asked(found: Proposer, n: int) -> list[ProposalRow]:
    rows = []
    for _ in range(n):
        row = found.ask()
        assert row is not None
        rows.append(row)
        found.tell(row.number, worth(row))
    return rows


def resumed(space: Space, kind: SamplerKind, rows: Sequence[ProposalRow]) -> Proposer:
    found = proposer(space, kind)
    for row in rows:
        found.restore(row)
        found.tell(row.number, worth(row))
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, id=f"{name}-{kind}")
        for name, space in SPACES.items()
        for kind in SAMPLERS
        if kind not in ("exhaustive", "random", "gain")
        and SAMPLERS[kind].misfit(space, ("quality",)) is None
    ],
)
def test_a_sampler_proposes_new_pipelines_and_goes_on_where_it_was(
    name: str, kind: SamplerKind
) -> None:
    space = SPACES[name]
    rows = asked(proposer(space, kind), N)
    assert len({row.pipeline_id for row in rows}) == N
    assert [over_ceiling(space, row.architecture) for row in rows] == [""] * N
    again = asked(resumed(space, kind, rows[:CUT]), N - CUT)
    assert [row.pipeline_id for row in again] == [row.pipeline_id for row in rows[CUT:]]


def test_cmaes_refuses_a_grammar_of_which_every_state_has_numbers_of_its_own() -> None:
    with pytest.raises(SpecError, match=r"sampler.kind: cmaes moves all open numbers together"):
        profile_job(f"profile: free\n{RANGE}", sampler={"kind": "cmaes"}, objectives=["quality"])
