"""Visits on a spreadsheet: the plan as a sheet to fill in, the filled sheet taken back, and a term's record.

Where the telephone has no signal the sheet goes along instead. What comes back is read word by word; a line that
cannot be understood is kept aside with why, and comes back as a workbook to mend. A line that was handed in before is
the same visit and not a second one, so a sheet may be sent twice.

    sheet = read_sheet("plan.xlsx", content)
    report = take_sheet(people, somsri, "plan.xlsx", content, place_of, now=now, home=settings.home)
    report.written, report.same, report.unfilled      # 3, 1, 4
    to_mend(report, "th")                             # a workbook, if report.refused
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from care import visits
from care.contacts import OPERATOR, Place
from care.family_hours import Hours, days_in_words, hours_in_words, read_days, read_hours
from care.planner import Plan
from care.visit_paper import CAUSES, HELP, MODES, Visited, date_words
from care.visit_paper import SECTIONS as ASKED
from care.visits import Form, Visit, WrittenBefore, write_visit
from raksa.access import Person, decide
from raksa.audit import Entry, record
from raksa.calendar import BUDDHIST_ERA, today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway
from raksa.thai import clean, read_date
from register.readers import read

MOST_LINES = 1000  # more than a school visits in a term
OLDEST = timedelta(365)  # as on the visit form: an older day is a slip of the hand
Words = dict[str, tuple[str, str]]
MET = {
    "child": ("นักเรียน", "the child"),
    "guardian": ("ผู้ปกครอง", "the guardian"),
    "relative": ("ญาติคนอื่น", "somebody else of the family"),
    "nobody": ("ไม่พบใคร", "nobody"),
}
# Columns of the sheet: name -> heading in Thai and English. The first six are filled in by the plan; what the family
# asked goes along and may come back changed.
PLANNED: Words = {
    "key": ("รหัส", "Key"),
    "number": ("ที่", "No."),
    "child": ("นักเรียน", "Child"),
    "class": ("ชั้น", "Class"),
    "planned": ("กำหนด", "Planned"),
    "time": ("เวลา", "Time"),
}
ASKED_FOR: Words = {
    "hours": ("ครอบครัวสะดวกเวลา", "Family's hours"),
    "not_on": ("ไม่สะดวกวัน", "Not on"),
    "first": ("ไปก่อน", "First"),
}
SECTIONS: Words = {code: title for code, (title, _, _) in zip(visits.SECTIONS, ASKED, strict=False)}
FILLED: Words = {
    "on": ("วันที่เยี่ยม", "Visited on"),
    "mode": ("พบอย่างไร", "How"),
    "met": ("พบใคร", "Who was met"),
    "cause_1": ("เหตุที่พบ 1", "Found 1"),
    "cause_2": ("เหตุที่พบ 2", "Found 2"),
    "help_1": ("ต้องการ 1", "Help 1"),
    "help_2": ("ต้องการ 2", "Help 2"),
    "agreed": ("ตกลงกันว่า", "Agreed"),
    "next_on": ("นัดครั้งต่อไป", "Next time"),
    **SECTIONS,
}
WHY = ("ต้องแก้ไข", "To mend")
CHOICES: Mapping[str, Words] = {
    "mode": MODES, "met": MET, "cause_1": CAUSES, "cause_2": CAUSES, "help_1": HELP, "help_2": HELP,
    "first": {"first": ("ไปก่อน", "first")},
}  # fmt: skip
# Headings under which the poverty screening is imported (docs/formats/poverty_screening.md), in its order.
SCREENING = (
    "รหัสโรงเรียน", "เลขประจำตัวประชาชน", "วันที่สำรวจ", "ผลการคัดกรอง", "รายได้เฉลี่ยต่อคนต่อเดือน", "จำนวนภาระพึ่งพิง",
    "อาศัยอยู่กับ", "ระยะทาง (กม.)", "เวลาเดินทาง (นาที)", "พื้นบ้าน", "ฝาบ้าน", "หลังคา", "ห้องส้วม", "แหล่งน้ำดื่ม", "แหล่งไฟฟ้า",
    "รถยนต์นั่งส่วนบุคคล", "รถปิกอัพ/รถบรรทุกเล็ก/รถตู้", "รถไถ/รถเกี่ยวข้าว", "รถมอเตอร์ไซต์/เรือประมงพื้นบ้าน", "คอมพิวเตอร์", "แอร์",
    "ทีวีจอแบน", "เครื่องซักผ้า", "ตู้เย็น", "ละติจูด", "ลองจิจูด",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A filled-in row: its line in the file from 1, the child's key, and the form it makes."""

    number: int
    key: str
    form: Form
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why, in Thai and English. `cells` in the order of the sheet's headings."""

    number: int
    cells: tuple[str, ...]
    th: str
    en: str


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read; `unfilled` rows have nothing written in them: nobody went yet, and that is no mistake.
    `hours`: key → what the family asked, where the row says anything of it."""

    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]
    unfilled: int
    hours: Mapping[str, Hours] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What became of a sheet: visits written, those that had been handed in before, rows left empty, rows refused, and
    what families of this person's children asked (`Sheet.hours`)."""

    written: int
    same: int
    unfilled: int
    headings: tuple[str, ...]
    refused: tuple[Refused, ...]
    hours: Mapping[str, Hours] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """A visited child as the record names her. Empty = not known, or not this person's to see any more."""

    name: str = ""
    class_name: str = ""
    student_number: str = ""


# -------------------------------------------------------------------------------------------------------- going along
def workbook(made: Plan, people: Mapping[str, Visited], language: str) -> bytes:
    """The plan as a sheet to fill in, a row a visit: what the paper asks, with the codes' words to choose from."""
    said = _at(language)
    rows: list[list[str | int]] = []
    for round in made.rounds:
        for stop in round.stops:
            who, when = people[stop.home.key], date_words(round.day.on, "th" if said == 0 else "en")
            asked = stop.home.hours
            rows.append([
                stop.home.key, len(rows) + 1, who.name, who.class_name, when, f"{stop.begins:%H.%M}",
                hours_in_words(asked), days_in_words(asked, language),
                CHOICES["first"]["first"][said] if asked.first else "",
            ])  # fmt: skip
    headings = [words[said] for words in (PLANNED | ASKED_FOR | FILLED).values()]
    return _book({("เยี่ยมบ้าน", "Visits")[said]: (headings, rows)}, freeze=3)


# -------------------------------------------------------------------------------------------------------- coming back
def read_sheet(name: str, content: bytes) -> Sheet:
    """A filled-in sheet, in Thai or English or both, its columns in any order; other columns are passed over.

    Days are read as Thai files write them (23/11/2569). Raises RaksaError if the file cannot be read, is not a sheet
    of a plan, or has more than 1,000 lines.
    """
    headings, rows = _rows(name, content)
    lines, refused, hours, unfilled = [], [], {}, 0
    for number, held, whole in rows:
        key = held.get("key", "").lower()
        try:
            if any(held.get(field) for field in ASKED_FOR):
                hours[key] = _hours(held)
            if any(held.get(field) for field in FILLED):
                lines.append(Line(number, key, _form(held), whole))
            else:
                unfilled += 1
        except _NotUnderstood as wrong:
            refused.append(Refused(number, whole, wrong.th, wrong.en))
    return Sheet(headings, tuple(lines), tuple(refused), unfilled, hours)


def read_hours_asked(name: str, content: bytes) -> dict[str, Hours]:
    """Of a sheet only what families asked: key → hours, where a row says anything of it. Raises RaksaError as
    `read_sheet` does, and for what cannot be read: a slip of the pen must not send anybody where nobody is home."""
    found = {}
    for number, held, _ in _rows(name, content)[1]:
        try:
            if any(held.get(field) for field in ASKED_FOR):
                found[held.get("key", "").lower()] = _hours(held)
        except _NotUnderstood as wrong:
            raise RaksaError(
                "{name}, line {line}: {why} Then plan again.", name=name, line=number, why=wrong.en
            ) from None
    return found


def take_sheet(
    people: Engine,
    person: Person | None,
    name: str,
    content: bytes,
    place_of: Callable[[str], Place | None],
    *,
    now: datetime,
    home: Path,
) -> Report:
    """Hand in every visit of a filled-in sheet, each by itself: a line that is refused stops no other.

    `place_of` says where the child of a key stands, or None if the key is nobody's or not this person's to open; who
    may write is asked once more here. The log has a line for each visit written, by its child, and for each
    row refused because of its key. Raises RaksaError as `read_sheet` does, before anything is written.
    """
    sheet, written, same = read_sheet(name, content), 0, 0
    who = person.username if person else OPERATOR
    refused = list(sheet.refused)
    for line in sheet.lines:
        place = place_of(line.key)
        if place is None or not _may_open(person, place):
            record(people, Entry(now, who, "visit_refused", None, _said_key(line), "no child of this account"))
            refused.append(Refused(line.number, line.cells, *_NOT_YOURS))
        elif why := _wrong(line.form, today_in_bangkok(now)):
            refused.append(Refused(line.number, line.cells, *why))
        else:
            try:
                write_visit(people, person, place, line.form, now=now, home=home, line=line.number)
                written += 1
            except WrittenBefore:
                same += 1
            except PeopleAway:
                raise
            except RaksaError as wrong:
                refused.append(Refused(line.number, line.cells, "บรรทัดนี้บันทึกไม่ได้ โปรดส่งทางแบบบันทึกแทน", str(wrong)))
    mine = {key: asked for key, asked in sheet.hours.items() if (at := place_of(key)) and _may_open(person, at)}
    return Report(written, same, sheet.unfilled, sheet.headings, tuple(sorted(refused, key=_line)), mine)


def to_mend(report: Report, language: str) -> bytes:
    """The refused rows as a workbook: the row as it came, and why in the last column. It can be sent back as it is."""
    said = _at(language)
    keep = [at for at, heading in enumerate(report.headings) if heading not in WHY]
    headings = [*(report.headings[at] for at in keep), WHY[said]]
    rows = [[*(one.cells[at] for at in keep), (one.th, one.en)[said]] for one in report.refused]
    return _book({("แถวที่ต้องแก้ไข", "To mend")[said]: (headings, rows)}, freeze=3)


# ---------------------------------------------------------------------------------------------------- a term's record
def record_book(made: Sequence[Visit], who: Mapping[int, Known], language: str) -> bytes:
    """The school's home-visit record: a row a visit, oldest first; and a second sheet with the columns of the poverty
    screening, a row for each child visited at home, of the last visit.

    Of the screening a visit fills in the school, the day and, beside it, what was noted of family, work and home and
    which photographs there are. Everything else is left empty: nobody asked it in the words of that form. What was
    told in confidence is in no visit and so not here.
    """
    said = _at(language)

    def words(known: Words, codes: Iterable[str]) -> str:
        return ", ".join(known[code][said] for code in codes)

    more = {**SECTIONS, "strengths": ("จุดแข็ง", "Strengths")}
    headings = [
        FILLED["on"][said], PLANNED["child"][said], PLANNED["class"][said], ("เลขประจำตัวนักเรียน", "Student no.")[said],
        FILLED["mode"][said], FILLED["met"][said], ("เหตุที่พบ", "Found")[said], ("ต้องการ", "Help")[said],
        *(title[said] for title in more.values()), FILLED["agreed"][said], FILLED["next_on"][said],
        *_PHOTOGRAPHS[said], ("ผู้เยี่ยม", "Visited by")[said],
    ]  # fmt: skip
    rows, last = [], {}
    for one in made:
        form, child = one.form, who.get(one.place.learner_id, Known())
        pictures = [words(visits.PHOTOS, one.photos), form.no_photo_because]
        rows.append([
            _short(form.on, said), child.name, child.class_name, child.student_number, words(MODES, [form.mode]),
            words(MET, form.met), words(CAUSES, form.causes), words(HELP, form.help),
            *(form.sections.get(code, "") for code in more), form.agreed,
            _short(form.next_on, said) if form.next_on else "", *pictures, one.by_name,
        ])  # fmt: skip
        if form.mode == "visit":
            filled = {"รหัสโรงเรียน": one.place.school_id, "วันที่สำรวจ": _short(form.on, 0)}
            last[one.place.learner_id] = [
                child.name, child.class_name, child.student_number, *(filled.get(heading, "") for heading in SCREENING),
                *(form.sections.get(code, "") for code in _NOTED), *pictures,
            ]  # fmt: skip
    beside = [headings[1], headings[2], headings[3], *SCREENING, *(SECTIONS[code][said] for code in _NOTED)]
    return _book(
        {
            ("บันทึกการเยี่ยมบ้าน", "Home visits")[said]: (headings, rows),
            ("คัดกรองความยากจน", "Poverty screening")[said]: ([*beside, *_PHOTOGRAPHS[said]], list(last.values())),
        },
        freeze=2,
    )


# ------------------------------------------------------------------------------------------------------------- inside
_NOTED = ("family", "work", "home")
_PHOTOGRAPHS = (("ภาพถ่าย", "ไม่มีภาพเพราะ"), ("Photographs", "None because"))
_HEADINGS = {words[at].casefold(): field for field, words in (PLANNED | ASKED_FOR | FILLED).items() for at in (0, 1)}
_NOT_YOURS = (
    "รหัสนี้ไม่ใช่ของนักเรียนที่ท่านดูแล หรือถูกแก้ไข โปรดใช้รหัสเดิมจากแผน",
    "The key is of no child you look after, or was changed. Use the key the plan gave.",
)


def _line(one: Refused) -> int:
    return one.number


def _may_open(person: Person | None, place: Place) -> bool:
    return decide(person, place.school_id, place.area_id, place.grade, place.room).allowed


def _rows(name: str, content: bytes) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str], tuple[str, ...]]]]:
    """The headings of a sheet, and of each row its line, its cells by field, and the whole of it."""
    for rows in read(name, content):
        headings = tuple(clean(cell) for cell in rows.cells[0])
        column = {field: at for at, heading in enumerate(headings) if (field := _HEADINGS.get(heading.casefold()))}
        if "key" in column and "on" in column and not rows.not_read:
            break
    else:
        raise RaksaError(
            "{name} is no sheet of a plan: it has no columns {key} and {on} (Key and Visited on). Fill in the sheet "
            "that came with the plan.",
            name=name, key=PLANNED["key"][0], on=FILLED["on"][0],
        )  # fmt: skip
    if len(rows.cells) > MOST_LINES + 1:
        raise RaksaError(
            "{name} has {lines} lines; {most} are the most. Send it in parts.",
            name=name, lines=f"{len(rows.cells) - 1:,}", most=f"{MOST_LINES:,}",
        )  # fmt: skip
    found = []
    for number, cells in zip(rows.lines[1:], rows.cells[1:], strict=True):
        held = {field: cells[at].strip() for field, at in column.items() if at < len(cells)}
        found.append((number, held, tuple([*cells, *[""] * len(headings)][: len(headings)])))
    return headings, found


def _said_key(line: Line) -> str:
    """A refused row for the log: its key, but never a name somebody wrote in the key's place."""
    return f"line {line.number}, key {line.key if _KEY.fullmatch(line.key) else 'changed'}"


_KEY = re.compile("[0-9a-f]{32}")


class _NotUnderstood(Exception):
    def __init__(self, th: str, en: str) -> None:
        super().__init__(en)
        self.th, self.en = th, en


def _form(held: Mapping[str, str]) -> Form:
    """The form of a row. Raises _NotUnderstood with what to write instead."""
    mode = _code("mode", held)
    if not mode:
        raise _NotUnderstood(
            f"ช่อง {FILLED['mode'][0]} ยังว่าง: เลือกหนึ่งคำจากรายการ",
            f"{FILLED['mode'][1]} is empty: choose a word of the list.",
        )
    on = _day("on", held)
    if on is None:
        raise _NotUnderstood(
            f"ช่อง {FILLED['on'][0]} ยังว่าง: เขียนเช่น 23/11/2569", f"{FILLED['on'][1]} is empty: write it as 23/11/2569."
        )
    causes, needed, met = ([_code(field, held) for field in fields] for fields in _SEVERAL)
    return Form(
        on=on,
        mode=mode,
        met=tuple(filter(None, met)),
        sections={code: held[code] for code in SECTIONS if held.get(code)},
        causes=tuple(dict.fromkeys(filter(None, causes))),
        help=tuple(dict.fromkeys(filter(None, needed))),
        agreed=held.get("agreed", ""),
        next_on=_day("next_on", held),
    )


def _hours(held: Mapping[str, str]) -> Hours:
    """What a row says of the family's hours. Raises _NotUnderstood."""
    said, days = held.get("hours", ""), held.get("not_on", "")
    between, not_on = read_hours(said) if said else (None, None), read_days(days)
    if between is None:
        raise _NotUnderstood(
            f"ช่อง {ASKED_FOR['hours'][0]}: “{said}” ไม่ใช่เวลา เขียนเช่น 16.00–18.00 หรือ หลัง 16.00",
            f"{ASKED_FOR['hours'][1]}: “{said}” is no time. Write 16.00–18.00, or: after 16.00.",
        )
    if not_on is None:
        raise _NotUnderstood(
            f"ช่อง {ASKED_FOR['not_on'][0]}: ไม่รู้จักวัน “{days}” เขียนเช่น เสาร์ อาทิตย์",
            f"{ASKED_FOR['not_on'][1]}: “{days}” is no weekday. Write: Saturday, Sunday.",
        )
    return Hours(*between, not_on, _code("first", held) == "first")


_SEVERAL = (("cause_1", "cause_2"), ("help_1", "help_2"), ("met",))


def _code(field: str, held: Mapping[str, str]) -> str:
    """The code of the word in a cell, in either language; "" for an empty one."""
    said = clean(held.get(field, ""))
    if not said:
        return ""
    known = {clean(word).casefold(): code for code, words in CHOICES[field].items() for word in words}
    if said.casefold() not in known:
        th, en = (", ".join(words[at] for words in CHOICES[field].values()) for at in (0, 1))
        column = (ASKED_FOR | FILLED)[field]
        raise _NotUnderstood(
            f"ช่อง {column[0]}: ไม่รู้จักคำว่า “{said}” เลือกหนึ่งคำจาก {th}",
            f"{column[1]}: “{said}” is not known. Choose one of: {en}.",
        )
    return known[said.casefold()]


def _day(field: str, held: Mapping[str, str]) -> date | None:
    said = held.get(field, "")
    day = read_date(said) if said else None
    if said and day is None:
        raise _NotUnderstood(
            f"ช่อง {FILLED[field][0]}: “{said}” ไม่ใช่วันที่ เขียนเช่น 23/11/2569",
            f"{FILLED[field][1]}: “{said}” is no date. Write it as 23/11/2569.",
        )
    return day


def _wrong(form: Form, today: date) -> tuple[str, str] | None:
    """What `write_visit` would refuse in English only, and a day too long ago."""
    if not today - OLDEST <= form.on <= today:
        return (
            f"วันที่เยี่ยม {_short(form.on, 0)} ไม่อยู่ในหนึ่งปีที่ผ่านมา: แก้วันที่",
            f"The day of the visit, {form.on}, is not within the last year: correct it.",
        )
    if form.next_on is not None and form.next_on < form.on:
        return (
            "วันนัดครั้งต่อไปอยู่ก่อนวันที่เยี่ยม: แก้วันใดวันหนึ่ง",
            "The next time lies before the visit: correct one of the two.",
        )
    if not (form.agreed or form.causes or form.help or form.sections or form.met == ("nobody",)):
        return (
            "ยังไม่มีสิ่งที่พบหรือตกลงกัน: เขียนอย่างน้อยว่าตกลงอะไร หรือเลือกว่าไม่พบใคร",
            "Nothing found or agreed is written: write what was agreed, or choose that nobody was met.",
        )
    return None


def _book(sheets: Mapping[str, tuple[Sequence[str], Sequence[Sequence[Any]]]], freeze: int) -> bytes:
    """A workbook of text: no cell is a formula or a link. On a single sheet, cells of the form offer its words."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        for name, (headings, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, headings, bold)
            for at, row in enumerate(rows, start=1):
                sheet.write_row(at, 0, row, wrap)
            for at, heading in enumerate(headings):
                sheet.set_column(at, at, {"key": 4, "number": 5}.get(_HEADINGS.get(heading.casefold(), ""), 18))
            sheet.freeze_panes(1, freeze)
        if len(sheets) == 1 and rows:
            _offer(book, sheet, headings, len(rows))
    return out.getvalue()


def _offer(book: Any, sheet: Any, headings: Sequence[str], rows: int) -> None:
    """The words of each field as a list to choose from. They stand on a hidden sheet: written into the cell's rule they
    would be parted at the commas some of them hold."""
    hidden = book.add_worksheet("Words")
    hidden.hide()
    for at, heading in enumerate(headings):
        if (field := _HEADINGS.get(heading.casefold(), "")) in CHOICES:
            words = [each[heading == (ASKED_FOR | FILLED)[field][1]] for each in CHOICES[field].values()]
            hidden.write_column(0, at, words)
            column = chr(ord("A") + at)  # the form has fewer columns than the alphabet has letters
            source = f"=Words!${column}$1:${column}${len(words)}"
            sheet.data_validation(1, at, rows, at, {"validate": "list", "source": source})


def _short(day: date, said: int) -> str:
    """23/11/2569, as Thai forms write it; the same day of the common era in English."""
    return f"{day.day}/{day.month}/{day.year + (BUDDHIST_ERA if said == 0 else 0)}"


def _at(language: str) -> int:
    return 0 if language == "th" else 1
