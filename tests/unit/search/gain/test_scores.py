from __future__ import annotations

import numpy as np
import pytest

from archon.search.gain.scores import levelled


def test_pipeline_that_was_asked_easy_questions_only_is_not_taken_for_good() -> None:
    """Two equal pipelines; the second was seen on the easy half."""
    random = np.random.default_rng(0)
    ease = np.concatenate([np.full(60, 0.9), np.full(60, 0.1)])
    others = [(random.random(120) < ease).astype(float) for _ in range(10)]
    short = (random.random(60) < ease[:60]).astype(float)
    found = levelled([*others, short], 120)
    assert short.mean() > 0.8
    assert found.means[-1] == pytest.approx(0.5, abs=0.1)


def test_doubt_falls_with_the_questions_that_were_asked() -> None:
    random = np.random.default_rng(1)
    scores = [(random.random(n) < 0.5).astype(float) for n in (10, 40, 160)]
    found = levelled(scores, 160)
    assert found.variances[0] == pytest.approx(4 * found.variances[1])
    assert found.variances[0] == pytest.approx(16 * found.variances[2])
    assert found.noise == pytest.approx(0.25, abs=0.08)


def test_few_scores_that_agree_leave_a_doubt() -> None:
    found = levelled([np.ones(5)], 100)
    assert found.variances[0] > 0.01
