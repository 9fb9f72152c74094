"""The front door for people at a keyboard: `raksa --help`.

Every command loads only what it needs, so that help and mistakes answer at once. What goes wrong and can be mended is
one sentence on the error stream and exit code 1.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    from raksa.settings import Settings
    from raksa.store import Store

app = typer.Typer(
    help="Raksa keeps children in school: from what schools record to a short list of children who need someone.\n\n"
    "Start with `raksa demo`, or with `raksa ingest FILES`, `raksa train`, `raksa score --as-of DATE`, `raksa serve`. "
    "Everything is kept in one folder, RAKSA_HOME (default raksa-data).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="date to look from, 2024-09-02 or 02/09/2567; default: last Monday")
]
Format = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="csv is with a BOM, for Excel")]
Language = Literal["th", "en"]


def main() -> None:
    """Run the command line. Sentences meant for people go to stderr with exit code 1; our faults keep a traceback."""
    try:
        app()
    except RaksaError as wrong:
        print(f"raksa: {wrong}", file=sys.stderr)
        sys.exit(1)
    except OSError as wrong:  # a folder that cannot be written, a disk that is full: for the person to mend
        where = f" {wrong.filename}" if wrong.filename else ""
        print(f"raksa: The system refused{where}: {wrong.strerror or wrong}. Choose another folder.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("raksa: Stopped. Nothing half-written is read; run the same command again.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `raksa list | head` closes the pipe early
        sys.exit(0)


def _open() -> tuple[Settings, Store]:
    from raksa.settings import load
    from raksa.store import Store

    settings = load()
    return settings, Store(settings.home)


def _now() -> datetime:
    return datetime.now(UTC)


def _date(text: str | None) -> date:
    from raksa.calendar import monday_before
    from raksa.thai import read_date

    if text is None:
        return monday_before(_now().date())
    day = read_date(text)
    if day is None:
        raise RaksaError(f"--as-of {text!r} is not a date. Write 2024-09-02 or 02/09/2567.")
    return day


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="serve the page when the area is ready")] = True,
    schools: Annotated[int, typer.Option(min=3, help="schools of the made-up area")] = 25,
    learners: Annotated[int, typer.Option(min=60, help="learners of the made-up area")] = 6000,
    years: Annotated[int, typer.Option(min=2, help="complete academic years before the running one")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="another seed, another area")] = 0,
) -> None:
    """Make an invented service area and run everything on it: files, register, model, lists, sign-ins, page."""
    from raksa.demo import PASSWORD, people, run
    from raksa.settings import load

    settings = load()
    run(settings, schools=schools, learners=learners, years=years, seed=seed, now=_now(), progress=_say)
    print("\nSign in as one of these invented people (password for all: " + PASSWORD + ")")
    for person in people(settings):
        print(f"  {person.username:12} {person.role:11} {person.about}")
    if serve:
        _serve(settings)
    else:
        raksa = Path(sys.argv[0])
        print(f"\nOpen the page with `{raksa} serve`, or print a list with `{raksa} list --top 20`.")


@app.command()
def ingest(
    files: Annotated[list[Path], typer.Argument(help="files or folders as agencies export them")],
    format: Annotated[str | None, typer.Option("--format", help="format name, when a file is not recognised")] = None,
    mapping: Annotated[Path | None, typer.Option(help="mapping file (TOML) for a format of your own")] = None,
    refused_to: Annotated[
        Path | None, typer.Option(help="write refused rows to this .xlsx, to mend and send again")
    ] = None,
) -> None:
    """Read agency files into the register. Every row is kept or refused with a reason; one bad file stops no other."""
    from raksa.demo import is_demo
    from raksa.store import Store
    from register.ingest import files_in
    from register.ingest import ingest as read_files
    from register.report import refused_rows_to_xlsx, report_tables

    settings, _ = _open()
    if is_demo(settings.home):
        raise RaksaError(
            f"{settings.home} is the demo, which the next `raksa demo` replaces. Set RAKSA_HOME to your own folder."
        )
    store = Store.create(settings.home, settings.buckets)
    report = read_files(store, settings, files_in(files), format=format, mapping=mapping, now=_now(), progress=_say)
    _print_rows(report_tables(report.files), "table")
    if refused_to and report.snapshot:
        refused_rows_to_xlsx(store, report.snapshot, refused_to)
        print(f"Refused rows: {refused_to}")
    if any(f.refused_whole for f in report.files):
        raise RaksaError(
            "Some files were not read; the table above says why for each. "
            + ("The others were imported." if report.snapshot else "The register is as it was.")
        )


@app.command()
def features(
    as_of: AsOf = None, to: Annotated[Path | None, typer.Option(help="write them to this .parquet")] = None
) -> None:
    """Build every feature as of a date and say how much of each is known."""
    from features.build import build
    from features.registry import FEATURES

    settings, store = _open()
    store.identity  # noqa: B018 - refuses a folder without a store
    if to and to.suffix != ".parquet":
        raise RaksaError(f"--to {to.name}: features are written as Parquet; give a name that ends in .parquet.")
    day = _date(as_of)
    rows = build(store, settings, day)
    if rows.empty:
        raise RaksaError(f"No learner is on any list known before {day}. Import lists first, or choose a later date.")
    if to:
        rows.to_parquet(to)
    known = [
        {
            "feature": f.name,
            "family": f.family,
            "unit": f.unit,
            "known": f"{rows[f.name].notna().mean():.1%}",
            "median": f"{rows[f.name].median():.3g}",
        }
        for f in FEATURES
        if f.model
    ]
    print(f"{len(rows)} learners as of {day}")
    _print_rows(known, "table")


@app.command()
def train() -> None:
    """Learn from past years, judge forward in time, and save the model with its card."""
    from models.train import train as learn

    settings, store = _open()
    store.identity  # noqa: B018
    trained = learn(store, settings, _say)
    _print_card(trained.model, trained.card)


@app.command()
def score(as_of: AsOf = None) -> None:
    """Score every child on a list as of a date and publish the lists."""
    from care.publish import publish

    settings, store = _open()
    run = publish(store, settings, _date(as_of), _now().isoformat(timespec="seconds"), _say)
    print(run)


@app.command(name="list")
def list_(
    area: Annotated[str | None, typer.Option(help="service area, code or name")] = None,
    school: Annotated[str | None, typer.Option(help="school, code or part of its name")] = None,
    grade: Annotated[str | None, typer.Option(help="grade, such as ม.3")] = None,
    room: Annotated[str | None, typer.Option(help="room within the grade")] = None,
    search: Annotated[str | None, typer.Option(help="part of a name")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="everyone scored, not only the listed")] = False,
    unscored: Annotated[
        bool, typer.Option("--cannot-score", help="who cannot be scored, why, and whose turn it is")
    ] = False,
    top: Annotated[int | None, typer.Option(min=1, help="no more than so many")] = None,
    as_person: Annotated[str | None, typer.Option("--as", help="what this person's page shows")] = None,
    language: Annotated[Language | None, typer.Option(help="default as in the settings")] = None,
    format: Format = "table",
) -> None:
    """Print the list the page shows: the children who need someone, by need, with the reasons."""
    from dashboard import roster

    settings, store = _open()
    run = roster.open_run(store)
    person = roster.person_named(settings, as_person) if as_person else None
    wanted = roster.Filters(
        area=area or "",
        school=school or "",
        grade=grade or "",
        room=room or "",
        search=search or "",
        listed_only=not everyone,
        top=top,
    )
    rows = roster.lines(run, person, wanted, language or settings.language, unscored=unscored)
    roster.note_listing(settings, person, wanted, len(rows), _now())
    _print_rows(rows, format)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to serve on; default as in the settings")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="port to serve on; default as in the settings")
    ] = None,
) -> None:
    """Serve the page until Ctrl+C."""
    settings, store = _open()
    store.run_folder()
    changes = {k: v for k, v in {"host": host, "port": port}.items() if v is not None}
    _serve(settings.model_copy(update=changes))


@app.command()
def doctor() -> None:
    """Look at the store: what it holds, what the last import refused, what is missing for the next step."""
    from raksa.doctor import examine

    settings, store = _open()
    found = examine(store, settings)
    for line in found.lines:
        print(line)
    if found.wrong:
        sys.exit(1)


def _serve(settings: Settings) -> None:
    from dashboard.serve import serve as run_server

    print(f"\nThe page is at http://{settings.host}:{settings.port} (stop with Ctrl+C)", flush=True)
    run_server(settings)


def _print_rows(rows: list[dict[str, Any]], format: str) -> None:
    """Rows as a table for people, CSV for Excel, or JSON for programs. No rows: the header-less empty form."""
    if format == "json":
        import json

        print(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
    elif format == "csv":
        import csv
        import io

        out = io.StringIO()
        if rows:
            writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows({k: _safe(v) for k, v in row.items()} for row in rows)
        sys.stdout.buffer.write(("\ufeff" + out.getvalue()).encode("utf-8"))
    else:
        from rich.console import Console
        from rich.table import Table

        if not rows:
            print("Nothing to show.")
            return
        table = Table(*rows[0], box=None, header_style="bold")
        for row in rows:
            table.add_row(*("" if v is None else str(v) for v in row.values()))
        console = Console()
        Console(width=None if console.is_terminal else 200).print(table)


def _safe(value: object) -> object:
    """A cell no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def _print_card(model: str, card: Any) -> None:
    judged = card["judged"]
    print(f"Model {model}, judged on {judged['year']}: {judged['left']} left, {judged['foreseen']:.0f} foreseen")
    rows = [
        {
            "by": name,
            **{k: f"{f[k]:.3f}" for k in ("auc", "ap") if k in f},
            "listed": f["at_capacity"]["listed"],
            "precision": f"{f['at_capacity']['precision']:.3f}",
            "recall": f"{f['at_capacity']['recall']:.3f}",
            "ece": f"{f['ece']:.4f}" if "ece" in f else "",
        }
        for name, f in judged["compared"].items()
    ]
    _print_rows(rows, "table")
