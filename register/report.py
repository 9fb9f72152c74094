"""What an import says to people: a table of what became of each file, and the refused rows as a workbook to mend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from raksa.store import FileReport, Store

_SHEET_ROWS = 1_000_000  # a sheet ends at 1,048,576


def report_tables(files: Sequence[FileReport]) -> list[dict[str, Any]]:
    """A row per format for the files read, one for those imported before, and one for each file refused whole."""
    out: list[dict[str, Any]] = []
    before = sum(f.before for f in files)
    read_files = [f for f in files if not f.refused_whole and not f.before]
    for name in sorted({f.format or "" for f in read_files}):
        own = [f for f in read_files if f.format == name]
        reasons = _sum(f.refused for f in own)
        left_out = _sum(f.warnings for f in own)
        out.append(
            {
                "format": name,
                "files": len(own),
                "rows": sum(f.rows for f in own),
                "kept": sum(f.kept for f in own),
                "refused": sum(reasons.values()),
                "reasons": ", ".join(f"{code} {n}" for code, n in reasons.items()),
                "kept with a warning": ", ".join(f"{code} {n}" for code, n in left_out.items()),
            }
        )
    nothing = {"rows": 0, "kept": 0, "refused": 0}
    if before:
        said = "imported before; nothing changed"
        out.append({"format": "-", "files": before, **nothing, "reasons": said, "kept with a warning": ""})
    for file in files:
        if file.refused_whole:
            out.append({"format": "-", "files": 1, **nothing, "reasons": file.refused_whole, "kept with a warning": ""})
    return out


def _sum(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in many:
        for code, n in each.items():
            total[code] = total.get(code, 0) + n
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def refused_rows_to_xlsx(store: Store, snapshot: str, path: Path) -> int:
    """Refused rows of an import as a workbook to mend and send again: a sheet per format and header, with the file's
    own title lines and header, the reason in front.

    Returns how many rows. Cells are text; nothing in them is taken for a formula.
    """
    table = store.refused(snapshot)
    rows = [r for r in table.to_pylist() if not r["kept"]] if table is not None else []
    together: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        together.setdefault((row["format"], row["above"], row["header"]), []).append(row)
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for (format, above, header), own in together.items():
            for start in range(0, len(own), _SHEET_ROWS):
                sheet = book.add_worksheet(f"{format[:24]} {len(book.worksheets()) + 1}")
                lines = [["", *line] for line in json.loads(above)]
                lines.append(["เหตุที่ไม่รับ / reason", *json.loads(header)])
                lines += [[r["reason"], *json.loads(r["cells"])] for r in own[start : start + _SHEET_ROWS]]
                for n, line in enumerate(lines):
                    for column, cell in enumerate(line):
                        if cell:
                            sheet.write_string(n, column, cell[:32_767])  # no more fits a cell
        if not together:
            book.add_worksheet("0").write(0, 0, "ไม่มีแถวที่ไม่รับ / no refused rows")
    return len(rows)
