"""Logistic regression finds what separates its classes."""

from __future__ import annotations

import numpy as np

from otto.routers import softmax


def design(rows: int, seed: int) -> tuple[softmax.Design, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Class 0 has column 0, class 1 column 1, class 2 neither but a dense feature."""
    targets = np.random.default_rng(seed).integers(0, 3, rows)
    columns = targets[targets < 2].astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(targets < 2)])
    dense = (targets == 2).astype(np.float32)[:, None]
    return softmax.Design(np.ones(len(columns), np.float32), columns, starts, 2, dense), targets


def test_it_learns_sparse_and_dense_features() -> None:
    rows, targets = design(60, 0)
    weights = softmax.fit(rows, targets, 3)
    assert weights.shape == (4, 3)
    assert [int(weights[row].argmax()) for row in range(3)] == [0, 1, 2]


def test_weights_shift_what_is_undecided() -> None:
    empty = softmax.Design(
        np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(5, np.int64), 1, np.zeros((4, 1), np.float32)
    )
    targets = np.array([0, 0, 0, 1])
    even = softmax.probabilities(softmax.fit(empty, targets, 2, weights=np.array([1, 1, 1, 3], np.float32))[-1])
    assert np.allclose(even, 0.5, atol=0.01)


def test_a_start_is_where_it_goes_on() -> None:
    rows, targets = design(60, 0)
    done = softmax.fit(rows, targets, 3, iterations=100)
    assert np.allclose(softmax.fit(rows, targets, 3, iterations=1, start=done), done, atol=0.05)


def test_chosen_rows_keep_their_columns() -> None:
    rows, targets = design(20, 1)
    chosen = rows.rows(np.array([3, 0, 7]))
    for place, row in enumerate((3, 0, 7)):
        assert chosen.row(place)[0].tolist() == rows.row(row)[0].tolist()
        assert chosen.dense[place] == rows.dense[row]
