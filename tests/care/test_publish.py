"""A published run: lists as long as schools can see to, whole or not at all, the same for the same input."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from care.publish import publish
from care.since import about, runs, since
from raksa.demo import AS_OF
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store


def read(store: Store, query: str) -> pd.DataFrame:
    with duckdb.connect(str(store.run_folder() / "scores.duckdb"), read_only=True) as con:
        return con.execute(query).df()


@pytest.fixture
def copy(demo_home: Path, tmp_path: Path) -> Store:
    shutil.copytree(demo_home, tmp_path / "copy", ignore=shutil.ignore_patterns("demo-files"))
    return Store(tmp_path / "copy")


def test_each_list_is_the_school_s_highest_risks_up_to_its_capacity(demo_home: Path) -> None:
    store = Store(demo_home)
    wrong = read(
        store,
        """select school_id from score join school s using (school_id) group by school_id, capacity
           having count(*) filter (score.listed) <> least(any_value(capacity), count(risk))
               or coalesce(max(rank) filter (score.listed), 0) <> count(*) filter (score.listed)""",
    )
    assert wrong.empty
    off = read(store, "select count(*) as n from score where cannot_score is not null and (listed or risk is not null)")
    assert off["n"][0] == 0


def test_the_promise_of_a_list_is_the_sum_of_its_risks(demo_home: Path) -> None:
    both = read(
        Store(demo_home),
        """select s.school_id, expected_on_list, expected_off_list, sum(risk) filter (score.listed) as on_list,
           sum(risk) filter (not score.listed) as off_list from score join school s using (school_id) group by all""",
    ).fillna(0)
    assert both["expected_on_list"].to_numpy() == pytest.approx(both["on_list"].to_numpy())
    assert both["expected_off_list"].to_numpy() == pytest.approx(both["off_list"].to_numpy())


def test_a_larger_capacity_lists_more_and_is_another_run(copy: Store) -> None:
    before = copy.current().run
    more = Settings(home=copy.home, buckets=2, capacity_share=0.2)
    run = publish(copy, more, AS_OF, "2026-11-16T08:00:00")
    assert copy.current().run == run != before
    listed = [read(copy, "select count(*) filter (listed) as n from score")["n"][0]]
    copy.point(run=before)
    listed.append(read(copy, "select count(*) filter (listed) as n from score")["n"][0])
    assert listed[0] > 2 * listed[1]


def test_publishing_again_changes_nothing(copy: Store) -> None:
    folder = copy.run_folder()
    was = (folder / "run.json").read_bytes()
    assert publish(copy, Settings(home=copy.home, buckets=2), AS_OF, "another time") == folder.name
    assert (folder / "run.json").read_bytes() == was


def test_an_interrupted_run_is_never_seen(copy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import care.publish as room

    was = copy.current()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "_write", stop)
    with pytest.raises(KeyboardInterrupt):
        publish(copy, Settings(home=copy.home, buckets=2), date(2026, 11, 9), "now")
    assert copy.current() == was
    assert [p.name for p in (copy.home / "runs").iterdir() if not p.name.startswith(".")] == [was.run]


def test_a_date_before_any_list_keeps_the_lists_there_are(copy: Store) -> None:
    was = copy.current()
    with pytest.raises(RaksaError, match="No learner is on any list known before 2020-01-06"):
        publish(copy, Settings(home=copy.home, buckets=2), date(2020, 1, 6), "now")
    assert copy.current() == was


def test_without_a_model_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match="raksa train"):
        publish(Store.create(tmp_path, 2), Settings(home=tmp_path), AS_OF, "now")


def test_the_interval_of_a_list_holds_what_is_expected_of_it(demo_home: Path) -> None:
    store = Store(demo_home)
    schools = read(store, "select * from school")
    for name in ("on_list", "off_list"):
        assert (schools[f"{name}_low"] <= schools[f"expected_{name}"]).all(), name
        assert (schools[f"expected_{name}"] <= schools[f"{name}_high"]).all(), name
    assert (schools["on_list_high"] <= schools["listed"]).all()
    counts = about(store)["counts"]
    assert counts["on_list_low"] < counts["expected_on_list"] < counts["on_list_high"]
    assert counts["on_list_high"] - counts["on_list_low"] < schools["on_list_high"].sum() - schools["on_list_low"].sum()


def test_a_register_in_another_unit_is_refused_and_the_last_run_stands(copy: Store) -> None:
    before = copy.current()
    for file in sorted((copy.home / "register" / "household").rglob("*.parquet")):
        held = pq.read_table(file)
        at = held.schema.get_field_index("income_per_head")
        yearly = pc.multiply(held["income_per_head"], 1200.0).cast(held.schema.field(at).type)
        pq.write_table(held.set_column(at, held.schema.field(at), yearly), file)
    with pytest.raises(RaksaError, match="'income_per_head' are above"):
        publish(copy, Settings(home=copy.home, buckets=2), AS_OF, "2026-11-17T08:00:00")
    assert copy.current() == before


def test_a_run_says_what_moved_and_waits_for_its_census(demo_home: Path, demo_settings: Settings) -> None:
    store = Store(demo_home)
    (run,) = runs(store)
    assert about(store)["watch"]["sentences"]
    (whole, *_) = since(store, demo_settings, run, AS_OF)
    assert whole.why_not is not None and "wait until 2027-06-10" in whole.why_not[1]


def test_a_past_run_is_held_against_what_became_of_its_children(copy: Store) -> None:
    settings = Settings(home=copy.home, buckets=2)
    run = publish(copy, settings, date(2025, 11, 16), "2026-11-17T08:00:00")
    (whole, *areas) = since(copy, settings, run, AS_OF)
    assert whole.why_not is None and whole.area is None and len(areas) == 1
    assert whole.low <= whole.ratio <= whole.high and whole.left == whole.ratio * whole.foreseen > 0
    assert whole.learners + whole.unknown == about(copy, run)["counts"]["scored"]
