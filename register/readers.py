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
from typing import Any, overload

import pyarrow as pa
import pyarrow.csv as pacsv
from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from raksa.errors import RaksaError

# A workbook of 20,000 children is about 40 MB unpacked; what unpacks to far more is a bomb or no list.
_MOST_UNPACKED = 1_000_000_000
_MOST_RATIO = 200
_MOST_FILES = 20_000
_SMALL = 2_000_000  # bytes of a delimited file below which how it is read makes no difference
# What zipfile raises for a package that is cut, altered, or packed in a way it does not know.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_OF_A_WORKBOOK = ("xl/workbook.xml", "[Content_Types].xml", "mimetype")
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
    cells: Sequence[list[str]]
    lines: Sequence[int]
    sheet: str = ""
    not_read: str | None = None


class ByColumn(Sequence[list[str]]):
    """Rows of text held by column, each distinct cell once: a month of an area's marks is millions of rows, few words.

    Reads like a list of rows; a slice shares the columns.
    """

    def __init__(self, columns: Sequence[pa.DictionaryArray]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> ByColumn: ...
    def __getitem__(self, at: int | slice) -> list[str] | ByColumn:
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            return ByColumn([column.slice(start, max(stop - start, 0)) for column in self.columns])
        return [column[at].as_py() for column in self.columns]


def read(name: str, content: bytes, encodings: Sequence[str] = ("utf-8-sig", "cp874")) -> list[Rows]:
    """Rows of a file, whatever its name says it is: each filled sheet of a workbook, an HTML table, or delimited text.

    Never an empty list. Raises RaksaError when the content is none of these, or damaged.
    """
    if not content.strip(b" \r\n\t\0\xef\xbb\xbf"):
        raise RaksaError("{name} is empty. Export it again.", name=name)
    if content.startswith(b"PK"):
        return _workbook(name, content)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise RaksaError("{name} is locked with a password. Save it without one and send it again.", name=name)
        # A damaged one of these asked the reader for all the memory of the machine: there is nothing to check first.
        raise RaksaError("{name} is a workbook of old Excel. Open it, save it as .xlsx and send it again.", name=name)
    if content[:2000].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return [_html(name, content)]
    return [_delimited(name, content, encodings)]


# ------------------------------------------------------------------------------------------------ archives
def unpack(name: str, content: bytes) -> list[tuple[str, bytes]] | None:
    """The files inside a zip archive, by name; None where the content is no archive (a workbook is none).

    Nothing is written to disk. Raises RaksaError for a bomb, a damaged or locked archive, an archive within the
    archive, and names that point outside it.
    """
    if not content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if any(entry.filename in _OF_A_WORKBOOK for entry in entries):
                return None
            size = sum(entry.file_size for entry in entries)
            if size > _MOST_UNPACKED or size > _MOST_RATIO * max(len(content), 100_000) or len(entries) > _MOST_FILES:
                raise RaksaError(
                    "{name} unpacks to {files} files and {size:.0f} MB, far more than lists hold, and was not opened. "
                    "Send its files themselves.",
                    name=name,
                    files=len(entries),
                    size=size / 1e6,
                )
            found: list[tuple[str, bytes]] = []
            for entry in entries:
                member = _member_name(entry)
                if member.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member) or ":" in member[:2]:
                    raise RaksaError(
                        "{name} holds a file named {member!r}, which points outside the archive, and was not opened. "
                        "Pack it again.",
                        name=name,
                        member=member,
                    )
                if entry.flag_bits & 1:
                    raise RaksaError(
                        "{name} is locked with a password. Pack it without one and send it again.", name=name
                    )
                if not member.rpartition("/")[2].startswith((".", "~$")) and not member.startswith("__MACOSX/"):
                    found.append((member, packed.read(entry)))
    except _DAMAGED:
        if any(part.encode() in content[:4000] for part in _OF_A_WORKBOOK):
            return None  # a damaged workbook, most likely: its reader says so
        raise RaksaError(
            "{name} is damaged or cut off: it is not a whole zip archive. Pack it again.", name=name
        ) from None
    if not found:
        raise RaksaError("{name} is empty: the archive holds no file. Pack it again.", name=name)
    return found


def _member_name(entry: zipfile.ZipInfo) -> str:
    """Name of a packed file; Thai programs write it in cp874 without saying so, which zipfile takes for cp437."""
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("cp874")
    except UnicodeError:
        return entry.filename


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
            "{name} cannot be read as a workbook ({wrong}). Save it as .xlsx and send it again.",
            name=name,
            wrong=" ".join(str(wrong).split()),
        ) from None
    if not sheets:
        raise RaksaError("{name} is empty: no sheet holds anything. Export it again.", name=name)
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
                    "{name} unpacks to {size:.0f} MB, far more than a list holds, and was not opened. Export it again.",
                    name=name,
                    size=size / 1e6,
                )
            if "xl/workbook.xml" not in packed.namelist():
                raise RaksaError(
                    "{name} is a packed file but no Excel workbook. Unpack it, or save it as .xlsx, and send what it "
                    "holds.",
                    name=name,
                )
            # Reading every part to its end checks its checksum: a damaged part is found before a half list is taken.
            for entry in entries:
                part = packed.read(entry)
                if entry.filename.startswith("xl/worksheets/"):
                    _check_extent(name, part)
    except _DAMAGED:
        raise RaksaError(
            "{name} is damaged or cut off: it is not a whole workbook. Export it again.", name=name
        ) from None


def _check_extent(name: str, part: bytes) -> None:
    if not _FAR.search(part):  # at most 52 columns and 99,999 rows
        return
    found = _CELL.findall(part)
    widest = max({column for column, _ in found} or {b"A"}, key=lambda column: (len(column), column))
    lowest = max({int(row) for _, row in found} | {int(row) for row in _ROW.findall(part)})
    width = sum((letter - 64) * 26**power for power, letter in enumerate(reversed(widest)))
    if width * lowest > _MOST_CELLS:
        raise RaksaError(
            "{name} has a cell as far out as {cell}, far outside any list. "
            "Delete the empty rows and columns beyond the list and send it again.",
            name=name,
            cell=f"{widest.decode()}{lowest}",
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
        raise RaksaError("{name} is a web page without a table (perhaps a sign-in page). Export it again.", name=name)
    if "</table>" not in lower[-2000:]:
        raise RaksaError("{name} is cut off: its table does not end. Export it again.", name=name)
    # Bytes with a named encoding, because lxml refuses text that declares one. Entities other than HTML's own stay
    # as they are, nothing is fetched, and no element may be monstrous.
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise RaksaError(
            "{name} cannot be read as an HTML table ({wrong}). Export it again.", name=name, wrong=wrong
        ) from None
    found = list(root.iter("tr")) if root is not None else []
    # The parser mends bad HTML, and stops without a word where it cannot.
    written = len(re.findall(r"<tr[\s/>]", re.sub(r"<!--.*?-->", "", lower, flags=re.DOTALL)))
    if len(found) != written:
        raise RaksaError(
            "{name} is damaged: {found} of its {written} table rows can be read. Export it again.",
            name=name,
            found=len(found),
            written=written,
        )
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
    if len(content) > _SMALL and (columns := _plain_columns(content)):
        return Rows("csv", columns, range(1, len(columns) + 1))
    text = decode(name, content, encodings)
    delimiter = _delimiter(text[:20_000])
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
            "{name}, line {line}: not delimited text ({wrong}). Look for a quotation mark that does not close, "
            "or export it again.",
            name=name,
            line=begins,
            wrong=wrong,
        ) from None
    return _without_blank("csv", cells, lines)


def _delimiter(beginning: str) -> str:
    first = "\n".join(beginning.split("\n")[:20])
    return max(",\t;|", key=first.count)


def _plain_columns(content: bytes) -> ByColumn | None:
    """A large UTF-8 file without quotation marks, blank lines and short rows, by column; None where it is not that.

    In such a file a line is a row, so pyarrow's reader gives what the careful one does, in a tenth of time and memory.
    """
    if b'"' in content or b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    delimiter = _delimiter(content[:20_000].decode("utf-8", "ignore"))
    width = content[:20_000].split(b"\n", 1)[0].count(delimiter.encode()) + 1
    words = pa.dictionary(pa.int32(), pa.string())
    try:
        table = pacsv.read_csv(
            pa.BufferReader(content),
            pacsv.ReadOptions(use_threads=False, autogenerate_column_names=True),
            pacsv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            pacsv.ConvertOptions(column_types={f"f{n}": words for n in range(width)}, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    columns = [pa.chunked_array(c.chunks).unify_dictionaries().combine_chunks() for c in table.columns]
    blank = any(not word.strip() for word in columns[0].dictionary.to_pylist())
    return None if blank or not len(columns[0]) else ByColumn(columns)


def decode(name: str, content: bytes, encodings: Sequence[str]) -> str:
    """Text of a file in the first encoding that fits it whole.

    Raises RaksaError for binary content, for text in none of the encodings, and for text cut inside a character.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise RaksaError("{name} begins as UTF-16 text but is cut off. Export it again.", name=name) from None
    if b"\0" in content:
        raise RaksaError(
            "{name} is not text, or UTF-16 without its mark: it holds zero bytes. Save it as CSV UTF-8 and send it "
            "again.",
            name=name,
        )
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as wrong:
            if encoding.startswith("utf-8") and wrong.reason == "unexpected end of data":
                raise RaksaError("{name} is cut off in the middle of a letter. Export it again.", name=name) from None
    raise RaksaError(
        "{name} is in none of the encodings {encodings}. Save it as CSV UTF-8 and send it again.",
        name=name,
        encodings=", ".join(encodings),
    )


def _without_blank(kind: str, cells: list[list[str]], lines: list[int]) -> Rows:
    filled = [i for i, row in enumerate(cells) if row and (row[0].strip() or "".join(row).strip())]
    return Rows(kind, [cells[i] for i in filled], [lines[i] for i in filled])


def read_path(path: Path) -> bytes:
    """Content of a file. Raises RaksaError when it cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise RaksaError(
            "{name} cannot be opened: {wrong}. Close it elsewhere and try again.", name=path.name, wrong=wrong.strerror
        ) from None
