"""Writes the golden files: `python -m tests.register.golden_files`. What each must read to is in test_golden.py.

Each file is shaped like one an agency sends, with the oddities such files have, and holds the invented children of
tests/cast.py, beside whom stand Lamduan, Ton Kla and Phufa under names and numbers as made up as theirs.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from pathlib import Path

import xlsxwriter

from raksa.demo_files import DMC_HEADERS, GRANT_HEADERS, MIDTERM_HEADERS, SCREENING_HEADERS, SGS_HEADERS
from tests.cast import BAIBUA, CHAI_DAEN, DOI_NAM, EK, FAH, KONG, MALI, NUNG, PA_PHAI, SAI, SCHOOLS, THUNG_NA, Learner

FOLDER = Path(__file__).parent / "golden"
NBSP = "\u00a0"
# The number each child has in her school's register.
NUMBER = {child.learner_id: str(1000 + child.learner_id) for child in (MALI, KONG, BAIBUA, FAH, SAI, EK, NUNG)}
BORN = {MALI: "29/02/2551", KONG: "๐๑/๐๓/๒๕๕๒", BAIBUA: "15 ธ.ค. 52", FAH: "02/06/2555", SAI: "30/11/2554",
        EK: "09/09/2557", NUNG: "01-03-2552"}  # fmt: skip
LAMDUAN_ID, TON_KLA_ID, PHUFA_PASSPORT = "9100000000089", "9100000000097", "AA 1234567"
SAI_G_CODE = "G642200000001"
WRONG_DIGIT = NUNG.citizen_id[:-1] + "2"  # the check digit is 1

SGS_13 = (
    "รหัสโรงเรียน", "ชั้น/ห้อง", "เลขประจำตัวนักเรียน", "คำนำหน้า", "ชื่อ", "นามสกุล", "เลขประจำตัวประชาชน", "วันเกิด", "เพศ",
    "สัญชาติ", "ศาสนา", "เชื้อชาติ", "บิดา", "เลขประชาชนบิดา", "มารดา", "เลขประชาชนมารดา", "ผู้ปกครอง", "ระดับชั้น", "ปีที่เข้า",
    "ภาคเรียนที่", "วันที่เข้า", "เข้าเรียนชั้น", "โรงเรียนเดิม", "จังหวัด", "จบการศึกษาระดับ",
)  # fmt: skip
SGS_22 = (
    "รหัสโรงเรียน", "ชั้น/ห้อง", "เลขที่", "เลขประจำตัว", "ชื่อ", "นามสกุล", "ปีการศึกษา", "ภาคเรียนที่", "รหัสวิชา", "ชื่อวิชา", "หน่วยกิต",
    "ปกติ", "แก้ตัว", "เรียนซ้ำ", "หมายเหตุ", "ผลการเรียน",
)  # fmt: skip
SGS_44 = (
    "ชั้นเรียนปัจจุบัน", "เลขประจำตัว", "ชื่อ", "นามสกุล", "ชั้น", "เลขที่", "ปีที่", "ปีการศึกษา", "ภาคเรียนที่", "กลุ่มสาระ", "ประเภทวิชา",
    "รหัสวิชา", "ชื่อวิชา", "Code", "Titles", "หน่วยกิต", "ปกติ", "แก้ตัว", "เรียนซ้ำ", "ผลการเรียน", "หมายเหตุ",
)  # fmt: skip
SGS_80 = (
    "เลขประจำตัว", "ชื่อ", "นามสกุล", "ชั้น/ห้อง", "เลขที่", "ปีที่เรียน", "ภาคเรียนที่", "รหัสวิชา", "ชื่อวิชา", "หน่วยกิต", "ก่อนกลางภาค",
    "กลางภาค", "หลังภาค", "รวมตลอดภาค", "ปลายภาค", "ร้อยละ", "ปกติ", "แก้ตัว", "เรียนซ้ำ", "ผลการเรียน", "Remark", "กลุ่มสาระ",
    "ประเภทวิชา",
)  # fmt: skip
SGS_57 = (
    "SchID", "CertID", "CourseID", "ClassLevelID", "Yr", "Tr", "Code", "Titles", "CodeEnglish", "TitlesEnglish",
    "Credits", "ClassSubjectID", "ClassSectionNo", "StrSectionNo", *(f"S{n}" for n in range(1, 10)), "ก่อนกลางภาค",
    *(f"S{n}" for n in range(10, 19)), "หลังกลางภาค", "กลางภาค", "รวมระหว่างภาค", "ปลายภาค", "รวม", "รวมร้อยละ",
    *(f"F{n}" for n in range(1, 10)), "เต็มก่อนกลางภาค", *(f"F{n}" for n in range(10, 19)), "เต็มหลังกลางภาค",
    "เต็มกลางภาค", "เต็มระหว่างภาค", "เต็มปลายภาค", "เต็มรวม", "Gr", "ReGr", "RepeatGr", "Grade", "Remark",
    "SubjectGroupID", "SubjectTypeID", "Col", "ColTr", "Teac", "Teacher",
)  # fmt: skip
# 45 columns; only the order of those the register reads has been seen, never the words above them.
ID_CARD = (
    "วันที่อ่านบัตร", "เวลา", "ลำดับ", "รายการ", "เครื่อง", "ผู้อ่าน", "เลขประจำตัวประชาชน", "คำนำหน้าชื่อ", "ชื่อตัว", "ชื่อกลาง",
    "ชื่อสกุล", "Title", "Name", "Middle name", "Surname", "บ้านเลขที่", "หมู่ที่", "ตรอก", "ซอย", "ถนน", "ตำบล", "อำเภอ",
    "จังหวัด", "เพศ", "วันเดือนปีเกิด", "วันออกบัตร", "วันบัตรหมดอายุ", "สถานที่ออกบัตร", *(f"สำรอง{n}" for n in range(1, 18)),
)  # fmt: skip
ONEC_TERM = tuple(f"{name}_Onec" for name in (
    "AcademicYear", "Semester", "DepartmentID", "SchoolID", "PersonID", "PassportNumber", "PrefixID", "FirstName",
    "MiddleName", "LastName", "GenderID", "NationalityID", "DisabilityID", "DisadvantageEducationID", "VillageNumber",
    "Street", "Soi", "Trok", "SubDistrictID", "SchoolAdmissionYear", "GradeLevelID", "RoomID", "GPAX",
    "StudentStatusID", "ProvinceNameThai", "DistrictNameThai", "SubDistrictNameThai",
))  # fmt: skip
ONEC_DROPOUT = (
    *(f"{name}_Onec" for name in (
        "ProvinceNameThai", "DistrictNameThai", "SubDistrictNameThai", "PersonID", "Fullname", "Gender",
        "NationalityName", "BirthDate", "HouseNumber", "VillageNumber", "Street", "Soi", "Trok", "StatusCodeCause",
        "Remark", "SchoolName", "GradeLevelID", "AcademicYearPresent", "DropoutTransferID",
    )), "ACADYEAR", "RoomID_Onec", "SchoolID_Onec", "GenderID_Onec", "GPAX_Onec",
)  # fmt: skip
OPS = (
    "SCHOOLID", "STUDENTID", "PERSONID", "PASSPORTNUMBER", "PREFIXID", "FIRSTNAME", "MIDDLENAME", "LASTNAME",
    "GENDERID", "BIRTHDATE", "NATIONALITYID", "DISABILITYID", "DISADVANTAGEEDUCATIONID", "HOUSEID", "HOUSENUMBER",
    "VILLAGENUMBER", "STREET", "SOI", "TROK", "SUBDISTRICTID", "SCHOOLADMISSIONYEAR", "EDUCATIONLEVELID",
    "GRADELEVELID", "CURRICULUMID", "MAJORID", "PROGRAMID", "OCCUPATIONGROUPID", "COURSEID", "GPAX",
    "PARTNERSCHOOLCODE", "STUDENTSTATUSID", "STUDENTWEIGHT", "STUDENTHIGHT", "SUBVENTIONID", "SCOUTTYPEID",
    "SCOUTSID", "MEMBERREDCROSSYOUTHID",
)  # fmt: skip


def _home(where: str) -> list[str]:
    kinds = (
        "รหัสประจำบ้าน",
        "บ้านเลขที่",
        "หมู่ที่",
        "ถนน",
        "ซอย",
        "ตรอก",
        "ตำบล",
        "อำเภอ",
        "จังหวัด",
        "รหัสไปรษณีย์",
        "หมายเลขโทรศัพท์",
    )
    return [f"{kind} ({where})" for kind in kinds]


def _parent(who: str, seventh: str) -> list[str]:
    return [
        f"หมายเลขบัตรประจำตัว{who}", f"ประเภทบัตรประจำตัว{who}", f"หมายเลขหนังสือเดินทาง{who}", f"คำนำหน้า{who}",
        *(f"{part}{who} (ภาษา{language})" for part in ("ชื่อ", "ชื่อกลาง", "นามสกุล") for language in ("ไทย", "อังกฤษ")),
        seventh, f"หมายเลขโทรศัพท์{who}", f"อาชีพ{who}", f"รายได้{who}",
    ]  # fmt: skip


# 117 columns. The order is that in which the areas' own program reads them; of the words only สภานภาพนักเรียน,
# ประเภทบัตประจำตัว and สถานะการสมรมบิดามารดา have been seen, misspelt as they stand here.
SANDBOX = (
    "รหัสประจำตัวนักเรียน", "สภานภาพนักเรียน", "หมายเลขบัตรประจำตัว", "ประเภทบัตประจำตัว", "หมายเลขหนังสือเดินทาง", "คำนำหน้า",
    *(f"{part} (ภาษา{language})" for part in ("ชื่อ", "ชื่อกลาง", "นามสกุล") for language in ("ไทย", "อังกฤษ")), "เพศ",
    "วันเกิด", "จังหวัดที่เกิด", "สัญชาติ", "เชื้อชาติ", "ศาสนา", "ภาษาหลัก", "ภาษาอื่น", "กลุ่มเลือด", "น้ำหนัก", "ส่วนสูง",
    *_home("ตามทะเบียนบ้าน"), *_home("ปัจจุบัน"), *_parent("บิดา", "สถานภาพของบิดา"), *_parent("มารดา", "สถานภาพของมารดา"),
    *_parent("ผู้ปกครอง", "ความเกี่ยวข้องของผู้ปกครอง"), "สถานะการสมรมบิดามารดา", "เป็นบุตรคนที่", "จำนวนพี่ชาย", "จำนวนพี่สาว",
    "จำนวนน้องชาย", "จำนวนน้องสาว", "ปีการศึกษาที่เริ่มเข้าเรียนในระดับการศึกษาปัจจุบัน", "ปีการศึกษาที่เริ่มเข้าเรียน", "ห้องเรียน",
    "เรียนทวิศึกษา", "หลักสูตร", "วิธีการเดินทาง", "เวลาเดินทาง (ชั่วโมง)", "ระยะทางถนนลูกรัง (กม.)", "ระยะทางถนนลาดยาง (กม.)",
    "ระยะทางทางน้ำ (กม.)", "ความพิการ", "รายละเอียดความพิการ", "ระดับความพิการ", "ด้อยโอกาส", "ขาดแคลนแบบเรียน",
    "ขาดแคลนอาหารกลางวัน", "ขาดแคลนเครื่องเขียน", "ขาดแคลนเครื่องแบบ", "รายได้ครอบครัวต่อเดือน", "สถานภาพครอบครัว", "อาศัยอยู่กับ",
    "สวัสดิการแห่งรัฐ", "ความสามารถพิเศษ", "ความต้องการความช่วยเหลือ",
)  # fmt: skip
COLLEGE = (
    "รหัสสถานศึกษา", "ปีการศึกษา", "เลขบัตรประชาชน", "รหัสประจำตัวนักศึกษา", "คำนำหน้า", "ชื่อ", "สกุล", "เพศ", "วันเกิด", "ระดับชั้น",
    "กลุ่มเรียน", "สาขาวิชา", "สถานภาพ", "ข้อมูล ณ วันที่",
)  # fmt: skip
DESTINATION = (
    "รหัสโรงเรียน", "ปีการศึกษา", "เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน", "ชื่อ-นามสกุล", "ชั้น", "การศึกษาต่อ/ประกอบอาชีพ",
    "สถานที่ศึกษาต่อ",
)  # fmt: skip
CIVIL = (
    "เลขประจำตัวประชาชน", "คำนำหน้านาม", "ชื่อตัว", "ชื่อสกุล", "เพศ", "วันเดือนปีเกิด", "เลขรหัสประจำบ้าน", "บ้านเลขที่", "หมู่ที่",
    "ตรอก", "ซอย", "ถนน", "ตำบล/แขวง", "อำเภอ/เขต", "จังหวัด",
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ the files
def golden_files() -> dict[str, bytes]:
    """Every golden file by name."""
    return {
        "school_list.csv": _school_list(), "holiday_list.csv": _holiday_list(), **_dmc_lists(),
        "id_card.csv": _id_card(), "sgs_report_7.xls": _sgs_7(), "sgs_report_13.xls": _sgs_13(),
        "sgs_report_22.xls": _sgs_22(), "sgs_report_44.xls": _sgs_44(), "sgs_report_80.xls": _sgs_80(),
        "sgs_report_57.xls": _sgs_57(), "roll_book.csv": _roll_book(), "attendance_daily.csv": _attendance_daily(),
        "poverty_screening.xlsx": _poverty_screening(), "grant_list.csv": _grant_list(),
        "midterm_marks.csv": _midterm_marks(), "primary_results.csv": _primary_results(),
        "exit_list.csv": _exit_list(), "college_list.csv": _college_list(), "ops_record.csv": _ops_record(),
        "onec_term.xlsx": _onec_term(), "onec_dropout.csv": _onec_dropout(),
        "sandbox_template.xlsx": _sandbox_template(), "destination_list.xlsx": _destination_list(),
        "civil_register.csv": _civil_register(), "census_totals.xls": _census_totals(),
    }  # fmt: skip


def _school_list() -> bytes:
    header = ("รหัสโรงเรียน", "รหัสโรงเรียน 10 หลัก", "ชื่อโรงเรียน", "รหัสเขตพื้นที่", "เขตพื้นที่การศึกษา", "สังกัด", "ตำบล", "อำเภอ",
              "จังหวัด", "ละติจูด", "ลองจิจูด")  # fmt: skip
    place = (f"ตำบลนา{NBSP}", "อำเภอทุ่ง", "จังหวัดตัวอย่าง", "๑๕.๕", "100.25")
    lines = [
        [f"{code} ", f"10{code}", name, area, "เขตทดลอง", "สพฐ.", *place] for code, (name, area) in SCHOOLS.items()
    ]
    lines[3][9] = "195.5"  # no latitude
    new = ["10000009", "1010000009", "ไม่ระบุ", "2402", "เขตทดลอง", "สพฐ.", "", "", "จังหวัดตัวอย่าง", "", ""]
    return _csv([header, *lines, new], "utf-8-sig")


def _holiday_list() -> bytes:
    lines = [("วันที่", "รหัสโรงเรียน", "รายการ"), ("03/06/2567", "", "วันเฉลิมพระชนมพรรษาพระราชินี"),
             ("๔ มิ.ย. ๖๗", PA_PHAI, "น้ําท่วม"), ("31/06/2567", THUNG_NA, "ซ่อมอาคาร")]  # fmt: skip
    return _csv(lines, "utf-8", ";")


def _dmc(child: Learner, said: Mapping[str, object] | None = None) -> list[object]:
    """A child's row of the census list; the twin headers are called id and number here."""
    boy = child.prefix == "เด็กชาย"
    held: dict[str, object] = dict.fromkeys(DMC_HEADERS, "-")
    held |= {
        "รหัสโรงเรียน": child.school_id, "ชื่อโรงเรียน": SCHOOLS[child.school_id][0], "ชั้น": child.grade,
        "ห้อง": child.room or "1", "เพศ": "ช" if boy else "ญ", "คำนำหน้าชื่อ": child.prefix, "ชื่อ": child.first_name,
        "นามสกุล": child.last_name, "วันเกิด": BORN[child], "อายุ(ปี)": 14,
    }  # fmt: skip
    held |= {"id": child.citizen_id, "number": NUMBER[child.learner_id], **(said or {})}
    line = [held[title] for title in DMC_HEADERS]
    line[2], line[5] = held["id"], held["number"]
    return line


def _dmc_lists() -> dict[str, bytes]:
    mali = {
        "น้ำหนัก": 45.5, "ส่วนสูง": 155, "กลุ่มเลือด": "O", "ศาสนา": "พุทธ ", "เชื้อชาติ": "ไทย ", "สัญชาติ": "ไทย",
        "บ้านเลขที่": "12/3", "หมู่": "๕", "ถนน/ซอย": "ซอยวัด", "ตำบล": "นาดี", "อำเภอ": "ทุ่ง", "จังหวัด": "จังหวัดตัวอย่าง",
        "ชื่อผู้ปกครอง": "ลำดวน", "นามสกุลผู้ปกครอง": "ใจดี", "ความเกี่ยวข้องของผู้ปกครองกับนักเรียน": "ยาย", "ความด้อยโอกาส": "ยากจน",
    }  # fmt: skip
    floating = "ยังไม่สามารถจำหน่ายได้ (3.1.8)"
    june = [
        _dmc(MALI, mali),
        _dmc(KONG, {"คำนำหน้าชื่อ": "-", "ชื่อ": "ด.ช.ก้้อง", "ชั้น": "ม. ๓", "น้ำหนัก": 999}),
        _dmc(BAIBUA, {"นามสกุล": f"นํ้าใส{NBSP}", floating: "ใช่"}),
        _dmc(FAH, {"น้ำหนัก": "-", "ส่วนสูง": 140}),
        _dmc(SAI, {"id": SAI_G_CODE.lower(), "สัญชาติ": "ไม่ระบุ"}),
        _dmc(EK, {"วันเกิด": "31/02/2557"}),
        _dmc(NUNG, {"id": WRONG_DIGIT}),
        _dmc(EK, {"id": LAMDUAN_ID, "number": "1108", "ชื่อ": "ลำดวน", "นามสกุล": "ทดลองดี", "คำนำหน้าชื่อ": "เด็กหญิง",
                  "เพศ": "ญ", "วันเกิด": "09/09/2557", floating: "?"}),
    ]  # fmt: skip
    title = "วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"
    header = list(DMC_HEADERS)
    renamed = [*header, "เบอร์โทรศัพท์"]
    renamed[2], renamed[5] = "เลขบัตรประชาชน", "เลขประจำตัวนักเรียน2"
    november = [
        [*_dmc(MALI, {"ห้อง": "2"}), "080-000-0101"],
        [*_dmc(KONG, {floating: "N"}), "-"],
        [*_dmc(NUNG, {floating: "อาจจะ"}), "-"],
    ]
    as_pandas = list(header)
    as_pandas[5] = "เลขประจำตัวนักเรียน.1"
    march = [_dmc(MALI, {"ห้อง": "2"}), _dmc(SAI), _dmc(BAIBUA, {"id": "ไม่มี", "number": "-"})]
    return {
        "dmc_list_june.xlsx": _xlsx([title], header, june),
        "dmc_list_november.xlsx": _xlsx(["วันและเวลาที่สร้างรายงาน ๑๐ พ.ย. ๒๕๖๗ ๐๘:๐๐"], renamed, november),
        "dmc_list_march.csv": _csv([["วันและเวลาที่สร้างรายงาน 31/03/2568 02:00"], as_pandas, *march], "utf-8-sig"),
    }


def _id_card() -> bytes:
    def card(child: Learner, number: str, prefix: str, born: str, sequence: str) -> list[object]:
        return _line(ID_CARD, {
            "วันที่อ่านบัตร": "2024-06-20", "เวลา": "08:39:05", "ลำดับ": sequence, "รายการ": "ลงบันทึก",
            "เลขประจำตัวประชาชน": number, "คำนำหน้าชื่อ": prefix, "ชื่อตัว": child.first_name, "ชื่อสกุล": child.last_name,
            "บ้านเลขที่": "28", "หมู่ที่": "4", "ตำบล": "นาดี", "อำเภอ": "ทุ่ง", "จังหวัด": "จังหวัดตัวอย่าง",
            "เพศ": "ชาย" if prefix == "ด.ช." else "หญิง", "วันเดือนปีเกิด": born, "วันออกบัตร": "1 มกราคม 2565",
        })  # fmt: skip

    lines = [
        card(MALI, f'="{MALI.citizen_id}"', "ด.ญ.", "29 กุมภาพันธ์ 2551", "000001"),
        card(KONG, f'="{KONG.citizen_id}"', "ด.ช.", "1 มีนาคม 2552", "000002"),
        card(MALI, f'="{MALI.citizen_id}"', "ด.ญ.", "29 กุมภาพันธ์ 2551", "000003"),  # the card was read twice
        card(BAIBUA, '="91000..000038"', "ด.ญ.", "15 ธันวาคม 2552", "000004"),
    ]
    return _csv([ID_CARD, *lines], "cp874")


def _sgs_7() -> bytes:
    def mark(child: Learner, code: str, said: Mapping[str, str]) -> list[object]:
        return _line(SGS_HEADERS, {
            "รหัสโรงเรียน": f"10{child.school_id}", "รหัสวิชา": code, "หน่วยกิต": "1.5", "ชั้น/ห้อง": "ม.3/1",
            "เลขประจำตัว": NUMBER[child.learner_id],
            "ชื่อ-นามสกุล": f"{child.prefix}{child.first_name} {child.last_name}", "ปีการศึกษา": "2567", "ภาคเรียนที่": "1",
            "รวมร้อยละ": "71.50", "ผลการเรียน": "3", "เวลาเรียนร้อยละ": "91.25", "ขาด": "3", **said,
        })  # fmt: skip

    lines = [
        mark(MALI, "ค21101", {"ก่อนกลางภาค": "24.0", "กลางภาค": "14.5", "เต็มกลางภาค": "20"}),
        mark(MALI, "TH21101", {"ผลการเรียน": "๓.๕"}),
        mark(KONG, "ค21101", {"รวมร้อยละ": "", "ผลการเรียน": "มส.", "เวลาเรียนร้อยละ": "64.00"}),
        mark(KONG, "อ21101", {"รวมร้อยละ": "", "ผลการเรียน": NBSP}),  # not entered yet
        mark(NUNG, "อ21101", {"ผลการเรียน": "ดี"}),
        mark(NUNG, "ค21101", {"ภาคเรียนที่": "9"}),
    ]
    return _html("รายงานผลการเรียน (ปพ.5)", SGS_HEADERS, lines)


def _sgs_13() -> bytes:
    def pupil(child: Learner, room: str, number: str, said: Mapping[str, str]) -> list[object]:
        return _line(SGS_13, {
            "รหัสโรงเรียน": f"10{THUNG_NA}", "ชั้น/ห้อง": room, "เลขประจำตัวนักเรียน": NUMBER[child.learner_id],
            "คำนำหน้า": child.prefix, "ชื่อ": child.first_name, "นามสกุล": child.last_name, "เลขประจำตัวประชาชน": number,
            "วันเกิด": BORN[child], "เพศ": "ชาย" if child.prefix == "เด็กชาย" else "หญิง", "ระดับชั้น": "มัธยมศึกษาตอนต้น",
            "ปีที่เข้า": "2565", "ภาคเรียนที่": "1", "วันที่เข้า": "16/05/2565", "เข้าเรียนชั้น": "มัธยมศึกษาปีที่ 1",
            "จังหวัด": "จังหวัดไกล", **said,
        })  # fmt: skip

    mali = {"คำนำหน้า": "น.ส.", "ผู้ปกครอง": "นางลำดวน ใจดี", "ศาสนา": "พุทธ", "สัญชาติ": "ไทย"}
    lines = [
        pupil(MALI, "ม.4/11", "9-1000-00000-01-1", mali),
        pupil(KONG, "ม. ๔/2", "9-1000-00000-02-0", {"คำนำหน้า": "นาย", "วันที่เข้า": "29/02/2567"}),
        pupil(NUNG, "ม.4/2", "9-1000-00000-07-1", {"รหัสโรงเรียน": "1099999999"}),
    ]
    return _html("13. ประวัตินักเรียน", SGS_13, lines)


def _sgs_22() -> bytes:
    def result(child: Learner, code: str, said: Mapping[str, str]) -> list[object]:
        return _line(SGS_22, {
            "รหัสโรงเรียน": f"10{THUNG_NA}", "ชั้น/ห้อง": "ม.3/1", "เลขประจำตัว": NUMBER[child.learner_id],
            "ชื่อ": child.first_name, "นามสกุล": child.last_name, "ปีการศึกษา": "2567", "ภาคเรียนที่": "1", "รหัสวิชา": code,
            "หน่วยกิต": "1.0", **said,
        })  # fmt: skip

    lines = [
        result(MALI, "ท23101", {"ปกติ": "2", "ผลการเรียน": "2"}),
        result(KONG, "ท23101", {"ปกติ": "0", "แก้ตัว": "1", "ผลการเรียน": "1"}),
        result(BAIBUA, "ท23101", {"ปกติ": "ร", "ผลการเรียน": "ร"}),
        result(NUNG, "ท23101", {"ปกติ": "3", "ผลการเรียน": "3", "เลขประจำตัว": "9999"}),
    ]
    return _html("22. ตรวจสอบผลการเรียน หน่วยกิต รายวิชา", SGS_22, lines)


def _sgs_44() -> bytes:
    header = ("รหัสโรงเรียน", *SGS_44)

    def result(child: Learner, code: str, said: Mapping[str, str]) -> list[object]:
        return _line(header, {
            "รหัสโรงเรียน": f"10{THUNG_NA}", "ชั้นเรียนปัจจุบัน": "ม.3/1", "เลขประจำตัว": NUMBER[child.learner_id],
            "ปีการศึกษา": "2567", "ภาคเรียนที่": "1", "กลุ่มสาระ": "2", "ประเภทวิชา": "1", "รหัสวิชา": code, "หน่วยกิต": "1.5",
            **said,
        })  # fmt: skip

    lines = [
        result(MALI, "ค22102", {"ปีการศึกษา": "2566", "ภาคเรียนที่": "2", "ปกติ": "3.5", "ผลการเรียน": "3.5"}),
        result(KONG, "ค23101", {"ปกติ": "0", "เรียนซ้ำ": "1.5", "ผลการเรียน": "1.5"}),
        result(BAIBUA, "ค23101", {"ปกติ": "มส", "แก้ตัว": "มส", "ผลการเรียน": "มส"}),
        result(NUNG, "ค23101", {}),  # runs still
        result(NUNG, "ค22102", {"ปีการศึกษา": "256", "ปกติ": "2", "ผลการเรียน": "2"}),
    ]
    return _html("44. ระเบียนผลการเรียน", header, lines)


def _sgs_80() -> bytes:
    header = ("รหัสโรงเรียน", *SGS_80)

    def result(child: Learner, said: Mapping[str, str]) -> list[object]:
        return _line(header, {
            "รหัสโรงเรียน": f"10{THUNG_NA}", "เลขประจำตัว": NUMBER[child.learner_id], "ชั้น/ห้อง": "ม.3/1",
            "ปีที่เรียน": "2567", "ภาคเรียนที่": "1", "รหัสวิชา": "ว23101", "หน่วยกิต": "1.5", "กลุ่มสาระ": "3", "ประเภทวิชา": "1",
            **said,
        })  # fmt: skip

    lines = [
        result(MALI, {"ร้อยละ": "82.00", "ปกติ": "4", "ผลการเรียน": "4"}),
        result(KONG, {"ร้อยละ": "42.00", "ปกติ": "0", "แก้ตัว": "1", "ผลการเรียน": "1"}),
        result(NUNG, {"ร้อยละ": "30.00", "รหัสวิชา": "ไม่ระบุ", "ปกติ": "0", "ผลการเรียน": "0"}),
    ]
    return _html("80. ระเบียนผลการเรียน", header, lines)


def _sgs_57() -> bytes:
    header = ("เลขประจำตัว", *SGS_57)

    def result(child: Learner, said: Mapping[str, str]) -> list[object]:
        return _line(header, {
            "เลขประจำตัว": NUMBER[child.learner_id], "SchID": f"10{THUNG_NA}", "CertID": f"990000{child.learner_id}",
            "ClassLevelID": "33", "Yr": "2567", "Tr": "1", "Code": "อ23201", "CodeEnglish": "EN23201",
            "Credits": "0.5", "S1": "25.0", "F1": "30", **said,
        })  # fmt: skip

    lines = [
        result(MALI, {"รวมร้อยละ": "75.00", "Gr": "3.5", "Grade": "3.5"}),
        result(KONG, {"รวมร้อยละ": "31.00", "Gr": "0", "ReGr": "1", "Grade": "1"}),
        result(NUNG, {"รวมร้อยละ": "55.00", "Gr": "1.5", "Grade": "1.5", "Tr": "7"}),
    ]
    return _html("57. ตรวจสอบการบันทึกผลการเรียน", header, lines)


def _roll_book() -> bytes:
    lines = [
        ["แบบบันทึกเวลาเรียน (ปพ.๕)", "", "", "", "", "", "", ""],
        ["โรงเรียน", SCHOOLS[THUNG_NA][0], "รหัสโรงเรียน", THUNG_NA],
        ["ชั้น", "ม.3", "ห้อง", "1", "ภาคเรียนที่", "1", "ปีการศึกษา", "2567"],
        ["เลขที่", "เลขประจำตัวนักเรียน", "ชื่อ-นามสกุล", "16/05/2567", "17/05/2567", "20/05/2567", "21/05/2567", "23/05/2567"],
        ["1", NUMBER[101], "เด็กหญิงมะลิ ใจดี", "/", "ข", "ส", "ป", "ก"],
        ["2", NUMBER[102], "ก้อง เก่งกล้า", "ม ", "ลก", "-", NBSP, "X"],
        ["3", "9999", "หนึ่ง ญาณดี", "/", "/", "/", "/", "หยุด"],
    ]
    return _csv(lines, "cp874")


def _attendance_daily() -> bytes:
    one = (THUNG_NA, NUMBER[101])
    lines = [("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่", "สถานะ"), (*one, "16/05/2567", "มา"),
             (*one, "๑๗ พ.ค. ๖๗", "สาย "), (*one, "20/05/2567", "ยังไม่เช็ค"),
             (THUNG_NA, NUMBER[107], "16/05/2567", "ลาป่วย"),
             (THUNG_NA, NUMBER[107], "17/05/2567", "ไม่รู้ไปไหน")]  # fmt: skip
    return _csv(lines, "utf-16", "\t")


def _poverty_screening() -> bytes:
    # House, then vehicles and goods. Mali lacks a floor, a roof, drinking water and a meter, and has a motorcycle and a
    # television; Kong's form says little of the house, in one box a word the form has not, and nothing of goods.
    mali = ["ไม้ไผ่", "สังกะสี", "ใบไม้/วัสดุธรรมชาติ", "มี", "น้ำฝน/น้ำประปาภูเขา/ลำธาร", "ไฟต่อพ่วง / แบตเตอรี่",
            "ไม่มี", "ไม่มี", "", "มี", "ไม่มี", "ไม่มี", "มี", "ไม่มี", "ไม่มี", 15.02, "101.01"]  # fmt: skip
    kong = ["ซีเมนต์เปลือย", "หินอ่อน", "อื่นๆ", "-", "", "-", *["-"] * 11]
    lines: list[list[object]] = [
        [THUNG_NA, MALI.citizen_id, "มะลิ ใจดี", "ม.3", "29/02/2567", "ยากจนพิเศษ", 1281, 2, "ญาติ", 4.5, "-", *mali],
        [THUNG_NA, KONG.citizen_id, "ก้อง เก่งกล้า", "ม.3", date(2024, 7, 1), "ยากจน (สพฐ.)", "2,950.50", 9, "พ่อ/แม่", "-",
         15, *kong],
        [THUNG_NA, TON_KLA_ID, "หนึ่ง ญาณดี", "ม.3", "01/07/2567", "ไม่ยากจน", "-", "-", "เพื่อน", "-", "-", *kong],
    ]  # fmt: skip
    return _xlsx(["รายงานผลการคัดกรอง กสศ."], SCREENING_HEADERS, lines)


def _grant_list() -> bytes:
    grant = ("ทุนเสมอภาค", "16/05/2567", "15/05/2570", "24/07/2567", "80")
    lines = [
        GRANT_HEADERS,
        (THUNG_NA, MALI.citizen_id, "มะลิ ใจดี", "ม.3", *grant),
        (THUNG_NA, KONG.citizen_id, "ก้อง เก่งกล้า", "ม.3", "ทุนเสมอภาค", "๑ มิ.ย. ๒๕๖๘", "", "24/07/2568", "๘๕"),
        (THUNG_NA, BAIBUA.citizen_id, "ใบบัว น้ำใส", "ม.3", "ปัจจัยพื้นฐาน", "16/05/2567", "-", "24/07/2567", "ทุกวัน"),
        (PA_PHAI, FAH.citizen_id, "ฟ้า ปี่ทอง", "ป.6", "ทุนเสมอภาค", "31/06/2567", *grant[2:]),
    ]
    return _csv(lines, "cp874")


def _midterm_marks() -> bytes:
    def mark(child: Learner, code: str, *said: str) -> list[object]:
        return [child.school_id, "2567", "1", NUMBER[child.learner_id], child.grade, code, *said]

    day = "9 ส.ค. 67"
    lines = [
        mark(MALI, "ค23101", "30", "22.5", "75.00", day),
        mark(MALI, "TH23101", "", "18", "", day),  # full marks not known, so no percent
        mark(KONG, "ค23101", "30", "0", "๐", "09/08/2567"),  # a real zero
        mark(KONG, "อ23101", "20", NBSP, "-", day),  # not entered yet
        mark(NUNG, "ค23101", "30", "31", "103.33", day),
        mark(NUNG, "อ23101", "20", "12", "60.00", "-"),
    ]
    return _csv([MIDTERM_HEADERS, *lines], "utf-8-sig")


def _primary_results() -> bytes:
    header = ("รหัสโรงเรียน", "ปีการศึกษา", "เลขประจำตัวนักเรียน", "ชั้น", "รหัสวิชา", "กลุ่มสาระ", "คะแนนร้อยละ", "ผลการเรียน")
    one = (DOI_NAM, "2567", NUMBER[106], "ป.4")
    lines = [header, (*one, "ค14101", "คณิตศาสตร์", "55.5", "2"), (*one, "ท14101", "ภาษาไทย", "80", "ดีมาก"),
             (*one, "ว14101", "วิทยาศาสตร์", "-", ""), (*one, "ไม่ระบุ", "ศิลปะ", "91", "4")]  # fmt: skip
    return _csv(lines, "cp874")


def _exit_list() -> bytes:
    header = ("รหัสโรงเรียน", "เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน", "ชั้น", "วันที่จำหน่าย", "สาเหตุ")
    lines = [header, (THUNG_NA, MALI.citizen_id, NUMBER[101], "ม.3", "10/11/2567", "ลาออก"),
             (THUNG_NA, "-", NUMBER[102], "ม.3", "31/09/2567", "ไม่ระบุ"),
             (PA_PHAI, FAH.citizen_id, NUMBER[104], "ป.6", "31/03/2568", "หายไป")]  # fmt: skip
    return _csv(lines, "utf-8")


def _college_list() -> bytes:
    def student(child: Learner, number: str, said: Mapping[str, str]) -> list[object]:
        boy = child.prefix == "เด็กชาย"
        return _line(COLLEGE, {
            "รหัสสถานศึกษา": CHAI_DAEN, "ปีการศึกษา": "2568", "เลขบัตรประชาชน": child.citizen_id,
            "รหัสประจำตัวนักศึกษา": number, "คำนำหน้า": "นาย" if boy else "นางสาว", "ชื่อ": child.first_name,
            "สกุล": child.last_name, "เพศ": "ชาย" if boy else "หญิง", "วันเกิด": BORN[child], "ระดับชั้น": "ปวช.1",
            "กลุ่มเรียน": "1", "สาขาวิชา": "ช่างยนต์", "สถานภาพ": "กำลังศึกษา", "ข้อมูล ณ วันที่": "10/06/2568", **said,
        })  # fmt: skip

    lines = [
        student(MALI, "68201010001", {}),
        student(KONG, "68301010002", {"ระดับชั้น": "ปวส.1", "สถานภาพ": "15"}),
        student(BAIBUA, "68201010003", {"สถานภาพ": "90"}),
    ]
    return _csv([COLLEGE, *lines], "utf-8-sig")


def _ops_record() -> bytes:
    def learner(child: Learner, said: Mapping[str, str]) -> list[object]:
        boy = child.prefix == "เด็กชาย"
        return _line(OPS, {
            "SCHOOLID": child.school_id, "STUDENTID": NUMBER[child.learner_id], "PERSONID": child.citizen_id,
            "PREFIXID": "1" if boy else "2", "FIRSTNAME": child.first_name, "LASTNAME": child.last_name,
            "GENDERID": "1" if boy else "2", "BIRTHDATE": BORN[child], "NATIONALITYID": "TH", "HOUSENUMBER": "12/3",
            "VILLAGENUMBER": "5", "GRADELEVELID": "113", "GPAX": "3.25", "STUDENTSTATUSID": "10", **said,
        })  # fmt: skip

    lines = [
        learner(MALI, {"STUDENTWEIGHT": "46", "STUDENTHIGHT": "156.5", "DISADVANTAGEEDUCATIONID": "99"}),
        learner(NUNG, {"STUDENTID": "1109", "PERSONID": "", "PASSPORTNUMBER": PHUFA_PASSPORT, "FIRSTNAME": "ภูผา",
                       "LASTNAME": "ริมห้วยดี", "BIRTHDATE": "2008-12-31", "NATIONALITYID": "LA", "GRADELEVELID": "999"}),
        learner(KONG, {"STUDENTSTATUSID": "90"}),
    ]  # fmt: skip
    return _csv([OPS, *lines], "utf-8-sig")


def _onec_term() -> bytes:
    def learner(child: Learner, said: Mapping[str, object]) -> list[object]:
        return _line(ONEC_TERM, {
            "AcademicYear_Onec": 2567, "Semester_Onec": 2, "SchoolID_Onec": child.school_id,
            "PersonID_Onec": child.citizen_id, "FirstName_Onec": child.first_name, "LastName_Onec": child.last_name,
            "GenderID_Onec": 1 if child.prefix == "เด็กชาย" else 2, "VillageNumber_Onec": 4, "Trok_Onec": "-",
            "GradeLevelID_Onec": 113, "RoomID_Onec": 1, "GPAX_Onec": 3.25, "StudentStatusID_Onec": 10,
            "ProvinceNameThai_Onec": "จังหวัดตัวอย่าง", "DistrictNameThai_Onec": "ทุ่ง", "SubDistrictNameThai_Onec": "นาดี",
            **said,
        })  # fmt: skip

    lines = [
        learner(MALI, {"NationalityID_Onec": "TH", "DisabilityID_Onec": 99}),
        learner(KONG, {"StudentStatusID_Onec": 40}),
        learner(EK, {"PersonID_Onec": "-", "PassportNumber_Onec": PHUFA_PASSPORT, "FirstName_Onec": "ภูผา",
                     "LastName_Onec": "ริมห้วยดี", "GradeLevelID_Onec": "ป.4"}),
        learner(NUNG, {"StudentStatusID_Onec": 90}),
    ]  # fmt: skip
    return _xlsx([], ONEC_TERM, lines)


def _onec_dropout() -> bytes:
    def left(child: Learner, said: Mapping[str, str]) -> list[object]:
        return _line(ONEC_DROPOUT, {
            "PersonID_Onec": child.citizen_id, "Fullname_Onec": f"{child.prefix}{child.first_name} {child.last_name}",
            "Gender_Onec": "ชาย" if child.prefix == "เด็กชาย" else "หญิง", "BirthDate_Onec": BORN[child],
            "ACADYEAR": "2567", "SchoolID_Onec": child.school_id, "GradeLevelID_Onec": "113",
            "DropoutTransferID_Onec": "0", **said,
        })  # fmt: skip

    lines = [left(MALI, {"StatusCodeCause_Onec": "30"}), left(KONG, {"StatusCodeCause_Onec": "35"}),
             left(BAIBUA, {"StatusCodeCause_Onec": ""}), left(FAH, {"StatusCodeCause_Onec": "90"})]  # fmt: skip
    return _csv([ONEC_DROPOUT, *lines], "utf-8")


def _sandbox_template() -> bytes:
    header = ("รหัสโรงเรียน", "ระดับชั้น", *SANDBOX)

    def pupil(child: Learner, said: Mapping[str, object]) -> list[object]:
        return _line(header, {
            "รหัสโรงเรียน": child.school_id, "ระดับชั้น": child.grade, "รหัสประจำตัวนักเรียน": NUMBER[child.learner_id],
            "สภานภาพนักเรียน": "กำลังเรียน", "หมายเลขบัตรประจำตัว": child.citizen_id, "ประเภทบัตประจำตัว": "บัตรประชาชน",
            "คำนำหน้า": child.prefix, "ชื่อ (ภาษาไทย)": child.first_name, "นามสกุล (ภาษาไทย)": child.last_name,
            "เพศ": "ชาย" if child.prefix == "เด็กชาย" else "หญิง", "วันเกิด": BORN[child], "ห้องเรียน": child.room,
            "สถานภาพของบิดา": "สาปสูญ", **said,
        })  # fmt: skip

    mali = {
        "สัญชาติ": "ไทย ", "เชื้อชาติ": "ไทย ", "ศาสนา": "พุทธ", "กลุ่มเลือด": "O", "น้ำหนัก": 47, "ส่วนสูง": 157,
        "บ้านเลขที่ (ปัจจุบัน)": "12/3", "หมู่ที่ (ปัจจุบัน)": 5, "ตำบล (ปัจจุบัน)": "นาดี", "อำเภอ (ปัจจุบัน)": "ทุ่ง",
        "จังหวัด (ปัจจุบัน)": "จังหวัดตัวอย่าง", "หมายเลขโทรศัพท์ (ปัจจุบัน)": "080-000-0101", "ชื่อผู้ปกครอง (ภาษาไทย)": "ลำดวน",
        "นามสกุลผู้ปกครอง (ภาษาไทย)": "ใจดี", "ความเกี่ยวข้องของผู้ปกครอง": "ยาย", "ความพิการ": "ไม่พิการ", "ด้อยโอกาส": "ยากจน",
        "รายได้ครอบครัวต่อเดือน": 6000,
    }  # fmt: skip
    lines = [
        pupil(MALI, mali),
        pupil(KONG, {"สภานภาพนักเรียน": "อยู่ระหว่างดำเนินการติดตาม"}),
        pupil(NUNG, {"สภานภาพนักเรียน": "สาปสูญ"}),
    ]
    return _xlsx(["แบบข้อมูลนักเรียน พื้นที่นวัตกรรมการศึกษา"], header, lines)


def _destination_list() -> bytes:
    def leaver(child: Learner, goes: str, to: str) -> list[object]:
        return [
            child.school_id,
            "๒๕๖๗",
            child.citizen_id,
            NUMBER[child.learner_id],
            child.first_name,
            child.grade,
            goes,
            to,
        ]

    lines = [
        leaver(MALI, "สถาบันอาชีวศึกษาของรัฐบาล", SCHOOLS[CHAI_DAEN][0]),
        leaver(KONG, "ไม่ประกอบอาชีพและไม่ศึกษาต่อ", "-"),
        leaver(BAIBUA, "-", "-"),
        leaver(FAH, "ศึกษาต่อ ม.1 โรงเรียนอื่น", SCHOOLS[THUNG_NA][0]),
        leaver(NUNG, "ช่วยงานที่บ้าน", "-"),
    ]
    return _xlsx(["รายงานการศึกษาต่อของนักเรียนที่จบการศึกษา"], DESTINATION, lines)


def _civil_register() -> bytes:
    def child(number: str, first_name: str, last_name: str, born: str, said: Mapping[str, str]) -> list[object]:
        return _line(CIVIL, {
            "เลขประจำตัวประชาชน": number, "คำนำหน้านาม": "ด.ญ.", "ชื่อตัว": first_name, "ชื่อสกุล": last_name, "เพศ": "หญิง",
            "วันเดือนปีเกิด": born, "เลขรหัสประจำบ้าน": "99010000001", "บ้านเลขที่": "7", "หมู่ที่": "๒", "ตำบล/แขวง": "นาดี",
            "อำเภอ/เขต": "ทุ่ง", "จังหวัด": "จังหวัดตัวอย่าง", **said,
        })  # fmt: skip

    lines = [
        child(f'="{MALI.citizen_id}"', "มะลิ", "ใจดี", "29 ก.พ. 2551", {}),
        child("9-1000-00000-08-9", "ลำดวน", "ทดลองดี", "9 ก.ย. 2557", {}),
        child(TON_KLA_ID, "ต้นกล้า", "ท้ายไร่", "2560-02-11", {"คำนำหน้านาม": "ด.ช.", "เพศ": "ชาย"}),
        child("ไม่มีเลข", "ฟ้า", "ปี่ทอง", "2 มิ.ย. 2555", {}),
    ]
    return _csv([CIVIL, *lines], "cp874")


def _census_totals() -> bytes:
    lines = [
        (THUNG_NA, SCHOOLS[THUNG_NA][0], "ม.๓", "2", "2", "4"),
        (PA_PHAI, SCHOOLS[PA_PHAI][0], "ป.6", "0", "1", "1"),
        (DOI_NAM, SCHOOLS[DOI_NAM][0], "ป.4", "1", "-", "1"),
        (DOI_NAM, SCHOOLS[DOI_NAM][0], "รวมทั้งสิ้น", "1", "1", "2"),
    ]
    header = ("รหัสโรงเรียน", "ชื่อโรงเรียน", "ชั้น", "ชาย", "หญิง", "รวม")
    return _html("จำนวนนักเรียนจำแนกตามชั้นและเพศ ข้อมูล ณ วันที่ ๑๐ มิถุนายน ๒๕๖๗", header, lines)


# ------------------------------------------------------------------------------------------------ how they are written
def _line(header: Sequence[str], said: Mapping[str, object]) -> list[object]:
    """A row under the header; a word that is no header is a mistake of this file."""
    assert set(said) <= set(header), set(said) - set(header)
    return [said.get(title, "") for title in header]


def _csv(lines: Sequence[Sequence[object]], encoding: str, delimiter: str = ",") -> bytes:
    return "".join(delimiter.join(map(str, line)) + "\r\n" for line in lines).encode(encoding)


def _html(title: str, header: Sequence[str], lines: Sequence[Sequence[object]]) -> bytes:
    """What SGS calls .xls: a title over all columns, cells that are not closed, no-break spaces in empty ones."""
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(str(cell)) or '&nbsp;'}" for cell in line) for line in (header, *lines)
    )
    head = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>'
    return (
        f'{head}<table border="1"><tr><th colspan="{len(header)}">{title}</th>\n{rows}</table></body></html>'.encode()
    )


def _xlsx(titles: Sequence[str], header: Sequence[str], lines: Sequence[Sequence[object]]) -> bytes:
    """A workbook whose titles stand in cells merged over the first columns."""
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(held, options) as book:
        book.set_properties({"created": datetime(2024, 6, 10)})  # noqa: DTZ001 - the same bytes every time
        sheet, day = book.add_worksheet("Sheet1"), book.add_format({"num_format": "dd/mm/yyyy"})
        for n, title in enumerate(titles):
            sheet.merge_range(n, 0, n, 5, title)
        for r, line in enumerate((header, *lines), start=len(titles)):
            for c, cell in enumerate(line):
                if isinstance(cell, date):
                    sheet.write_datetime(r, c, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                else:
                    sheet.write(r, c, cell)
    return held.getvalue()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in golden_files().items():
        (FOLDER / name).write_bytes(content)
        print(name)
