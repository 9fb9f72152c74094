"""From the register to one row per learner: every feature of the registry, as of any date, or as of many in one pass.

    cohort ──► attendance, grades, home, growth, enrolment   (by learner bucket, spread by joblib)
                      └──► school context                    (second pass, over all learners)

The same call runs on one core, on all, or under `joblib.parallel_config(backend="dask")`. Given a
`features.state.Kept` it reads only what was imported since the last such call.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed

from features import attendance
from features.cohort import cohort
from features.enrolment import enrolment
from features.grades import grades
from features.growth import growth
from features.home import home
from features.registry import FEATURES
from features.rows import Held
from features.school import NEEDED, keys, past, school
from raksa.settings import Settings
from raksa.store import Pointer, Store

NAMES = [f.name for f in FEATURES]
_PLACE = {
    "learner_id": pa.int64(),
    "area_id": pa.string(),
    "main_school_id": pa.string(),
    "school_id": pa.string(),
    "grade": pa.string(),
    "room": pa.string(),
    "academic_year": pa.int16(),
    "floating": pa.bool_(),
    "started_on": pa.date32(),
    "last_mark": pa.date32(),
}
PLACE = list(_PLACE)


def build(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per learner of the cohort, sorted by learner: where the learner is (PLACE), then every feature (float32).

    `last_mark` is the last day before the date with an attendance mark, NaT without one this year. Values follow the
    registry's units and ranges; NaN means not known. Nothing dated on or after `as_of` is read.
    """
    return build_many(store, settings, [as_of])[as_of]


def build_many(store: Store, settings: Settings, as_ofs: Iterable[date]) -> dict[date, pd.DataFrame]:
    """`build` for each date, the register read and its marks walked through once for all of them."""
    dates = sorted(set(as_ofs))
    # Starting processes costs more than the work of a small register; None: one, unless parallel_config says otherwise.
    jobs = settings.jobs if _rows(store) > 2_000_000 else None
    pointer = store.current()  # every bucket of the same imports
    parts = Parallel(n_jobs=jobs)(
        delayed(first_pass)(store.home, settings, dates, bucket, _reader(store), pointer)
        for bucket in range(store.identity.buckets)
    )
    found = {}
    for as_of in dates:
        each = [part.pop(as_of) for part in parts]
        context, order = _second_pass(each)
        rows = pa.concat_tables([part.rows for part in each]).take(order)
        for name, values in context.items():
            rows = rows.append_column(name, pa.array(values[order]))
        found[as_of] = _frame(rows)
    return found


def build_files(store: Store, settings: Settings, as_ofs: Iterable[date], folder: Path) -> None:
    """`build_many` into files, for more learners than fit the memory.

    `<folder>/<as_of>/<bucket>-learner.parquet` has the place and the learner-level features, `-context.parquet` the
    rest, row by row beside it. `read_files` reads them.
    """
    dates = sorted(set(as_ofs))
    for as_of in dates:
        (folder / str(as_of)).mkdir(parents=True, exist_ok=True)
    pointer = store.current()
    parts = Parallel(n_jobs=settings.jobs)(
        delayed(_first_pass_to)(store.home, settings, dates, bucket, folder, _reader(store), pointer)
        for bucket in range(store.identity.buckets)
    )
    for as_of in dates:
        each = [part.pop(as_of) for part in parts]
        sizes = [len(part.needed["learner_id"]) for part in each]
        context, _ = _second_pass(each)
        stop = 0
        for bucket, size in enumerate(sizes):
            start, stop = stop, stop + size
            own = pa.table({name: pa.array(values[start:stop], from_pandas=True) for name, values in context.items()})
            _write(folder / str(as_of) / f"{bucket:04d}-context.parquet", own)


def read_files(folder: Path, as_of: date, bucket: int) -> pd.DataFrame:
    """What `build_files` wrote of one bucket, in the columns of `build`."""
    learner, context = (
        pq.ParquetFile(folder / str(as_of) / f"{bucket:04d}-{kind}.parquet").read() for kind in ("learner", "context")
    )
    for name in context.schema.names:
        learner = learner.append_column(name, context[name])
    return _frame(learner)


@dataclass(frozen=True)
class Part:
    """One bucket on one date: its rows, what the second pass needs of them, and what `school.past` says of schools."""

    rows: pa.Table
    needed: dict[str, np.ndarray]
    past: dict[str, np.ndarray]


def first_pass(
    home_folder: Path,
    settings: Settings,
    dates: list[date],
    bucket: int,
    reader: type[Held] = Held,
    pointer: Pointer | None = None,
) -> dict[date, Part]:
    """The first pass over one bucket, for each date: a row per learner, the place and the learner-level features."""
    return dict(_parts(home_folder, settings, dates, bucket, reader, pointer))


def _first_pass_to(
    home_folder: Path,
    settings: Settings,
    dates: list[date],
    bucket: int,
    folder: Path,
    reader: type[Held],
    pointer: Pointer,
) -> dict[date, Part]:
    """`first_pass` with its rows written to files, and none of them handed back."""
    found = {}
    for as_of, part in _parts(home_folder, settings, dates, bucket, reader, pointer):
        _write(folder / str(as_of) / f"{bucket:04d}-learner.parquet", part.rows)
        found[as_of] = replace(part, rows=pa.table({}))
    pa.default_memory_pool().release_unused()  # a process that keeps what it had is taken for leaking, and replaced
    return found


def _parts(
    home_folder: Path, settings: Settings, dates: list[date], bucket: int, reader: type[Held], pointer: Pointer | None
) -> Iterator[tuple[date, Part]]:
    store = reader(home_folder, pointer)
    _ = store.identity  # on a machine without the folder no file would read as no learner: raise
    cohorts = {as_of: cohort(store, settings, as_of, bucket) for as_of in dates}
    days = attendance.many(store, settings, cohorts, bucket)
    for as_of, who in cohorts.items():
        found = days.pop(as_of)
        for part in (grades, home, growth, enrolment):
            found |= part(store, settings, who, as_of, bucket)
        found["grant_margin"] = (1 - found["absent_rate_year"]) * 100 - found["grant_attendance"]
        needed = {name: found[name] for name in NEEDED} | {"learner_id": who["learner_id"]}
        own = keys(who)
        needed |= {name: own[name].to_numpy() for name in ("school_key", "class_key")}
        place = {**who, "learner_id": pa.array(who["learner_id"]), "last_mark": pa.array(found["last_mark"])}
        columns = {name: place[name].cast(kind) for name, kind in _PLACE.items()}
        for name in NAMES:
            if name in found:  # the others are the second pass's
                values = found[name].astype(np.float32, copy=False)
                columns[name] = pa.array(values, from_pandas=True)  # NaN is not known
        yield as_of, Part(pa.table(columns), needed, past(store, settings, as_of, bucket))


def _second_pass(parts: list[Part]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The school context of the parts' rows, one part behind the other; and the order that sorts them by learner."""
    ids = np.concatenate([part.needed["learner_id"] for part in parts])
    order = np.argsort(ids)  # sums are in this order, so that the last bits are the same however learners are spread
    first = {
        name: np.concatenate([part.needed.pop(name) for part in parts])[order]
        for name in list(parts[0].needed)
        if name != "learner_id"
    }
    left = {name: np.concatenate([part.past[name] for part in parts]) for name in parts[0].past}
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return {name: values[back] for name, values in school(first, left).items()}, order


def _write(file: Path, rows: pa.Table) -> None:
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    words = [field.name for field in rows.schema if field.type == pa.string()]
    pq.write_table(rows, beside, compression="lz4", use_dictionary=words, write_statistics=False, store_schema=False)
    beside.replace(file)  # whole or not at all, also when a piece of work is done twice


def _frame(rows: pa.Table) -> pd.DataFrame:
    found: pd.DataFrame = rows.select([*PLACE, *NAMES]).to_pandas(date_as_object=False)
    return found


def _reader(store: Store) -> type[Held]:
    """How each bucket is read: as the given store reads, if it is of a kind of its own (`features.state.Kept`)."""
    return type(store) if isinstance(store, Held) else Held


def _rows(store: Store) -> int:
    """Learner-years on roll pages, from the files' sizes: about 60 bytes a page once compressed."""
    return sum(f.stat().st_size for f in (store.home / "register" / "roll").rglob("*.parquet")) // 60
