"""Multinomial logistic regression on sparse and dense features together, trained with L-BFGS.

Written here because the usual libraries either make the dense part sparse (slow) or cannot start from earlier weights,
which is what makes a changed example file live within a second. Training needs scipy; answering does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.routers.ngrams import Columns, Values

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Design:
    """Training rows: what stands for each sentence."""

    values: Values
    columns: Columns
    starts: NDArray[np.int64]
    width: int
    """Columns of the sparse part."""
    dense: Floats
    """Rows × dense features."""

    def row(self, place: int) -> tuple[Columns, Values]:
        """Columns and values of one row's sparse part."""
        part = slice(self.starts[place], self.starts[place + 1])
        return self.columns[part], self.values[part]

    def rows(self, chosen: NDArray[np.int64]) -> Design:
        """The same design with some of its rows."""
        lengths = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
        return Design(self.values[places], self.columns[places], starts, self.width, self.dense[chosen])


def fit(
    design: Design,
    targets: NDArray[np.int64],
    classes: int,
    *,
    weights: Floats | None = None,
    strength: float = 10.0,
    iterations: int = 60,
    start: Floats | None = None,
) -> Floats:
    """Weights, (sparse + dense + 1) × classes; the last row is the bias.

    `targets`: the class of each row. `weights`: how much each row counts, 1 on average. `strength`: inverse of the
    L2 penalty. `start`: weights to begin with.
    """
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix

    rows = len(targets)
    sparse: Any = csr_matrix((design.values, design.columns, design.starts), shape=(rows, design.width))
    turned: Any = sparse.T.tocsr()
    height = design.width + design.dense.shape[1] + 1
    counted = np.ones(rows, np.float32) if weights is None else weights.astype(np.float32)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        now = flat.astype(np.float32).reshape(height, classes)
        logits = sparse @ now[: design.width] + design.dense @ now[design.width : -1] + now[-1]
        logits -= logits.max(axis=1, keepdims=True)
        right = logits[np.arange(rows), targets].copy()
        np.exp(logits, out=logits)
        total = logits.sum(axis=1)
        value = float((counted * (np.log(total) - right)).sum(dtype=np.float64))
        logits /= total[:, None]
        logits[np.arange(rows), targets] -= 1
        logits *= counted[:, None]
        gradient = np.empty_like(now)
        gradient[: design.width] = turned @ logits
        gradient[design.width : -1] = design.dense.T @ logits
        gradient[-1] = logits.sum(axis=0)
        gradient[:-1] += now[:-1] / strength
        value += float((now[:-1].astype(np.float64) ** 2).sum()) / (2 * strength)
        return value, gradient.ravel().astype(np.float64)

    first = np.zeros((height, classes)) if start is None else start.astype(np.float64)
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    trained: Floats = found.x.astype(np.float32).reshape(height, classes)
    return trained


def probabilities(logits: Floats) -> Floats:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return shares
