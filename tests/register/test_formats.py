"""Each format, and each oddity such files have, read to the whole rows they mean."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from cast import BAIBUA, CHAI_DAEN, DOI_NAM, EK, KONG, MALI, PA_PHAI, SCHOOLS, THUNG_NA
from school_files import (
    NUMBERS,
    csv_file,
    daily,
    dmc,
    dmc_row,
    marks,
    only,
    roll_book,
    rows,
    schools,
    settings,
    sgs,
    sgs_row,
    take,
    xlsx_bytes,
)

from raksa import calendar
from raksa.demo_files import DMC_HEADERS, SCREENING_HEADERS

JUNE = date(2024, 6, 10)


def number(child) -> str:
    return NUMBERS[child.learner_id]


def test_an_area_lists_its_schools(tmp_path):
    store, report = take(tmp_path / "home", schools(tmp_path))
    place = ("ตำบลนา", "อำเภอทุ่ง", "จังหวัดตัวอย่าง", 15.5, 100.25)
    assert rows(store, "school", *store.read("school").schema.names) == sorted(
        (code, f"10{code}", None, name, area, "เขตทดลอง", "สพฐ.", *place, "000001#1")
        for code, (name, area) in SCHOOLS.items()
    )
    assert (only(report).rows, only(report).kept) == (4, 4)


def test_a_holiday_closes_every_school_or_one(tmp_path):
    header = ("วันที่", "รหัสโรงเรียน", "รายการ")
    lines = [("03/06/2567", "", "วันเฉลิมพระชนมพรรษา"), ("๔ มิ.ย. ๖๗", PA_PHAI, "น้ำท่วม"), ("05/06/2567", "77", "?")]
    store, report = take(tmp_path / "home", schools(tmp_path), csv_file(tmp_path / "h.csv", header, lines))
    assert rows(store, "holiday", "school_id", "day", "name") == [
        (PA_PHAI, date(2024, 6, 4), "น้ำท่วม"), (None, date(2024, 6, 3), "วันเฉลิมพระชนมพรรษา"),
    ]  # fmt: skip
    assert report.files[1].refused == {"unknown_school": 1}


def test_mali_stands_on_the_dmc_list_with_all_that_it_says_of_her(tmp_path):
    said = {"ศาสนา": "พุทธ ", "สัญชาติ": "ไทย", "ความด้อยโอกาส": "ยากจน", "บ้านเลขที่": "12/3", "หมู่": "5", "ตำบล": "นาดี",
            "ชื่อผู้ปกครอง": "สมใจ", "นามสกุลผู้ปกครอง": "ใจดี", "ความเกี่ยวข้องของผู้ปกครองกับนักเรียน": "ยาย"}  # fmt: skip
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI, **said)]))
    assert (report.files[1].format, report.files[1].kept, report.files[1].warnings) == ("dmc_list", 1, {})
    (listed,) = store.read("enrolment").to_pylist()
    mali = listed.pop("learner_id")
    about = {"learner_id": mali, "known_on": JUNE, "source": "000001#2"}
    assert listed == {
        "school_id": THUNG_NA, "academic_year": 2567, "listed_on": JUNE, "term": 1, "grade": "ม.3", "room": "1",
        "roll_number": None, "student_number": number(MALI), "status": "enrolled", "starts_on": None,
        "entered_on": None, "attempts_before": None, "isced_completed": None, "credits": None, "source": "000001#2",
    }  # fmt: skip
    assert store.read("learner").to_pylist() == [about | {"sex": "female", "birth_date": date(2008, 2, 29)}]
    assert store.read("identity").to_pylist() == [about | {
        "id_type": "citizen", "id_number": MALI.citizen_id, "prefix": "เด็กหญิง", "first_name": "มะลิ",
        "last_name": "ใจดี", "address": "12/3 หมู่ 5", "subdistrict": "นาดี", "district": None, "province": None,
        "phone": None, "guardian_name": "สมใจ ใจดี", "guardian_relation": "ยาย",
    }]  # fmt: skip
    assert store.read("sensitive").to_pylist() == [about | {
        "religion": "พุทธ", "ethnicity": None, "nationality": "ไทย", "blood_group": None, "disability": None,
        "disadvantage": "ยากจน",
    }]  # fmt: skip
    assert store.read("growth").to_pylist() == [about | {"measured_on": JUNE, "weight_kg": 45.5, "height_cm": 155.0}]
    assert store.read("household").num_rows == 0  # poor by the school's word is not a screening
    assert rows(store, "identity_alias", "alias", "learner_id", "known_on") == [
        (f"citizen:{MALI.citizen_id}", "มะลิ", JUNE), (f"number:{THUNG_NA}:{number(MALI)}", "มะลิ", JUNE),
    ]  # fmt: skip


def test_oddities_of_a_dmc_list_are_read_as_they_were_meant(tmp_path):
    lines = [
        dmc_row(MALI, คำนำหน้าชื่อ="-", ชื่อ="เด็กหญิงมะลิ", นามสกุล="\u00a0ใจดี ", ห้อง="๒", ชั้น="ม. ๓"),
        dmc_row(KONG, คำนำหน้าชื่อ="ด.ช.", ชื่อ="กํ้าล้้ำ", วันเกิด="๒๙/๐๒/๒๕๕๑", น้ำหนัก=999),
        dmc_row(BAIBUA, **{"วันเกิด": "31/02/2552", "ยังไม่สามารถจำหน่ายได้ (3.1.8)": "ใช่", "น้ำหนัก": "-", "ส่วนสูง": "-"}),
    ]  # fmt: skip
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", lines))
    assert rows(store, "identity", "prefix", "first_name", "last_name") == [
        ("เด็กชาย", "ก้ำล้ำ", "เก่งกล้า"), ("เด็กหญิง", "มะลิ", "ใจดี"), ("เด็กหญิง", "ใบบัว", "น้ำใส"),
    ]  # fmt: skip
    assert rows(store, "enrolment", "learner_id", "grade", "room", "status") == [
        ("ก้ำล้ำ", "ม.3", "1", "enrolled"), ("มะลิ", "ม.3", "2", "enrolled"), ("ใบบัว", "ม.3", "2", "floating"),
    ]  # fmt: skip
    assert rows(store, "learner", "learner_id", "birth_date") == [
        ("ก้ำล้ำ", date(2008, 2, 29)), ("มะลิ", date(2008, 2, 29)), ("ใบบัว", None),
    ]  # fmt: skip
    assert rows(store, "growth", "learner_id", "weight_kg") == [("ก้ำล้ำ", None), ("มะลิ", 45.5)]
    assert report.files[1].kept == 3
    assert report.files[1].warnings == {"bad_birth_date": 1, "bad_weight_kg": 1}
    reasons = [r["reason"] for r in store.refused(report.snapshot).to_pylist()]
    assert reasons == [
        "a.xlsx, line 5: วันเกิด 31/02/2552 is not a date; the value was left out",
        "a.xlsx, line 4: น้ำหนัก 999 is above 250; the value was left out",
    ]


def test_each_value_that_does_not_fit_is_told_its_own_reason(tmp_path):
    lines = [dmc_row(MALI, น้ำหนัก=999), dmc_row(KONG, น้ำหนัก="หนัก"), dmc_row(BAIBUA, น้ำหนัก="45,5")]
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", lines))
    assert [r["reason"].split("น้ำหนัก ")[1] for r in store.refused(report.snapshot).to_pylist()] == [
        "999 is above 250; the value was left out", "หนัก is not a number; the value was left out",
        "45,5 is not a number; the value was left out",
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["10/06/2567 16:30", "10 มิถุนายน 2567 16:30", "๑๐ มิ.ย. ๒๕๖๗", "2024-06-10T16:30:00"])
def test_the_day_of_a_list_stands_above_its_header(tmp_path, said):
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx_bytes([["รายชื่อ"], ["วันและเวลาที่สร้างรายงาน", said], [], list(DMC_HEADERS), dmc_row(MALI)]))
    store, _ = take(tmp_path / "home", schools(tmp_path), path)
    assert rows(store, "enrolment", "learner_id", "listed_on") == [("มะลิ", JUNE)]


def test_a_template_that_renames_the_twin_header_reads_the_same(tmp_path):
    header = list(DMC_HEADERS)
    header[2], header[5] = "เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน"
    title = ["วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"]
    renamed = tmp_path / "b.xlsx"
    renamed.write_bytes(xlsx_bytes([title, header, dmc_row(MALI)]))
    store, _ = take(tmp_path / "one", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]))
    other, _ = take(tmp_path / "two", schools(tmp_path), renamed)
    for table in ("enrolment", "identity", "identity_alias"):
        assert store.read(table) == other.read(table)


def test_swapped_number_columns_are_noticed(tmp_path):
    line = dmc_row(MALI, id=number(MALI), number=MALI.citizen_id)
    _, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [line]))
    assert report.files[1].refused == {"number_is_id": 1}


def test_the_list_may_stand_on_any_sheet_and_hidden_sheets_are_reported(tmp_path):
    title = ["วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"]
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        xlsx_bytes(
            [["คำชี้แจง"]], [title, list(DMC_HEADERS), dmc_row(MALI)], [title, list(DMC_HEADERS), dmc_row(KONG)],
            [title, list(DMC_HEADERS), dmc_row(BAIBUA)], hidden=[3],
        )
    )  # fmt: skip
    store, report = take(tmp_path / "home", schools(tmp_path), path)
    assert rows(store, "enrolment", "learner_id", "source") == [("ก้อง", "000001#4"), ("มะลิ", "000001#3")]
    assert [(f.name, f.kept) for f in report.files[1:]] == [
        ("a.xlsx [Sheet1]", 0), ("a.xlsx [Sheet2]", 1), ("a.xlsx [Sheet3]", 1), ("a.xlsx [Sheet4]", 0),
    ]  # fmt: skip
    assert "in no format we know" in report.files[1].refused_whole
    assert report.files[4].refused_whole == (
        "a.xlsx [Sheet4]: the sheet is hidden and was not read; show it and send the file again."
    )
    _, again = take(tmp_path / "home", path)
    assert again.snapshot is None and only(again).before


DAYS = ("16/05/2567", "17/05/2567", "20/05/2567", "21/05/2567", "23/05/2567", "24/05/2567")  # 22 May is a holiday


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp874", "utf-16"])
def test_a_roll_book_becomes_a_page(tmp_path, encoding):
    book = roll_book(
        tmp_path / "r.csv",
        [
            (number(MALI), "เด็กหญิงมะลิ ใจดี", "/", "ข", "ส", "ป", "ล", "ก"),
            (number(KONG), "ก้อง", " ✓", "-", "", "ลป", "X", "\u00a0"),
        ],
        DAYS, encoding="utf-8" if encoding == "cp874" else encoding,
    )  # fmt: skip
    if encoding == "cp874":
        book.write_bytes(book.read_text().replace("✓", "ม").encode("cp874"))
    holiday = csv_file(tmp_path / "h.csv", ("วันที่", "รหัสโรงเรียน", "รายการ"), [("22/05/2567", "", "วันวิสาขบูชา")])
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)])
    store, report = take(tmp_path / "home", schools(tmp_path), holiday, people, book)
    assert marks(store, "มะลิ") == "PA..TS.LV."
    assert marks(store, "ก้อง") == "P-..-S.--."
    assert [len(p["marks"]) for p in store.read("roll").to_pylist()] == [366, 366]
    assert (report.files[3].kept, report.files[3].warnings) == (2, {"bad_mark": 1})
    (left_out,) = store.refused(report.snapshot).to_pylist()
    assert left_out["reason"] == "r.csv, line 6: mark X on 23/05/2567 is none of / ✓ ม ส ป ลป ล ลก ข ก หยุด; left out"


def test_a_roll_book_in_thai_digits_with_semicolons_and_a_closed_day(tmp_path):
    book = roll_book(tmp_path / "r.csv", [(number(MALI), "มะลิ", "/", "หยุด")], DAYS[:2])
    thai = str.maketrans("0123456789,", "๐๑๒๓๔๕๖๗๘๙;")
    book.write_text(book.read_text().translate(thai))
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), book)
    assert (marks(store, "มะลิ", 2), report.files[2].warnings) == ("P.", {})


def test_a_mark_under_a_header_that_is_no_date_is_not_lost_silently(tmp_path):
    book = roll_book(tmp_path / "r.csv", [(number(MALI), "มะลิ", "/", "ข", "3")], ("16/05/2567", "31/06/2567", "รวม"))
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, book)
    assert report.files[2].warnings == {"bad_day": 1}
    (left_out,) = store.refused(report.snapshot).to_pylist()
    assert left_out["reason"] == "r.csv, line 5: mark ข stands under '31/06/2567', which is no date; left out"


def test_daily_rows_fold_into_the_same_page(tmp_path):
    words = ("มา", "ขาด", "สาย", "ลาป่วย", "ลากิจ", "กิจกรรม")
    lines = [(THUNG_NA, number(MALI), day, word) for day, word in zip(DAYS, words, strict=True)]
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, daily(tmp_path / "d.csv", lines))
    assert marks(store, "มะลิ") == "PA..TS-LV."
    assert (report.files[2].rows, report.files[2].kept) == (6, 6)


def test_bad_daily_rows_are_refused_each_with_its_reason(tmp_path):
    one = (THUNG_NA, number(MALI))
    lines = [(*one, "16/05/2567", "มา"), (*one, "31/06/2567", "มา"), (*one, "17/05/2567", "ไม่ทราบ"), (*one, "", "มา"),
             (*one, "17/05/2567", "-"), ("", number(MALI), "17/05/2567", "มา"), (THUNG_NA, "", "17/05/2567", "มา"),
             (THUNG_NA, "8888", "17/05/2567", "มา"), ("77", "8888", "17/05/2567", "มา"), one,
             (*one, "17/05/2567", "มา", "มา")]  # fmt: skip
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, daily(tmp_path / "d.csv", lines))
    assert marks(store, "มะลิ", 2) == "P-"
    assert (report.files[2].rows, report.files[2].kept) == (11, 1)
    assert report.files[2].refused == {
        "bad_date": 1, "bad_mark": 1, "long_row": 1, "no_date": 1, "no_learner": 1, "no_mark": 1, "no_school": 1,
        "short_row": 1, "unknown_learner": 1, "unknown_school": 1,
    }  # fmt: skip
    refused = {r["line"]: (r["code"], r["cells"]) for r in store.refused(report.snapshot).to_pylist()}
    assert sorted(refused) == list(range(3, 13))
    assert refused[11] == ("short_row", f'["{THUNG_NA}", "{number(MALI)}"]')


def test_two_different_marks_for_one_day_are_noticed(tmp_path):
    one = (THUNG_NA, number(MALI), "16/05/2567")
    lines = [(*one, "มา"), (*one, "ขาด"), (*one, "ขาด"), (*one, "ยังไม่เช็ค")]
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, daily(tmp_path / "d.csv", lines))
    assert (marks(store, "มะลิ", 1), report.files[2].kept, report.files[2].warnings) == ("A", 4, {"two_marks": 1})
    assert [r["line"] for r in store.refused(report.snapshot).to_pylist()] == [2]


def test_marks_of_several_files_lie_over_each_other_in_the_order_of_the_files(tmp_path):
    one = (THUNG_NA, number(MALI))
    first = daily(
        tmp_path / "d.csv", [(*one, "16/05/2567", "ขาด"), (*one, "17/05/2567", "มา"), (*one, "20/05/2567", "มา")]
    )
    then = roll_book(tmp_path / "r.csv", [(number(MALI), "มะลิ", "หยุด", "ข", "")], DAYS[:3])
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, _ = take(tmp_path / "home", schools(tmp_path), people, first, then)
    assert marks(store, "มะลิ", 6) == "AA..P-"
    store, _ = take(tmp_path / "other", schools(tmp_path), people, then, first)
    assert marks(store, "มะลิ", 6) == "AP..P-"


def test_sgs_results_find_the_school_by_its_ten_digits_and_the_child_by_her_number(tmp_path):
    lines = [
        sgs_row(MALI), sgs_row(MALI, "ท21101", รวมร้อยละ="", ผลการเรียน="มส."), sgs_row(MALI, "ว21101", ผลการเรียน="๓.๕"),
        sgs_row(MALI, "ส21101", รวมร้อยละ="", ผลการเรียน=""), sgs_row(MALI, "พ21101", ผลการเรียน="ดี"),
        sgs_row(MALI, "ศ21101", ภาคเรียนที่="3"),
    ]  # fmt: skip
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, sgs(tmp_path / "s.xls", lines))
    known = calendar.results_known(2567, 1, settings(tmp_path))
    summer = calendar.first_day(2568, settings(tmp_path)) + timedelta(days=14)
    columns = ("learner_id", "school_id", "academic_year", "term", "subject", "part", "learning_area", "credits",
               "percent", "grade", "attended_percent", "known_on")  # fmt: skip
    one = ("มะลิ", THUNG_NA, 2567)
    assert rows(store, "result", *columns) == sorted([
        (*one, 1, "ค21101", "final", "ค", 1.5, 71.5, "3", 91.25, known),
        (*one, 1, "ท21101", "final", "ท", 1.5, None, "มส", 91.25, known),
        (*one, 1, "ว21101", "final", "ว", 1.5, 71.5, "3.5", 91.25, known),
        (*one, 1, "พ21101", "final", "พ", 1.5, 71.5, None, 91.25, known),
        (*one, 3, "ศ21101", "final", "ศ", 1.5, 71.5, "3", 91.25, summer),
    ], key=str)  # fmt: skip
    assert (report.files[2].rows, report.files[2].kept) == (6, 6)
    assert report.files[2].warnings == {"bad_grade": 1, "says_nothing": 1}


def test_merged_cells_of_an_html_table_do_not_shift_the_others(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    table = sgs(tmp_path / "s.xls", [sgs_row(MALI), sgs_row(MALI, "ท21101")])
    text = table.read_text().replace("<td>ค21101<td><td>1.5", '<td>ค21101<td colspan="1" rowspan="2"><td>1.5')
    table.write_text(text.replace("<td>ท21101<td>", "<td>ท21101"))
    store, _ = take(tmp_path / "home", schools(tmp_path), people, table)
    assert rows(store, "result", "subject", "percent") == [("ค21101", 71.5), ("ท21101", 71.5)]


def test_primary_results_hold_for_the_whole_year(tmp_path):
    header = ("รหัสโรงเรียน", "ปีการศึกษา", "เลขประจำตัวนักเรียน", "ชั้น", "รหัสวิชา", "กลุ่มสาระ", "คะแนนร้อยละ", "ผลการเรียน")
    lines = [(DOI_NAM, "2567", number(EK), "ป.4", "ค14101", "คณิตศาสตร์", "55.5", "2"),
             (DOI_NAM, "2024", number(EK), "ป.4", "ท14101", "ภาษาไทย", "80", "4"),
             (DOI_NAM, "256", number(EK), "ป.4", "อ14101", "อังกฤษ", "80", "4"),
             (DOI_NAM, "2567", number(EK), "ป.4", "", "อังกฤษ", "80", "4")]  # fmt: skip
    people = dmc(tmp_path / "a.xlsx", [dmc_row(EK)])
    results = csv_file(tmp_path / "p.csv", header, lines)
    store, report = take(tmp_path / "home", schools(tmp_path), people, results)
    assert rows(store, "result", "academic_year", "term", "subject", "credits", "percent", "grade", "known_on") == [
        (2567, 0, "ค14101", 1.0, 55.5, "2", date(2025, 4, 14)), (2567, 0, "ท14101", 1.0, 80.0, "4", date(2025, 4, 14)),
    ]  # fmt: skip
    assert report.files[2].refused == {"bad_academic_year": 1, "no_subject": 1}


def test_a_screening_is_known_thirty_days_after_the_survey(tmp_path):
    line = [THUNG_NA, MALI.citizen_id, "มะลิ", "ม.3", "01/07/2567", "ยากจนพิเศษ", 1200.5, 2, "ญาติ", 4.2, "-"]
    odd = [THUNG_NA, KONG.citizen_id, "ก้อง", "ม.3", "01/07/2567", "ยากจน", 1200.5, 9, "เพื่อน", 4.2, 15]
    path = tmp_path / "c.xlsx"
    path.write_bytes(xlsx_bytes([list(SCREENING_HEADERS), line, odd]))
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, path)
    survey = (date(2024, 7, 1), date(2024, 7, 31))
    assert rows(store, "household", *(c for c in store.read("household").schema.names if c != "source")) == [
        ("ก้อง", *survey, "poor", 1200.5, None, None, None, None, None, pytest.approx(4.2), 15.0),
        ("มะลิ", *survey, "extremely_poor", 1200.5, None, 2, None, None, "relatives", pytest.approx(4.2), None),
    ]
    assert report.files[2].warnings == {"bad_dependants": 1, "bad_lives_with": 1}


def test_an_exit_list_says_who_left_when_and_why(tmp_path):
    header = ("รหัสโรงเรียน", "เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน", "ชั้น", "วันที่จำหน่าย", "สาเหตุ")
    lines = [(THUNG_NA, MALI.citizen_id, number(MALI), "ม.3", "10/11/2567", "ลาออก"),
             (THUNG_NA, "-", number(KONG), "ม.3", "31/09/2567", "ไม่ระบุ")]  # fmt: skip
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, csv_file(tmp_path / "e.csv", header, lines))
    assert rows(store, "exit", "learner_id", "school_id", "left_on", "cause", "known_on") == [
        ("ก้อง", THUNG_NA, None, "unknown", None),
        ("มะลิ", THUNG_NA, date(2024, 11, 10), "withdrew", date(2024, 11, 10)),
    ]
    assert report.files[2].warnings == {"bad_left_on": 1}


SGS_44 = ("ชั้นเรียนปัจจุบัน", "เลขประจำตัว", "ปีการศึกษา", "ภาคเรียนที่", "กลุ่มสาระ", "ประเภทวิชา", "รหัสวิชา", "หน่วยกิต", "ปกติ",
          "แก้ตัว", "เรียนซ้ำ", "ผลการเรียน")  # fmt: skip


def test_a_cumulative_record_that_names_no_school_asks_for_it(tmp_path):
    line = ("ม.3/1", number(MALI), "2567", "1", "2", "1", "ค23101", "1.5", "3", "", "", "3")
    record = csv_file(tmp_path / "r.csv", SGS_44, [line])
    home = tmp_path / "home"
    _, report = take(home, schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), record, as_of=JUNE)
    assert report.files[2].refused_whole == (
        "r.csv: SGS reports 44 and 80, cumulative record does not say which school it is of. Say it with --school, as "
        "in --school 81010001."
    )
    store, report = take(home, record, as_of=JUNE, school=THUNG_NA)
    assert (only(report).kept, rows(store, "result", "school_id", "grade")) == (1, [(THUNG_NA, "3")])
    assert take(home, record, as_of=JUNE, school=THUNG_NA)[1].snapshot is None


def test_a_dmc_template_without_its_report_time_asks_for_the_day(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(xlsx_bytes([list(DMC_HEADERS), dmc_row(MALI)]))
    _, report = take(tmp_path / "home", schools(tmp_path), path)
    assert report.files[1].refused_whole == (
        "t.xlsx: DMC pupil list does not say which day it is true for. Say it with --as-of, as in --as-of 10/06/2567."
    )
    store, _ = take(tmp_path / "home", path, as_of=JUNE)
    assert rows(store, "enrolment", "listed_on", "academic_year") == [(JUNE, 2567)]


def test_a_report_that_lacks_columns_leaves_what_another_said(tmp_path):
    home, people = tmp_path / "home", dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    take(home, schools(tmp_path), people, sgs(tmp_path / "7.xls", [sgs_row(MALI)]))
    line = (f"10{THUNG_NA}", "ม.3/1", number(MALI), "2567", "1", "2", "1", "ค21101", "1.5", "3", "", "", "3")
    record = csv_file(tmp_path / "44.csv", ("รหัสโรงเรียน", *SGS_44), [line])
    store, _ = take(home, record, as_of=date(2025, 2, 1))
    assert rows(store, "result", "grade", "percent", "attended_percent", "source") == [("3", 71.5, 91.25, "000002#1")]


def test_a_re_sit_is_known_only_from_the_day_of_the_report(tmp_path):
    failed = (f"10{THUNG_NA}", "ม.3/1", number(KONG), "2567", "1", "2", "1", "ค23101", "1.5", "0", "", "", "0")
    passed = (*failed[:-3], "1", "", "1")
    home, people = tmp_path / "home", dmc(tmp_path / "a.xlsx", [dmc_row(KONG)])
    header = ("รหัสโรงเรียน", *SGS_44)
    take(home, schools(tmp_path), people, csv_file(tmp_path / "1.csv", header, [failed]), as_of=date(2024, 11, 1))
    store, _ = take(home, csv_file(tmp_path / "2.csv", header, [passed]), as_of=date(2025, 2, 1))
    assert rows(store, "result", "learner_id", "grade", "known_on") == [
        ("ก้อง", "0", date(2024, 10, 24)), ("ก้อง", "1", date(2025, 2, 1)),
    ]  # fmt: skip


def test_raw_marks_that_name_pupils_by_a_number_of_the_system_are_refused_until_the_school_number_stands_beside(
    tmp_path,
):
    header = (
        "SchID",
        "CertID",
        "ClassLevelID",
        "Yr",
        "Tr",
        "Code",
        "Credits",
        "รวมร้อยละ",
        "Gr",
        "ReGr",
        "RepeatGr",
        "Grade",
    )
    line = (f"10{THUNG_NA}", "99000101", "33", "2567", "1", "อ23201", "0.5", "75", "3.5", "", "", "3.5")
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    raw = csv_file(tmp_path / "1.csv", header, [line])
    beside = csv_file(tmp_path / "2.csv", ("เลขประจำตัว", *header), [(number(MALI), *line)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, raw, beside, as_of=JUNE)
    assert [(f.format, f.kept, f.refused) for f in report.files[2:]] == [
        ("sgs_report_57", 0, {"unknown_learner": 1}), ("sgs_report_57", 1, {}),
    ]  # fmt: skip
    assert rows(store, "result", "learner_id", "subject", "percent", "grade") == [("มะลิ", "อ23201", 75.0, "3.5")]


def test_an_unusual_subject_letter_leaves_the_learning_area_out(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    lines = [sgs_row(MALI, "จ21201"), sgs_row(MALI, "EN21101"), sgs_row(MALI, "ฮ21101")]
    store, report = take(tmp_path / "home", schools(tmp_path), people, sgs(tmp_path / "s.xls", lines))
    assert rows(store, "result", "subject", "learning_area") == [("EN21101", "อ"), ("จ21201", "จ"), ("ฮ21101", None)]
    assert report.files[2].warnings == {"bad_learning_area": 1}


@pytest.mark.parametrize(
    ("written", "status"),
    [("10", "enrolled"), ("15", "leave_of_absence"), ("20", "graduated"), ("30", "left"), ("35", "left"),
     ("40", "moved"), ("50", "died"), ("กำลังศึกษา", "enrolled"), ("90", None), ("11", None), ("-", None)],
)  # fmt: skip
def test_status_codes_of_the_term_list_are_read_and_what_is_unmapped_is_refused(tmp_path, written, status):
    names = ("AcademicYear", "Semester", "SchoolID", "PersonID", "PassportNumber", "FirstName", "LastName", "GenderID",
             "VillageNumber", "Street", "Soi", "Trok", "GradeLevelID", "StudentStatusID", "ProvinceNameThai",
             "DistrictNameThai", "SubDistrictNameThai")  # fmt: skip
    header = [f"{name}_Onec" for name in names]
    line = ("2567", "1", THUNG_NA, MALI.citizen_id, "", "มะลิ", "ใจดี", "2", "", "", "", "", "113", written, "", "", "")
    file = csv_file(tmp_path / "t.csv", header, [line])
    store, report = take(tmp_path / "home", schools(tmp_path), file, as_of=date(2024, 7, 1))
    taken = [("มะลิ", JUNE, "ม.3", status)] if status else []
    assert rows(store, "enrolment", "learner_id", "listed_on", "grade", "status") == taken
    code = "no_status" if written == "-" else "bad_status"
    assert report.files[1].refused == ({} if status else {code: 1})


def test_a_screening_by_the_schools_own_class_and_with_a_parent_says_no_more_than_that(tmp_path):
    header = ("รหัสโรงเรียน", "เลขประจำตัวประชาชน", "วันที่สำรวจ", "ผลการคัดกรอง", "อาศัยอยู่กับ")
    lines = [(THUNG_NA, MALI.citizen_id, "29/02/2567", "ยากจน(สพฐ.)", "พ่อ/แม่"),
             (THUNG_NA, KONG.citizen_id, "29/02/2566", "ยากจน", "ญาติ")]  # fmt: skip
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)])
    store, report = take(tmp_path / "home", schools(tmp_path), people, csv_file(tmp_path / "c.csv", header, lines))
    assert rows(store, "household", "learner_id", "surveyed_on", "poverty_class", "lives_with") == [
        ("มะลิ", date(2024, 2, 29), "poor", None)
    ]
    assert (report.files[2].refused, report.files[2].warnings) == ({"bad_surveyed_on": 1}, {})


COLLEGE_WORDS = [
    ("เลขประจำตัวประชาชน", "รหัสนักศึกษา", "คำนำหน้า", "นามสกุล", "สถานะ", "ปีการศึกษา"),
    ("เลขบัตรประชาชน", "รหัสประจำตัวนักศึกษา", "คำนำหน้าชื่อ", "สกุล", "สถานภาพ", "ปี"),
    ("หมายเลขบัตรประจำตัว", "รหัสนักเรียน", "คำนำหน้า", "นามสกุล", "สถานภาพนักศึกษา", "ปีการศึกษา"),
]


@pytest.mark.parametrize("words", COLLEGE_WORDS)
def test_colleges_call_the_same_columns_by_several_words(tmp_path, words):
    citizen, student, prefix, last, status, year = words
    header = ("รหัสสถานศึกษา", year, citizen, student, prefix, "ชื่อ", last, "เพศ", "วันเกิด", "ระดับชั้น", status, "ข้อมูล ณ วันที่")
    mali = (CHAI_DAEN, "2568", MALI.citizen_id, "68201010001", "น.ส.", "มะลิ", "ใจดี", "ญ", "29/02/2551", "ปวช.1", "10")
    college = csv_file(tmp_path / "k.csv", header, [(*mali, "10/06/2568")])
    store, report = take(tmp_path / "home", schools(tmp_path), college)
    assert (report.files[1].kept, report.files[1].warnings) == (1, {})
    assert rows(store, "enrolment", "learner_id", "grade", "student_number", "status") == [
        ("มะลิ", "ปวช.1", "68201010001", "enrolled")
    ]


def test_a_college_lists_mali_whom_the_school_knew(tmp_path):
    header = ("รหัสสถานศึกษา", "ปีการศึกษา", "เลขประจำตัวประชาชน", "รหัสนักศึกษา", "คำนำหน้า", "ชื่อ", "นามสกุล", "เพศ", "วันเกิด",
              "ระดับชั้น", "สถานะ", "ข้อมูล ณ วันที่")  # fmt: skip
    mali = (CHAI_DAEN, "2568", MALI.citizen_id, "68201010001", "นางสาว", "มะลิ", "ใจดี", "หญิง", "29/02/2551", "ปวช.1")
    college = csv_file(tmp_path / "k.csv", header, [(*mali, "30", "10/11/2568"), (*mali, "กำลังศึกษา", "10/06/2568")])
    store, _ = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), college)
    assert rows(store, "enrolment", "learner_id", "school_id", "listed_on", "grade", "status", "student_number") == [
        ("มะลิ", THUNG_NA, date(2024, 6, 10), "ม.3", "enrolled", number(MALI)),
        ("มะลิ", CHAI_DAEN, date(2025, 11, 10), "ปวช.1", "left", "68201010001"),
        ("มะลิ", CHAI_DAEN, date(2025, 6, 10), "ปวช.1", "enrolled", "68201010001"),
    ]
    assert len(set(store.read("enrolment")["learner_id"].to_pylist())) == 1


def test_a_school_no_area_has_listed_waits_under_an_unknown_area(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])
    store, report = take(tmp_path / "home", people)
    assert rows(store, "school", "school_id", "name", "area_id") == [(THUNG_NA, SCHOOLS[THUNG_NA][0], "unknown")]
    assert only(report).warnings == {"school_without_area": 1}
    store, _ = take(tmp_path / "home", schools(tmp_path))
    store, report = take(tmp_path / "home", dmc(tmp_path / "b.xlsx", [dmc_row(MALI)], "10/11/2567"))
    assert only(report).warnings == {}
    assert dict(rows(store, "school", "school_id", "area_id"))[THUNG_NA] == "2401"


def test_quoted_line_breaks_blank_lines_and_a_trailing_delimiter_lose_nothing(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(
        "รหัสโรงเรียน,เลขประจำตัวนักเรียน,วันที่,สถานะ,หมายเหตุ,\n\n"
        f'{THUNG_NA},{number(MALI)},16/05/2567,มา,"มาช้า\nฝนตก",\n , ,\n'
        f"{THUNG_NA},{number(MALI)},17/05/2567,ขาด,,\n{THUNG_NA},{number(MALI)},20/05/2567,?,,\n"
    )
    store, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), path)
    assert (marks(store, "มะลิ", 5), report.files[2].rows, report.files[2].kept) == ("PA..-", 3, 2)
    (refused,) = store.refused(report.snapshot).to_pylist()
    assert (refused["line"], refused["code"]) == (7, "bad_mark")
