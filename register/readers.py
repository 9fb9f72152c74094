"""A file becomes rows of text with their line numbers. Nothing is understood here, and nothing is lost.

A file that cannot be read as what it is (empty, cut off, locked with a password, in another encoding, not what its name
says) raises RaksaError with one sentence; the caller refuses that file and goes on with the next.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from raksa.errors import RaksaError

# A workbook of 20,000 children is about 40 MB unpacked; what unpacks to far more is a bomb or no list.
_MOST_UNPACKED = 1_000_000_000
_MOST_RATIO = 200
# A sheet is held as a full grid up to its last cell, 24 bytes a cell: one stray cell in the last corner would ask for
# 400 GB and end the process. 20,000 children in 36 columns are 0.7 million cells.
_MOST_CELLS = 20_000_000
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d+)["']""")
_FAR = re.compile(rb"""\br\s*=\s*["'](?:[B-Z][A-Z]\d|[A-Z]{3}\d|[A-Z]{0,3}\d{6})""")
_MERGED = etree.XPath("//*[self::td or self::th][@colspan or @rowspan]")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\br\s*=\s*["'](\d+)["']""")


@dataclass(frozen=True)
class Rows:
    """Every filled row of a file or sheet as text cells, with the line (or sheet row) each begins on, from 1.

    `sheet` names the sheet where a workbook has several. `not_read` says why a sheet was not looked at.
    """

    kind: str
    cells: list[list[str]]
    lines: list[int]
    sheet: str = ""
    not_read: str | None = None


def read(name: str, content: bytes, encodings: Sequence[str] = ("utf-8-sig", "cp874")) -> list[Rows]:
    """Rows of a file, whatever its name says it is: each filled sheet of a workbook, an HTML table, or delimited text.

    Never an empty list. Raises RaksaError when the content is none of these, or damaged.
    """
    if not content.strip(b" \r\n\t\0\xef\xbb\xbf"):
        raise RaksaError(f"{name} is empty. Export it again.")
    if content.startswith(b"PK"):
        return _workbook(name, content)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise RaksaError(f"{name} is locked with a password. Save it without one and send it again.")
        # A damaged one of these asked the reader for all the memory of the machine: there is nothing to check first.
        raise RaksaError(f"{name} is a workbook of old Excel. Open it, save it as .xlsx and send it again.")
    if content[:2000].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return [_html(name, content)]
    return [_delimited(name, content, encodings)]


# ------------------------------------------------------------------------------------------------ workbooks
def _workbook(name: str, content: bytes) -> list[Rows]:
    _check_package(name, content)
    sheets: list[Rows] = []
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for about in book.sheets_metadata:
            if about.typ != SheetTypeEnum.WorkSheet:
                continue  # a chart or a macro
            grid = book.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
            cells = [[cell if type(cell) is str else _text(cell) for cell in row] for row in grid]
            rows = _without_blank("excel", cells, list(range(1, len(cells) + 1)))
            hidden = about.visible != SheetVisibleEnum.Visible
            why = "the sheet is hidden and was not read; show it and send the file again" if hidden else None
            if rows.cells:
                sheets.append(Rows(rows.kind, rows.cells, rows.lines, about.name, why))
    except (CalamineError, OSError, ValueError) as wrong:
        raise RaksaError(
            f"{name} cannot be read as a workbook ({' '.join(str(wrong).split())}). Save it as .xlsx and send it again."
        ) from None
    if not sheets:
        raise RaksaError(f"{name} is empty: no sheet holds anything. Export it again.")
    if len(sheets) == 1 and not sheets[0].not_read:
        return [Rows("excel", sheets[0].cells, sheets[0].lines)]
    return sheets


def _check_package(name: str, content: bytes) -> None:
    """Refuse what would hurt to open: a bomb, a damaged package, a cell far outside any list."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            size = sum(entry.file_size for entry in entries)
            if size > _MOST_UNPACKED or size > _MOST_RATIO * max(len(content), 100_000):
                raise RaksaError(
                    f"{name} unpacks to {size / 1e6:.0f} MB, far more than a list holds, and was not opened. "
                    "Export it again."
                )
            if "xl/workbook.xml" not in packed.namelist():
                raise RaksaError(
                    f"{name} is a packed file but no Excel workbook. Unpack it, or save it as .xlsx, and send what it "
                    "holds."
                )
            # Reading every part to its end checks its checksum: a damaged part is found before a half list is taken.
            for entry in entries:
                part = packed.read(entry)
                if entry.filename.startswith("xl/worksheets/"):
                    _check_extent(name, part)
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError
    ):  # fmt: skip
        raise RaksaError(f"{name} is damaged or cut off: it is not a whole workbook. Export it again.") from None


def _check_extent(name: str, part: bytes) -> None:
    if not _FAR.search(part):  # at most 52 columns and 99,999 rows
        return
    found = _CELL.findall(part)
    widest = max({column for column, _ in found} or {b"A"}, key=lambda column: (len(column), column))
    lowest = max({int(row) for _, row in found} | {int(row) for row in _ROW.findall(part)})
    width = sum((letter - 64) * 26**power for power, letter in enumerate(reversed(widest)))
    if width * lowest > _MOST_CELLS:
        raise RaksaError(
            f"{name} has a cell as far out as {widest.decode()}{lowest}, far outside any list. "
            "Delete the empty rows and columns beyond the list and send it again."
        )


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    return "" if cell is None else str(cell)


# ------------------------------------------------------------------------------------------------ HTML
def _html(name: str, content: bytes) -> Rows:
    text = decode(name, content, ("utf-8-sig", "cp874"))
    lower = text.lower()
    if "<table" not in lower:
        raise RaksaError(f"{name} is a web page without a table (perhaps a sign-in page). Export it again.")
    if "</table>" not in lower[-2000:]:
        raise RaksaError(f"{name} is cut off: its table does not end. Export it again.")
    # Bytes with a named encoding, because lxml refuses text that declares one. Entities other than HTML's own stay
    # as they are, nothing is fetched, and no element may be monstrous.
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise RaksaError(f"{name} cannot be read as an HTML table ({wrong}). Export it again.") from None
    found = list(root.iter("tr")) if root is not None else []
    # The parser mends bad HTML, and stops without a word where it cannot.
    written = len(re.findall(r"<tr[\s/>]", re.sub(r"<!--.*?-->", "", lower, flags=re.DOTALL)))
    if len(found) != written:
        raise RaksaError(f"{name} is damaged: {len(found)} of its {written} table rows can be read. Export it again.")
    cells = [
        [(cell.text or "") if not len(cell) else _inner(cell) for cell in row if cell.tag in ("td", "th")]
        for row in found
    ]
    # Merged cells are few (a title), and walking through every row for them would take three times as long.
    merged: Any = _MERGED(root) if root is not None else []
    if any(_span(cell, "rowspan") > 1 for cell in merged):
        cells = _spread(found)
    elif wide := {cell.getparent() for cell in merged}:
        cells = [_spread([row])[0] if row in wide else line for row, line in zip(found, cells, strict=True)]
    return _without_blank("html", cells, list(range(1, len(cells) + 1)))


def _inner(cell: etree._Element) -> str:
    return (cell.text or "") if not len(cell) else "".join(map(str, cell.itertext()))


def _spread(rows: list[etree._Element]) -> list[list[str]]:
    """Cells of rows with merged ones: wide cells leave their further columns empty, tall ones are said again below."""
    cells: list[list[str]] = []
    tall: dict[int, tuple[int, str]] = {}  # column -> rows still to fill, with what
    for row in rows:
        line: list[str] = []
        left: dict[int, tuple[int, str]] = {}
        for cell in row:
            if cell.tag in ("td", "th"):
                _say_again(line, tall, left)
                down, text = _span(cell, "rowspan"), _inner(cell)
                for n in range(_span(cell, "colspan")):
                    if down > 1:
                        left[len(line)] = (down - 1, "" if n else text)
                    line.append("" if n else text)
        _say_again(line, tall, left)
        tall = left
        cells.append(line)
    return cells


def _say_again(line: list[str], tall: dict[int, tuple[int, str]], left: dict[int, tuple[int, str]]) -> None:
    """Put in the cells that reach down from the rows above."""
    while len(line) in tall:
        count, text = tall[len(line)]
        if count > 1:
            left[len(line)] = (count - 1, text)
        line.append(text)


def _span(cell: etree._Element, which: str) -> int:
    said = (cell.get(which) or "1").strip()
    return min(int(said), 1000) if re.fullmatch("[1-9][0-9]{0,5}", said) else 1


# ------------------------------------------------------------------------------------------------ text
def _delimited(name: str, content: bytes, encodings: Sequence[str]) -> Rows:
    text = decode(name, content, encodings)
    first = "\n".join(text[:20_000].split("\n")[:20])
    delimiter = max(",\t;|", key=first.count)
    lines, cells = [], []
    # Strict: a quotation mark that never closes would otherwise swallow every row after it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            cells.append(row)
            lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as wrong:
        raise RaksaError(
            f"{name}, line {begins}: not delimited text ({wrong}). Look for a quotation mark that does not close, "
            "or export it again."
        ) from None
    return _without_blank("csv", cells, lines)


def decode(name: str, content: bytes, encodings: Sequence[str]) -> str:
    """Text of a file in the first encoding that fits it whole.

    Raises RaksaError for binary content, for text in none of the encodings, and for text cut inside a character.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise RaksaError(f"{name} begins as UTF-16 text but is cut off. Export it again.") from None
    if b"\0" in content:
        raise RaksaError(
            f"{name} is not text, or UTF-16 without its mark: it holds zero bytes. Save it as CSV UTF-8 and send it "
            "again."
        )
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as wrong:
            if encoding.startswith("utf-8") and wrong.reason == "unexpected end of data":
                raise RaksaError(f"{name} is cut off in the middle of a letter. Export it again.") from None
    raise RaksaError(
        f"{name} is in none of the encodings {', '.join(encodings)}. Save it as CSV UTF-8 and send it again."
    )


def _without_blank(kind: str, cells: list[list[str]], lines: list[int]) -> Rows:
    filled = [i for i, row in enumerate(cells) if row and (row[0].strip() or "".join(row).strip())]
    return Rows(kind, [cells[i] for i in filled], [lines[i] for i in filled])


def read_path(path: Path) -> bytes:
    """Content of a file. Raises RaksaError when it cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise RaksaError(f"{path.name} cannot be opened: {wrong.strerror}. Close it elsewhere and try again.") from None
