"""Who is visited this week, and how an area's visits are shared: nobody forgotten, nothing secret, no less reached."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.capacity import affordable, in_order, moves, need, promised, share_out, to_visit, with_need
from models.uncertainty import Curves
from raksa.errors import RaksaError
from tests.cast import BAIBUA, FAH, KONG, MALI, PA_PHAI, THUNG_NA

TODAY = date(2026, 6, 8)


def test_need_is_the_formula_on_the_page() -> None:
    risk = pd.Series([0.4, 0.4, 0.4, 0.4, np.nan])
    lowered = pd.Series([1.0, np.nan, 1.0, 0.5, 1.0])
    last = pd.Series([pd.NaT, pd.NaT, date(2026, 6, 8), date(2026, 5, 24), pd.NaT])
    expected = [0.4, 0.2, 0.4 * 0.25, 0.4 * 0.75 * (0.25 + 0.75 * 15 / 30), np.nan]
    assert need(risk, lowered, last, TODAY).to_numpy() == pytest.approx(expected, nan_ok=True)


def test_lists_plans_and_budget_take_need_and_order_from_one_place() -> None:
    rows = pd.DataFrame(
        {
            "learner_id": [KONG.learner_id, MALI.learner_id, BAIBUA.learner_id],
            "risk": [0.6, 0.4, np.nan],
            "lowered": 0.5,
        }
    )
    found = with_need(rows, {KONG.learner_id: TODAY}, TODAY).set_index("learner_id")
    assert found["contacted"].to_dict() == {KONG.learner_id: True, MALI.learner_id: False, BAIBUA.learner_id: False}
    assert found["need"].to_numpy() == pytest.approx([0.6 * 0.75 / 4, 0.4 * 0.75, np.nan], nan_ok=True)
    order = in_order(found.reset_index())["learner_id"].tolist()
    assert order == [MALI.learner_id, BAIBUA.learner_id, KONG.learner_id]
    nobody = with_need(rows, {}, TODAY)
    assert not nobody["contacted"].any() and nobody["need"][0] == pytest.approx(0.45)


def cast() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "learner_id": [KONG.learner_id, MALI.learner_id, BAIBUA.learner_id, FAH.learner_id],
            "school_id": [THUNG_NA, THUNG_NA, THUNG_NA, PA_PHAI],
            "risk": [0.6, 0.4, np.nan, 0.1],
            "need": [0.6, 0.4, np.nan, 0.1],
            "contacted": [True, False, False, False],
            "spread": [0.1, 0.1, 0.1, 0.1],
        }
    )


def test_mali_whom_nobody_has_looked_at_stands_before_kong_who_was_visited() -> None:
    chosen = to_visit(cast(), {THUNG_NA: 1, PA_PHAI: 1})
    assert chosen.tolist() == [False, True, False, True]
    assert to_visit(cast(), {THUNG_NA: 5}).tolist() == [True, True, False, False]  # Baibua cannot be estimated


def test_the_promise_adds_up_and_its_intervals_hold_the_expectation() -> None:
    draw = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "learner_id": range(400),
            "school_id": np.repeat(list("abcd"), 100),
            "risk": draw.beta(1, 12, 400),
            "spread": 0.2,
        }
    ).assign(need=lambda d: d["risk"], contacted=False)
    chosen = to_visit(rows, dict.fromkeys("abcd", 10))
    said = promised(rows, chosen, Curves())
    assert said.visits == 40 and said.on_list + said.off_list == pytest.approx(rows["risk"].sum())
    for expected, (low, high) in ((said.on_list, said.on_list_between), (said.off_list, said.off_list_between)):
        assert low < expected < high


schools = st.lists(st.lists(st.floats(0.001, 1), min_size=1, max_size=12), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(schools, st.integers(0, 60), st.integers(0, 3))
def test_no_other_sharing_with_that_floor_reaches_more(made: list[list[float]], visits: int, floor: int) -> None:
    rows = pd.DataFrame(
        [(n, one) for n, held in enumerate(made) for one in held], columns=["school_id", "need"]
    ).assign(risk=lambda d: d["need"], learner_id=lambda d: d.index)
    floors = sum(min(floor, len(held)) for held in made)
    if floors > visits:
        with pytest.raises(RaksaError, match="Lower the floor"):
            share_out(rows, visits, floor=floor)
        return
    shared = share_out(rows, visits, floor=floor)
    assert shared["visits"].sum() == shared["equal"].sum() == min(visits, len(rows))
    assert (shared["visits"] >= shared["children"].clip(upper=floor)).all()
    assert shared["reach"].sum() >= shared["equal_reach"].sum() - 1e-9
    left = moves(shared, floor)
    gaining = left[left["change"] > 1e-9]
    # What would gain is held back by the floor alone: the giver has no more than it.
    assert (shared.loc[gaining["school_from"], "visits"].to_numpy() <= floor).all()


def test_moving_a_visit_says_what_it_changes() -> None:
    rows = cast().query("need == need")
    shared = share_out(rows, 2, floor=1)
    assert shared["visits"].to_dict() == {THUNG_NA: 1, PA_PHAI: 1}
    assert shared["leavers"].to_dict() == pytest.approx({THUNG_NA: 0.6, PA_PHAI: 0.1})
    assert moves(shared, floor=1).empty
    moved = moves(shared)
    assert moved.loc[0, ["school_from", "school_to"]].tolist() == [PA_PHAI, THUNG_NA]
    assert moved.loc[0, "change"] == pytest.approx(0.3)


def test_money_buys_visits_and_a_cost_of_nothing_is_refused() -> None:
    assert affordable(12_000, 200) == 60 and affordable(12_000, {"a": 100, "b": 300}) == 40
    with pytest.raises(RaksaError, match="cost above 0"):
        affordable(1000, 0)
