"""Thai text as files write it: each form and what it means."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from raksa import thai
from raksa.calendar import BUDDHIST_ERA

MAY = date(2024, 5, 16)


@pytest.mark.parametrize(
    "written",
    [
        "16/05/2567", "16-05-2567", "16.5.2567", "16 5 2567", "16/5/67", "๑๖/๐๕/๒๕๖๗", "16 พ.ค. 2567", "16 พ.ค. 67",
        "16พค67",
        "16 พ.ค 2567", "16 พฤษภาคม 2567", "16 พฤษภาคม พ.ศ. 2567", "วันที่ 16 เดือน พฤษภาคม พ.ศ. ๒๕๖๗", "16/05/2024",
        "วันพฤหัสบดีที่ 16 พฤษภาคม 2567", "2024-05-16", "2567-05-16", "2024-05-16T08:30:00", "16/05/2567 08:30",
        "16/05/2567 เวลา 08.30 น.", " 16 / 05 / 2567 ", "16\u00a0พ.ค.\u00a02567", "2024/5/16",
    ],
)  # fmt: skip
def test_a_day_is_read_however_it_is_written(written):
    assert thai.read_date(written) == MAY


@pytest.mark.parametrize(
    "written",
    ["", "-", "31/02/2567", "29/02/2566", "16/13/2567", "16/05", "16/05/256", "16/05/7", "16/05/9567", "16/05/1024",
     "16 xx 2567", "45428", "พ.ค. 2567", "16/05/25677", "วันที่"],
)  # fmt: skip
def test_what_is_no_day_is_none(written):
    assert thai.read_date(written) is None


def test_a_leap_day_of_the_buddhist_era_is_a_day():
    assert thai.read_date("29/02/2567") == date(2024, 2, 29)


def test_a_file_may_put_the_month_or_the_year_first():
    assert thai.read_date("05/16/2567", "mdy") == thai.read_date("67-05-16", "ymd") == MAY


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_what_people_are_shown_can_be_read_back(day):
    assert thai.read_date(thai.format_date(day)) == day
    assert thai.read_date(day.isoformat()) == day
    assert thai.read_date(f"{day.day}/{day.month}/{day.year + BUDDHIST_ERA}") == day


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("น้ํา", "น้ำ"), ("นํ้า", "น้ำ"), ("นํ้้า", "น้ำ"), ("กํา", "กำ"), ("เเม่", "แม่"), ("แม่่", "แม่"), ("  ก \u00a0 ข\t", "ก ข"),
        ("\ufeffไทย\u200b", "ไทย"), ("พุทธ ", "พุทธ"), ("", ""),
    ],
)  # fmt: skip
def test_text_is_put_right(written, meant):
    assert thai.clean(written) == unicodedata.normalize("NFC", meant)


@given(st.text("กเแําุ้่ \u00a0\u200b๑", max_size=8))
@example("\u0e48\u0e4d\u0e48\u0e32")  # a tone mark on both sides of the nikhahit
@example("ก\u0e48\u200b\u0e38")
def test_cleaning_twice_changes_nothing_more(text):
    once = thai.clean(text)
    assert thai.clean(once) == once


@pytest.mark.parametrize(
    ("written", "prefix", "name"),
    [
        ("เด็กชายก้อง", "เด็กชาย", "ก้อง"), ("ด.ญ. มะลิ", "เด็กหญิง", "มะลิ"), ("น.ส.ใบบัว", "นางสาว", "ใบบัว"),
        ("นางสาวใบบัว", "นางสาว", "ใบบัว"), ("นายเอก", "นาย", "เอก"), ("มะลิ", None, "มะลิ"), ("นาย", None, "นาย"),
    ],
)  # fmt: skip
def test_a_glued_prefix_is_split_off(written, prefix, name):
    assert thai.split_prefix(written) == (prefix, name)


@pytest.mark.parametrize(
    "written", ["9100000000011", "9-1000-00000-01-1", "๙๑๐๐๐๐๐๐๐๐๐๑๑", '="9100000000011"', " 9100000000011.0 "]
)
def test_a_citizen_id_is_read_however_it_is_written(written):
    number = thai.citizen_number(written)
    assert number == "9100000000011" and thai.citizen_checksum_holds(number)


@pytest.mark.parametrize("written", ["", "910000000001", "91000000000111", "9.1E+12", "G642400000001", "٩١٠٠٠٠٠٠٠٠٠١١"])
def test_what_is_no_citizen_id_is_none(written):
    assert thai.citizen_number(written) is None


def test_a_wrong_check_digit_is_noticed():
    assert not thai.citizen_checksum_holds("9100000000012")


def test_the_check_digit_is_the_standards():
    for first in ("999990000100", "910000000001", "123456789012"):
        weighed = sum(int(digit) * (13 - place) for place, digit in enumerate(first))
        assert thai.citizen_checksum_holds(first + str((11 - weighed % 11) % 10))


def test_g_codes():
    assert thai.g_code(" g6424-0000 0001") == "G642400000001"
    assert thai.g_code("G64240000000") is None and thai.g_code("9100000000011") is None


def test_a_shown_id_hides_most_of_it():
    assert thai.mask("9100000000011") == "9-10xx-xxxxx-xx-1"
    assert thai.mask("G642400000001") == "G-64xx-xxxxx-xx-1" and thai.mask("12") == "xx"


def test_a_search_does_not_mind_tone_marks_and_spaces():
    assert thai.search_key("มะ ลิ้ ๑") == thai.search_key("มะลิ 1")


def test_years_are_read_as_people_write_them():
    assert [thai.common_era(year) for year in (2567, 67, 2024)] == [2024, 2024, 2024]


def test_names_sort_as_a_thai_dictionary_has_them():
    ordered = ["กก", "กา", "ก้าน", "เกด", "แก้ว", "ไก่", "ขวัญ", "ชัย", "โชค", "ดำ", "แดง", "น้ำ", "ใบบัว", "มะลิ", "เอก"]
    by_code_point = sorted(ordered)
    assert by_code_point != ordered and sorted(by_code_point, key=thai.sort_key) == ordered
    assert sorted(["ป้า", "ปา", "ป่า"], key=thai.sort_key) == ["ปา", "ป่า", "ป้า"]


def test_a_number_hidden_in_part_is_known_as_such():
    for hidden in ("18199..968591", "1-23xx-xxxxx-xx-3", "9100*****0011", "9100 XXXX 0011"):
        assert thai.is_masked(hidden), hidden
    for whole in ("9-1000-00000-01-1", "9100000000011", "AXX123456", "12.5", "G642100000001"):
        assert not thai.is_masked(whole), whole
