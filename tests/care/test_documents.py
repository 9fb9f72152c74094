"""Paper: whole Thai marks, repeated heads, page numbers, the same bytes, and nothing of the data is ever run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pypdfium2
import pytest

from care.documents import PAPER, pdf, templates
from raksa.errors import RaksaError

HARD = ("น้ำผึ้ง", "ป้ำ", "ปี่", "ญู", "ฐุ", "เก๋ง์")


def a_list(rows: list[list[str]], **more: Any) -> dict[str, Any]:
    held = {"language": "th", "title": "นักเรียนที่ต้องดูแลเพิ่ม", "about": ["เด็กในเอกสารนี้"], "foot": "ข้อมูล ณ 8 มิ.ย. 2569"}
    return {**held, "headings": ["ชื่อ", "เหตุผล"], "widths": [1, 3], "rows": rows, **more}


def texts(made: bytes) -> list[str]:
    """The words of each page."""
    with pypdfium2.PdfDocument(made) as document:
        return [document[n].get_textpage().get_text_bounded() for n in range(len(document))]


def picture(made: bytes, scale: float = 4.0) -> np.ndarray:
    """The first page in greys, 0 = black."""
    with pypdfium2.PdfDocument(made) as document:
        return np.asarray(document[0].render(scale=scale, grayscale=True).to_numpy()).squeeze()


def test_a_list_of_sixty_repeats_its_head_and_counts_its_pages() -> None:
    pages = texts(pdf("list", a_list([[f"No. {n:03}", "ขาดเรียน"] for n in range(60)])))
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert "เหตุผล" in page and f"{number} / {len(pages)}" in page
    assert ["".join(pages).count(f"No. {n:03}") for n in range(60)] == [1] * 60


def test_the_same_list_gives_the_same_bytes_and_another_others() -> None:
    one = pdf("list", a_list([["มะลิ", "ขาดเรียน"]]))
    assert one == pdf("list", a_list([["มะลิ", "ขาดเรียน"]])) != pdf("list", a_list([["ก้อง", "ขาดเรียน"]]))


def test_what_looks_like_a_program_is_printed_as_it_stands() -> None:
    (page,) = texts(pdf("list", a_list([['#read("/etc/passwd")', "*x* _y_ $z$ #panic()"]])))
    assert '#read("/etc/passwd")' in page and "*x* _y_ $z$ #panic()" in page and "root:" not in page


@pytest.mark.parametrize("word", HARD)
def test_no_mark_touches_the_lines_of_the_table(word: str) -> None:
    """Between two lines of the table stands the word, with white above and below: nothing of it is cut or crossed."""
    dark = picture(pdf("list", a_list([["", ""], [word, ""], ["", ""]]))) < 200
    wide = np.flatnonzero(dark.mean(axis=1) > 0.5)  # rows of the picture that are a line of the table
    lines = [rows for rows in np.split(wide, np.flatnonzero(np.diff(wide) > 1) + 1) if len(rows)]
    assert len(lines) == 4  # under the head and under each row
    above, below = lines[1][-1], lines[2][0]
    ink = np.flatnonzero(dark[above + 1 : below].any(axis=1))
    assert len(ink) > 20, "no word"
    assert ink[0] > 2 and ink[-1] < below - above - 4


def test_marks_stand_above_and_below_their_letter() -> None:
    """ป้ำ reaches higher than ปา and ญู lower than ณา: tone marks and vowels are drawn, not dropped."""

    def ink(word: str) -> tuple[int, int]:
        dark = picture(pdf("list", a_list([], headings=[], title=word, about=[], foot=""))) < 200
        rows = np.flatnonzero(dark[: dark.shape[0] // 2].any(axis=1))
        return int(rows[0]), int(rows[-1])

    assert ink("ป้ำ")[0] < ink("ปา")[0] - 5
    assert ink("ฐุ")[1] > ink("ถา")[1] + 5


def test_a_childs_paper_prints_its_parts_and_its_calendar() -> None:
    month = {"title": "มิ.ย. 2569", "weeks": [[["1", "/"], ["2", "ข"]], [["8", "ส"], ["", ""]]],
             "away": [[False, True], [False, False]]}  # fmt: skip
    table = {"title": "ภาคเรียน 1/2569", "headings": ["รายวิชา", "ผล"], "rows": [["คณิตศาสตร์", "2.5"]]}
    section = {"title": "การมาเรียน", "lines": ["มาเรียน 93%"], "months": [month], "tables": [table]}
    data = {"language": "th", "title": "เด็กหญิงมะลิ ใจดี", "about": ["ม.3/1"], "foot": "มะลิ", "sections": [section]}
    (page,) = texts(pdf("child", data))
    for words in ("การมาเรียน", "93%", "2569", "คณิตศาสตร์", "2.5", "ข", "ส"):
        assert words in page


def test_a_paper_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(RaksaError, match="Choose one of calls, child, "):
        pdf("../../etc/passwd", {})
    assert {"child", "list"} <= set(templates()) and (PAPER / "house.typ").is_file()
