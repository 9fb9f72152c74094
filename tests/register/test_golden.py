"""Golden files, one or more a format: each is recognised, read to exactly what it means, and mended where it is wrong.

tests/register/golden_files.py shows how they were made. What stands here was written by hand from looking at the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from cast import BAIBUA, CHAI_DAEN, DOI_NAM, EK, FAH, KONG, MALI, PA_PHAI, SAI, SCHOOLS, THUNG_NA
from python_calamine import CalamineWorkbook
from school_files import only, take, xlsx_bytes

from register.convert import find_header, headers
from register.mapping import known_formats
from register.readers import read
from register.report import refused_rows_to_xlsx
from tests.register.golden_files import FOLDER, LAMDUAN_ID, SAI_G_CODE, TON_KLA_ID, WRONG_DIGIT, golden_files

AS_OF = date(2025, 6, 10)
JUNE, NOVEMBER, MARCH = date(2024, 6, 10), date(2024, 11, 10), date(2025, 3, 31)
TERM_1, YEAR = date(2024, 10, 24), date(2025, 4, 14)  # two weeks after the term and the year ended
MALI_BORN, KONG_BORN, BAIBUA_BORN = date(2008, 2, 29), date(2009, 3, 1), date(2009, 12, 15)
HOME = {"subdistrict": "นาดี", "district": "ทุ่ง", "province": "จังหวัดตัวอย่าง"}


def each(common: dict[str, Any], *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [common | row for row in rows]


def of(first_name: str, **said: Any) -> dict[str, Any]:
    return {"learner": first_name, **said}


def named(first_name: str, last_name: str, number: str, **said: Any) -> dict[str, Any]:
    kind = "g_code" if number[0] == "G" else "citizen" if number.isdigit() else "passport"
    return {
        "learner": first_name,
        "first_name": first_name,
        "last_name": last_name,
        "id_type": kind,
        "id_number": number,
    } | said


def known_by(first_name: str, *aliases: str) -> list[dict[str, Any]]:
    return [of(first_name, alias=alias) for alias in aliases]


@dataclass(frozen=True)
class Case:
    """What a golden file must become: its format, rows by table (columns that are not null, the learner by her first
    name), warnings by reason, the reason of the one row that is refused, and the cells that put it right."""

    format: str
    tables: dict[str, list[dict[str, Any]]]
    refused: str
    mend: dict[str, str]
    warnings: dict[str, int] = field(default_factory=dict)


SCHOOL = {"area_name": "เขตทดลอง", "agency": "สพฐ.", "subdistrict": "ตำบลนา", "district": "อำเภอทุ่ง",
          "province": "จังหวัดตัวอย่าง", "longitude": 100.25}  # fmt: skip
LIST = {"academic_year": 2567, "listed_on": JUNE, "term": 1, "room": "1", "status": "enrolled"}
M3 = {"school_id": THUNG_NA, "grade": "ม.3"}
LATER = {"listed_on": AS_OF, "academic_year": 2568, "term": 1, "status": "enrolled", "school_id": THUNG_NA}
FINAL = {"school_id": THUNG_NA, "academic_year": 2567, "term": 1, "part": "final", "known_on": TERM_1}
RESAT = {"known_on": AS_OF}
PAGE = {"school_id": THUNG_NA, "academic_year": 2567}
GIRL, BOY = {"sex": "female"}, {"sex": "male"}
MALI_IS, KONG_IS = of("มะลิ", **GIRL, birth_date=MALI_BORN), of("ก้อง", **BOY, birth_date=KONG_BORN)
BAIBUA_IS, SAI_IS = of("ใบบัว", **GIRL, birth_date=BAIBUA_BORN), of("ทราย", **BOY, birth_date=date(2011, 11, 30))

CASES = {
    "school_list.csv": Case("school_list", {"school": [
        SCHOOL | {"school_id": code, "code10": f"10{code}", "name": name, "area_id": area}
        | ({} if code == CHAI_DAEN else {"latitude": 15.5}) for code, (name, area) in SCHOOLS.items()
    ]}, "no_name", {"ไม่ระบุ": "โรงเรียนบ้านใหม่"}, {"bad_latitude": 1}),
    "holiday_list.csv": Case("holiday_list", {"holiday": [
        {"day": date(2024, 6, 3), "name": "วันเฉลิมพระชนมพรรษาพระราชินี"},
        {"day": date(2024, 6, 4), "school_id": PA_PHAI, "name": "น้ำท่วม"},
    ]}, "bad_day", {"31/06/2567": "28/06/2567"}),
    "dmc_list_june.xlsx": Case("dmc_list", {
        "enrolment": each(LIST, of("มะลิ", **M3, student_number="1101"), of("ก้อง", **M3, student_number="1102"),
                          of("ใบบัว", **M3, student_number="1103", room="2", status="floating"),
                          of("หนึ่ง", **M3, student_number="1107"),
                          of("ฟ้า", school_id=PA_PHAI, grade="ป.6", student_number="1104"),
                          of("ทราย", school_id=CHAI_DAEN, grade="ม.1", student_number="1105"),
                          of("เอก", school_id=DOI_NAM, grade="ป.4", student_number="1106")),
        "learner": each({"known_on": JUNE}, MALI_IS, KONG_IS, BAIBUA_IS, SAI_IS, of("หนึ่ง", **BOY, birth_date=KONG_BORN),
                        of("ฟ้า", **GIRL, birth_date=date(2012, 6, 2)), of("เอก", **BOY)),
        "identity": each({"known_on": JUNE},
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง", address="12/3 หมู่ 5 ซอยวัด", **HOME,
                               guardian_name="ลำดวน ใจดี", guardian_relation="ยาย"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="เด็กชาย"),
                         named("ใบบัว", "น้ำใส", BAIBUA.citizen_id, prefix="เด็กหญิง"),
                         named("หนึ่ง", "ญาณดี", WRONG_DIGIT, prefix="เด็กชาย"),
                         named("ฟ้า", "ปี่ทอง", FAH.citizen_id, prefix="เด็กหญิง"),
                         named("ทราย", "ฐานมั่น", SAI_G_CODE, prefix="เด็กชาย"),
                         named("เอก", "ไม่มีเช็คชื่อ", EK.citizen_id, prefix="เด็กชาย")),
        "identity_alias": each({"known_on": JUNE},
                               *known_by("มะลิ", f"citizen:{MALI.citizen_id}", f"number:{THUNG_NA}:1101"),
                               *known_by("ก้อง", f"citizen:{KONG.citizen_id}", f"number:{THUNG_NA}:1102"),
                               *known_by("ใบบัว", f"citizen:{BAIBUA.citizen_id}", f"number:{THUNG_NA}:1103"),
                               *known_by("หนึ่ง", f"citizen:{WRONG_DIGIT}", f"number:{THUNG_NA}:1107"),
                               *known_by("ฟ้า", f"citizen:{FAH.citizen_id}", f"number:{PA_PHAI}:1104"),
                               *known_by("ทราย", f"g:{SAI_G_CODE}", f"number:{CHAI_DAEN}:1105"),
                               *known_by("เอก", f"citizen:{EK.citizen_id}", f"number:{DOI_NAM}:1106")),
        "growth": each({"known_on": JUNE, "measured_on": JUNE}, of("มะลิ", weight_kg=45.5, height_cm=155.0),
                       of("ฟ้า", height_cm=140.0)),
        "sensitive": [of("มะลิ", known_on=JUNE, religion="พุทธ", ethnicity="ไทย", nationality="ไทย", blood_group="O",
                         disadvantage="ยากจน")],
    }, "bad_status", {"?": "ไม่ใช่"}, {"bad_birth_date": 1, "bad_weight_kg": 1, "id_checksum": 1}),
    "dmc_list_november.xlsx": Case("dmc_list", {
        "enrolment": each(LIST | M3 | {"listed_on": NOVEMBER, "term": 2}, of("มะลิ", room="2", student_number="1101"),
                          of("ก้อง", student_number="1102")),
        "learner": each({"known_on": NOVEMBER}, MALI_IS, KONG_IS),
        "identity": each({"known_on": NOVEMBER},
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง", phone="080-000-0101"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="เด็กชาย")),
    }, "bad_status", {"อาจจะ": "ใช่"}),
    "dmc_list_march.csv": Case("dmc_list", {
        "enrolment": each(LIST | {"listed_on": MARCH, "term": 2}, of("มะลิ", **M3, room="2", student_number="1101"),
                          of("ทราย", school_id=CHAI_DAEN, grade="ม.1", student_number="1105")),
        "learner": each({"known_on": MARCH}, MALI_IS, SAI_IS),
        "identity": each({"known_on": MARCH}, named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง"),
                         named("ทราย", "ฐานมั่น", SAI.citizen_id, prefix="เด็กชาย")),
        "identity_alias": [of("ทราย", alias=f"citizen:{SAI.citizen_id}", known_on=MARCH)],  # once known by a G-code
    }, "no_learner", {"ไม่มี": BAIBUA.citizen_id}),
    "id_card.csv": Case("id_card", {
        "learner": each({"known_on": AS_OF}, MALI_IS, KONG_IS),
        "identity": each({"known_on": AS_OF, "address": "28 หมู่ 4"} | HOME,
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="เด็กชาย")),
    }, "no_learner", {'="91000..000038"': f'="{BAIBUA.citizen_id}"'}, {"same_row_twice": 1}),
    "sgs_report_7.xls": Case("sgs_report_7", {"result": each(
        FINAL | {"credits": 1.5, "attended_percent": 91.25},
        of("มะลิ", subject="ค21101", learning_area="ค", percent=71.5, grade="3"),
        of("มะลิ", subject="TH21101", learning_area="ท", percent=71.5, grade="3.5"),
        of("หนึ่ง", subject="อ21101", learning_area="อ", percent=71.5),
        of("ก้อง", subject="ค21101", learning_area="ค", grade="มส", attended_percent=64.0),
    )}, "bad_term", {"9": "1"}, {"bad_grade": 1, "says_nothing": 1}),
    "sgs_report_13.xls": Case("sgs_report_13", {
        "enrolment": each(LATER | {"grade": "ม.4"},
                          of("มะลิ", room="11", student_number="1101", entered_on=date(2022, 5, 16)),
                          of("ก้อง", room="2", student_number="1102", entered_on=date(2024, 2, 29))),
        "learner": each({"known_on": AS_OF}, MALI_IS, KONG_IS),
        "identity": each({"known_on": AS_OF},
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="นางสาว", guardian_name="นางลำดวน ใจดี"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="นาย")),
        "sensitive": [of("มะลิ", known_on=AS_OF, religion="พุทธ", nationality="ไทย")],
    }, "unknown_school", {"1099999999": f"10{THUNG_NA}"}),
    "sgs_report_22.xls": Case("sgs_report_22", {"result": each(
        FINAL | {"subject": "ท23101", "learning_area": "ท", "credits": 1.0}, of("มะลิ", grade="2"), of("ก้อง", grade="0"),
        of("ก้อง", **RESAT, grade="1"), of("ใบบัว", grade="ร"),
    )}, "unknown_learner", {"9999": "1107"}),
    "sgs_report_44.xls": Case("sgs_report_44", {"result": each(
        FINAL | {"subject": "ค23101", "learning_area": "ค", "credits": 1.5}, of("ก้อง", grade="0"),
        of("ก้อง", **RESAT, grade="1.5"), of("ใบบัว", grade="มส"), of("ใบบัว", **RESAT, grade="มส"),
        of("มะลิ", academic_year=2566, term=2, subject="ค22102", grade="3.5", known_on=date(2024, 4, 14)),
    )}, "bad_academic_year", {"256": "2567"}, {"says_nothing": 1}),
    "sgs_report_80.xls": Case("sgs_report_44", {"result": each(
        FINAL | {"subject": "ว23101", "learning_area": "ว", "credits": 1.5}, of("มะลิ", percent=82.0, grade="4"),
        of("ก้อง", percent=42.0, grade="0"), of("ก้อง", **RESAT, grade="1"),
    )}, "no_subject", {"ไม่ระบุ": "ว23101"}),
    "sgs_report_57.xls": Case("sgs_report_57", {"result": each(
        FINAL | {"subject": "อ23201", "learning_area": "อ", "credits": 0.5}, of("มะลิ", percent=75.0, grade="3.5"),
        of("ก้อง", percent=31.0, grade="0"), of("ก้อง", **RESAT, grade="1"),
    )}, "bad_term", {"7": "1"}),
    "roll_book.csv": Case(
        "roll_book", {"roll": each(PAGE, of("มะลิ", marks="PA..TS-V-."), of("ก้อง", marks="PL..-----."))},
        "unknown_learner", {"9999": "1107"}, {"bad_mark": 1}),
    "attendance_daily.csv": Case(
        "attendance_daily", {"roll": each(PAGE, of("มะลิ", marks="PT..-----."), of("หนึ่ง", marks="S-..-----."))},
        "bad_mark", {"ไม่รู้ไปไหน": "ขาด"}),
    "poverty_screening.xlsx": Case("poverty_screening", {"household": [
        of("มะลิ", surveyed_on=date(2024, 2, 29), known_on=date(2024, 3, 30), poverty_class="extremely_poor",
           income_per_head=1281.0, dependants=2, housing_lacks=4, belongings=2, lives_with="relatives",
           distance_km=4.5),
        of("ก้อง", surveyed_on=date(2024, 7, 1), known_on=date(2024, 7, 31), poverty_class="poor",
           income_per_head=2950.5, housing_lacks=0, travel_minutes=15.0),
    ], "home": [
        of("มะลิ", known_on=date(2024, 2, 29), latitude=15.02, longitude=101.01),
    ]}, "unknown_learner", {TON_KLA_ID: FAH.citizen_id}, {"bad_dependants": 1, "bad_housing_lacks": 1}),
    "grant_list.csv": Case("grant_list", {"grant": [
        of("มะลิ", from_day=date(2024, 5, 16), until_day=date(2027, 5, 15), known_on=date(2024, 7, 24), kind="ทุนเสมอภาค",
           attendance_percent=80.0),
        of("ก้อง", from_day=date(2025, 6, 1), known_on=date(2025, 7, 24), kind="ทุนเสมอภาค", attendance_percent=85.0),
        of("ใบบัว", from_day=date(2024, 5, 16), known_on=date(2024, 7, 24), kind="ปัจจัยพื้นฐาน"),
    ]}, "bad_from_day", {"31/06/2567": "16/05/2567"}, {"bad_attendance_percent": 1}),
    "midterm_marks.csv": Case("midterm_marks", {"result": each(
        FINAL | {"part": "midterm", "known_on": date(2024, 8, 9), "subject": "ค23101", "learning_area": "ค"},
        of("มะลิ", percent=75.0), of("ก้อง", percent=0.0),
    )}, "no_known_on", {"-": "09/08/2567"}, {"says_nothing": 3, "bad_percent": 1}),
    "primary_results.csv": Case("primary_results", {"result": each(
        {"school_id": DOI_NAM, "academic_year": 2567, "term": 0, "part": "final", "credits": 1.0, "known_on": YEAR},
        of("เอก", subject="ค14101", learning_area="คณิตศาสตร์", percent=55.5, grade="2"),
        of("เอก", subject="ท14101", learning_area="ภาษาไทย", percent=80.0),
    )}, "no_subject", {"ไม่ระบุ": "ศ14101"}, {"bad_grade": 1, "says_nothing": 1}),
    "exit_list.csv": Case("exit_list", {"exit": [
        of("มะลิ", school_id=THUNG_NA, left_on=NOVEMBER, known_on=NOVEMBER, cause="withdrew"),
        of("ก้อง", school_id=THUNG_NA, cause="unknown"),
    ]}, "bad_cause", {"หายไป": "จบการศึกษา"}, {"bad_left_on": 1}),
    "college_list.csv": Case("college_list", {
        "enrolment": each(LATER | {"school_id": CHAI_DAEN, "room": "1"},
                          of("มะลิ", grade="ปวช.1", student_number="68201010001"),
                          of("ก้อง", status="leave_of_absence", student_number="68301010002")),
        "learner": each({"known_on": AS_OF}, MALI_IS, KONG_IS),
        "identity": each({"known_on": AS_OF}, named("มะลิ", "ใจดี", MALI.citizen_id, prefix="นางสาว"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="นาย")),
        "identity_alias": each({"known_on": AS_OF}, of("มะลิ", alias=f"number:{CHAI_DAEN}:68201010001"),
                               of("ก้อง", alias=f"number:{CHAI_DAEN}:68301010002")),
    }, "bad_status", {"90": "10"}, {"bad_grade": 1}),
    "ops_record.csv": Case("ops_record", {
        "enrolment": each(LATER, of("มะลิ", grade="ม.3", student_number="1101"), of("ภูผา", student_number="1109")),
        "learner": each({"known_on": AS_OF}, MALI_IS, of("ภูผา", **BOY, birth_date=date(2008, 12, 31))),
        "identity": each({"known_on": AS_OF, "address": "12/3 หมู่ 5"}, named("มะลิ", "ใจดี", MALI.citizen_id),
                         named("ภูผา", "ริมห้วยดี", "AA1234567")),
        "identity_alias": each({"known_on": AS_OF}, of("ภูผา", alias="passport:AA1234567"),
                               of("ภูผา", alias=f"number:{THUNG_NA}:1109")),
        "growth": [of("มะลิ", measured_on=AS_OF, known_on=AS_OF, weight_kg=46.0, height_cm=156.5)],
        "sensitive": each({"known_on": AS_OF}, of("มะลิ", nationality="TH", disadvantage="99"),
                          of("ภูผา", nationality="LA")),
    }, "bad_status", {"90": "10"}, {"bad_grade": 1}),
    "onec_term.xlsx": Case("onec_term", {
        "enrolment": each(LIST | {"listed_on": NOVEMBER, "term": 2}, of("มะลิ", **M3), of("ก้อง", **M3, status="moved"),
                          of("ภูผา", school_id=DOI_NAM, grade="ป.4")),
        "learner": each({"known_on": AS_OF}, of("มะลิ", **GIRL), of("ก้อง", **BOY), of("ภูผา", **BOY)),
        "identity": each({"known_on": AS_OF, "address": "หมู่ 4"} | HOME, named("มะลิ", "ใจดี", MALI.citizen_id),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id), named("ภูผา", "ริมห้วยดี", "AA1234567")),
        "identity_alias": [of("ภูผา", alias="passport:AA1234567", known_on=NOVEMBER)],
        "sensitive": [of("มะลิ", known_on=AS_OF, nationality="TH", disability="99")],
    }, "bad_status", {"90": "10"}),
    "onec_dropout.csv": Case("onec_dropout", {
        "exit": each({"known_on": AS_OF, "school_id": THUNG_NA}, of("มะลิ", cause="withdrew"),
                     of("ก้อง", cause="unknown"), of("ใบบัว", cause="unknown")),
        "learner": each({"known_on": AS_OF}, MALI_IS, KONG_IS, BAIBUA_IS),
    }, "bad_cause", {"90": "40"}),
    "sandbox_template.xlsx": Case("sandbox_template", {
        "enrolment": each(LATER | {"grade": "ม.3", "room": "1"}, of("มะลิ", student_number="1101"),
                          of("ก้อง", student_number="1102", status="floating")),
        "learner": each({"known_on": AS_OF}, MALI_IS, KONG_IS),
        "identity": each({"known_on": AS_OF},
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง", address="12/3 หมู่ 5", **HOME,
                               phone="080-000-0101", guardian_name="ลำดวน ใจดี", guardian_relation="ยาย"),
                         named("ก้อง", "เก่งกล้า", KONG.citizen_id, prefix="เด็กชาย")),
        "growth": [of("มะลิ", measured_on=AS_OF, known_on=AS_OF, weight_kg=47.0, height_cm=157.0)],
        "sensitive": [of("มะลิ", known_on=AS_OF, religion="พุทธ", ethnicity="ไทย", nationality="ไทย", blood_group="O",
                         disability="ไม่พิการ", disadvantage="ยากจน")],
    }, "bad_status", {"สาปสูญ": "ลาออก"}),
    "destination_list.xlsx": Case("destination_list", {"destination": each(
        {"academic_year": 2567, "known_on": AS_OF, "grade": "ม.3", "school_id": THUNG_NA},
        of("มะลิ", destination="vocational", to_school=SCHOOLS[CHAI_DAEN][0]), of("ก้อง", destination="not_continuing"),
        of("ใบบัว", destination="unknown"),
        of("ฟ้า", destination="lower_secondary", to_school=SCHOOLS[THUNG_NA][0], grade="ป.6", school_id=PA_PHAI),
    )}, "bad_destination", {"ช่วยงานที่บ้าน": "ประกอบอาชีพ"}),
    "civil_register.csv": Case("civil_register", {
        "population": each({"listed_on": AS_OF} | HOME, of("มะลิ"), of("ลำดวน"), of("ต้นกล้า")),
        "learner": each({"known_on": AS_OF}, MALI_IS, of("ลำดวน", **GIRL, birth_date=date(2014, 9, 9)),
                        of("ต้นกล้า", **BOY, birth_date=date(2017, 2, 11))),
        "identity": each({"known_on": AS_OF, "address": "7 หมู่ 2"} | HOME,
                         named("มะลิ", "ใจดี", MALI.citizen_id, prefix="เด็กหญิง"),
                         named("ลำดวน", "ทดลองดี", LAMDUAN_ID, prefix="เด็กหญิง"),
                         named("ต้นกล้า", "ท้ายไร่", TON_KLA_ID, prefix="เด็กชาย")),
        "identity_alias": each({"known_on": AS_OF}, of("ลำดวน", alias=f"citizen:{LAMDUAN_ID}"),
                               of("ต้นกล้า", alias=f"citizen:{TON_KLA_ID}")),
    }, "no_learner", {"ไม่มีเลข": FAH.citizen_id}),
    "census_totals.xls": Case("census_totals", {"census": each(
        {"academic_year": 2567, "counted_on": JUNE}, {"school_id": THUNG_NA, "grade": "ม.3", **BOY, "learners": 2},
        {"school_id": THUNG_NA, "grade": "ม.3", **GIRL, "learners": 2},
        {"school_id": PA_PHAI, "grade": "ป.6", **BOY, "learners": 0},
        {"school_id": PA_PHAI, "grade": "ป.6", **GIRL, "learners": 1},
        {"school_id": DOI_NAM, "grade": "ป.4", **BOY, "learners": 1},  # a dash is no zero
    )}, "bad_grade", {"รวมทั้งสิ้น": "ป.5"}),
}  # fmt: skip


def before(name):
    """What the register must know before a golden file is sent: the schools, and who is on the June list."""
    if name == "school_list.csv":
        return []
    first = [FOLDER / "school_list.csv"]
    return first if name == "dmc_list_june.xlsx" else [*first, FOLDER / "dmc_list_june.xlsx"]


def sent(home, name):
    """The store and report after a golden file was sent to a register that knows what it needs."""
    if known := before(name):
        take(home, *known)
    return take(home, FOLDER / name, as_of=AS_OF)


def came(store, snapshot):
    """Rows of an import by table: columns that are not null, the learner by her first name."""
    called = {r["learner_id"]: r["first_name"] for r in store.read("identity").to_pylist()}
    out = {}
    for name in (*CASES["dmc_list_june.xlsx"].tables, "school", "holiday", "roll", "result", "household", "home",
                 "grant", "exit", "destination", "population", "census", "follow_up"):  # fmt: skip
        rows = [{c: v for c, v in r.items() if v is not None} for r in store.read(name).to_pylist()]
        rows = [r for r in rows if r.pop("source").startswith(snapshot[:6])]
        for row in rows:
            if "learner_id" in row:
                row["learner"] = called[row.pop("learner_id")]
            if "marks" in row:
                row["marks"] = row["marks"][:10]
        if rows:
            out[name] = rows
    return out


def in_order(tables):
    return {name: sorted(rows, key=lambda r: sorted(map(str, r.items()))) for name, rows in tables.items()}


def test_every_format_has_a_golden_file_and_every_golden_file_a_case():
    assert sorted(f.name for f in FOLDER.iterdir()) == sorted(CASES)
    elsewhere = ("oneroster_", "child_", "follow_up_list")  # laid flat of one set or record, and our own workbook
    ours = {name for name in known_formats() if not name.startswith(elsewhere)}
    assert {case.format for case in CASES.values()} == ours


@pytest.mark.parametrize("name", CASES)
def test_the_golden_file_is_what_the_program_writes(name):
    written, held = golden_files()[name], (FOLDER / name).read_bytes()
    if name.endswith(".xlsx"):  # packed by another library's version, the same cells are other bytes
        assert read(name, written) == read(name, held)
    else:
        assert written == held


@pytest.mark.parametrize("name", CASES)
def test_a_golden_file_is_recognised_as_its_own_format_and_no_other(name):
    (rows,) = read(name, (FOLDER / name).read_bytes())
    fitting = [m.name for m in known_formats().values() if find_header(headers(rows), m) is not None]
    assert fitting == [CASES[name].format]


def test_no_format_asks_for_a_part_of_what_another_asks_for():
    asked = {m.name: {re.sub(r"\s", "", h) for h in m.recognise} for m in known_formats().values()}
    assert [(a, b) for a in asked for b in asked if a != b and asked[a] <= asked[b]] == []


@pytest.mark.parametrize("name", CASES)
def test_a_golden_file_reads_to_exactly_these_rows(tmp_path, name):
    store, report = sent(tmp_path / "home", name)
    assert in_order(came(store, report.snapshot)) == in_order(CASES[name].tables)


@pytest.mark.parametrize("name", CASES)
def test_every_row_of_a_golden_file_is_kept_or_refused_and_the_refused_one_is_mended_and_taken(tmp_path, name):
    case = CASES[name]
    store, report = sent(tmp_path / "home", name)
    one = only(report)
    assert (one.format, one.refused, one.warnings) == (case.format, {case.refused: 1}, case.warnings)
    assert one.rows == one.kept + 1
    assert refused_rows_to_xlsx(store, report.snapshot, tmp_path / "refused.xlsx") == 1
    book = CalamineWorkbook.from_path(tmp_path / "refused.xlsx")
    (sheet,) = [book.get_sheet_by_name(title).to_python(skip_empty_area=False) for title in book.sheet_names]
    assert {cell for line in sheet for cell in line} >= set(case.mend)
    mended = tmp_path / "mended.xlsx"
    mended.write_bytes(xlsx_bytes([[case.mend.get(str(cell), cell) for cell in line] for line in sheet]))
    _, report = take(tmp_path / "home", mended, as_of=AS_OF)
    assert (only(report).format, only(report).rows, only(report).kept) == (case.format, 1, 1)


@pytest.mark.parametrize("name", CASES)
def test_a_format_that_does_not_say_its_day_asks_for_it(tmp_path, name):
    mapping = known_formats()[CASES[name].format]
    asks = any(s.given == "as_of" and not s.header and not s.preamble for s in mapping.sources)
    if known := before(name):
        take(tmp_path / "home", *known)
    _, report = take(tmp_path / "home", FOLDER / name)
    said = (
        f"{name}: {mapping.title_en} does not say which day it is true for. Say it with --as-of, as in "
        "--as-of 10/06/2567."
    )
    assert only(report).refused_whole == (said if asks else None)


def test_three_census_rounds_tell_one_year_of_each_child(tmp_path):
    rounds = [FOLDER / f"dmc_list_{month}" for month in ("june.xlsx", "november.xlsx", "march.csv")]
    store, _ = take(tmp_path / "home", FOLDER / "school_list.csv", *rounds)
    called = {r["learner_id"]: r["first_name"] for r in store.read("identity").to_pylist()}
    listed = sorted(
        (called[r["learner_id"]], r["listed_on"], r["term"], r["room"]) for r in store.read("enrolment").to_pylist()
    )
    assert [row for row in listed if row[0] in ("มะลิ", "ทราย")] == [
        ("ทราย", JUNE, 1, "1"), ("ทราย", MARCH, 2, "1"),
        ("มะลิ", JUNE, 1, "1"), ("มะลิ", NOVEMBER, 2, "2"), ("มะลิ", MARCH, 2, "2"),
    ]  # fmt: skip
