"""Rows of register tables as arrays sorted by learner: the last row of each, and values put in the cohort's order.

The store keeps rows sorted by their key, the learner first, so a learner's rows are a run and no grouping is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raksa.store import Pointer, Store

_EPOCH = date(1970, 1, 1)
_NEVER = np.iinfo(np.int32).max
T = TypeVar("T")


def days(day: date) -> int:
    """A date as days since 1970, which is how Arrow keeps it."""
    return (day - _EPOCH).days


def numbers(table: pa.Table | Mapping[str, Any], column: str) -> np.ndarray:
    """A column as (rows,) float64, missing NaN; dates as days since 1970."""
    values = table[column]
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def codes(table: pa.Table | Mapping[str, Any], column: str) -> tuple[np.ndarray, list[str | None]]:
    """A column of words as the place of each in a list of different words; the last, None, stands for what is missing.

    The column may be dictionary-encoded, as `Store.read` gives it with `codes`."""
    values = table[column] if pa.types.is_dictionary(table[column].type) else table[column].dictionary_encode()
    coded = values.unify_dictionaries().combine_chunks()
    words = [*coded.dictionary.to_pylist(), None]
    return coded.indices.fill_null(len(words) - 1).to_numpy(), words


def steps(table: pa.Table | Mapping[str, Any], column: str, step: Mapping[str, float]) -> np.ndarray:
    """A column of words as numbers, NaN for a word without one."""
    which, words = codes(table, column)
    return np.asarray(np.array([np.nan if word is None else step.get(word, np.nan) for word in words])[which])


class Held(Store):
    """A store that reads each table once for as long as it is held: several dates ask for the same rows.

    With a `pointer` it stays with the imports of that moment, whatever arrives meanwhile.
    """

    def __init__(self, home: Path, pointer: Pointer | None = None) -> None:
        super().__init__(home)
        self._pointer = pointer
        self._held: dict[Hashable, tuple[Hashable, Any]] = {}
        self._merged: dict[int, int] | None = None

    def current(self) -> Pointer:
        return self._pointer or super().current()

    def merged(self) -> dict[int, int]:
        if self._merged is None:
            self._merged = super().merged()
        return self._merged

    def once(self, asked: Hashable, version: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made again only when another version is asked for than the last time."""
        if asked not in self._held or self._held[asked][0] != version:
            self._held[asked] = version, make()
        found: T = self._held[asked][1]
        return found


def once(store: Store, asked: Hashable, version: Hashable, make: Callable[[], T]) -> T:
    """`Held.once` where the store is held, else what `make` gives."""
    return store.once(asked, version, make) if isinstance(store, Held) else make()


def read(store: Store, table: str, bucket: int | None, **which: Any) -> pa.Table:
    """A register table sorted by learner, as `Store.read` gives it: of one bucket, or of all."""
    return once(
        store, _asked(table, bucket, which), None, lambda: by_learner(store.read(table, bucket=bucket, **which))
    )


def by_learner(held: pa.Table) -> pa.Table:
    """Rows sorted by learner, else in the order they have."""
    ids = held["learner_id"].to_numpy()
    # One bucket of a table without years is sorted as it comes; years and buckets lie one behind the other.
    return held if (ids[1:] >= ids[:-1]).all() else held.take(np.argsort(ids, kind="stable"))


def known(store: Store, table: str, bucket: int | None, as_of: date, *columns: str, **which: Any) -> pa.Table:
    """Rows of `read` whose date columns all lie strictly before the date; a row without a known day is not known.

    Rows become known and stay so: between dates on which equally many are known, `once` need not make anything anew.
    """
    asked = _asked(table, bucket, which)

    def day_known() -> np.ndarray:
        held = read(store, table, bucket, **which)
        each = [held[column].combine_chunks().cast(pa.int32()).fill_null(_NEVER).to_numpy() for column in columns]
        return np.asarray(np.maximum.reduce(each))

    held, day = read(store, table, bucket, **which), once(store, (asked, columns), None, day_known)
    before = day < days(as_of)
    count = int(np.count_nonzero(before))
    if count == len(before):
        return held
    return once(store, (asked, columns, "known"), count, lambda: held.filter(pa.array(before)))


def _asked(table: str, bucket: int | None, which: dict[str, Any]) -> Hashable:
    return table, bucket, *((k, v if isinstance(v, bool) else tuple(v)) for k, v in sorted(which.items()))


def where(table: pa.Table, mask: np.ndarray) -> pa.Table:
    """Rows of a mask; most often those are all, and nothing is copied."""
    return table if mask.all() else table.filter(pa.array(mask))


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


def last_said(ids: np.ndarray, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The learners, ascending, and of each column the last value of each learner that is not NaN. `ids` ascend."""
    ends = last(ids)
    learners, out = ids[ends], {}
    for name, values in columns.items():
        out[name] = values[ends]
        if np.isnan(out[name]).any():  # said earlier, perhaps
            at = last(ids, ~np.isnan(values))
            out[name] = placed(ids[at], values[at], learners)
    return learners, out


def largest(ids: np.ndarray, values: np.ndarray, rows: np.ndarray, learners: np.ndarray) -> np.ndarray:
    """Largest value of each learner's rows of a mask, for the given learners; NaN where there is none. `ids` ascend."""
    own, value = ids[rows], values[rows]
    if not len(own):
        return np.full(len(learners), np.nan)
    begins = first(own)
    return placed(own[begins], np.maximum.reduceat(value, begins), learners)


def placed(ids: np.ndarray, values: np.ndarray, learners: np.ndarray, missing: Any = np.nan) -> np.ndarray:
    """Values of the given learners, in their order; `missing` where there is none. `ids` ascend, each once."""
    return Places(ids, learners).of(values, missing)


class Places:
    """Where given learners stand among ascending ids, sought once for all columns."""

    def __init__(self, ids: np.ndarray, learners: np.ndarray) -> None:
        at = np.searchsorted(ids, learners)
        self.there = at < len(ids)
        self.there[self.there] = ids[at[self.there]] == learners[self.there]
        self.at = at[self.there]
        self.all = bool(self.there.all())

    def of(self, values: np.ndarray, missing: Any = np.nan) -> np.ndarray:
        """Values of the learners, in their order; `missing` where there is none."""
        if self.all:
            return values[self.at]
        out = np.full(len(self.there), missing, values.dtype)
        out[self.there] = values[self.at]
        return out
