"""The made-up area as the files its agencies would hand over, with the faults such files have.

    files = write_files(area(0), folder)

    folder/schools.csv  holidays.csv
    folder/2567/dmc_list/2567-1-student-99001001.xlsx          and so on: year, kind of file, file

The kinds are the formats the register reads (docs/demo.md has a table of them and of the faults put in on
purpose). Same area,
same bytes: no clock is read, every draw comes from the area's seed and the school's number, whoever writes it and in
whatever order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import xlsxwriter

from raksa.calendar import BUDDHIST_ERA, first_day, results_known, term_days
from raksa.demo_area import (
    BOYS,
    GIRLS,
    GRADE_SCALE,
    HOME_FORM,
    LEARNING_AREAS,
    LEVEL_GRADE,
    SUBJECT_CREDITS,
    SURNAME_PARTS,
    Area,
)
from raksa.settings import Settings
from raksa.tables import NO_SCHOOL, NOT_RECORDED

# How often each fault is put into a file; shares of rows unless said otherwise.
MISTYPED_ID = 0.001
IMPOSSIBLE_BIRTH_DATE = 0.0005
WEIGHT_999 = 0.0005
GLUED_PREFIX = 0.02
NO_BREAK_SPACE = 0.01
DECOMPOSED_AM = 0.02
BLANK_NUMBER = 0.002
REPEATED_ROW = 0.15  # of the lists: one row stands twice
THAI_DIGITS = 0.12  # of the roll books, and of the schools' DMC cells
CP874 = 0.5  # of the roll books
UNKNOWN_MARK = 0.04  # of the roll books: one box
NOT_YET_GRADED = 0.003
NO_PHONE = 0.15  # of the guardians
UNANSWERED = 0.01  # of the boxes about house, vehicles and goods
BAD_DAILY_ROWS = 2  # rows of each kind in every daily file: an unknown status, an impossible date, a repeated row

DMC_HEADERS = (
    "รหัสโรงเรียน", "ชื่อโรงเรียน", "เลขประจำตัวนักเรียน", "ชั้น", "ห้อง", "เลขประจำตัวนักเรียน", "เพศ", "คำนำหน้าชื่อ", "ชื่อ",
    "นามสกุล", "วันเกิด", "อายุ(ปี)", "น้ำหนัก", "ส่วนสูง", "กลุ่มเลือด", "ศาสนา", "เชื้อชาติ", "สัญชาติ", "บ้านเลขที่", "หมู่", "ถนน/ซอย",
    "ตำบล", "อำเภอ", "จังหวัด", "ชื่อผู้ปกครอง", "นามสกุลผู้ปกครอง", "อาชีพของผู้ปกครอง", "ความเกี่ยวข้องของผู้ปกครองกับนักเรียน",
    "ชื่อบิดา", "นามสกุลบิดา", "อาชีพของบิดา", "ชื่อมารดา", "นามสกุลมารดา", "อาชีพของมารดา", "ความด้อยโอกาส",
    "ยังไม่สามารถจำหน่ายได้ (3.1.8)",
)  # fmt: skip
PHONE_HEADER = "เบอร์โทรศัพท์"  # a column schools add behind DMC's own
SGS_HEADERS = (
    "รหัสโรงเรียน", "รหัสวิชา", "ชื่อวิชา", "หน่วยกิต", "กลุ่มที่", "ชั้น/ห้อง", "ครูผู้สอน", "เลขประจำตัว", "ชื่อ-นามสกุล", "เลขที่",
    "ปีการศึกษา", "ภาคเรียนที่", "ก่อนกลางภาค", "กลางภาค", "หลังกลางภาค", "ปลายภาค", "รวม", "รวมร้อยละ", "เต็มก่อนกลางภาค",
    "เต็มกลางภาค", "เต็มหลังกลางภาค", "เต็มปลายภาค", "เต็มรวม", "ผลการเรียน", *(f"Q{k}" for k in range(1, 11)), "QGrade",
    *(f"L{k}" for k in range(1, 6)), "LGrade", "เวลาเรียนร้อยละ", "สาย", "ลาป่วย", "ลากิจ", "ขาด",
)  # fmt: skip
SCREENING_HEADERS = (
    "รหัสโรงเรียน", "เลขประจำตัวประชาชน", "ชื่อ-นามสกุล", "ชั้น", "วันที่สำรวจ", "ผลการคัดกรอง", "รายได้เฉลี่ยต่อคนต่อเดือน",
    "จำนวนภาระพึ่งพิง", "อาศัยอยู่กับ", "ระยะทาง (กม.)", "เวลาเดินทาง (นาที)",
    "พื้นบ้าน", "ฝาบ้าน", "หลังคา", "ห้องส้วม", "แหล่งน้ำดื่ม", "แหล่งไฟฟ้า",
    "รถยนต์นั่งส่วนบุคคล", "รถปิกอัพ/รถบรรทุกเล็ก/รถตู้", "รถไถ/รถเกี่ยวข้าว", "รถมอเตอร์ไซต์/เรือประมงพื้นบ้าน",
    "คอมพิวเตอร์", "แอร์", "ทีวีจอแบน", "เครื่องซักผ้า", "ตู้เย็น", "ละติจูด", "ลองจิจูด",
)  # fmt: skip
GRANT_HEADERS = (
    "รหัสโรงเรียน", "เลขประจำตัวประชาชน", "ชื่อ-นามสกุล", "ชั้น", "ประเภททุน", "วันที่เริ่มรับทุน", "วันที่สิ้นสุด", "วันที่ประกาศผล",
    "เงื่อนไขเวลาเรียน (ร้อยละ)",
)  # fmt: skip
MIDTERM_HEADERS = (
    "รหัสโรงเรียน", "ปีการศึกษา", "ภาคเรียนที่", "เลขประจำตัวนักเรียน", "ชั้น", "รหัสวิชา", "คะแนนเต็ม", "คะแนนกลางภาค", "ร้อยละ",
    "วันที่ประกาศคะแนน",
)  # fmt: skip

POVERTY_TH = {"not_poor": "ไม่ยากจน", "poor": "ยากจน", "extremely_poor": "ยากจนพิเศษ"}
LIVES_TH = {"both_parents": "พ่อแม่", "one_parent": "พ่อหรือแม่", "relatives": "ญาติ", "other_household": "ผู้อุปการะ/นายจ้าง",
            "institution": "ครัวเรือนสถาบัน", "alone": "อยู่ลำพัง"}  # fmt: skip
# Steps of HOME_FORM in the form's words; of a vehicle or appliance, whether it is there.
HOME_TH = {
    "floor": ("กระเบื้อง/เซรามิค", "ซีเมนต์เปลือย", "ไม้กระดาน", "ไม้ไผ่", "ดิน/ทราย"),
    "walls": ("ฉาบซีเมนต์", "อิฐ/ก้อนปูน/อิฐบล็อก", "ไม้กระดาน", "สังกะสี", "ไม้ไผ่/ท่อนไม้/เศษไม้"),
    "roof": ("กระเบื้อง/เซรามิค", "โลหะ (สังกะสี/เหล็ก/อะลูมิเนียม)", "ใบไม้/วัสดุธรรมชาติ", "ไวนิล/กระดาษ/แผ่นพลาสติก"),
    "toilet": ("มี", "ไม่มี"),
    "water": ("น้ำดื่มบรรจุขวด/ตู้หยอดน้ำ", "น้ำประปา", "น้ำบ่อ/น้ำบาดาล", "น้ำฝน/น้ำประปาภูเขา/ลำธาร"),
    "power": ("ไฟบ้านหรือมิเตอร์", "ไฟต่อพ่วง/แบตเตอรี่", "เครื่องปั่นไฟ/โซลาเซลล์", "ไม่มีไฟฟ้า/ไม่มีเครื่องกำเนิดไฟฟ้าชนิดอื่น ๆ"),
}  # fmt: skip
CAUSE_TH = {"graduated": "จบการศึกษา", "moved_school": "ย้ายสถานศึกษา", "moved_abroad": "ไปต่างประเทศ", "died": "เสียชีวิต",
            "not_found": "ขาดเรียนนานไม่พบตัวตน", "withdrew": "ลาออก", "past_compulsory_age": "พ้นเกณฑ์การศึกษาภาคบังคับ",
            "unknown": "ไม่ระบุ"}  # fmt: skip
ROLL_SIGN = {"P": "/", "A": "ข", "L": "ล", "S": "ป", "T": "ส", "V": "ก"}
DAILY_WORD = {"P": "มา", "T": "สาย", "S": "ลาป่วย", "L": "ลากิจ", "A": "ขาด", "V": "กิจกรรม"}

_SUBJECTS = [
    (letter, title, f"{credit:.1f}")
    for (letter, title), credit in zip(LEARNING_AREAS.items(), SUBJECT_CREDITS, strict=True)
]
_TO_THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
_NBSP = "\u00a0"
_JOBS_OF_PARENTS = ("เกษตรกรรม", "รับจ้าง", "ค้าขาย", "รับราชการ", "ไม่ได้ประกอบอาชีพ", "อื่นๆ")
_RELATION = {"both_parents": ("พ่อ", "แม่"), "one_parent": ("แม่", "แม่", "พ่อ"), "relatives": ("ยาย", "ย่า", "ตา", "ป้า"),
             "other_household": ("ญาติ",), "institution": ("-",), "alone": ("-",)}  # fmt: skip
_SETTINGS = (
    Settings.model_construct()
)  # the demo keeps the calendar of state schools, whatever this machine's settings say
_FEWEST_SCHOOLS_FOR_PROCESSES = 8  # starting processes costs more than writing a smaller area


@dataclass(frozen=True)
class School:
    """One school with everything its files say; small enough to hand to another process."""

    number: int
    row: pd.Series
    area_index: int
    seed: int
    as_of: date
    years: tuple[int, ...]
    people: pd.DataFrame
    lists: pd.DataFrame
    pages: pd.DataFrame
    marks: np.ndarray
    results: pd.DataFrame
    midterms: pd.DataFrame
    screenings: pd.DataFrame
    grants: pd.DataFrame
    exits: pd.DataFrame

    def rng(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose of this school, the same whoever draws them and when."""
        key = (self.area_index, self.number + 1, *purpose)
        return np.random.default_rng(np.random.SeedSequence(entropy=self.seed, spawn_key=key))


def write_files(
    area: Area, folder: Path, *, progress: Callable[[int, int], None] | None = None, jobs: int = -1
) -> list[Path]:
    """Write every agency file of the area below `folder`; returns their paths, sorted.

    `progress` is told (schools done, schools in all). Files that are there already are overwritten.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [_write_schools(area, folder / "schools.csv"), _write_holidays(area, folder / "holidays.csv")]
    # The largest first, so that no process is left with one at the end.
    largest_first = sorted(schools(area), key=lambda school: -len(school.marks))
    todo = (joblib.delayed(_write_school)(school, folder) for school in largest_first)
    alone = jobs == 1 or len(area.schools) < _FEWEST_SCHOOLS_FOR_PROCESSES
    done = joblib.Parallel(n_jobs=1 if alone else jobs, return_as="generator")(todo)
    for count, written in enumerate(done, start=1):
        files += written
        if progress is not None:
            progress(count, len(area.schools))
    return sorted(files)


def schools(area: Area) -> Iterable[School]:
    """The area cut into its schools, each with its own rows of every table."""
    names = ("lists", "pages", "results", "midterms", "screenings", "grants", "exits")
    tables = {name: getattr(area, name) for name in names}
    rows = {name: table.groupby("school", sort=True).indices for name, table in tables.items()}
    for number in range(len(area.schools)):
        own = {name: table.iloc[rows[name].get(number, [])] for name, table in tables.items()}
        persons = np.unique(np.concatenate([table["person"].to_numpy() for table in own.values()]))
        yield School(
            number, area.schools.iloc[number], area.index, area.seed, area.as_of, area.years,
            area.people.iloc[persons].set_axis(persons.astype(np.int64), axis=0),
            marks=area.marks[rows["pages"].get(number, [])], **own,
        )  # fmt: skip


def mistyped_numbers(area: Area) -> frozenset[str]:
    """The citizen ids with a wrong check digit that the DMC lists of the area hold on purpose."""
    found: set[str] = set()
    for school in schools(area):
        if school.row["kind"] == "college":
            continue
        for year, number, part in _census_lists(school):
            right = school.people["id_number"].loc[part["person"]].to_numpy()
            wrong = _typed_numbers(school, year, number, right)
            found |= {typed for typed, true in zip(wrong, right, strict=True) if typed not in (true, "-")}
    return frozenset(found)


# ------------------------------------------------------------------------------------------------- the area's own
# files
def _write_schools(area: Area, file: Path) -> Path:
    headers = ("รหัสโรงเรียน", "รหัสโรงเรียน 10 หลัก", "ชื่อโรงเรียน", "รหัสเขตพื้นที่", "เขตพื้นที่การศึกษา", "สังกัด", "ตำบล", "อำเภอ",
               "จังหวัด", "ละติจูด", "ลองจิจูด")  # fmt: skip
    columns = [
        "school_id",
        "code10",
        "name",
        "area_id",
        "area_name",
        "agency",
        "subdistrict",
        "district",
        "province",
        "latitude",
        "longitude",
    ]
    return _write_csv(file, headers, area.schools[columns].astype(str).to_numpy().tolist(), bom=True)


def _write_holidays(area: Area, file: Path) -> Path:
    school = ["", *area.schools["school_id"]]
    rows = [
        (_be(day), school[number + 1], name)
        for number, day, name in zip(
            area.closed["school"], area.closed["day"].dt.date, area.closed["name"], strict=True
        )
    ]
    return _write_csv(file, ("วันที่", "รหัสโรงเรียน", "รายการ"), rows, bom=True)


# ------------------------------------------------------------------------------------------------- a school's files
def _write_school(school: School, folder: Path) -> list[Path]:
    if school.row["kind"] == "college":
        return _write_college(school, folder)
    return [
        *_write_dmc(school, folder),
        *(_write_roll_books(school, folder) if school.row["records"] == "roll_book" else _write_daily(school, folder)),
        *_write_sgs(school, folder),
        *_write_primary(school, folder),
        *_write_midterms(school, folder),
        *_write_screenings(school, folder),
        *_write_grants(school, folder),
        *_write_exits(school, folder),
    ]


def _write_dmc(school: School, folder: Path) -> list[Path]:
    """One list a census round: what DMC's own export looks like, twin header and all."""
    files = []
    for year, number, part in _census_lists(school):
        listed = part["listed_on"].iloc[0].date()
        name = f"{year}-{number}-student-{school.row['school_id']}.xlsx"
        title = f"วันและเวลาที่สร้างรายงาน {_be(listed)} 16:30"
        rows = _dmc_rows(school, year, number, part)
        files.append(
            _write_xlsx(folder / str(year) / "dmc_list" / name, [[title], [*DMC_HEADERS, PHONE_HEADER], *rows], listed)
        )
    return files


def _census_lists(school: School) -> Iterable[tuple[int, int, pd.DataFrame]]:
    """Year, round and rows of each list, in the order in which they are printed."""
    return _by(school.lists.sort_values(["level", "room", "roll_number", "person"]), "academic_year", "round")


def _dmc_rows(school: School, year: int, number: int, part: pd.DataFrame) -> list[list[str | float]]:
    rng, n = school.rng(1, year, number), len(part)
    who = school.people.loc[part["person"]]
    ids = _typed_numbers(school, year, number, who["id_number"].to_numpy())
    prefix, first, last = _spoilt_names(rng, who, part["level"].to_numpy())
    listed = part["listed_on"].iloc[0].date()
    born = [_be(day) for day in who["birth_date"].dt.date]
    for row in np.flatnonzero(rng.random(n) < IMPOSSIBLE_BIRTH_DATE):
        born[row] = f"31/02/{born[row][6:]}"
    age = ((pd.Timestamp(listed) - who["birth_date"]).dt.days // 365.25).astype(int).tolist()
    weight = np.where(rng.random(n) < WEIGHT_999, 999.0, part["weight_kg"].to_numpy())
    unweighed = rng.random(n) < 0.02
    room = part["room"].astype(str).tolist()
    if school.rng(2).random() < THAI_DIGITS:
        room, born = [_thai(text) for text in room], [_thai(text) for text in born]
    parents, phone = _parents(part["person"].to_numpy(), who), [_phone(person) for person in part["person"].tolist()]
    poor = who["poverty"].to_numpy() > 0.6
    sex = np.where(who["sex"] == "male", "ช", "ญ")
    place = [
        school.row[c].removeprefix(p)
        for c, p in (("subdistrict", "ตำบล"), ("district", "อำเภอ"), ("province", "จังหวัด"))
    ]
    student = part["number"].astype(str).tolist()
    grade, floating = part["grade"].tolist(), part["floating"].tolist()
    height = part["height_cm"].tolist()
    rows: list[list[str | float]] = [
        [
            school.row["school_id"], school.row["name"], ids[k], grade[k], room[k], student[k], sex[k], prefix[k],
            first[k], last[k],
            born[k], age[k], "-" if unweighed[k] else float(weight[k]), "-" if unweighed[k] else height[k],
            *parents[k][:4],
            *parents[k][4:7], *place, *parents[k][7:], "ยากจน" if poor[k] else "-", "ใช่" if floating[k] else "-",
            phone[k],
        ]
        for k in range(n)
    ]  # fmt: skip
    if n and rng.random() < REPEATED_ROW:
        rows.append(list(rows[int(rng.integers(0, n))]))
    return rows


def _typed_numbers(school: School, year: int, number: int, right: np.ndarray) -> list[str]:
    """Citizen ids as typed: now and then the last digit is wrong or the cell empty."""
    draw = school.rng(3, year, number).random(len(right))
    typed = []
    for true, u in zip(right, draw, strict=True):
        if u < MISTYPED_ID and not true.startswith("G"):
            typed.append(f"{true[:-1]}{(int(true[-1]) + 1) % 10}")
        else:
            typed.append("-" if u > 1 - BLANK_NUMBER else true)
    return typed


def _spoilt_names(
    rng: np.random.Generator, who: pd.DataFrame, level: np.ndarray
) -> tuple[list[str], list[str], list[str]]:
    """Prefix, first and last name as such lists hold them: a few glued, with odd spaces or a taken-apart sara am."""
    prefix = _prefixes(who, level)
    first, last = who["first_name"].tolist(), who["last_name"].tolist()
    glued, spaced, apart = (rng.random(len(who)) < share for share in (GLUED_PREFIX, NO_BREAK_SPACE, DECOMPOSED_AM))
    for k in np.flatnonzero(glued):
        prefix[k], first[k] = "-", prefix[k] + first[k]
    for k in np.flatnonzero(spaced):
        last[k] = f"{_NBSP}{last[k]} "
    for k in np.flatnonzero(apart):
        first[k], last[k] = first[k].replace("ำ", "ํา"), last[k].replace("ำ", "ํา")
    return prefix, first, last


def _prefixes(who: pd.DataFrame, level: np.ndarray) -> list[str]:
    """เด็กชาย and เด็กหญิง up to ม.3, then นาย and นางสาว, as school tools write them."""
    male, young = who["sex"].to_numpy() == "male", level <= 9
    prefix: list[str] = np.where(young, np.where(male, "เด็กชาย", "เด็กหญิง"), np.where(male, "นาย", "นางสาว")).tolist()
    return prefix


def _parents(person: np.ndarray, who: pd.DataFrame) -> list[tuple[str, ...]]:
    """Columns 15–21 and 25–34 of the list: blood group … road, and who looks after the child. A child's stay the
    same in
    every list, so they follow from the person's number."""
    rows = []
    for p, lives, surname, number in zip(
        person.tolist(), who["lives_with"], who["last_name"], who["id_number"], strict=True
    ):
        mixed = p * 2_654_435_761 % 2**32
        relation = _RELATION[lives][mixed % len(_RELATION[lives])]
        father, mother = BOYS[mixed // 7 % len(BOYS)], GIRLS[mixed // 11 % len(GIRLS)]
        other = "".join(part[mixed // (13 + k) % len(part)] for k, part in enumerate(SURNAME_PARTS))
        guardian = {"พ่อ": (father, surname), "แม่": (mother, surname)}.get(
            relation, (GIRLS[mixed // 17 % len(GIRLS)], other) if relation != "-" else ("-", "-")
        )
        faith = "พุทธ " if mixed % 100 == 7 else "อิสลาม" if mixed % 100 < 5 else "คริสต์" if mixed % 100 == 5 else "พุทธ"
        nation = "ไม่มีสัญชาติ" if number.startswith("G") else "ไทย"
        jobs = [_JOBS_OF_PARENTS[mixed // k % 6] for k in (19, 23, 29)]
        rows.append((
            ("A", "B", "O", "AB", "-")[mixed // 5 % 5], faith, "ไทย" if nation == "ไทย" else "-", nation,
            f"{mixed // 3 % 200 + 1}", f"{mixed // 31 % 14 + 1}", "-", *guardian, jobs[0], relation,
            *((father, surname, jobs[1]) if mixed % 9 else ("-", "-", "-")), mother, surname, jobs[2],
        ))  # fmt: skip
    return rows


def _phone(person: int) -> str:
    """A guardian's number, the same in every list: it follows from the person's number, like the address. 08x-000-xxxx
    is made up at a glance."""
    mixed = person * 2_246_822_519 % 2**32  # another factor: who has a telephone says nothing about the rest
    return "-" if mixed / 2**32 < NO_PHONE else f"08{mixed // 7 % 10}-000-{mixed // 73 % 10_000:04d}"


# ------------------------------------------------------------------------------------------------- attendance
def _term_pages(school: School, year: int, term: int) -> tuple[np.ndarray, np.ndarray, date]:
    """Rows of the school's pages on which the term has room for marks, the term's school days (positions), day 0."""
    start = first_day(year, _SETTINGS)
    first, last = ((day - start).days for day in term_days(year, term, _SETTINGS))
    last = min(last, (school.as_of - start).days - 1)
    pages = school.pages
    rows = np.flatnonzero((pages["academic_year"] == year) & (pages["from_day"] <= last) & (pages["until_day"] > first))
    window = school.marks[rows, first : last + 1]
    days = (
        first + np.flatnonzero((window != ord(NO_SCHOOL)).any(axis=0))
        if len(rows) and last >= first
        else np.zeros(0, np.int64)
    )
    if not len(days) or not (window != ord(NOT_RECORDED))[:, days - first].any():
        return rows[:0], days[:0], start  # nobody has called the roll: no file ever left the school
    return rows, days, start


def _write_roll_books(school: School, folder: Path) -> list[Path]:
    """ปพ.5, one room and term a file, half of them in the code page of old Windows."""
    files = []
    for year in school.years:
        for term in (1, 2):
            rows, days, start = _term_pages(school, year, term)
            dates = [_be(start + timedelta(days=int(d))) for d in days]
            pages = school.pages.iloc[rows].reset_index(drop=True)
            for level, room, part in _by(pages, "level", "room"):
                own = part.sort_values("roll_number")
                rng = school.rng(4, year, term, level % 17, room)  # อ.2 is level −1, and a key is not negative
                lines = [
                    "แบบบันทึกเวลาเรียน (ปพ.5)",
                    f"โรงเรียน,{school.row['name']},รหัสโรงเรียน,{school.row['school_id']}",
                    f"ชั้น,{LEVEL_GRADE[level]},ห้อง,{room},ภาคเรียนที่,{term},ปีการศึกษา,{year}",
                    ",".join(("เลขที่", "เลขประจำตัวนักเรียน", "ชื่อ-นามสกุล", *dates)),
                    *_roll_lines(rng, school, own, school.marks[np.ix_(rows[own.index], days)]),
                ]
                text = "\r\n".join(lines) + "\r\n"
                if rng.random() < THAI_DIGITS:
                    text = _thai(text)
                name = f"ปพ5-{school.row['school_id']}-{term}-{year}-{LEVEL_GRADE[level].replace('.', '')}-{room}.csv"
                encoding = "cp874" if rng.random() < CP874 else "utf-8"
                files.append(_write(folder / str(year) / "roll_book" / name, text.encode(encoding)))
    return files


def _roll_lines(rng: np.random.Generator, school: School, own: pd.DataFrame, marks: np.ndarray) -> list[str]:
    """A line a child; an empty box stays empty or holds a dash, as the room's teacher likes it."""
    signs = np.full(256, "-" if rng.random() < 0.3 else "", object)
    for mark, sign in ROLL_SIGN.items():
        signs[ord(mark)] = sign
    boxes = signs[marks]
    if rng.random() < UNKNOWN_MARK:
        boxes[rng.integers(0, boxes.shape[0]), rng.integers(0, boxes.shape[1])] = "X"
    spoilt = _spoilt_names(rng, school.people.loc[own["person"]], own["level"].to_numpy())
    names = [f"{prefix}{first} {last}".removeprefix("-") for prefix, first, last in zip(*spoilt, strict=True)]
    return [
        f"{roll},{number},{name},{','.join(line)}"
        for roll, number, name, line in zip(own["roll_number"], own["number"], names, boxes.tolist(), strict=True)
    ]


def _write_daily(school: School, folder: Path) -> list[Path]:
    """One row a child and day, with a few rows nobody can read and a few that stand twice."""
    files = []
    words = [DAILY_WORD.get(chr(code)) for code in range(256)]
    for year in school.years:
        for term in (1, 2):
            rows, days, start = _term_pages(school, year, term)
            if not len(rows):
                continue
            rng = school.rng(5, year, term)
            tails = [[word and f"{_be(start + timedelta(days=int(d)))},{word}" for word in words] for d in days]
            lines = []
            for number, marks in zip(
                school.pages["number"].iloc[rows], school.marks[np.ix_(rows, days)].tolist(), strict=True
            ):
                head = f"{school.row['school_id']},{number},"
                lines += [head + tail[mark] for tail, mark in zip(tails, marks, strict=True) if tail[mark]]
            picked = rng.choice(len(lines), min(3 * BAD_DAILY_ROWS, len(lines)), replace=False).tolist()
            for k in picked[:BAD_DAILY_ROWS]:
                lines.append(lines[k])
            for k in picked[BAD_DAILY_ROWS : 2 * BAD_DAILY_ROWS]:
                lines[k] = lines[k].rpartition(",")[0] + ",ไม่ทราบ"
            for k in picked[2 * BAD_DAILY_ROWS :]:
                code, number, _, word = lines[k].split(",")
                lines[k] = f"{code},{number},31/06/{year},{word}"
            text = "รหัสโรงเรียน,เลขประจำตัวนักเรียน,วันที่,สถานะ\n" + "\n".join(lines) + "\n"
            name = f"attendance-{school.row['school_id']}-{year}-{term}.csv"
            files.append(_write(folder / str(year) / "attendance_daily" / name, text.encode()))
    return files


# ------------------------------------------------------------------------------------------------- results
def _write_sgs(school: School, folder: Path) -> list[Path]:
    """Report 7 of SGS: an HTML table that calls itself .xls, its header on the second row."""
    files = []
    results = school.results[school.results["term"] > 0]
    for year, term, part in _by(results, "academic_year", "term"):
        pages = (
            school.pages[school.pages["academic_year"] == year]
            .drop_duplicates("person", keep="last")
            .set_index("person")
        )
        title = f"รายงานผลการเรียน ปพ.5 ปีการศึกษา {year} ภาคเรียนที่ {term} {school.row['name']}"
        printed = results_known(year, term, _SETTINGS) - timedelta(days=1)
        rows = _sgs_rows(school, year, term, part, pages)
        head = "".join(f"<td><b>{header}</b>" for header in SGS_HEADERS)
        body = "\n".join("<tr><td>" + "<td>".join(row) for row in rows)
        text = (
            '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>\n'
            f'<body><table border="1">\n<tr><td colspan="{len(SGS_HEADERS)}">{title} พิมพ์เมื่อ {_be(printed)}\n'
            f"<tr>{head}\n{body}\n</table></body></html>\n"
        )
        name = f"sgs7-{school.row['code10']}-{year}-{term}.xls"
        files.append(_write(folder / str(year) / "sgs_report_7" / name, text.encode()))
    return files


def _sgs_rows(school: School, year: int, term: int, part: pd.DataFrame, pages: pd.DataFrame) -> list[tuple[str, ...]]:
    part = part.join(pages[["room", "number", "roll_number"]], on="person")
    part = part.sort_values(["code_level", "code_term", "letter", "room", "roll_number"])
    waiting = (school.rng(6, year, term).random(len(part)) < NOT_YET_GRADED).tolist()
    names = _full_names(school, part)
    rows = []
    for row, name, wait in zip(part.to_dict("records"), names, waiting, strict=True):
        letter, title, credit = _SUBJECTS[row["letter"]]
        whole = row["percent"]
        has_total = not wait and whole == whole  # ร and มส have none
        earned = whole if whole == whole else 35.0
        scores = [f"{earned * share:.1f}" for share in (0.3, 0.2, 0.2)]
        scores += [f"{whole * 0.3:.1f}", f"{whole:.1f}", f"{whole:.2f}"] if has_total else ["", "", ""]
        trait = str(min(3, max(0, int(earned // 20) - 1)))
        rows.append((
            school.row["code10"], course_code(row["letter"], row["code_level"], row["code_term"]), title, credit, "1",
            f"{LEVEL_GRADE[row['level']]}/{row['room']}", f"ครู{letter}{row['code_level']}", str(row["number"]), name,
            str(row["roll_number"]), str(year), str(term), *scores, "30", "20", "20", "30", "100",
            "" if wait else GRADE_SCALE[row["grade"]], *(trait,) * 17, f"{row['attended_percent']:.2f}",
            *(str(row[kind]) for kind in ("late", "sick", "leave", "absent")),
        ))  # fmt: skip
    return rows


def _full_names(school: School, part: pd.DataFrame) -> list[str]:
    """Prefix glued to the first name, then the family name: how most lists print a child."""
    who = school.people.loc[part["person"]]
    prefix = _prefixes(who, part["level"].to_numpy())
    return [f"{p}{first} {last}" for p, first, last in zip(prefix, who["first_name"], who["last_name"], strict=True)]


def course_code(letter: int, level: int, term: int) -> str:
    """Subject code: learning area, band, year within the band, basic subject, running number.

    >>> course_code(1, 7, 2), course_code(0, 4, 1)
    ('ค21102', 'ท14101')
    """
    band, year = (level - 1) // 3 + 1, (level - 1) % 3 + 1
    stage = f"1{level}" if level <= 6 else f"{band - 1}{year}"
    return f"{list(LEARNING_AREAS)[letter]}{stage}1{term:02d}"


def _write_primary(school: School, folder: Path) -> list[Path]:
    """Year results of ป.1–6."""
    headers = ("รหัสโรงเรียน", "ปีการศึกษา", "เลขประจำตัวนักเรียน", "ชั้น", "รหัสวิชา", "กลุ่มสาระ", "คะแนนร้อยละ", "ผลการเรียน")
    titles = list(LEARNING_AREAS.values())
    files = []
    for year, _, part in _by(school.results[school.results["term"] == 0], "academic_year", "term"):
        pages = (
            school.pages[school.pages["academic_year"] == year]
            .drop_duplicates("person", keep="last")
            .set_index("person")
        )
        part = part.sort_values(["level", "person", "letter"])
        number = pages["number"].loc[part["person"]].tolist()
        rows = [
            (school.row["school_id"], str(year), str(n), LEVEL_GRADE[level], course_code(letter, level, 1),
            titles[letter],
             f"{percent:.2f}", GRADE_SCALE[grade])
            for n, level, letter, percent, grade in zip(number, part["level"], part["letter"], part["percent"],
            part["grade"], strict=True)
        ]  # fmt: skip
        files.append(
            _write_csv(
                folder / str(year) / "primary_results" / f"primary-{school.row['school_id']}-{year}.csv", headers, rows
            )
        )
    return files


def _write_midterms(school: School, folder: Path) -> list[Path]:
    """Mid-term marks out of 30 or 20, a file a term."""
    files = []
    for year, term, part in _by(school.midterms, "academic_year", "term"):
        part = part.sort_values(["level", "letter", "person"])
        pages = school.pages[school.pages["academic_year"] == year].drop_duplicates("person", keep="last")
        number = pages.set_index("person")["number"].loc[part["person"]].tolist()
        rng = school.rng(9, year, term)
        full = np.where(part["letter"].to_numpy() < 2, 30, 20)  # Thai and mathematics weigh more
        score = np.round(part["percent"].to_numpy() * full / 50) / 2
        waiting = rng.random(len(part)) < NOT_YET_GRADED
        known = _be(part["known_on"].iloc[0].date())
        rows = [
            (school.row["school_id"], str(year), str(term), str(n), LEVEL_GRADE[level],
             course_code(letter, level, term), str(most),
             *(("", "") if wait else (f"{mark:.1f}", f"{100 * mark / most:.2f}")), known)
            for n, level, letter, most, mark, wait in zip(
                number, part["level"], part["letter"], full.tolist(), score.tolist(), waiting.tolist(), strict=True
            )
        ]  # fmt: skip
        name = f"midterm-{school.row['school_id']}-{year}-{term}.csv"
        files.append(_write_csv(folder / str(year) / "midterm_marks" / name, MIDTERM_HEADERS, rows))
    return files


# ------------------------------------------------------------------------------------------------- home
def _write_screenings(school: School, folder: Path) -> list[Path]:
    files = []
    for year, _, part in _by(school.screenings.assign(_=0), "academic_year", "_"):
        part = part.sort_values(["surveyed_on", "person"])
        who = school.people.loc[part["person"]]
        names = _full_names(school, part)
        rng = school.rng(7, year)
        unsaid = rng.random((len(part), 2)) < 0.03
        blank = rng.random((len(part), len(HOME_FORM))) < UNANSWERED
        words = [np.array(HOME_TH.get(name, ("มี", "ไม่มี")), object)[part[name].to_numpy()] for name in HOME_FORM]
        home = np.where(blank, "-", np.stack(words, axis=1)).tolist()
        rows: list[list[str | float]] = [
            [
                school.row["school_id"], number, name, LEVEL_GRADE[row["level"]], _be(row["surveyed_on"].date()),
                POVERTY_TH[row["poverty_class"]],
                float(row["income_per_head"]), int(row["dependants"]),
                "-" if skip[0] else LIVES_TH[row["lives_with"]], float(row["distance_km"]),
                "-" if skip[1] else float(row["travel_minutes"]), *boxes, *_where(school, row),
            ]
            for row, number, name, skip, boxes in zip(
                part.to_dict("records"), who["id_number"], names, unsaid, home, strict=True
            )
        ]  # fmt: skip
        file = folder / str(year) / "poverty_screening" / f"screening-{school.row['school_id']}-{year}.xlsx"
        files.append(_write_xlsx(file, [list(SCREENING_HEADERS), *rows], date(year - BUDDHIST_ERA, 7, 1)))
    return files


def _where(school: School, row: Mapping[Hashable, Any]) -> tuple[str | float, str | float]:
    """Latitude and longitude as tagged beside the house: on its village's road from school, as far as the form says.
    One house in ten has no tag. It follows from the person's number, like the rest of the address."""
    mixed = row["person"] * 2_654_435_761 % 2**32
    if mixed % 10 == 0:
        return "-", "-"
    # The golden angle keeps the fourteen villages apart.
    turn = 2 * np.pi * (mixed // 31 % 14 * 0.381966 + mixed // 37 % 100 / 4000)
    degrees = float(row["distance_km"]) / 1.35 / 111.2
    latitude, longitude = school.row["latitude"], school.row["longitude"]
    east = degrees * np.sin(turn) / np.cos(np.radians(latitude))
    return round(float(latitude + degrees * np.cos(turn)), 5), round(float(longitude + east), 5)


def _write_grants(school: School, folder: Path) -> list[Path]:
    """Who was awarded the equity grant this year, as announced in July."""
    files = []
    for year, _, part in _by(school.grants.assign(_=0), "academic_year", "_"):
        part = part.sort_values(["level", "person"])
        days = zip(*(part[c].dt.date for c in ("from_day", "until_day", "announced_on")), strict=True)
        numbers = school.people["id_number"].loc[part["person"]]
        rows = [
            (school.row["school_id"], number, name, LEVEL_GRADE[level], "ทุนเสมอภาค", *map(_be, on), str(asks))
            for number, name, level, on, asks in zip(
                numbers, _full_names(school, part), part["level"], days, part["attendance_percent"], strict=True
            )
        ]
        file = folder / str(year) / "grant_list" / f"grant-{school.row['school_id']}-{year}.csv"
        files.append(_write_csv(file, GRANT_HEADERS, rows, bom=True))
    return files


# ------------------------------------------------------------------------------------------------- leavers, college
def _write_exits(school: School, folder: Path) -> list[Path]:
    headers = ("รหัสโรงเรียน", "เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน", "ชั้น", "วันที่จำหน่าย", "สาเหตุ")
    files = []
    exits = school.exits.sort_values(["left_on", "person", "cause"])
    starts = pd.to_datetime([first_day(year, _SETTINGS) for year in school.years])
    for k, year in enumerate(school.years):
        before = starts[k + 1] if k + 1 < len(starts) else pd.Timestamp(school.as_of)
        part = exits[(exits["left_on"] >= starts[k]) & (exits["left_on"] < before)]
        if not len(part):
            continue
        rng = school.rng(8, year)
        numberless, odd = rng.random(len(part)) < BLANK_NUMBER * 5, rng.random(len(part)) < 0.01
        rows = [
            (school.row["school_id"], "-" if blank else number, str(row["number"]), LEVEL_GRADE[row["level"]],
             f"31/09/{year}" if wrong else _be(row["left_on"].date()), CAUSE_TH[row["cause"]])
            for row, number, blank, wrong in zip(
                part.to_dict("records"), school.people["id_number"].loc[part["person"]], numberless, odd, strict=True
            )
        ]  # fmt: skip
        file = folder / str(year) / "exit_list" / f"exit-{school.row['school_id']}-{year}.csv"
        files.append(_write_csv(file, headers, rows, bom=True))
    return files


def _write_college(school: School, folder: Path) -> list[Path]:
    """The college's own list, after each census day; who has gone since the last one stands on it once more, as
    ลาออก."""
    headers = ("รหัสสถานศึกษา", "ปีการศึกษา", "เลขประจำตัวประชาชน", "รหัสนักศึกษา", "คำนำหน้า", "ชื่อ", "นามสกุล",
    "เพศ", "วันเกิด", "ระดับชั้น",
               "สถานะ", "ข้อมูล ณ วันที่")  # fmt: skip
    files = []
    for year in school.years:
        before: pd.DataFrame | None = None
        for _, number, part in _by(school.lists[school.lists["academic_year"] == year], "academic_year", "round"):
            gone = before[~before["person"].isin(part["person"])] if before is not None else part.iloc[:0]
            listed = part["listed_on"].iloc[0].date()
            done = (part["level"] == 15) & (number == 3)
            rows = [
                *_college_rows(school, year, part, np.where(done, "สำเร็จการศึกษา", "กำลังศึกษา"), listed),
                *_college_rows(school, year, gone, np.full(len(gone), "ลาออก", object), listed),
            ]
            name = f"college-{school.row['school_id']}-{year}-{number}.csv"
            files.append(_write_csv(folder / str(year) / "college_list" / name, headers, rows, bom=True))
            before = part
    return files


def _college_rows(
    school: School, year: int, part: pd.DataFrame, status: np.ndarray, listed: date
) -> list[tuple[str, ...]]:
    who = school.people.loc[part["person"]]
    return [
        (school.row["school_id"], str(year), person["id_number"], f"6{number:010d}", prefix, person["first_name"],
        person["last_name"],
         "ชาย" if person["sex"] == "male" else "หญิง", _be(person["birth_date"].date()), grade, said, _be(listed))
        for person, number, grade, prefix, said in zip(
            who.to_dict("records"), part["number"], part["grade"], _prefixes(who, part["level"].to_numpy()), status,
            strict=True
        )
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------- writing
def _by(table: pd.DataFrame, first: str, second: str) -> Iterable[tuple[int, int, pd.DataFrame]]:
    for key in sorted(set(zip(table[first].tolist(), table[second].tolist(), strict=True))):
        yield *key, table[(table[first] == key[0]) & (table[second] == key[1])]


def _be(day: date) -> str:
    """dd/mm/yyyy in the Buddhist era."""
    return f"{day.day:02d}/{day.month:02d}/{day.year + BUDDHIST_ERA}"


def _thai(text: str) -> str:
    """The text with Thai digits."""
    return text.translate(_TO_THAI)


def _write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def _write_csv(file: Path, headers: Sequence[str], rows: Iterable[Sequence[str]], *, bom: bool = False) -> Path:
    """A CSV of cells that hold no comma and no quotation mark (none of ours do)."""
    text = "".join(",".join(row) + "\r\n" for row in (headers, *rows))
    return _write(file, text.encode("utf-8-sig" if bom else "utf-8"))


def _write_xlsx(file: Path, rows: Iterable[Sequence[str | float]], created: date) -> Path:
    """Sheet1 with text and number cells. The date of making is given, so that the bytes are the same every time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(file), {"in_memory": True})
    book.set_properties({"created": datetime(created.year, created.month, created.day, 16, 30)})  # noqa: DTZ001
    sheet = book.add_worksheet("Sheet1")
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(r, c, cell)
            else:
                sheet.write_number(r, c, cell)
    book.close()
    return file
