"""What the store keeps: later facts count, marks are laid over marks, and nothing half is ever seen."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_register import add, listed, page, register, table

from raksa.errors import RaksaError
from raksa.store import FileReport, Pointer, Store, page_matrix, page_strings
from raksa.tables import PAGE_DAYS, REGISTER

MALI, KONG = 101, 102
JUNE = date(2024, 6, 10)
SIGNS = "PTSLAV-."


def seen(store: Store, table: str, *columns: str) -> list[tuple]:
    return sorted(zip(*(store.read(table)[c].to_pylist() for c in columns), strict=True), key=str)


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(RaksaError, match=r"holds no Raksa store yet\. Run `raksa ingest FILES` or"):
        _ = Store(tmp_path).identity
    assert Store(tmp_path).current() == Pointer()
    with pytest.raises(RaksaError, match="No scored run"):
        Store(tmp_path).run_folder()
    with pytest.raises(RaksaError, match="No trained model"):
        Store(tmp_path).model_folder()


def test_a_store_keeps_its_buckets_and_key(tmp_path):
    assert Store.create(tmp_path, 4, "a").identity == Store.create(tmp_path, 8, "b").identity


def test_a_later_row_of_the_same_key_takes_the_place_of_the_earlier(tmp_path):
    store = register(tmp_path, enrolment=[listed(MALI, JUNE, room="1"), listed(KONG, JUNE, room="1")])
    add(store, "later", enrolment=[listed(MALI, JUNE, room="2"), listed(MALI, date(2024, 11, 10), room="3")])
    assert seen(store, "enrolment", "learner_id", "listed_on", "room") == [
        (MALI, date(2024, 11, 10), "3"), (MALI, JUNE, "2"), (KONG, JUNE, "1"),
    ]  # fmt: skip


def test_a_key_with_an_empty_part_is_superseded_too(tmp_path):
    day = date(2024, 6, 3)
    store = register(tmp_path, holiday=[{"day": day, "name": "a"}, {"day": day, "school_id": "1", "name": "b"}])
    add(store, "later", holiday=[{"day": day, "name": "c"}])
    assert seen(store, "holiday", "school_id", "name") == [("1", "b"), (None, "c")]


def test_a_school_number_that_passes_to_another_child_names_the_later(tmp_path):
    for first, second in ((MALI, KONG), (KONG, MALI)):
        store = register(tmp_path / str(first), identity_alias=[{"alias": "number:1:55", "learner_id": first}])
        add(store, "later", identity_alias=[{"alias": "number:1:55", "learner_id": second}])
        assert seen(store, "identity_alias", "alias", "learner_id") == [("number:1:55", second)]


def test_columns_and_buckets_and_years_cut_the_same_table(tmp_path):
    rows = [listed(n, day) for n in range(100, 110) for day in (JUNE, date(2023, 6, 10))]
    store = register(tmp_path, enrolment=rows)
    assert store.years("enrolment") == [2566, 2567] and store.years("growth") == []
    whole = seen(store, "enrolment", "learner_id", "academic_year")
    columns = ["learner_id", "academic_year"]
    parts = [
        row
        for bucket in (0, 1)
        for year in (2566, 2567)
        for row in store.read("enrolment", bucket=bucket, years=[year], columns=columns).to_pylist()
    ]
    assert sorted((row["learner_id"], row["academic_year"]) for row in parts) == whole and len(whole) == 20
    assert store.read("growth").num_rows == 0


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.sampled_from(SIGNS), min_size=6, max_size=6), min_size=1, max_size=4))
def test_the_later_mark_wins_and_what_a_page_does_not_say_keeps_the_earlier(tmp_path_factory, pages):
    store = register(tmp_path_factory.mktemp("s"))
    for n, signs in enumerate(pages):
        marks = "".join(signs).ljust(PAGE_DAYS, ".")
        add(store, str(n), roll=[page(MALI, 2567) | {"marks": marks}, page(KONG, 2567, "PA")])
    expected = ""
    for day in range(6):  # a person's way: go through the pages, keep the last mark; else no school if any page says so
        said = [signs[day] for signs in pages]
        marks = [sign for sign in said if sign not in "-."]
        expected += marks[-1] if marks else "." if "." in said else "-"
    held = {row["learner_id"]: row["marks"] for row in store.read("roll").to_pylist()}
    assert held[MALI] == expected.ljust(PAGE_DAYS, ".")
    assert held[KONG] == page(KONG, 2567, "PA")["marks"]


def same(a: int, b: int, decision: str = "same", at: str = "2026-01-01") -> dict:
    return {
        "learner_a": a,
        "learner_b": b,
        "decision": decision,
        "decided_by": "somsri",
        "decided_at": at,
        "reason": "x",
    }


@pytest.mark.parametrize("second", [102, 103])  # of the same bucket and of another: the store has two
def test_two_learners_decided_to_be_one_are_read_as_one_until_it_is_decided_otherwise(tmp_path, second):
    november = date(2024, 11, 10)
    store = register(
        tmp_path,
        enrolment=[listed(MALI, JUNE, room="1"), listed(second, JUNE, room="2"), listed(second, november, room="3")],
        roll=[page(MALI, 2567, "PPA"), page(second, 2567, "--TT"), page(second, 2566, "A")],
        learner=[{"learner_id": second, "known_on": JUNE, "sex": "female"}],
        identity_alias=[{"alias": "citizen:1", "learner_id": MALI}, {"alias": "g:G1", "learner_id": second}],
    )
    before = {name: store.read(name) for name in REGISTER}
    add(store, "decided", identity_decision=[same(MALI, second)])
    assert store.merged() == {second: MALI}
    assert seen(store, "enrolment", "learner_id", "listed_on", "room") == [
        (MALI, november, "3"), (MALI, JUNE, "1"),
    ]  # fmt: skip
    assert [(y, marks[:6]) for y, marks in seen(store, "roll", "academic_year", "marks")] == [
        (2566, "A---.."), (2567, "PP..AT"),
    ]  # fmt: skip
    assert seen(store, "learner", "learner_id", "sex") == [(MALI, "female")]
    assert seen(store, "identity_alias", "alias", "learner_id") == [("citizen:1", MALI), ("g:G1", MALI)]
    for name in REGISTER:  # by bucket the same, no learner twice and none lost
        if "learner_id" in REGISTER[name].key:
            parts = pa.concat_tables([store.read(name, bucket=b) for b in (0, 1)])
            whole = store.read(name)
            assert sorted(map(str, parts.to_pylist())) == sorted(map(str, whole.to_pylist()))
    add(store, "again", identity_decision=[same(MALI, second, "different", "2026-01-02")])
    assert store.merged() == {}
    for name in REGISTER:
        if name != "identity_decision":
            assert store.read(name).equals(before[name])


def test_a_column_the_table_did_not_have_yet_reads_as_not_known(tmp_path):
    store = register(tmp_path, growth=[{"learner_id": MALI, "measured_on": JUNE, "weight_kg": 40.0}])
    (file,) = (tmp_path / "register" / "growth").rglob("*.parquet")
    pq.write_table(pq.ParquetFile(file).read().drop_columns(["height_cm"]), file)
    assert seen(store, "growth", "weight_kg", "height_cm") == [(40.0, None)]
    add(store, "later", growth=[{"learner_id": MALI, "measured_on": JUNE, "height_cm": 150.0}])
    assert seen(store, "growth", "weight_kg", "height_cm") == [(40.0, 150.0)]


def test_three_learners_are_one_in_whatever_order_it_was_decided(tmp_path):
    store = register(tmp_path, enrolment=[listed(n, JUNE) for n in (101, 102, 103, 104)])
    add(store, "decided", identity_decision=[same(102, 103), same(101, 103), same(101, 104, "unknown")])
    assert store.merged() == {102: 101, 103: 101}
    assert seen(store, "enrolment", "learner_id") == [(101,), (104,)]


def test_pages_and_matrices_are_each_others_way_back():
    marks = pa.array(["PA-.", "TSLV", "...."])
    assert page_strings(page_matrix(marks)) == marks
    assert page_strings(page_matrix(pa.chunked_array([marks[:1], marks[1:]]))) == marks
    assert page_strings(page_matrix(marks[1:])) == marks[1:]
    assert page_matrix(pa.chunked_array([], pa.string())).shape == (0, 0)


def test_equal_input_gives_equal_bytes(tmp_path):
    def written(home: Path, rows: list) -> dict[str, bytes]:
        register(home, enrolment=rows)
        return {str(f.relative_to(home)): f.read_bytes() for f in home.rglob("*.*") if f.is_file()}

    rows = [listed(n, JUNE) for n in (101, 102, 103, 104)]
    assert written(tmp_path / "a", rows) == written(tmp_path / "b", rows[::-1])


def test_refused_rows_and_the_report_are_kept_with_the_snapshot(tmp_path):
    store = Store.create(tmp_path, 2, "k")
    report = FileReport("a.csv", "abc", "roll_book", 3, 2, {"bad_mark": 1}, {"bad_day": 2})
    refused = pa.table({"line": [4], "cells": ["x"]})
    with store.writing():
        snapshot = store.add_snapshot({}, [report], refused, "2026-01-01")
    assert store.snapshot(snapshot)["files"] == [{
        "name": "a.csv", "sha256": "abc", "format": "roll_book", "rows": 3, "kept": 2, "refused": {"bad_mark": 1},
        "warnings": {"bad_day": 2}, "refused_whole": None, "before": False, "given": None,
    }]  # fmt: skip
    assert store.refused(snapshot) == refused and store.refused("none") is None


def test_what_no_pointer_names_is_not_seen_and_is_counted_as_debris(tmp_path):
    store = register(tmp_path, enrolment=[listed(MALI, JUNE)])
    (part,) = (tmp_path / "register" / "enrolment").rglob("*.parquet")
    stray = [part.with_name("000009-x.parquet"), part.with_suffix(".tmp"), tmp_path / "snapshots" / "000009-x.json"]
    for file in stray:
        file.write_bytes(part.read_bytes())
    assert store.read("enrolment").num_rows == 1
    assert store.debris() == sorted(stray)


def test_debris_of_a_killed_import_never_becomes_part_of_the_next(tmp_path):
    store = register(tmp_path)
    with store.writing():
        pointer = store.current()
        growth = {"growth": table("growth", [{"learner_id": MALI, "measured_on": JUNE, "weight_kg": 40.0}])}
        killed = store.add_snapshot(growth, [FileReport("same file", "same file", "by hand")], None, "2026-01-01")
        store.point(snapshots=pointer.snapshots)  # the kill came before the pointer moved
    again = add(store, "same file", enrolment=[listed(MALI, JUNE)])
    assert again == killed and store.read("growth").num_rows == 0


# Processes of their own, and not multiprocessing's: those would run the main module again, whichever that is by then.
WRITER = """
import sys
from datetime import date
from pathlib import Path
from small_register import SCHOOL, add, listed
from raksa.store import Store
home, learner = Path(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
store = Store.create(home, 2)
for n in range(5):
    add(store, f"{learner} {n}", enrolment=[listed(learner + n, date(2024, 6, 10))], school=[SCHOOL])
"""


def test_two_writers_at_once_lose_nothing(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "home"), learner], env=environment, stdin=subprocess.PIPE
        )
        for learner in ("100", "200")
    ]
    for writer in writers:  # both are up and wait for a line
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    store = Store(tmp_path / "home")
    assert len(store.current().snapshots) == 10
    assert sorted(store.read("enrolment")["learner_id"].to_pylist()) == [*range(100, 105), *range(200, 205)]


def test_a_run_gets_its_name_only_when_it_is_whole(tmp_path):
    store = Store.create(tmp_path, 2, "k")
    with pytest.raises(KeyError), store.publishing("runs", "2024-09-02-a") as folder:
        (folder / "scores.txt").write_text("half")
        raise KeyError("the scoring broke")
    assert not (tmp_path / "runs" / "2024-09-02-a").exists()
    assert [f.name for f in store.debris()] == [".2024-09-02-a.part"]
    with store.publishing("runs", "2024-09-02-a") as folder:
        assert list(folder.iterdir()) == []  # nothing of the broken one
        (folder / "scores.txt").write_text("whole")
    store.point(run="2024-09-02-a")
    assert (store.run_folder() / "scores.txt").read_text() == "whole"
    assert store.debris() == []
