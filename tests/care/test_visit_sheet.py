"""A plan goes out as a spreadsheet and comes back filled in: every row is a visit, once, or kept aside with why."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine

from care.contacts import Place
from care.contacts import of_child as contacts_of
from care.family_hours import Hours, as_json, days_in_words, from_json, hours_in_words, in_words, read_days, read_hours
from care.planner import Day, Home, School, plan
from care.visit_paper import Visited
from care.visit_sheet import (
    ASKED_FOR,
    CHOICES,
    FILLED,
    PLANNED,
    SCREENING,
    Known,
    Report,
    read_sheet,
    record_book,
    take_sheet,
    to_mend,
    workbook,
)
from care.visits import Form, in_scope, of_child, write_visit
from raksa.audit import entries
from raksa.errors import RaksaError
from tests.cast import BAIBUA, KONG, MALI, SCHOOLS, SOMSRI, THUNG_NA, WICHAI, Learner

NOW = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
TODAY = date(2026, 6, 8)
MAPPING = Path(__file__).parents[2] / "register" / "mappings" / "poverty_screening.toml"
KEYS = {"m": MALI, "k": KONG, "b": BAIBUA}
FOUND = {
    "วันที่เยี่ยม": "6/6/2569", "พบอย่างไร": "เยี่ยมที่บ้าน", "พบใคร": "ผู้ปกครอง", "เหตุที่พบ 1": "รายได้ไม่พอ", "ต้องการ 1": "การเดินทาง",
    "ตกลงกันว่า": "ยายจะพามาส่ง", "นัดครั้งต่อไป": "๒๐ มิ.ย. ๒๕๖๙", "เสียงของเด็ก": "อยากเรียนต่อ",
}  # fmt: skip
THE_SAME = Form(
    on=date(2026, 6, 6), mode="visit", met=("guardian",), causes=("income",), help=("transport",),
    agreed="ยายจะพามาส่ง", next_on=date(2026, 6, 20), sections={"voice": "อยากเรียนต่อ"},
)  # fmt: skip


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def hers(key: str) -> Place | None:
    """Somsri's children: Baibua's key is known, and not hers to open."""
    return place(KEYS[key]) if key in ("m", "k") else None


def planned(language: str = "th") -> bytes:
    """The sheet of a plan for Mali, Kong and Baibua."""
    homes = [Home(key, 15.0 + n / 100, 101.0, name=child.first_name) for n, (key, child) in enumerate(KEYS.items())]
    made = plan(homes, School(15.0, 101.0), [Day(date(2026, 6, 9), time(13), time(16, 30))], seconds=0.1)
    people = {key: Visited(f"{child.prefix}{child.first_name}", "ม.3/1") for key, child in KEYS.items()}
    return workbook(made, people, language)


def filled(content: bytes, *rows: Mapping[str, object]) -> bytes:
    """The sheet as somebody filled it in: the words under the headings, row by row."""
    headings, *lines = cells(content)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"strings_to_formulas": False}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, headings)
        for at, line in enumerate(lines, start=1):
            row = dict(zip(headings, line, strict=True)) | (rows[at - 1] if at <= len(rows) else {})
            for column, word in enumerate(row.values()):
                sheet.write(at, column, word, day if isinstance(word, date) else None)
    return out.getvalue()


def csv_of(rows: Sequence[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def cells(content: bytes, sheet: int = 0) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(sheet).to_python()


def part(content: bytes, name: str) -> str:
    """A part of a workbook as it is packed."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.read(f"xl/{name}").decode()


def test_the_sheet_that_goes_out_has_a_row_a_visit_and_offers_the_words_of_the_form() -> None:
    sheet = planned()
    headings, *rows = cells(sheet)
    assert headings == [words[0] for words in (PLANNED | ASKED_FOR | FILLED).values()]
    assert sorted(str(row[0]) for row in rows) == sorted(KEYS)
    offered = re.findall(r'sqref="(\w+):\w+"><formula1>Words!([^<]+)<', part(sheet, "worksheets/sheet1.xml"))
    assert len(offered) == len(CHOICES) and offered[1] == ("K2", "$K$1:$K$3")
    words = [row[2] for row in cells(sheet, 1)]
    assert [word for word in words if word] == ["เยี่ยมที่บ้าน", "โทรศัพท์หรือวิดีโอคอล", "พบที่โรงเรียน"]
    assert 'name="Words" sheetId="2" state="hidden"' in part(sheet, "workbook.xml")


def test_a_filled_row_is_read_with_thai_digits_and_the_buddhist_year() -> None:
    sheet = read_sheet("plan.xlsx", filled(planned(), FOUND))
    (line,) = sheet.lines
    assert (line.number, line.form) == (2, THE_SAME)
    assert line.key in KEYS and sheet.unfilled == 2 and sheet.refused == ()


def test_words_of_either_language_say_the_same_and_a_real_date_cell_is_a_date() -> None:
    english = {
        "Visited on": date(2026, 6, 6), "How": "At home", "Who was met": "the guardian",
        "Found 1": "too little money", "Help 1": "transport", "Agreed": "ยายจะพามาส่ง", "Next time": "20/06/2569",
        "In the child's own words": "อยากเรียนต่อ",
    }  # fmt: skip
    (line,) = read_sheet("plan.xlsx", filled(planned("en"), english)).lines
    assert line.form == THE_SAME


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"พบอย่างไร": "โดรน"}, "“โดรน”"),
        ({"พบอย่างไร": ""}, "พบอย่างไร ยังว่าง"),
        ({"วันที่เยี่ยม": "เมื่อวาน"}, "“เมื่อวาน” ไม่ใช่วันที่"),
        ({"วันที่เยี่ยม": ""}, "วันที่เยี่ยม ยังว่าง"),
        ({"เหตุที่พบ 1": "ขี้เกียจ"}, "“ขี้เกียจ”"),
        ({"วันที่เยี่ยม": "9/6/2569"}, "ไม่อยู่ในหนึ่งปี"),
        ({"วันที่เยี่ยม": "6/6/2559"}, "ไม่อยู่ในหนึ่งปี"),
        ({"นัดครั้งต่อไป": "1/6/2569"}, "ก่อนวันที่เยี่ยม"),
        (dict.fromkeys(("เหตุที่พบ 1", "ต้องการ 1", "ตกลงกันว่า", "เสียงของเด็ก"), ""), "ยังไม่มีสิ่งที่พบ"),
    ],
)
def test_a_row_that_cannot_be_taken_comes_back_with_why_and_can_be_mended(
    people: Engine, tmp_path: Path, wrong: Mapping[str, str], why: str
) -> None:
    sheet = filled(planned(), FOUND | {"รหัส": "k"} | wrong)
    report = take_sheet(people, SOMSRI, "plan.xlsx", sheet, hers, now=NOW, home=tmp_path)
    assert (report.written, report.same, report.unfilled, len(report.refused)) == (0, 0, 2, 1)
    assert why in report.refused[0].th and report.refused[0].number == 2
    assert in_scope(people, None, date(2020, 1, 1)) == []

    back = to_mend(report, "th")
    headings, row = cells(back)
    assert headings[-1] == "ต้องแก้ไข" and row[-1] == report.refused[0].th and row[0] == "k"
    again = take_sheet(people, SOMSRI, "mend.xlsx", filled(back, FOUND), hers, now=NOW, home=tmp_path)
    assert (again.written, again.refused) == (1, ())
    assert of_child(people, SOMSRI, place(KONG))[0].form == THE_SAME


def test_a_sheet_sent_twice_and_a_visit_written_on_the_telephone_count_once(people: Engine, tmp_path: Path) -> None:
    write_visit(people, SOMSRI, place(MALI), THE_SAME, now=NOW, home=tmp_path)
    sheet = filled(planned(), FOUND | {"รหัส": "m"}, FOUND | {"รหัส": "k"}, FOUND | {"รหัส": "k"})
    first = take_sheet(people, SOMSRI, "plan.xlsx", sheet, hers, now=NOW, home=tmp_path)
    second = take_sheet(people, WICHAI, "plan.xlsx", sheet, hers, now=NOW + timedelta(hours=1), home=tmp_path)
    assert (first.written, first.same, second.written, second.same) == (1, 2, 0, 3)
    assert len(of_child(people, SOMSRI, place(KONG))) == len(contacts_of(people, SOMSRI, place(KONG))) == 1
    other = filled(planned(), FOUND | {"รหัส": "k", "ตกลงกันว่า": "ตาจะพามาส่ง"})
    assert take_sheet(people, SOMSRI, "plan.xlsx", other, hers, now=NOW, home=tmp_path).written == 1


def test_one_sheet_handed_in_from_two_tabs_at_the_same_instant_counts_once(people: Engine, tmp_path: Path) -> None:
    days = [FOUND | {"รหัส": "k", "วันที่เยี่ยม": f"{day}/5/2569"} for day in range(1, 16)]
    headings = cells(planned())[0]
    sheet = csv_of([dict.fromkeys(map(str, headings), "") | row for row in days])
    together = threading.Barrier(2)

    def tab(_: int) -> Report:
        together.wait()
        return take_sheet(people, SOMSRI, "plan.csv", sheet, hers, now=NOW, home=tmp_path)

    with ThreadPoolExecutor(2) as tabs:
        reports = list(tabs.map(tab, range(2)))
    assert sum(one.written for one in reports) == sum(one.same for one in reports) == 15
    assert len(of_child(people, SOMSRI, place(KONG))) == len(contacts_of(people, SOMSRI, place(KONG))) == 15
    told = [line for line in entries(people) if line.what == "visit_from_sheet"]
    assert len(told) == 15 and {line.learner_id for line in told} == {KONG.learner_id}


def test_what_a_family_asked_goes_along_on_the_sheet_and_comes_back_changed(people: Engine, tmp_path: Path) -> None:
    evening = Hours(earliest=time(16), not_on=(5, 6), first=True)
    day = Day(date(2026, 6, 9), time(13), time(17))
    home = Home("k", 15.0, 101.0, window=evening.window, not_on=evening.not_on, first=True)
    made = plan([home], School(15.0, 101.0), [day], seconds=0.1)
    for language in ("th", "en"):
        sheet = workbook(made, {"k": Visited("เด็กชายก้อง", "ม.3/1")}, language)
        assert read_sheet("plan.xlsx", sheet).hours == {"k": evening}
    back = csv_of([
        {"รหัส": "k", "ครอบครัวสะดวกเวลา": "หลัง ๑๗.๐๐ น.", "ไม่สะดวกวัน": "วันศุกร์", "ไปก่อน": ""} | FOUND,
        {"รหัส": "m", "ครอบครัวสะดวกเวลา": "", "ไม่สะดวกวัน": "", "ไปก่อน": "ไปก่อน"},
        {"รหัส": "b", "ครอบครัวสะดวกเวลา": "9.00-12.00", "ไม่สะดวกวัน": "", "ไปก่อน": ""},
    ])  # fmt: skip
    report = take_sheet(people, SOMSRI, "plan.csv", back, hers, now=NOW, home=tmp_path)
    assert report.hours == {"k": Hours(earliest=time(17), not_on=(4,)), "m": Hours(first=True)}, "Baibua is not hers"
    assert (report.written, report.unfilled) == (1, 2)


_ends = st.none() | st.integers(1, 23 * 4).map(lambda quarter: time(*divmod(quarter * 15, 60)))


@given(ends=st.tuples(_ends, _ends), days=st.sets(st.integers(0, 6)), first=st.booleans(), th=st.booleans())
def test_whatever_hours_a_plan_writes_a_sheet_reads(
    ends: tuple[time | None, time | None], days: set[int], first: bool, th: bool
) -> None:
    known = sorted(at for at in ends if at)
    earliest, latest = known if len(known) == 2 and known[0] < known[1] else ends if len(known) < 2 else (None, None)
    asked = Hours(earliest, latest, tuple(sorted(days)), first)
    home = Home("k", window=asked.window, not_on=asked.not_on, first=first)
    assert home.hours == asked
    language = "th" if th else "en"
    written = hours_in_words(asked)
    assert not written or read_hours(written) == (earliest, latest)
    assert read_days(days_in_words(asked, language)) == asked.not_on
    assert from_json(json.loads(json.dumps(as_json(asked)))) == asked
    assert (in_words(asked, language) == "") == (asked == Hours())


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"ครอบครัวสะดวกเวลา": "เย็น ๆ"}, "“เย็น ๆ” ไม่ใช่เวลา"),
        ({"ครอบครัวสะดวกเวลา": "18.00-16.00"}, "ไม่ใช่เวลา"),
        ({"ครอบครัวสะดวกเวลา": "25.00"}, "ไม่ใช่เวลา"),
        ({"ไม่สะดวกวัน": "วันหยุด"}, "ไม่รู้จักวัน “วันหยุด”"),
        ({"ไปก่อน": "ไม่"}, "เลือกหนึ่งคำจาก ไปก่อน"),
    ],
)
def test_hours_nobody_can_read_come_back_with_why(wrong: Mapping[str, str], why: str) -> None:
    sheet = read_sheet("plan.csv", csv_of([{"รหัส": "k"} | FOUND | wrong]))
    assert (sheet.lines, sheet.hours) == ((), {}) and why in sheet.refused[0].th


@pytest.mark.parametrize("key", ["b", "", "zz", "101"])
def test_a_row_of_baibua_or_of_nobody_stops_no_other_and_writes_nothing_of_her(
    people: Engine, tmp_path: Path, key: str
) -> None:
    sheet = filled(planned(), FOUND | {"รหัส": key}, FOUND | {"รหัส": "k"})
    report = take_sheet(people, SOMSRI, "plan.xlsx", sheet, hers, now=NOW, home=tmp_path)
    assert report.written == 1 and "ไม่ใช่ของนักเรียนที่ท่านดูแล" in report.refused[0].th
    assert {one.place.learner_id for one in in_scope(people, None, date(2020, 1, 1))} == {KONG.learner_id}


def test_even_a_place_that_should_not_have_been_given_writes_nothing(people: Engine, tmp_path: Path) -> None:
    sheet = filled(planned(), FOUND)
    report = take_sheet(people, SOMSRI, "plan.xlsx", sheet, lambda _: place(BAIBUA), now=NOW, home=tmp_path)
    assert (report.written, len(report.refused)) == (0, 1) and in_scope(people, None, date(2020, 1, 1)) == []


def test_the_log_names_the_child_of_each_row_taken_and_the_key_of_each_refused_never_a_name(
    people: Engine, tmp_path: Path
) -> None:
    baibuas = "0b" * 16
    keys = ("k", "k", baibuas, "เด็กหญิงใบบัว")
    sheet = csv_of([{"รหัส": key, "พบอย่างไร": ""} | FOUND for key in keys])
    report = take_sheet(people, SOMSRI, "plan.csv", sheet, hers, now=NOW, home=tmp_path)
    assert (report.written, report.same, len(report.refused)) == (1, 1, 2)
    told = [(line.what, line.who, line.learner_id, line.about, line.reason) for line in entries(people)]
    assert told == [
        ("visit_refused", "somsri", None, "line 5, key changed", "no child of this account"),
        ("visit_refused", "somsri", None, f"line 4, key {baibuas}", "no child of this account"),
        ("visit_from_sheet", "somsri", KONG.learner_id, "line 2", "homeroom"),
    ]


def test_a_file_that_is_no_sheet_of_a_plan_is_refused_whole() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet().write_row(0, 0, ["ชื่อ", "คะแนน"])
    for content in (out.getvalue(), b"a,b\n1,2\n", b""):
        with pytest.raises(RaksaError, match=r"is no sheet of a plan|is empty"):
            read_sheet("x.xlsx", content)
    many = "รหัส,วันที่เยี่ยม\n" + "m,6/6/2569\n" * 1001
    with pytest.raises(RaksaError, match="1,001 lines"):
        read_sheet("x.csv", many.encode())


def test_what_somebody_wrote_is_never_a_formula(people: Engine, tmp_path: Path) -> None:
    sheet = filled(planned(), FOUND | {"รหัส": "k", "พบใคร": "-1+1|cmd"})
    report = take_sheet(people, SOMSRI, "plan.xlsx", sheet, hers, now=NOW, home=tmp_path)
    back = to_mend(report, "en")
    assert "-1+1|cmd" in str(cells(back)) and "<f>" not in part(back, "worksheets/sheet1.xml")


def test_the_record_of_a_term_has_a_row_a_visit_and_what_a_visit_says_of_the_screening(
    people: Engine, tmp_path: Path
) -> None:
    told = Form(on=TODAY, mode="visit", agreed="จะโทรอีก", private="เรื่องลับ", no_photo_because="ไม่สะดวก",
                sections={"home": "บ้านไม้ชั้นเดียว"})  # fmt: skip
    for child, form in ((KONG, THE_SAME), (KONG, told), (MALI, Form(on=TODAY, mode="call", met=("nobody",)))):
        write_visit(people, SOMSRI, place(child), form, now=NOW, home=tmp_path)
    made = in_scope(people, WICHAI, date(2026, 5, 16))
    book = record_book(made, {KONG.learner_id: Known("เด็กชายก้อง เก่งกล้า", "ม.3/1", "0102")}, "th")
    record, screening = (
        [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] for rows in (cells(book), cells(book, 1))
    )
    assert [(row["นักเรียน"], row["วันที่เยี่ยม"], row["พบใคร"]) for row in record] == [
        ("เด็กชายก้อง เก่งกล้า", "6/6/2569", "ผู้ปกครอง"), ("เด็กชายก้อง เก่งกล้า", "8/6/2569", ""), ("", "8/6/2569", "ไม่พบใคร"),
    ]  # fmt: skip
    assert record[0]["เหตุที่พบ"] == "รายได้ไม่พอ" and record[1]["ไม่มีภาพเพราะ"] == "ไม่สะดวก"
    assert "เรื่องลับ" not in str(cells(book)) + str(cells(book, 1))
    (row,) = screening  # of Mali nobody saw the home
    assert (row["รหัสโรงเรียน"], row["วันที่สำรวจ"], row["บ้านและทางไปโรงเรียน"]) == (THUNG_NA, "8/6/2569", "บ้านไม้ชั้นเดียว")
    said = {heading for heading in SCREENING if row[heading]}
    assert said == {"รหัสโรงเรียน", "วันที่สำรวจ"}, "what was not asked in that form's words stays empty"


def test_the_second_sheet_has_the_headings_the_screening_is_imported_by() -> None:
    known = tomllib.loads(MAPPING.read_text(encoding="utf-8"))
    assert set(known["recognise"]) <= set(SCREENING)
    household = known["table"][0]["columns"]
    assert {*household["housing_lacks"]["count"], *household["belongings"]["count"]} <= set(SCREENING)
