from __future__ import annotations

import numpy as np

from archon.core.architecture import Architecture, ComponentSpec
from archon.search.gain.features import Features

VOTE = ComponentSpec.of("vote", answer="number")


def pipeline(samples: int, *more: ComponentSpec) -> Architecture:
    first = ComponentSpec.of("generate", "m", **({"samples": samples} if samples > 1 else {}))
    return Architecture(((first,), *((one,) for one in more)))


POOL = [pipeline(1), pipeline(4), pipeline(4, VOTE), pipeline(8, VOTE)]


def test_features_are_what_pipelines_differ_in() -> None:
    features = Features(POOL)
    assert not any("model=m" in name for name in features.names)  # all have it
    points = features.points(POOL)
    assert points.shape == (4, len(features.names))
    near = np.linalg.norm(points[2] - points[3])
    far = np.linalg.norm(points[0] - points[3])
    assert 0 < near < far


def test_pipeline_from_elsewhere_is_placed_by_what_the_others_differ_in() -> None:
    features = Features(POOL)
    own = pipeline(16, ComponentSpec.of("fuse", "stranger"), VOTE)
    points = features.points([*POOL, own])
    assert np.array_equal(points[:4], features.points(POOL))
    (samples,) = [i for i, name in enumerate(features.names) if name.endswith("samples")]
    assert points[4, samples] > points[3, samples]


def test_option_that_nobody_varies_moves_no_pipeline_away_from_the_rest() -> None:
    few = ComponentSpec.of("select", order="longest")
    many = ComponentSpec.of("fuse", "m")  # has options of its own, all at their defaults
    points = {
        spec.kind: Features(pool).points(pool)
        for spec in (few, many)
        for pool in [[pipeline(1), pipeline(4), pipeline(4, spec)]]
    }
    assert len({len(found[0]) for found in points.values()}) == 1
    distances = {np.linalg.norm(found[1] - found[2]).round(9) for found in points.values()}
    assert len(distances) == 1, "whoever has more options is no further away"
    varied = [
        *POOL,
        pipeline(4, many),
        pipeline(4, ComponentSpec.of("fuse", "m", order="shuffled")),
    ]
    assert any("order=" in name for name in Features(varied).names)
