"""The record of one child: what the register holds, for whom, and nothing that is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_register import add, page
from small_run import AS_OF, MORNING, settings_for, with_people, write_run
from typer.testing import CliRunner, Result

from care.contacts import write
from dashboard import record as records
from dashboard.keys import key_of, learner_of
from dashboard.paper import PARTS, PRINTED, as_text, child_paper, list_paper
from dashboard.record import Record, record
from dashboard.roster import Filters, Run, children, open_run, promise
from dashboard.transfer import as_csv, as_json, transfer
from raksa.access import Person, decide
from raksa.accounts import Accounts
from raksa.audit import Entry, entries
from raksa.audit import record as note
from raksa.cli import app
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import NO_SCHOOL, NOT_RECORDED
from register.transfer import from_json
from tests.cast import (
    ADMIN,
    ADULTS,
    BAIBUA,
    CHILDREN,
    KAMOL,
    KONG,
    MALI,
    NUNG,
    PA_PHAI,
    PIM,
    RUNG,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)

MAY = date(2026, 5, 18)  # the first Monday of the year 2569


def days(*marks: str) -> dict[date, str]:
    """Marks of school days from the first Monday on, a word a week."""
    return {MAY + timedelta(7 * n + k): mark for n, week in enumerate(marks) for k, mark in enumerate(week)}


def result(learner: Learner, subject: str, grade: str | None, known_on: date, **more: Any) -> dict[str, Any]:
    held = {"learner_id": learner.learner_id, "school_id": THUNG_NA, "academic_year": 2568, "term": 2, "part": "final"}
    return {**held, "subject": subject, "grade": grade, "credits": 1.0, "known_on": known_on, **more}


def listed(learner: Learner, school_id: str, on: date) -> dict[str, Any]:
    held = {"learner_id": learner.learner_id, "school_id": school_id, "academic_year": 2569, "listed_on": on}
    return {**held, "grade": "ม.3", "room": "1", "status": "enrolled", "term": 1}


# Kong came from Pa Phai in the second week and was away at both schools; Nueng is there every day.
REGISTER: dict[str, list[dict[str, Any]]] = {
    "school": [{"school_id": s, "name": name, "area_id": area} for s, (name, area) in SCHOOLS.items()],
    "roll": [
        page(KONG.learner_id, 2569, days("PPAAA"), school_id=PA_PHAI),
        page(KONG.learner_id, 2569, days("-----", "AAALP", "PPP-A"), school_id=THUNG_NA),
        page(NUNG.learner_id, 2569, days("PPPPP", "PPVPP", "PPPVP"), school_id=THUNG_NA),
        page(MALI.learner_id, 2568, {date(2025, 5, 19): "P", date(2025, 5, 20): "S"}, school_id=THUNG_NA),
    ],
    "enrolment": [listed(KONG, PA_PHAI, date(2026, 5, 16)), listed(KONG, THUNG_NA, date(2026, 5, 25))],
    "exit": [
        {"learner_id": KONG.learner_id, "school_id": PA_PHAI, "left_on": date(2026, 5, 22), "cause": "moved_school",
         "known_on": date(2026, 5, 25)}
    ],
    "result": [
        result(KONG, "ค22101", "0", date(2026, 4, 10), learning_area="ค", credits=1.5, attended_percent=74.9),
        result(KONG, "ค22101", "0", date(2026, 5, 25), learning_area="ค", credits=1.5),
        result(KONG, "ท22101", "3", date(2026, 4, 10), learning_area="ท", credits=0.5),
        result(KONG, "ว22101", "ร", date(2026, 4, 10), learning_area="ว"),
        result(KONG, "ว22101", "2.5", date(2026, 5, 20), learning_area="ว"),
        result(KONG, "ศ22101", "มส", date(2026, 4, 10), learning_area="ศ"),
        result(KONG, "ง22101", None, date(2026, 2, 1), part="midterm", percent=61.0, learning_area="ง"),
    ],
    "learner": [{"learner_id": KONG.learner_id, "known_on": date(2026, 5, 16), "sex": "male",
                 "birth_date": date(2011, 6, 1)}],
    "growth": [{"learner_id": KONG.learner_id, "measured_on": date(2026, 5, 20), "known_on": date(2026, 5, 20),
                "weight_kg": 50.5, "height_cm": 160.0}],
    "household": [{"learner_id": KONG.learner_id, "surveyed_on": date(2026, 5, 21), "known_on": date(2026, 6, 1),
                   "poverty_class": "poor", "income_per_head": 1200.0, "lives_with": "relatives",
                   "distance_km": 4.5}],
    "grant": [{"learner_id": KONG.learner_id, "from_day": date(2026, 5, 16), "known_on": date(2026, 5, 16),
               "kind": "ทุนเสมอภาค", "attendance_percent": 80.0}],
}  # fmt: skip


class Opened:
    """The small run, its register and its people, and the record of anyone as anyone sees it."""

    def __init__(self, home: Path) -> None:
        self.store = write_run(home)
        add(self.store, **REGISTER)
        self.accounts: Accounts = with_people(home)
        self.settings: Settings = settings_for(home)
        self.run: Run = open_run(self.store)

    def seen(self, person: Person | None, one: Learner) -> Record | None:
        return record(self.run, self.store, self.settings, person, one.learner_id, self.accounts.people)[0]

    def of(self, person: Person | None, one: Learner) -> Record:
        found = self.seen(person, one)
        assert found is not None
        return found


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    held = Opened(tmp_path)
    yield held
    held.run.close()
    held.accounts.close()


# ------------------------------------------------------------------------------------------ who sees whom
@pytest.mark.parametrize("person", ADULTS, ids=lambda p: p.username)
def test_the_record_opens_for_those_whom_access_names_and_for_nobody_else(opened: Opened, person: Person) -> None:
    for one in CHILDREN:
        allowed = decide(person, one.school_id, SCHOOLS[one.school_id][1], one.grade, one.room).allowed
        assert (opened.seen(person, one) is not None) == allowed, one.first_name
    if person in (PIM, RUNG, ADMIN):
        assert not any(opened.seen(person, one) for one in CHILDREN)


def test_a_key_leads_to_the_child_and_opens_nothing_by_itself(opened: Opened) -> None:
    home = opened.store.home
    key = key_of(home, BAIBUA.learner_id)
    assert learner_of(home, key) == BAIBUA.learner_id
    assert opened.seen(SOMSRI, BAIBUA) is None and opened.seen(WICHAI, BAIBUA) is not None
    assert len({key_of(home, one.learner_id) for one in CHILDREN}) == len(CHILDREN)
    made_up = [f"{key[:-1]}{'0' if key[-1] != '0' else '1'}", "", "ก้อง", "00" * 16, key[:16], key + key]
    assert [learner_of(home, wrong) for wrong in made_up] == [None] * len(made_up)


def test_keys_of_another_store_lead_nowhere(opened: Opened, tmp_path: Path) -> None:
    other = Store.create(tmp_path / "other", 4, "another key")
    assert learner_of(opened.store.home, key_of(other.home, KONG.learner_id)) is None


def test_somsri_reads_where_kong_lives_and_wichai_what_is_needed_to_plan_aid(opened: Opened) -> None:
    somsri, wichai = opened.of(SOMSRI, KONG).home, opened.of(WICHAI, KONG).home
    assert somsri is not None and wichai is not None
    assert (somsri.lives_with, somsri.distance_km) == ("relatives", 4.5)
    assert (somsri.poverty_class, somsri.income_per_head, somsri.grants) == (None, None, ())
    assert (wichai.poverty_class, wichai.income_per_head, wichai.grants[0].kind) == ("poor", 1200.0, "ทุนเสมอภาค")
    said = " ".join(records.home_sentences(somsri, "th"))
    assert "ญาติ" in said and "ยากจน" not in said and "ทุน" not in said


def test_wichai_reads_who_looked_and_somsri_how_often(opened: Opened) -> None:
    people = opened.accounts.people
    for who in (KAMOL, SOMSRI):
        note(people, Entry(MORNING, who.username, "read_child", KONG.learner_id, "run", "area"))
    note(people, Entry(MORNING, RUNG.username, "export_refused", KONG.learner_id, "run", "sees no learner"))
    wichai, somsri = opened.of(WICHAI, KONG).looks, opened.of(SOMSRI, KONG).looks
    assert [look.name for look in wichai.all] == [RUNG.name, SOMSRI.name, KAMOL.name]
    assert somsri.count == 2 and somsri.all == () and somsri.latest is not None
    assert somsri.latest.name == SOMSRI.name


# ------------------------------------------------------------------------------------------ what it says
def test_kongs_move_resets_nothing(opened: Opened) -> None:
    """Three days away at Pa Phai and four at Thung Na, over a weekend, are seven in a row."""
    year = opened.of(SOMSRI, KONG).now
    assert year is not None
    assert (year.recorded, year.away, year.longest, year.in_row) == (14, 8, 7, 1)
    assert (year.longest_from, year.longest_to) == (date(2026, 5, 20), date(2026, 5, 28))
    assert year.share == pytest.approx(6 / 14)
    assert sorted(year.schools) == sorted(SCHOOLS[s][0] for s in (PA_PHAI, THUNG_NA))
    assert year.totals == {"P": 6, "A": 7, "L": 1, "-": 1}
    assert set(year.pages) == {PA_PHAI, THUNG_NA} and len(year.pages[PA_PHAI]) == 5


def test_days_before_the_line_are_a_fifth_of_the_years_school_days(opened: Opened) -> None:
    """A plain loop over the year: every weekday of the two terms, no holidays known."""
    year = opened.of(SOMSRI, KONG).now
    assert year is not None
    open_days = [
        first + timedelta(n)
        for first, last in ((date(2026, 5, 16), date(2026, 10, 10)), (date(2026, 11, 1), date(2027, 3, 31)))
        for n in range((last - first).days + 1)
        if (first + timedelta(n)).weekday() < 5
    ]
    assert year.days_to_line == len(open_days) // 5 - 8


def test_the_calendar_holds_each_mark_once_under_its_day(opened: Opened) -> None:
    year = opened.of(SOMSRI, KONG).now
    assert year is not None
    cells = [c for _, weeks in records.months(year, opened.settings) for week in weeks for c in week if c]
    assert {day: mark for day, mark in cells if mark} == year.marks
    assert len(cells) == len({day for day, _ in cells})
    assert all(len(week) == 5 for _, weeks in records.months(year, opened.settings) for week in weeks)


def test_kongs_results_say_what_is_open_since_when_and_what_was_put_right(opened: Opened) -> None:
    (term,) = opened.of(SOMSRI, KONG).terms
    by = {one.subject: one for one in term.subjects}
    assert {s: one.open_since for s, one in by.items() if one.open_since} == {
        "ค22101": date(2026, 4, 10), "ศ22101": date(2026, 4, 10)
    }  # fmt: skip
    assert (by["ว22101"].grade, by["ว22101"].put_right) == ("2.5", True)
    assert (by["ง22101"].grade, by["ง22101"].midterm) == (None, 61.0)
    # 0 x 1.5 + 3 x 0.5 + 2.5 x 1.0 over 3.0 credits; มส and what is not known weigh nothing.
    assert term.average == pytest.approx((0 * 1.5 + 3 * 0.5 + 2.5 * 1.0) / 3.0) and term.known == 3
    assert [one.area for one in term.subjects] == ["ท", "ค", "ว", "ศ", "ง"]


def test_schools_and_growth_stand_with_their_days(opened: Opened) -> None:
    found = opened.of(SOMSRI, KONG)
    assert [(stay.school_id, stay.left_on) for stay in found.stays] == [
        (THUNG_NA, None), (PA_PHAI, date(2026, 5, 22))
    ]  # fmt: skip
    (measured,) = found.growth
    assert (measured.weight_kg, measured.height_cm) == (50.5, 160.0)
    assert measured.height_for_age is not None and -1.5 < measured.height_for_age < 0


def test_strengths_are_true_and_where_nothing_is_known_none_is_invented(opened: Opened) -> None:
    english = [one.en for one in opened.of(SOMSRI, NUNG).strengths]
    assert english == [
        "Came to school on each of the last 15 recorded days.",
        "Took part in school activities on 2 days this year.",
    ]
    kong = [one.en for one in opened.of(SOMSRI, KONG).strengths]
    assert kong == [
        "Best result of term 2/2568: Thai language, grade 3.",
        "Results that were open and have been put right: 1.",
    ]
    assert opened.of(SOMSRI, MALI).strengths == ()


def year_of(*marks: str) -> Any:
    """A running year of these weeks for Mali, as the record reads it."""
    page = list("." * 2 + "".join(f"{week}.." for week in marks))
    return records._year(page, 2569, len(page), {}, {}, Settings(), running=True)


def test_days_nobody_recorded_are_not_taken_for_days_attended() -> None:
    """Of 50 school days five may be unrecorded; with the sixth, how many may still be missed is not known."""
    planned = year_of(*["PPPPP"] * 10).days_to_line
    assert year_of(*["PPPP-"] * 5, *["PPPPP"] * 5).days_to_line == planned
    missing = year_of(*["PPPP-"] * 6, *["PPPPP"] * 4)
    assert missing.days_to_line is None
    assert records.line_said(missing.days_to_line, "en").endswith("is not known: too many are not recorded.")
    assert records.line_said(1, "en") == (
        "Of the whole year, if every other day is attended, days left before the 80% line: 1."
    )
    assert records.line_said(-2, "en") == "Of the whole year, days missed beyond the 80% line: 2."


def test_who_is_away_is_not_praised_for_coming_on_time() -> None:
    def said(*marks: str) -> list[str]:
        return [one.en for one in records._strengths(year_of(*marks), ())]

    on_time = "Not late once in the last 20 recorded days."
    assert on_time in said(*["PPPPP"] * 4) and on_time in said("PPPPP", "PPAAP", "PPPPP", "PPPPP")
    assert on_time not in said("PPPPP", "PAAAP", "PPPPP", "PPPPP"), "there on 17 of 20 days"
    assert said("PPPPA", "AAAAA", "AAAAA", "AAAAA") == []


def test_what_was_done_and_the_lists_stand_on_the_line_of_weeks(opened: Opened) -> None:
    people, place = opened.accounts.people, opened.of(SOMSRI, KONG).place
    write(people, SOMSRI, place, on=date(2026, 5, 27), kind="visit", text="ไปเยี่ยมยาย", now=MORNING)
    write(people, SOMSRI, place, on=date(2026, 6, 1), kind="note", text="เรื่องในบ้าน", now=MORNING, restricted=True)
    found = opened.of(KAMOL, KONG)
    assert [(event.kind, event.monday) for event in records.events(found)] == [
        ("done", date(2026, 5, 25)), ("done", date(2026, 6, 1))
    ]  # fmt: skip
    assert [week.away for week in found.weeks] == [3, 4, 1]
    assert [(one.text, one.redacted) for one in found.contacts] == [("", True), ("ไปเยี่ยมยาย", False)]
    assert [row[1:] for row in records.line(found, "en")] == [
        ["1 of 4", "Note 1 Jun 2026"], ["4 of 5", "Home visit 27 May 2026"], ["3 of 5", ""]
    ]  # fmt: skip
    (listing,) = found.listings
    assert (listing.as_of, listing.listed, listing.reasons[0].family) == (AS_OF, True, "attendance")


def test_coming_on_a_list_and_leaving_it_are_told_once_each(opened: Opened) -> None:
    found = opened.of(SOMSRI, KONG)
    (last,) = found.listings
    mondays = [(AS_OF - timedelta(7 * n), on) for n, on in enumerate((True, True, False, True))]
    told = tuple(replace(last, as_of=day, listed=on) for day, on in mondays)
    events = records.events(replace(found, listings=told))
    assert [(event.kind, event.on) for event in events] == [
        ("off", AS_OF - timedelta(14)), ("on", AS_OF - timedelta(7))
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ paper
def printed(opened: Opened, person: Person, one: Learner, *parts: str) -> str:
    return as_text(child_paper(opened.of(person, one), opened.run, "th", parts or PRINTED, opened.settings))


def test_what_is_said_of_the_home_is_printed_only_when_it_is_asked_for(opened: Opened) -> None:
    assert "ยากจนพิเศษ" not in printed(opened, WICHAI, BAIBUA)
    assert "ยากจนพิเศษ" in printed(opened, WICHAI, BAIBUA, "reasons", "home")
    assert "ญาติ" not in printed(opened, WICHAI, KONG) and "1,200 บาท" in printed(opened, WICHAI, KONG, "home")
    assert "1,200" not in printed(opened, SOMSRI, KONG, "home")


def test_restricted_entries_are_never_printed(opened: Opened) -> None:
    people, place = opened.accounts.people, opened.of(SOMSRI, KONG).place
    for text, restricted in (("ไปเยี่ยมยาย", False), ("ลับมาก", True)):
        write(people, SOMSRI, place, on=MAY, kind="visit", text=text, now=MORNING, restricted=restricted)
    paper = printed(opened, SOMSRI, KONG, *PARTS)
    assert "ไปเยี่ยมยาย" in paper and "ลับมาก" not in paper
    assert "ไปเยี่ยมยาย" not in printed(opened, SOMSRI, KONG)


def test_a_list_on_paper_says_once_what_is_the_same_for_all(opened: Opened) -> None:
    filters = Filters()
    held = {
        person: list_paper(
            opened.run, children(opened.run, person, filters), ("school", "name", "risk"), "en",
            promise(opened.run, person, filters), scores=person is WICHAI,
        )
        for person in (WICHAI, SOMSRI)
    }  # fmt: skip
    assert held[WICHAI]["headings"] == ["Name", "Estimated chance of leaving"]
    assert "For all of them: School โรงเรียนบ้านทุ่งนา." in held[WICHAI]["about"]
    assert any("of these about 1 (" in line.lower() for line in held[WICHAI]["about"])
    assert not any("leave" in line for line in held[SOMSRI]["about"])
    assert [row[1] for row in held[WICHAI]["rows"]] == ["about 61%", "about 42%", "about 33%"], "as the page says it"
    assert "Personal data: keep it with you" in held[SOMSRI]["foot"]
    silent = [replace(one, phone=None) for one in children(opened.run, SOMSRI, filters)]
    about = list_paper(opened.run, silent, ("name", "phone"), "en", promise(opened.run, SOMSRI, filters), scores=False)
    assert "Not recorded for any of them: Telephone." in about["about"] and "–" not in str(about["about"])
    assert [row[0] for row in held[WICHAI]["rows"]] == [
        "เด็กชายก้อง เก่งกล้า", "เด็กหญิงมะลิ ใจดี", "เด็กหญิงใบบัว น้ำใส"
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ a change of school
def test_the_file_for_a_change_of_school_reads_back_the_same(opened: Opened) -> None:
    people, place = opened.accounts.people, opened.of(SOMSRI, KONG).place
    write(people, SOMSRI, place, on=date(2026, 5, 27), kind="visit", text="=ไปเยี่ยมยาย", now=MORNING)
    write(people, SOMSRI, place, on=date(2026, 6, 1), kind="note", text="ลับมาก", now=MORNING, restricted=True)
    held = transfer(opened.of(WICHAI, KONG), AS_OF)
    text = as_json(held)
    assert from_json(text) == held
    days = {day: mark for page in held["attendance"] for day, mark in page["days"].items()}
    assert len(days) == 14 and days["2026-05-20"] == "A"
    assert held["learner"]["student_number"] == "0102" and held["school"]["school_id"] == THUNG_NA
    for secret in (KONG.citizen_id, "ลับมาก", "poor", "ทุนเสมอภาค", "0.61", str(KONG.learner_id) + ","):
        assert secret not in text.decode(), secret
    sheet = as_csv(held).decode("utf-8-sig")
    assert sheet.count("\r\nattendance,") == 14 and "'=ไปเยี่ยมยาย" in sheet and "ลับมาก" not in sheet


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other"}', '{"format": "raksa-child", "version": 2}'])
def test_a_file_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(RaksaError, match=r"Take it anew|Choose another|Update Raksa"):
        from_json(text)


# ------------------------------------------------------------------------------------------ on the command line
def test_raksa_show_prints_what_somsri_would_see_and_logs_it(opened: Opened) -> None:
    for one in (KONG, BAIBUA):
        alias = {"alias": f"number:{THUNG_NA}:0{one.learner_id}", "learner_id": one.learner_id}
        add(opened.store, one.first_name, identity_alias=[alias])

    def show(*more: str) -> Result:
        return CliRunner().invoke(app, ["show", *more], env={"RAKSA_HOME": str(opened.store.home)})

    somsri = json.loads(show(f"{THUNG_NA}:0102", "--as", "somsri", "--format", "json").output)
    assert somsri == records.plain(replace(opened.of(SOMSRI, KONG), looks=records.Looks(0, None)))
    assert (somsri["child"]["risk"], somsri["home"]["poverty_class"]) == (None, None)
    assert somsri["now"]["marks"]["2026-05-20"] == "A" and "learner_id" not in somsri["child"]
    assert "Came back" not in show(f"{THUNG_NA}:0102", "--language", "en").output
    refused = show(f"{THUNG_NA}:0103", "--as", "somsri")
    assert isinstance(refused.exception, RaksaError) and "not in the scope" in str(refused.exception)
    (line,) = entries(opened.accounts.people, learner_id=BAIBUA.learner_id)
    assert (line.what, line.about) == ("print_child_refused", f"run {opened.run.id}, as somsri")


# ------------------------------------------------------------------------------------------ against the register
def test_a_whole_record_of_the_demo_is_what_its_files_say(demo_settings: Settings) -> None:
    """For the first and the last of the lists: the parquet files, read by DuckDB without any of our code."""
    store = Store(demo_settings.home)
    run = open_run(store)
    accounts = Accounts.open(demo_settings)
    files = str(store.home / "register" / "{}" / "**" / "*.parquet")
    con = duckdb.connect()
    rows = children(run, None, Filters())
    for one in (rows[0], rows[-1]):
        found, _ = record(run, store, demo_settings, None, one.learner_id, accounts.people)
        assert found is not None

        def said(table: str, columns: str, learner: int = one.learner_id) -> list[tuple[Any, ...]]:
            query = f"SELECT {columns} FROM read_parquet('{files.format(table)}', hive_partitioning=false)"
            return con.execute(f"{query} WHERE learner_id = ?", [learner]).fetchall()

        marks = {
            (year, date(year - 543, 5, 16) + timedelta(n)): mark
            for year, page in said("roll", "academic_year, marks")
            for n, mark in enumerate(page)
            if mark not in (NO_SCHOOL, NOT_RECORDED)
        }
        years = [*found.before, *([found.now] if found.now else [])]
        assert marks == {(y.year, day): m for y in years for day, m in y.marks.items() if m != NOT_RECORDED}
        finals = {
            (year, term, subject): grade
            for year, term, subject, grade, _ in sorted(
                said("result", "academic_year, term, subject, grade, known_on"), key=lambda row: row[4]
            )
            if grade is not None
        }
        shown = {(s.year, s.term, s.subject): s.grade for t in found.terms for s in t.subjects if s.grade}
        assert shown == finals
        assert {(s.year, s.school_id, s.grade, s.room) for s in found.stays} == set(
            said("enrolment", "academic_year, school_id, grade, room")
        )
        assert {m.on for m in found.growth} == {day for (day,) in said("growth", "measured_on")}
        signal = run.rows(
            "SELECT away_in_row, attended_share, days_to_line FROM signal WHERE learner_id = ?", [one.learner_id]
        )[0]
        assert found.now is not None
        assert (found.now.in_row, found.now.days_to_line) == (signal[0], signal[2])
        assert found.now.share == pytest.approx(signal[1], abs=1e-6)
    con.close()
    run.close()
    accounts.close()
