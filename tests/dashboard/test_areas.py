"""The area in numbers: right for who may see the children, and no small count to be worked out by who may not."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from small_run import AS_OF, MORNING, NAME, with_people, write_run
from test_pages import opened_by, text_of
from typer.testing import CliRunner

from care.contacts import Place, write
from dashboard import areas, ground, small_cells
from dashboard.roster import Run, open_run
from raksa.accounts import Accounts
from raksa.cli import app
from raksa.errors import RaksaError
from raksa.store import Store
from tests.cast import ADMIN, AREAS, CHILDREN, EK, KAMOL, MALI, PIM, RUNG, SOMSRI, THUNG_NA

AREA = "2401"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The cast and 400 invented classmates of four grades, a few of them listed for a reason or not to be estimated."""
    write_run(tmp_path, extra=400)
    draw = np.random.default_rng(7)
    with duckdb.connect(str(tmp_path / "runs" / NAME / "scores.duckdb")) as con:
        others = con.execute("SELECT learner_id FROM score WHERE learner_id >= 1000 ORDER BY 1").fetchall()
        for (learner,) in others:
            grade, kind = (
                draw.choice(["ป.6", "ม.1", "ม.2", "ม.3"]),
                draw.choice(["listed", "free", "unknown"], p=[0.2, 0.7, 0.1]),
            )
            risk = None if kind == "unknown" else float(draw.uniform(0, 0.3))
            con.execute(
                "UPDATE score SET grade = ?, listed = ?, risk = ?, cannot_score = ? WHERE learner_id = ?",
                [grade, kind == "listed", risk, None if risk is not None else "no_attendance", learner],
            )
            if kind == "listed":
                con.execute(
                    "INSERT INTO reason BY NAME SELECT ? AS learner_id, 1::TINYINT AS position, ? AS family",
                    [learner, str(draw.choice(["attendance", "grades", "home"]))],
                )
    return tmp_path


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    opened = open_run(Store(home))
    yield opened
    opened.close()


def score(run: Run, area: str = "") -> pd.DataFrame:
    with run.connection.cursor() as cursor:
        found = cursor.execute("SELECT * FROM score").df()
    return found[found["area_id"] == area] if area else found


# ------------------------------------------------------------------------------------------------ right numbers
def test_kamol_reads_each_school_as_it_is_counted_by_hand(run: Run) -> None:
    rows = score(run, AREA)
    found = areas.schools(run, KAMOL)
    assert {one.id for one in found} == set(rows["school_id"])
    for one in found:
        mine = rows[rows["school_id"] == one.id]
        assert (one.learners, one.listed, one.not_scored) == (
            len(mine), mine["listed"].sum(), mine["risk"].isna().sum(),
        )  # fmt: skip
        assert one.expected == pytest.approx(mine["risk"].sum())
        assert one.per_100 is not None and one.per_100[0] == pytest.approx(100 * mine["risk"].mean())
    lows = [one.per_100[1] for one in found if one.per_100]
    assert lows == sorted(lows, reverse=True)


def test_a_school_where_nobody_could_be_estimated_has_no_estimate(tmp_path: Path) -> None:
    write_run(tmp_path)
    run = open_run(Store(tmp_path))
    ek = next(one for one in areas.schools(run, KAMOL) if one.id == EK.school_id)
    run.close()
    assert (ek.learners, ek.not_scored, ek.expected, ek.per_100) == (1, 1, None, None)


@pytest.mark.parametrize(("rows", "columns"), [("school", "grade"), ("grade", "sex"), ("sex", "school")])
def test_kamol_counts_by_two_traits_as_pandas_does(run: Run, rows: str, columns: str) -> None:
    column = {"school": "school_id", "grade": "grade", "sex": "sex"}
    held = score(run, AREA)
    found = areas.cross(run, KAMOL, rows, columns, "listed", AREA)
    expected = held[held["listed"]].groupby([column[rows], column[columns]]).size().to_dict()
    for (a, _), line in zip(found.rows, found.cells, strict=True):
        for (b, _), cell in zip(found.columns, line, strict=True):
            assert cell == expected.get((a, b), 0)
    assert sum(n or 0 for n in found.column_totals) == held["listed"].sum()


def test_needs_stand_beside_each_other(run: Run) -> None:
    found = areas.cross(run, KAMOL, "school", "need", area=AREA, language="en")
    heads = [code for code, _ in found.columns]
    at_thung_na = found.cells[[code for code, _ in found.rows].index(THUNG_NA)]
    held = score(run, AREA)
    held = held[held["school_id"] == THUNG_NA]
    asked = "SELECT learner_id FROM reason WHERE family = 'attendance'"
    missed = held["learner_id"].isin([learner for (learner,) in run.rows(asked)]) & held["listed"]
    assert at_thung_na[heads.index("learners")] == len(held)
    assert at_thung_na[heads.index("attendance")] == missed.sum()
    assert at_thung_na[heads.index("cannot_score")] == held["risk"].isna().sum()
    assert found.row_totals is None


def test_a_primary_school_has_no_secondary_grade(run: Run) -> None:
    found = areas.cross(run, KAMOL, "school", "grade", "listed", AREA)
    thung_na, fourth = [c for c, _ in found.rows].index(THUNG_NA), [c for c, _ in found.columns].index("ป.4")
    assert not found.there[thung_na][fourth]


def test_the_sum_of_all_stands_in_the_corner_and_no_0_where_nobody_can_be_estimated(home: Path) -> None:
    with duckdb.connect(str(home / "runs" / NAME / "scores.duckdb")) as con:
        con.execute("UPDATE score SET risk = NULL, listed = FALSE WHERE grade = 'ม.1'")
    run = open_run(Store(home))
    held = score(run, AREA)
    listed, all_of = (areas.cross(run, KAMOL, "grade", "sex", whom, AREA) for whom in ("listed", "learners"))
    assert (listed.total, all_of.total) == (held["listed"].sum(), len(held))
    at = [code for code, _ in listed.rows].index("ม.1")
    assert {some for _, _, some in listed.row(at)} == {False} and listed.row(at)[-1][0] == 0
    known = held.groupby("grade")["risk"].count() > 0
    assert {code: listed.row(n)[-1][2] for n, (code, _) in enumerate(listed.rows)} == known.to_dict()
    assert all(some for _, _, some in all_of.row(at)), "how many children there are is known"
    needs = areas.cross(run, KAMOL, "grade", "need", area=AREA)
    assert [code for (code, _), (_, _, some) in zip(needs.columns, needs.row(at), strict=True) if some] == [
        "learners", "cannot_score"
    ]  # fmt: skip
    assert areas.lines("counts", run, None, KAMOL, AS_OF, AREA, "en", "grade", "sex")[at]["Together"] == (
        "cannot be estimated"
    )
    run.close()


def test_what_is_no_table_is_said_in_a_sentence(run: Run) -> None:
    with pytest.raises(RaksaError, match="No table of grade by grade"):
        areas.cross(run, KAMOL, "grade", "grade")
    with pytest.raises(RaksaError, match="Nobody is counted as 'poor'"):
        areas.cross(run, KAMOL, "grade", "sex", "poor")


def test_who_changes_school_next(run: Run) -> None:
    held = score(run, AREA)
    found = {(one.school_id, one.grade): one for one in areas.transitions(run, KAMOL, AREA)}
    last = held[held["grade"].isin(areas.LAST_GRADES)]
    assert set(found) == set(zip(last["school_id"], last["grade"], strict=True))
    mine = last[(last["school_id"] == THUNG_NA) & (last["grade"] == "ม.3")]
    one = found[THUNG_NA, "ม.3"]
    assert (one.learners, one.listed) == (len(mine), mine["listed"].sum())
    assert one.expected == pytest.approx(mine["risk"].sum())
    assert all(one.low <= one.expected <= one.high <= one.learners for one in found.values() if one.expected)
    assert any(one.high > one.low for one in found.values()), "drawn anew for each class, not the school's"


def test_a_call_to_mali_counts_for_thirty_days(home: Path, run: Run) -> None:
    accounts = with_people(home)
    place = Place(MALI.learner_id, MALI.school_id, AREA, MALI.grade, MALI.room)
    write(accounts.people, SOMSRI, place, on=AS_OF, kind="call", text="คุยกับยายแล้ว", now=MORNING)
    for days, called in ((0, 1), (30, 1), (31, 0)):
        found = areas.contacted(run, accounts.people, KAMOL, AS_OF + timedelta(days=days), AREA)
        assert {one.school_id: one.contacted for one in found}[THUNG_NA] == called
    listed = score(run, AREA).groupby("school_id")["listed"].sum()
    assert {one.school_id: one.listed for one in found} == listed.to_dict()
    assert areas.contacted(run, accounts.people, PIM, AS_OF, AREA) == []
    accounts.close()


def test_a_school_without_a_list_is_named_among_the_contacts(home: Path) -> None:
    with duckdb.connect(str(home / "runs" / NAME / "scores.duckdb")) as con:
        con.execute(f"UPDATE score SET risk = NULL, listed = FALSE WHERE school_id = '{EK.school_id}'")
    run, accounts = open_run(Store(home)), with_people(home)
    *others, last = areas.contacted(run, accounts.people, KAMOL, AS_OF, AREA)
    assert (last.school_id, last.listed, last.waiting) == (EK.school_id, None, None)
    assert others and all(one.waiting for one in others)
    rows = areas.lines("contacts", run, accounts.people, KAMOL, AS_OF, AREA, "en")
    assert rows[-1]["On the list"] == "cannot be estimated"
    accounts.close()
    run.close()


def test_weeks_are_counted_from_each_run(home: Path, run: Run) -> None:
    earlier = home / "runs" / "2026-06-01-test"
    earlier.mkdir()
    (earlier / "run.json").write_text("{}", encoding="utf-8")
    with duckdb.connect(str(earlier / "scores.duckdb")) as con:  # a run of before signals were kept
        con.execute(
            "CREATE TABLE score (learner_id BIGINT, area_id VARCHAR, school_id VARCHAR, risk DOUBLE, listed BOOL)"
        )
        con.execute("INSERT INTO score VALUES (1, '2401', 's', 0.2, true), (2, '2402', 's', NULL, false)")
    held = score(run, AREA)
    first, second = areas.weeks(run, KAMOL)
    assert (first.as_of, first.learners, first.listed, first.not_scored, first.recorded) == (
        date(2026, 6, 1),
        1,
        1,
        0,
        None,
    )
    assert (second.learners, second.listed, second.recorded) == (len(held), held["listed"].sum(), 1.0)
    hidden, _ = areas.weeks(run, PIM, AREA)
    assert (hidden.learners, hidden.listed) == (None, None)


def test_the_report_says_of_each_number_what_it_is_and_of_when(home: Path, run: Run) -> None:
    accounts = with_people(home)
    figures = areas.report(run, accounts.people, KAMOL, AS_OF, AREA, "en")
    accounts.close()
    held = score(run, AREA)
    values = {one.name: one.value for one in figures}
    assert (values["Children"], values["On the list"]) == (str(len(held)), str(held["listed"].sum()))
    assert values["Expected to leave, on the list"].startswith(f"{held.loc[held['listed'], 'risk'].sum():.0f} (")
    assert all(one.meaning and one.period for one in figures)
    body = areas.as_csv(figures, "en").decode("utf-8-sig").splitlines()
    assert len(body) == len(figures) + 1 and body[0] == "Figure,Value,What it means,Measured over"
    assert f"Children: {len(held)} (on 8" in areas.as_text(figures, "").replace("\u00a0", " ")


# ------------------------------------------------------------------------------------------------ who sees it
@pytest.mark.parametrize("person", [RUNG, ADMIN])
def test_who_counts_nobody_gets_nothing(run: Run, person: Any) -> None:
    assert areas.schools(run, person) == [] and areas.weeks(run, person) == []
    with pytest.raises(RaksaError):
        areas.cross(run, person, "grade", "sex", area=AREA)


def test_kamol_counts_no_school_of_the_other_area(run: Run) -> None:
    other = next(area for area in AREAS if area != AREA)
    assert areas.schools(run, KAMOL, other) == [] and areas.weeks(run, KAMOL, other) == []
    assert areas.cross(run, KAMOL, "school", "grade", area=other).rows == ()
    assert areas.transitions(run, KAMOL, other) == []


def test_pim_chooses_one_area_for_a_table(run: Run) -> None:
    with pytest.raises(RaksaError, match="Choose the area"):
        areas.cross(run, PIM, "grade", "sex")


# ------------------------------------------------------------------------------------------------ small cells
def solved(equations: list[tuple[np.ndarray, Any]], cell: np.ndarray) -> tuple[float, float]:
    """The least and the most a sum of cells can be for who knows the equations, and that no count is negative."""
    a, b = np.array([e for e, _ in equations]), np.array([v for _, v in equations])
    ends = [linprog(sign * cell, A_eq=a, b_eq=b, bounds=(0, None)) for sign in (1, -1)]
    return ends[0].fun, np.inf if ends[1].status == 3 else -ends[1].fun


def test_no_small_count_of_a_table_can_be_worked_out() -> None:
    draw = np.random.default_rng(0)
    asked = 0
    for _ in range(60):
        rows, columns = draw.integers(2, 7), draw.integers(2, 6)
        there = draw.random((rows, columns)) < 0.8
        cells = draw.poisson(draw.choice([2, 6, 12]), (rows, columns)) * there
        of_rows, of_columns = small_cells.column(cells.sum(1)), small_cells.column(cells.sum(0))
        hidden = small_cells.table(cells, there, of_rows, of_columns)
        known = [(one_at(cells, at), cells[at]) for at in np.ndindex(cells.shape) if not (hidden[at] and there[at])]
        known += [(line(cells, row=n), cells[n].sum()) for n in range(rows) if not of_rows[n]]
        known += [(line(cells, column=n), cells[:, n].sum()) for n in range(columns) if not of_columns[n]]
        known += [(np.ones(cells.size), cells.sum())] if cells.sum() >= 5 else []
        for at in zip(*np.nonzero(hidden & (cells < 5)), strict=True):
            _, most = solved(known, one_at(cells, at))
            assert most >= cells[at] + 1 - 1e-6, (cells, hidden, at)
            asked += 1
    assert asked > 100


def one_at(cells: np.ndarray, at: tuple[Any, ...]) -> np.ndarray:
    found = np.zeros(cells.shape)
    found[at] = 1
    return found.ravel()


def line(cells: np.ndarray, row: int | None = None, column: int | None = None) -> np.ndarray:
    found = np.zeros(cells.shape)
    found[slice(None) if row is None else row, slice(None) if column is None else column] = 1
    return found.ravel()


@pytest.mark.parametrize("whom", ["learners", "listed", "cannot_score", "attendance"])
def test_pim_cannot_work_a_hidden_count_out_from_all_the_tables_together(run: Run, whom: str) -> None:
    """She reads every table of two traits, by need, and the schools beside each other, and solves the equations over
    school × grade × sex."""
    traits = ("school", "grade", "sex")
    tables = {pair: areas.cross(run, PIM, *pair, whom, AREA) for pair in itertools.permutations(traits, 2)}
    codes = {trait: [code for code, _ in tables[trait, next(t for t in traits if t != trait)].rows] for trait in traits}
    shape = tuple(len(codes[trait]) for trait in traits)
    place = {trait: n for n, trait in enumerate(traits)}

    def sum_of(**fixed: str) -> np.ndarray:
        at: list[Any] = [slice(None)] * 3
        for trait, code in fixed.items():
            at[place[trait]] = codes[trait].index(code)
        found = np.zeros(shape)
        found[tuple(at)] = 1
        return found.ravel()

    known: list[tuple[np.ndarray, Any]] = []
    hidden: list[tuple[np.ndarray, Any]] = []
    for (rows, columns), table in tables.items():
        for n, (a, _) in enumerate(table.rows):
            for m, (b, _) in enumerate(table.columns):
                cell = sum_of(**{rows: a, columns: b})
                value = table.cells[n][m] if table.there[n][m] else 0
                (hidden if value is None else known).append((cell, value))
            assert table.row_totals is not None
            (hidden if table.row_totals[n] is None else known).append((sum_of(**{rows: a}), table.row_totals[n]))
        for m, (b, _) in enumerate(table.columns):
            (hidden if table.column_totals[m] is None else known).append(
                (sum_of(**{columns: b}), table.column_totals[m])
            )
    for trait in traits:
        by_need = areas.cross(run, PIM, trait, "need", area=AREA)
        column = [code for code, _ in by_need.columns].index(whom)
        for n, (a, _) in enumerate(by_need.rows):
            if by_need.cells[n][column] is not None:
                known.append((sum_of(**{trait: a}), by_need.cells[n][column]))
        if by_need.column_totals[column] is not None:
            known.append((np.ones(int(np.prod(shape))), by_need.column_totals[column]))
    counted = {"learners": "learners", "listed": "listed", "cannot_score": "not_scored"}.get(whom)
    for school in areas.schools(run, PIM, AREA) if counted else []:
        if (n := getattr(school, str(counted))) is not None:
            known.append((sum_of(school=school.id), n))

    assert known and hidden
    held = score(run, AREA)
    asked = "SELECT learner_id FROM reason WHERE family = 'attendance'"
    missed = held["learner_id"].isin([learner for (learner,) in run.rows(asked)]) & held["listed"]
    mine = held[{"learners": held["listed"] | True, "listed": held["listed"], "cannot_score": held["risk"].isna(),
                 "attendance": missed}[whom]]  # fmt: skip
    truth = np.zeros(shape)
    for school, grade, sex in zip(mine["school_id"], mine["grade"], mine["sex"], strict=True):
        truth[codes["school"].index(school), codes["grade"].index(grade), codes["sex"].index(sex)] += 1
    for cell, value in known:
        assert cell @ truth.ravel() == value
    small = [cell for cell, _ in hidden if cell @ truth.ravel() < small_cells.SMALLEST_CELL]
    assert small
    for cell in small:
        least, most = solved(known, cell)
        assert most - least >= 1 - 1e-6


def test_three_schools_without_anybody_are_not_told_by_the_total() -> None:
    assert small_cells.column(np.array([0, 0, 0, 9, 30])).tolist() == [True, True, True, True, False]


# ------------------------------------------------------------------------------------------------ the page
@pytest.fixture
def accounts(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    opened = with_people(home)
    monkeypatch.setenv("RAKSA_HOME", str(home))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def test_pim_reads_no_child_and_no_small_count_on_the_page(accounts: Accounts) -> None:
    app = opened_by(accounts, "pim")
    app.switch_page("views/area.py").run()
    assert "เทียบโรงเรียน" in text_of(app) and "โรงเรียนบ้านทุ่งนา" in text_of(app)
    app.selectbox(key="area-th").select(AREA)
    app.session_state["part-th"] = "จำนวน"
    app.run()
    app.selectbox(key="rows-th").select("school").run()
    app.selectbox(key="columns-th").select("grade").run()
    page = text_of(app)
    assert not app.exception and "ปกปิด" in page and "ป.4" in page
    table = re.findall(r"<td>([0-9,]+)</td>", page)
    assert table and all(int(n.replace(",", "")) >= 5 for n in table)
    assert not any(one.first_name in page for one in CHILDREN)


# ------------------------------------------------------------------------------------------------ on the command line
def test_every_figure_of_the_page_is_printed_as_the_page_shows_it(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_people(home).close()
    monkeypatch.setenv("RAKSA_HOME", str(home))

    def printed(*asked: str) -> list[dict[str, Any]]:
        done = CliRunner().invoke(app, ["areas", *asked, "--language", "en", "--format", "json"])
        assert done.exit_code == 0, done.output
        found: list[dict[str, Any]] = json.loads(done.output)
        return found

    schools = areas.schools(run, KAMOL)
    rows = printed("schools", "--as", "kamol")
    assert [(row["School"], row["Children"], row["On the list"]) for row in rows] == [
        (one.name, one.learners, one.listed) for one in schools
    ]
    assert [(row["at least"], row["at most"]) for row in rows] == [(one.low, one.high) for one in schools]
    counts = printed("counts", "--rows", "grade", "--columns", "sex", "--area", AREA, "--whom", "learners")
    table = areas.cross(run, None, "grade", "sex", "learners", AREA, "en")
    assert [row["Grade"] for row in counts] == [*(name for _, name in table.rows), "Together"]
    girls = [code for code, _ in table.columns].index("female")
    cells = [
        told[girls] if there[girls] else None for told, there in zip(table.cells, table.there, strict=True)
    ]  # None: – on the page, there can be nobody
    assert [row["Girls"] for row in counts] == [*cells, table.column_totals[girls]]
    needs = printed("counts", "--area", AREA)
    assert sum(row["On the list"] for row in needs[:-1]) == needs[-1]["On the list"]
    moves = areas.transitions(run, None, AREA, "en")
    assert [row["School"] for row in printed("transitions", "--area", AREA)] == [one.school for one in moves]
    assert sum(row["On the list"] for row in printed("contacts")) == sum(
        one.listed or 0 for one in areas.schools(run, None)
    )
    assert [row["Children"] for row in printed("weeks")] == [one.learners for one in areas.weeks(run, None)]
    file = tmp_path / "area.csv"
    done = CliRunner().invoke(app, ["areas", "--as", "pim", "--area", AREA, "--csv", str(file)])
    assert done.exit_code == 0 and file.read_bytes().startswith(b"\xef\xbb\xbf")
    everything = ("counts", "--rows", "grade", "--columns", "school", "--area", AREA, "--whom", "cannot_score")
    assert "hidden" not in str(printed(*everything)) and "hidden" in str(printed(*everything, "--as", "pim"))


def test_what_is_hidden_on_the_page_is_hidden_on_the_command_line(run: Run, tmp_path: Path) -> None:
    people = with_people(tmp_path / "people").people
    for part in ("schools", "counts", "transitions", "weeks", "report"):
        rows = areas.lines(part, run, people, PIM, AS_OF, AREA, "en")
        counts = [
            v for row in rows for name, v in row.items() if type(v) is int and name not in ("at least", "at most")
        ]
        assert rows and min(counts, default=5) >= 5
    for part, person, said in (
        ("contacts", PIM, "to those who may see the children"),
        ("transitions", PIM, "Choose it with --area"),
        ("counts", PIM, "Choose the area"),
        ("else", KAMOL, "There is no part"),
    ):
        with pytest.raises(RaksaError, match=said):
            areas.lines(part, run, people, person, AS_OF)
    with pytest.raises(RaksaError, match=r"No service area '2402' to count here\. Areas: 2401"):
        areas.lines("report", run, people, KAMOL, AS_OF, "2402")
    people.dispose()
