"""Raksa itself: `features.build.build_files`; the attendance family alone, bucket by bucket, for its own row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed

from benchmarks.feature_engines.signals import AS_OF
from features.attendance import attendance
from features.build import build_files, read_files
from features.cohort import cohort
from features.rows import Held
from raksa.settings import Settings, load
from raksa.store import Store

TWELVE = [AS_OF - timedelta(days=21 * back) for back in range(12)]


def settings(learners: int) -> Settings:
    """As a store of this size would run: starting a second process costs more than a small register's work."""
    return load().model_copy(update={"jobs": -1 if learners > 150_000 else 1})


def run(register: Path, task: str, out: Path) -> None:
    """Signals of the task: "all", "attendance", or "12 dates", in the files of `build_files` or one a bucket."""
    store, own = Store(register / "store"), settings(int(register.name))
    if task == "attendance":
        buckets = range(store.identity.buckets)
        Parallel(n_jobs=own.jobs)(delayed(_attendance)(register, own, bucket, out) for bucket in buckets)
    else:
        build_files(store, own, TWELVE if task == "12 dates" else [AS_OF], out)


def _attendance(register: Path, own: Settings, bucket: int, out: Path) -> None:
    store = Held(register / "store")
    who = cohort(store, own, AS_OF, bucket)
    found = pa.table({"learner_id": who["learner_id"], **attendance(store, own, who, AS_OF, bucket)})
    pq.write_table(found, out / f"{bucket:04d}-attendance.parquet", compression="lz4", use_dictionary=False)


def read(task: str, out: Path, bucket: int) -> pd.DataFrame:
    """What `run` wrote of one bucket."""
    if task == "attendance":
        return pd.read_parquet(out / f"{bucket:04d}-attendance.parquet")
    return read_files(out, AS_OF, bucket)
