"""Strengths of players from the games between them.

Source: Bradley & Terry, Biometrika 39 (1952); ties as half a win each. With ``alpha`` wins and as
many losses against a player of strength 1 the maximum is finite and unique, also for who never
lost and for groups that never met.
"""

from __future__ import annotations

from collections.abc import Sequence

_MOST_STEPS = 100
_CLOSE = 1e-10


def log_strengths(wins: Sequence[Sequence[float]], *, alpha: float = 0.5) -> list[float]:
    """The strengths that make the games likeliest, as logarithms: 0 is a player of strength 1.

    Args:
        wins: ``wins[i][j]`` is how often player i beat player j, ties as one half; shape (n, n),
            the diagonal is not read.
        alpha: Imagined wins, and losses, of each player against one of strength 1; > 0.

    Returns:
        Shape (n,).
    """
    import numpy as np  # here: it takes longer to import than everything else that is needed

    won = np.array(wins, dtype=float)
    np.fill_diagonal(won, 0.0)
    games = won + won.T
    theta = np.zeros(len(won))
    for _ in range(_MOST_STEPS):
        beats = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
        at_par = 1 / (1 + np.exp(-theta))
        gradient = won.sum(axis=1) + alpha - (games * beats).sum(axis=1) - 2 * alpha * at_par
        spread = games * beats * beats.T
        hessian = np.diag(spread.sum(axis=1) + 2 * alpha * at_par * (1 - at_par)) - spread
        step = np.linalg.solve(hessian, gradient)
        # A full step can overshoot far from the maximum; the likelihood is concave, so shorter
        # ones lead there too.
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _CLOSE:
            break
    return [float(value) for value in theta]
