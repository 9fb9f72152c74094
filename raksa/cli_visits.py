"""`raksa visits`: whom to visit this week, and how an area's visits are shared among its schools.

Every command loads only what it needs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.budget import Shared
    from dashboard.roster import Run
    from raksa.access import Person
    from raksa.settings import Settings

visits_app = typer.Typer(
    help="Whom to visit this week: as many as each school can, those nobody has looked at first, by need.\n\n"
    "need = risk x what can still be changed x how long nobody has made contact (docs/care.md). `raksa visits share` "
    "shares an area's visits among its schools by the same need."
)
Area = Annotated[str, typer.Option(help="service area, its code; default: all")]
As = Annotated[str | None, typer.Option("--as", help="what this person would be told")]
Language = Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")]
Format = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="csv is with a BOM, for Excel")]


@visits_app.callback(invoke_without_command=True)
def visits(
    context: typer.Context,
    school: Annotated[str, typer.Option(help="school, its code; default: all")] = "",
    area: Area = "",
    visits: Annotated[
        int | None, typer.Option(min=0, help="visits each school can make; default: as long as its list is")
    ] = None,
    as_person: As = None,
    language: Language = None,
    format: Format = "table",
) -> None:
    if context.invoked_subcommand:
        return
    from dashboard import budget, roster
    from raksa.cli import _print_rows

    settings, run, person, rows = _needs(as_person, area, school)
    found = budget.this_week(run, person, rows, visits)
    chosen = roster.Filters(area=area, school=school, top=visits)
    roster.note_listing(settings, person, chosen, len(found), _now())
    th = (language or settings.language) == "th"
    heads = (
        ("โรงเรียน", "ชั้น", "ชื่อ", "ยังไม่มีใครติดต่อ", "เหตุผล")
        if th
        else ("school", "class", "name", "nobody has made contact", "reasons")
    )
    lines = [
        (one.school, one.class_name, one.name, "" if met else "✓", "; ".join(r.th if th else r.en for r in one.reasons))
        for one, met in found
    ]
    _print_rows([dict(zip(heads, line, strict=True)) for line in lines], format)
    missing = int(rows["need"].isna().sum())
    if missing and format == "table":
        print(
            f"ประเมินไม่ได้ {missing:,} คน จึงไม่อยู่ในนี้ `raksa list --cannot-score` บอกว่าใครต้องทำอะไรต่อ"
            if th
            else f"Not among these because they cannot be estimated: {missing:,}. `raksa list --cannot-score` says why."
        )


@visits_app.command()
def share(
    visits: Annotated[int | None, typer.Option(min=0, help="visits there are")] = None,
    money: Annotated[float | None, typer.Option(help="or: money for them, in baht")] = None,
    cost: Annotated[float | None, typer.Option(help="and what one visit costs, in baht")] = None,
    floor: Annotated[int, typer.Option(min=0, help="visits every school gets in any case")] = 0,
    area: Area = "",
    as_person: As = None,
    language: Language = None,
    format: Format = "table",
) -> None:
    """Share visits, or the money for them, among schools: each visit goes where the next child's need is greatest.

    Printed beside it: what equal shares would reach, what the visits find and miss with the interval that holds the
    true number nine times in ten, and what one visit more here and one fewer there would change.
    """
    from dashboard import budget
    from raksa.cli import _print_rows

    if (visits is None) == (money is None) or (money is None) != (cost is None):
        raise RaksaError("Give --visits N, or --money M with --cost C: what there is, and what one visit costs.")
    if money is not None and cost is not None:
        visits = budget.visits_for(money, cost)
    settings, run, person, rows = _needs(as_person, area)
    found = budget.share(run, person, rows, visits or 0, floor)
    th = (language or settings.language) == "th"
    heads = (
        ("รหัส", "โรงเรียน", "นักเรียน", "ประเมินไม่ได้", "จำนวนเยี่ยม", "ถ้าแบ่งเท่ากัน", "คาดว่าจะออก", "อย่างน้อย",
         "อย่างมาก", "เยี่ยมเพิ่ม 1 (% ของทั้งหมด)", "เยี่ยมลด 1 (% ของทั้งหมด)") if th else
        ("school", "name", "children", "cannot be estimated", "visits", "equal shares", "would leave", "at least",
         "at most", "one more (% of all need)", "one fewer (% of all need)")
    )  # fmt: skip
    of = found.need or 1.0
    lines = [
        (one.id, one.name, one.children + one.not_scored, one.not_scored, one.visits, one.equal,
         None if one.leavers is None else round(one.leavers, 1), one.low, one.high,
         _change(one.one_more, of), _change(None if one.one_fewer is None else -one.one_fewer, of))
        for one in found.schools
    ]  # fmt: skip
    _print_rows([dict(zip(heads, line, strict=True)) for line in lines], format)
    if format == "table":
        print("\n" + "\n".join(_said(found, th)))


def _said(found: Shared, th: bool) -> list[str]:
    """The same figures as the page, each with what it means."""
    lines = []
    of = found.need or 1.0
    own, equal = 100 * found.reach / of, 100 * found.equal_reach / of
    free = 100 * (found.free_reach - found.reach) / of
    lines.append(
        f"เยี่ยม {found.visits:,} ครั้ง ถึง {own:.1f}% ของความต้องการดูแลทั้งหมด ถ้าแบ่งเท่ากันถึง {equal:.1f}%"
        if th else
        f"{found.visits:,} visits reach {own:.1f}% of all need; equal shares would reach {equal:.1f}%."
    )  # fmt: skip
    if found.floor:
        lines.append(
            f"การให้ทุกโรงเรียนอย่างน้อย {found.floor} ครั้ง ใช้ความต้องการดูแลที่จะถึงไป {free:.1f}%"
            if th
            else f"The floor of {found.floor} for every school costs {free:.1f}% of it."
        )
    for name, one in (
        ("แบ่งตามความต้องการดูแล" if th else "By need", found.promise),
        ("แบ่งเท่ากัน" if th else "Equal shares", found.equal_promise),
    ):
        on, off = _span(one.on_list, one.on_list_between), _span(one.off_list, one.off_list_between)
        lines.append(
            f"{name}: คาดว่าจะออก {on} คนในผู้ที่ได้รับการเยี่ยม และ {off} คนในผู้ที่ไม่ได้รับ"
            if th
            else f"{name}: of those visited {on} would leave, of the others {off}."
        )
    return lines


def _span(expected: float, between: tuple[int, int]) -> str:
    return f"{expected:,.0f} ({between[0]:,}–{between[1]:,})"


def _change(value: float | None, of: float) -> str:
    """What one visit changes, in hundredths of the whole need, as on the page."""
    return "–" if value is None else f"{100 * value / of:+.2f}"


def _needs(as_person: str | None, area: str, school: str = "") -> tuple[Settings, Run, Person | None, pd.DataFrame]:
    from care.contacts import last_contacts
    from dashboard import budget, roster
    from raksa.calendar import today_in_bangkok
    from raksa.cli import _open
    from raksa.people import open_people

    settings, store = _open()
    run = roster.open_run(store)
    person = roster.person_named(settings, as_person) if as_person else None
    people = open_people(settings)
    try:
        contacts = last_contacts(people, person)
    finally:
        people.dispose()
    rows = budget.needs(run, person, contacts, today_in_bangkok(_now()), area=area, school=school)
    if rows.empty:
        raise RaksaError("There is no child here for this account. `raksa list` shows areas and schools with a list.")
    return settings, run, person, rows


def _now() -> datetime:
    return datetime.now(UTC)
