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

from care.publish import hindsight, publish
from care.since import about, runs, since
from models.catalogue import card_of, learned_from
from raksa.calendar import position
from raksa.demo import AS_OF
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.school_settings import put
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import MORNING


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


def test_a_school_that_says_what_it_can_see_to_gets_a_list_that_long(copy: Store) -> None:
    settings, held = Settings(home=copy.home, buckets=2), copy.current().run
    before = read(copy, "select school_id, listed, capacity, learners - not_scored as scored from school")
    was = before.set_index("school_id")
    more, fewer = was[was["scored"] > was["listed"] + 5].index[:2]
    people = open_people(settings)
    for school, wants in ((more, was["listed"][more] + 4), (fewer, 1)):
        put(people, None, school, "capacity", int(wants), "so many teachers this term", MORNING)
    people.dispose()
    run = publish(copy, settings, AS_OF, "2026-11-16T08:00:00")
    assert run != held and len(runs(copy)) == 3, "lists of another length are another run"
    now = read(copy, "select * from school").set_index("school_id")
    assert (now["capacity"][more], now["listed"][more]) == (was["listed"][more] + 4, was["listed"][more] + 4)
    assert (now["capacity"][fewer], now["listed"][fewer]) == (1, 1)
    others = was.index.difference([more, fewer])
    assert now.loc[others, ["listed", "capacity"]].equals(was.loc[others, ["listed", "capacity"]])
    sums = read(copy, "select school_id, sum(risk) filter (listed) as on_list from score group by 1")
    on_list = sums.set_index("school_id")["on_list"].fillna(0)
    assert now["expected_on_list"].sort_index().to_numpy() == pytest.approx(on_list.sort_index().to_numpy())


def test_new_is_who_is_listed_now_and_was_not_a_week_before(demo_home: Path) -> None:
    store = Store(demo_home)
    now, before = runs(store)
    assert (before[:10], now[:10]) == ("2026-11-09", "2026-11-16")
    assert (about(store, now)["before"], about(store, before)["before"]) == (before, None)
    assert store.current().run == now

    def of(run: str, query: str) -> set[int]:
        with duckdb.connect(str(store.run_folder(run) / "scores.duckdb"), read_only=True) as con:
            return {learner for (learner,) in con.execute(query).fetchall()}

    listed = "select learner_id from score where listed"
    assert of(now, "select learner_id from score where newly_listed") == of(now, listed) - of(before, listed)
    assert of(before, "select learner_id from score where newly_listed is not null") == set()


def test_signals_are_what_a_plain_count_of_the_marks_finds(demo_home: Path) -> None:
    """Every learner with one page of marks this year, counted day by day, backwards from the run's date."""
    store, settings = Store(demo_home), Settings(home=demo_home, buckets=2)
    signal = read(store, "select * from signal").set_index("learner_id")
    roll = store.read("roll", years=[2569]).to_pandas()
    roll = roll[~roll["learner_id"].duplicated(keep=False) & roll["learner_id"].isin(signal.index)]
    stop, month = position(AS_OF, settings), position(date(2026, 10, 19), settings)
    counted = 0
    for learner, marks in zip(roll["learner_id"], roll["marks"], strict=True):
        page, held = marks[:stop], signal.loc[learner]
        recorded = [mark for mark in page if mark not in "-."]
        if not recorded:
            assert pd.isna(held["last_mark_on"]) and pd.isna(held["attended_share"])
            continue
        in_row = 0
        for mark in reversed(recorded):
            if mark not in "SLA":
                break
            in_row += 1
        last = max(day for day, mark in enumerate(page) if mark not in "-.")
        assert position(held["last_mark_on"].date(), settings) == last
        assert held["away_in_row"] == in_row
        assert held["attended_share"] == pytest.approx(1 - sum(m in "SLA" for m in recorded) / len(recorded), abs=1e-6)
        if four_weeks := [mark for mark in page[month:] if mark not in "-."]:
            assert held["away_28d"] == sum(mark in "SLA" for mark in four_weeks)
            assert held["absent_28d"] == four_weeks.count("A") and held["recorded_28d"] == len(four_weeks)
        counted += 1
    assert counted > 900


def test_signals_carry_those_of_the_week_before(demo_home: Path) -> None:
    store = Store(demo_home)
    now, before = runs(store)
    moved = read(
        store,
        f"""attach '{store.run_folder(before)}/scores.duckdb' as week (read_only);
        select count(*) as n, count(*) filter (s.away_in_row_before is distinct from w.away_in_row
            or s.absent_28d_before is distinct from w.absent_28d
            or s.attended_share_before is distinct from w.attended_share) as wrong,
            count(*) filter (s.attended_share <> w.attended_share) as moved
        from signal s left join week.signal w using (learner_id)""",
    )
    assert moved["wrong"][0] == 0 and moved["n"][0] > moved["moved"][0] > 100
    assert now == store.current().run


def test_sex_is_what_the_lists_said_last(demo_home: Path) -> None:
    store = Store(demo_home)
    last = store.read("learner").to_pandas().sort_values("known_on").groupby("learner_id")["sex"].last()
    score = read(store, "select learner_id, sex from score").set_index("learner_id")["sex"]
    assert score.dropna().equals(last.reindex(score.index).dropna())
    assert set(score.dropna()) == {"female", "male"}


def test_publishing_again_changes_nothing(copy: Store) -> None:
    folder = copy.run_folder()
    was = (folder / "run.json").read_bytes()
    assert publish(copy, Settings(home=copy.home, buckets=2), AS_OF, "another time") == folder.name
    assert (folder / "run.json").read_bytes() == was


def test_looking_back_changes_nobody_s_page(copy: Store) -> None:
    """A list of the Thursday before is kept and not shown until it is asked for; the next Monday's is shown at once."""
    settings, seen, said = Settings(home=copy.home, buckets=2), copy.current(), list[str]()
    back = publish(copy, settings, date(2026, 11, 12), "now", said.append)
    assert copy.current() == seen and back in runs(copy)
    assert said[-1] == (
        f"kept as run {back}; people still see run {seen.run}, of a later day: --publish would show them this one"
    )
    assert publish(copy, settings, date(2026, 11, 12), "now", said.append, show_earlier=True) == back
    assert copy.current().run == back
    monday = publish(copy, settings, date(2026, 11, 16), "now", said.append)
    assert copy.current().run == monday == seen.run, "what stood before, under its old name"
    assert len([line for line in said if line.startswith("kept")]) == 1


def test_a_run_that_is_gone_holds_back_none(copy: Store) -> None:
    shutil.rmtree(copy.run_folder())
    back = publish(copy, Settings(home=copy.home, buckets=2), date(2026, 11, 12), "now")
    assert copy.current().run == back


def test_a_list_of_a_year_the_model_has_learned_from_is_said_to_be_no_test(demo_home: Path) -> None:
    card, settings = card_of(Store(demo_home)), Settings(home=demo_home)
    assert sorted(learned_from(card)) == [2566, 2567, 2568]
    assert "academic year 2567" in (hindsight(card, date(2024, 9, 2), settings) or "")
    assert hindsight(card, date(2026, 3, 31), settings), "the last day of 2568, which it was calibrated on"
    assert hindsight(card, AS_OF, settings) is None
    assert hindsight({"id": "from elsewhere"}, date(2024, 9, 2), settings) is None


def test_an_interrupted_run_is_never_seen(copy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import care.publish as room

    was, there = copy.current(), runs(copy)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "_write", stop)
    with pytest.raises(KeyboardInterrupt):
        publish(copy, Settings(home=copy.home, buckets=2), date(2026, 11, 10), "now")
    assert copy.current() == was
    assert runs(copy) == there


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
    (run, _monday_before) = runs(store)
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
