"""Visits of an area: shared by need, no school below its floor, nothing for who sees no child, the same on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from small_run import AS_OF, MORNING, with_people, write_run
from test_pages import opened_by, text_of
from typer.testing import CliRunner

from care.contacts import Place, write
from dashboard import budget, ground
from dashboard.roster import Run, open_run
from raksa.accounts import Accounts
from raksa.calendar import today_in_bangkok
from raksa.cli import app as command
from raksa.errors import RaksaError
from raksa.store import Store
from tests.cast import ADMIN, BAIBUA, DOI_NAM, KAMOL, KONG, MALI, PA_PHAI, PIM, RUNG, SOMSRI, THUNG_NA, WICHAI

NOBODY: dict[int, date] = {}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    write_run(tmp_path)
    opened = open_run(Store(tmp_path))
    yield opened
    opened.close()


def needs(run: Run, contacts: dict[int, date] = NOBODY, area: str = "2401") -> pd.DataFrame:
    return budget.needs(run, KAMOL, contacts, AS_OF, area=area)


def test_kong_needs_most_and_a_visit_today_puts_mali_before_him(run: Run) -> None:
    rows = needs(run).set_index("learner_id")
    # No reason of the cast says what would be lowered, so a half of each risk counts.
    assert rows["need"][KONG.learner_id] == pytest.approx(0.61 / 2)
    rows = needs(run, {KONG.learner_id: AS_OF}).set_index("learner_id")
    assert rows["need"][KONG.learner_id] == pytest.approx(0.61 / 2 / 4)
    assert rows["need"][MALI.learner_id] > rows["need"][KONG.learner_id]
    assert rows["contacted"].to_dict()[KONG.learner_id]


def test_three_visits_go_by_need_and_the_floor_keeps_one_for_the_school_nobody_could_estimate(run: Run) -> None:
    free = {one.id: one for one in budget.share(run, KAMOL, needs(run), 3).schools}
    assert {name: one.visits for name, one in free.items()} == {THUNG_NA: 3, PA_PHAI: 0, DOI_NAM: 0}
    ek = free[DOI_NAM]
    assert (ek.children, ek.not_scored, ek.leavers, ek.high) == (0, 1, None, None)  # not known is not none
    held = budget.share(run, KAMOL, needs(run), 3, floor=1)
    assert {one.id: one.visits for one in held.schools} == {THUNG_NA: 1, PA_PHAI: 1, DOI_NAM: 1}
    assert held.reach == pytest.approx((0.61 + 0.08) / 2)
    assert held.free_reach == pytest.approx((0.61 + 0.42 + 0.33) / 2)


def test_what_is_promised_adds_up_and_equal_shares_reach_no_more(run: Run) -> None:
    found = budget.share(run, KAMOL, needs(run), 3)
    assert found.promise.on_list == pytest.approx(0.61 + 0.42 + 0.33)
    assert found.promise.on_list + found.promise.off_list == pytest.approx(needs(run)["risk"].sum())
    low, high = found.promise.on_list_between
    assert low <= found.promise.on_list <= high
    assert found.equal_reach == pytest.approx((0.61 + 0.42 + 0.08) / 2) and found.reach > found.equal_reach
    assert sum(one.leavers or 0 for one in found.schools) == pytest.approx(found.promise.on_list)


def test_moving_baibua_s_visit_to_fah_loses_the_difference_and_below_the_floor_nothing_moves(run: Run) -> None:
    found = budget.share(run, KAMOL, needs(run), 3)
    assert found.move(THUNG_NA, PA_PHAI) == pytest.approx((0.08 - 0.33) / 2)
    assert found.move(PA_PHAI, THUNG_NA) is None  # it has none to give
    held = budget.share(run, KAMOL, needs(run), 4, floor=1)
    assert held.move(PA_PHAI, THUNG_NA) is None


@pytest.mark.parametrize("person", [PIM, RUNG, ADMIN])
def test_who_sees_no_child_has_nobody_to_visit(run: Run, person: object) -> None:
    rows = budget.needs(run, person, NOBODY, AS_OF)  # type: ignore[arg-type]
    assert rows.empty and budget.this_week(run, person, rows) == []  # type: ignore[arg-type]


def test_somsri_gets_her_own_children_without_a_score_and_shares_nothing(run: Run) -> None:
    rows = budget.needs(run, SOMSRI, NOBODY, AS_OF)
    found = budget.this_week(run, SOMSRI, rows, 2)
    assert [child.learner_id for child, _ in found] == [KONG.learner_id, MALI.learner_id]
    assert all(child.risk is None and child.rank is None for child, _ in found)
    with pytest.raises(RaksaError, match="does not see"):
        budget.share(run, SOMSRI, rows, 2)


def test_whom_nobody_looked_at_comes_first_this_week(run: Run) -> None:
    rows = budget.needs(run, WICHAI, {KONG.learner_id: date(2026, 1, 5)}, AS_OF)
    found = budget.this_week(run, WICHAI, rows, 3)
    assert [(child.learner_id, met) for child, met in found] == [
        (MALI.learner_id, False), (BAIBUA.learner_id, False), (107, False),
    ]  # fmt: skip
    assert len(budget.this_week(run, WICHAI, rows)) == 3  # as long as the school's list


@pytest.mark.parametrize(("visits", "floor", "says"), [(2, 1, "Lower the floor"), (0, 1, "Lower the floor")])
def test_floors_beyond_the_visits_are_refused_in_a_sentence(run: Run, visits: int, floor: int, says: str) -> None:
    with pytest.raises(RaksaError, match=says):
        budget.share(run, KAMOL, needs(run), visits, floor)


def test_money_buys_whole_visits() -> None:
    assert budget.visits_for(1_999, 200) == 9 and budget.visits_for(0.3, 0.1) == 3
    for money, cost in ((100, 0), (-1, 10), (1e9, 1)):
        with pytest.raises(RaksaError):
            budget.visits_for(money, cost)


# ------------------------------------------------------------------------------------------- page and command line
@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    write_run(tmp_path)
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def test_kamol_shares_money_on_the_page_and_moves_a_visit(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "area")
    app.session_state["part-th"] = "จัดสรรการเยี่ยม"
    app.run()
    app.number_input(key="money").set_value(600).run()
    app.number_input(key="floor").set_value(0).run()
    page = text_of(app)
    assert not app.exception
    assert "จำนวนเยี่ยม: 3 ครั้ง" in page and "ความต้องการดูแล = โอกาส" in page
    assert "<td>โรงเรียนบ้านทุ่งนา</td><td>3</td><td>2</td>" in page
    assert "<td>โรงเรียนบ้านดอยน้ำซับ</td><td>0</td><td>0</td><td>1</td><td>1</td><td>ประเมินไม่ได้</td>" in page
    assert not any(one.first_name in page for one in (MALI, KONG, BAIBUA))
    app.selectbox(key="giver-th").select(THUNG_NA).run()
    app.selectbox(key="taker-th").select(PA_PHAI).run()
    assert "จะเปลี่ยนไป -" in text_of(app)
    app.number_input(key="floor").set_value(2).run()
    assert "งบไม่พอ" in text_of(app)


def test_pim_who_sees_no_child_has_no_such_part(accounts: Accounts) -> None:
    app = opened_by(accounts, "pim", "area")
    assert "จัดสรรการเยี่ยม" not in [tab.label for tab in app.tabs]
    assert "จัดสรรการเยี่ยม" in [tab.label for tab in opened_by(accounts, "kamol", "area").tabs]


def test_the_command_line_says_the_same(accounts: Accounts, tmp_path: Path) -> None:
    place = Place(KONG.learner_id, THUNG_NA, "2401", KONG.grade, KONG.room)
    write(accounts.people, SOMSRI, place, on=AS_OF, kind="visit", text="ไปพบที่บ้าน", now=MORNING)
    ask = ["visits", "share", "--money", "600", "--cost", "200", "--as", "kamol", "--language", "en"]
    shared = CliRunner().invoke(command, ask)
    assert shared.exit_code == 0 and "3 visits reach" in shared.stdout and THUNG_NA in shared.stdout
    run = open_run(Store(tmp_path))
    rows = budget.needs(run, KAMOL, {KONG.learner_id: AS_OF}, today_in_bangkok(datetime.now(UTC)))
    whole = budget.share(run, KAMOL, rows, 3)
    more = {one.id: "–" if one.one_more is None else f"{100 * one.one_more / whole.need:+.2f}" for one in whole.schools}
    run.close()
    printed = json.loads(CliRunner().invoke(command, [*ask, "--format", "json"]).stdout)
    assert {row["school"]: row["one more (% of all need)"] for row in printed} == more, (
        "in % of all need, as on the page"
    )
    listed = CliRunner().invoke(command, ["visits", "--visits", "3", "--as", "somsri", "--format", "json"])
    names = listed.stdout
    assert names.index("มะลิ") < names.index("หนึ่ง") < names.index("ก้อง")
    told = CliRunner().invoke(command, ["visits", "--as", "kamol", "--language", "en"])
    assert "cannot be estimated: 1." in told.stdout  # Ek is not forgotten
    wrong = CliRunner().invoke(command, ["visits", "share", "--money", "600"])
    assert isinstance(wrong.exception, RaksaError) and "--visits N" in str(wrong.exception)
