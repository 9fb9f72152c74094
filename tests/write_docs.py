"""Write the generated parts of docs/: `python -m tests.write_docs`. tests/test_docs.py fails when they are stale."""

from __future__ import annotations

from pathlib import Path

from features.registry import FAMILIES, FEATURES, SCHOOL_LEAVING_RATE
from raksa.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"


def settings_table() -> str:
    lines = ["| setting | default | means |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = [t.model_dump() for t in field.default] if name == "terms" else field.default
        lines.append(f"| `{name}` | `{default}` | {field.description} |")
    return "\n".join(lines) + "\n"


def feature_table() -> str:
    lines = ["| feature | ไทย | says | unit | missing means | direction |", "|---|---|---|---|---|---|"]
    for family, (thai, english) in FAMILIES.items():
        lines.append(f"| **{english}** | **{thai}** | | | | |")
        for f in (*FEATURES, SCHOOL_LEAVING_RATE):
            if f.family == family:
                sign = {1: "+", -1: "−", 0: "·"}[f.direction] if f.model or f is SCHOOL_LEAVING_RATE else ""
                lines.append(f"| `{f.name}` | {f.label_th} | {f.label_en} | {f.unit} | {f.missing} | {sign} |")
    return "\n".join(lines) + "\n"


def with_table(page: Path, table: str) -> str:
    """The page with its table replaced by the given one."""
    head, _, _ = page.read_text(encoding="utf-8").partition("\n| ")
    return head.rstrip("\n") + "\n\n" + table


PAGES = {DOCS / "settings.md": settings_table, DOCS / "features.md": feature_table}

if __name__ == "__main__":
    for page, table in PAGES.items():
        page.write_text(with_table(page, table()), encoding="utf-8")
        print(page.name)
