"""A made-up service area: children, schools, marks, grades, households, and who leaves why, drawn from a seed.

Nobody in it exists. The process is documented in docs/demo.md; the rates it aims at are the published Thai ones below,
as data. It knows what no register knows (each child's poverty, engagement, hazard), keeps that in `Area.truth`, and
shows the rest only as agencies would record it (raksa.demo_files writes those files).

    area = area(0)                      about 25 schools and 6,000 learners, the same for the same seed
    for area in areas(245, schools=120, learners=26_000): ...      a nation, one area at a time

Every year runs in the same order: children sit in schools, weeks of slackening come and go, some leave, marks
follow from
all of that, grades from the marks, and the summer decides who arrives in the next grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from raksa.calendar import academic_year, blank_page, first_day, position, term_days
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.tables import GRADES, LIVES_WITH, NOT_RECORDED, PAGE_DAYS, POVERTY_CLASSES

# Levels inside this module: 1–6 = ป.1–6, 7–12 = ม.1–6, 13–15 = ปวช.1–3; before them 0 = อ.3 and −1 = อ.2, found last.
LEVEL_GRADE = ("อ.3", *GRADES[3:], "อ.2")

# Leaves within the year, share of the learners of a grade. Administrative dropout rates of 2556 (National Statistical
# Office, Social Indicators 2560; DOMAIN 8.3). For ปวช. there is no published figure: assumed.
LEAVES_IN_YEAR = {
    **dict.fromkeys(range(1, 6), 0.0012), 6: 0.0020, 7: 0.0088, 8: 0.0090, 9: 0.0106, 10: 0.0097, 11: 0.0093,
    12: 0.0079, 13: 0.0150, 14: 0.0120, 15: 0.0080,
}  # fmt: skip
# Does not arrive in the next grade after the summer, share of those who finished the year. From next-grade progression
# 2563→64 (97.97, 97.36, 96.17, 97.71 %; NSO bulletin, DOMAIN 8.3); ป. and ป.6 assumed small; ม.3 by the equity grant's
# warning that up to 47 % of its ม.3 pupils are unlikely to continue (EEF, DOMAIN 8.3); ปวช. assumed.
LEAVES_IN_SUMMER = {
    **dict.fromkeys(range(1, 6), 0.0030), 6: 0.0100, 7: 0.0203, 8: 0.0264, 9: 0.1000, 10: 0.0383, 11: 0.0229,
    12: 0.0, 13: 0.0700, 14: 0.0400, 15: 0.0,
}  # fmt: skip
# Shares of all learners per year, half of the moves within the area in the summer. Assumed; deaths from life
# tables' order.
MOVES_IN_AREA, MOVES_OUT, MOVES_ABROAD, DIES = 0.02, 0.007, 0.0003, 0.0002
RETURNS_AFTER_LEAVING, RETURNS_AFTER_SUMMER = 0.12, 0.06
REPEATS_GRADE = 0.004
G_CODES = 0.015  # learners without a citizen id (DOMAIN 6)
COLLEGE_SHARE = 0.30  # of the ม.3 who go on; ปวช.1/ม.3 was 34.8–51.6 % in 2559–2563, other agencies' pupils included
AREA_SPREAD = 0.25  # standard deviation of poverty between areas, where a learner's is about 1
EXTREMELY_POOR, POOR = 0.19, 0.12  # of all learners; 1,244,591 and 574,412 of about 6.6 M in 2564 (DOMAIN 8.4)

# What moves a child to leave: log-hazard per standard deviation, or per yes. Directions after DOMAIN 8.6, sizes
# chosen so
# that what is recorded ranks leavers at an AUC of about 0.85 to 0.9.
WEIGHTS_IN_YEAR = {"poverty": 0.40, "far": 0.25, "family": 0.50, "disengaged": 0.65, "low_grades": 0.38,
                   "over_age": 0.6, "male": 0.22, "weak_school": 0.12}  # fmt: skip
WEIGHTS_IN_SUMMER = {"poverty": 0.62, "far": 0.25, "family": 0.40, "disengaged": 0.48, "low_grades": 0.52,
                     "over_age": 0.5, "male": 0.20, "weak_school": 0.10}  # fmt: skip
UNSEEN = 0.55  # standard deviation of what no file ever says of a child, in log-hazard
NEVER_SCREENED = 0.08
# The household form's answers, best first: from which step of poverty (a standard deviation is about 1) the next one is
# given, the household's luck with the thing included. Assumed. A vehicle or appliance is there below its one step.
HOME_FORM = {
    "floor": (-0.6, 0.6, 1.9, 2.3), "walls": (-0.3, 0.5, 1.0, 2.0), "roof": (-0.5, 2.0, 2.4), "toilet": (2.3,),
    "water": (-0.2, 0.7, 1.5), "power": (1.7, 2.1, 2.5),
    "car": (-1.2,), "pickup": (0.0,), "tractor": (-0.7,), "motorcycle": (1.7,),
    "computer": (-0.6,), "air_conditioner": (-0.9,), "flat_tv": (1.0,), "washing_machine": (0.5,), "fridge": (1.4,),
}  # fmt: skip
# The equity grant: three years for the extremely poor up to ม.3. Days asked for: 85 % in 2568 (DOMAIN 4.5), 80 % before
# (published for 2562, assumed since).
GRANT_YEARS, GRANTED = 3, 0.9
GRANT_ASKS, GRANT_ASKS_SINCE_2568 = 80, 85
MIDTERM_KNOWN_DAYS = 15  # from the middle of the term to the day the mid-term marks are given out; assumed
POVERTY_AFTER_M3 = 0.55  # on top, where compulsory school ends
SLIDING_RAISES_HAZARD = 16.0  # in weeks of slackening a child is that many times as likely to leave
RECOVERS_PER_WEEK = 0.14
FAILED_SUBJECT_RAISES = 0.25  # log-hazard of term 2 per subject left open in term 1, up to three

# Public holidays that fall on a weekday in term time: approximations made for this area, not an official calendar.
FIXED_HOLIDAYS = {
    "06-03": "วันเฉลิมพระชนมพรรษาพระราชินี", "07-28": "วันเฉลิมพระชนมพรรษา ร.10", "08-12": "วันแม่แห่งชาติ",
    "12-05": "วันพ่อแห่งชาติ", "12-10": "วันรัฐธรรมนูญ", "12-31": "วันสิ้นปี", "01-01": "วันขึ้นปีใหม่",
}  # fmt: skip
MOON_HOLIDAYS = {  # วิสาขบูชา, อาสาฬหบูชา, เข้าพรรษา, มาฆบูชา
    2566: ("06-03", "08-01", "08-02", "02-24"), 2567: ("05-22", "07-20", "07-21", "02-12"),
    2568: ("05-11", "07-10", "07-11", "03-03"), 2569: ("05-31", "07-29", "07-30", "02-21"),
}  # fmt: skip
MOON_NAMES = ("วันวิสาขบูชา", "วันอาสาฬหบูชา", "วันเข้าพรรษา", "วันมาฆบูชา")

LEARNING_AREAS = {"ท": "ภาษาไทย", "ค": "คณิตศาสตร์", "ว": "วิทยาศาสตร์และเทคโนโลยี", "ส": "สังคมศึกษา ศาสนา และวัฒนธรรม",
                  "พ": "สุขศึกษาและพลศึกษา", "ศ": "ศิลปะ", "ง": "การงานอาชีพ", "อ": "ภาษาต่างประเทศ"}  # fmt: skip
_HARDER = np.array([0, -7, -3, 1, 7, 5, 5, -6], np.float32)  # marks, by learning area in the order above
SUBJECT_CREDITS = (1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 1.0, 1.5)
_PRIMARY_AREAS = np.array([0, 1, 2, 3, 7])
GRADE_SCALE = ("0", "1", "1.5", "2", "2.5", "3", "3.5", "4", "ร", "มส")
_GRADE_STEPS = np.array([50, 55, 60, 65, 70, 75, 80])
_INCOMPLETE, _NO_RIGHT = 8, 9

# Everyday words as first names, syllables as family names: plainly invented.
GIRLS = ("มะลิ", "ใบบัว", "ชบา", "พุดซ้อน", "ลำดวน", "กระถิน", "ใบเตย", "ข้าวหอม", "น้ำผึ้ง", "ดาวเรือง", "ฟ้าใส", "สายรุ้ง",
         "ปลายฝน", "ต้นหอม", "ส้มโอ", "ชมพู่", "มะปราง", "ลูกจัน", "ขวัญข้าว", "แก้มบุ๋ม", "ไออุ่น", "เพียงดาว", "ใบหม่อน", "จำปี",
         "การะเกด", "บัวหลวง", "รวงข้าว", "น้ำค้าง", "พลอยฟ้า", "สายชล", "อ้อมใจ", "ทอฝัน")  # fmt: skip
BOYS = ("ก้อง", "ภูผา", "ต้นกล้า", "ขุนเขา", "เมฆา", "ตะวัน", "สายฟ้า", "ไม้เอก", "ธารา", "ดินแดน", "กล้าหาญ", "เข้ม",
        "ปลื้ม", "ต้นน้ำ", "ลมหนาว", "หินผา", "ทะเล", "เพชร", "ชัยนา", "ก้าวหน้า", "ทองดี", "มั่นคง", "ไผ่", "ตาล",
        "กระทิง", "นกยูง", "หมอก", "คำแสน", "แสนดี", "ใจกล้า", "พนา", "ไร่ฝัน")  # fmt: skip
SURNAME_PARTS = (
    ("ทอง", "แสง", "บุญ", "ศรี", "ใจ", "คำ", "แก้ว", "สุข", "พร", "วงศ์", "ไชย", "รุ่ง", "มาก", "เพียร", "ดี", "งาม"),
    ("ทดลอง", "ลองดู", "สมมุติ", "ตัวอย่าง", "นาไกล", "ปลายทุ่ง", "ริมห้วย", "ท้ายไร่", "เนินดิน", "โคกสูง", "ดอนกลาง", "หนองใส"),
    ("", "ดี", "กุล", "ชัย", "งาม", "สุข", "มณี", "ศิลป์", "วัฒน์", "พันธ์"),
)
_PLACES = ("ทุ่ง", "หนอง", "โคก", "ดอน", "ห้วย", "นา", "ป่า", "เนิน", "วัง", "คลอง", "บึง", "ท่า")
_PLACE_ENDS = ("ทดลอง", "สมมุติ", "ตัวอย่าง", "ลองดี", "จำลอง", "คิดเอา", "ในฝัน", "เสมือน", "ยกมา", "ว่าไว้")

_TEACHES = (("primary", "expanded"), ("expanded", "secondary"), ("secondary",), ("college",))
_FAMILY_RISK = np.array([-0.6, 0.5, 0.6, 1.3, 0.4, 2.2], np.float32)  # in the order of LIVES_WITH
_DAY = "datetime64[D]"
_NEVER = PAGE_DAYS  # a position after the last day of the page

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Area:
    """One made-up area, as recorded up to the day before `as_of`. Everywhere `person` and `school` are row numbers of
    `people` and `schools`; a school that has never sent attendance has none of its marks here.

    schools      school_id, code10, name, kind (primary, expanded, secondary, college), place, records (roll_book,
                 daily, none), last_recorded (NaT = still recording; before the running year = silent this year), and
                 what only the process knows: weight, poverty, remote, quality, season
    closed       days without school: school (-1 = all), day, name
    people       id_number (citizen id or G-code), sex, birth_date, names, and some latent columns of the process
    lists        one row a learner on a school's list of a census day: round 1, 2, 3, room, numbers, floating, body
    pages        one row a roll page: person, school, academic_year, from_day and until_day (positions; the child sat
                 there in between); the marks are `marks[row]`, PAGE_DAYS codes of raksa.tables.MARKS
    results      one row a subject result, term 0 = the year of a primary pupil; code_level and code_term name the
                 course (an earlier term's for a re-sit)
    midterms     one row a mid-term mark: the five main subjects of ม. at the secondary schools, known_on
    screenings   one row a household screening; for each answer of HOME_FORM its step, 0 = the best
    grants       one row an equity grant awarded: from_day, until_day, announced_on, attendance_percent
    exits        one row a learner taken off a list: left_on, cause
    truth        one row a learner and year, also of what happens after `as_of`: p_in_year, p_summer (the process's
                 own probabilities), kind (in_year, not_arrived or empty), left_on (first day the child stayed away),
                 recorded_as, returned. For judging a model, never for one to read.
    """

    index: int
    seed: int
    area_id: str
    name: str
    as_of: date
    years: tuple[int, ...]
    schools: pd.DataFrame
    closed: pd.DataFrame
    people: pd.DataFrame
    lists: pd.DataFrame
    pages: pd.DataFrame
    marks: np.ndarray
    results: pd.DataFrame
    midterms: pd.DataFrame
    screenings: pd.DataFrame
    grants: pd.DataFrame
    exits: pd.DataFrame
    truth: pd.DataFrame


def areas(
    n: int, *, schools: int = 25, learners: int = 6000, years: int = 3, as_of: date = date(2026, 11, 16), seed: int = 0
) -> Iterator[Area]:
    """Areas 0 … n−1, each from its own stream of random numbers, one at a time; nothing of the earlier ones is
    kept."""
    for index in range(n):
        yield area(index, schools=schools, learners=learners, years=years, as_of=as_of, seed=seed)


def area(
    index: int = 0,
    *,
    schools: int = 25,
    learners: int = 6000,
    years: int = 3,
    as_of: date = date(2026, 11, 16),
    seed: int = 0,
) -> Area:
    """One area with `years` complete academic years and the running one up to the day before `as_of`.

    `learners` sit in its schools in the first year; births keep that about level. Raises RaksaError if the sizes
    make no area.
    """
    if not (3 <= schools <= 899 and 0 <= index <= 899 and learners >= 10 * schools and years >= 1):
        raise RaksaError(
            "A made-up area needs 3 to 899 schools, 10 learners a school or more, a year or more, an index up to 899; "
            f"asked for were {schools} schools, {learners} learners, {years} years, index {index}. Choose within these."
        )
    rng, apart = (
        np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key)) for key in ((index,), (index, 0))
    )
    settings = Settings.model_construct()  # the calendar of state schools, whatever this machine's settings say
    running = academic_year(as_of, settings)
    all_years = tuple(range(running - years, running + 1))
    level = float(rng.normal(0, AREA_SPREAD))  # how poor the area is
    made = _schools(rng, index, schools, level, as_of, running, settings)
    closed = _closed_days(rng, made, all_years, settings)
    world = _World(rng, apart, settings, made, closed, index, level)
    world.settle(learners, all_years[0])
    for year in all_years:
        world.live(year, as_of)
    world.kindergarten(all_years, as_of)
    return world.area(seed, as_of, all_years)


# ------------------------------------------------------------------------------------------------- schools and days
def _schools(
    rng: np.random.Generator, index: int, n: int, level: float, as_of: date, running: int, settings: Settings
) -> pd.DataFrame:
    secondary, expanded = max(1, int(n * 0.19 + 0.5)), round((n - 3) * 0.22)
    kinds = (
        ["primary"] * (n - 1 - secondary - expanded) + ["expanded"] * expanded + ["secondary"] * secondary + ["college"]
    )
    kind = np.array(kinds)
    subdistrict = np.arange(n) % max(1, n // 3)
    of_place = rng.normal(0, 0.55, subdistrict.max() + 1)
    remote = rng.normal(0, 1, n) - 0.7 * np.isin(kind, ("secondary", "college"))
    weight = np.exp(rng.normal(0, np.where(kind == "primary", 0.75, 0.35), n))
    number = rng.permutation(899)[:n] + 100
    records = np.where(rng.permutation(n) % 2 == 0, "roll_book", "daily").astype(object)
    records[kind == "college"] = "none"
    last_recorded = np.full(n, np.datetime64("NaT"), _DAY)
    primaries = np.flatnonzero(kind == "primary")
    start = first_day(running, settings)
    if n >= 6 and as_of > start:  # a smaller area has no school to spare
        silent = primaries[np.argmin(weight[primaries])]
        last_recorded[silent] = np.datetime64(start) - 1
        others = np.flatnonzero((kind == "expanded") | ((kind == "primary") & (np.arange(n) != silent)))
        # About two months of silence: it falls below any readiness rule (mid-September, seen from mid-November).
        last_recorded[others[len(others) // 2]] = max(np.datetime64(as_of) - 62, np.datetime64(start))
    names = [
        f"{'วิทยาลัยการอาชีพ' if k == 'college' else 'โรงเรียน' + ('บ้าน' if k in ('primary', 'expanded') else '')}"
        f"{_PLACES[(i + index) % 12]}{_PLACE_ENDS[(i // 12 + i + index) % 10]}"
        f"{'วิทยาคม' if k == 'secondary' else ''}{'' if i < 60 else i // 60 + 1}"
        for i, k in enumerate(kinds)
    ]
    middle = np.array([15.0 + (index % 16) * 0.25, 101.0 + (index // 16) * 0.2])
    spread = rng.normal(0, 0.09, (n, 2)) * (1 + 0.3 * np.abs(remote))[:, None]
    area_id = f"99{index + 1}"
    agencies = np.where(kind == "college", "13", "10")
    return pd.DataFrame({
        "school_id": [f"99{index + 1:03d}{i + 1:03d}" for i in range(n)],
        "code10": [f"{agency}99{index + 1:03d}{c:03d}" for agency, c in zip(agencies, number, strict=True)],
        "name": names,
        "kind": kind,
        "area_id": area_id,
        "area_name": f"สพป.ตัวอย่าง เขต {index + 1}",
        "agency": np.where(kind == "college", "สอศ.", "สพฐ."),
        "subdistrict": [f"ตำบล{_PLACES[d % 12]}{_PLACE_ENDS[(d // 12 + 3) % 10]}" for d in subdistrict],
        "district": [f"อำเภอสมมุติ {d % 3 + 1}" for d in subdistrict],
        "province": "จังหวัดตัวอย่าง",
        "latitude": (middle[0] + spread[:, 0]).round(5),
        "longitude": (middle[1] + spread[:, 1]).round(5),
        "records": records,
        "last_recorded": last_recorded,
        "weight": weight,
        "poverty": level + of_place[subdistrict] + 0.2 * remote,
        "remote": remote,
        "quality": rng.normal(0, 1, n) - 0.2 * remote,
        "season": np.clip(0.6 + 0.35 * remote + rng.normal(0, 0.3, n), 0, None),
    })  # fmt: skip


def _closed_days(
    rng: np.random.Generator, schools: pd.DataFrame, years: tuple[int, ...], settings: Settings
) -> pd.DataFrame:
    """Public holidays for all (a Sunday's is made up on Monday) and a flood day or two for some schools."""
    rows: list[tuple[int, date, str]] = []
    for year in years:
        start = first_day(year, settings)
        moon = zip(MOON_HOLIDAYS.get(year, MOON_HOLIDAYS[2568]), MOON_NAMES, strict=True)
        for month_day, name in [*FIXED_HOLIDAYS.items(), *moon]:
            month, day = (int(part) for part in month_day.split("-"))
            on = date(start.year, month, day)
            on = on if on >= start else on.replace(year=on.year + 1)
            if on.weekday() >= 5:
                on, name = on + timedelta(days=7 - on.weekday()), f"ชดเชย{name}"
            rows.append((-1, on, name))
        for school in np.flatnonzero(rng.random(len(schools)) < 0.25):
            flood = date(start.year, 9, 1) + timedelta(days=int(rng.integers(0, 30)))
            rows += [(int(school), flood + timedelta(days=k), "น้ำท่วม") for k in range(int(rng.integers(1, 4)))]
    held = {(school, day): name for school, day, name in reversed(rows)}
    ordered = sorted(held.items())
    return pd.DataFrame({
        "school": [school for (school, _), _ in ordered],
        "day": np.array([day for (_, day), _ in ordered], _DAY),
        "name": [name for _, name in ordered],
    })  # fmt: skip


def _offers(kind: np.ndarray, level: np.ndarray | int) -> np.ndarray:
    """Whether a school of that kind teaches that level."""
    band = np.searchsorted((6, 9, 12), level)  # ป., ม.1–3, ม.4–6, ปวช.
    teaches = np.array([np.isin(kind, kinds) for kinds in _TEACHES])
    return np.asarray(teaches[band] if np.ndim(level) == 0 else teaches[band, np.arange(len(kind))], bool)


# ------------------------------------------------------------------------------------------------- small draws
def _scaled(rate: dict[int, float], level: np.ndarray, pull: np.ndarray, factor: float) -> np.ndarray:
    """`pull` of each learner times one number per level, so that the mean of 1 − exp(−result) is the level's rate."""
    out = np.zeros(len(pull))
    for one in np.unique(level):
        here = level == one
        wanted, low, high = min(rate[int(one)] * factor, 0.6), 1e-9, 1e4
        for _ in range(45 if wanted else 0):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if np.mean(-np.expm1(-middle * pull[here])) < wanted else (low, middle)
        out[here] = low * pull[here] if wanted else 0.0
    return out


def _spells(rng: np.random.Generator, starts: np.ndarray, mean_length: np.ndarray) -> np.ndarray:
    """Days inside a spell: `starts` is the probability (learners, days) that one starts, lengths are geometric."""
    begun = rng.random(starts.shape, np.float32) < starts
    row, day = np.nonzero(begun)
    until = np.zeros(starts.shape, np.int16)
    until[row, day] = day + rng.geometric(1 / mean_length[row, day] if mean_length.ndim == 2 else 1 / mean_length[row])
    np.maximum.accumulate(until, axis=1, out=until)
    return until > np.arange(starts.shape[1], dtype=np.int16)


def _numbers(school: np.ndarray, next_number: np.ndarray) -> np.ndarray:
    """The next free student numbers of each school, handed out in order; `next_number` moves on."""
    order = np.argsort(school, kind="stable")
    counts = np.bincount(school, minlength=len(next_number))
    first = np.cumsum(counts) - counts
    out = np.empty(len(school), np.int64)
    out[order] = np.arange(len(school)) - first[school[order]] + next_number[school[order]]
    next_number += counts
    return out


def _rooms(school: np.ndarray, level: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Room and place in its list: a grade is cut into rooms of at most about forty, by student number."""
    key = school * 17 + level + 1
    order = np.lexsort((number, key))
    counts = np.bincount(key)
    first = np.cumsum(counts) - counts
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - first[key[order]]
    size = -(-counts // np.maximum(-(-counts // 40), 1))
    room, roll = np.divmod(rank, np.maximum(size[key], 1))
    return (room + 1).astype(np.int8), (roll + 1).astype(np.int16)


def _citizen_numbers(index: int, person: np.ndarray) -> np.ndarray:
    """13 digits: 9 (never issued), the area, the person scattered by a multiplication modulo a prime, the check
    digit."""
    scattered = (person.astype(np.int64) + 1) * 61_803_399 % 99_999_989
    body = 9 * 10**11 + (index + 1) * 10**8 + scattered
    digits = body[:, None] // 10 ** np.arange(11, -1, -1) % 10
    check = (11 - digits @ np.arange(13, 1, -1) % 11) % 10
    return np.char.add(body.astype(str), check.astype(str))


# ------------------------------------------------------------------------------------------------- the process
@dataclass
class _Year:
    """One year of everybody who sits in a school at its start: arrays hold one entry a learner, days are positions on
    the roll page and _NEVER means not this year. Filled in as the year goes by."""

    year: int
    start: date
    cut: int  # position of the as-of date: what happens from then on is not written down
    last: int  # last day of the last term
    blank: np.ndarray  # (schools, days) the empty page of each school
    who: np.ndarray
    level: np.ndarray
    school: np.ndarray  # where each learner begins the year
    moved_on: np.ndarray
    moved_to: np.ndarray
    gone_on: np.ndarray  # to another area, abroad, by death
    gone_why: np.ndarray
    stop: np.ndarray  # first day a leaver stays away
    p_in_year: np.ndarray
    marks: np.ndarray

    @property
    def left(self) -> np.ndarray:
        return np.asarray(self.stop < _NEVER)

    def day(self, positions: np.ndarray | int) -> np.ndarray:
        """Dates of positions on the page."""
        return np.asarray(np.datetime64(self.start) + positions).astype(_DAY)


class _World:
    """The area while it is being lived: who exists (`p`, one entry a person) and what has been written down so far.

    `rng` draws what becomes of the children, `apart` what is only recorded of them: what a form or a mid-term mark says
    moves nobody to leave.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        apart: np.random.Generator,
        settings: Settings,
        schools: pd.DataFrame,
        closed: pd.DataFrame,
        index: int,
        level: float,
    ) -> None:
        self.rng, self.apart, self.settings, self.schools, self.closed = rng, apart, settings, schools, closed
        self.index, self.level = index, level
        # Poorer areas lose more; the mean over areas is 1.
        self.area_factor = float(np.exp(0.3 * level - 0.5 * (0.3 * AREA_SPREAD) ** 2))
        self.kind = schools["kind"].to_numpy().astype(str)
        self.next_number = np.full(len(schools), 10_001, np.int64)
        self.p: Columns = {}
        self.here = np.zeros(0, np.int64)  # persons enrolled now
        self.away: list[tuple[np.ndarray, int]] = []  # persons who may come back, and in which year
        self.intake = np.zeros(len(schools))
        self.blank: dict[int, np.ndarray] = {}  # by year the empty page of each school
        # The middle one in size of the primary schools that record has a kindergarten; by year, who comes to its ป.1
        # from there: persons and student numbers.
        fit = schools[(schools["kind"] == "primary") & schools["last_recorded"].isna()].sort_values("weight")
        self.nursery = int(fit.index[len(fit) // 2])
        self.beginners: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        tables = ("lists", "pages", "results", "midterms", "screenings", "grants", "exits", "truth")
        self.written: dict[str, list[Columns]] = {name: [] for name in tables}
        self.marks: list[np.ndarray] = []

    # ---------------------------------------------------------------------------------------------- children
    def settle(self, learners: int, year: int) -> None:
        """The first year's learners: equal cohorts per grade, thinning out after ม.3 as they do."""
        weight = self.schools["weight"].to_numpy()
        share = {
            level: 1.0 if level <= 9 else (0.60, 0.57, 0.55, 0.26, 0.24, 0.23)[level - 10] for level in range(1, 16)
        }
        # Expanded-opportunity schools are about as large in ป. as others and take a fifth of ม.1–3.
        pull = np.array([np.where(_offers(self.kind, level), weight, 0) for level in share])
        pull[6:9] *= np.where(self.kind == "expanded", 0.25, 1.0)
        expected = np.array(list(share.values()))[:, None] * pull / pull.sum(axis=1, keepdims=True)
        expected *= learners / expected.sum()
        self.intake = expected[0]
        counts = self.rng.multinomial(learners, (expected / expected.sum()).ravel())
        level, school = np.divmod(np.repeat(np.arange(counts.size), counts), len(weight))
        self.here = self._arrive(school, level + 1, year)

    def _arrive(self, school: np.ndarray, level: np.ndarray, year: int) -> np.ndarray:
        """New people, drawn with the poverty of the place; returns their numbers."""
        rng, n = self.rng, len(school)
        s = {c: self.schools[c].to_numpy()[school] for c in ("poverty", "remote", "quality")}
        poverty = s["poverty"] + rng.normal(0, 0.85, n)
        # Who the child lives with; grandparents raise many children of migrant workers.
        cuts = np.cumsum([0.60, 0.17, 0.185, 0.025, 0.012, 0.008])[:-1]
        family = np.searchsorted(cuts, rng.random(n) ** np.exp(-0.2 * poverty))
        ability = rng.normal(0, 0.9, n) - 0.3 * poverty + 0.25 * s["quality"]
        engaged = rng.normal(0, 0.8, n) - 0.3 * poverty + 0.3 * ability - 0.25 * _FAMILY_RISK[family]
        late = (rng.random(n) < 0.05 * np.exp(0.5 * poverty - 0.5 * ability)).astype(np.int64)
        grown = np.where(level >= 13, level - 3, level)
        start = np.datetime64(first_day(year, self.settings))
        male = rng.random(n) < 0.51
        born = start - ((6 + grown - 1 + late) * 365.25).astype(np.int64) - rng.integers(1, 366, n)
        new: Columns = {
            "poverty": poverty, "far": rng.normal(0, 1, n), "family": family, "ability": ability, "engaged": engaged,
            "late": late, "male": male, "birth_date": born.astype(_DAY), "first_name": rng.integers(0, len(GIRLS), n),
            "last_name": rng.integers(0, np.prod([len(part) for part in SURNAME_PARTS]), n),
            "tall": rng.normal(0, 1, n) - 0.25 * poverty, "heavy": rng.normal(0, 1, n) - 0.2 * poverty,
            "school": school, "level": level, "number": _numbers(school, self.next_number),
            "percent": 70 + 7 * ability + rng.normal(0, 4, n),
            "screened": np.zeros(n, np.int64), "g_code": rng.random(n) < G_CODES,
            "unseen": rng.normal(0, UNSEEN, n), "unasked": rng.random(n) < NEVER_SCREENED,
            "open": np.zeros((n, 8), np.int64), "returned": np.zeros(n, np.int64),
            "home": self.apart.normal(0, 0.65, (n, len(HOME_FORM))), "granted": np.zeros(n, np.int64),
        }  # fmt: skip
        first = len(self.p["level"]) if self.p else 0
        self.p = {c: np.concatenate([self.p[c], v]) for c, v in new.items()} if self.p else new
        return np.arange(first, first + n)

    def _pull(self, who: np.ndarray, weights: dict[str, float]) -> np.ndarray:
        """exp of the sum of what moves each learner to leave, up to the level's own constant."""
        p, school = self.p, self.p["school"][who]
        have = {
            "poverty": p["poverty"][who], "far": p["far"][who] + 0.4 * self.schools["remote"].to_numpy()[school],
            "family": _FAMILY_RISK[p["family"][who]], "disengaged": -p["engaged"][who],
            "low_grades": (70 - p["percent"][who]) / 8, "over_age": p["late"][who], "male": p["male"][who],
            "weak_school": -self.schools["quality"].to_numpy()[school],
        }  # fmt: skip
        return np.asarray(
            np.exp(np.clip(p["unseen"][who] + sum(weight * have[name] for name, weight in weights.items()), -6, 7))
        )

    # ---------------------------------------------------------------------------------------------- one year
    def live(self, year: int, as_of: date) -> None:
        """One academic year and the summer after it; what is dated on or after `as_of` happens, but is not written
        down."""
        who = self.here
        level, school, terms = self.p["level"][who], self.p["school"][who], self._terms(year)

        pull = self._pull(who, WEIGHTS_IN_YEAR)
        sliding = self._slackening(pull)
        week_pull = self._weeks(terms) * (1 + 0.8 * self.schools["season"].to_numpy()[school][:, None] * _season())
        plain, p_in_year = self._plain_hazard(pull, week_pull, level)
        weekly = plain[:, None] * week_pull * np.where(sliding, SLIDING_RAISES_HAZARD, 1.0)
        moved_on, moved_to = self._moves_in_year(who, terms)
        gone_on, gone_why = self._goes_elsewhere(level)
        y = self._year(
            year, as_of, who, level, school, moved_on=moved_on, moved_to=moved_to, gone_on=gone_on, gone_why=gone_why,
            p_in_year=p_in_year,
        )  # fmt: skip
        for number, (first, last) in zip((1, 2), terms, strict=True):
            self._leave(y, weekly, first, last)
            self._mark_term(y, sliding, first, last)
            self._midterm(y, number, first, last)
            failed = self._results(y, number, first, last)
            weekly = weekly * self._after_failing(y, failed)[:, None]
        y.stop = np.where(y.stop < y.gone_on, y.stop, _NEVER)
        y.moved_on = np.where(y.moved_on < np.minimum(y.stop, y.gone_on), y.moved_on, _NEVER)
        recorded = self._write_year(y)
        self._screen(y)
        self._summer(y, recorded)

    def _terms(self, year: int) -> list[tuple[int, ...]]:
        """First and last day of each term, as positions."""
        start = first_day(year, self.settings)
        return [tuple((d - start).days for d in term_days(year, number, self.settings)) for number in (1, 2)]

    def _year(
        self, year: int, as_of: date, who: np.ndarray, level: np.ndarray, school: np.ndarray, **moves: np.ndarray
    ) -> _Year:
        """The year before it begins; who does not stay as she is, is said in `moves`."""
        start, never = first_day(year, self.settings), np.full(len(who), _NEVER)
        if year not in self.blank:
            pages = [blank_page(year, self.settings, self._closed(s)) for s in range(len(self.schools))]
            self.blank[year] = np.stack(pages)
        still = {"moved_on": never, "moved_to": -np.ones(len(who), np.int64), "gone_on": never,
                 "gone_why": np.full(len(who), "", object), "p_in_year": np.zeros(len(who))}  # fmt: skip
        return _Year(
            year=year, start=start, cut=min(max((as_of - start).days, 0), PAGE_DAYS), last=self._terms(year)[1][1],
            blank=self.blank[year], who=who, level=level, school=school, stop=never,
            marks=np.full((len(who), PAGE_DAYS), ord(NOT_RECORDED), np.uint8), **(still | moves),
        )  # fmt: skip

    def kindergarten(self, years: tuple[int, ...], as_of: date) -> None:
        """อ.2 and อ.3 of one primary school: the children of its ป.1 one and two years before, on its lists and pages,
        weighed and measured. Lived last and drawn apart, so that nobody else's life changes."""
        self.rng, n = self.apart, int(self.apart.poisson(self.intake[self.nursery]))
        youngest = self._arrive(np.full(n, self.nursery), np.ones(n, np.int64), years[-1] + 2)
        self.beginners[years[-1] + 2] = youngest, self.p["number"][youngest]
        for year in years:
            (third, _), (second, _) = held = self.beginners[year + 1], self.beginners[year + 2]
            number = np.concatenate([numbers for _, numbers in held])
            level = np.repeat([0, -1], [len(third), len(second)])
            who, school = np.concatenate([third, second]), np.full(len(level), self.nursery)
            y, never = self._year(year, as_of, who, level, school), np.full(len(who), _NEVER)
            for first, last in self._terms(year):
                self._mark_term(y, np.zeros((len(who), PAGE_DAYS // 7 + 1), bool), first, last)
            stays: Columns = {"i": np.arange(len(who)), "school": school, "from": np.zeros(len(who), np.int64),
                              "until": never, "called": never, "stops": never, "number": number}  # fmt: skip
            stays["room"], stays["roll"] = _rooms(school, level, number)
            self._write_pages(y, stays)
            census = [position(day, self.settings) for day in self._census(year)]
            self._write_lists(y, stays, census, np.zeros(len(who), bool))

    def _leave(self, y: _Year, weekly: np.ndarray, first: int, last: int) -> None:
        """Who stays away for good from some day of the term on."""
        week = np.arange(weekly.shape[1])
        falls = (self.rng.random(weekly.shape) < -np.expm1(-weekly)) & (week * 7 + 6 >= first) & (week * 7 <= last)
        day = np.clip(falls.argmax(axis=1) * 7 + self.rng.integers(0, 7, len(weekly)), first, last)
        y.stop = np.where((y.stop == _NEVER) & falls.any(axis=1), day, y.stop)

    def _after_failing(self, y: _Year, failed: np.ndarray) -> np.ndarray:
        """What subjects left open in term 1 do to term 2, shared out among secondary learners so that the year's rate
        stays where it is."""
        effect = np.exp(FAILED_SUBJECT_RAISES * np.minimum(failed, 3))
        taught = (y.level >= 7) & (y.level <= 12)
        if taught.any():
            effect[taught] *= y.p_in_year[taught].sum() / (y.p_in_year[taught] * effect[taught]).sum()
        return np.asarray(effect)

    def _closed(self, school: int) -> frozenset[date]:
        rows = self.closed[self.closed["school"].isin((-1, school))]
        return frozenset(rows["day"].dt.date)

    def _weeks(self, terms: list[tuple[int, ...]]) -> np.ndarray:
        """How likely each week of the year is to be the last one, relative to a plain week: start and return weigh
        more."""
        week = np.arange(PAGE_DAYS // 7 + 1)
        (first1, last1), (first2, last2) = terms
        during = ((week * 7 + 6 >= first1) & (week * 7 <= last1)) | ((week * 7 >= first2) & (week * 7 + 6 <= last2))
        return np.asarray(during * np.where((week < 2) | ((week * 7 >= first2) & (week * 7 < first2 + 7)), 2.5, 1.0))

    def _plain_hazard(
        self, pull: np.ndarray, week_pull: np.ndarray, level: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Each learner's hazard in a plain week, scaled so that each level loses its share in a year, and the
        probability
        of leaving in the year: slackening or not are the two states, followed week by week."""
        begins = _slide_rate(pull)
        share = begins / (begins + RECOVERS_PER_WEEK)
        per_year = week_pull.sum(axis=1) * (1 + (SLIDING_RAISES_HAZARD - 1) * share)
        hazard = _scaled(LEAVES_IN_YEAR, level, pull * per_year, self.area_factor) / per_year
        wanted = np.array([LEAVES_IN_YEAR[one] * self.area_factor for one in range(1, 16)])
        held = np.bincount(level, minlength=16)[1:]
        for _ in range(3):  # the first guess takes the mean of the two states; children who go leave them unequally
            steady, slack = 1 - share, share
            for week in np.flatnonzero(week_pull.any(axis=0)):
                stays = np.exp(-hazard * week_pull[:, week])
                steady, slack = (
                    (steady * (1 - begins) + slack * RECOVERS_PER_WEEK) * stays,
                    (steady * begins + slack * (1 - RECOVERS_PER_WEEK)) * stays**SLIDING_RAISES_HAZARD,
                )
            leaves = 1 - steady - slack
            expected = np.bincount(level, leaves, minlength=16)[1:] / np.maximum(held, 1)
            hazard = hazard * (wanted / np.where(held > 0, expected, wanted))[level - 1]
        return hazard, leaves

    def _slackening(self, pull: np.ndarray) -> np.ndarray:
        """(learners, weeks): weeks in which a child comes less and less; most such spells pass."""
        rng, weeks = self.rng, PAGE_DAYS // 7 + 1
        begins = _slide_rate(pull)
        out = np.zeros((len(pull), weeks), bool)
        now = rng.random(len(pull)) < begins / (begins + RECOVERS_PER_WEEK)
        draws = rng.random((weeks, len(pull)), np.float32)
        for week in range(weeks):
            now = np.where(now, draws[week] >= RECOVERS_PER_WEEK, draws[week] < begins)
            out[:, week] = now
        return out

    def _moves_in_year(self, who: np.ndarray, terms: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Day (a position, _NEVER = stays) and new school of moves within the area during the year."""
        n, rng = len(who), self.rng
        moves = rng.random(n) < MOVES_IN_AREA / 2 * np.where(self.p["family"][who] == 0, 0.8, 1.3)
        to = self._other_school(self.p["school"][who], self.p["level"][who], moves)
        day = rng.integers(terms[0][0] + 20, terms[1][1] - 30, n)
        return np.where(to >= 0, day, _NEVER), to

    def _other_school(self, school: np.ndarray, level: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Another school of the area that teaches the level, −1 where there is none or the learner stays."""
        to = np.full(len(school), -1)
        for one in np.unique(level[which]):
            rows = np.flatnonzero(which & (level == one))
            open_to = np.flatnonzero(_offers(self.kind, int(one)))
            if one <= 12 and len(open_to) > 1:
                step = self.rng.integers(1, len(open_to), len(rows))
                to[rows] = open_to[(np.searchsorted(open_to, school[rows]) + step) % len(open_to)]
        return to

    def _goes_elsewhere(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Day and cause of going where no file of this area follows: another area, abroad, death."""
        draw = self.rng.random(len(level))
        edges = np.cumsum([MOVES_OUT / 2, MOVES_ABROAD, DIES])
        why = np.array(["moved_school", "moved_abroad", "died", ""], object)[np.searchsorted(edges, draw, side="right")]
        day = self.rng.integers(10, 310, len(level))
        return np.where((why != "") & (level <= 12), day, _NEVER), why

    # ---------------------------------------------------------------------------------------------- marks
    def _mark_term(self, y: _Year, sliding: np.ndarray, first: int, last: int) -> None:
        """Fill the term's school days with what a complete and careful roll would say."""
        rng, p, who, school, season = self.rng, self.p, y.who, y.school, _season()
        days = first + np.flatnonzero((y.blank[:, first : last + 1] == ord(NOT_RECORDED)).any(axis=0))
        week = days // 7
        shape = (len(who), len(days))
        slack = sliding[:, week]
        weekday = (days + y.start.weekday()) % 7
        monday_friday = np.where(np.isin(weekday, (0, 4)), 1.3, 0.85).astype(np.float32)
        rural = 1 + 0.7 * self.schools["season"].to_numpy()[school] * np.clip(p["poverty"][who] + 0.5, 0, None)
        base = np.exp(-5.15 - 0.75 * p["engaged"][who] + 0.15 * p["poverty"][who] + np.where(y.level >= 7, 0.55, 0.0))
        harvest = 1 + (rural - 1)[:, None] * season[week][None]
        absent_starts = np.minimum(
            (base[:, None] * harvest).astype(np.float32)
            * monday_friday
            * np.where(slack, np.float32(7), np.float32(1)),
            0.30,
        )
        absent = _spells(rng, absent_starts, np.where(slack, 2.0, 1.35))
        flu = np.where(((days > 25) & (days < 75)) | ((days > 230) & (days < 270)), 1.6, 0.75).astype(np.float32)
        frail = np.exp(rng.normal(-5.0, 0.5, len(who))).astype(np.float32)
        sick = _spells(rng, frail[:, None] * flu, np.full(len(who), 1.8))
        leave = (
            rng.random(shape, np.float32) < (np.exp(-4.9 + 0.2 * p["poverty"][who]).astype(np.float32) * 1.0)[:, None]
        )
        tardy = np.minimum(
            np.exp(rng.normal(-4.2, 0.8, len(who)) - 0.4 * p["engaged"][who] + 0.15 * p["far"][who]), 0.5
        )
        late = rng.random(shape, np.float32) < (
            tardy.astype(np.float32)[:, None] * np.where(slack, np.float32(2), np.float32(1))
        )
        block = np.full(shape, ord("P"), np.uint8)
        for sign, where in (("T", late), ("L", leave), ("S", sick), ("A", absent)):
            block[where] = ord(sign)
        # Whole-school days out, whole days nobody called the roll, and single boxes left empty.
        n_schools = len(self.schools)
        out = rng.random((n_schools, len(days))) < 0.015
        forgotten = rng.random((n_schools, len(days))) < np.exp(rng.normal(-4.2, 0.7, n_schools))[:, None]
        trip = out[school]
        block[trip & np.isin(block, (ord("P"), ord("T")))] = ord("V")
        block[forgotten[school] | (rng.random(shape, np.float32) < 0.002)] = ord(NOT_RECORDED)
        y.marks[:, days] = block

    # ---------------------------------------------------------------------------------------------- grades
    def _midterm(self, y: _Year, term: int, first: int, last: int) -> None:
        """Write the mid-term marks of the secondary schools' five main subjects, of whoever is there in the middle."""
        rng, p, middle = self.apart, self.p, (first + last) // 2
        school = np.where(y.moved_on <= middle, y.moved_to, y.school)
        there = (self.kind[school] == "secondary") & (np.minimum(y.stop, y.gone_on) > middle)
        rows = np.flatnonzero(there)
        person, block = y.who[rows], y.marks[rows, first : middle + 1]
        taught, attended = np.isin(block, [*b"PTV"]), np.isin(block, [*b"PTSLAV"])
        away = 1 - taught.sum(axis=1) / np.maximum(attended.sum(axis=1), 1)
        able = 6.5 * p["ability"][person] + 3 * p["engaged"][person]
        shape = (len(rows), len(_PRIMARY_AREAS))
        percent = 66 + _HARDER[_PRIMARY_AREAS] + rng.normal(0, 7, shape) + (able - 45 * np.clip(away, 0, 0.5))[:, None]
        if y.cut <= middle + MIDTERM_KNOWN_DAYS:
            return
        i, letter = np.repeat(rows, shape[1]), np.tile(_PRIMARY_AREAS, shape[0])
        self.written["midterms"].append({
            "person": y.who[i], "school": school[i], "academic_year": np.full(len(i), y.year, np.int16),
            "term": np.full(len(i), term, np.int8), "level": y.level[i].astype(np.int8),
            "letter": letter.astype(np.int8), "percent": np.clip(percent, 5, 98).ravel().round(1),
            "known_on": np.full(len(i), y.day(middle + MIDTERM_KNOWN_DAYS), _DAY),
        })  # fmt: skip

    def _results(self, y: _Year, term: int, first: int, last: int) -> np.ndarray:
        """Write the term's results (secondary) or, after term 2, the year's (primary); returns subjects now open."""
        rng, p = self.rng, self.p
        known = y.cut > last + self.settings.results_known_days
        level, there = y.level, (y.stop > last) & (y.gone_on > last)
        failed = np.zeros(len(level))
        for secondary in (True, False) if term == 2 else (True,):
            rows = np.flatnonzero(there & ((level >= 7) & (level <= 12) if secondary else level <= 6))
            if not len(rows):
                continue
            person, block = y.who[rows], y.marks[rows, (first if secondary else 0) : last + 1]
            areas_ = np.arange(8) if secondary else _PRIMARY_AREAS
            counts = {sign: (block == ord(sign)).sum(axis=1) for sign in "PTSLAV"}
            attended = (counts["P"] + counts["T"] + counts["V"]) / np.maximum(sum(counts.values()), 1)
            shape = (len(rows), len(areas_))
            school = np.where(y.moved_on[rows] < last, y.moved_to[rows], y.school[rows])
            percent = (
                72 + _HARDER[areas_] + rng.normal(0, 5, shape)
                + (6.5 * p["ability"][person] + 3 * p["engaged"][person]
                   + 1.5 * self.schools["quality"].to_numpy()[school]
                   - 45 * np.clip(0.97 - attended, 0, 0.5) + (0 if secondary else 4))[:, None]
            )  # fmt: skip
            percent = np.clip(percent, 12, 98).round(2)
            grade = np.searchsorted(_GRADE_STEPS, percent, side="right")
            share = np.clip(100 * attended[:, None] + rng.normal(0, 1.5, shape), 0, 100).round(2)
            if secondary:
                undone = rng.random(shape) < 0.012 * np.exp(-0.8 * p["engaged"][person])[:, None]
                grade = np.where(undone, _INCOMPLETE, np.where(share < 80, _NO_RIGHT, grade))
            p["percent"][person] = 0.4 * p["percent"][person] + 0.6 * percent.mean(axis=1)
            is_open = (grade == 0) | (grade >= _INCOMPLETE)
            if known:
                self._write_results(
                    y.year, term if secondary else 0, person, school, level[rows],
                    level[rows] * 10 + (term if secondary else 1),
                    areas_, percent, grade, share, counts, np.ones(shape, bool),
                )  # fmt: skip
            if secondary:
                again = (p["open"][person] > 0) & (rng.random(shape) < 0.7)
                passed = rng.random(shape) < 0.85
                if known:
                    self._write_results(
                        y.year, term, person, school, level[rows], p["open"][person], areas_,
                        np.where(passed, 52.0, 41.0), passed.astype(np.int64), share, counts, again,
                    )  # fmt: skip
                p["open"][person] = np.where(again & passed, 0, p["open"][person])
                p["open"][person] = np.where(is_open, (level[rows] * 10 + term)[:, None], p["open"][person])
                failed[rows] = is_open.sum(axis=1)
        return failed

    def _write_results(
        self, year: int, term: int, person: np.ndarray, school: np.ndarray, level: np.ndarray, course: np.ndarray,
        areas_: np.ndarray, percent: np.ndarray, grade: np.ndarray, share: np.ndarray, counts: Columns,
        which: np.ndarray,
    ) -> None:  # fmt: skip
        row, column = np.nonzero(which)
        code = course[row] if course.ndim == 1 else course[row, column]
        letter = areas_[column]
        self.written["results"].append({
            "person": person[row], "school": school[row], "academic_year": np.full(len(row), year, np.int16),
            "term": np.full(len(row), term, np.int8), "level": level[row].astype(np.int8),
            "letter": letter.astype(np.int8),
            "code_level": (code // 10).astype(np.int8), "code_term": (code % 10).astype(np.int8),
            "percent": np.where(grade[row, column] >= _INCOMPLETE, np.nan, percent[row, column]).astype(np.float32),
            "grade": grade[row, column].astype(np.int8), "attended_percent": share[row, column].astype(np.float32),
            "late": counts["T"][row].astype(np.int16), "sick": counts["S"][row].astype(np.int16),
            "leave": counts["L"][row].astype(np.int16), "absent": counts["A"][row].astype(np.int16),
        })  # fmt: skip

    # ---------------------------------------------------------------------------------------------- what is written
    def _write_year(self, y: _Year) -> np.ndarray:
        """Pages, census lists and exits of the year, as far as they are dated before `cut`. Returns how the books show
        each leaver by then: a cause, floating, college, or nothing yet."""
        rng, p = self.rng, self.p
        n, left, stop = len(y.who), y.left, y.stop
        age = (y.day(0) - p["birth_date"][y.who]).astype(np.int64) / 365.25
        # A school's books on a child who stays away: the paper goes on for a while, then come a cause or 3.1.8.
        draw = rng.random(n)
        shown = np.where(draw < 0.42, "withdrew", np.where(draw < 0.62, "not_found", "floating")).astype(object)
        shown[(age >= 15.5) & (draw >= 0.34) & (draw < 0.42)] = "past_compulsory_age"
        shown = np.where(y.level >= 13, "college", shown)  # the college's own list says ลาออก
        lag = rng.integers(0, 6, n)
        for what, least, most in (("not_found", 21, 45), ("floating", 5, 30)):
            lag = np.where(shown == what, rng.integers(least, most, n), lag)
        off = np.where(left, np.minimum(stop + lag, y.last), _NEVER)
        floats = left & (shown == "floating")
        census = [position(d, self.settings) for d in self._census(y.year)]
        next_census = np.array([*census, _NEVER])[np.searchsorted(census, np.minimum(stop, PAGE_DAYS - 1))]
        listed_until = np.where(left, np.where(floats, np.minimum(next_census + 1, _NEVER), off), y.gone_on)
        # Those not yet given up stand in the roll as absent, the others are not called any more.
        called_until = np.where(left, np.where(np.isin(shown, ("not_found", "floating")), off, stop), y.gone_on)

        moved = np.flatnonzero(y.moved_on < _NEVER)
        stays: Columns = {
            "i": np.concatenate([np.arange(n), moved]),
            "school": np.concatenate([y.school, y.moved_to[moved]]),
            "from": np.concatenate([np.zeros(n, np.int64), y.moved_on[moved]]),
            "until": np.concatenate([np.minimum(y.moved_on, listed_until), listed_until[moved]]),
            "called": np.concatenate([np.minimum(y.moved_on, called_until), called_until[moved]]),
            "stops": np.concatenate([np.minimum(y.moved_on, stop), stop[moved]]),
            "number": np.concatenate([p["number"][y.who], _numbers(y.moved_to[moved], self.next_number)]),
        }
        stays["room"], stays["roll"] = _rooms(stays["school"], y.level[stays["i"]], stays["number"])
        self._write_pages(y, stays)
        self._write_lists(y, stays, census, floats)

        self._write_exits(y, moved, y.moved_on[moved], "moved_school")
        p["school"][y.who[moved]], p["number"][y.who[moved]] = y.moved_to[moved], stays["number"][n:]
        for why in ("moved_school", "moved_abroad", "died"):
            gone = np.flatnonzero((y.gone_on < stop) & (y.gone_why == why))
            self._write_exits(y, gone, y.gone_on[gone], why)
        for why in ("withdrew", "not_found", "past_compulsory_age"):
            struck = np.flatnonzero(left & (shown == why))
            self._write_exits(y, struck, off[struck], why)
        ends = self._finishes(y.level, p["school"][y.who]) & ~left & (y.gone_on == _NEVER) & (y.level <= 12)
        done = np.flatnonzero(ends)
        self._write_exits(y, done, np.full(len(done), y.last), "graduated")
        return np.where(left & (floats | (off < y.cut)), shown, "")

    def _finishes(self, level: np.ndarray, school: np.ndarray) -> np.ndarray:
        """Whether the level is the last one its school teaches."""
        kind = self.kind[school]
        ends = ((kind == "primary") & (level == 6)) | ((kind == "expanded") & (level == 9)) | np.isin(level, (12, 15))
        return np.asarray(ends)

    def _write_exits(self, y: _Year, i: np.ndarray, day: np.ndarray, cause: str) -> None:
        """Take learners `i` of the year off the list of the school where they are now."""
        i, day = i[day < y.cut], day[day < y.cut]
        person = y.who[i]
        self.written["exits"].append({
            "person": person, "school": self.p["school"][person], "number": self.p["number"][person],
            "level": y.level[i].astype(np.int8), "left_on": y.day(day), "cause": np.full(len(i), cause, object),
        })  # fmt: skip

    def _census(self, year: int) -> list[date]:
        """Census days of the year in order: 10 June, 10 November, 31 March."""
        start = first_day(year, self.settings)
        days = []
        for month_day in self.settings.census_days:
            month, day = (int(part) for part in month_day.split("-"))
            on = date(start.year, month, day)
            days.append(on if on >= start else on.replace(year=on.year + 1))
        return sorted(days)

    def _write_pages(self, y: _Year, stays: Columns) -> None:
        keep = (stays["from"] < y.cut) & (self.kind[stays["school"]] != "college")
        s = {c: v[keep] for c, v in stays.items()}
        day = np.arange(PAGE_DAYS)
        page = y.marks[s["i"]]
        page[(day >= s["stops"][:, None]) & (day < s["called"][:, None]) & (page != ord(NOT_RECORDED))] = ord("A")
        last_recorded = self.schools["last_recorded"].to_numpy().astype(_DAY)
        heard = np.where(np.isnat(last_recorded), PAGE_DAYS, (last_recorded - y.day(0)).astype(np.int64) + 1)
        until = np.minimum(np.minimum(s["called"], y.cut), heard[s["school"]])
        page[(day < s["from"][:, None]) | (day >= until[:, None])] = ord(NOT_RECORDED)
        blank = y.blank[s["school"]]
        self.marks.append(np.where(blank == ord(NOT_RECORDED), page, blank))
        self.written["pages"].append({
            "person": y.who[s["i"]], "school": s["school"], "academic_year": np.full(len(page), y.year, np.int16),
            "level": y.level[s["i"]].astype(np.int8), "room": s["room"], "roll_number": s["roll"],
            "number": s["number"], "from_day": s["from"], "until_day": np.minimum(s["called"], PAGE_DAYS),
        })  # fmt: skip

    def _write_lists(self, y: _Year, stays: Columns, census: list[int], floats: np.ndarray) -> None:
        p = self.p
        for number, day in enumerate(census, start=1):
            on = (stays["from"] <= day) & (stays["until"] > day)
            i = stays["i"][on]
            person = y.who[i]
            age = (y.day(day) - p["birth_date"][person]).astype(np.int64) / 365.25
            height, weight = _body(age, p["male"][person], p["tall"][person], p["heavy"][person], self.rng)
            if day >= y.cut:  # drawn all the same, so that the same children live on whatever day one looks
                continue
            self.written["lists"].append({
                "person": person, "school": stays["school"][on], "academic_year": np.full(len(i), y.year, np.int16),
                "round": np.full(len(i), number, np.int8), "listed_on": np.full(len(i), y.day(day), _DAY),
                "level": y.level[i].astype(np.int8), "room": stays["room"][on], "roll_number": stays["roll"][on],
                "number": stays["number"][on], "floating": floats[i] & (y.stop[i] <= day),
                "weight_kg": weight, "height_cm": height,
            })  # fmt: skip

    def _screen(self, y: _Year) -> None:
        """June's household screening: most children once in three years, the poor more often; class by a noisy
        threshold."""
        rng, p, who = self.rng, self.p, y.who
        due = y.year - p["screened"][who] >= 3
        asked = rng.random(len(who)) < np.where(due, 0.72 + 0.12 * np.tanh(p["poverty"][who]), 0.08)
        day = rng.integers(16, 46, len(who))  # June
        there = (np.minimum(y.stop, y.gone_on) > day) & (self.kind[y.school] != "college")
        pick = np.flatnonzero(asked & there & ~p["unasked"][who])
        person, day, level = who[pick], day[pick], y.level[pick]
        school = np.where(y.moved_on[pick] <= day, y.moved_to[pick], y.school[pick])
        p["screened"][person] = y.year
        poverty = p["poverty"][person]
        seen = (poverty + rng.normal(0, 0.45, len(pick))) / np.hypot(1.1, 0.45)
        cuts = [NormalDist().inv_cdf(1 - share) for share in (EXTREMELY_POOR + POOR, EXTREMELY_POOR)]
        klass = np.searchsorted(cuts, seen)
        income = 3300 * np.exp(-0.62 * poverty + rng.normal(0, 0.3, len(pick)))
        remote = self.schools["remote"].to_numpy()[school]
        km = np.exp(np.where(level >= 7, 1.7, 0.5) + 0.7 * p["far"][person] + 0.3 * remote)
        screened: Columns = {
            "person": person, "school": school, "academic_year": np.full(len(pick), y.year, np.int16),
            "level": level.astype(np.int8), "surveyed_on": y.day(day),
            "poverty_class": np.array(POVERTY_CLASSES, object)[klass],
            "income_per_head": np.maximum(income, 100).round(0),
            "dependants": np.clip(rng.poisson(np.exp(0.1 + 0.3 * poverty)), 0, 5).astype(np.int8),
            "lives_with": np.array(LIVES_WITH, object)[p["family"][person]],
            "distance_km": np.clip(km, 0.1, 60).round(1),
            "travel_minutes": np.clip(5 + km * rng.uniform(2, 4, len(pick)), 1, 150).round(0),
        }  # fmt: skip
        means = 0.75 * poverty[:, None] + p["home"][person]
        screened |= {
            name: np.searchsorted(steps, means[:, k]).astype(np.int8)
            for k, (name, steps) in enumerate(HOME_FORM.items())
        }
        self.written["screenings"].append({name: values[day < y.cut] for name, values in screened.items()})
        self._grant(y, person, school, level, klass == 2)

    def _grant(self, y: _Year, person: np.ndarray, school: np.ndarray, level: np.ndarray, poorest: np.ndarray) -> None:
        """In July the fund awards its grant to most of the extremely poor up to ม.3 who hold none, from the year's
        first day on, which is before anybody knew."""
        p, announced = self.p, date(y.start.year, 7, 24)
        drawn = self.apart.random(len(person)) < GRANTED
        got = poorest & drawn & (level <= 9) & (p["granted"][person] <= y.year)
        who = person[got]
        p["granted"][who] = y.year + GRANT_YEARS
        if y.cut <= (announced - y.start).days:
            return
        ends = first_day(y.year + GRANT_YEARS, self.settings) - timedelta(days=1)
        asks = GRANT_ASKS_SINCE_2568 if y.year >= 2568 else GRANT_ASKS
        self.written["grants"].append({
            "person": who, "school": school[got], "academic_year": np.full(len(who), y.year, np.int16),
            "level": level[got].astype(np.int8), "from_day": np.full(len(who), y.start, _DAY),
            "until_day": np.full(len(who), ends, _DAY), "announced_on": np.full(len(who), announced, _DAY),
            "attendance_percent": np.full(len(who), asks, np.int8),
        })  # fmt: skip

    # ---------------------------------------------------------------------------------------------- summer
    def _summer(self, y: _Year, recorded: np.ndarray) -> None:
        """Who comes back, where to and into which grade; newcomers; and the year's rows of the truth."""
        rng, p, who, level, stop = self.rng, self.p, y.who, y.level, y.stop
        n, school = len(who), p["school"][who]
        pull = self._pull(who, WEIGHTS_IN_SUMMER) * np.where(
            level == 9, np.exp(POVERTY_AFTER_M3 * p["poverty"][who]), 1.0
        )
        stayed = (stop == _NEVER) & (y.gone_on == _NEVER)
        hazard = np.zeros(n)
        hazard[stayed] = _scaled(LEAVES_IN_SUMMER, level[stayed], pull[stayed], self.area_factor)
        p_summer = 1 - np.exp(-hazard)
        lost = stayed & (rng.random(n) < p_summer)
        done = stayed & np.isin(level, (12, 15))
        out = stayed & ~lost & ~done & (rng.random(n) < MOVES_OUT / 2) & (level <= 12)
        goes_on = stayed & ~lost & ~done & ~out
        left_on = np.where(y.left, y.day(stop), np.where(lost, y.day(365), np.datetime64("NaT", "D")))
        self.written["truth"].append({
            "person": who, "school": school, "academic_year": np.full(n, y.year, np.int16),
            "level": level.astype(np.int8), "p_in_year": y.p_in_year, "p_summer": p_summer,
            "kind": np.where(y.left, "in_year", np.where(lost, "not_arrived", "")).astype(object),
            "left_on": left_on.astype(_DAY), "recorded_as": recorded,
        })  # fmt: skip

        repeats = goes_on & (rng.random(n) < REPEATS_GRADE * np.exp(-0.8 * p["ability"][who])) & (level <= 9)
        p["late"][who[repeats]] += 1
        to = np.where(goes_on & ~repeats, self._next_school(who, level, school), school)
        next_level = np.where(repeats, level, np.where((self.kind[to] == "college") & (level == 9), 13, level + 1))
        wander = goes_on & (rng.random(n) < MOVES_IN_AREA / 2) & (next_level <= 12)
        other = self._other_school(to, next_level, wander)
        to = np.where(other >= 0, other, to)
        moved = goes_on & (to != school)
        # A school's last grade has gone on its graduates' list already; the others are struck off as moved in May.
        told = np.flatnonzero((moved | out) & ~self._finishes(level, school))
        self._write_exits(y, told, rng.integers(y.last + 20, y.last + 44, len(told)), "moved_school")
        p["school"][who], p["level"][who] = np.where(goes_on, to, school), np.where(goes_on, next_level, level)
        i = np.flatnonzero(moved)
        p["number"][who[i]] = _numbers(to[i], self.next_number)

        back = [persons for persons, when in self.away if when == y.year + 1]
        self.away = [(persons, when) for persons, when in self.away if when > y.year + 1]
        gone = who[y.left & (level <= 12)]
        returns = gone[rng.random(len(gone)) < RETURNS_AFTER_LEAVING]
        p["late"][returns] += 1
        p["returned"][returns] = y.year + 1
        # Whoever finished a school's last grade and went nowhere has no school to come back to.
        skipped = who[lost & (level <= 11) & ~self._finishes(level, school) & (level != 9)]
        later = skipped[rng.random(len(skipped)) < RETURNS_AFTER_SUMMER]
        p["late"][later] += 1
        p["level"][later] += 1
        p["returned"][later] = y.year + 2
        self.away.append((later, y.year + 2))
        self.here = np.sort(np.concatenate([who[goes_on], returns, *back, self._newcomers(y.year + 1, n)]))
        self._drift()

    def _next_school(self, who: np.ndarray, level: np.ndarray, school: np.ndarray) -> np.ndarray:
        """School of the next grade: the same one where it goes on, else by size; the college for a part of ม.3."""
        rng, weight, to = self.rng, self.schools["weight"].to_numpy(), school.copy()
        kind = self.kind[school]
        lower = np.where(self.kind == "secondary", weight, np.where(self.kind == "expanded", 0.08 * weight, 0))
        into_m1 = (level == 6) & ((kind == "primary") | ((kind == "expanded") & (rng.random(len(who)) < 0.35)))
        if not lower.sum() or not (self.kind == "secondary").any():
            return to
        to[into_m1] = rng.choice(len(weight), into_m1.sum(), p=lower / lower.sum())
        upper = np.where(self.kind == "secondary", weight, 0.0)
        from_expanded = (level == 9) & (kind == "expanded")
        to[from_expanded] = rng.choice(len(weight), from_expanded.sum(), p=upper / upper.sum())
        college = np.flatnonzero(self.kind == "college")
        leaning = 1 / (1 + np.exp(-(np.log(COLLEGE_SHARE / (1 - COLLEGE_SHARE)) - 0.5 * self.p["ability"][who])))
        to[(level == 9) & (rng.random(len(who)) < leaning)] = college[0]
        return to

    def _newcomers(self, year: int, n: int) -> np.ndarray:
        """ป.1 of the next year, and as many children from outside as leave for it."""
        rng = self.rng
        births = rng.poisson(self.intake)
        school = np.repeat(np.arange(len(births)), births)
        level, nursery = np.ones(len(school), np.int64), np.flatnonzero(school == self.nursery)
        from_outside = rng.poisson(MOVES_OUT * n)
        at = rng.choice(self.here, from_outside) if len(self.here) else np.zeros(0, np.int64)
        at = at[self.p["level"][at] <= 12]
        new = self._arrive(
            np.concatenate([school, self.p["school"][at]]), np.concatenate([level, self.p["level"][at]]), year
        )
        self.beginners[year] = new[nursery], self.p["number"][new[nursery]]
        fits = _offers(self.kind[self.p["school"][new]], self.p["level"][new])
        return np.asarray(new[fits])

    def _drift(self) -> None:
        """Engagement moves on from year to year, a little down at the start of secondary school."""
        p, who = self.p, self.here
        base = -0.3 * p["poverty"][who] + 0.3 * p["ability"][who] - 0.25 * _FAMILY_RISK[p["family"][who]]
        fresh = base + self.rng.normal(0, 0.8, len(who))
        p["engaged"][who] = (
            0.7 * p["engaged"][who] + 0.3 * fresh + 0.3 * (fresh - base) - 0.05 * np.isin(p["level"][who], (7, 8))
        )

    # ---------------------------------------------------------------------------------------------- handing over
    def area(self, seed: int, as_of: date, years: tuple[int, ...]) -> Area:
        """Everything written down, as tables."""
        held: dict[str, pd.DataFrame] = {
            name: pd.DataFrame({c: np.concatenate([part[c] for part in parts]) for c in parts[0]})
            for name, parts in self.written.items() if parts
        }  # fmt: skip
        people = self._people()
        truth = held["truth"]
        returned = self.p["returned"][truth["person"].to_numpy()]
        truth.insert(0, "id_number", people["id_number"].to_numpy()[truth["person"].to_numpy()])
        truth["returned"] = (truth["kind"] != "") & (returned > truth["academic_year"])
        for name, column in (("truth", "grade"), ("lists", "grade"), ("pages", "grade")):
            held[name][column] = np.array(LEVEL_GRADE, object)[held[name]["level"].to_numpy()]
        return Area(
            index=self.index, seed=seed, area_id=str(self.schools["area_id"].iloc[0]),
            name=str(self.schools["area_name"].iloc[0]),
            as_of=as_of, years=years, schools=self.schools, closed=self.closed, people=people, lists=held["lists"],
            pages=held["pages"], marks=np.concatenate(self.marks), results=held["results"],
            midterms=held["midterms"], screenings=held["screenings"], grants=held["grants"],
            exits=held["exits"], truth=truth,
        )  # fmt: skip

    def _people(self) -> pd.DataFrame:
        p = self.p
        person = np.arange(len(p["level"]))
        number = _citizen_numbers(self.index, person).astype(object)
        code = np.char.add("G99", np.char.zfill((self.index * 10_000_000 + person).astype(str), 10)).astype(object)
        a, rest = np.divmod(p["last_name"], len(SURNAME_PARTS[1]) * len(SURNAME_PARTS[2]))
        b, c = np.divmod(rest, len(SURNAME_PARTS[2]))
        parts = [np.array(part, object) for part in SURNAME_PARTS]
        return pd.DataFrame({
            "id_number": np.where(p["g_code"], code, number),
            "sex": np.where(p["male"], "male", "female"),
            "birth_date": p["birth_date"],
            "first_name": np.where(p["male"], np.array(BOYS, object)[p["first_name"]], np.array(GIRLS,
            object)[p["first_name"]]),
            "last_name": parts[0][a] + parts[1][b] + parts[2][c],
            "poverty": p["poverty"], "lives_with": np.array(LIVES_WITH, object)[p["family"]], "ability": p["ability"],
        })  # fmt: skip


def _slide_rate(pull: np.ndarray) -> np.ndarray:
    """Probability per week that slackening begins; the same things that move a child to leave begin it."""
    return np.asarray(np.clip(0.0045 * pull**0.45, 0.0005, 0.06))


def _season() -> np.ndarray:
    """By week of the year: 1 in the rice harvest (mid November to mid December), a half at planting (late June to
    July)."""
    day = np.arange(PAGE_DAYS // 7 + 1) * 7 + 3
    return np.where((day >= 182) & (day < 215), 1.0, np.where((day >= 38) & (day < 70), 0.5, 0.0))


def _body(
    age: np.ndarray, male: np.ndarray, tall: np.ndarray, heavy: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Height (cm) and weight (kg): rough growth curves of Thai children, made up to be plausible and nothing more."""
    grown = np.where(male, 170.0, 158.0)
    height = np.minimum(grown, 80 + 6.0 * age + np.where(male & (age > 12), 1.2 * (age - 12), 0.0)) + 5.5 * tall
    weight = (height / 100) ** 2 * (14.2 + 0.38 * np.clip(age - 6, 0, 12)) * np.exp(0.13 * heavy)
    return (height + rng.normal(0, 0.7, len(age))).round(0), (weight + rng.normal(0, 0.5, len(age))).clip(
        10, 140
    ).round(1)


def summary(made: Area) -> dict[str, Any]:
    """The area in a few numbers, for a person who wants to know what was made."""
    whole = made.truth[made.truth["academic_year"] < made.years[-1]]
    return {
        "schools": len(made.schools),
        "learners": int((made.truth["academic_year"] == made.years[-1]).sum()),
        "learner_years": len(made.truth),
        "pages": len(made.pages),
        "left_within_the_year": int((whole["kind"] == "in_year").sum()),
        "did_not_arrive": int((whole["kind"] == "not_arrived").sum()),
    }
