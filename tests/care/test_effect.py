"""Did it work? Whole answers on areas where the truth is known, each estimator against one written otherwise."""

from __future__ import annotations

import doctest
import itertools
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student
from sqlalchemy import Engine
from typer.testing import CliRunner

from care.contacts import Place, write
from care.effect import gather, line, matched, stepped
from care.effect.estimate import Check, Estimate, Said
from care.effect.helped import helped, with_and_without
from care.publish import publish
from models.evaluate import places
from raksa.cli import app
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import BAIBUA, FAH, KAMOL, KONG, MALI, NUNG, RUNG, SOMSRI, THUNG_NA
from tests.made_areas import area, stepped_area
from tests.made_areas import people as made_people

NO_WORDS = ("เสี่ยง", "หลุด", "กลุ่มเป้าหมาย", "at risk", "dropout", "flagged", "caused")
NOW = datetime(2026, 6, 12, 9, tzinfo=UTC)


def an_answer(low: float, high: float, too_few: Said | None = None, checks: tuple[Check, ...] = ()) -> Estimate:
    words = Said("ก", "a")
    return Estimate(
        "line", (low + high) / 2, low, high, 0.1, 500, 20, words, words, words, (words,), checks, too_few
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- verdict
@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.06, -0.01, "less leaving"),
        (0.01, 0.06, "more leaving"),
        (-0.06, 0.01, "cannot tell yet"),
        (-0.06, 0.0, "cannot tell yet"),
        (-np.inf, np.inf, "cannot tell yet"),
        (np.nan, np.nan, "cannot tell yet"),
    ],
)
def test_an_interval_that_holds_nought_or_is_not_known_cannot_tell(low: float, high: float, verdict: str) -> None:
    assert an_answer(low, high).verdict == verdict


def test_too_few_cannot_tell_however_narrow_the_interval() -> None:
    few = an_answer(-0.06, -0.01, too_few=Said("น้อยไป", "Too few."))
    assert (few.verdict, few.says().en) == (
        "cannot tell yet",
        "Cannot tell yet. Too few. Between 6.0 fewer and 1.0 fewer of 100 left among a than among a (95% interval).",
    )


def test_a_check_that_fails_takes_the_answer_back_and_one_that_could_not_be_made_does_not() -> None:
    moved, unread = Check("order", Said("ย้าย", "Moved: 2."), False), Check("known", Said("ไม่ทราบ", "Not known."), None)
    assert an_answer(-0.06, -0.01, checks=(unread,)).verdict == "less leaving"
    found = an_answer(-0.06, -0.01, checks=(unread, moved))
    assert (found.verdict, found.says().en) == (
        "cannot tell yet",
        "Cannot tell yet. A check speaks against this comparison (Moved: 2). "
        "Between 6.0 fewer and 1.0 fewer of 100 left among a than among a (95% interval).",
    )


def test_an_interval_that_holds_nought_says_so() -> None:
    assert an_answer(-0.06, 0.01).says().en == (
        "Cannot tell yet. What is known would also fit no difference at all. "
        "Between 6.0 fewer and 1.0 more of 100 left among a than among a (95% interval)."
    )


def test_a_difference_is_said_in_children_of_a_hundred() -> None:
    assert an_answer(-0.06, -0.01).says().en == (
        "Fewer children left among a than among a: 3.5 fewer of 100 (95% interval 1.0 to 6.0)."
    )


# ------------------------------------------------------------------------------------------------------------ the line
@pytest.fixture(scope="module")
def helping() -> pd.DataFrame:
    """300 schools in which a contact prevents two fifths of the leaving."""
    return area(300, 0.4, 7).rows


def test_the_line_is_the_regression_a_textbook_writes(helping: pd.DataFrame) -> None:
    rows = helping[helping["school_id"] < "00030"]
    size = rows.groupby("school_id")["listed"].transform("sum")
    near = rows.assign(place=rows["rank"] - size - 0.5, on=rows["listed"].astype(float))
    near = near[near["place"].abs() < 10]
    book = smf.wls("left ~ on + place + on:place + risk + C(school_id)", near, weights=1 - near["place"].abs() / 10)
    fitted = book.fit()
    found = line.line(rows)
    assert found.effect == pytest.approx(fitted.params["on"], abs=1e-9)
    assert (found.n, found.clusters) == (len(near), 30)
    # Errors by school, put together by hand from the textbook's residuals.
    x, r = np.asarray(book.exog), np.asarray(near["left"] - fitted.fittedvalues) * np.asarray(book.weights)
    bread = np.linalg.inv((x * np.asarray(book.weights)[:, None]).T @ x)
    sums = pd.DataFrame(x * r[:, None]).groupby(near["school_id"].to_numpy()).sum().to_numpy()
    name = book.exog_names.index("on")
    error = np.sqrt((bread @ sums.T @ sums @ bread)[name, name] * 30 / 29 * (len(near) - 1) / (len(near) - 4))
    assert (found.high - found.low) / 2 == pytest.approx(2.0452296 * error, rel=1e-6)  # t, 29 degrees of freedom


def test_children_whose_outcome_nobody_knows_are_left_out(helping: pd.DataFrame) -> None:
    rows = helping[helping["school_id"] < "00040"]
    some = rows.assign(left=rows["left"].where(rows["learner_id"] % 7 != 0))
    place = some["rank"] - some.groupby("school_id")["listed"].transform("sum") - 0.5
    assert line.line(some).n == some.loc[place.abs() < 10, "left"].notna().sum() < (place.abs() < 10).sum()


def test_mali_listed_out_of_turn_is_noticed(helping: pd.DataFrame) -> None:
    rows = helping[helping["school_id"] < "00020"].copy()
    first = rows[rows["school_id"] == "00003"]
    mali = first.index[first["rank"] == first["rank"].max()]
    rows.loc[mali, "listed"] = True
    order = {check.name: check for check in line.line(rows).checks}["order"]
    assert (order.holds, order.said.en) == (False, "Children on the wrong side of the line: 2.")


def test_three_schools_are_too_few(helping: pd.DataFrame) -> None:
    found = line.line(helping[helping["school_id"] < "00003"])
    assert (found.verdict, found.clusters) == ("cannot tell yet", 3)
    assert found.too_few is not None


def test_one_school_gives_no_interval(helping: pd.DataFrame) -> None:
    found = line.line(helping[helping["school_id"] == "00000"])
    assert np.isnan([found.effect, found.low, found.high]).all()
    assert found.verdict == "cannot tell yet"


def test_help_is_found_where_there_are_many_schools_and_much_help_unless_somebody_moved_mali() -> None:
    rows = area(900, 0.9, 3).rows
    assert line.line(rows).verdict == "less leaving"
    last = rows[rows["school_id"] == "00003"]
    rows.loc[last.index[last["rank"] == last["rank"].max()], "listed"] = True
    moved = line.line(rows)
    assert moved.high < 0
    assert moved.says().en.startswith("Cannot tell yet. A check speaks against this comparison (Children on the wrong")


def test_lists_that_change_nothing_are_rarely_taken_for_help() -> None:
    said = [line.line(area(30, 0.0, 1000 * seed).rows, checked=False) for seed in range(40)]
    claims = sum(found.verdict != "cannot tell yet" for found in said)
    assert claims <= 6  # five in a hundred: 7 or more once in 200 times
    # The errors are as large as the estimates really scatter (a third off either way: once in 300 times).
    errors = [(found.high - found.low) / 2 / student.ppf(0.975, found.clusters - 1) for found in said]
    assert 2 / 3 < np.mean(errors) / np.std([found.effect for found in said], ddof=1) < 4 / 3


def test_the_line_bends_little_with_luck_left_out() -> None:
    # Each child's chance, over all that stands in no record, in place of what became of her: whatever jump is left is
    # the design's own mistake.
    rows = made_people(100, 0)
    odds = (logit(rows["chance"]) - rows["unseen"] / 2).to_numpy()
    chance = np.mean([expit(odds + unseen / 2) for unseen in norm.ppf((np.arange(20) + 0.5) / 20)], axis=0)
    found = line.line(rows.assign(left=chance), checked=False)
    assert 0 < found.effect < 0.001  # measured: 0.0006; the estimates of 300 schools scatter by 0.020


def test_leaving_out_one_school_at_a_time_gives_the_same_error(helping: pd.DataFrame) -> None:
    rows = helping[helping["school_id"] < "00040"]
    without = [
        line.line(rows[rows["school_id"] != school], checked=False).effect for school in rows["school_id"].unique()
    ]
    found = line.line(rows, checked=False)
    error = (found.high - found.low) / 2 / student.ppf(0.975, 39)
    assert np.sqrt(39 / 40 * ((np.array(without) - found.effect) ** 2).sum()) == pytest.approx(error, rel=0.03)


def test_the_ratio_s_interval_holds_what_cannot_be_rejected() -> None:
    a, b, both = line.Jump(-0.04, 0.01, 50), line.Jump(0.7, 0.02, 50), line.Jump(0.66, 0.021, 50)
    effect, low, high = line.fieller(a, b, both, 0.95)
    shared = (both.error**2 - a.error**2 - b.error**2) / 2
    tried = np.linspace(-0.5, 0.5, 200_001)
    away = np.abs(a.effect - tried * b.effect) / np.sqrt(a.error**2 - 2 * tried * shared + tried**2 * b.error**2)
    kept = tried[away <= 2.0095752]  # t, 49 degrees of freedom
    assert (effect, low, high) == pytest.approx((-0.04 / 0.7, kept.min(), kept.max()), abs=1e-5)


def test_a_list_that_changed_no_contact_says_nothing_about_contacts() -> None:
    nothing = line.Jump(0.01, 0.05, 50)
    assert line.fieller(line.Jump(-0.04, 0.01, 50), nothing, line.Jump(-0.03, 0.05, 50), 0.95)[1:] == (-np.inf, np.inf)


# --------------------------------------------------------------------------------------------------------- the schedule
def some_schools(count: int, seed: int = 0) -> pd.DataFrame:
    lot = np.random.default_rng(seed)
    learners = lot.integers(40, 900, count)
    names = [f"{n:05d}" for n in range(count)]
    return pd.DataFrame({"school_id": names, "learners": learners, "left": lot.binomial(learners, 0.04)})


def test_each_block_starts_once_at_each_step_and_the_lot_can_be_drawn_again() -> None:
    schools = some_schools(31)
    drawn = stepped.draw(schools, 3, seed=5)
    assert drawn[["school_id", "learners", "left"]].equals(schools)
    blocks = drawn.groupby("block")["step"].agg(lambda steps: tuple(sorted(steps)))
    assert blocks.to_list()[:-1] == [(1, 2, 3)] * 10
    assert len(blocks.to_list()[-1]) == 1  # the school left over starts at any of the three
    assert drawn.equals(stepped.draw(schools, 3, seed=5))
    assert not drawn.equals(stepped.draw(schools, 3, seed=6))


def test_groups_that_start_together_are_alike_in_size_and_leaving() -> None:
    apart = {"blocks": [], "shuffled": []}
    for seed in range(40):
        schools = some_schools(45, seed)
        drawn = stepped.draw(schools, 3, seed)
        shuffled = drawn.assign(step=np.random.default_rng(seed).permutation(drawn["step"]))
        for name, each in (("blocks", drawn), ("shuffled", shuffled)):
            sums = each.groupby("step")[["learners", "left"]].sum()
            apart[name].append((sums.max() - sums.min()) / sums.mean())
    # Measured: groups differ by about a third as much as by a lot without blocks.
    assert (np.mean(apart["blocks"], axis=0) < 0.7 * np.mean(apart["shuffled"], axis=0)).all()


def test_fewer_schools_than_two_a_step_draw_nothing() -> None:
    with pytest.raises(RaksaError, match="5 schools are too few for 3 steps"):
        stepped.draw(some_schools(5), 3, seed=0)


def test_the_test_counts_every_schedule_there_could_have_been() -> None:
    rows, _ = stepped_area(12, 2, 0.4, 3)
    rows = rows.sort_values("school_id", ignore_index=True)
    y, weight = (rows["left"] / rows["learners"]).to_numpy(), rows["learners"].to_numpy(float)
    began = (rows["step"] == 1).to_numpy(float)
    fixed = stepped._same(rows)
    lot = stepped._lot(rows, y, began, weight, fixed, 2, 1999, 0)
    assert stepped.possible(rows["block"].to_numpy(), 2) == 64 == len(lot.a)

    def shown(v: np.ndarray, start: np.ndarray) -> float:
        """The difference over its error by school, school by school, from a regression of its own."""
        x, root = np.column_stack([start, fixed]), np.sqrt(weight)
        found = np.linalg.lstsq(x * root[:, None], v * root, rcond=None)[0]
        other = start - fixed @ np.linalg.lstsq(fixed * root[:, None], start * root, rcond=None)[0]
        error = np.sqrt(((weight * other * (v - x @ found)) ** 2).sum())
        return abs(found[0]) * (weight * other**2).sum() / error

    at = [np.flatnonzero(rows["block"] == block) for block in sorted(rows["block"].unique())]
    for m in (0.0, 0.5, lot.end(1, 0.8) - 0.01, lot.end(1, 0.8) + 0.01):
        v, extreme = y * (1 + m * began), 0
        seen = shown(v, began)
        for flips in itertools.product([0, 1], repeat=6):
            start = began.copy()
            for places_of, flip in zip(at, flips, strict=True):
                start[places_of] = np.abs(flip - start[places_of])
            extreme += shown(v, start) >= seen * (1 - 1e-9)
        assert lot.p(m) == extreme / 64
    assert lot.p(lot.end(1, 0.8) + 1e-6) <= 0.2 < lot.p(lot.end(1, 0.8) - 1e-6)


def test_help_at_the_start_is_found_and_its_share_known() -> None:
    rows, truth = stepped_area(150, 3, 0.4, 1)
    found = stepped.stepped(rows, draws=999)
    assert found.verdict == "less leaving"
    assert found.low <= truth <= found.high
    assert found.figures["prevented_low"] <= 0.4 <= found.figures["prevented_high"]


def test_starts_that_change_nothing_are_rarely_taken_for_help() -> None:
    said = [stepped.stepped(stepped_area(20, 3, 0.0, seed)[0], draws=199).verdict for seed in range(60)]
    assert sum(verdict != "cannot tell yet" for verdict in said) <= 8  # 9 or more once in 500 times


def test_four_schools_cannot_tell() -> None:
    rows, _ = stepped_area(4, 2, 0.4, 0)
    found = stepped.stepped(rows)
    assert found.verdict == "cannot tell yet"
    assert found.says().en.startswith("Cannot tell yet. Only 4 of the schools")


def test_a_schedule_changed_by_hand_is_refused() -> None:
    rows, _ = stepped_area(24, 3, 0.4, 0)
    rows["step"] = rows["step"].where(rows["school_id"] != "00000", rows["step"] % 3 + 1)
    with pytest.raises(RaksaError, match="two schools of block"):
        stepped.stepped(rows)


def test_more_schools_and_more_help_are_found_more_often() -> None:
    found = {
        count: stepped.power(some_schools(count), 2, reductions=(0.0, 0.6), repeats=20, draws=99)["found"].to_list()
        for count in (12, 60)
    }
    assert found[60][1] > found[12][1] > 0
    assert found[60][1] > 0.8
    assert max(found[12][0], found[60][0]) <= 0.14


def test_the_spread_of_schools_is_what_chance_does_not_explain() -> None:
    lot = np.random.default_rng(0)
    learners = lot.integers(40, 900, 3000)
    alike = stepped.spread(lot.binomial(learners, 0.04).astype(float), learners.astype(float))
    unlike = stepped.spread(lot.binomial(learners, lot.beta(2, 48, 3000)).astype(float), learners.astype(float))
    assert unlike == pytest.approx((2, 48), rel=0.15)
    assert sum(alike) > 2000  # all but no spread
    with pytest.raises(RaksaError, match="nobody is known to have left"):
        stepped.spread(np.zeros(4), np.full(4, 50.0))


def test_a_schedule_is_kept_as_it_was_drawn(tmp_path: Path) -> None:
    drawn, days = stepped.draw(some_schools(9), 3, 1), [date(2026, 11, 30), date(2027, 6, 28), date(2027, 11, 29)]
    file = tmp_path / "schedule.csv"
    gather.write_schedule(drawn, days, file)
    read, again = gather.read_schedule(file)
    assert again == days
    assert read[["school_id", "block", "step"]].equals(drawn[["school_id", "block", "step"]])
    with pytest.raises(RaksaError, match="is there already"):
        gather.write_schedule(drawn, days, file)
    file.write_text("school_id,name\n00001,Thung Na\n", encoding="utf-8")
    with pytest.raises(RaksaError, match="is no schedule"):
        gather.read_schedule(file)


# ------------------------------------------------------------------------------------------------------------- matched
def test_each_contacted_child_is_held_beside_those_most_like_her(helping: pd.DataFrame) -> None:
    rows = helping[helping["school_id"] < "00012"].reset_index(drop=True)
    odds = np.log(rows["risk"] / (1 - rows["risk"])).clip(-9.2102404, 9.2102404).to_numpy()
    expected = np.zeros(len(rows))
    for i in np.flatnonzero(rows["contacted"]):
        same = ~rows["contacted"] & (rows["area_id"] == rows["area_id"][i]) & (rows["stage"] == rows["stage"][i])
        away = pd.Series(np.abs(odds - odds[i]))[same].nsmallest(3)
        near = away[away <= 0.2 * odds.std()]
        expected[near.index] += 1 / max(len(near), 1)
        expected[i] = float(len(near) > 0)
    assert matched.weights(rows) == pytest.approx(expected)


def test_matching_evens_out_what_it_was_told_of(helping: pd.DataFrame) -> None:
    found = matched.matched(helping, balance=("risk",))
    assert found.verdict == "less leaving"
    assert [check.holds for check in found.checks] == [True]
    assert found.assumptions[0] == matched.CHOICE


def test_whoever_contacts_those_who_would_stay_sees_help_where_there_is_none() -> None:
    found = matched.matched(area(150, 0.0, 5, hidden=-1.5).rows)
    assert found.verdict == "less leaving"  # and wrong: which is why it never goes without
    assert "cannot tell help from choice" in found.assumptions[0].en


def test_the_e_value_is_the_paper_s() -> None:
    # VanderWeele & Ding 2017, page 270: a risk ratio of 3.9 (1.8 to 8.7) has 7.2, and 3.0 at its lower end.
    found = matched.e_values(0.29, 0.08, 0.77, 0.1)
    assert (found["e_value"], found["e_value_interval"]) == pytest.approx((7.26, 3.0), abs=0.01)
    assert matched.e_values(-0.02, -0.05, 0.01, 0.1)["e_value_interval"] == 1


def test_nobody_contacted_compares_nobody(helping: pd.DataFrame) -> None:
    found = matched.matched(helping.assign(contacted=False))
    assert (found.n, found.verdict) == (0, "cannot tell yet")
    assert np.isnan(found.effect)


# --------------------------------------------------------------------------------------------------- helped and stayed
def test_mali_was_helped_after_the_list_and_kong_before_it() -> None:
    contacts = pd.DataFrame({
        "learner_id": [MALI.learner_id, KONG.learner_id, BAIBUA.learner_id, MALI.learner_id],
        "day": [date(2026, 6, 20), date(2026, 6, 1), date(2027, 6, 10), date(2024, 1, 1)],
    })  # fmt: skip
    rows = pd.DataFrame({"learner_id": [one.learner_id for one in (MALI, KONG, BAIBUA, FAH)]}).assign(
        as_of=pd.Timestamp("2026-06-08"), by=pd.Timestamp("2027-06-10")
    )
    assert helped(contacts, rows).tolist() == [True, False, False, False]
    assert helped(contacts.iloc[:0], rows).tolist() == [False] * 4


def test_mali_who_was_helped_and_stayed_is_no_false_alarm() -> None:
    # Mali, Kong, Baibua, Nueng: two places on the list; Mali was called and stayed, Kong left.
    left, chance = np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.6, 0.5, 0.2, 0.1])
    chosen = places(chance, np.zeros(4, np.int64), np.array([2]))
    found = with_and_without(left, chance, chosen, np.array([True, False, False, False]))
    assert found["all"]["at_capacity"] == {"listed": 2, "precision": 0.5, "recall": 1.0}
    assert found["without_helped"]["at_capacity"] == {"listed": 1, "precision": 1.0, "recall": 1.0}
    assert found["helped"] == {"rows": 1, "listed": 1, "listed_and_stayed": 1}
    assert (found["all"]["n"], found["without_helped"]["n"]) == (4, 3)


# -------------------------------------------------------------------------------------------------- from run to answer
def test_somsri_s_contacts_are_those_of_her_class(people: Engine) -> None:
    of = {
        one: Place(one.learner_id, one.school_id, "2401", one.grade, one.room or None) for one in (MALI, BAIBUA, NUNG)
    }
    for one, day in ((MALI, 3), (BAIBUA, 4), (NUNG, 12)):
        write(people, None, of[one], on=date(2026, 6, day), kind="call", text="โทรหาแม่", now=NOW)
    june = date(2026, 6, 1), date(2026, 6, 12)
    assert gather.contacts(people, SOMSRI, *june)["learner_id"].to_list() == [MALI.learner_id]
    assert gather.contacts(people, KAMOL, *june)["learner_id"].to_list() == [MALI.learner_id, BAIBUA.learner_id]
    assert gather.contacts(people, RUNG, *june).empty


@pytest.fixture(scope="module")
def past(demo_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """The demo, with a list of a year that is over."""
    home = tmp_path_factory.mktemp("past") / "home"
    shutil.copytree(demo_settings.home, home, ignore=shutil.ignore_patterns("demo-files"))
    settings = demo_settings.model_copy(update={"home": home})
    run = publish(Store(home), settings, date(2025, 9, 15), "2025-09-15T01:00:00")
    return settings, run


def test_a_past_list_is_read_with_what_became_of_its_children(past: tuple[Settings, str]) -> None:
    settings, run = past
    rows = gather.of_run(Store(settings.home), settings, None, None, run, date(2026, 11, 16))
    assert rows["left"].sum() > 10
    assert not rows["contacted"].any()
    assert rows[rows["listed"]]["rank"].notna().all()
    found = line.line(rows)
    assert (found.verdict, found.checks[0].holds) == ("cannot tell yet", True)
    assert gather.of_run(Store(settings.home), settings, None, RUNG, run, date(2026, 11, 16)).empty
    early = gather.of_run(Store(settings.home), settings, None, None, run, date(2026, 11, 16), within=250)
    assert 0 < len(rows) - len(early) < rows["left"].sum()  # who left in the first weeks could not be contacted in them


def test_before_its_horizon_nothing_can_be_told_of_a_list(past: tuple[Settings, str]) -> None:
    settings, run = past
    store = Store(settings.home)
    with pytest.raises(RaksaError, match="known after 2026-06-10"):
        gather.of_run(store, settings, None, None, run, date(2026, 6, 10))
    assert gather.finished_run(store, date(2026, 11, 16)) == run
    with pytest.raises(RaksaError, match="after 2026-06-10 at the earliest"):
        gather.finished_run(store, date(2026, 6, 10))


def test_a_plan_rests_on_the_year_before_and_is_read_once_periods_are_over(past: tuple[Settings, str]) -> None:
    settings, _ = past
    store = Store(settings.home)
    days = gather.starts(date(2025, 6, 1), 3, settings)
    assert [str(day) for day in days] == ["2025-06-30", "2025-11-24", "2026-06-29"]
    before = gather.year_before(store, settings, days)
    assert (len(before), before["left"].sum() > 5) == (8, True)
    schedule = stepped.draw(before, 3, 0).rename(columns={"left": "before"})
    rows = gather.of_schedule(store, settings, schedule, days, date(2026, 11, 16))
    assert rows.groupby("period").size().to_dict() == {1: 8, 2: 8}
    assert stepped.stepped(rows).verdict == "cannot tell yet"
    with pytest.raises(RaksaError, match="after the census of 2025-11-10"):
        gather.of_schedule(store, settings, schedule, days, date(2025, 11, 10))


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_command_line_answers_in_words_and_in_json(
    past: tuple[Settings, str], language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings, run = past
    monkeypatch.setenv("RAKSA_HOME", str(settings.home))
    shell = CliRunner()
    words = shell.invoke(app, ["effect", "line", "--run", run, "--language", language])
    assert words.exit_code == 0
    assert words.output.startswith({"th": "ยังบอกไม่ได้", "en": "Cannot tell yet."}[language])
    said = json.loads(shell.invoke(app, ["effect", "line", "--run", run, "--format", "json"]).output)
    assert (said["verdict"], said["design"], said["level"]) == ("cannot tell yet", "line", 0.95)
    assert said["compared"]["en"] in words.output or language == "th"
    nobody = shell.invoke(app, ["effect", "matched", "--run", run])
    assert "No contact was written down" in str(nobody.exception)
    file = tmp_path / "plan.csv"
    drawn = shell.invoke(app, ["effect", "plan", "--to", str(file), "--repeats", "20", "--language", language])
    assert (drawn.exit_code, len(gather.read_schedule(file)[0])) == (0, 8)
    assert {"th": "ของการจำลอง", "en": "of the simulated trials"}[language] in drawn.output


def test_contacts_written_down_are_compared_from_the_command_line(
    past: tuple[Settings, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, run = past
    monkeypatch.setenv("RAKSA_HOME", str(settings.home))
    rows = gather.of_run(Store(settings.home), settings, None, None, run, date(2026, 11, 16))
    people = open_people(settings)
    for one in rows[rows["listed"]].itertuples():
        home = Place(int(one.learner_id), one.school_id, one.area_id, None, None)
        write(people, None, home, on=date(2025, 9, 20), kind="visit", text="ไปเยี่ยมบ้าน", now=NOW)
    contacted = gather.contacts(people, None, date(2025, 9, 15), date(2025, 10, 13))
    people.dispose()
    assert set(contacted["learner_id"]) == set(rows.loc[rows["listed"], "learner_id"])
    for asked, assumed in (
        (["line", "--contacted"], "only through contacts that were written down"),
        (["matched"], "cannot tell help from choice"),
    ):
        said = CliRunner().invoke(app, ["effect", *asked, "--run", run, "--language", "en"])
        assert said.exit_code == 0
        assert assumed in said.output


def test_the_starts_named_in_the_docstring_hold() -> None:
    found = doctest.testmod(gather)
    assert (found.failed, found.attempted) == (0, 1)


def test_no_sentence_judges_a_child_or_claims_a_cause(helping: pd.DataFrame) -> None:
    rows, _ = stepped_area(24, 3, 0.4, 0)
    answers = [line.line(helping), line.line_contacted(helping), matched.matched(helping), stepped.stepped(rows)]
    said = [each for found in answers for each in
            (found.says(), found.compared, *found.assumptions, *(check.said for check in found.checks))]  # fmt: skip
    assert all(each.th and each.en for each in said)
    assert [each for each in said for word in NO_WORDS if word in each.th or word in each.en.lower()] == []


def test_thung_na_alone_cannot_be_planned(past: tuple[Settings, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAKSA_HOME", str(past[0].home))
    asked = ["effect", "plan", "--to", "plan.csv", "--schools", THUNG_NA]
    assert f"{THUNG_NA} had no lists" in str(CliRunner().invoke(app, asked).exception)
