"""A register whose marks of the year came in 31 imports of a week or so, for `raksa-update`.

`<register>/weekly` is a store like `<register>/store`, its other tables the same files, its pages cut into weeks; laid
over each other they are the pages of `<register>/store`. Of the last import the kept state (`state-before`) knows
nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.feature_engines import raksa_build
from benchmarks.feature_engines.signals import AS_OF, STOP, YEAR
from features.build import build_files
from features.state import Kept
from raksa.store import Store, page_matrix, page_strings
from raksa.tables import NO_SCHOOL, NOT_RECORDED

_IMPORTS = 31


def register(whole: Path) -> Path:
    """Make the weekly store beside the whole one and what an update would have kept of all imports but the last, or
    leave them as they are when they are there already."""
    home, store = whole / "weekly", Store(whole / "store")
    if (home / "state-before").is_dir():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(store.home / "store.json", home)
    (first,) = store.current().snapshots
    for folder in (store.home / "register").iterdir():
        if folder.name != "roll":
            (home / "register").mkdir(exist_ok=True)
            (home / "register" / folder.name).symlink_to(folder.resolve())
    names = [f"{number + 2:06d}-week" for number in range(_IMPORTS)]
    for bucket in range(store.identity.buckets):
        _cut(store.read("roll", years=[YEAR], bucket=bucket), home, bucket, names)
    weekly = Store(home)
    weekly.point(snapshots=(first, *names[:-1]))
    with tempfile.TemporaryDirectory(dir=home) as out:
        build_files(Kept(home), raksa_build.settings(int(whole.name)), [AS_OF], Path(out))
    weekly.point(snapshots=(first, *names))
    (home / "state").rename(home / "state-before")
    return home


def _cut(roll: pa.Table, home: Path, bucket: int, names: list[str]) -> None:
    pages = page_matrix(roll["marks"])
    days = np.flatnonzero((pages != ord(NO_SCHOOL)).any(axis=0))
    weeks = np.array_split(days[days < STOP], len(names))
    folder = home / "register" / "roll" / f"year={YEAR}" / f"bucket={bucket:04d}"
    folder.mkdir(parents=True)
    for name, week in zip(names, weeks, strict=True):
        page = np.where(pages == ord(NO_SCHOOL), pages, np.uint8(ord(NOT_RECORDED)))
        page[:, week] = pages[:, week]
        own = roll.set_column(roll.schema.get_field_index("marks"), "marks", page_strings(page))
        pq.write_table(own, folder / f"{name}.parquet", compression="zstd")


def before(home: Path) -> None:
    """Put back what the last update kept, as it was before the last import."""
    shutil.rmtree(home / "state", ignore_errors=True)
    shutil.copytree(home / "state-before", home / "state")


def full(register: Path, task: str, out: Path) -> None:
    """A full run on the weekly store."""
    build_files(Store(register / "weekly"), raksa_build.settings(int(register.name)), [AS_OF], out)


def update(register: Path, task: str, out: Path) -> None:
    """The weekly run: what was kept of earlier imports, and the last one."""
    build_files(Kept(register / "weekly"), raksa_build.settings(int(register.name)), [AS_OF], out)
