"""From the register to one row per learner: every feature of the registry, as of any date, or as of many in one pass.

    cohort ──► attendance, grades, home, growth, enrolment   (by learner bucket, spread by joblib)
                      └──► school context                    (second pass, over all learners)

The same call runs on one core, on all, or under `joblib.parallel_config(backend="dask")`. Given a
`features.state.Kept` it reads only what was imported since the last such call.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
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
PLACE = [
    "learner_id",
    "area_id",
    "main_school_id",
    "school_id",
    "grade",
    "room",
    "academic_year",
    "floating",
    "started_on",
    "last_mark",
]


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
        whole = pd.concat([part[as_of][0] for part in parts], ignore_index=True)
        whole = whole.sort_values("learner_id", ignore_index=True)
        left = pd.concat([part.pop(as_of)[1] for part in parts]).groupby(level=0).sum()
        found[as_of] = _chosen(pd.concat([whole, school(whole, left)], axis=1))
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
        needed = [part[as_of][0] for part in parts]
        left = pd.concat([part.pop(as_of)[1] for part in parts]).groupby(level=0).sum()
        sizes = [len(part) for part in needed]
        first = {name: np.concatenate([part.pop(name).to_numpy() for part in needed]) for name in list(needed[0])}
        # Sums in the order of `build`, so that the last bits are the same too.
        order = np.argsort(first.pop("learner_id"))
        context = school(pd.DataFrame({name: first.pop(name)[order] for name in list(first)}, copy=False), left)
        context = context.set_axis(order).sort_index()
        stop = 0
        for bucket, size in enumerate(sizes):
            start, stop = stop, stop + size
            _write(folder / str(as_of) / f"{bucket:04d}-context.parquet", context.iloc[start:stop])


def read_files(folder: Path, as_of: date, bucket: int) -> pd.DataFrame:
    """What `build_files` wrote of one bucket, in the columns of `build`."""
    parts = [folder / str(as_of) / f"{bucket:04d}-{kind}.parquet" for kind in ("learner", "context")]
    return _chosen(pd.concat([pq.ParquetFile(part).read().to_pandas() for part in parts], axis=1))


def _first_pass_to(
    home_folder: Path,
    settings: Settings,
    dates: list[date],
    bucket: int,
    folder: Path,
    reader: type[Held],
    pointer: Pointer,
) -> dict[date, tuple[pd.DataFrame, pd.DataFrame]]:
    """`first_pass` with its rows written to a file; what the second pass needs is handed back."""
    found = {}
    for as_of, (rows, left) in first_pass(home_folder, settings, dates, bucket, reader, pointer).items():
        inner = {*NEEDED, "school_key", "class_key"} - set(NAMES)
        _write(folder / str(as_of) / f"{bucket:04d}-learner.parquet", rows.drop(columns=sorted(inner)))
        found[as_of] = rows[["learner_id", *NEEDED, "school_key", "class_key"]].copy(), left
    return found


def _write(file: Path, rows: pd.DataFrame) -> None:
    table, beside = pa.Table.from_pandas(rows, preserve_index=False), file.with_suffix(f".{os.getpid()}.tmp")
    pq.write_table(table, beside, compression="lz4", use_dictionary=["area_id", "main_school_id", "school_id", "grade"])
    beside.replace(file)  # whole or not at all, also when a piece of work is done twice


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*PLACE, *NAMES]].copy()  # one block of numbers, not a hundred


def first_pass(
    home_folder: Path,
    settings: Settings,
    dates: list[date],
    bucket: int,
    reader: type[Held] = Held,
    pointer: Pointer | None = None,
) -> dict[date, tuple[pd.DataFrame, pd.DataFrame]]:
    """For each date, of one bucket: the place, the learner-level features and what the second pass needs, a row per
    learner; and what `school.past` says, a row per school."""
    store = reader(home_folder, pointer)
    _ = store.identity  # on a machine without the folder no file would read as no learner: raise
    cohorts = {as_of: cohort(store, settings, as_of, bucket) for as_of in dates}
    days = attendance.many(store, settings, cohorts, bucket)
    out = {}
    for as_of, who in cohorts.items():
        parts = [part(store, settings, who, as_of, bucket) for part in (grades, home, growth, enrolment)]
        place = who.drop(columns=["attempts_before", "credits", "isced_completed", "listed_on", "entered_on"])
        attended = days.pop(as_of)
        asked = parts[1]["grant_attendance"]
        margin = pd.DataFrame({"grant_margin": (1 - attended["absent_rate_year"]) * 100 - asked})
        whole = pd.concat([place, keys(who), attended, *parts, margin], axis=1)
        numbers = {name: np.float32 for name in whole.columns if whole[name].dtype == np.float64}
        out[as_of] = whole.astype(numbers), past(store, settings, as_of, bucket)
    return out


def _reader(store: Store) -> type[Held]:
    """How each bucket is read: as the given store reads, if it is of a kind of its own (`features.state.Kept`)."""
    return type(store) if isinstance(store, Held) else Held


def _rows(store: Store) -> int:
    """Learner-years on roll pages, from the files' sizes: about 60 bytes a page once compressed."""
    return sum(f.stat().st_size for f in (store.home / "register" / "roll").rglob("*.parquet")) // 60
