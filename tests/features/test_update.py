"""An update reads what the last one kept and the imports since, and says what a full run says, to the last bit."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_register import SCHOOL, SETTINGS, add, listed, page, register, school_days

from features.build import build, build_files, build_many, read_files
from features.state import Kept, outlook
from raksa.cli import app
from raksa.store import Store
from register.history import undo

MALI, KONG, BAIBUA, TON = 11, 12, 13, 14
OPENING = date(2024, 5, 16)
AS_OF = date(2024, 7, 15)
TWO_SCHOOLS = [SCHOOL, SCHOOL | {"school_id": "99010002"}]


def weekly(home: Path, weeks: int = 4) -> Store:
    """Mali, Kong and Baibua on a list, and their marks, a week an import."""
    store = register(home, enrolment=[listed(n, OPENING) for n in (MALI, KONG, BAIBUA)])
    for week in range(weeks):
        send(store, week)
    return store


def send(store: Store, week: int) -> str:
    days = school_days(2567, 60)[5 * week : 5 * week + 5]
    marks = {MALI: "PPAAP", KONG: "PTPPP", BAIBUA: "AAAAA"}
    return add(store, f"week {week}", roll=[page(n, 2567, dict(zip(days, m, strict=True))) for n, m in marks.items()])


def same_bits(update: pd.DataFrame, full: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(update, full, check_exact=True)
    numbers = [name for name in full if full[name].dtype == np.float32]
    assert update[numbers].to_numpy().tobytes() == full[numbers].to_numpy().tobytes()


def updated(store: Store, as_of: date = AS_OF) -> pd.DataFrame:
    """An update, which must say what a full run says."""
    rows = build(Kept(store.home), SETTINGS, as_of)
    same_bits(rows, build(store, SETTINGS, as_of))
    return rows.set_index("learner_id")


def spoil(files: list[Path]) -> None:
    """Overwrite files with rubbish of the same size and the same time: whoever opens one fails."""
    for file in files:
        about = file.stat()
        file.write_bytes(b"\0" * about.st_size)
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))


def roll_files(store: Store) -> list[Path]:
    return list((store.home / "register" / "roll").rglob("*.parquet"))


def test_marks_of_earlier_imports_are_not_read_again(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    before = roll_files(store)
    send(store, 4)
    full = build(store, SETTINGS, AS_OF)
    spoil(before)
    with pytest.raises(pa.ArrowInvalid):
        build(store, SETTINGS, AS_OF)
    same_bits(build(Kept(store.home), SETTINGS, AS_OF), full)
    assert full.set_index("learner_id").loc[BAIBUA, "current_absence"] == 25


def test_a_late_correction_counts(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    assert updated(store).loc[MALI, "absent_days_year"] == 8
    add(store, "correction", roll=[page(MALI, 2567, {school_days(2567, 4)[3]: "P"})])
    assert updated(store).loc[MALI, "absent_days_year"] == 7


def test_a_day_closed_later_counts(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    ahead = school_days(2567, 21)[20]  # nobody has marked it yet
    assert updated(store).loc[MALI, "recorded_share_year"] == np.float32(20 / 42)
    add(store, "flood", roll=[page(MALI, 2567, {ahead: "."})])
    assert updated(store).loc[MALI, "recorded_share_year"] == np.float32(20 / 41)


def test_a_child_who_moves_keeps_her_absences(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    sixth = dict.fromkeys(school_days(2567, 30)[25:], "P")
    moved = listed(BAIBUA, date(2024, 6, 20), school_id="99010002")
    add(store, "moved", school=TWO_SCHOOLS, enrolment=[moved], roll=[page(BAIBUA, 2567, sixth, school_id="99010002")])
    found = updated(store).loc[BAIBUA]
    assert (found["school_id"], found["absent_days_year"], found["recorded_days_year"]) == ("99010002", 20, 25)


def test_an_import_taken_back_is_not_counted(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    undo(store)
    assert outlook(store, 2567) == "a full run, because an import that was read was taken back or made anew"
    assert updated(store).loc[BAIBUA, "absent_days_year"] == 15


def test_two_children_decided_to_be_one_are_one(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    fifth = dict.fromkeys(school_days(2567, 25)[20:], "A")  # a week in which only the other name was called
    add(store, "fifth week", roll=[page(BAIBUA, 2567, fifth)])
    assert updated(store).loc[MALI, "absent_days_year"] == 8
    decided = {"learner_a": MALI, "learner_b": BAIBUA, "decision": "same", "decided_by": "x", "decided_at": "2024"}
    add(store, "decisions", identity_decision=[decided])
    assert outlook(store, 2567).endswith("1 of 2 buckets in full, because people decided who is one child")
    one = updated(store)
    assert (list(one.index), one.loc[MALI, "absent_days_year"]) == ([MALI, KONG], 13)
    add(store, "other", identity_decision=[decided | {"decision": "different"}])
    assert list(updated(store)["absent_days_year"]) == [8, 0, 25]


def test_marks_under_the_other_name_of_a_child_reach_her(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    days = school_days(2567, 23)
    decided = {"learner_a": MALI, "learner_b": KONG, "decision": "same", "decided_by": "x", "decided_at": "2024"}
    add(store, "decisions", identity_decision=[decided], roll=[page(KONG, 2567, {days[20]: "S"})])
    assert updated(store).loc[MALI, "absent_days_year"] == 9
    for nth in (1, 2):  # Kong's pages lie in the other bucket
        add(store, f"day {nth}", roll=[page(KONG, 2567, {days[20 + nth]: "S"})])
        assert outlook(store, 2567).endswith(f"1 new import of marks, {nth + 4} not read again")
        assert updated(store).loc[MALI, "absent_days_year"] == 9 + nth


def test_what_is_kept_may_be_deleted(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    shutil.rmtree(store.home / "state")
    assert updated(store).loc[BAIBUA, "current_absence"] == 20


@pytest.mark.parametrize("broken", [slice(200, None), slice(4, 90)], ids=["cut short", "a page overwritten"])
def test_what_is_kept_may_be_broken(tmp_path: Path, broken: slice) -> None:
    store = weekly(tmp_path)
    updated(store)
    for file in (store.home / "state").rglob("*.parquet"):
        held = bytearray(file.read_bytes())
        held[broken] = bytes(86) if broken.stop else b""
        file.write_bytes(held)
        assert broken.stop is None or pq.read_schema(file)  # what the rows were made of still reads
    send(store, 4)
    assert updated(store).loc[BAIBUA, "current_absence"] == 25


def test_pages_kept_by_a_version_with_fewer_columns_are_made_anew(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    for file in (store.home / "state").rglob("*.parquet"):
        pages = pq.read_table(file, partitioning=None).drop_columns("source")
        said = pages.schema.metadata[b"raksa"].replace(b', "source"', b"")
        pq.write_table(pages.replace_schema_metadata({b"raksa": said}), file)
    send(store, 4)
    assert outlook(store, 2567) == "a full run, because roll pages have other columns in this version"
    assert updated(store).loc[BAIBUA, "current_absence"] == 25


def test_a_register_made_anew_from_the_same_files_is_read_anew(tmp_path: Path) -> None:
    store = weekly(tmp_path)
    updated(store)
    for file in sorted(tmp_path.rglob("*")):
        if file.is_file() and "state" not in file.parts:
            file.unlink()
    store = register(tmp_path, enrolment=[listed(n, OPENING) for n in (MALI, KONG, BAIBUA)])
    for week in (3, 2, 1, 0):  # the same names of imports would need the same files: other marks under each name
        add(store, f"week {3 - week}", roll=[page(KONG, 2567, "A" * week)])
    assert updated(store).loc[KONG, "absent_days_year"] == 3


def test_the_command_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    store = weekly(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    command = ["features", "--update", "--as-of", str(AS_OF)]
    first = CliRunner().invoke(app, command)
    assert "a full run, because nothing is kept of an earlier update" in first.stderr
    send(store, 4)
    again = CliRunner().invoke(app, command)
    assert "went on from import 000005: 1 new import of marks, 4 not read again" in again.stderr
    assert again.stdout == CliRunner().invoke(app, command[:1] + command[2:]).stdout


def test_many_dates_and_files_can_be_updates_too(tmp_path: Path) -> None:
    store = weekly(tmp_path / "home")
    dates = [date(2024, 6, 3), AS_OF, date(2025, 6, 2)]
    for _ in range(2):
        full, update = build_many(store, SETTINGS, dates), build_many(Kept(store.home), SETTINGS, dates)
        for as_of in dates:
            same_bits(update[as_of], full[as_of])
        send(store, 4)
    build_files(store, SETTINGS, dates, tmp_path / "full")
    build_files(Kept(store.home), SETTINGS, dates, tmp_path / "update")
    for bucket in range(SETTINGS.buckets):
        same_bits(read_files(tmp_path / "update", AS_OF, bucket), read_files(tmp_path / "full", AS_OF, bucket))


# ------------------------------------------------------------------------------------------------ any order of imports
CHILDREN = st.sampled_from((MALI, KONG, BAIBUA, TON))
SCHOOLS = st.sampled_from([each["school_id"] for each in TWO_SCHOOLS])
PAGES = st.builds(
    lambda child, school, year, marks: page(child, year, marks, school_id=school),
    CHILDREN, SCHOOLS, st.sampled_from((2566, 2567)), st.text("PTSLAV-.", min_size=12, max_size=12),
)  # fmt: skip
DECISIONS = st.builds(
    lambda pair, decision: {
        "learner_a": min(pair), "learner_b": max(pair), "decision": decision, "decided_by": "x", "decided_at": "2024",
    },
    st.sets(CHILDREN, min_size=2, max_size=2), st.sampled_from(("same", "different")),
)  # fmt: skip
IMPORTS = st.fixed_dictionaries(
    {
        "roll": st.lists(
            PAGES, min_size=2, max_size=8, unique_by=lambda p: (p["learner_id"], p["school_id"], p["academic_year"])
        )
    }
)
DECIDED = st.builds(lambda decision: {"identity_decision": [decision]}, DECISIONS)
# A number takes back the import of that place among those that count.
STEPS = st.lists(st.one_of(IMPORTS, IMPORTS, IMPORTS, IMPORTS, st.integers(1, 9), DECIDED), min_size=3, max_size=9)
LOOKS = st.lists(st.booleans(), min_size=9, max_size=9)  # whether an update is run after a step


def walk(steps: list[Any], looks: list[bool], look: Callable[[Store], object]) -> None:
    """Imports and imports taken back, in this order, with updates between; the first import has the lists."""
    with tempfile.TemporaryDirectory() as folder:
        everyone = [listed(n, OPENING) for n in (MALI, KONG, BAIBUA, TON)]
        store = register(Path(folder), school=TWO_SCHOOLS, enrolment=everyone)
        for number, (step, now) in enumerate(zip(steps, looks, strict=False)):
            live, undone = store.current().snapshots, store.current().undone
            if isinstance(step, dict):
                add(store, f"import {number}", **step)
            elif step < len(live):
                store.point(snapshots=live[:step] + live[step + 1 :], undone=(*undone, live[step]))
            if now:
                look(store)
        look(store)


@settings(max_examples=40, deadline=None)
@given(STEPS, LOOKS)
def test_pages_read_the_same_after_any_imports(steps: list[Any], looks: list[bool]) -> None:
    def look(store: Store) -> None:
        for bucket in range(SETTINGS.buckets):
            kept, full = (each.read("roll", bucket=bucket) for each in (Kept(store.home), store))
            assert kept.equals(full, check_metadata=True)
            kept, full = (each.read("roll", bucket=bucket, columns=["marks"]) for each in (Kept(store.home), store))
            assert kept.equals(full)

    walk(steps, looks, look)


@settings(max_examples=8, deadline=None)
@given(STEPS, LOOKS, st.dates(date(2024, 5, 20), date(2025, 3, 20)))
def test_features_are_the_same_after_any_imports(steps: list[Any], looks: list[bool], as_of: date) -> None:
    walk(steps, looks, lambda store: updated(store, as_of))
