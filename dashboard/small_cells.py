"""Which counts of a table are hidden from people who may see no child behind them: one rule, for every page and file.

A count under five could point at a child (DOMAIN 11), and so could one that is worked out from the others: the total
of a row less the cells that are shown is the one that is hidden. So more is hidden, as little as possible, until no
small count can be worked out.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

SMALLEST_CELL = 5


def column(counts: np.ndarray) -> np.ndarray:
    """Which parts of a sum are hidden, (parts,) boolean; the sum itself is known.

    All under five, and the next smallest until the hidden ones are two or more that make five or more together: three
    hidden zeros would be worked out from the total.

    >>> column(np.array([3, 7, 12])), column(np.array([0, 0, 12])), column(np.array([6, 12]))
    (array([ True,  True, False]), array([ True,  True,  True]), array([False, False]))
    """
    hidden: np.ndarray = counts < SMALLEST_CELL
    for at in np.argsort(counts, kind="stable"):
        if not hidden.any() or (hidden.sum() > 1 and counts[hidden].sum() >= SMALLEST_CELL):
            break
        hidden[at] = True
    return hidden


def table(cells: np.ndarray, there: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Which cells of a table with totals are hidden, (rows, columns) boolean.

    `there` (rows, columns) says which cells can hold anybody: everybody knows that a primary school has no ม.3, so
    such a cell is neither hidden nor of any use to hide another. `rows` and `columns` say which totals are hidden,
    the same in every table they stand in (see `column`).

    What nobody can tell from outside is a walk that raises one hidden cell and lowers the next so that every total
    stays. So a hidden cell is an edge between its row and its column, and a small one is safe when its edge lies on a
    directed circle: then it could be larger, for all that anybody can tell. Where the totals leave no room for a
    circle, the cell's whole row and column are hidden.
    """
    whole = np.block([[cells, cells.sum(1, keepdims=True)], [cells.sum(0, keepdims=True), np.array([[cells.sum()]])]])
    inside = np.zeros(whole.shape, dtype=bool)
    inside[:-1, :-1] = there
    hidden = inside & (whole < SMALLEST_CELL)
    hidden[:-1, -1], hidden[-1, :-1], hidden[-1, -1] = rows, columns, cells.sum() < SMALLEST_CELL
    row, col = np.nonzero(hidden & (whole < SMALLEST_CELL))
    # Circles that lower only cells of five or more are found all at once; the few cells left are asked one by one.
    arcs = _arcs(whole, np.where(hidden & (whole >= SMALLEST_CELL), whole, 0), np.where(hidden, 1.0, np.inf))
    _, circle = connected_components(arcs, connection="strong")
    for at in np.flatnonzero(circle[row] != circle[len(whole) + col]):
        cost = np.where(hidden, 1.0, np.where(inside, 2.0 + whole, np.inf))
        way = _way(whole, cost, row[at], col[at])
        if way is None:
            hidden[row[at]] |= inside[row[at]]
            hidden[:, col[at]] |= inside[:, col[at]]
        else:
            hidden[tuple(np.transpose(way))] = True
    return hidden[:-1, :-1]


def _arcs(whole: np.ndarray, lowered: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Costs of arcs between rows and columns, (rows + columns, rows + columns); 0 = no arc. Row to column raises a
    cell, column to row lowers one that has something to lower; a total stands on the other side of its sum, so its arcs
    run the other way."""
    total = np.zeros(whole.shape, dtype=bool)
    total[-1, :-1] = total[:-1, -1] = True
    known, some = np.isfinite(cost), lowered > 0
    forth = np.where(known & (~total | some), cost, 0.0)
    back = np.where(known & (total | some), cost, 0.0)
    n, m = whole.shape
    return np.block([[np.zeros((n, n)), forth], [back.T, np.zeros((m, m))]])


def _way(whole: np.ndarray, cost: np.ndarray, row: int, col: int) -> list[tuple[int, int]] | None:
    """The cells of the cheapest circle that raises a cell, itself left out; None if there is none."""
    n = len(whole)
    total = (row == n - 1) != (col == whole.shape[1] - 1)
    start, end = (row, n + col) if total else (n + col, row)
    cost = cost.copy()
    cost[row, col] = np.inf
    far, before = dijkstra(_arcs(whole, whole, cost), indices=start, return_predecessors=True)
    if not np.isfinite(far[end]):
        return None
    cells, at = [], end
    while at != start:
        last = before[at]
        cells.append((min(at, last), max(at, last) - n))
        at = last
    return cells
