"""What somsri, and the head of her school, act on this morning: lines crossed, calls, marks, and who is forgotten."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pypdfium2
import pytest
from python_calamine import CalamineWorkbook
from small_run import AS_OF, BEFORE, settings_for, with_people, write_run

from care.cases import open_case
from care.contacts import Place
from care.documents import pdf
from dashboard import roster, today
from dashboard.paper import calls_paper
from dashboard.roster import Run, open_run
from dashboard.today import Attendance, Morning, morning
from raksa.access import Person, Scope
from raksa.errors import RaksaError
from raksa.school_settings import SchoolSettings
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import (
    ADMIN,
    BAIBUA,
    CHAI_DAEN,
    DOI_NAM,
    KAMOL,
    KONG,
    MALI,
    PIM,
    RUNG,
    SAI,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)

SETTINGS = Settings()
DOI = Person("doi", "ดอย", "school", (Scope("school", DOI_NAM),))
CHAI = Person("chai", "ชัย", "school", (Scope("school", CHAI_DAEN),))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    opened = open_run(write_run(tmp_path_factory.mktemp("today")))
    yield opened
    opened.close()


def usual(_school: str) -> SchoolSettings:
    return SchoolSettings()


def seen(run: Run, person: Person | None, written: dict[Learner, date] | None = None, **changes: object) -> Morning:
    contacts = {one.learner_id: on for one, on in (written or {}).items()}
    of = changes.pop("of", usual)
    return morning(run, person, SETTINGS, of, contacts, **changes)


def named(entries: object) -> list[str]:
    return [getattr(one, "child", one).name.removeprefix("เด็กชาย").removeprefix("เด็กหญิง").split()[0] for one in entries]


# --------------------------------------------------------------------------------------------------------------- lines
@pytest.mark.parametrize(
    ("days", "lines"),
    [
        (Attendance(0, 0, 1.0), ()),
        (Attendance(2, 7, 0.90), ()),
        (Attendance(2, 7, 0.8999999761581421), ()),  # 90 of 100 days, as four bytes hold it
        (Attendance(3, 0, None), ("in_row_notice",)),
        (Attendance(5, 8, 0.87), ("in_row_letter", "in_month", "attended_second", "in_row_notice", "attended_first")),
        (Attendance(None, None, 0.799), ("attended_last", "attended_second", "attended_first")),
        (Attendance(None, None, None), ()),
    ],
)
def test_a_line_is_crossed_at_3_and_5_days_over_7_in_a_month_and_under_90_88_80(
    days: Attendance, lines: tuple[str, ...]
) -> None:
    assert days.beyond(SchoolSettings()) == lines


def test_a_school_draws_its_own_lines(run: Run) -> None:
    patient = SchoolSettings(in_row_notice=10, in_row_letter=15, in_month=20, attended_first=0.5, attended_second=0.4)
    now = seen(run, None, of=lambda school: patient if school == THUNG_NA else SchoolSettings())
    assert named(now.crossed) == ["ทราย"], "only the other school's children are beyond a line"


def test_somsri_reads_what_kong_and_mali_crossed_this_week_and_what_comes_next(run: Run) -> None:
    now = seen(run, SOMSRI, {MALI: date(2026, 6, 4)})
    assert now.since == date(2026, 6, 1)
    assert named(now.crossed) == ["มะลิ", "ก้อง"], "by roll number"
    mali, kong = now.crossed
    assert (mali.line, mali.written, kong.line, kong.written) == (
        "in_row_notice",
        date(2026, 6, 4),
        "in_row_letter",
        None,
    )
    assert mali.said("en") == "School days away in a row, up to 5 Jun 2026: 3."
    assert mali.next("en") == "Call the guardian today, and write down what you learn."
    assert kong.said("th") == "ไม่มาเรียนติดต่อกัน 6 วันเรียน จนถึง 5 มิ.ย. 2569"
    assert kong.next("th") == "มีหนังสือถึงผู้ปกครองฉบับที่ 1 หลังจากโทรหรือไปเยี่ยมแล้ว"
    assert now.beyond == ()


def test_sai_fell_below_80_percent_and_was_beyond_the_other_lines_before(run: Run) -> None:
    (sai,) = seen(run, CHAI).crossed
    assert (sai.line, sai.days_left) == ("attended_last", 0)
    assert sai.said("en") == (
        "Share of this year's recorded days attended: 79.0%. "
        "Of the whole year, if every other day is attended, days left before the 80% line: 0."
    )
    over = replace(sai, now=Attendance(4, 7, 0.7999), days_left=-3)
    assert over.said("en") == (
        "Share of this year's recorded days attended: 79.9%. Of the whole year, days missed beyond the 80% line: 3."
    ), "rounded down: what is below 80 never reads 80"
    month = replace(sai, line="in_month")
    assert month.said("en") == (
        "School days away without leave in four weeks: 7 of 20 recorded, up to 5 Jun 2026."
    )  # fmt: skip


def test_without_an_earlier_run_nothing_is_called_new(run: Run) -> None:
    now = seen(replace(run, before=None), WICHAI)
    assert (now.since, now.crossed, now.new) == (None, (), ())
    assert named(now.beyond) == ["มะลิ", "ก้อง"]
    assert [(one.child.name, one.since) for one in now.overdue] == [
        ("เด็กหญิงมะลิ ใจดี", None),
        ("เด็กหญิงใบบัว น้ำใส", None),
    ]


# ------------------------------------------------------------------------------------------ nobody has written anything
def test_mali_and_baibua_have_been_on_the_list_for_a_week_and_nobody_wrote(run: Run) -> None:
    now = seen(run, WICHAI)
    assert named(now.overdue) == ["มะลิ", "ใบบัว"], "by need"
    assert {one.since for one in now.overdue} == {date(2026, 6, 1)}
    assert named(now.new) == ["ก้อง"], "Kong came this week: he is new, not overdue"
    assert named(seen(run, SOMSRI).overdue) == ["มะลิ"]
    assert named(seen(run, WICHAI, {MALI: date(2026, 5, 1)}).overdue) == ["ใบบัว"]
    assert named(seen(run, WICHAI, {MALI: date(2026, 4, 1)}).overdue) == ["มะลิ", "ใบบัว"], "more than 60 days ago"


def test_with_a_run_each_day_a_week_is_still_a_week(tmp_path: Path) -> None:
    store = write_run(tmp_path)
    runs, whole = tmp_path / "runs", store.run_folder()

    def earlier(name: str, before: str | None, listed: tuple[Learner, ...]) -> None:
        shutil.copytree(whole, runs / name)
        about = json.loads((runs / name / "run.json").read_text(encoding="utf-8"))
        (runs / name / "run.json").write_text(json.dumps(about | {"id": name, "before": before}), encoding="utf-8")
        with duckdb.connect(str(runs / name / "scores.duckdb")) as con:
            numbers = ", ".join(str(one.learner_id) for one in listed)
            con.execute(f"UPDATE score SET listed = learner_id IN ({numbers})")

    earlier("2026-06-05-b", "2026-05-29-a", (MALI, BAIBUA))
    earlier("2026-05-29-a", None, (BAIBUA,))
    about = whole / "run.json"
    about.write_text(about.read_text(encoding="utf-8").replace(BEFORE, "2026-06-05-b"), encoding="utf-8")
    daily = open_run(store)
    now = seen(daily, WICHAI)
    assert now.since == date(2026, 6, 5)
    assert [(*named([one]), one.since) for one in now.overdue] == [("ใบบัว", date(2026, 5, 29))]
    daily.close()


# -------------------------------------------------------------------------------------------------------- calls, marks
def test_whom_to_call_stands_by_room_with_the_guardian(run: Run) -> None:
    calls = seen(run, WICHAI).calls
    assert [(one.child.name, one.days, one.last_day) for one in calls] == [
        ("เด็กหญิงมะลิ ใจดี", 3, date(2026, 6, 5)),
        ("เด็กชายก้อง เก่งกล้า", 6, date(2026, 6, 5)),
    ]
    assert (calls[0].child.guardian_name, calls[0].child.phone) == ("ยายมะลิ", "081-000-0000")
    assert {room: named(these) for room, these in today.by_class(calls).items()} == {"ม.3/1": ["มะลิ", "ก้อง"]}
    assert named(seen(run, CHAI).calls) == ["ทราย"]


def test_the_class_whose_marks_stopped_is_named_and_not_taken_for_a_class_in_which_all_is_well(run: Run) -> None:
    now = seen(run, DOI)
    (stopped,) = now.unrecorded
    assert (stopped.class_name, stopped.learners, stopped.last_mark_on, stopped.days) == (
        "ป.4",
        1,
        date(2026, 5, 22),
        10,
    )
    assert today.stopped(stopped, "en") == "Last day recorded: 22 May 2026. School days without marks since: 10."
    assert today.stopped(replace(stopped, last_mark_on=None, days=None), "th") == "ปีนี้ยังไม่มีการเช็คชื่อ"
    assert (now.crossed, now.beyond, now.calls) == ((), (), ())
    assert seen(run, WICHAI).unrecorded == ()


def test_a_class_without_any_mark_is_named_too(tmp_path: Path) -> None:
    crowd = open_run(write_run(tmp_path, extra=8))
    assert [(one.class_name, one.days) for one in seen(crowd, WICHAI).unrecorded] == [("ม.2/1", None)]
    crowd.close()


def test_school_days_leave_out_weekends_and_the_days_between_terms() -> None:
    assert today.school_days(date(2026, 6, 5), AS_OF, SETTINGS) == []
    between = today.school_days(date(2026, 10, 8), date(2026, 11, 4), SETTINGS)
    assert between == [date(2026, 10, 9), date(2026, 11, 2), date(2026, 11, 3)]


def test_no_page_and_no_command_takes_the_day_of_greenwich() -> None:
    """From midnight to seven in the morning of Thailand it is still yesterday in UTC."""
    home = Path(roster.__file__).parents[1]
    code = [file for room in ("dashboard", "raksa") for file in (home / room).rglob("*.py")]
    assert len(code) > 50 and [file.name for file in code if "now().date()" in file.read_text(encoding="utf-8")] == []


def test_the_call_list_on_paper_and_as_a_workbook_has_a_part_for_each_class_and_room_to_write(run: Run) -> None:
    calls = seen(run, None).calls
    paper = calls_paper(run, calls, "en")
    assert [one["title"] for one in paper["classes"]] == [
        "ม.1/1 · โรงเรียนชายแดนวิทยา",
        "ม.3/1 · โรงเรียนบ้านทุ่งนา",
    ], "a class is named with its school where there are several"
    assert paper["classes"][1]["rows"][0] == ["1", "เด็กหญิงมะลิ ใจดี", "3", "ยายมะลิ (ยาย)", "081-000-0000", ""]
    unknown = replace(calls[0], child=replace(calls[0].child, guardian_name=None, guardian_relation=None, phone=None))
    assert today.call_rows([unknown], "en")[0][3:5] == ["No guardian is recorded.", "No telephone is recorded."]
    pages = pypdfium2.PdfDocument(pdf("calls", calls_paper(run, calls * 30, "th")))
    assert len(pages) > 3 and pages[0].get_width() > pages[0].get_height(), "lying, with room to write"
    pages.close()
    book = CalamineWorkbook.from_filelike(io.BytesIO(today.calls_xlsx(seen(run, SOMSRI).calls, "en")))
    assert book.get_sheet_by_index(0).to_python() == [
        ["Class", "Roll no.", "Name", "Days away in a row", "Guardian", "Telephone", "What was learnt and agreed"],
        ["ม.3/1", "1", "เด็กหญิงมะลิ ใจดี", "3", "ยายมะลิ (ยาย)", "081-000-0000", ""],
        ["ม.3/1", "2", "เด็กชายก้อง เก่งกล้า", "6", "ยายก้อง (ยาย)", "081-000-0000", ""],
    ]


# ------------------------------------------------------------------------------------------------------ past their date
def test_kongs_case_is_past_its_date_for_his_own_adults_and_is_named_first(run: Run, tmp_path: Path) -> None:
    accounts = with_people(tmp_path)
    people, opened = accounts.people, datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
    for child in (KONG, SAI):
        place = Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room)
        open_case(people, None, place, signal="in_row", said="ไม่มาเรียน 5 วันติดกัน", now=opened)

    def late(person: Person, day: date, **changes: str) -> list[tuple[str, str]]:
        now = seen(run, person, cases=today.late_cases(people, person, day), **changes)
        return [(one.child.name if one.child else "", one.said("en")) for one in now.late]

    said = "Opened: days away in a row. Last step: Opened. The next was due on 4 Jun 2026."
    assert late(SOMSRI, date(2026, 6, 4)) == [], "due today is not overdue"
    for person in (SOMSRI, WICHAI):
        assert late(person, AS_OF) == [("เด็กชายก้อง เก่งกล้า", said)]
        assert late(person, AS_OF, school=CHAI_DAEN) == []
    assert late(CHAI, AS_OF) == [("เด็กชายทราย ฐานมั่น", said)]
    assert late(PIM, AS_OF) == late(RUNG, AS_OF) == []
    gone = Place(999, THUNG_NA, "2401", "ม.3", "1")
    open_case(people, None, gone, signal="other", said="ไม่มีใครพบ", now=opened)
    assert [name for name, _ in late(WICHAI, AS_OF)] == ["เด็กชายก้อง เก่งกล้า", ""], "on no list now, and not forgotten"
    rows = today.lines(seen(run, WICHAI, cases=today.late_cases(people, WICHAI, AS_OF)), WICHAI, "en")
    assert [(row["part"], row["name"]) for row in rows[:3]] == [
        ("Past its date", "เด็กชายก้อง เก่งกล้า"),
        ("Past its date", "On no list now"),
        ("Nobody has written anything yet", "เด็กหญิงมะลิ ใจดี"),
    ]
    accounts.close()


# ------------------------------------------------------------------------------------------------- whom nobody has seen
@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Run]:
    """The same morning, but Sai stands on the books and is not in class, with one mark in ten of the last weeks."""
    store = write_run(tmp_path)
    with duckdb.connect(str(store.run_folder() / "scores.duckdb")) as con:
        con.execute(f"UPDATE score SET cannot_score = 'floating', risk = NULL, listed = FALSE "
                    f"WHERE learner_id = {SAI.learner_id}")  # fmt: skip
        con.execute("UPDATE signal SET recorded_share_28d = 0.1, attended_share_before = 0.95, attended_share = 0.7")
    opened = open_run(store)
    yield opened
    opened.close()


def test_sai_whom_nobody_sees_stands_first_with_whose_turn_it_is_and_beyond_no_line(lost: Run) -> None:
    now = seen(lost, CHAI)
    (sai,) = now.unseen
    assert sai.child.name == "เด็กชายทราย ฐานมั่น"
    assert sai.said("en") == (
        "On the school's books but not in class since the last list: look for the child now. "
        "Last day recorded: 5 Jun 2026."
    )
    assert sai.next("th") == "ครูประจำชั้นและผู้อำนวยการ: ติดตามว่าเด็กอยู่ที่ไหน"
    assert "No mark this year." in replace(sai, last_mark_on=None).said("en")
    assert (now.crossed, now.beyond) == ((), ())
    first = today.lines(now, CHAI, "en")[0]
    assert (first["part"], first["name"]) == ("Nobody sees the child in class", "เด็กชายทราย ฐานมั่น")
    assert seen(lost, SOMSRI).unseen == ()


def test_days_left_to_the_line_are_not_known_where_most_days_are_not_recorded(lost: Run) -> None:
    mali = next(one for one in seen(lost, SOMSRI).crossed if "มะลิ" in one.child.name)
    assert (mali.line, mali.days_left) == ("attended_last", None)
    assert mali.said("en").endswith("before the 80% line is not known: too many are not recorded.")


# --------------------------------------------------------------------------------------------------------- who sees it
def test_each_sees_her_own_and_whoever_sees_no_child_sees_nothing(run: Run) -> None:
    assert "ใบบัว" not in str(seen(run, SOMSRI)) and "ทราย" not in str(seen(run, KAMOL))
    for nobody in (PIM, RUNG, ADMIN, replace(WICHAI, active=False)):
        assert seen(run, nobody) == Morning(date(2026, 6, 1), (), (), (), (), (), ())
        if nobody.active:
            with pytest.raises(RaksaError, match="which sees no learner"):
                today.lines(seen(run, nobody), nobody)
    assert named(seen(run, None, school=THUNG_NA).overdue) == ["มะลิ", "ใบบัว"]
    assert seen(run, SOMSRI, school=CHAI_DAEN) == Morning(date(2026, 6, 1), (), (), (), (), (), ())


def test_somsri_reads_no_score_and_no_number_of_a_child(run: Run) -> None:
    now = seen(run, SOMSRI)
    children = [getattr(one, "child", one) for part in (now.overdue, now.crossed, now.new, now.calls) for one in part]
    assert children and {(one.risk, one.rank) for one in children} == {(None, None)}
    assert str(KONG.learner_id) not in str(now).replace("0102", "")


def test_the_command_line_prints_what_the_page_shows(run: Run) -> None:
    now = seen(run, None)
    rows = today.lines(now, None, "en")
    parts = [(row["part"], row["name"]) for row in rows]
    assert parts == [
        *(("Nobody has written anything yet", one.child.name) for one in now.overdue),
        *(("Crossed a line", one.child.name) for one in now.crossed),
        *(("New on the list", one.name) for one in now.new),
        *(("Whom to call today", one.child.name) for one in now.calls),
        *(("Marks not yet recorded", None) for _ in now.unrecorded),
        *(("Beyond a line already", one.child.name) for one in now.beyond),
    ]
    kong = next(row for row in rows if row["part"] == "Crossed a line" and "ก้อง" in str(row["name"]))
    assert kong == {
        "part": "Crossed a line",
        "school": "โรงเรียนบ้านทุ่งนา",
        "class": "ม.3/1",
        "name": "เด็กชายก้อง เก่งกล้า",
        "known": "School days away in a row, up to 5 Jun 2026: 6.",
        "next": "Letter 1 to the guardian, after a call or a visit.",
        "guardian": "ยายก้อง",
        "phone": "081-000-0000",
    }


def test_what_the_page_says_of_the_demo_is_what_a_plain_count_finds(demo_home: Path) -> None:
    """The whole demo, counted again in SQL with the lines written out."""
    demo = open_run(Store(demo_home))
    now = morning(demo, None, settings_for(demo_home), usual, {})
    ((beyond, crossed, calls, overdue, new, unseen),) = demo.rows(
        """WITH g AS (SELECT *, away_in_row >= 3 AS a, away_in_row >= 5 AS b, absent_28d > 7 AS c,
             attended_share < .9 AS d, attended_share < .88 AS e, attended_share < .8 AS f,
             away_in_row_before >= 3 AS a0,
             away_in_row_before >= 5 AS b0, absent_28d_before > 7 AS c0, attended_share_before < .9 AS d0,
             attended_share_before < .88 AS e0, attended_share_before < .8 AS f0 FROM signal)
        SELECT count(*) FILTER (seen AND (a OR b OR c OR d OR e OR f)),
               count(*) FILTER (seen AND ((a AND a0 IS NOT TRUE) OR (b AND b0 IS NOT TRUE) OR (c AND c0 IS NOT TRUE)
                 OR (d AND d0 IS NOT TRUE) OR (e AND e0 IS NOT TRUE) OR (f AND f0 IS NOT TRUE))),
               count(*) FILTER (away_in_row > 0 AND last_mark_on >= DATE '2026-11-09'),
               count(*) FILTER (s.listed AND NOT s.newly_listed), count(*) FILTER (s.newly_listed),
               count(*) FILTER (NOT seen)
        FROM (SELECT *, cannot_score IS DISTINCT FROM 'floating' AS seen FROM score) s JOIN g USING (learner_id)"""
    )
    assert len(now.unseen) == unseen
    assert (len(now.beyond) + len(now.crossed), len(now.crossed)) == (beyond, crossed)
    assert (len(now.calls), len(now.overdue), len(now.new)) == (calls, overdue, new)
    assert beyond > crossed > 0 and calls and overdue
    people = {one.child.learner_id for one in (*now.crossed, *now.beyond)}
    assert len(people) == beyond, "one entry a child"
    assert roster.how_many(demo, None, roster.Filters(new=True)) == new
    demo.close()
