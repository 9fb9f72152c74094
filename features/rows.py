"""Rows of register tables as arrays sorted by learner: the last row of each, and values put in the cohort's order.

The store keeps rows sorted by their key, the learner first, so a learner's rows are a run and no grouping is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raksa.store import Pointer, Store

_EPOCH = date(1970, 1, 1)


def days(day: date) -> int:
    """A date as days since 1970, which is how Arrow keeps it."""
    return (day - _EPOCH).days


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """A column as (rows,) float64, missing NaN; dates as days since 1970."""
    values = table[column]
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def steps(table: pa.Table, column: str, step: dict[str, float]) -> np.ndarray:
    """A column of words as numbers, NaN for a word without one."""
    words = table[column].combine_chunks().dictionary_encode(null_encoding="encode")
    worth = np.array([step.get(word, np.nan) for word in words.dictionary.to_pylist()] or [np.nan])
    return np.asarray(worth[words.indices.to_numpy(zero_copy_only=False)])


class Held(Store):
    """A store that reads each table once for as long as it is held: several dates ask for the same rows.

    With a `pointer` it stays with the imports of that moment, whatever arrives meanwhile.
    """

    def __init__(self, home: Path, pointer: Pointer | None = None) -> None:
        super().__init__(home)
        self._pointer = pointer
        self._held: dict[str, pa.Table] = {}
        self._merged: dict[int, int] | None = None

    def current(self) -> Pointer:
        return self._pointer or super().current()

    def merged(self) -> dict[int, int]:
        if self._merged is None:
            self._merged = super().merged()
        return self._merged

    def once(self, asked: str, read: Callable[[], pa.Table]) -> pa.Table:
        """What `read` gives, read only the first time it is asked for."""
        if asked not in self._held:
            self._held[asked] = read()
        return self._held[asked]


def read(store: Store, table: str, bucket: int | None, **which: Any) -> pa.Table:
    """A register table sorted by learner, as `Store.read` gives it: of one bucket, or of all."""

    def by_learner() -> pa.Table:
        held = store.read(table, bucket=bucket, **which)
        ids = held["learner_id"].to_numpy()
        # One bucket of a table without years is sorted as it comes; years and buckets lie one behind the other.
        return held if (ids[1:] >= ids[:-1]).all() else held.take(np.argsort(ids, kind="stable"))

    if isinstance(store, Held):
        return store.once(
            f"{table} {bucket} {sorted((k, v if isinstance(v, bool) else list(v)) for k, v in which.items())}",
            by_learner,
        )
    return by_learner()


def known_before(table: pa.Table, as_of: date, *columns: str) -> pa.Table:
    """Rows whose date columns all lie strictly before the date. A row without a known day is not known."""
    for column in columns:
        known = pc.less(table[column], pa.scalar(as_of, pa.date32()))
        if not pc.all(known, skip_nulls=False).as_py():
            table = table.filter(known)
    return table


def told_last(table: pa.Table, *fact: str) -> pa.Table:
    """Rows about one fact of a learner that was told several times as one row: of each column what was said last.

    Rows are sorted by learner, then by the columns that say which fact, then by the day it became known."""
    if table.num_rows < 2:
        return table
    same = np.ones(table.num_rows - 1, bool)
    for column in ("learner_id", *fact):
        here, after = table[column].slice(0, table.num_rows - 1), table[column].slice(1)
        equal = pc.or_(pc.fill_null(pc.equal(here, after), False), pc.and_(pc.is_null(here), pc.is_null(after)))
        same &= equal.to_numpy()
    if not same.any():
        return table
    which = ["learner_id", *fact]
    others = [name for name in table.schema.names if name not in which]
    one = table.group_by(which, use_threads=False).aggregate([(name, "last") for name in others])
    one = one.rename_columns({f"{name}_last": name for name in others}).select(table.schema.names)
    return one.sort_by([(name, "ascending") for name in which])  # groups come in no order


def last(ids: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Positions of the last row of each learner among the rows of a mask (all by default). `ids` ascend."""
    at = np.arange(len(ids)) if rows is None else np.flatnonzero(rows)
    own = ids[at]
    return at[np.append(own[1:] != own[:-1], True)] if len(at) else at


def first(ids: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Positions of the first row of each learner among the rows of a mask. `ids` ascend."""
    at = np.arange(len(ids)) if rows is None else np.flatnonzero(rows)
    own = ids[at]
    return at[np.append(True, own[1:] != own[:-1])] if len(at) else at


def largest(ids: np.ndarray, values: np.ndarray, rows: np.ndarray, learners: np.ndarray) -> np.ndarray:
    """Largest value of each learner's rows of a mask, for the given learners; NaN where there is none. `ids` ascend."""
    own, value = ids[rows], values[rows]
    if not len(own):
        return np.full(len(learners), np.nan)
    begins = first(own)
    return placed(own[begins], np.maximum.reduceat(value, begins), learners)


def placed(ids: np.ndarray, values: np.ndarray, learners: np.ndarray, missing: Any = np.nan) -> np.ndarray:
    """Values of the given learners, in their order; `missing` where there is none. `ids` ascend, each once."""
    out = np.full(len(learners), missing, values.dtype)
    at = np.searchsorted(ids, learners)
    there = at < len(ids)
    there[there] = ids[at[there]] == learners[there]
    out[there] = values[at[there]]
    return out
