"""Files that are not what they should be: each is refused in one sentence, stops no other, leaves the store alone."""

from __future__ import annotations

import io
import zipfile

import pytest
from cast import MALI, THUNG_NA
from school_files import NUMBERS, daily, dmc, dmc_row, roll_book, schools, sgs, sgs_row, take, whole, xlsx_bytes

from raksa.errors import RaksaError
from register.ingest import files_in

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
GOOD = xlsx_bytes([["วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"], ["รหัสโรงเรียน"] * 36, ["1"] * 36])


def packed(content: bytes, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, content if entry.filename == part else old.read(entry))
    return out.getvalue()


def far(cell: str) -> bytes:
    row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    text = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="{row}">'
    return packed((text + f'<c r="{cell}" t="n"><v>1</v></c></row></sheetData></worksheet>').encode())


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>&d;</t></is></c></row></sheetData></worksheet>'
)
CUT_BOOK = "is damaged or cut off: it is not a whole workbook. Export it again."
LOCKED = OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
HEADER = "รหัสโรงเรียน,เลขประจำตัวนักเรียน,วันที่,สถานะ\n"
BAD = {
    "empty.csv": (b"", "is empty. Export it again."),
    "blank.csv": (b"\xef\xbb\xbf\r\n  \r\n", "is empty. Export it again."),
    "blank.xlsx": (xlsx_bytes([["", ""]]), "is empty: no sheet holds anything. Export it again."),
    "cut.xlsx": (GOOD[: len(GOOD) // 2], CUT_BOOK),
    "end.xlsx": (GOOD[:-1], CUT_BOOK),
    "flipped.xlsx": (GOOD.replace(b"PK\x03\x04", b"PK\x03\x05", 3), CUT_BOOK),
    "archive.zip": (
        b"PK\x05\x06" + bytes(18),
        "is empty: the archive holds no file. Pack it again.",
    ),
    "locked.xlsx": (LOCKED, "is locked with a password. Save it without one and send it again."),
    "bomb.xlsx": (packed(b"<a>" + b" " * 60_000_000), "far more than a list holds, and was not opened."),
    "far.xlsx": (far("XFD1048576"), "has a cell as far out as XFD1048576, far outside any list."),
    "tall.xlsx": (far("AJ1000000"), "has a cell as far out as AJ1000000, far outside any list."),
    "laughs.xlsx": (packed(LAUGHS + SHEET.encode()), "cannot be read as a workbook"),
    "laughs.xls": (
        LAUGHS + b"<html><table><tr><td>&d;</td></tr></table></html>",
        "in no format we know; it begins '&d;'",
    ),
    "signin.xls": (
        b"<!DOCTYPE html><html><form>password</form></html>",
        "is a web page without a table (perhaps a sign-in page). Export it again.",
    ),
    "cut.xls": (b"<html><table><tr><td>1</td></tr>", "is cut off: its table does not end. Export it again."),
    "deep.xls": (b"<table><tr><td>" + b"<div>" * 5000 + b"<tr><td>x" * 30 + b"</table>", "table rows can be read"),
    "old.xls": (OLE + bytes(3000), "is a workbook of old Excel. Open it, save it as .xlsx and send it again."),
    "utf16.csv": (HEADER.encode("utf-16-le"), "is not text, or UTF-16 without its mark: it holds zero bytes."),
    "utf16cut.csv": (HEADER.encode("utf-16")[:-1], "begins as UTF-16 text but is cut off. Export it again."),
    "jis.csv": ("学校コード,出欠\nあいう,かき\n".encode("shift-jis"), "is in none of the encodings utf-8-sig, cp874."),
    "mid.csv": ((HEADER + "ข").encode()[:-1], "is cut off in the middle of a letter. Export it again."),
    "mixed.csv": (HEADER.encode() + HEADER.encode("cp874"), "is in none of the encodings"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text"),
    "quote.csv": ((HEADER + '1,2,3,"มา\n1,2,4,มา\n').encode(), "line 2: not delimited text"),
    "letter.txt": ("เรียน ผู้อำนวยการ".encode(), "is in no format we know; it begins 'เรียน ผู้อำนวยการ'."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence_beside_a_good_one(tmp_path, name):
    content, said = BAD[name]
    store, _ = take(tmp_path / "home", schools(tmp_path))
    before = whole(tmp_path / "home")
    bad = tmp_path / name
    bad.write_bytes(content)
    _, report = take(tmp_path / "home", bad)
    sentence = report.files[0].refused_whole
    assert sentence.startswith(name) and said in sentence and "\n" not in sentence
    assert report.snapshot is None and whole(tmp_path / "home") == before
    _, report = take(tmp_path / "home", bad, dmc(tmp_path / "good.xlsx", [dmc_row(MALI)]))
    assert (report.files[0].refused_whole, report.files[1].kept) == (sentence, 1)
    assert store.read("enrolment").num_rows == 1


def test_an_unknown_format_says_what_to_do(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("name,age\nMali,14\n")
    _, report = take(tmp_path / "home", path)
    assert report.files[0].refused_whole == (
        "x.csv is in no format we know; it begins 'name | age'. Say which with --format (`raksa mapping list` names "
        "them), or draft one with `raksa mapping new` and give it with --mapping."
    )
    with pytest.raises(RaksaError, match=r"There is no format 'dmc'\. Known formats: attendance_daily, .*Choose one"):
        take(tmp_path / "home", path, format="dmc")


def test_the_wrong_format_says_what_was_expected(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("name,age\nMali,14\n")
    _, report = take(tmp_path / "home", path, format="exit_list")
    assert report.files[0].refused_whole == (
        "x.csv: no header row of exit_list: expected เลขประจำตัวประชาชน, เลขประจำตัวนักเรียน, วันที่จำหน่าย, สาเหตุ; the first "
        "row is 'name | age'. Choose another --format, or check the encoding."
    )


def test_a_list_without_its_title_lines_or_with_a_wrong_day_is_refused_whole(tmp_path):
    people = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)], "31/06/2567")
    bare = tmp_path / "b.csv"
    bare.write_text("เลขที่,เลขประจำตัวนักเรียน,ชื่อ-นามสกุล,16/05/2567\n1,1101,มะลิ,/\n")
    no_day = roll_book(tmp_path / "c.csv", [("1101", "มะลิ", "/")], ["วันแรก"])
    _, report = take(tmp_path / "home", schools(tmp_path), people, bare, no_day)
    assert [f.refused_whole for f in report.files[1:]] == [
        "a.xlsx: above the header, report_date '31/06/2567' is not a date. Mend that line.",
        "b.csv: the lines above the header do not say school "
        "(looked for 'รหัสโรงเรียน\\\\s*:?\\\\s*(?P<school>[\\\\d๐-๙]+)'). "
        "Export it again with its title lines.",
        "c.csv: no column header is a date; found: เลขที่, เลขประจำตัวนักเรียน, ชื่อ-นามสกุล, วันแรก. "
        "Write 16/05/2567 above each day.",
    ]


def test_a_missing_column_is_named(tmp_path):
    table = sgs(tmp_path / "s.xls", [sgs_row(MALI)])
    table.write_text(table.read_text().replace("<td>รหัสโรงเรียน", "<td>โรงเรียน"))
    _, report = take(tmp_path / "home", table)
    assert report.files[0].refused_whole.startswith(
        "s.xls: no column รหัสโรงเรียน for the school; found: โรงเรียน, รหัสวิชา, ชื่อวิชา,"
    )


def test_a_last_row_cut_short_is_refused_and_the_others_kept(tmp_path):
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], f"{day}/05/2567", "มา") for day in (16, 17)]
    file = daily(tmp_path / "d.csv", lines)
    file.write_bytes(file.read_bytes()[: -len(",มา\r\n".encode())])
    _, report = take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]), file)
    assert (report.files[2].rows, report.files[2].kept, report.files[2].refused) == (2, 1, {"short_row": 1})


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RaksaError, match=r"nowhere does not exist\. Check the name"):
        files_in([tmp_path / "nowhere"])
    with pytest.raises(RaksaError, match="There are no files in the folders named"):
        files_in([tmp_path])
