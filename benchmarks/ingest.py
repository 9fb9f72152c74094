"""Agency files into the register, measured beside the same by plain pandas.

    python -m benchmarks.ingest [--quick] [--json FILE]

daily_marks     row-per-day marks, one CSV a month of all schools, into roll pages: 200 days of each child.
dmc_workbook    one DMC workbook (36 columns, .xlsx) into enrolment, learner, identity, growth, sensitive.

Each size stands in a process of its own, three times, medians; memory is the largest sum over that process and its
workers. Raksa reads as `raksa ingest` does: every row kept or refused with a reason, linked to schools and learners,
written as a snapshot. pandas does the least that gives the same pages and tables: read, parse dates, map marks, pivot,
write Parquet; it refuses nothing and links nobody. The children are invented, the seed is fixed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from rich.console import Console
from rich.table import Table
from stdnum.th import pin

from benchmarks.measure import measured
from raksa import calendar
from raksa.demo_files import DMC_HEADERS
from raksa.settings import load
from raksa.store import Store
from register.ingest import ingest

_SETTINGS = load()
_SEED = 2569
_DAYS = 200
_MARKS = np.array(["มา", "มา", "มา", "มา", "มา", "มา", "มา", "สาย", "ลาป่วย", "ลากิจ", "ขาด"])
_NOW = datetime(2026, 1, 5, tzinfo=UTC)
_SCHOOL = 400  # children of a school
_GRADES = ("ป.1", "ป.2", "ป.3", "ป.4", "ป.5", "ป.6", "ม.1", "ม.2", "ม.3")

_RAKSA = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from raksa.settings import Settings
from raksa.store import Store
from register.ingest import files_in, ingest

if __name__ == "__main__":
    home, files = Path(sys.argv[1]), files_in(map(Path, sys.argv[2:]))
    report = ingest(Store(home), Settings(home=home), files, now=datetime(2026, 1, 6, tzinfo=UTC))
    assert all(f.rows and f.rows == f.kept for f in report.files), report.files
"""
_PANDAS_MARKS = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd

files = sorted(p for a in sys.argv[2:] for p in Path(a).glob("*.csv"))
letters = {"มา": "P", "สาย": "T", "ลาป่วย": "S", "ลากิจ": "L", "ขาด": "A"}
frames = []
for f in files:
    frame = pd.read_csv(f, dtype=str)
    day = frame["วันที่"].str.split("/", expand=True).astype(int)
    day = pd.to_datetime(pd.DataFrame({"year": day[2] - 543, "month": day[1], "day": day[0]}))
    frame["position"] = (day - pd.Timestamp("2024-05-16")).dt.days
    frame["mark"] = frame["สถานะ"].map(letters)
    frames.append(frame[["รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "position", "mark"]])
marks = pd.concat(frames, ignore_index=True)
wide = marks.pivot(index=["รหัสโรงเรียน", "เลขประจำตัวนักเรียน"], columns="position", values="mark")
wide = wide.reindex(columns=range(366)).fillna("-")
pages = wide.sum(axis=1).rename("marks").reset_index()
pages.to_parquet(Path(sys.argv[1]) / "roll.parquet")
"""
_PANDAS_DMC = """
import sys
from pathlib import Path
import pandas as pd

(file,) = Path(sys.argv[2]).glob("*.xlsx")
frame = pd.read_excel(file, header=1, dtype=str, engine="calamine").replace("-", None)
born = frame["วันเกิด"].str.split("/", expand=True).astype(int)
frame["born"] = pd.to_datetime(pd.DataFrame({"year": born[2] - 543, "month": born[1], "day": born[0]}))
for column in ("น้ำหนัก", "ส่วนสูง"):
    frame[column] = frame[column].astype(float)
frame.to_parquet(Path(sys.argv[1]) / "dmc.parquet")
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="a tenth of the sizes, once each")
    asked.add_argument("--json", type=Path, help="write task, engine, rows, wall_s, cpu_s, peak_mb to this file")
    said = asked.parse_args()
    # Plain pandas needs some 15 GB for 20 million marks: it is measured to 5 million.
    marks = [(25_000, True), (50_000, False), (100_000, False)] if not said.quick else [(2_000, True), (10_000, False)]
    books = [5_000, 10_000, 20_000] if not said.quick else [1_000, 2_000]
    repeats = 1 if said.quick else 3
    found: list[dict[str, Any]] = []
    for children, beside in marks:
        found += _daily_marks(children, repeats, beside)
    for children in books:
        found += _dmc_workbook(children, repeats)
    _show(found)
    if said.json:
        said.json.write_text(json.dumps(found, indent=1))


def _daily_marks(children: int, repeats: int, beside: bool) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as held:
        files, lists = Path(held) / "marks", Path(held) / "lists"
        rows = write_marks(files, children)
        write_lists(lists, children)
        found = [_median("daily_marks", "raksa", rows, [_raksa(files, lists) for _ in range(repeats)])]
        if beside:
            runs = [measured(_PANDAS_MARKS, held, str(files)) for _ in range(repeats)]
            found.append(_median("daily_marks", "pandas", rows, runs))
        return found


def _dmc_workbook(children: int, repeats: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as held:
        files = Path(held) / "dmc"
        write_workbook(files, children)
        return [
            _median("dmc_workbook", "raksa", children, [_raksa(files, None) for _ in range(repeats)]),
            _median(
                "dmc_workbook", "pandas", children, [measured(_PANDAS_DMC, held, str(files)) for _ in range(repeats)]
            ),
        ]


def _raksa(files: Path, lists: Path | None) -> dict[str, float]:
    """Import into a new store; the lists that say who the children are were imported before and are not measured."""
    with tempfile.TemporaryDirectory() as home:
        store = Store.create(Path(home), _SETTINGS.buckets, "key of the benchmark")
        if lists is not None:
            ingest(store, load(Path(home)), sorted(lists.iterdir()), now=_NOW)
        return measured(_RAKSA, home, str(files))


def _median(task: str, engine: str, rows: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    return {"task": task, "engine": engine, "rows": rows} | {
        key: round(statistics.median(run[key] for run in runs), 3) for key in ("wall_s", "cpu_s", "peak_mb")
    }


# ------------------------------------------------------------------------------------------------ invented files
def _school_of(child: int) -> str:
    return f"{81000001 + child // _SCHOOL}"


def citizen_id(child: int) -> str:
    """An id nobody has: leading digit 9, the check digit right."""
    number = f"9{child:011d}"
    return number + pin.calc_check_digit(number)


def school_days() -> list[date]:
    """The first 200 school days of academic year 2567."""
    page = calendar.blank_page(2567, _SETTINGS)
    start = calendar.first_day(2567, _SETTINGS)
    return [start + timedelta(days=int(at)) for at in np.flatnonzero(page == ord("-"))[:_DAYS]]


def write_marks(folder: Path, children: int) -> int:
    """Row-per-day CSVs, one a month, sorted by day, school and child. Returns how many rows."""
    folder.mkdir()
    draw = np.random.default_rng(_SEED)
    who = [f"{_school_of(n)},{10_000 + n % _SCHOOL}" for n in range(children)]
    rows = 0
    for day in school_days():
        written = f"{day.day:02d}/{day.month:02d}/{day.year + 543}"
        marks = _MARKS[draw.integers(0, len(_MARKS), children)]
        with (folder / f"{day:%Y-%m}.csv").open("a", encoding="utf-8") as out:
            if out.tell() == 0:
                out.write("\ufeffรหัสโรงเรียน,เลขประจำตัวนักเรียน,วันที่,สถานะ\n")
            out.write("".join(f"{child},{written},{mark}\n" for child, mark in zip(who, marks, strict=True)))
        rows += children
    return rows


def _dmc_lines(first: int, last: int) -> list[list[Any]]:
    draw = np.random.default_rng([_SEED, first])
    lines = []
    for n in range(first, last):
        said = dict.fromkeys(DMC_HEADERS, "-")
        said |= {
            "รหัสโรงเรียน": _school_of(n), "ชื่อโรงเรียน": f"โรงเรียนตัวอย่าง {n // _SCHOOL}", "ชั้น": _GRADES[n % 9], "ห้อง": "1",
            "เพศ": "ญ" if n % 2 else "ช", "คำนำหน้าชื่อ": "เด็กหญิง" if n % 2 else "เด็กชาย", "ชื่อ": f"ตัวอย่าง{n}",
            "นามสกุล": f"ทดสอบ{n % 997}", "วันเกิด": f"{1 + n % 28:02d}/{1 + n % 12:02d}/{2552 + n % 9}", "อายุ(ปี)": "10",
            "น้ำหนัก": str(20 + n % 40), "ส่วนสูง": str(110 + n % 60), "ศาสนา": "พุทธ", "ตำบล": f"ตำบล{n % 31}",
            "ชื่อผู้ปกครอง": f"ผู้ปกครอง{int(draw.integers(0, 9999))}", "นามสกุลผู้ปกครอง": f"ทดสอบ{n % 997}",
        }  # fmt: skip
        line = [said[h] for h in DMC_HEADERS]
        line[2], line[5] = citizen_id(n), str(10_000 + n % _SCHOOL)
        lines.append(line)
    return lines


def write_lists(folder: Path, children: int) -> None:
    """A DMC list of each school, as CSV."""
    folder.mkdir()
    for first in range(0, children, _SCHOOL):
        text = ["วันและเวลาที่สร้างรายงาน 10/06/2567 16:30", ",".join(DMC_HEADERS)]
        text += [",".join(line) for line in _dmc_lines(first, min(first + _SCHOOL, children))]
        (folder / f"{first:07d}.csv").write_text("\n".join(text) + "\n", encoding="utf-8")


def write_workbook(folder: Path, children: int) -> None:
    """One DMC workbook of an area."""
    folder.mkdir()
    with xlsxwriter.Workbook(str(folder / "2567-1-student.xlsx"), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Sheet1")
        head = [["วันและเวลาที่สร้างรายงาน 10/06/2567 16:30"], list(DMC_HEADERS)]
        for r, line in enumerate([*head, *_dmc_lines(0, children)]):
            for c, cell in enumerate(line):
                sheet.write_string(r, c, cell)


def _show(found: list[dict[str, Any]]) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "python-calamine"))
    table = Table(*found[0], "rows/s", box=None, header_style="bold", title=packages)
    for row in found:
        table.add_row(
            *(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()), f"{row['rows'] / row['wall_s']:,.0f}"
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
