"""A file becomes rows of text with their line numbers. Nothing is understood here, and nothing is lost.

A file that cannot be read as what it is (empty, cut off, locked with a password, in another encoding, not what its name
says) raises RaksaError with one sentence; the caller refuses that file and goes on with the next.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from raksa.errors import RaksaError

# A workbook of 20,000 children is about 40 MB unpacked; what unpacks to far more is a bomb or no list.
_MOST_UNPACKED = 1_000_000_000
_MOST_RATIO = 200
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@dataclass(frozen=True)
class Rows:
    """Every row of a file as text cells, with the line (or sheet row) each stands on, from 1."""

    kind: str
    cells: list[list[str]]
    lines: list[int]


def read(name: str, content: bytes, encodings: Sequence[str] = ("utf-8-sig", "cp874")) -> Rows:
    """Rows of a file, whatever its name says it is: a workbook, an HTML table, or delimited text.

    Raises RaksaError when the content is none of these, or damaged.
    """
    if not content.strip(b" \r\n\t\0\xef\xbb\xbf"):
        raise RaksaError(f"{name} is empty. Export it again.")
    if content.startswith(b"PK"):
        return _workbook(name, content)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise RaksaError(f"{name} is locked with a password. Save it without one and send it again.")
        return _workbook(name, content)
    start = content[:2000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith(b"<"):
        return _html(name, content)
    return _delimited(name, content, encodings)


def _workbook(name: str, content: bytes) -> Rows:
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                size = sum(entry.file_size for entry in packed.infolist())
                damaged = size <= _MOST_UNPACKED and packed.testzip()
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError):
            raise RaksaError(f"{name} is damaged or cut off: it is not a whole workbook. Export it again.") from None
        if size > _MOST_UNPACKED or size > _MOST_RATIO * max(len(content), 100_000):
            raise RaksaError(f"{name} unpacks to {size / 1e6:.0f} MB, far more than a list holds. It was not opened.")
        if damaged:
            raise RaksaError(f"{name} is damaged inside ({damaged}). Export it again.")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, IndexError, ValueError) as wrong:
        raise RaksaError(
            f"{name} cannot be read as a workbook ({wrong}). Save it as .xlsx and send it again."
        ) from None
    cells = [[_text(cell) for cell in row] for row in sheet]
    return _without_blank("excel", cells, list(range(1, len(cells) + 1)))


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _html(name: str, content: bytes) -> Rows:
    lower = content.lower()
    if b"<table" not in lower:
        raise RaksaError(f"{name} is a web page without a table (perhaps a sign-in page). Export it again.")
    if b"</table>" not in lower[-2000:]:
        raise RaksaError(f"{name} is cut off: its table does not end. Export it again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = decode(name, content, ("cp874",))
    # Entities other than HTML's own stay as they are, nothing is fetched, and no element may be monstrous.
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise RaksaError(f"{name} cannot be read as an HTML table ({wrong}). Export it again.") from None
    cells = [
        [
            cell.text or "" if not len(cell) else "".join(map(str, cell.itertext()))
            for cell in row
            if cell.tag in ("td", "th")
        ]
        for row in (root.iter("tr") if root is not None else ())
    ]
    return _without_blank("html", cells, list(range(1, len(cells) + 1)))


def _delimited(name: str, content: bytes, encodings: Sequence[str]) -> Rows:
    text = decode(name, content, encodings)
    first = "\n".join(text.splitlines()[:20])
    delimiter = max(",\t;|", key=first.count)
    lines, cells = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            cells.append(row)
            lines.append(reader.line_num)
    except csv.Error as wrong:
        raise RaksaError(f"{name}, line {reader.line_num}: not delimited text ({wrong}). Export it again.") from None
    return _without_blank("csv", cells, lines)


def decode(name: str, content: bytes, encodings: Sequence[str]) -> str:
    """Text of a file in the first encoding that fits it whole.

    Raises RaksaError for binary content and for text in none of the encodings.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise RaksaError(f"{name} begins as UTF-16 text but is cut off. Export it again.") from None
    if b"\0" in content:
        raise RaksaError(f"{name} is not text: it holds zero bytes. Save it as CSV UTF-8 and send it again.")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RaksaError(
        f"{name} is in none of the encodings {', '.join(encodings)}. Save it as CSV UTF-8 and send it again."
    )


def _without_blank(kind: str, cells: list[list[str]], lines: list[int]) -> Rows:
    filled = [i for i, row in enumerate(cells) if any(cell.strip() for cell in row)]
    return Rows(kind, [cells[i] for i in filled], [lines[i] for i in filled])


def read_path(path: Path) -> bytes:
    """Content of a file. Raises RaksaError when it cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise RaksaError(f"{path.name} cannot be opened: {wrong.strerror}.") from None
