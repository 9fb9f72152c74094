"""How good the register's data are, school by school and source by source, as an officer can show it to others.

    assess(store, settings, as_of) ─► Quality ─► to_rows (printing) · to_xlsx · to_html (one page to attach as evidence)

The measures stand in one table (`measures`), each with its definition, its place in UIS's quality framework (Ed-DQAF),
the two thresholds of its verdict and the reason for them. What an import counted (rows refused, values not understood)
is that of the register as it stands; all else is what was known strictly before the as-of date. Nothing here names a
child.

Here also stands, once, what other rooms ask of a roll page (which days are recorded, the last of them, whether a
school's marks have stopped) and which of a school's lists is whole.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter

from raksa import calendar, thai
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import (
    ABSENT,
    ACTIVITY,
    GRADE_LEVEL,
    GRADES,
    LATE,
    LEAVE,
    NOT_RECORDED,
    PRESENT,
    SICK,
)
from register.mapping import known_formats

# ------------------------------------------------------------------------------------------------ roll pages
# Days on a page as positions in a 256-wide table of marks: which marks make a day a recorded one, one the child was
# there, a school day.
RECORDED, ATTENDED, OPEN = (np.zeros(256, bool) for _ in range(3))
RECORDED[[ord(m) for m in (PRESENT, LATE, SICK, LEAVE, ABSENT, ACTIVITY)]] = True
ATTENDED[[ord(m) for m in (PRESENT, LATE, ACTIVITY)]] = True
OPEN[:] = RECORDED
OPEN[ord(NOT_RECORDED)] = True


# Days before the date that must carry marks; the risk model reads the same window (`recorded_share_28d`).
RECENT_DAYS = 28


def days_with(pages: np.ndarray, marks: np.ndarray, first: int, stop: int) -> np.ndarray:
    """How many of the days first … stop − 1 of each page carry one of the marks; pages are (pages, days) uint8."""
    counted: np.ndarray = np.count_nonzero(marks[pages[:, max(first, 0) : stop]], axis=1)
    return counted


def last_day_with(pages: np.ndarray, marks: np.ndarray, stop: int) -> np.ndarray:
    """Position of each page's last day before `stop` with one of the marks; −1 where there is none."""
    held = marks[pages[:, :stop]]
    if not held.shape[1]:
        return np.full(len(pages), -1)
    return np.where(held.any(axis=1), held.shape[1] - 1 - np.argmax(held[:, ::-1], axis=1), -1)


def marks_stopped(recorded_share: np.ndarray | pd.Series, settings: Settings) -> np.ndarray:
    """The readiness gate: whether too few of four weeks' school days are recorded for a score to have a meaning.

    `recorded_share` is recorded ÷ school days; NaN where there were no school days, as in the weeks after a long
    holiday: then there is nothing to judge by, and any mark of the year will do.
    """
    share = np.asarray(recorded_share, np.float64)
    return np.asarray(share < settings.readiness_share)


# ------------------------------------------------------------------------------------------------ lists
# Lists of one census arrive over some weeks (colleges report in July); until then nobody is missing from them.
CENSUS_DAYS = 75
# Two lists so many days apart say where a child is at the same time: the clean-up before a census takes a month
# (DMC: 16 May to 10 June).
SAME_CENSUS_DAYS = 31
ON_THE_BOOKS = ("enrolled", "floating", "leave_of_absence")
_LIST_COLUMNS = [
    "learner_id", "school_id", "academic_year", "listed_on", "grade", "room", "student_number", "status", "source",
]  # fmt: skip


def known_before(table: pa.Table, as_of: date, *columns: str) -> pa.Table:
    """Rows whose date columns all lie strictly before the date. A row without a known day is not known."""
    for column in columns:
        table = table.filter(pc.less(table[column], pa.scalar(as_of, pa.date32())))
    return table


def told_of(ids: pd.Series, told: pd.Series) -> pd.Series:
    """What is told of each id, missing where nothing is; unlike Series.map, of an empty table too in its own type."""
    return told.reindex(ids.to_numpy()).set_axis(ids.index)


def lists_before(store: Store, as_of: date) -> pd.DataFrame:
    """Rows of all lists dated before the date, by learner and day; `listed_on` as datetime64."""
    lists: pd.DataFrame = known_before(store.read("enrolment", columns=_LIST_COLUMNS), as_of, "listed_on").to_pandas()
    lists["listed_on"] = pd.to_datetime(lists["listed_on"])
    return lists.sort_values(["learner_id", "listed_on", "school_id"], ignore_index=True)


def exits_before(store: Store, as_of: date) -> pd.DataFrame:
    """Exits known before the date, each as told last: learner_id, school_id, cause and `day`, the last day on the
    list; where that is not known, the day from which the exit was."""
    columns = ["learner_id", "school_id", "left_on", "cause", "known_on"]
    exits: pd.DataFrame = known_before(store.read("exit", columns=columns), as_of, "known_on").to_pandas()
    exits = exits.drop_duplicates(["learner_id", "school_id", "left_on"], keep="last")
    day = pd.to_datetime(exits.pop("left_on"))
    exits["day"] = day.fillna(pd.to_datetime(exits.pop("known_on")))
    return exits[exits["day"] < pd.Timestamp(as_of)]


def whole_lists(lists: pd.DataFrame) -> pd.DataFrame:
    """Days on which a school sent a whole list: school_id, listed_on, sorted by day.

    A list of no more than half the learners of the school's largest list of that year and the year before, five or more
    fewer, is a part (a room's file, mended lines): nobody is missing from it. A school of four may lose two.
    """
    size = lists.groupby(["school_id", "academic_year", "listed_on"]).size().rename("learners").reset_index()
    both = pd.concat([size, size.assign(academic_year=size["academic_year"] + 1)])
    usual = both.groupby(["school_id", "academic_year"])["learners"].max().rename("usual")
    size = size.merge(usual.reset_index(), on=["school_id", "academic_year"])
    part = (size["learners"] * 2 <= size["usual"]) & (size["usual"] - size["learners"] >= 5)
    whole = size.loc[~part, ["school_id", "listed_on"]]
    return whole.sort_values(["listed_on", "school_id"], ignore_index=True)


def on_the_books(lists: pd.DataFrame, exits: pd.DataFrame) -> pd.DataFrame:
    """Learners of each school's newest whole list who are on its books and were not taken off since; columns of
    `lists`, one row per learner and school."""
    newest = whole_lists(lists).drop_duplicates("school_id", keep="last")
    now = lists.merge(newest, on=["school_id", "listed_on"])
    now = now[now["status"].isin(ON_THE_BOOKS)]
    left = exits.groupby(["learner_id", "school_id"])["day"].max().rename("left").reset_index()
    now = now.merge(left, on=["learner_id", "school_id"], how="left")
    stays = ~(now.pop("left") >= now["listed_on"])
    return now[stays].drop_duplicates(["learner_id", "school_id"], keep="last", ignore_index=True)


def on_two_lists(now: pd.DataFrame) -> np.ndarray:
    """For each row of `on_the_books`: whether the learner is enrolled or on leave there and on another school's newest
    list of the same census. On the books but not in class at one of two schools is no second place."""
    held = now.loc[now["status"] != "floating", ["learner_id", "school_id", "listed_on"]]
    held = held[held.duplicated("learner_id", keep=False)]
    pairs = held.merge(held, on="learner_id", suffixes=("", "_other"))
    near = (pairs["listed_on"] - pairs["listed_on_other"]).abs() <= timedelta(days=SAME_CENSUS_DAYS)
    twice = pairs.loc[near & (pairs["school_id"] != pairs["school_id_other"]), ["learner_id", "school_id"]]
    keys = pd.MultiIndex.from_frame(twice)
    return np.asarray(pd.MultiIndex.from_frame(now[["learner_id", "school_id"]]).isin(keys))


# ------------------------------------------------------------------------------------------------ what is measured
@dataclass(frozen=True)
class Measure:
    """One measure: what it says, its item in Ed-DQAF, and when a person should look or act.

    `better` is "more" or "less". The verdict is ok up to and including `ok`, act beyond `act`, else look; `why` is the
    reason for the two. Shares are 0 to 1. Ed-DQAF's items are cited by number as DOMAIN 3.5 has them; their wording
    varies by edition.
    """

    code: str
    dimension: str
    item: str
    unit: str
    better: str
    ok: float
    act: float
    name_th: str
    name_en: str
    means_th: str
    means_en: str
    why_th: str
    why_en: str

    def verdict(self, value: float) -> str:
        sign = 1 if self.better == "less" else -1
        if value * sign <= self.ok * sign:
            return "ok"
        return "act" if value * sign > self.act * sign else "look"


DIMENSIONS = {
    "completeness": ("ความครบถ้วน", "Completeness"),
    "validity": ("ความถูกต้องตามรูปแบบ", "Validity"),
    "uniqueness": ("ความไม่ซ้ำซ้อน", "Uniqueness"),
    "consistency": ("ความสอดคล้องระหว่างแหล่ง", "Consistency across sources"),
    "timeliness": ("ความทันเวลา", "Timeliness"),
    "coverage": ("ความครอบคลุมของการเช็คชื่อ", "Coverage of attendance"),
    "reconciliation": ("ความตรงกับยอดทางการ", "Reconciliation with census totals"),
}
UNITS = {"share": ("ร้อยละ", "%"), "days": ("วัน", "days"), "school_days": ("วันเรียน", "school days")}
VERDICTS = {"ok": ("✓ ผ่าน", "ok"), "look": ("▲ ควรดู", "look"), "act": ("■ ต้องแก้", "act")}

_KNOWN = "ของนักเรียนในบัญชีล่าสุด (เด็กที่ยังอยู่ในบัญชี)"
MEASURES = (
    Measure("birth_known", "completeness", "3.1", "share", "more", 0.99, 0.95,
            "มีวันเกิด", "Birth date known",
            f"ร้อยละ{_KNOWN} ที่ทราบวันเกิดจากแหล่งใดแหล่งหนึ่ง",
            "Share of the learners of the newest list whose birth date any source tells",
            "อายุใช้กับการศึกษาภาคบังคับและการค้นหาเด็กนอกระบบ",
            "Age decides on compulsory schooling and on who is looked for"),
    Measure("sex_known", "completeness", "3.1", "share", "more", 0.99, 0.95,
            "มีเพศ", "Sex known",
            f"ร้อยละ{_KNOWN} ที่ทราบเพศ",
            "Share of the learners of the newest list whose sex any source tells",
            "ยอดทางการแยกตามเพศ", "Census totals are by sex"),
    Measure("id_known", "completeness", "3.1", "share", "more", 0.98, 0.90,
            "มีเลขประจำตัว", "Number of a person known",
            f"ร้อยละ{_KNOWN} ที่มีเลขประชาชน รหัส G หรือหนังสือเดินทาง",
            "Share of the learners of the newest list with a citizen id, G-code or passport number",
            "เด็กที่ย้ายสังกัดตามได้ด้วยเลขนี้เท่านั้น", "Only by it is a child found on another agency's list"),
    Measure("guardian_known", "completeness", "3.1", "share", "more", 0.90, 0.70,
            "มีชื่อผู้ปกครอง", "Guardian known",
            f"ร้อยละ{_KNOWN} ที่มีชื่อผู้ปกครอง",
            "Share of the learners of the newest list with a guardian's name",
            "ไม่มีชื่อก็ไม่รู้ว่าจะติดต่อใคร", "Without it there is nobody to call"),
    Measure("address_known", "completeness", "3.1", "share", "more", 0.90, 0.70,
            "มีที่อยู่", "Address known",
            f"ร้อยละ{_KNOWN} ที่มีบ้านเลขที่หรือตำบล",
            "Share of the learners of the newest list with a house or a subdistrict",
            "เยี่ยมบ้านและค้นหาตามตำบลไม่ได้ถ้าไม่มี", "Without it no home can be visited"),
    Measure("blank", "completeness", "3.1", "share", "less", 0.10, 0.50,
            "ช่องว่าง", "Blank",
            "ร้อยละของแถวในบัญชีที่ช่องนี้ว่าง เฉพาะช่องที่รูปแบบไฟล์นั้นมี",
            "Share of the list's rows in which the column is blank; only columns the format has",
            "ว่างเกินครึ่งถือว่าไม่ได้กรอก", "Blank in more than half, a column is not being filled"),
    Measure("id_checksum", "validity", "3.3", "share", "more", 0.99, 0.95,
            "เลขประชาชนถูกหลัก", "Citizen ids that pass the check digit",
            "ร้อยละของเลขประชาชนล่าสุดของนักเรียนที่เลขหลักที่ 13 ถูกต้อง",
            "Share of citizen ids whose 13th digit fits (schools: the latest of each learner; sources: rows)",
            "เลขผิดหนึ่งหลักทำให้เด็กคนเดียวเป็นสองคน", "One wrong digit makes two children of one"),
    Measure("body_plausible", "validity", "3.3", "share", "more", 0.98, 0.90,
            "น้ำหนักส่วนสูงเป็นไปได้", "Weight and height plausible",
            "ร้อยละของการชั่งวัดที่ดัชนีมวลกายอยู่ระหว่าง 9 ถึง 50 โดยนับค่าที่อ่านไม่ได้ตอนนำเข้าว่าเป็นไปไม่ได้",
            "Share of measurings with a body mass index of 9 to 50; values the import could not take count as not "
            "plausible (schools: each learner's latest measuring, and the import of the newest list)",
            "นอกช่วงนี้มักเป็นการกรอกสลับช่องหรือสลับหน่วย", "Outside it columns or units were mostly swapped"),
    Measure("age_fits_grade", "validity", "3.3", "share", "more", 0.98, 0.90,
            "อายุสมกับชั้น", "Age fits the grade",
            "ร้อยละของนักเรียนที่ทราบวันเกิดและชั้น ซึ่งอ่อนกว่าเกณฑ์ชั้นไม่เกิน 1 ปี และแก่กว่าไม่เกิน 4 ปี นับตามปีปฏิทิน",
            "Share of learners with birth date and grade who are at most 1 year younger and 4 years older than usual "
            "in the grade, by calendar year",
            "เข้าเรียนช้าหรือซ้ำชั้นยังอยู่ในช่วงนี้ นอกช่วงมักเป็นปีเกิดผิด",
            "Late entry and repeating stay within it; beyond it the birth year is mostly wrong"),
    Measure("values_left_out", "validity", "2.3", "share", "less", 0.01, 0.05,
            "ค่าที่อ่านไม่เข้าใจ", "Values not understood",
            "จำนวนค่าที่ไม่ตรงตารางรหัสหรืออยู่นอกช่วง ต่อจำนวนแถวของไฟล์ (โรงเรียน: ไฟล์ของบัญชีล่าสุด)",
            "Values in no code table or out of range, per row of the files (schools: the files of the newest list)",
            "เกินหนึ่งในยี่สิบควรแก้ที่ต้นทางหรือเพิ่มในตารางรหัส",
            "More than one in twenty is mended at the source or in the code table"),
    Measure("rows_refused", "validity", "3.3", "share", "less", 0.01, 0.05,
            "แถวที่ไม่รับ", "Rows refused",
            "ร้อยละของแถวในไฟล์ที่ไม่รับ (โรงเรียน: ไฟล์ของบัญชีล่าสุด)",
            "Share of the files' rows that were refused (schools: the files of the newest list)",
            "แถวที่ไม่รับคือเด็กหรือข้อเท็จจริงที่ทะเบียนไม่รู้", "A refused row is a child or a fact the register lacks"),
    Measure("two_lists", "uniqueness", "3.3", "share", "less", 0.0, 0.02,
            "อยู่สองบัญชีพร้อมกัน", "On two lists at once",
            "ร้อยละของนักเรียนที่กำลังเรียนหรือพักการเรียนอยู่ในบัญชีล่าสุดของโรงเรียนอื่นด้วย วันที่ห่างกันไม่เกิน 31 วัน",
            "Share of learners also enrolled or on leave on another school's newest list, dated within 31 days",
            "ต้องแก้ก่อนวันที่ 10 มิ.ย. และ 10 พ.ย. เงินอุดหนุนเรียกคืนได้",
            "To be settled before 10 June and 10 November; grants are reclaimed"),
    Measure("number_twice", "uniqueness", "3.3", "share", "less", 0.0, 0.01,
            "เลขประจำตัวนักเรียนซ้ำในโรงเรียน", "School number given twice",
            "ร้อยละของนักเรียนในบัญชีล่าสุดที่มีเลขประจำตัวนักเรียนซ้ำกับคนอื่นในโรงเรียนเดียวกัน",
            "Share of learners of the newest list with the same school number as another there",
            "ผลการเรียนและเวลาเรียนอ้างเด็กด้วยเลขนี้", "Marks and results name the child by it"),
    Measure("id_twice", "uniqueness", "3.3", "share", "less", 0.0, 0.005,
            "เลขประจำตัวบุคคลซ้ำ", "Number of a person given twice",
            "ร้อยละของนักเรียนที่มีเลขประชาชน รหัส G หรือหนังสือเดินทางซ้ำกับนักเรียนอื่นในทะเบียน",
            "Share of learners with the same citizen id, G-code or passport number as another learner of the register",
            "เลขหนึ่งเป็นของเด็กคนเดียว", "A number belongs to one child"),
    Measure("sex_differs", "consistency", "4.3", "share", "less", 0.002, 0.02,
            "เพศไม่ตรงกัน", "Sex differs between lists",
            "ร้อยละของนักเรียนที่บัญชีต่างฉบับให้เพศต่างกัน",
            "Share of learners for whom lists tell more than one sex",
            "มากกว่าสองในร้อยมักเป็นคอลัมน์สลับหรือเด็กสองคนเลขเดียวกัน",
            "Above 2 in 100 a column is swapped, or two children have one number"),
    Measure("birth_differs", "consistency", "4.3", "share", "less", 0.005, 0.02,
            "วันเกิดไม่ตรงกัน", "Birth date differs between lists",
            "ร้อยละของนักเรียนที่บัญชีต่างฉบับให้วันเกิดต่างกัน",
            "Share of learners for whom lists tell more than one birth date",
            "พิมพ์ผิดมีได้บ้าง มากกว่าสองในร้อยมักเป็นวันเดือนสลับกัน",
            "Slips happen; above 2 in 100 days and months are mostly swapped"),
    Measure("mark_age", "timeliness", "4.2", "school_days", "less", 5, 10,
            "วันเรียนนับจากเช็คชื่อครั้งล่าสุด", "School days since the last mark",
            "จำนวนวันเรียนหลังวันที่โรงเรียนเช็คชื่อครั้งล่าสุด นับจากเปิดเรียนถ้าปีนี้ยังไม่มี",
            "School days after the school's last day with a mark; from the first day where there is none this year",
            "ขาดติดต่อกันเกิน 5 วันต้องแจ้งผู้ปกครอง ข้อมูลช้ากว่านั้นแจ้งไม่ทัน",
            "A letter is due after 5 days of absence in a row; older marks come too late for it"),
    Measure("list_age", "timeliness", "4.2", "days", "less", 165, 240,
            "อายุของบัญชีล่าสุด", "Age of the newest list",
            "จำนวนวันจากวันของบัญชีล่าสุดทั้งโรงเรียนถึงวันที่ประเมิน",
            "Days from the day of the school's newest whole list to the as-of date",
            "ระหว่างวันยืนยันข้อมูลห่างกันมากที่สุด 153 วัน",
            "Census days lie at most 153 days apart (10 June to 10 November)"),
    Measure("list_delay", "timeliness", "4.2", "days", "less", 20, 75,
            "วันจากวันของบัญชีถึงวันนำเข้า", "Days from list to import",
            "จำนวนวันจากวันของบัญชีล่าสุดถึงวันที่นำเข้า (แหล่งข้อมูล: ค่ากลางของโรงเรียน)",
            "Days from the newest list's day to its import (sources: the median school)",
            "บัญชี 10 มิ.ย. ส่งต่อภายใน 30 มิ.ย. วิทยาลัยส่งถึงปลายสิงหาคม",
            "The list of 10 June is handed on by 30 June; colleges report until August"),
    Measure("recorded_year", "coverage", "4.2", "share", "more", 0.90, 0.50,
            "วันเรียนที่เช็คชื่อแล้วในปีนี้", "School days recorded this year",
            "ร้อยละของวันเรียนรายคนตั้งแต่เปิดปีการศึกษาที่มีการเช็คชื่อ เด็กที่ไม่มีหน้าบันทึกนับว่าไม่ได้เช็ค",
            "Share of the learners' school days since the year began that are recorded; a child without a roll page "
            "counts as not recorded",
            "เกณฑ์เวลาเรียนร้อยละ 80 ตัดสินไม่ได้ถ้าเช็คไม่ถึงร้อยละ 90",
            "The 80 % rule cannot be judged on less than nine days in ten"),
    Measure("recorded_recent", "coverage", "4.2", "share", "more", 0.80, 0.50,
            "วันเรียนที่เช็คชื่อแล้วช่วงล่าสุด", "School days recorded lately",
            "ร้อยละของวันเรียนรายคนในสี่สัปดาห์ก่อนวันที่ประเมินที่มีการเช็คชื่อ",
            "Share of the learners' school days of the last four weeks that are recorded",
            "ต่ำกว่าค่า readiness_share โรงเรียนยังประเมินไม่ได้",
            "Below the setting readiness_share the school cannot be scored"),
    Measure("census_difference", "reconciliation", "3.4", "share", "less", 0.005, 0.03,
            "ต่างจากยอดทางการ", "Difference from the census",
            "ผลรวมของส่วนต่างรายชั้นและเพศ ระหว่างบัญชีรายชื่อกับยอดทางการของวันนั้น ต่อยอดทางการ",
            "Differences by grade and sex between the list and the published head count of that day, added up without "
            "sign, over the head count",
            "โรงเรียน 200 คนต่างได้ 1 คน เกินสามในร้อยแปลว่าเป็นบัญชีคนละฉบับ",
            "One child in a school of 200; above 3 in 100 it is another list"),
)  # fmt: skip


def measures(settings: Settings) -> dict[str, Measure]:
    """Every measure by its code; the gate of `recorded_recent` is the settings'."""
    gate = settings.readiness_share
    found = {m.code: m for m in MEASURES}
    recent = found["recorded_recent"]
    return found | {"recorded_recent": replace(recent, act=gate, ok=max(gate, recent.ok))}


# Why a school's learners cannot be scored, and whose turn it is: the words of the dashboard.
TURNS = {
    "no_list": (
        "ยังไม่มีบัญชีรายชื่อของโรงเรียน", "No list of the school's learners has come.",
        "นายทะเบียนโรงเรียน: ส่งบัญชีรายชื่อนักเรียน", "The school's registrar: send the list of learners.",
    ),
    "never_sent": (
        "โรงเรียนไม่เคยส่งข้อมูลเช็คชื่อ", "The school has never sent attendance.",
        "เขตพื้นที่: ตกลงกับโรงเรียนว่าจะส่งข้อมูลเช็คชื่ออย่างไร",
        "The area office: agree with the school how its attendance is to come.",
    ),
    "no_attendance": (
        "ปีนี้ยังไม่มีข้อมูลเช็คชื่อ", "No attendance has been sent this year.",
        "นายทะเบียนโรงเรียน: ส่งข้อมูลเช็คชื่อของปีนี้", "The school's registrar: send this year's attendance.",
    ),
    "attendance_stopped": (
        "ข้อมูลเช็คชื่อของโรงเรียนขาดช่วง ช่วงล่าสุดบันทึกไว้น้อยเกินไป",
        "The school's attendance stopped; too few of the last weeks are recorded.",
        "ครูประจำชั้นและนายทะเบียน: บันทึกสัปดาห์ที่ขาดแล้วส่งข้อมูล",
        "The class teacher and the registrar: record the missing weeks and send them.",
    ),
}  # fmt: skip
# Columns whose blanks are counted, with the words of the list; the number and the id come from the learner's keys.
_BLANKS = {
    ("enrolment", "grade"): "ชั้น", ("enrolment", "room"): "ห้อง", ("enrolment", "student_number"): "เลขประจำตัวนักเรียน",
    ("learner", "sex"): "เพศ", ("learner", "birth_date"): "วันเกิด", ("identity", "id_number"): "เลขประจำตัวบุคคล",
    ("identity", "first_name"): "ชื่อ", ("identity", "last_name"): "นามสกุล", ("identity", "address"): "ที่อยู่",
    ("identity", "subdistrict"): "ตำบล", ("identity", "phone"): "เบอร์โทรศัพท์", ("identity", "guardian_name"): "ผู้ปกครอง",
    ("growth", "weight_kg"): "น้ำหนัก", ("growth", "height_cm"): "ส่วนสูง",
}  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """What `assess` found.

    measured        one row per measure and what it is about: kind (all, school, source), id, name, measure, part (the
                    column, for blanks), value, numerator, denominator, verdict
    readiness       one row per school: school_id, name, area_id, learners, last_mark_on, recorded_recent, code (of
                    TURNS; None = can be scored)
    reconciliation  one row per school, census day, grade and sex: census, listed, difference; listed is empty where the
                    school sent no list for that day
    """

    as_of: date
    learners: int
    snapshots: tuple[str, ...]
    table: dict[str, Measure]
    measured: pd.DataFrame = field(repr=False)
    readiness: pd.DataFrame = field(repr=False)
    reconciliation: pd.DataFrame = field(repr=False)


def assess(store: Store, settings: Settings, as_of: date) -> Quality:
    """Every measure of every school and source. A measure without anything to measure has no row."""
    lists, exits = lists_before(store, as_of), exits_before(store, as_of)
    now = on_the_books(lists, exits)
    files = _files(store)
    facts = _Facts.read(store, as_of)
    roll = _Roll.read(store, settings, as_of, now)
    schools = store.read("school", columns=["school_id", "name", "area_id"]).to_pandas()
    compared = _reconcile(store, lists, as_of)
    parts = [
        *_of_learners(now, facts, as_of, settings),
        *_of_files(lists, now, files, facts),
        *_of_roll(now, roll),
        *_of_days(lists, now, files, as_of),
        *_of_census(compared),
    ]
    table = measures(settings)
    measured = pd.concat([_EMPTY, *(p for p in parts if len(p))], ignore_index=True)
    measured = measured[measured["denominator"] > 0].reset_index(drop=True)
    known = zip(measured["measure"], measured["value"], strict=True)
    measured["verdict"] = [table[code].verdict(value) for code, value in known]
    called = dict(zip(schools["school_id"], schools["name"], strict=True))
    titles = {m.name: m.title_th for m in known_formats().values()}
    measured["name"] = [called.get(i) or titles.get(i, i) for i in measured["id"]]
    order = {code: n for n, code in enumerate(table)}
    measured = measured.sort_values(
        ["kind", "measure", "id", "part"], key=lambda c: c.map(order) if c.name == "measure" else c, ignore_index=True
    )
    return Quality(
        as_of, now["learner_id"].nunique(), store.current().snapshots, table, measured,
        _readiness(schools, now, roll, settings), compared,
    )  # fmt: skip


_EMPTY = pd.DataFrame(
    {name: pd.Series(dtype=kind) for name, kind in (("kind", object), ("id", object), ("measure", object),
     ("part", object), ("value", float), ("numerator", float), ("denominator", float))}
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ measuring
def _share(measure: str, hit: np.ndarray | pd.Series, of: pd.Series, kind: str = "school") -> pd.DataFrame:
    """Share of rows that hit, by `of` (a school or source for each row); schools also all together."""
    rows = pd.DataFrame({"id": of.to_numpy(), "hit": np.asarray(hit, bool)})
    found = rows.groupby("id")["hit"].agg(["sum", "size"]).reset_index()
    return _counted(measure, found["id"], found["sum"], found["size"], kind)


def _counted(
    measure: str, of: Iterable[Any], numerator: Iterable[Any], denominator: Iterable[Any], kind: str = "school"
) -> pd.DataFrame:
    columns = {"id": of, "numerator": numerator, "denominator": denominator}
    found = pd.DataFrame({k: np.asarray(list(v)) for k, v in columns.items()})
    if kind == "school" and len(found):
        every = {"id": "", "numerator": found["numerator"].sum(), "denominator": found["denominator"].sum()}
        found = pd.concat([found.assign(kind=kind), pd.DataFrame([every | {"kind": "all"}])], ignore_index=True)
    whole = found["denominator"].to_numpy(float)
    value = np.divide(found["numerator"].to_numpy(float), whole, out=np.full(len(found), np.nan), where=whole > 0)
    return found.assign(kind=found.get("kind", kind), measure=measure, part="", value=value)[list(_EMPTY.columns)]


def _amount(
    measure: str, of: Iterable[Any], value: Iterable[float], over: Iterable[Any], kind: str = "school"
) -> pd.DataFrame:
    """An amount that is no share (days): the median stands for all schools together; `over` is what it was seen on."""
    found = pd.DataFrame({"id": list(of), "value": list(value), "denominator": list(over)})
    found = found.assign(kind=kind)
    if kind == "school" and len(found):
        every = {"id": "", "kind": "all", "value": found["value"].median(), "denominator": found["denominator"].sum()}
        found = pd.concat([found, pd.DataFrame([every])], ignore_index=True)
    return found.assign(measure=measure, part="", numerator=np.nan)[list(_EMPTY.columns)]


@dataclass
class _Facts:
    """What lists told of learners before the date: one row per learner and list; and the source of each row of the
    civil register."""

    learner: pd.DataFrame
    identity: pd.DataFrame
    growth: pd.DataFrame
    population: pd.Series

    @classmethod
    def read(cls, store: Store, as_of: date) -> _Facts:
        learner = known_before(store.read("learner"), as_of, "known_on").to_pandas()
        learner["birth_date"] = pd.to_datetime(learner["birth_date"])
        wanted = ["learner_id", "known_on", *(c for t, c in _BLANKS if t == "identity"), "id_type", "source"]
        identity = known_before(store.read("identity", columns=wanted), as_of, "known_on").to_pandas()
        growth = known_before(store.read("growth"), as_of, "known_on").to_pandas()
        metres = growth["height_cm"] / 100
        index = growth["weight_kg"] / metres**2
        growth["plausible"] = index.between(9, 50)
        growth["measured"] = index.notna()
        population = known_before(store.read("population", columns=["listed_on", "source"]), as_of, "listed_on")
        return cls(
            learner.sort_values(["learner_id", "known_on"], ignore_index=True),
            identity.sort_values(["learner_id", "known_on"], ignore_index=True),
            growth.sort_values(["learner_id", "known_on"], ignore_index=True),
            population.column("source").to_pandas(),
        )


def _of_learners(now: pd.DataFrame, facts: _Facts, as_of: date, settings: Settings) -> list[pd.DataFrame]:
    """Measures of the learners on each school's books."""
    who, school = now["learner_id"], now["school_id"]
    learner, identity = facts.learner, facts.identity

    def knows(table: pd.DataFrame, *columns: str) -> np.ndarray:
        said = table[list(columns)].notna().any(axis=1)
        return who.isin(table.loc[said, "learner_id"]).to_numpy()

    birth = learner.dropna(subset=["birth_date"]).drop_duplicates("learner_id", keep="last")
    born = birth.set_index("learner_id")["birth_date"].reindex(who)
    level = now["grade"].map(GRADE_LEVEL).to_numpy(float, na_value=np.nan)
    # A child enters ป.1 in the calendar year in which she turns seven (as features/enrolment.py has it).
    over = (now["academic_year"] - calendar.BUDDHIST_ERA).to_numpy() - born.dt.year.to_numpy(float) - (6 + level)
    judged = ~np.isnan(over)

    numbers = identity.dropna(subset=["id_number"])
    latest = numbers.drop_duplicates("learner_id", keep="last").set_index("learner_id")
    citizen = latest.loc[latest["id_type"] == "citizen", "id_number"].reindex(who)
    has = citizen.notna().to_numpy()
    pairs = numbers[["id_type", "id_number", "learner_id"]].drop_duplicates()
    shared = pairs.loc[pairs.duplicated(["id_type", "id_number"], keep=False), "learner_id"]
    numbered = now["student_number"].notna()

    def differ(column: str) -> np.ndarray:
        said = learner.dropna(subset=[column])[["learner_id", column]].drop_duplicates()
        return who.isin(said.loc[said.duplicated("learner_id"), "learner_id"]).to_numpy()

    return [
        _share("birth_known", knows(learner, "birth_date"), school),
        _share("sex_known", knows(learner, "sex"), school),
        _share("id_known", knows(identity, "id_number"), school),
        _share("guardian_known", knows(identity, "guardian_name"), school),
        _share("address_known", knows(identity, "address", "subdistrict"), school),
        _share("id_checksum", _fit(citizen[has]), school[has]),
        _share("age_fits_grade", (over[judged] >= -1) & (over[judged] <= 4), school[judged]),
        _share("two_lists", on_two_lists(now), school),
        _share(
            "number_twice",
            now[numbered].duplicated(["school_id", "student_number"], keep=False),
            school[numbered],
        ),
        _share("id_twice", who.isin(shared), school),
        _share("sex_differs", differ("sex"), school),
        _share("birth_differs", differ("birth_date"), school),
    ]


def _fit(numbers: pd.Series) -> np.ndarray:
    """Whether each citizen id's check digit fits; each number is looked at once."""
    codes, distinct = pd.factorize(numbers)
    holds = [len(n) == 13 and n.isdigit() and thai.citizen_checksum_holds(n) for n in distinct]
    return np.array([*holds, False])[codes]


# ------------------------------------------------------------------------------------------------ files
def _files(store: Store) -> pd.DataFrame:
    """One row per file of a live snapshot, by its `source`: format, rows, refused, bad (values and rows with a word
    that was not understood), bad_body (weights and heights among them), imported."""
    out = []
    for name in store.current().snapshots:
        held = store.snapshot(name)
        imported = pd.Timestamp(datetime.fromisoformat(held["created_at"]).date())
        for number, file in enumerate(held["files"], start=1):
            said = [*file["refused"].items(), *file["warnings"].items()]
            out.append(
                {
                    "source": f"{name[:6]}#{number}",
                    "format": file["format"] or "",
                    "rows": file["rows"],
                    "refused": sum(file["refused"].values()),
                    "bad": sum(n for code, n in said if code.startswith("bad_")),
                    "bad_body": sum(n for code, n in said if code in ("bad_weight_kg", "bad_height_cm")),
                    "imported": imported,
                }
            )
    kinds = {"source": "str", "format": "str", **dict.fromkeys(("rows", "refused", "bad", "bad_body"), "int64")}
    found = pd.DataFrame(out, columns=[*kinds, "imported"]).astype({**kinds, "imported": "datetime64[s]"})
    return found.set_index("source")


def _of_files(lists: pd.DataFrame, now: pd.DataFrame, files: pd.DataFrame, facts: _Facts) -> list[pd.DataFrame]:
    """What imports counted and what sources leave blank: by format, and by school for the files of its newest list."""
    read = files[files["rows"] > 0]
    by_format = read.groupby("format")[["rows", "refused", "bad", "bad_body"]].sum()
    growth = facts.growth[facts.growth["measured"]]
    kind = told_of(growth["source"], files["format"])
    weighed = pd.DataFrame({"fine": growth["plausible"].groupby(kind).sum(), "all": kind.value_counts()})
    body = by_format.join(weighed).dropna()
    ids = facts.identity[(facts.identity["id_type"] == "citizen") & facts.identity["id_number"].notna()]
    own_school = _one_school(lists, now)
    newest = now[["school_id", "source"]].drop_duplicates()
    newest = newest[told_of(newest["source"], own_school).eq(newest["school_id"])].join(read, on="source", how="inner")
    by_school = newest.groupby("school_id")[["rows", "refused", "bad", "bad_body"]].sum()
    latest = growth.drop_duplicates("learner_id", keep="last").set_index("learner_id")["plausible"]
    fine = now[["school_id"]].assign(plausible=latest.reindex(now["learner_id"]).to_numpy()).dropna()
    of_school = fine.groupby("school_id")["plausible"].agg(["sum", "size"])
    left_out = by_school["bad_body"].reindex(of_school.index).fillna(0)
    return [
        _counted("rows_refused", by_format.index, by_format["refused"], by_format["rows"], "source"),
        _counted("values_left_out", by_format.index, by_format["bad"], by_format["rows"], "source"),
        _counted("body_plausible", body.index, body["fine"], body["all"] + body["bad_body"], "source"),
        _share("id_checksum", _fit(ids["id_number"]), told_of(ids["source"], files["format"]), "source"),
        _counted("rows_refused", by_school.index, by_school["refused"], by_school["rows"]),
        _counted("values_left_out", by_school.index, by_school["bad"], by_school["rows"]),
        _counted("body_plausible", of_school.index, of_school["sum"], of_school["size"] + left_out),
        *_blanks(lists, facts, files),
        *_disagreeing(facts, files),
    ]


def _one_school(lists: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """The school of each file that names one only; an area's file of many schools says nothing of one of them."""
    rows = lists.loc[lists["source"].isin(now["source"].unique()), ["source", "school_id"]].drop_duplicates()
    return rows[~rows.duplicated("source", keep=False)].set_index("source")["school_id"]


def _blanks(lists: pd.DataFrame, facts: _Facts, files: pd.DataFrame) -> list[pd.DataFrame]:
    """Share of a format's list rows in which a column is blank, for the columns the format has."""
    rows = told_of(pd.concat([lists["source"], facts.population]), files["format"]).value_counts()
    tables = {"enrolment": lists, "learner": facts.learner, "identity": facts.identity, "growth": facts.growth}
    formats = {name: told_of(frame["source"], files["format"]) for name, frame in tables.items()}
    out = []
    for (table, column), title in _BLANKS.items():
        filled = tables[table][column].notna().groupby(formats[table]).sum().reindex(rows.index).fillna(0)
        has = [_carries(str(name), table, column, n) for name, n in filled.items()]
        # A row that says nothing for a table is not in it, so the list's rows are what is counted against.
        blank = (rows - filled).clip(lower=0)[has]
        found = _counted("blank", blank.index, blank, rows[has], "source")
        out.append(found.assign(part=f"{title} / {table}.{column}"))
    return out


def _carries(name: str, table: str, column: str, filled: float) -> bool:
    """Whether a format has the column; of a format of one's own only what it filled tells."""
    mapping = known_formats().get(name)
    if mapping is None or filled:
        return filled > 0
    if column == "id_number":
        return bool({"citizen", "passport"} & set(mapping.learner))
    if column == "student_number":
        return "number" in mapping.learner
    return any(t.name == table and column in t.columns and not t.columns[column].optional for t in mapping.tables)


def _disagreeing(facts: _Facts, files: pd.DataFrame) -> list[pd.DataFrame]:
    """Learners of whom a format tells a sex or birth date that any other list tells otherwise, by format."""
    rows = facts.learner.assign(format=told_of(facts.learner["source"], files["format"]))
    out = []
    for column, measure in (("sex", "sex_differs"), ("birth_date", "birth_differs")):
        said = rows.dropna(subset=[column])
        pairs = said[["learner_id", column]].drop_duplicates()
        several = pairs.loc[pairs.duplicated("learner_id"), "learner_id"]
        each = said[["learner_id", "format"]].drop_duplicates()
        out.append(_share(measure, each["learner_id"].isin(several), each["format"], "source"))
    return out


def _of_days(lists: pd.DataFrame, now: pd.DataFrame, files: pd.DataFrame, as_of: date) -> list[pd.DataFrame]:
    newest = now.groupby("school_id").agg(day=("listed_on", "max"), learners=("learner_id", "size"))
    age = (pd.Timestamp(as_of) - newest["day"]).dt.days
    imported = lists[["school_id", "listed_on", "source"]].drop_duplicates()
    imported["delay"] = (told_of(imported["source"], files["imported"]) - imported["listed_on"]).dt.days
    imported["format"] = told_of(imported["source"], files["format"])
    imported = imported.dropna(subset=["delay"]).sort_values("listed_on")
    last = imported.merge(newest, left_on=["school_id", "listed_on"], right_on=["school_id", "day"])
    by_school = last.groupby("school_id").agg(delay=("delay", "max"), learners=("learners", "first"))
    each = imported.drop_duplicates(["format", "school_id"], keep="last")
    by_format = each.groupby("format")["delay"].agg(["median", "size"])
    return [
        _amount("list_age", newest.index, age, newest["learners"]),
        _amount("list_delay", by_school.index, by_school["delay"], by_school["learners"]),
        _amount("list_delay", by_format.index, by_format["median"], by_format["size"], "source"),
    ]


# ------------------------------------------------------------------------------------------------ attendance
@dataclass
class _Roll:
    """The running year's roll by school: last_mark_on, school days since it, and for the learners on the books the days
    recorded and open, of the year and of the last four weeks."""

    schools: pd.DataFrame
    ever: frozenset[str]

    @classmethod
    def read(cls, store: Store, settings: Settings, as_of: date, now: pd.DataFrame) -> _Roll:
        year, stop = calendar.academic_year(as_of, settings), calendar.position(as_of, settings)
        first = max(stop - RECENT_DAYS, 0)
        roll = store.read("roll", years=[year], columns=["learner_id", "school_id", "marks"])
        pages = page_matrix(roll["marks"])[:, :stop] if len(roll) else np.zeros((0, stop), np.uint8)
        page = roll.select(["learner_id", "school_id"]).to_pandas()
        page["last"] = last_day_with(pages, RECORDED, stop)
        for name, marks in (("recorded", RECORDED), ("open", OPEN)):
            page[name] = days_with(pages, marks, 0, stop)
            page[f"{name}_recent"] = days_with(pages, marks, first, stop)

        open_days = _open_days(store, settings, year, page["school_id"], pages, set(now["school_id"]))
        found = pd.DataFrame({"days": {school: days.sum() for school, days in open_days.items()}}, dtype=int)
        found["days_recent"] = [int(open_days[school][first:].sum()) for school in found.index]
        found["last"] = page.groupby("school_id")["last"].max().reindex(found.index).fillna(-1).astype(int)
        found["mark_age"] = [int(open_days[s][at + 1 :].sum()) for s, at in found["last"].items()]
        begin = pd.Timestamp(calendar.first_day(year, settings))
        found["last_mark_on"] = (begin + pd.to_timedelta(found["last"], unit="D")).where(found["last"] >= 0)

        held = now[["learner_id", "school_id"]].merge(page, on=["learner_id", "school_id"], how="left")
        for window in ("", "_recent"):  # who has no page has every day of the school unrecorded
            days_of_school = held["school_id"].map(found[f"days{window}"])
            held[f"open{window}"] = held[f"open{window}"].fillna(days_of_school)
        counts = ["recorded", "open", "recorded_recent", "open_recent"]
        earlier = store.read("roll", years=[y for y in store.years("roll") if y < year], columns=["school_id"])
        ever = {*earlier.column("school_id").to_pylist(), *found.index[found["last"] >= 0]}
        return cls(found.join(held.groupby("school_id")[counts].sum()), frozenset(ever))


def _open_days(
    store: Store, settings: Settings, year: int, school_of: pd.Series, pages: np.ndarray, others: set[str]
) -> dict[Any, np.ndarray]:
    """Which days of the year so far each school was open: where any of its pages says so; of `others`, that sent no
    page, the calendar everybody has."""
    code, schools = pd.factorize(school_of)
    order = np.argsort(code, kind="stable")
    edges = np.flatnonzero(np.diff(code[order], prepend=-1))
    found = dict(zip(schools, np.logical_or.reduceat(OPEN[pages[order]], edges), strict=True)) if len(edges) else {}
    holidays = store.read("holiday", columns=["school_id", "day"]).to_pandas()
    for school in sorted(others - set(found)):
        closed = holidays.loc[holidays["school_id"].isna() | holidays["school_id"].eq(school), "day"]
        found[school] = OPEN[calendar.blank_page(year, settings, frozenset(closed))[: pages.shape[1]]]
    return found


def _of_roll(now: pd.DataFrame, roll: _Roll) -> list[pd.DataFrame]:
    schools = roll.schools[roll.schools.index.isin(now["school_id"])]
    size = now.groupby("school_id").size().reindex(schools.index)
    return [
        _amount("mark_age", schools.index, schools["mark_age"].astype(float), size),
        _counted("recorded_year", schools.index, schools["recorded"], schools["open"]),
        _counted("recorded_recent", schools.index, schools["recorded_recent"], schools["open_recent"]),
    ]


def _readiness(schools: pd.DataFrame, now: pd.DataFrame, roll: _Roll, settings: Settings) -> pd.DataFrame:
    """Whether each school's learners can be scored: the gate of features/readiness.py, over the school's learners."""
    size = now.groupby("school_id").size()
    every = pd.Index(sorted({*schools["school_id"], *size.index}), name="school_id")
    found = schools.set_index("school_id")[["name", "area_id"]].reindex(every)
    found["learners"] = size.reindex(every).fillna(0).astype(int)
    held = roll.schools.reindex(every)
    found["last_mark_on"] = held["last_mark_on"]
    found["recorded_recent"] = (held["recorded_recent"] / held["open_recent"]).astype(float)
    marked = found["last_mark_on"].notna().to_numpy()
    found["code"] = np.select(
        [
            (found["learners"] == 0).to_numpy(),
            ~marked & ~every.isin(roll.ever),
            ~marked,
            marks_stopped(found["recorded_recent"], settings),
        ],
        ["no_list", "never_sent", "no_attendance", "attendance_stopped"],
        default="",
    )
    found["code"] = found["code"].astype(object).where(found["code"] != "", None)
    return found.reset_index()


# ------------------------------------------------------------------------------------------------ census totals
def _reconcile(store: Store, lists: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Each school's latest published head count beside the first whole list from that day on."""
    columns = ["school_id", "counted_on", "grade", "sex", "census", "listed", "difference", "listed_on"]
    census = known_before(store.read("census"), as_of, "counted_on").to_pandas().rename(columns={"learners": "census"})
    if census.empty:
        return pd.DataFrame(columns=columns)
    census = census.astype({"counted_on": "datetime64[s]", "grade": "str", "sex": "str"})  # also where all are empty
    # Totals beside their parts would be counted twice.
    parts = census.groupby(["school_id", "counted_on", "grade"], dropna=False)["sex"].transform("count") > 0
    census = census[census["sex"].notna() | ~parts]
    parts = census.groupby(["school_id", "counted_on"])["grade"].transform("count") > 0
    census = census[census["grade"].notna() | ~parts]
    census = census[census["counted_on"] == census.groupby("school_id")["counted_on"].transform("max")]
    days = census[["school_id", "counted_on"]].drop_duplicates()
    whole = whole_lists(lists).assign(day=lambda f: f["listed_on"])
    window = pd.Timedelta(days=CENSUS_DAYS)
    days = pd.merge_asof(
        days.sort_values("counted_on"), whole, left_on="counted_on", right_on="day", by="school_id",
        direction="forward", tolerance=window,
    ).drop(columns="day")  # fmt: skip
    rows = lists[lists["status"].isin(ON_THE_BOOKS)].merge(days, on=["school_id", "listed_on"])
    sex = known_before(store.read("learner"), as_of, "known_on").to_pandas().dropna(subset=["sex"])
    sex = sex.sort_values("known_on").drop_duplicates("learner_id", keep="last").set_index("learner_id")["sex"]
    rows["sex"] = sex.reindex(rows["learner_id"]).to_numpy()
    keys = ["school_id", "counted_on", "grade", "sex"]
    # A head count that tells no sex is of both, one that tells no grade of all; the list is counted the same way.
    for column in ("grade", "sex"):
        untold = census.groupby("school_id")[column].agg(lambda c: c.isna().all())
        rows.loc[rows["school_id"].map(untold).eq(True), column] = None
    rows = rows.astype({"grade": "str", "sex": "str"})
    listed = rows.groupby(keys, dropna=False).size().rename("listed").reset_index()
    found = census[[*keys, "census"]].merge(listed, on=keys, how="outer").merge(days, on=["school_id", "counted_on"])
    sent = found["listed_on"].notna()
    found["census"] = found["census"].fillna(0).astype(int)
    found["listed"] = found["listed"].fillna(0).where(sent)
    found["difference"] = found["listed"] - found["census"]
    grade = pd.Categorical(found["grade"], GRADES, ordered=True)
    ordered: pd.DataFrame = found.assign(order=grade).sort_values(["school_id", "order", "sex"], ignore_index=True)
    return ordered[columns]


def _of_census(compared: pd.DataFrame) -> list[pd.DataFrame]:
    known = compared.dropna(subset=["difference"])
    by = known.assign(off=known["difference"].abs()).groupby("school_id")[["off", "census"]].sum()
    return [_counted("census_difference", by.index, by["off"], by["census"])]


# ------------------------------------------------------------------------------------------------ for people
def to_rows(quality: Quality) -> list[dict[str, str]]:
    """Every measured value as a row to print: of, measure, value, of how many, verdict, item."""
    out = []
    for row in _records(quality.measured):
        measure = quality.table[row["measure"]]
        out.append(
            {
                "of": _about(row),
                "measure": _named(measure, row["part"]),
                "value": _value(measure, row["value"]),
                "n": _of(row),
                "verdict": " / ".join(VERDICTS[row["verdict"]]),
                "UIS": measure.item,
            }
        )
    return out


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in frame.to_dict("records")]


def _about(row: dict[str, Any]) -> str:
    if row["kind"] == "all":
        return "ทั้งทะเบียน / all schools"
    return f"{row['name']} ({row['id']})" if row["name"] != row["id"] else str(row["id"])


def _named(measure: Measure, part: str = "") -> str:
    """A measure's name in both languages; for blanks with the column's."""
    th, _, en = part.partition(" / ")
    return f"{measure.name_th} {th}".strip() + " / " + f"{measure.name_en} {en}".strip()


def _value(measure: Measure, value: float) -> str:
    if measure.unit == "share":
        return f"{value * 100:.1f} %"
    th, en = UNITS[measure.unit]
    return f"{value:,.0f} {th} / {en}"


def _of(row: dict[str, Any]) -> str:
    """Numerator of denominator; for days only what they were seen on."""
    whole = f"{row['denominator']:,.0f}"
    return whole if np.isnan(row["numerator"]) else f"{row['numerator']:,.0f}/{whole}"


def _threshold(measure: Measure) -> str:
    sign, past = ("≤", ">") if measure.better == "less" else ("≥", "<")
    return f"✓ {sign} {_bare(measure, measure.ok)} · ■ {past} {_bare(measure, measure.act)}"


def _bare(measure: Measure, value: float) -> str:
    return f"{value * 100:g} %" if measure.unit == "share" else f"{value:g}"


def _turn_rows(quality: Quality) -> list[list[str]]:
    """Schools that cannot be scored: school, learners, last recorded day, why, whose turn; most learners first."""
    waiting = quality.readiness.dropna(subset=["code"]).sort_values(["learners", "school_id"], ascending=[False, True])
    out = []
    for row in _records(waiting):
        why_th, why_en, turn_th, turn_en = TURNS[row["code"]]
        since = row["last_mark_on"]
        day = f"{thai.format_date(since)} / {thai.format_date(since, 'en')}" if pd.notna(since) else "–"
        name = row["name"] if isinstance(row["name"], str) else "–"
        out.append([
            f"{name} ({row['school_id']})", f"{row['learners']:,}", day, f"{why_th} / {why_en}",
            f"{turn_th} / {turn_en}",
        ])  # fmt: skip
    return out


_TITLE = "รายงานคุณภาพข้อมูล / Data quality report"
_HEADS = {
    "turn": ["โรงเรียน / school", "นักเรียน / learners", "วันที่เช็คชื่อล่าสุด / last recorded day",
             "เหตุ / why", "ถึงคราวของใคร / whose turn"],
    "value": ["เรื่อง / of", "ตัวชี้วัด / measure", "ค่า / value", "จำนวน / of how many", "ผล / verdict", "UIS"],
    "census": ["โรงเรียน / school", "วันนับยอด / census day", "ชั้น / grade", "เพศ / sex", "ยอดทางการ / census",
               "บัญชี / list", "ต่าง / difference"],
    "means": ["ตัวชี้วัด / measure", "UIS", "นิยาม / definition", "เกณฑ์ / thresholds", "เหตุผลของเกณฑ์ / why"],
}  # fmt: skip
_SEX = {"female": "หญิง / female", "male": "ชาย / male"}


def _said_of(quality: Quality) -> list[tuple[str, str]]:
    """What every copy says of itself: as of when, from which imports, about how many."""
    schools, every = int((quality.readiness["learners"] > 0).sum()), len(quality.readiness)
    return [
        ("ข้อมูลก่อนวันที่ / as known before",
         f"{thai.format_date(quality.as_of)} / {thai.format_date(quality.as_of, 'en')}"),
        ("นักเรียน / learners", f"{quality.learners:,}"),
        ("โรงเรียนที่ส่งบัญชี / schools with a list", f"{schools:,} จาก {every:,} / {schools:,} of {every:,}"),
        ("การนำเข้า / snapshots", ", ".join(quality.snapshots) or "–"),
    ]  # fmt: skip


def _mean_rows(quality: Quality) -> list[list[str]]:
    return [
        [_named(m), m.item, f"{m.means_th} / {m.means_en}", _threshold(m), f"{m.why_th} / {m.why_en}"]
        for m in quality.table.values()
    ]


def to_xlsx(quality: Quality, path: Path) -> None:
    """The whole assessment as a workbook: readiness, every value, the census differences, the definitions."""
    turn, census = _turn_rows(quality), quality.reconciliation
    values = [list(row.values()) for row in to_rows(quality)]
    counts = [[row[0], _day(row[1]), row[2], _SEX.get(row[3], ""), *row[4:7]] for row in _values_of(census)]
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, wrap = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"text_wrap": True})
        for name, key, lines in (
            ("ค่าที่วัดได้ values", "value", values), ("ยังประเมินไม่ได้ not ready", "turn", turn),
            ("ยอดทางการ census", "census", counts), ("นิยาม definitions", "means", _mean_rows(quality)),
        ):  # fmt: skip
            sheet = book.add_worksheet(name)
            sheet.set_column(0, len(_HEADS[key]) - 1, 28)
            said = _said_of(quality)
            sheet.write_string(0, 0, _TITLE, bold)
            for n, (what, text) in enumerate(said, start=1):
                sheet.write_string(n, 0, what)
                sheet.write_string(n, 1, text[:32_767])
            top = len(said) + 2
            for column, head in enumerate(_HEADS[key]):
                sheet.write_string(top, column, head, bold)
            for n, line in enumerate(lines, start=top + 1):
                for column, cell in enumerate(line):
                    if isinstance(cell, str):
                        sheet.write_string(n, column, cell, wrap)
                    elif cell is not None and not np.isnan(cell):
                        sheet.write_number(n, column, cell)
            sheet.freeze_panes(top + 1, 0)


def _values_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows with None where a value is missing."""
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def _day(day: Any) -> str:
    return thai.format_date(day) if day is not None and pd.notna(day) else ""


# ------------------------------------------------------------------------------------------------ one page of HTML
# No font and no picture from elsewhere; Thai marks stack above and below, so lines are 1.7 high and no text is cut.
_STYLE = """
:root { color-scheme: light } * { box-sizing: border-box }
body { font: 15px/1.7 "Raksa Thai", "Noto Sans Thai Looped", "Sarabun", "TH Sarabun New", "Noto Sans Thai",
  "Leelawadee UI", "Thonburi", sans-serif; color: #1b1f24; background: #fff; max-width: 1180px; margin: 0 auto;
  padding: 24px }
h1 { font-size: 24px; line-height: 1.7; margin: 0 } h2 { font-size: 18px; line-height: 1.7; margin: 28px 0 6px }
p { margin: 4px 0 } .en { color: #57606a; font-size: .9em } dl { display: grid; grid-template-columns: max-content 1fr;
  gap: 2px 16px; margin: 12px 0 } dt { color: #57606a } dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: 6px 0 } th, td { border: 1px solid #d0d7de; padding: 5px 8px;
  text-align: left; vertical-align: top; line-height: 1.7; overflow-wrap: break-word }
th { background: #f0f3f6; font-weight: 600 } td.n { text-align: right; white-space: nowrap }
.ok, .look, .act { white-space: nowrap } .look { background: #fff6dd } .act { background: #ffe7e3; font-weight: 600 }
.small { font-size: .85em; color: #57606a }
.wide { overflow-x: auto }
@page { size: A4 landscape; margin: 12mm }
@media print { body { font-size: 11px; padding: 0; max-width: none } .wide { overflow: visible }
  thead { display: table-header-group } tr { break-inside: avoid } h2 { break-after: avoid }
  .look, .act, th { -webkit-print-color-adjust: exact; print-color-adjust: exact } }
"""


def to_html(quality: Quality, path: Path, font: bytes | None = None) -> None:
    """One self-contained page to attach as evidence: Thai first, English beside, nothing loaded from elsewhere.

    `font` (woff2) is put into the page, for machines without a Thai font; without it the reader's own is used.
    """
    said = "".join(f"<dt>{_both(what)}</dt><dd>{_both(text)}</dd>" for what, text in _said_of(quality))
    turns = [[_td(c, "n" if n == 1 else "") for n, c in enumerate(line)] for line in _turn_rows(quality)]
    means = [[_td(c) for c in line] for line in _mean_rows(quality)]
    body = [
        f"<h1>{_both(_TITLE)}</h1>\n<dl>{said}</dl>",
        '<p class="small">' + _both("ไม่มีชื่อหรือเลขของเด็กคนใดในเอกสารนี้ / This document names no child.") + "</p>",
        _section("ภาพรวม / All schools together", _SUMMARY_HEADS, _summary(quality)),
        _section("โรงเรียนที่ยังประเมินไม่ได้ / Schools that cannot be scored yet", _HEADS["turn"], turns),
        *_by_school(quality),
        _section("แหล่งข้อมูล / Sources", ["แหล่งข้อมูล / source", *_SUMMARY_HEADS[1:6]], _of_sources(quality)),
        _section("ส่วนต่างจากยอดทางการ (บัญชี − ยอด) / Differences from the census (list − census)",
                 [_HEADS["census"][n] for n in (0, 1, 2, 3, 6)], _census_off(quality)),
        _section("นิยามและเกณฑ์ / Definitions and thresholds", _HEADS["means"], means),
        '<p class="small">'
        + _both("UIS: ข้อของกรอบประเมินคุณภาพข้อมูลการศึกษา (Ed-DQAF) / item of the education data quality assessment "
                "framework; its wording varies by edition")
        + "</p>",
    ]  # fmt: skip
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(_TITLE)}</title><style>{_font(font)}{_STYLE}</style>"
    )
    page = ["<!doctype html>", f'<html lang="th"><head>{head}</head>', "<body>", *body, "</body></html>", ""]
    path.write_text("\n".join(page), encoding="utf-8")


def _font(font: bytes | None) -> str:
    if font is None:
        return ""
    held = base64.b64encode(font).decode()
    return f'@font-face {{ font-family: "Raksa Thai"; src: url(data:font/woff2;base64,{held}) format("woff2") }}'


def _both(text: str) -> str:
    """Thai, then English smaller: `ไทย / English`."""
    first, slash, second = text.partition(" / ")
    return html.escape(first) + (f' <span class="en">{html.escape(second)}</span>' if slash else "")


def _td(text: str, css: str = "") -> str:
    return f'<td class="{css}">{_both(text)}</td>' if css else f"<td>{_both(text)}</td>"


def _section(title: str, heads: list[str], rows: list[list[str]]) -> str:
    """A heading and a table of cells that are HTML; without rows, that there are none."""
    table = "<p>" + _both("ไม่มี / none") + "</p>"
    if rows:
        head = "".join(f"<th>{_both(h)}</th>" for h in heads)
        lines = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
        table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{lines}</tbody></table></div>'
    return f"<h2>{_both(title)}</h2>\n{table}"


_SUMMARY_HEADS = [
    "ด้าน / dimension", "ตัวชี้วัด / measure", "UIS", "ค่า / value", "จำนวน / of how many", "ผล / verdict",
    *(f"โรงเรียน {th} / schools {en}" for th, en in VERDICTS.values()),
]  # fmt: skip


def _summary(quality: Quality) -> list[list[str]]:
    """One row per measure over all schools, and how many schools stand at each verdict."""
    schools = quality.measured[quality.measured["kind"] == "school"]
    at = schools.groupby(["measure", "verdict"]).size()
    return [
        [
            _td(" / ".join(DIMENSIONS[quality.table[row["measure"]].dimension])),
            *_measured_cells(quality, row),
            *(_td(f"{int(at.get((row['measure'], verdict), 0)):,}", "n") for verdict in VERDICTS),
        ]
        for row in _records(quality.measured[quality.measured["kind"] == "all"])
    ]


def _measured_cells(quality: Quality, row: dict[str, Any]) -> list[str]:
    measure = quality.table[row["measure"]]
    return [
        _td(_named(measure, row["part"])),
        _td(measure.item, "n"),
        _td(_value(measure, row["value"]), "n"),
        _td(_of(row), "n"),
        _td(" / ".join(VERDICTS[row["verdict"]]), row["verdict"]),
    ]


def _of_sources(quality: Quality) -> list[list[str]]:
    """Values by source; within each, what is to act on first."""
    rows = quality.measured[quality.measured["kind"] == "source"]
    order = rows["verdict"].map({"act": 0, "look": 1, "ok": 2})
    rows = rows.assign(order=order).sort_values(["id", "order"], kind="stable")
    return [[_td(_about(row)), *_measured_cells(quality, row)] for row in _records(rows)]


def _by_school(quality: Quality) -> list[str]:
    """A table per dimension: schools down, measures across, each value with its verdict's colour and sign."""
    rows = quality.measured[quality.measured["kind"] == "school"]
    out = []
    for dimension, (th, en) in DIMENSIONS.items():
        codes = [c for c, m in quality.table.items() if m.dimension == dimension and (rows["measure"] == c).any()]
        held = {(row["id"], row["measure"]): row for row in _records(rows[rows["measure"].isin(codes)])}
        names = {row["id"]: _about(row) for row in held.values()}
        lines = [
            [_td(names[school]), *(_school_cell(quality, held.get((school, code))) for code in codes)]
            for school in sorted(names)
        ]
        heads = ["โรงเรียน / school", *(_named(quality.table[code]) for code in codes)]
        out.append(_section(f"รายโรงเรียน: {th} / By school: {en}", heads, lines))
    return out


def _school_cell(quality: Quality, row: dict[str, Any] | None) -> str:
    if row is None:
        return "<td>–</td>"
    sign = VERDICTS[row["verdict"]][0].partition(" ")[0]
    value = _both(_value(quality.table[row["measure"]], row["value"]))
    return f'<td class="{row["verdict"]}">{sign} {value} <span class="small">{_of(row)}</span></td>'


def _census_off(quality: Quality) -> list[list[str]]:
    """Where list and census differ, the difference alone: the head counts of small classes stay in the workbook."""
    off = quality.reconciliation[quality.reconciliation["difference"] != 0]
    return [
        [_td(school), _td(_day(day)), _td(grade or "–"), _td(_SEX.get(sex, "–")),
         _td("ไม่มีบัญชีของวันนั้น / no list of that day" if difference is None else f"{difference:+.0f}", "n")]
        for school, day, grade, sex, _, _, difference, _ in _values_of(off)
    ]  # fmt: skip
