"""Lists, counts and files, for each of the adults, from a small run of the cast."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from small_run import HORIZON, MORNING, settings_for, with_people, write_run
from sqlalchemy import Engine

from care.contacts import Place, write
from dashboard import roster
from dashboard.roster import Child, Count, Figure, Filters, Run, open_run
from raksa.access import Decision, Person, Scope, where, where_counts
from raksa.accounts import Accounts
from raksa.audit import Entry, entries
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import RUN, WHY_NOT_SCORED
from raksa.thai import search_key
from tests.cast import (
    ADMIN,
    ADULTS,
    AREAS,
    BAIBUA,
    CHAI_DAEN,
    DOI_NAM,
    EK,
    FAH,
    KAMOL,
    KONG,
    MALI,
    PA_PHAI,
    PIM,
    RUNG,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    opened = open_run(write_run(tmp_path_factory.mktemp("home")))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    opened = open_run(write_run(tmp_path_factory.mktemp("crowd"), extra=42))
    yield opened
    opened.close()


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Engine]:
    accounts = with_people(tmp_path)
    yield accounts.people
    accounts.close()


def names(rows: list[Child]) -> list[str]:
    return [row.name.removeprefix("เด็กชาย").removeprefix("เด็กหญิง").split()[0] for row in rows]


# ------------------------------------------------------------------------------------------------------- who sees whom
def test_each_adult_gets_the_children_she_answers_for_the_greatest_need_first(run: Run) -> None:
    assert names(roster.children(run, SOMSRI)) == ["ก้อง", "มะลิ"]
    assert names(roster.children(run, WICHAI)) == ["ก้อง", "มะลิ", "ใบบัว"]
    # Fah is first in her school, and still her need is the least of the four in the area.
    assert names(roster.children(run, KAMOL)) == ["ก้อง", "มะลิ", "ใบบัว", "ฟ้า"]
    assert names(roster.children(run, None)) == ["ก้อง", "ทราย", "มะลิ", "ใบบัว", "ฟ้า"]
    for nobody in (PIM, RUNG, ADMIN):
        assert roster.children(run, nobody, Filters(listed_only=False)) == []
        assert roster.cannot_score(run, nobody) == []
        assert roster.classes(run, nobody) == []


def test_malis_row_says_who_she_is_what_is_needed_and_whom_to_call(run: Run) -> None:
    (mali,) = roster.children(run, WICHAI, Filters(search="มะลิ"))
    assert mali == Child(
        learner_id=MALI.learner_id,
        key=mali.key,
        area_id="2401",
        area=AREAS["2401"],
        school_id=THUNG_NA,
        school="โรงเรียนบ้านทุ่งนา",
        grade="ม.3",
        room="1",
        roll_number=1,
        student_number="0101",
        name="เด็กหญิงมะลิ ใจดี",
        listed=True,
        guardian_name="ยายมะลิ",
        guardian_relation="ยาย",
        phone="081-000-0000",
        new=False,
        away_28d=5,
        rank=2,
        risk=0.42,
        reasons=(
            roster.Reason("attendance", "ขาดเรียนติดต่อกัน 5 วันที่ผ่านมา", "Absent five days in a row"),
            roster.Reason("grades", "มีผลการเรียน 0 จำนวน 2 วิชา", "Two subjects with grade 0"),
        ),
    )
    assert mali.class_name == "ม.3/1"
    assert roster.children(run, SOMSRI, Filters(search="มะลิ")) == [replace(mali, risk=None, rank=None)]


def test_malis_number_is_neither_in_what_is_printed_nor_in_what_a_page_is_given(run: Run) -> None:
    (mali,) = roster.children(run, WICHAI, Filters(search="มะลิ"))
    assert "learner_id" not in repr(mali)
    assert str(MALI.learner_id) != mali.key and "learner_id" not in roster.COLUMNS


def test_somsri_sees_no_score_anywhere(run: Run) -> None:
    everyone = roster.children(run, SOMSRI, Filters(listed_only=False))
    assert [(row.risk, row.rank) for row in everyone] == [(None, None)] * 3
    assert {"risk", "rank"} & set(roster.columns_for(SOMSRI)) == set()
    assert {"risk", "rank"} <= set(roster.columns_for(WICHAI))
    promised = roster.promise(run, SOMSRI, Filters())
    assert (promised.listed, promised.expected_on_list, promised.expected_off_list) == (2, None, None)


def test_one_child_is_opened_with_the_reason_or_refused_with_one(run: Run) -> None:
    mali, decision = roster.child(run, SOMSRI, MALI.learner_id)
    assert mali is not None and (mali.name, decision) == ("เด็กหญิงมะลิ ใจดี", Decision(True, "homeroom"))
    assert roster.child(run, SOMSRI, BAIBUA.learner_id) == (None, Decision(False, "not in the scope of this account"))
    assert roster.child(run, RUNG, MALI.learner_id) == (None, Decision(False, "the role researcher sees no learner"))
    assert roster.child(run, None, 999) == (None, Decision(False, "not in this run"))


# ------------------------------------------------------------------------------------------------------------- filters
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(school=PA_PHAI), ["ฟ้า"]),
        (Filters(area="2402"), ["ทราย"]),
        (Filters(area="เขต 2"), ["ทราย"]),
        (Filters(school="ป่าไผ่"), ["ฟ้า"]),
        (Filters(school="โรงเรียนที่ไม่มี"), []),
        (Filters(grade="ม.3", room="2"), ["ใบบัว"]),
        (Filters(family="attendance"), ["ก้อง", "มะลิ"]),
        (Filters(search="มลิ"), []),
        (Filters(search="เกงกลา"), ["ก้อง"]),  # tone marks left out
        (Filters(search="เด็กหญิง ใบ บัว"), ["ใบบัว"]),
        (Filters(search="0104"), ["ฟ้า"]),
        (Filters(search="' OR 1=1 --"), []),
        (Filters(school=THUNG_NA, listed_only=False), ["ก้อง", "มะลิ", "ใบบัว", "หนึ่ง"]),
        (Filters(top=2, skip=1), ["ทราย", "มะลิ"]),
        (Filters(new=True), ["ก้อง"]),
        (Filters(new=True, school=PA_PHAI), []),
        (Filters(unwritten=True, written=frozenset({KONG.learner_id, FAH.learner_id})), ["ทราย", "มะลิ", "ใบบัว"]),
        (Filters(unwritten=True), ["ก้อง", "ทราย", "มะลิ", "ใบบัว", "ฟ้า"]),
        (Filters(sort="name"), ["ก้อง", "ทราย", "ใบบัว", "ฟ้า", "มะลิ"]),
        (Filters(sort="class", listed_only=False), ["ฟ้า", "ทราย", "มะลิ", "ก้อง", "หนึ่ง", "ใบบัว"]),
        (Filters(sort="away"), ["ก้อง", "ทราย", "มะลิ", "ใบบัว", "ฟ้า"]),
        (Filters(sort="away", top=2, skip=2), ["มะลิ", "ใบบัว"]),
    ],
)
def test_filters_narrow_the_list(run: Run, filters: Filters, found: list[str]) -> None:
    assert names(roster.children(run, None, filters)) == found
    if filters.top is None:
        assert roster.how_many(run, None, filters) == len(found)


ADDRESSES = st.builds(
    Filters,
    **{word: st.sampled_from(["", "x", THUNG_NA]) for word in ("area", "school", "grade", "room", "family", "search")},
    listed_only=st.booleans(),
    new=st.booleans(),
    sort=st.sampled_from(list(roster.SORTS)),
)


@given(ADDRESSES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_address_opens_the_view_it_was_copied_from(run: Run, people: Engine, filters: Filters) -> None:
    assert roster.asked(run, SOMSRI, roster.as_query(filters), people) == filters


def test_what_an_address_says_wrongly_is_as_if_not_asked(run: Run, people: Engine) -> None:
    odd = {"sort": "risk; drop table score", "new": "yes", "top": "9", "written": "101", "nonsense": "1"}
    assert roster.asked(run, SOMSRI, odd, people) == Filters()
    assert roster.columns_asked(SOMSRI, {"cols": "name,risk,phone,name,rank,x"}) == ("name", "phone")
    assert (
        roster.columns_asked(SOMSRI, {"cols": "risk"}) == roster.columns_asked(SOMSRI, {}) == roster.columns_for(SOMSRI)
    )
    assert set(roster.usual_columns(WICHAI)) - set(roster.usual_columns(SOMSRI)) == {"risk"}


def test_kong_of_whom_somsri_wrote_is_no_longer_among_the_unwritten(run: Run, people: Engine) -> None:
    at = Place(KONG.learner_id, THUNG_NA, "2401", "ม.3", "1")
    old = date(2026, 4, 1)  # more than 60 days before the run's day: says little about now
    for learner, on in ((at, date(2026, 6, 5)), (replace(at, learner_id=MALI.learner_id), old)):
        write(people, SOMSRI, learner, on=on, kind="call", text="ยายรับสาย จะพามาพรุ่งนี้", now=MORNING)
    for person, left in ((SOMSRI, ["มะลิ"]), (WICHAI, ["มะลิ", "ใบบัว"]), (KAMOL, ["มะลิ", "ใบบัว", "ฟ้า"])):
        unwritten = roster.asked(run, person, {"unwritten": "1"}, people)
        assert names(roster.children(run, person, unwritten)) == left
        assert roster.as_query(unwritten) == {"unwritten": "1"} and str(unwritten) == "unwritten=True"


def test_somsri_reads_that_there_is_something_at_home_and_not_what_the_family_has(run: Run) -> None:
    poor = roster.Reason("home", "ยากจนพิเศษ", "Extremely poor", "ทุน", "A grant", "poverty_class")
    far = roster.Reason("home", "บ้านไกล 15 กม.", "Home is 15 km away", feature="distance_km")
    marks = roster.Reason("grades", "0 สองวิชา", "Two 0", feature="open_results")
    assert roster.discreet(WICHAI, [poor, far, marks]) == (poor, far, marks)
    for person in (SOMSRI, PIM, RUNG, ADMIN):
        (first, *others) = roster.discreet(person, [poor, far, marks])
        assert others == [far, marks]
        assert first == roster.Reason(
            "home",
            "มีเรื่องความเป็นอยู่ของครอบครัว สอบถามเพิ่มเติมได้จากผู้บริหารโรงเรียน",
            "Something about the family's means; the head of the school knows more.",
        )
    (baibua,) = roster.children(run, WICHAI, Filters(search="ใบบัว"))
    assert baibua.reasons[0].th == "ครัวเรือนได้รับการคัดกรองเป็นยากจนพิเศษ"
    next_door = Person("nid", "นิด", "teacher", (Scope("class", f"{THUNG_NA}|ม.3|2"),))
    (baibua,) = roster.children(run, next_door)
    assert "ยากจน" not in repr(baibua)


def test_finding_a_class_quickly_opens_nobody_more(crowd: Run) -> None:
    two = Person("two", "สองห้อง", "teacher", (Scope("class", f"{THUNG_NA}|ม.3|2"), Scope("class", f"{PA_PHAI}|ป.6|")))
    for person in (None, *ADULTS, two, replace(two, active=False)):
        for slow, quick in ((where, roster.seen_by), (where_counts, roster.counted_for)):
            rules = (slow(person), quick(person))
            plain, found = (crowd.rows(f"SELECT learner_id FROM score WHERE {c} ORDER BY 1", v) for c, v in rules)
            assert plain == found


def test_what_is_kept_for_one_person_is_never_given_to_another(crowd: Run) -> None:
    # The counts are kept per scope: whoever asks second gets her own.
    first = {p.username: (roster.promise(crowd, p, Filters()), roster.schools(crowd, p)) for p in ADULTS}
    again = {p.username: (roster.promise(crowd, p, Filters()), roster.schools(crowd, p)) for p in reversed(ADULTS)}
    assert first == again
    listed = {who: promised.listed for who, (promised, _) in first.items()}
    assert listed == {"somsri": 2, "wichai": 3, "kamol": 4, "pim": 5, "rung": 0, "admin": 0}
    off = Person("kamol", "กมล", "area", (Scope("area", "2401"),), active=False)
    assert roster.promise(crowd, off, Filters()).listed == 0


def test_no_filter_widens_what_somsri_sees(run: Run) -> None:
    class_next_door = Filters(grade="ม.3", room="2")
    for filters in (Filters(school=PA_PHAI), Filters(area="2402"), class_next_door, Filters(search="ฟ้า")):
        assert roster.children(run, SOMSRI, replace(filters, listed_only=False)) == []


@given(st.lists(st.sampled_from("กขคงจฉชซญดตทนบปผพมยรลวสหอฮาิีึืุูเแโใไ่้๊๋์็ำ .AbZ-"), min_size=1, max_size=6).map("".join))
@settings(max_examples=40, deadline=None)
def test_a_part_of_a_name_with_or_without_tones_finds_who_has_it(crowd: Run, part: str) -> None:
    for person in (None, KAMOL, WICHAI, SOMSRI):
        everyone = roster.children(crowd, person, Filters(listed_only=False))
        found = roster.children(crowd, person, Filters(search=part, listed_only=False))
        wanted = {one.name for one in everyone if search_key(part) in search_key(one.name)}
        assert {one.name for one in found} == wanted


def test_a_run_of_another_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    store = write_run(tmp_path)
    with duckdb.connect(str(store.run_folder() / "scores.duckdb")) as con:
        con.execute("ALTER TABLE roster DROP COLUMN name_key")
    with pytest.raises(RaksaError, match=r"another version \(no roster.name_key\).*raksa score"):
        roster.open_run(store)


def test_classes_stand_in_school_order(crowd: Run) -> None:
    assert roster.classes(crowd, KAMOL) == [("ป.4", ""), ("ป.6", ""), ("ม.2", "1"), ("ม.3", "1"), ("ม.3", "2")]
    assert roster.classes(crowd, KAMOL, PA_PHAI) == [("ป.6", ""), ("ม.2", "1")]
    assert roster.classes(crowd, SOMSRI) == [("ม.3", "1")]


# --------------------------------------------------------------------------------------------------- cannot be scored
def test_ek_cannot_be_estimated_and_it_is_said_why_and_whose_turn_it_is(run: Run) -> None:
    (ek,) = roster.cannot_score(run, KAMOL)
    assert ek.child.name == "เด็กชายเอก ไม่มีเช็คชื่อ"
    assert (ek.code, ek.last_mark_on) == ("attendance_stopped", date(2026, 5, 22))
    assert ek.why_th == ("ข้อมูลเช็คชื่อของโรงเรียนขาดช่วง สี่สัปดาห์ล่าสุดบันทึกไว้น้อยเกินไป บันทึกวันสุดท้าย 22 พ.ค. 2569")
    assert ek.why_en == (
        "The school's attendance stopped; too few of the last four weeks are recorded. Last day recorded: 22 May 2026."
    )
    assert ek.turn_th == "ครูประจำชั้นและนายทะเบียน: บันทึกสัปดาห์ที่ขาดแล้วส่งข้อมูล"
    assert ek.turn_en == "The class teacher and the registrar: record the missing weeks and send them."
    assert roster.why_not(run, ek.child) == ek
    assert roster.cannot_score(run, WICHAI) == []
    assert names(roster.children(run, KAMOL, Filters(listed_only=False, school=EK.school_id))) == []


def test_gaps_are_counted_by_school_and_reason(crowd: Run) -> None:
    found = [(gap.school, gap.code, gap.learners) for gap in roster.gaps(crowd, KAMOL)]
    assert found == [("โรงเรียนบ้านดอยน้ำซับ", "no_attendance", 10), ("โรงเรียนบ้านดอยน้ำซับ", "attendance_stopped", 1)]
    everyone = [one.code for one in roster.cannot_score(crowd, KAMOL)]
    assert everyone == ["no_attendance"] * 10 + ["attendance_stopped"], "by what is most urgent, then by name"
    (last,) = roster.cannot_score(crowd, KAMOL, Filters(top=5, skip=10))
    assert last.code == "attendance_stopped"
    (ek,) = roster.cannot_score(crowd, KAMOL, Filters(grade="ป.4"))
    gap = roster.gaps(crowd, KAMOL, Filters(grade="ป.4"))[0]
    assert (gap.why_th, gap.turn_en, gap.learners) == (ek.why_th, ek.turn_en, 1)
    assert roster.gaps(crowd, SOMSRI) == roster.gaps(crowd, PIM) == roster.gaps(crowd, RUNG) == []


def test_every_reason_for_a_missing_score_has_its_sentences() -> None:
    assert set(roster._WHY) == set(WHY_NOT_SCORED)


def test_scored_and_not_scored_together_are_everybody(crowd: Run) -> None:
    for person in (None, *ADULTS):
        everyone = Filters(listed_only=False)
        both = len(roster.children(crowd, person, everyone)) + len(roster.cannot_score(crowd, person))
        if roster.children(crowd, person):
            assert both == sum(c.learners or 0 for c in roster.areas(crowd, person))


# ------------------------------------------------------------------------------------------------------------- counts
def test_the_head_reads_what_the_list_promises_and_what_it_misses(run: Run) -> None:
    got = roster.promise(run, WICHAI, Filters())
    assert got == Count(
        id="",
        name="",
        schools=1,
        learners=4,
        listed=3,
        not_scored=0,
        capacity=3,
        expected_on_list=pytest.approx(0.42 + 0.61 + 0.33),
        expected_off_list=pytest.approx(0.02),
        on_list=(0, 3),
        off_list=(0, 0),
        last_mark_on=date(2026, 6, 5),
    )
    assert (roster.about(1.36, "en"), roster.about(0.02, "th")) == ("about 1", "ไม่ถึง 1 คน")


def test_counts_by_school_are_those_of_the_runs_own_school_table(crowd: Run) -> None:
    columns = [c.name for c in RUN["school"].columns if c.name not in ("area_id", "area_name")]
    table = {row[0]: row for row in crowd.rows(f"SELECT {', '.join(columns)} FROM school")}
    for got in roster.schools(crowd, None):
        row = dict(zip(columns, table[got.id], strict=True))
        assert got == Count(
            id=row["school_id"],
            name=row["name"],
            schools=1,
            learners=row["learners"],
            listed=row["listed"],
            not_scored=row["not_scored"],
            capacity=row["capacity"],
            expected_on_list=pytest.approx(row["expected_on_list"]),
            expected_off_list=pytest.approx(row["expected_off_list"]),
            last_mark_on=row["last_mark_on"],
        )
    assert [c.name for c in roster.schools(crowd, None)] == [
        SCHOOLS[s][0] for s in (CHAI_DAEN, DOI_NAM, THUNG_NA, PA_PHAI)
    ], "in the order of the Thai alphabet: ช ด ท ว after โรงเรียน(บ้าน)"


def test_the_province_sees_counts_and_no_small_cell(crowd: Run) -> None:
    seen = [(c.name, c.learners, c.listed, c.not_scored, c.expected_on_list) for c in roster.areas(crowd, PIM)]
    # 4 of area 1 and 1 of area 2 are on lists: under five, both hidden. 11 of area 1 have no score, 0 of area 2.
    assert seen == [(AREAS["2401"], 38, None, None, None), (AREAS["2402"], 11, None, None, None)]
    for area in AREAS:
        for count in roster.schools(crowd, PIM, Filters(area=area)):
            assert all(n is None or n >= roster.SMALLEST_CELL for n in (count.learners, count.listed, count.not_scored))


def test_a_hidden_cell_cannot_be_worked_out_from_the_others() -> None:
    cells: list[int | None] = [12, 3, 30, 9]
    assert roster._shown(cells) == [12, None, 30, None]
    assert roster._shown([12, 3, 2, 9]) == [12, None, None, 9]
    assert roster._shown([12, 9]) == [12, 9]
    assert roster._shown([3]) == [None]


def test_an_expectation_goes_with_the_count_it_belongs_to() -> None:
    def school(name: str, learners: int, listed: int, not_scored: int) -> Count:
        return Count(name, name, 1, learners, listed, not_scored, 9, 2.5, 1.5)

    many = school("มาก", 300, 20, 10)
    # Of the second school's 40 only 3 are neither listed nor without a score: what is expected of them is about them.
    shown = roster._hide_small([many, school("น้อย", 40, 12, 25), school("กลาง", 90, 10, 20)])
    assert [c.expected_on_list for c in shown] == [2.5, 2.5, 2.5]
    assert [c.expected_off_list for c in shown] == [1.5, None, None]
    shown = roster._hide_small([many, school("เล็ก", 40, 3, 20), school("กลาง", 90, 10, 20)])
    assert [(c.listed, c.expected_on_list, c.expected_off_list) for c in shown] == [
        (20, 2.5, 1.5),
        *[(None, None, None)] * 2,
    ]
    (tiny,) = roster._hide_small([school("จิ๋ว", 4, 1, 0)])
    assert (tiny.learners, tiny.capacity, tiny.expected_off_list) == (None, None, None)


def test_no_choice_of_filters_shows_the_province_a_hidden_cell(crowd: Run) -> None:
    hidden = {c.id for c in roster.schools(crowd, PIM) if c.not_scored is None}
    assert hidden
    for filters in (Filters(school=s, area=a) for s in SCHOOLS for a in ("", *AREAS)):
        for count in roster.schools(crowd, PIM, filters):
            assert (count.not_scored is None) == (count.id in hidden)
        assert roster.promise(crowd, PIM, filters) == roster.promise(crowd, PIM, Filters())


def test_a_ministry_counts_everywhere_and_others_nowhere(crowd: Run) -> None:
    ministry = Person("moe", "กระทรวง", "province", (Scope("area", "*"),))
    assert [c.learners for c in roster.areas(crowd, ministry)] == [38, 11]
    assert roster.areas(crowd, RUNG) == roster.areas(crowd, ADMIN) == roster.schools(crowd, RUNG) == []
    assert roster.promise(crowd, RUNG, Filters()) == Count("", "", learners=0, listed=0, not_scored=0)


# -------------------------------------------------------------------------------------------------------------- files
def test_the_command_line_prints_what_the_page_shows(run: Run) -> None:
    (kong, mali) = roster.lines(run, SOMSRI, Filters(), "en")
    assert kong == {
        "area": AREAS["2401"],
        "school": "โรงเรียนบ้านทุ่งนา",
        "grade": "ม.3",
        "room": "1",
        "roll_number": 2,
        "student_number": "0102",
        "name": "เด็กชายก้อง เก่งกล้า",
        "listed": "yes",
        "new": "yes",
        "reasons": "Absent without leave on 8 of the last 20 days",
        "away_28d": 9,
        "guardian_name": "ยายก้อง",
        "guardian_relation": "ยาย",
        "phone": "081-000-0000",
    }
    assert mali["name"] == "เด็กหญิงมะลิ ใจดี"
    (ek,) = roster.lines(run, None, Filters(), "th", unscored=True)
    assert (ek["name"], ek["whose_turn"]) == (
        "เด็กชายเอก ไม่มีเช็คชื่อ",
        "ครูประจำชั้นและนายทะเบียน: บันทึกสัปดาห์ที่ขาดแล้วส่งข้อมูล",
    )
    assert [line["risk"] for line in roster.lines(run, None, Filters(top=1))] == [0.61]


def test_a_list_printed_for_somsri_is_in_the_log(tmp_path: Path) -> None:
    with_people(tmp_path).close()
    at = settings_for(tmp_path)
    assert roster.person_named(at, "somsri") == SOMSRI
    with pytest.raises(RaksaError, match="There is no account mali"):
        roster.person_named(at, "mali")
    roster.note_listing(at, SOMSRI, Filters(top=3), 2, MORNING)
    accounts = Accounts.open(at)
    assert entries(accounts.people) == [
        Entry(MORNING, "operator", "print_list", None, "top=3, 2 rows, as somsri", "operator")
    ]
    accounts.close()


def test_the_csv_opens_in_excel_and_has_the_columns_of_its_reader(run: Run) -> None:
    written = roster.as_csv(roster.children(run, SOMSRI), roster.columns_for(SOMSRI), "th")
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"))))
    area, school = AREAS["2401"], "โรงเรียนบ้านทุ่งนา"
    assert rows == [
        ["เขตพื้นที่", "โรงเรียน", "ชั้น", "ห้อง", "เลขที่", "เลขประจำตัวนักเรียน", "ชื่อ", "อยู่ในรายชื่อ",
         "ใหม่สัปดาห์นี้", "เหตุผล", "วันที่ไม่มาใน 4 สัปดาห์", "ผู้ปกครอง", "เกี่ยวข้องเป็น", "โทรศัพท์"],
        [area, school, "ม.3", "1", "2", "0102", "เด็กชายก้อง เก่งกล้า", "ใช่", "ใช่",
         "ขาดเรียนโดยไม่ลา 8 วัน จาก 20 วันล่าสุด", "9", "ยายก้อง", "ยาย", "081-000-0000"],
        [area, school, "ม.3", "1", "1", "0101", "เด็กหญิงมะลิ ใจดี", "ใช่",
         "ไม่ใช่", "ขาดเรียนติดต่อกัน 5 วันที่ผ่านมา / มีผลการเรียน 0 จำนวน 2 วิชา", "5", "ยายมะลิ", "ยาย", "081-000-0000"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+66", "-1", "@SUM(A1)", " =1", "\t=1"])
def test_no_cell_of_a_file_is_a_formula(run: Run, name: str) -> None:
    (kong, *_) = roster.children(run, None)
    rows = [replace(kong, name=name)]
    (_, line) = csv.reader(io.StringIO(roster.as_csv(rows, ["name"]).decode("utf-8-sig")))
    assert line == [f"'{name}"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(roster.as_xlsx(rows, ["name"], "en")))
    assert book.get_sheet_by_index(0).to_python() == [["Name"], [name]]


def test_the_excel_file_holds_the_same_rows_as_the_table(run: Run) -> None:
    rows, columns = roster.children(run, KAMOL), roster.columns_for(KAMOL)
    table = roster.as_table(rows, columns, "en")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(roster.as_xlsx(rows, columns, "en"))).get_sheet_by_index(0)
    header, *body = sheet.to_python()
    assert header == list(table.columns)
    assert body == [["" if cell is None else cell for cell in row] for row in table.itertuples(index=False)]
    assert list(table["Estimated chance of leaving"]) == [0.61, 0.42, 0.33, 0.08]


# ---------------------------------------------------------------------------------------------------------------- run
def test_the_run_says_what_it_is(run: Run) -> None:
    assert (run.as_of, run.horizon, run.model, run.snapshots) == (date(2026, 6, 8), HORIZON, "m-test", ("000001-abc",))


def test_each_figure_stands_beside_its_meaning_its_time_and_the_plain_rules(run: Run) -> None:
    time = "academic year 2568; learned from 2565, 2566"
    assert roster.ways(run, "en") == ["This model", "Choosing schools, not children"]
    assert roster.figures(run, "en") == [
        Figure("Rows judged", "Learners, once for each date they were looked at", time, ("1,200", "1,200")),
        Figure("Share who left", "What a choice by chance would find", time, ("0.050", "0.050")),
        Figure("Found by the lists", "Share of all who left who were on the schools' lists", time, ("0.550", "–")),
        Figure(
            "Order",
            "Chance that one who left stands above one who stayed; 0.5 is a coin",
            time,
            ("0.840 (0.800–0.870)", "0.610"),
        ),
        Figure(
            "Calibration gap",
            "Mean gap between the share foreseen and the share seen; less is better",
            time,
            ("0.011", "–"),
        ),
    ]


def test_a_figure_nobody_described_is_shown_with_its_own_name(run: Run) -> None:
    odd = replace(run, figures={"compared": {"oracle": {"new_measure": 1.0}}})
    assert roster.ways(odd) == ["oracle"]
    (figure,) = roster.figures(odd, "en")
    assert (figure.name, figure.meaning, figure.values) == ("new_measure", "—", ("1.000",))
    assert roster.figures(replace(run, figures={})) == []


def test_a_run_that_is_open_cannot_be_written_to(run: Run) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        run.rows("DELETE FROM score")


def test_a_run_whose_files_do_not_belong_together_says_what_to_do(tmp_path: Path) -> None:
    store = write_run(tmp_path)
    (store.run_folder() / "run.json").write_text('{"id": "x"}', encoding="utf-8")
    with pytest.raises(RaksaError, match="Make a new one with `raksa score`"):
        open_run(store)
    with pytest.raises(RaksaError, match="No scored run"):
        open_run(Store(tmp_path / "nothing"))


def test_filters_are_written_to_the_log_in_words() -> None:
    assert str(Filters()) == "all"
    assert str(Filters(school=THUNG_NA, search="มะลิ", top=20)) == f"school={THUNG_NA}, search=มะลิ, top=20"
