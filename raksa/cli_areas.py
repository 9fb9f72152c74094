"""`raksa areas`: every figure of the page Area, as rows.

Every command loads only what it needs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from raksa.errors import RaksaError


def areas(
    part: Annotated[
        Literal["schools", "counts", "transitions", "contacts", "weeks", "report"],
        typer.Argument(
            help="schools: beside each other, with intervals. counts: by two traits. transitions: who changes school "
            "next. contacts: who was contacted in 30 days, and who not. weeks: run by run. report: the figures an "
            "area reports"
        ),
    ] = "report",
    area: Annotated[str, typer.Option(help="service area, its code; default: all")] = "",
    rows: Annotated[Literal["school", "grade", "sex"], typer.Option(help="of counts: a row for each")] = "school",
    columns: Annotated[
        Literal["school", "grade", "sex", "need"], typer.Option(help="of counts: a column for each")
    ] = "need",
    whom: Annotated[
        str, typer.Option(help="of counts: learners, listed, cannot_score, or the listed with a reason of this family")
    ] = "listed",
    as_person: Annotated[str | None, typer.Option("--as", help="what this person's page shows")] = None,
    language: Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")] = None,
    to: Annotated[Path | None, typer.Option("--csv", help="write them to this .csv, which Excel opens")] = None,
    format: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="csv is with a BOM")] = "table",
) -> None:
    """Print the figures of an area: the same as the page Area, small counts hidden for who sees no child."""
    from dashboard import areas, roster
    from raksa.audit import Entry, record
    from raksa.calendar import today_in_bangkok
    from raksa.cli import _csv_of, _open, _print_rows
    from raksa.people import open_people

    if to is not None and to.suffix != ".csv":
        raise RaksaError(f"--csv {to.name}: figures are written as CSV; give a name that ends in .csv.")
    settings, store = _open()
    run = roster.open_run(store)
    person = roster.person_named(settings, as_person) if as_person else None
    now, people = datetime.now(UTC), open_people(settings)
    try:
        said = areas.lines(
            part, run, people, person, today_in_bangkok(now), area, language or settings.language, rows, columns, whom
        )
        about = f"run {run.id}, {part}" + (f", area={area}" if area else "") + (f", as {as_person}" if person else "")
        record(people, Entry(now, "operator", "print_counts", None, about, "operator"))
    finally:
        people.dispose()
    if to is None:
        _print_rows(said, format)
    else:
        to.write_bytes(_csv_of(said))
        print(f"{len(said)} rows: {to}")
