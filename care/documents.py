"""Paper: PDF pages from a template in care/paper/ and plain data.

Templates are Typst; the data reaches them as JSON and is only ever shown, so a name like `#read("/etc")` is printed as
it stands. The font comes with Raksa (care/fonts, SIL Open Font License) and its lines are set high enough that no
Thai mark is cut. The same template and data give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from raksa.errors import RaksaError

PAPER = Path(__file__).parent / "paper"
FONTS = Path(__file__).parent / "fonts"


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """The pages of care/paper/<template>.typ over the data (JSON: texts, numbers, lists, dictionaries).

    Raises RaksaError if there is no such template, naming those there are.
    """
    if template not in templates():
        raise RaksaError(f"There is no paper {template!r}. Choose one of {', '.join(templates())}.")
    sent = {"data": json.dumps(data, ensure_ascii=False, sort_keys=True)}
    # A compiler of its own for each paper (6 ms): one that is kept would keep the last child's data too.
    compiler = typst.Compiler(str(PAPER / f"{template}.typ"), root=str(PAPER), font_paths=_fonts(), sys_inputs=sent)
    made = compiler.compile(format="pdf", timestamp=0)
    assert isinstance(made, bytes)
    return made


def templates() -> list[str]:
    """Names of the papers there are; `house` is what they share."""
    return sorted(file.stem for file in PAPER.glob("*.typ") if file.stem != "house")


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
