"""Small agency files written by hand, with the children of tests/cast.py on them, and their import."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from cast import CHILDREN, SCHOOLS, THUNG_NA, Learner

from raksa import thai
from raksa.demo_files import DMC_HEADERS, SGS_HEADERS
from raksa.settings import Settings
from raksa.store import FileReport, Store
from register.ingest import ImportReport, ingest

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
BORN = {101: "29/02/2551", 102: "01/03/2552", 103: "15/12/2552", 104: "02/06/2555", 105: "30/11/2554",
        106: "09/09/2557", 107: "01/03/2552"}  # fmt: skip
NUMBERS = {learner.learner_id: str(1000 + learner.learner_id) for learner in CHILDREN}


def settings(home: Path) -> Settings:
    return Settings(home=home, buckets=2, jobs=1)


def take(home: Path, *files: Path, **more: Any) -> tuple[Store, ImportReport]:
    """Import files into the store in `home`, made where there is none."""
    store = Store.create(home, 2, "key of the tests")
    return store, ingest(store, settings(home), list(files), now=NOW, **more)


def only(report: ImportReport) -> FileReport:
    """The report of the one file of an import."""
    (one,) = report.files
    return one


def whole(home: Path) -> dict[str, bytes]:
    """Every file of a store with its bytes."""
    return {
        str(f.relative_to(home)): f.read_bytes() for f in sorted(home.rglob("*")) if f.is_file() and f.name[0] != "."
    }


def names(store: Store) -> dict[int, str]:
    """First name of each learner, as of her latest list."""
    rows = sorted(store.read("identity").to_pylist(), key=lambda r: r["known_on"])
    return {r["learner_id"]: r["first_name"] for r in rows}


def rows(store: Store, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of a table, the learner by her first name, sorted."""
    called = names(store)
    out = []
    for row in store.read(table).to_pylist():
        if "learner_id" in row:
            row["learner_id"] = called.get(row["learner_id"], "?")
        out.append(tuple(row[c] for c in columns))
    return sorted(out, key=str)


# ------------------------------------------------------------------------------------------------ files
def csv_file(path: Path, header: Sequence[str], lines: Iterable[Sequence[str]], encoding: str = "utf-8-sig") -> Path:
    text = "".join(",".join(line) + "\r\n" for line in (header, *lines))
    path.write_bytes(text.encode(encoding))
    return path


def xlsx_bytes(*sheets: Sequence[Sequence[object]], hidden: Sequence[int] = ()) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        for n, lines in enumerate(sheets):
            sheet = book.add_worksheet(f"Sheet{n + 1}")
            if n in hidden:
                sheet.hide()
            for r, line in enumerate(lines):
                for c, cell in enumerate(line):
                    if isinstance(cell, str):
                        sheet.write_string(r, c, cell)
                    elif cell is not None:
                        sheet.write(r, c, cell)
    return held.getvalue()


def schools(folder: Path) -> Path:
    header = ("รหัสโรงเรียน", "รหัสโรงเรียน 10 หลัก", "ชื่อโรงเรียน", "รหัสเขตพื้นที่", "เขตพื้นที่การศึกษา", "สังกัด", "ตำบล", "อำเภอ",
              "จังหวัด", "ละติจูด", "ลองจิจูด")  # fmt: skip
    lines = [
        (code, f"10{code}", name, area, "เขตทดลอง", "สพฐ.", "ตำบลนา", "อำเภอทุ่ง", "จังหวัดตัวอย่าง", "15.5", "100.25")
        for code, (name, area) in SCHOOLS.items()
    ]
    return csv_file(folder / "schools.csv", header, lines)


def dmc_row(child: Learner, **said: object) -> list[object]:
    """A child's row on a DMC list. `said` replaces cells, by header; the twin headers are `id` and `number`."""
    held: dict[str, object] = dict.fromkeys(DMC_HEADERS, "-")
    boy = child.prefix == "เด็กชาย"
    held |= {
        "รหัสโรงเรียน": child.school_id, "ชื่อโรงเรียน": SCHOOLS[child.school_id][0], "ชั้น": child.grade,
        "ห้อง": child.room or "1",
        "เพศ": "ช" if boy else "ญ", "คำนำหน้าชื่อ": child.prefix, "ชื่อ": child.first_name, "นามสกุล": child.last_name,
        "วันเกิด": BORN[child.learner_id], "อายุ(ปี)": 14, "น้ำหนัก": 45.5, "ส่วนสูง": 155,
    }  # fmt: skip
    number, id_number = said.pop("number", NUMBERS[child.learner_id]), said.pop("id", child.citizen_id)
    said = {thai.clean(header): cell for header, cell in said.items()}  # Python takes a keyword's sara am apart
    assert set(said) <= set(held), f"no header {set(said) - set(held)}"
    held |= said
    line = [held[h] for h in DMC_HEADERS]
    line[2], line[5] = id_number, number
    return line


def dmc(path: Path, lines: Iterable[Sequence[object]], day: str = "10/06/2567") -> Path:
    title = [f"วันและเวลาที่สร้างรายงาน {day} 16:30"]
    path.write_bytes(xlsx_bytes([title, list(DMC_HEADERS), *lines]))
    return path


def roll_book(
    path: Path, lines: Iterable[Sequence[str]], days: Sequence[str], school: str = THUNG_NA, encoding: str = "utf-8"
) -> Path:
    """A room's roll book; a line is number, name, and a mark a day."""
    text = [
        "แบบบันทึกเวลาเรียน (ปพ.5)", f"โรงเรียน,{SCHOOLS[school][0]},รหัสโรงเรียน,{school}",
        "ชั้น,ม.3,ห้อง,1,ภาคเรียนที่,1,ปีการศึกษา,2567", ",".join(("เลขที่", "เลขประจำตัวนักเรียน", "ชื่อ-นามสกุล", *days)),
        *(f"{n},{','.join(line)}" for n, line in enumerate(lines, start=1)),
    ]  # fmt: skip
    path.write_bytes(("\r\n".join(text) + "\r\n").encode(encoding))
    return path


def daily(path: Path, lines: Iterable[Sequence[str]], encoding: str = "utf-8") -> Path:
    return csv_file(path, ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่", "สถานะ"), lines, encoding)


def sgs_row(child: Learner, code: str = "ค21101", **said: str) -> list[str]:
    held = dict.fromkeys(SGS_HEADERS, "")
    held |= {
        "รหัสโรงเรียน": f"10{child.school_id}", "รหัสวิชา": code, "หน่วยกิต": "1.5", "ชั้น/ห้อง": "ม.3/1",
        "เลขประจำตัว": NUMBERS[child.learner_id], "ชื่อ-นามสกุล": child.first_name, "ปีการศึกษา": "2567", "ภาคเรียนที่": "1",
        "รวมร้อยละ": "71.50", "ผลการเรียน": "3", "เวลาเรียนร้อยละ": "91.25",
    }  # fmt: skip
    return list((held | said).values())


def sgs(path: Path, lines: Iterable[Sequence[str]], title: str = "รายงานผลการเรียน ปพ.5") -> Path:
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in line) for line in (SGS_HEADERS, *lines))
    text = f'<html><body><table border="1"><tr><td colspan="{len(SGS_HEADERS)}">{title}{body}</table></body></html>'
    path.write_bytes(text.encode())
    return path


def marks(store: Store, first_name: str, days: int = 10, year: int = 2567) -> str:
    """The beginning of a learner's roll page."""
    called = names(store)
    (page,) = [p for p in store.read("roll", years=[year]).to_pylist() if called[p["learner_id"]] == first_name]
    return str(page["marks"])[:days]
