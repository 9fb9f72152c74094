"""A first draft of a mapping for a file nobody has described yet: `raksa mapping new FILE`.

    header row ─► each column's headers and values against what is known ─► what the file is ─► TOML with reasons

A header is known when one of our formats, or DOMAIN section 4.10, uses it; a column is known by its values when they
are 13 digits that pass the check digit, grades, marks and the like. Every guess stands in the draft with why and how
sure.

The draft names columns and the words of code tables. It never holds a name, a number or a birth date of anybody: a word
that is not known is shown only if it was seen twice and looks like nobody's name or number.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import median

import pyarrow as pa

from raksa import calendar, thai
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.tables import GRADES, REGISTER
from register import mapping as formats
from register.mapping import Source
from register.readers import Rows, read, read_path, unpack

_SAMPLE = 2_000  # rows looked at
_HEADER_WITHIN = 30  # as the reading of files has it
_EMPTY = {"", "-", "ไม่ระบุ"}
# Words people write for nothing; taken as empty where a column of dates, numbers or codes has them.
_ALSO_EMPTY = {"n/a", "na", "null", "none", "ไม่มี", "ไม่ทราบ", "--", "—"}
_WEAK = 0.5  # score of a guess that somebody's number may be told by its shape alone
_FEW = 40  # a column with more distinct words is no list of codes

# Words that no mapping of ours uses as a header but files do (DOMAIN 4.10, and English spellings of the same).
_ALIASES = {
    "learner.citizen": ("เลขบัตรประชาชน", "เลขประจำตัวประชาชน", "หมายเลขบัตรประจำตัว", "เลข 13 หลัก", "เลขประชาชน",
                        "หมายเลขบัตร", "บัตรประชาชน", "PersonID", "CitizenID", "National ID", "cifNo"),
    "learner.number": ("เลขประจำตัว", "รหัสนักเรียน", "รหัสประจำตัวนักเรียน", "เลขประจำตัวนักเรียน", "รหัสประจำตัว", "studentNo",
                       "Student ID", "Student No"),
    "enrolment.roll_number": ("เลขที่", "ลำดับ", "ลำดับที่", "No", "ที่"),
    "school": ("รหัสโรงเรียน", "รหัสสถานศึกษา", "โรงเรียน (รหัส)", "SchoolID", "Sch_Id", "School Code", "School"),
    "academic_year": ("ปีการศึกษา", "ปี", "Year", "Academic Year"),
    "term": ("ภาคเรียน", "ภาคเรียนที่", "เทอม", "ภาค", "Term", "Semester"),
    "grade": ("ชั้น", "ชั้นเรียน", "ระดับชั้น", "ชั้นปี", "Grade", "Class"),
    "enrolment.room": ("ห้อง", "ห้องเรียน", "ห้องที่", "Room", "Section"),
    "grade.room": ("ชั้น/ห้อง", "ระดับชั้น/ห้อง", "ชั้นห้อง"),
    "enrolment.status": ("สถานะนักเรียน", "สถานภาพนักเรียน", "สถานะ", "สถานภาพ", "StudentStatusID", "Status"),
    "learner.sex": ("เพศ", "Sex", "Gender"),
    "learner.birth_date": ("วันเกิด", "วันเดือนปีเกิด", "ว/ด/ป เกิด", "วดป.เกิด", "วันเดือนปี เกิด", "BirthDate",
                           "Date of birth", "DOB"),
    "identity.prefix": ("คำนำหน้า", "คำนำหน้าชื่อ", "คำนำหน้านาม", "Title", "Prefix"),
    "identity.first_name": ("ชื่อ", "ชื่อตัว", "ชื่อนักเรียน", "FirstName", "First Name"),
    "identity.last_name": ("นามสกุล", "สกุล", "ชื่อสกุล", "LastName", "Last Name", "Surname"),
    "name": ("ชื่อ-นามสกุล", "ชื่อ-สกุล", "ชื่อ - นามสกุล", "ชื่อ นามสกุล", "ชื่อและนามสกุล", "Name", "Full Name"),
    "identity.phone": ("โทรศัพท์", "เบอร์โทร", "เบอร์โทรศัพท์", "หมายเลขโทรศัพท์", "Phone"),
    "growth.weight_kg": ("น้ำหนัก", "นน.", "Weight"),
    "growth.height_cm": ("ส่วนสูง", "สส.", "Height"),
    "result.subject": ("รหัสวิชา", "รหัสรายวิชา", "Subject Code", "CourseID"),
    "result.percent": ("คะแนนร้อยละ", "รวมร้อยละ", "ร้อยละ", "คะแนน", "คะแนนรวม", "Percent", "Score"),
    "result.grade": ("ผลการเรียน", "เกรด", "ระดับผลการเรียน", "Result"),
    "result.credits": ("หน่วยกิต", "Credits"),
    "exit.cause": ("สาเหตุ", "สาเหตุที่จำหน่าย", "เหตุ", "เหตุผล", "Reason", "Cause"),
    "exit.left_on": ("วันที่จำหน่าย", "วันที่ออก", "จำหน่ายเมื่อ", "Left"),
    "household.surveyed_on": ("วันที่สำรวจ", "วันสำรวจ", "วันที่คัดกรอง", "Surveyed"),
    "household.poverty_class": ("ผลการคัดกรอง", "สถานะความยากจน", "ระดับความยากจน"),
    "day": ("ข้อมูล ณ วันที่", "ณ วันที่", "วันที่รายงาน", "As of"),
    "roll.date": ("วันที่", "วัน", "วันเดือนปี", "Date"),
    "roll.mark": ("สถานะ", "การมาเรียน", "เวลาเรียน", "เช็คชื่อ", "มา/ขาด", "Attendance", "Mark"),
}  # fmt: skip
# What a title line above the header may say: the pattern the draft looks for it with. Digits are Arabic by then.
_DATE = r"\d{1,4}[\s/.-]+\S+?[\s/.-]+\d{1,4}"
_ABOVE = {
    "school": r"รหัส(?:โรงเรียน|สถานศึกษา)\s*:?\s*(?P<school>\d{8,10})",
    "day": rf"(?:วันและเวลาที่สร้างรายงาน|ณ วันที่|พิมพ์เมื่อ|วันที่พิมพ์)\s*:?\s*(?P<day>{_DATE})",
    "year": r"ปีการศึกษา\s*:?\s*(?P<year>\d{2,4})",
    "term": r"(?:ภาคเรียน(?:ที่)?|เทอม)\s*:?\s*(?P<term>[123])\b",
    "subject": r"รหัส(?:ราย)?วิชา\s*:?\s*(?P<subject>[ก-ฮA-Z]{1,2}\d{5})",
}
# Titles of columns about other people than the child, or another school than hers.
_OF_OTHERS = re.compile(r"บิดา|มารดา|พ่อ|แม่|ผู้ปกครอง|ครู|พี่น้อง|โรงเรียนเดิม|father|mother|parent|guardian|teacher")
_PREFIXES = "|".join(re.escape(word) for word in thai.PREFIXES)
# A name with its prefix. นาย and นาง also begin other words (นายทะเบียน), so there a family name must follow.
_NAMED = re.compile(r"(?:เด็กชาย|เด็กหญิง|ด\.ช\.|ด\.ญ\.|น\.ส\.|นางสาว)\s*[ก-๙]{2,}|(?:นาย|นาง)\s*[ก-๙]+\s+[ก-๙]+")
_GRADE_ROOM = re.compile(r"((?:อ|ป|ม|ปวช)\.?\s?\d)\s?/\s?(\S+)")
_LONG_GRADE = re.compile(r"(อนุบาล|ประถม|มัธยม|ปวช|อ|ป|ม|[KPM])(?:ศึกษา)?(?:ปีที่)?[\s.]*(\d)")
_LEVELS = {"อนุบาล": "อ", "ประถม": "ป", "มัธยม": "ม", "K": "อ", "P": "ป", "M": "ม"}
_SUBJECT = re.compile(r"[ก-ฮA-Z]{1,2}\s?\d{5}")
_YEAR_TERM = re.compile(r"[123]\s?/\s?(?:25\d\d|20\d\d|\d\d)")
# Columns whose words a code table turns into ours, and the table's name.
_CODED = {
    "learner.sex": "sex", "enrolment.status": "status", "exit.cause": "cause", "household.poverty_class": "class",
    "household.lives_with": "lives", "result.grade": "result", "grade": "grade",
    "destination.destination": "destination", "follow_up.finding": "finding", "roll.mark": "marks",
}  # fmt: skip


def draft(path: Path, settings: Settings) -> str:
    """TOML text of a mapping for the file, to be looked through by a person.

    It loads where a child (or a school) and something said of it could be placed; else it begins with what is missing.
    Raises RaksaError when the file cannot be read, is an archive, or has no header row that can be told from its data.
    """
    content = read_path(path)
    if unpack(path.name, content) is not None:
        raise RaksaError(f"{path.name} is an archive. Unpack it, and draft a mapping from one of its files.")
    sheets = [rows for rows in read(path.name, content) if not rows.not_read]
    if not sheets:
        raise RaksaError(f"{path.name} has only hidden sheets. Show the one to read and try again.")
    rows = max(sheets, key=lambda held: len(held.cells))
    at = _header_row(rows)
    if at is None:
        raise RaksaError(
            f"{path.name} has no header row that can be told from its data. Put a row with a title above each column "
            "and try again."
        )
    found = _File(rows, at, settings)
    found.place()
    text = _Text(found, one_of=len(sheets)).text()
    try:
        formats.parse(text, "draft")
    except RaksaError as wrong:
        text = f"# ยังใช้ไม่ได้ / This draft does not load yet. {' '.join(str(wrong).split())}\n{text}"
    return text


# ------------------------------------------------------------------------------------------------ what is known
def _clean(cell: str) -> str:
    return thai.arabic(thai.clean(cell))


def _plain(cell: str) -> str:
    return _clean(cell).replace(" ", "")


def _concept(table: str, column: str) -> str:
    """What a register column means in any file: a year is a year in whichever table it stands."""
    if column in ("academic_year", "term"):
        return column
    if column == "grade":
        return "result.grade" if table == "result" else "grade"
    if column in ("listed_on", "known_on", "measured_on", "counted_on"):
        return "day"
    return f"{table}.{column}"


@lru_cache(maxsize=1)
def _known() -> tuple[Mapping[str, frozenset[str]], Mapping[str, Mapping[str, str]]]:
    """Of all our formats together: header -> what it may mean; and, of each coded concept and of marks, word -> ours.

    A word two formats turn differently is nobody's. A header that is also such a word (ชาย above a column of boys) is
    left out: rows of data would look like headers.
    """
    headers: dict[str, set[str]] = {}
    words: dict[str, dict[str, set[str]]] = {}

    def note(concept: str, titles: Iterable[str]) -> None:
        for title in titles:
            headers.setdefault(_plain(title.partition("#")[0]).lower(), set()).add(concept)

    def learn(concept: str, table: Mapping[str, str]) -> None:
        for word, ours in table.items():
            words.setdefault(concept, {}).setdefault(_plain(word), set()).add(ours)

    for concept, titles in _ALIASES.items():
        note(concept, titles)
    learn("learner.sex", {"M": "male", "F": "female", "Male": "male", "Female": "female"})
    for form in formats.known_formats().values():
        for kind, titles in form.learner.items():
            if kind != "key":
                note(f"learner.{kind}", titles)
        for source in form.school.values():
            note("school", source.header)
        for table in form.tables:
            for column, source in table.columns.items():
                note(_concept(table.name, column), source.header if source.match is None else ())
                if source.codes:
                    learn(_concept(table.name, column), form.codes[source.codes])
        if form.roll:
            learn("roll.mark", form.roll.marks)
            note("roll.date", filter(None, [form.roll.date]))
            note("roll.mark", filter(None, [form.roll.mark]))
    sure = {c: {w: next(iter(o)) for w, o in held.items() if len(o) == 1} for c, held in words.items()}
    said = {word.lower() for held in sure.values() for word in held} | {_plain(grade) for grade in GRADES}
    return {title: frozenset(means) for title, means in headers.items() if title not in said}, sure


def _joins() -> list[tuple[str, Source]]:
    """Columns that formats of ours put together from several, such as an address."""
    return [(f"{table.name}.{column}", source) for form in formats.known_formats().values() for table in form.tables
            for column, source in table.columns.items() if source.join]  # fmt: skip


def _grade(word: str) -> str | None:
    """Our label of a grade written out or short, or None: มัธยมศึกษาปีที่ 3, ม3, M.3.

    >>> _grade("มัธยมศึกษาปีที่ 3"), _grade("ป 6"), _grade("3.5"), _grade("อนุบาล 9")
    ('ม.3', 'ป.6', None, None)
    >>> _grade("ปวส.1")
    """
    found = _LONG_GRADE.fullmatch(word)
    label = f"{_LEVELS.get(found[1], found[1])}.{found[2]}" if found else ""
    return label if label in GRADES else None


# ------------------------------------------------------------------------------------------------ the header
def _looks_personal(cell: str) -> bool:
    return bool(thai.citizen_number(cell) or thai.g_code(cell) or _NAMED.match(cell))


def _header_row(rows: Rows) -> int | None:
    """Position of the row that names the columns: the one with most known headers; where none is known, the first wide
    row of words above data. A row with somebody's name or number in it is none."""
    headers, words = _known()
    values = {word for held in words.values() for word in held} | {_plain(grade) for grade in GRADES}
    width = max((sum(1 for cell in row if cell.strip()) for row in rows.cells[: _HEADER_WITHIN + 20]), default=0)
    best, best_score = None, 0.0
    for at, row in enumerate(rows.cells[:_HEADER_WITHIN]):
        cells = [_clean(cell) for cell in row if cell.strip()]
        if len(cells) < 2 or at + 1 >= len(rows.cells) or any(map(_looks_personal, cells)):
            continue
        known = sum(_plain(cell).lower() in headers for cell in cells)
        days = [cell for cell in cells if thai.read_date(cell)]
        days = days if len(days) >= 5 else []  # a roll book has a day above each column
        data = [cell for cell in cells if cell not in days and (
            thai.read_date(cell) or _plain(cell) in values or _GRADE_ROOM.fullmatch(cell)
            or re.fullmatch(r"[\d.,/:-]+", cell))]  # fmt: skip
        titles = len(cells) - len(days) - len(data)
        wide = len(cells) >= 0.6 * width and titles >= 2 and len(data) <= 0.2 * len(cells)
        score = 3 * known + len(days) + (1 + 0.1 * titles if wide else 0) - 2 * len(data)
        if (known >= 2 or wide) and score > best_score:
            best, best_score = at, score
    return best


# ------------------------------------------------------------------------------------------------ columns
@dataclass(eq=False)
class _Column:
    """One column: its title as a mapping names it, and its filled cells of the rows looked at."""

    title: str
    values: list[str]
    rows: int
    place: str = ""
    why: str = ""

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.values)

    def share(self, fits: Callable[[str], object]) -> float:
        """Share of the filled cells that fit."""
        total = sum(count for word, count in self.counts.items() if fits(word))
        return total / len(self.values) if self.values else 0.0

    def numbers(self) -> list[float]:
        return [float(v.replace(",", "")) for v in self.values if re.fullmatch(r"\d[\d,]*(\.\d+)?", v)]


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


@dataclass(frozen=True)
class _Guess:
    score: float
    column: int
    concept: str
    why: str


class _File:
    """A file while its columns are placed. `kind` is what it was taken for; `missing` what it lacks for that."""

    def __init__(self, rows: Rows, at: int, settings: Settings) -> None:
        self.settings = settings
        self.above = "\n".join(_clean(" ".join(row)) for row in rows.cells[:at])
        self.captured = {group: found[group] for group, pattern in _ABOVE.items()
                         if (found := re.search(pattern, self.above))}  # fmt: skip
        body = rows.cells[at + 1 : at + 1 + _SAMPLE]
        self.rows = len(body)
        self.columns: list[_Column] = []
        self.nameless = 0
        seen: Counter[str] = Counter()
        header = [_clean(cell) for cell in rows.cells[at]]
        twice = Counter(_plain(title) for title in header)
        for i, title in enumerate(header):
            values = [cell for row in body if i < len(row) and (cell := _clean(row[i])) not in _EMPTY]
            if not title or "#" in title:  # a mapping writes "X#2" for the second X, so cannot name a title with #
                self.nameless += bool(values)
                continue
            seen[_plain(title)] += 1
            nth = f"#{seen[_plain(title)]}" if twice[_plain(title)] > 1 else ""
            self.columns.append(_Column(title + nth, values, self.rows))
        self.order, self.order_why = self._order()
        self.days = [c for c in self.columns if self.day(c.title) is not None]  # columns of a roll book
        self.kind = ""
        self.missing: list[str] = []
        self.joins: dict[str, Source] = {}
        self.maybe_number = ""

    def day(self, word: str) -> date | None:
        return thai.read_date(word, self.order)

    def _order(self) -> tuple[str, str]:
        """The order of day, month and year that most dates of the file allow; day first where several do."""
        columns = [[w for w in c.counts if re.search(r"\d", w)] for c in self.columns] + [
            [c.title for c in self.columns]
        ]
        likely = [w for words in columns for w in words if any(thai.read_date(w, o) for o in ("dmy", "mdy", "ymd"))]
        read_as = {order: sum(thai.read_date(w, order) is not None for w in likely) for order in ("dmy", "mdy", "ymd")}
        best = max(read_as, key=lambda order: read_as[order])
        others = ", ".join(f"{o} {n}" for o, n in read_as.items() if o != best)
        return best, f"{read_as[best]} of {len(likely)} different dates can be read so ({others})"

    # ------------------------------------------------------------------------------------------ evidence
    def fits(self, concept: str) -> Callable[[str], object] | None:
        """What a value of the concept looks like; None where any text will do."""
        words = _known()[1].get(concept, {})
        if concept == "grade":
            return lambda v: _plain(v) in GRADES or _grade(v) or _plain(v) in words
        if concept in _CODED:
            return lambda v: _plain(v) in words
        table, _, name = concept.partition(".")
        simple: dict[str, Callable[[str], object]] = {
            "learner.citizen": lambda v: thai.citizen_number(v) or thai.g_code(v),
            "learner.passport": lambda v: re.fullmatch(r"(?=.*\d{4})[A-Za-z]{1,2}[A-Za-z0-9]{5,9}", v),
            "learner.number": lambda v: re.fullmatch(r"[A-Za-z]{0,2}\d[\d-]{0,10}(\.0)?", v),
            "enrolment.roll_number": lambda v: re.fullmatch(r"\d{1,2}(\.0)?", v),
            "school": lambda v: re.fullmatch(r"[1-9]\d{7}(\d\d)?(\.0)?", v),
            "academic_year": lambda v: re.fullmatch(r"(25|20)?\d\d(\.0)?", v),
            "term": lambda v: re.fullmatch(r"[0123](\.0)?", v),
            "year.term": _YEAR_TERM.fullmatch,
            "grade.room": _GRADE_ROOM.fullmatch,
            "result.subject": _SUBJECT.fullmatch,
            "identity.prefix": lambda v: v in thai.PREFIXES or v in thai.PREFIXES.values(),
            "name": lambda v: " " in v,
            "roll.date": self.day,
            "day": self.day,
        }
        if concept in simple:
            return simple[concept]
        if table not in REGISTER or name not in REGISTER[table].schema.names:
            return None
        column = REGISTER[table].column(name)
        if pa.types.is_date(column.type):
            return self.day
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            low, high = column.low or 0, column.high or 1e9
            return lambda v: re.fullmatch(r"\d[\d,]*(\.\d+)?", v) and low <= float(v.replace(",", "")) <= high
        return None

    def guesses(self) -> list[_Guess]:
        headers = _known()[0]
        long = sorted((t for t in headers if len(t) >= 5), key=len, reverse=True)
        out: list[_Guess] = []
        for i, column in enumerate(self.columns):
            if column in self.days:
                continue
            title = _plain(column.title.partition("#")[0]).lower()
            if title not in headers and _OF_OTHERS.search(title):
                continue  # a father's number is no child's
            part = next((t for t in long if t in title), None)
            for concept in headers.get(title, ()):
                out += self._by_header(i, concept, 2.0, "the header is known")
            if title not in headers and part:
                for concept in headers[part]:
                    out += self._by_header(i, concept, 1.0, f"the header has {part!r} in it")
            out += self._by_values(i)
        return out

    def _by_header(self, i: int, concept: str, score: float, why: str) -> list[_Guess]:
        column, fits = self.columns[i], self.fits(concept)
        if not column.values:
            # A year or status that is never filled would refuse every row.
            may = score == 2 and concept.startswith(("identity.", "growth.", "household.", "sensitive.", "learner."))
            return [_Guess(score - 0.9, i, concept, f"{why}; no cell is filled. A guess.")] if may else []
        if fits is None:
            if column.share(lambda v: re.fullmatch(r"[\d\s.,/-]+", v)) > 0.5 and concept.startswith("identity."):
                numbers_too = concept in ("identity.phone", "identity.address")
                return [_Guess(score, i, concept, f"{why}. Likely.")] if numbers_too else []
            return [_Guess(score + 0.3, i, concept, f"{why}. {'Sure' if score == 2 else 'Likely'}.")]
        share = column.share(fits)
        # A list of codes may hold words of its own; what is read by its shape may not.
        few = concept in _CODED and len(column.counts) <= _FEW and not column.share(_looks_personal)
        if share < 0.5 and not few:
            return []
        how = "Sure" if score == 2 and share >= 0.9 else "Likely" if share >= 0.5 else "A guess"
        return [_Guess(score + share, i, concept, f"{why}, {self._of(column, concept, share)}. {how}.")]

    def _of(self, column: _Column, concept: str, share: float) -> str:
        """The evidence in words."""
        filled = f"{_percent(share)} of {len(column.values)} filled cells"
        if concept == "learner.citizen":
            numbers = [n for v in column.values if (n := thai.citizen_number(v))]
            pass_it = sum(map(thai.citizen_checksum_holds, numbers)) / len(numbers) if numbers else 0.0
            return f"13 digits or a G-code in {filled}, {_percent(pass_it)} pass the check digit"
        what = {
            "school": "8 or 10 digits", "grade": "grades", "grade.room": "grade/room",
            "result.subject": "subject codes", "year.term": "term/year", "roll.mark": "known marks",
            "name": "several words",
        }.get(concept)  # fmt: skip
        if what is None:
            what = (
                "known words" if concept in _CODED else "dates" if self.fits(concept) == self.day else "values that fit"
            )
        return f"{what} in {filled}"

    def _by_values(self, i: int) -> list[_Guess]:
        """What a column is by its values alone. Words that are digits only (status 10, mark 1) prove nothing."""
        column, out = self.columns[i], []
        if len(column.values) < 2:
            return []
        shapes = ("learner.citizen", "school", "grade", "grade.room", "result.subject", "year.term", "roll.mark",
                  "identity.prefix", *_CODED)  # fmt: skip
        for concept in dict.fromkeys(shapes):
            fits = self.fits(concept)
            assert fits is not None
            telling = concept in ("learner.citizen", "school", "result.subject", "year.term", "grade.room")
            share = column.share(lambda v, f=fits, t=telling: f(v) and (t or re.search(r"[^\d.]", v)))  # type: ignore[misc]
            if concept == "household.poverty_class" and len(column.counts) < 2:
                share = 0.0  # a pupil list's ยากจน, the only word of its column, is not the result of a screening
            if concept == "result.grade" and (
                share >= 0.1 or ({"2.5", "3.5"} & set(column.counts) and len(column.counts) > 3)
            ):
                share = column.share(fits)  # ร and มส among figures, or a scale in halves
            if concept == "school" and len(column.counts) > max(3, len(column.values) // 10):
                share = 0.0  # a code that hardly repeats is a child's or a telephone
            if concept == "enrolment.status" and "enrolled" not in map(
                _known()[1][concept].get, map(_plain, column.counts)
            ):
                share *= 0.9  # ลาออก and ย้าย without one who is there are causes of leaving
            several = sum(1 for word in column.counts if fits(word)) > 1
            if share >= 0.8 or (concept in _CODED and several and share >= 0.5):
                how = "Likely" if (telling and share >= 0.8) or share > 0.95 else "A guess"
                out.append(_Guess(1.5 * share, i, concept, f"{self._of(column, concept, share)}. {how}."))
        if column.share(lambda v: re.fullmatch(r"25[4-9]\d|20[0-4]\d", v)) > 0.95 and len(column.counts) < 10:
            out.append(_Guess(1.0, i, "academic_year", "years in nearly all filled cells. Likely."))
        numbers = column.numbers()
        if len(numbers) >= max(3, 0.8 * len(column.values)):
            middle, most = median(numbers), max(numbers)
            if 95 <= middle <= 185 and min(numbers) >= 60 and most <= 215:
                out.append(_Guess(0.6, i, "growth.height_cm", f"numbers around {middle:.0f}. A guess."))
            elif 12 <= middle <= 80 and most <= 150 and any(not n.is_integer() for n in numbers):
                out.append(_Guess(0.55, i, "growth.weight_kg", f"numbers with fractions around {middle:.0f}. A guess."))
            distinct = len(column.counts) / len(column.values)
            counted = numbers == sorted(numbers) and numbers[0] == 1
            if not counted and column.share(lambda v: re.fullmatch(r"\d{3,11}", v)) > 0.9 and len(column.counts) > 1:
                how = "that do not repeat" if distinct > 0.9 else "that repeat"
                out.append(_Guess(_WEAK * distinct, i, "learner.number", f"short numbers {how}. A guess."))
        return out

    # ------------------------------------------------------------------------------------------ placing
    def place(self) -> None:
        """Give each column at most one meaning and each meaning at most one column, the surest first; then say what
        the file is, and which of its dates is the day it is about."""
        for concept, source in _joins():
            titles = [piece[piece.find("{") + 1 : piece.find("}")] if "{" in piece else piece for piece in source.join]
            plain = {_plain(c.title) for c in self.columns}
            if concept not in self.joins and all(_plain(title) in plain for title in titles):
                self.joins[concept] = source
        joined = {
            _plain(p[p.find("{") + 1 : p.find("}")] if "{" in p else p) for s in self.joins.values() for p in s.join
        }
        ranked = sorted(self.guesses(), key=lambda g: (-g.score, g.column, g.concept))
        headed = {g.column for g in ranked if self.fits(g.concept) == self.day and "header" in g.why}
        dated = {
            i for i, c in enumerate(self.columns) if c.share(self.day) >= (0.5 if i in headed else 0.8) and c.values
        }
        for guess in ranked:
            column = self.columns[guess.column]
            if column.place or self.at(guess.concept) or _plain(column.title) in joined or guess.column in dated:
                continue
            if guess.concept == "learner.number" and guess.score <= _WEAK and self.at("learner.citizen"):
                # An income or a telephone taken for her number would link her to another child.
                self.maybe_number = self.maybe_number or (column.title if guess.score > 0.9 * _WEAK else "")
                continue
            column.place, column.why = guess.concept, guess.why
        self._place_names()
        self.kind = self._kind([self.columns[i] for i in sorted(dated)])
        self._place_dates([self.columns[i] for i in sorted(dated)], ranked)

    def _place_names(self) -> None:
        """Names under titles nobody knows: the two columns of words right of the prefixes."""
        prefix = self.at("identity.prefix")
        if not prefix or self.at("name") or self.at("identity.first_name"):
            return
        after = self.columns[self.columns.index(prefix) + 1 :][:2]
        for column, concept in zip(after, ("identity.first_name", "identity.last_name"), strict=False):
            if column.place or self.at(concept) or column.share(lambda v: re.fullmatch(r"[^\W\d][^\d]*", v)) < 0.9:
                return
            column.place, column.why = concept, "words right of the prefixes. A guess."

    def at(self, concept: str) -> _Column | None:
        return next((c for c in self.columns if c.place == concept), None)

    def _kind(self, dates: list[_Column]) -> str:
        child = any(self.at(f"learner.{key}") for key in ("citizen", "number", "passport"))
        if len(self.days) >= 5:
            return "wide"
        if not child:
            if self.at("holiday.name") and dates:
                return "holiday"
            school = self.at("school")
            once = school is not None and len(school.counts) > 0.9 * len(school.values)
            return "school" if once and self.at("school.name") else ""
        if self.at("roll.mark") and dates:
            return "daily"
        if (self.at("result.subject") or "subject" in self.captured) and (
            self.at("result.percent") or self.at("result.grade")
        ):
            return "result"
        if self.at("household.poverty_class") and dates:
            return "household"
        for table in ("destination", "follow_up"):
            if self.at(f"{table}.{'destination' if table == 'destination' else 'finding'}"):
                return table
        if self.at("exit.cause"):
            return "exit"
        person = ("name", "identity.first_name", "identity.prefix", "learner.sex")
        if any(map(self.at, person)) and any(self.at(c) for c in ("grade", "grade.room", "enrolment.status")):
            return "list"
        if self.at("growth.weight_kg") or self.at("growth.height_cm"):
            return "growth"
        return "person" if any(map(self.at, person)) else ""

    def _place_dates(self, dates: list[_Column], ranked: Sequence[_Guess]) -> None:
        """The birth date by its header, or as the oldest; the day the file is about by its header, or what is left."""
        wanted = {"daily": "roll.date", "household": "household.surveyed_on", "exit": "exit.left_on", "list": "day",
                  "growth": "day", "person": "day", "holiday": "holiday.day"}.get(self.kind)  # fmt: skip
        headed = {(g.column, g.concept): g.why for g in ranked if "header" in g.why}
        left = list(dates)

        def take(column: _Column, concept: str, why: str) -> None:
            column.place, column.why = concept, why
            left.remove(column)

        for concept in ("learner.birth_date", wanted, "enrolment.entered_on"):
            for column in list(left):
                why = headed.get((self.columns.index(column), concept or ""))
                if concept and why and not self.at(concept):
                    take(column, concept, why)
        years = {c.title: median(d.year for v in c.values if (d := self.day(v))) for c in left}
        newest = max((d.year for c in dates for v in c.values if (d := self.day(v))), default=0)
        for column in list(left):
            spread = [d for v in column.values if (d := self.day(v))]
            old = years[column.title] <= newest - 4
            wide = (max(spread) - min(spread)).days > 400 and len(column.counts) > 0.5 * len(column.values)
            if (
                not self.at("learner.birth_date")
                and (old or wide)
                and self.kind in ("list", "household", "growth", "person")
            ):
                take(
                    column,
                    "learner.birth_date",
                    f"dates years before the others or far apart: {'Likely' if old else 'A guess'}.",
                )
        if wanted and not self.at(wanted) and left:
            sure = (
                "the only other dates of the file. Likely."
                if len(left) == 1
                else "the first of several dates. A guess."
            )
            take(left[0], wanted, sure)


# ------------------------------------------------------------------------------------------------ the text
def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False)


def _seen(count: int) -> str:
    return f"seen {count} times" if count > 1 else "seen once"


def _literal(pattern: str) -> str:
    return f"'{pattern}'" if "'" not in pattern else _quoted(pattern)


@dataclass
class _Text:
    """The draft being written."""

    file: _File
    one_of: int = 1
    codes: dict[str, list[str]] = field(default_factory=dict)
    also_empty: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    above: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        body = self._body()
        file = self.file
        school = [] if file.kind in ("", "holiday") else self._school()
        keys = ("citizen", "passport", "number") if school else ("citizen", "passport")
        child = [line for key in keys for line in self._learner(key)]
        if file.maybe_number and school and not file.at("learner.number"):
            maybe = _quoted(file.maybe_number)
            child.append(
                f"# {maybe} holds short numbers that do not repeat. If they are the school's numbers of the children:"
            )
            child.append(f"# number = {maybe}")
        if not any(file.at(f"learner.{key}") for key in ("citizen", "passport", "number")) and file.kind not in (
            "school", "holiday"):  # fmt: skip
            file.missing.append("who a row is about: no column of citizen ids or school numbers")
        if not file.kind:
            file.missing.append(
                "what the file says of a child: no marks, results, grade, status, cause, class or growth"
            )
        lines = [
            f"# ร่างรูปแบบแฟ้ม / Draft of a mapping, from the headers and the first {file.rows} rows of a file"
            + (f" (its longest sheet of {self.one_of})." if self.one_of > 1 else "."),
            "# Each guess says why. Look at all of them, mend what is wrong; then raksa ingest FILE --mapping THIS",
            *(f"# ยังขาด / Missing: {what}." for what in file.missing),
            "",
            'name = "my_format"  # give it a name of its own',
            'title_th = "รูปแบบใหม่"',
            f'title_en = "A format of our own: {_TITLES.get(file.kind, "nothing recognised")}"',
            f"recognise = [{', '.join(map(_quoted, self._recognise()))}]  # headers that must all be there",
        ]
        if file.order != "dmy" or any(c.share(file.day) > 0.8 for c in file.columns if c.values) or file.days:
            lines.append(f'dates = "{file.order}"  # {file.order_why}')
        if self.also_empty:
            lines.append(f"null = [{', '.join(map(_quoted, ['-', 'ไม่ระบุ', *sorted(self.also_empty)]))}]")
        if self.above:
            lines.append(
                f"preamble = [{', '.join(map(_literal, self.above.values()))}]  # title lines above the header"
            )
        if file.kind == "list":
            lines.append(
                "# Does the file name everyone of a school? Who is missing from a list counts as not seen there."
            )
            lines.append("# If it names only some, take this line and the table enrolment out.")
            lines.append("lists_learners = true")
        if child:
            lines += ["", "[learner]", *child]
        if school:
            lines += ["", "[school]", *school]
        for name, table in self.codes.items():
            lines += ["", f"[codes.{name}]", *table]
        lines += body
        return "\n".join([*lines, *self._left_over()]) + "\n"

    # ------------------------------------------------------------------------------------------ pieces
    def _learner(self, key: str) -> list[str]:
        return self._column(key, f"learner.{key}")

    def _school(self) -> list[str]:
        if column := self.file.at("school"):
            ten = column.share(lambda v: len(v.removesuffix(".0")) == 10) > 0.5
            return self._column("code10" if ten else "school_id", "school")
        if code := self.file.captured.get("school"):
            self.above["school"] = _ABOVE["school"]
            return [
                f'{"code10" if len(code) == 10 else "school_id"} = {{ preamble = "school" }}  # a title line says it'
            ]
        if self.file.kind in ("household", "growth", "person") and self.file.at("learner.citizen"):
            return []  # the citizen id is enough
        return ['school_id = { given = "school" }  # the file does not name its school: import it with --school CODE']

    def _column(self, name: str, concept: str, **more: str) -> list[str]:
        """A line for a placed column with its reason above it; nothing where it is not placed."""
        column = self.file.at(concept)
        if column is None:
            return []
        self.used.add(column.title)
        if concept in _CODED and (table := self._code_table(concept, column)):
            more = {**more, "codes": _quoted(table)}
        if self.file.fits(concept) is not None:
            self.also_empty |= {w for w in column.counts if w.lower() in _ALSO_EMPTY}
        said = ", ".join(f"{key} = {value}" for key, value in more.items())
        value = f"{{ header = {_quoted(column.title)}, {said} }}" if more else _quoted(column.title)
        return [f"# {_quoted(column.title)}: {column.why}", f"{name} = {value}"]

    def _code_table(self, concept: str, column: _Column) -> str | None:
        """Words seen, with ours where they are known. None where the words are ours already."""
        known, name = _known()[1].get(concept, {}), _CODED[concept]
        ours = {word: known.get(_plain(word)) for word in column.counts if word.lower() not in _ALSO_EMPTY}
        table, _, of = concept.rpartition(".")
        if concept == "grade":
            ours = {w: _plain(w) if _plain(w) in GRADES else o if o is not None else _grade(w) for w, o in ours.items()}
            if all(_plain(word) in GRADES for word in ours):
                return None
        values = REGISTER[table or "enrolment"].column(of).values or ()
        self.codes[name] = [f"# ours: {', '.join(values)}", *self._words(column.counts, ours)]
        return name

    def _words(self, counts: Counter[str], ours: Mapping[str, str | None]) -> list[str]:
        """A line for each word, the commonest first; those not known wait in comments for a person.

        Where most cells are no known words the column may not be what it was taken for, and an unknown word in it be
        somebody's name: then none is shown, nor ever one seen once or like a name or number.
        """
        seen = sum(counts[word] for word in ours)
        trusted = sum(counts[word] for word, o in ours.items() if o is not None) >= 0.5 * seen
        named = [c for c in self.file.columns if c.place in ("name", "identity.first_name", "identity.last_name")]
        names = {part for column in named for value in column.values for part in value.split()}
        lines, hidden = [], 0
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if word not in ours:
                continue
            if (told := ours[word]) is not None:
                lines.append(f"{_quoted(word)} = {_quoted(told)}  # {_seen(count)}")
            elif trusted and count > 1 and len(word) <= 30 and not (
                " " in word or word in names or re.search(r"\d{4}", word) or _looks_personal(word)
            ):  # fmt: skip
                lines.append(f'# {_quoted(word)} = ""  # {_seen(count)}; not known')
            else:
                hidden += 1
        if hidden:
            lines.append(f"# {hidden} more not shown, each seen once or perhaps somebody's name or number")
        return lines

    def _recognise(self) -> list[str]:
        """Headers the file is known by: those placed; of a roll book all but the days, so that none counts as one."""
        file = self.file
        if file.kind == "wide":
            titles = [c.title for c in file.columns if c not in file.days]
        else:
            titles = [c.title for c in file.columns if c.title in self.used][:8] or [c.title for c in file.columns][:3]
        return list(dict.fromkeys(title.partition("#")[0] for title in titles))

    def _day(self, name: str) -> list[str]:
        """The day a list is true for: a column, a title line, or what the person says who imports it."""
        if lines := self._column(name, "day"):
            return lines
        if "day" in self.file.captured:
            self.above["day"] = _ABOVE["day"]
            return [f'{name} = {{ preamble = "day" }}  # a title line says it. Likely.']
        return [f'{name} = {{ given = "as_of" }}  # the file does not say its day: import it with --as-of DAY']

    def _year_and_term(self, day: str | None) -> list[str]:
        """academic_year and term: columns, title lines, or (with a day) what the day says."""
        file, out = self.file, []
        both = file.at("year.term")
        for name, pattern in (("academic_year", r"/\s*(\d+)\s*$"), ("term", r"^\s*(\d)\s*/")):
            group = "year" if name == "academic_year" else "term"
            if both:
                out += self._column(name, "year.term", match=_literal(pattern))
            elif file.at(name):
                out += self._column(name, name)
            elif group in file.captured:
                self.above[group] = _ABOVE[group]
                out.append(f'{name} = {{ preamble = "{group}" }}  # a title line says it. Likely.')
            elif day:
                out.append(f'{name} = {{ derive = "{name}", same_as = "{day}" }}')
            elif name == "term":
                out.append("term = { const = 0 }  # no term is named: results of the whole year. A guess.")
            else:
                file.missing.append("the academic year: no column, and no title line, says it")
        return out

    def _table(self, name: str, lines: Iterable[str], *before: str) -> list[str]:
        held = list(lines)
        return ["", "[[table]]", f'name = "{name}"', *before, "[table.columns]", *held] if held else []

    def _body(self) -> list[str]:
        return {"wide": self._roll, "daily": self._roll, "result": self._result, "household": self._household,
                "exit": self._exit, "list": self._list, "growth": self._growth, "school": self._schools,
                "person": self._about_a_child, "holiday": self._holidays,
                "destination": self._destination, "follow_up": self._follow_up,
                }.get(self.file.kind, list)()  # fmt: skip

    def _roll(self) -> list[str]:
        file = self.file
        if file.kind == "wide":
            words: Counter[str] = Counter()
            for column in file.days:
                words += column.counts
                self.used.add(column.title)
            days = sorted(d for c in file.days if (d := file.day(c.title)))
            year = calendar.academic_year(days[0], file.settings)
            lines = ["", "[roll]", f'layout = "wide"  # {len(days)} columns are days of academic year {year}']
        else:
            date_column, mark = file.at("roll.date"), file.at("roll.mark")
            assert date_column and mark
            self.used |= {date_column.title, mark.title}
            words = mark.counts
            lines = ["", "[roll]", 'layout = "daily"', f"# {_quoted(date_column.title)}: {date_column.why}",
                     f"date = {_quoted(date_column.title)}", f"# {_quoted(mark.title)}: {mark.why}",
                     f"mark = {_quoted(mark.title)}"]  # fmt: skip
        known = _known()[1]["roll.mark"]
        lines += [
            "[roll.marks]",
            "# ours: P present, T late, S sick, L leave, A absent, V activity, - not recorded, . no school",
        ]
        if "ส" in words:
            lines.append("# One program prints ส for absent (ขาด) instead of late: ask which legend the file uses.")
        return lines + self._words(words, {word: known.get(_plain(word)) for word in words})

    def _result(self) -> list[str]:
        lines = self._year_and_term(None)
        if self.file.at("result.subject"):
            lines += self._column("subject", "result.subject")
        else:
            self.above["subject"] = _ABOVE["subject"]
            lines.append('subject = { preamble = "subject" }  # a title line says it. Likely.')
        lines.append('part = { const = "final" }  # the result of the subject, not of a piece of work')
        placed = [name for name in ("percent", "grade") if self.file.at(f"result.{name}")]
        for name in ("learning_area", "credits", "percent", "grade", "attended_percent"):
            lines += self._column(name, f"result.{name}")
        lines.append('known_on = { derive = "results_known" }  # some days after the term, unless the file says a day')
        needs = f"needs_any = [{', '.join(map(_quoted, placed))}]  # a blank is not entered yet, never zero"
        return self._table("result", lines, needs)

    def _household(self) -> list[str]:
        lines = self._column("surveyed_on", "household.surveyed_on")
        lines.append('known_on = { same_as = "surveyed_on", plus_days = 30 }  # when the result is told. A guess.')
        for column in REGISTER["household"].schema.names:
            if column not in ("surveyed_on", "known_on"):
                lines += self._column(column, f"household.{column}")
        return self._table("household", lines)

    def _exit(self) -> list[str]:
        lines = self._column("left_on", "exit.left_on") + self._column("cause", "exit.cause")
        if self.file.at("exit.left_on"):
            lines.append('known_on = { same_as = "left_on" }')
        else:
            lines.append('known_on = { given = "as_of" }  # the file says no day: import it with --as-of DAY')
        return self._table("exit", lines)

    def _list(self) -> list[str]:
        lines = [*self._day("listed_on"), *self._year_and_term("listed_on")]
        grade, fits = self.file.at("grade"), self.file.fits("grade")
        if grade and fits and (grade.share(fits) >= 0.5 or not self.file.at("grade.room")):
            lines += self._column("grade", "grade")
        else:
            lines += self._column("grade", "grade.room", match=_literal(r"^([^/]+?)\s*/"))
        lines += self._column("room", "enrolment.room") or self._column("room", "grade.room", match=r"'/\s*(\S+)'")
        for column in ("roll_number", "entered_on"):
            lines += self._column(column, f"enrolment.{column}")
        status = self.file.at("enrolment.status")
        if status and status.values:
            blank = {"default": '"enrolled"'} if len(status.values) < status.rows else {}
            lines += self._column("status", "enrolment.status", **blank)
            lines += ["# some cells are empty, and taken as enrolled. A guess."] if blank else []
        else:
            lines.append('status = { const = "enrolled" }  # the file names no status: all on it are taken as enrolled')
        out = self._table("enrolment", lines)
        if self.file.at("school") and self.file.at("school.name"):
            out += self._table("school", self._column("name", "school.name"))
        return out + self._about_a_child() + self._growth() + self._sensitive()

    def _about_a_child(self) -> list[str]:
        """Sex, birth date, name and address as of the day of the list."""
        born = self._column("sex", "learner.sex") + self._column("birth_date", "learner.birth_date")
        day = self._day_again("known_on") if self.file.kind == "list" else self._day("known_on")
        out = self._table("learner", [*day, *born] if born else [])
        names: list[str] = []
        whole = "identity.first_name" if self.file.at("identity.first_name") else "name"
        if not self.file.at("identity.prefix"):  # it may be glued to the name
            names += self._column("prefix", whole, match=_literal(rf"^({_PREFIXES})"))
        if whole == "name":
            prefix = rf"(?:{_PREFIXES})"
            names += self._column("first_name", "name", match=_literal(rf"^(?:{prefix}\s+)?(\S+)"))
            names += self._column("last_name", "name", match=_literal(rf"^(?:{prefix}\s*)?\S+\s+(.+)$"))
        for column in REGISTER["identity"].schema.names:
            if source := self.file.joins.get(f"identity.{column}"):
                names.append(f"{column} = {{ join = [{', '.join(map(_quoted, source.join))}] }}")
                self.used |= {p[p.find("{") + 1 : p.find("}")] if "{" in p else p for p in source.join}
            else:
                names += self._column(column, f"identity.{column}")
        return out + self._table("identity", [*self._day_again("known_on"), *names] if names else [])

    def _day_again(self, name: str) -> list[str]:
        """The day once more, without its reason."""
        return [line.partition("  # ")[0] for line in self._day(name) if not line.startswith("# ")]

    def _growth(self) -> list[str]:
        grown = self._column("weight_kg", "growth.weight_kg") + self._column("height_cm", "growth.height_cm")
        first = self._day_again("measured_on") if self.file.kind == "list" else self._day("measured_on")
        return self._table("growth", [*first, *self._day_again("known_on"), *grown] if grown else [])

    def _sensitive(self) -> list[str]:
        """Section-26 data stays out unless a person takes the marks away."""
        held = [(name, c) for name in REGISTER["sensitive"].schema.names if (c := self.file.at(f"sensitive.{name}"))]
        if not held:
            return []
        self.used |= {column.title for _, column in held}
        lines = self._table(
            "sensitive", [*self._day_again("known_on"), *(f"{n} = {_quoted(c.title)}" for n, c in held)]
        )
        why = "# Section 26 of the PDPA: read only where it is needed. Take the # away to read these columns."
        return ["", why, *(f"# {line}" for line in lines if line)]

    def _schools(self) -> list[str]:
        names = ("code10", "main_school_id", "name", "area_id", "area_name", "agency", "subdistrict", "district",
                 "province", "latitude", "longitude")  # fmt: skip
        lines = []
        for name in names:  # ตำบล อำเภอ จังหวัด stand in lists of children, too
            lines += self._column(name, f"school.{name}") or self._column(name, f"identity.{name}")
        return self._table("school", lines)

    def _destination(self) -> list[str]:
        lines = [line for line in self._year_and_term("known_on") if not line.startswith("term")]
        lines = [*self._day("known_on"), *lines, *self._column("grade", "grade")]
        for column in ("destination", "to_school"):
            lines += self._column(column, f"destination.{column}")
        return self._table("destination", lines)

    def _follow_up(self) -> list[str]:
        lines = [*self._day("known_on"), *self._column("finding", "follow_up.finding")]
        return self._table("follow_up", lines + self._column("note", "follow_up.note"))

    def _holidays(self) -> list[str]:
        lines = self._column("day", "holiday.day")
        return self._table(
            "holiday", lines + self._column("school_id", "school") + self._column("name", "holiday.name")
        )

    def _left_over(self) -> list[str]:
        file = self.file
        rest = [c.title for c in file.columns if c.title not in self.used]
        out = ["", f"# ไม่ได้ใช้ / Not placed: {', '.join(map(_quoted, rest))}" if rest else "# Every column is placed."]
        if file.nameless:
            out.append(f"# {file.nameless} filled columns have no title (or # in it) and cannot be named in a mapping.")
        numbered = sum(bool(re.fullmatch(r"[1-9]|[12]\d|3[01]", c.title)) for c in file.columns)
        if numbered >= 15:
            out.append(
                "# Columns titled 1 to 31 are days without a month. Write the date above each day, then draft again."
            )
        return out


_TITLES = {
    "wide": "roll book, a column a day", "daily": "attendance, a row per child and day", "result": "results by subject",
    "household": "household screening", "exit": "learners taken off the list", "list": "pupil list",
    "growth": "weight and height", "school": "schools",
    "person": "who a child is", "holiday": "days without school", "destination": "where leavers go next",
    "follow_up": "what a school found",
}  # fmt: skip
