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

from raksa.cli_areas import areas
from raksa.cli_effect import effect_app
from raksa.cli_messages import digest_app
from raksa.cli_models import models_app
from raksa.cli_people import backup, people_app, restore
from raksa.cli_plan import plan
from raksa.cli_visits import visits_app
from raksa.errors import RaksaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

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
    from raksa.calendar import monday_before, today_in_bangkok

    return monday_before(today_in_bangkok(_now())) if text is None else _day(text)


def _day(text: str) -> date:
    from raksa.thai import read_date

    day = read_date(text)
    if day is None:
        raise RaksaError(f"--as-of {text!r} is not a date. Write 2024-09-02 or 02/09/2567.")
    return day


def _confirmed(unusual: Sequence[object]) -> bool:
    """Ask the person at the keyboard; nobody there is a no."""
    if not sys.stdin.isatty():
        return False
    print("This import is unusual:", file=sys.stderr)
    for each in unusual:
        print(f"  {each}", file=sys.stderr)
    return typer.confirm("Take it all the same?", default=False, err=True)


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
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="day the files are true for, where they do not say it: 10/06/2567")
    ] = None,
    school: Annotated[
        str | None, typer.Option(help="school the files are of, where they do not say it: its code")
    ] = None,
    child: Annotated[
        str | None, typer.Option(help="who a child's record from another school is of: school:number (81010001:1234)")
    ] = None,
    accept_unusual: Annotated[
        bool, typer.Option("--accept-unusual", help="take it even if it changes or drops much of a school's rows")
    ] = False,
    refused_to: Annotated[
        Path | None, typer.Option(help="write refused rows to this .xlsx, to mend and send again")
    ] = None,
) -> None:
    """Read agency files into the register: CSV, Excel, HTML reports, zip archives of them, OneRoster sets.

    Each is recognised by what is in it. Every row is kept or refused with a reason; one bad file stops no other.
    `raksa undo` takes an import back.
    """
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
    report = read_files(
        store,
        settings,
        files_in(files),
        format=format,
        mapping=mapping,
        as_of=_day(as_of) if as_of else None,
        school=school,
        child=child,
        now=_now(),
        progress=_say,
        confirm=lambda unusual: accept_unusual or _confirmed(unusual),
    )
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
def imports(format: Format = "table") -> None:
    """List the imports: when, how many rows were kept and refused, and which were taken back."""
    from register.history import imports as all_imports

    _, store = _open()
    store.identity  # noqa: B018 - refuses a folder without a store
    _print_rows(all_imports(store), format)


@app.command()
def undo(
    name: Annotated[str | None, typer.Argument(help="import, as `raksa imports` lists it; default: last")] = None,
) -> None:
    """Take an import back, the last one by default. Its rows are no longer read; nothing is deleted."""
    from register.history import undo as take_back

    _, store = _open()
    print(f"Taken back: {take_back(store, name)}. Lists already published rest on it: run `raksa score` again.")


@app.command()
def history(
    who: Annotated[str, typer.Argument(help="citizen id, G-code, school:number (81010001:1234), or learner id")],
    table: Annotated[str | None, typer.Option(help="one table, such as enrolment or result; default: all")] = None,
    format: Format = "table",
) -> None:
    """Everything the register ever took of a child, with the import and file it came from."""
    from raksa.tables import REGISTER
    from register.history import history as all_of
    from register.history import learner_named

    if table is not None and not (table in REGISTER and REGISTER[table].by_learner):
        known = ", ".join(name for name, spec in REGISTER.items() if spec.by_learner)
        raise RaksaError(f"There is no table {table!r} of learners. Choose one of {known}.")
    _, store = _open()
    rows = all_of(store, learner_named(store, who), table)
    if format != "json":
        rows = [row | {"says": ", ".join(f"{k}={v}" for k, v in row["says"].items())} for row in rows]
    _print_rows(rows, format)


@app.command()
def duplicates(
    to: Annotated[
        Path | None, typer.Option(help="write them to this .xlsx, to decide on and give to `raksa decide`")
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="least probability of being one child")] = None,
    decided: Annotated[bool, typer.Option("--decided", help="also pairs a person has decided on")] = False,
    format: Format = "table",
) -> None:
    """Suggest learners who may be one child, with the evidence side by side. A person decides; nothing is merged."""
    from register.duplicates import SUGGESTED, candidates, candidates_to_xlsx, shown

    settings, store = _open()
    store.identity  # noqa: B018
    least = SUGGESTED if threshold is None else threshold
    found = candidates(store, settings, threshold=least, include_decided=decided, progress=_say)
    if to:
        candidates_to_xlsx(found, to)
        print(
            f"{len(found)} pairs: {to}. Fill in the decision and the reason, then `raksa decide {to} --by YOUR-NAME`."
        )
    else:
        _print_rows(shown(found), format)


@app.command()
def decide(
    file: Annotated[Path, typer.Argument(help="the workbook of `raksa duplicates --to`, filled in")],
    by: Annotated[str, typer.Option("--by", help="who decided")],
) -> None:
    """Take a person's decisions: same child, different children, not known yet. The latest about a pair holds."""
    from register.duplicates import decisions_from_xlsx

    _, store = _open()
    store.identity  # noqa: B018
    report = decisions_from_xlsx(store, file, who=by, now=_now())
    print(
        f"Decisions taken: {report.taken}. Lists already published rest on the earlier ones: run `raksa score` again."
    )
    for sentence in report.refused:
        print(f"  refused: {sentence}")
    if report.refused:
        raise RaksaError(f"{len(report.refused)} rows were refused. Put them right and send the workbook again.")


@app.command(name="listed-twice")
def listed_twice(
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option(help="write the list to this .xlsx, for schools to follow up")] = None,
    format: Format = "table",
) -> None:
    """Children who stand on the lists of two schools at once, of any agency: the province's list of duplicates."""
    from register.duplicates import listed_twice as on_two_lists
    from register.duplicates import listed_twice_to_xlsx

    settings, store = _open()
    store.identity  # noqa: B018
    found = on_two_lists(store, settings, _date(as_of))
    if to:
        listed_twice_to_xlsx(found, to)
        print(f"{found['learner_id'].nunique()} children on two lists: {to}. Filled in, `raksa ingest` reads it.")
    else:
        _print_rows(_records(found), format)


@app.command()
def where(
    as_of: AsOf = None,
    learners: Annotated[bool, typer.Option("--learners", help="a row per learner, by number, not counts")] = False,
    format: Format = "table",
) -> None:
    """Who is where, across agencies: enrolled, transferred, graduated, struck off, floating, not seen; by school."""
    from register.whereabouts import flows, whereabouts

    settings, store = _open()
    store.identity  # noqa: B018
    found = whereabouts(store, settings, _date(as_of))
    _print_rows(_records(found if learners else flows(found)), format)


@app.command(name="out-of-school")
def out_of_school(
    as_of: AsOf = None,
    definition: Annotated[
        Literal["compulsory", "moe_15_17", "oosc_3_18", "uis_6_17"], typer.Option(help="who counts; printed beside")
    ] = "compulsory",
    level: Annotated[Literal["province", "district", "subdistrict"], typer.Option(help="a row per")] = "subdistrict",
    to: Annotated[Path | None, typer.Option(help="write the counts to this .xlsx")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="with the children's names, for those who may see them")
    ] = False,
    format: Format = "table",
) -> None:
    """Children of the civil register who are on no school's list, by sub-district, with the definition beside."""
    from register.whereabouts import out_of_school as seek
    from register.whereabouts import out_of_school_to_xlsx

    settings, store = _open()
    store.identity  # noqa: B018
    found = seek(store, settings, _date(as_of), definition)
    how = found.definition
    print(how.says_th if settings.language == "th" else how.says_en)
    extracts = ", ".join(map(str, found.extracts))
    print(f"Civil register of {extracts}; {found.unknown_age} of it without a birth date are counted nowhere.")
    if to:
        out_of_school_to_xlsx(found, to, people=people)
        print(f"Written: {to}")
    else:
        _print_rows(_records(found.counts(level)), format)


@app.command()
def quality(
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option(help="write it to this .xlsx or .html, to attach as evidence")] = None,
    format: Format = "table",
) -> None:
    """How good the data is, by school and source, and which schools cannot be scored, since when, whose turn it is."""
    from register import quality as measure

    settings, store = _open()
    store.identity  # noqa: B018
    found = measure.assess(store, settings, _date(as_of))
    if to is None:
        _print_rows(measure.to_rows(found), format)
    elif to.suffix == ".html":
        from importlib.resources import files

        font = files("dashboard") / "static" / "fonts" / "noto-sans-thai-looped-thai-400-normal.woff2"
        measure.to_html(found, to, font.read_bytes())
        print(f"Written: {to}")
    elif to.suffix == ".xlsx":
        measure.to_xlsx(found, to)
        print(f"Written: {to}")
    else:
        raise RaksaError(f"--to {to.name}: give a name that ends in .xlsx or .html.")


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="the .zip to write")],
    as_of: AsOf = None,
    ids: Annotated[bool, typer.Option("--ids", help="with citizen ids")] = False,
    names: Annotated[bool, typer.Option("--names/--no-names", help="with the children's names")] = True,
) -> None:
    """Write schools, lists and results known before a date as a OneRoster 1.2 CSV set for another system."""
    from register.oneroster import export as write

    settings, store = _open()
    store.identity  # noqa: B018
    rows = write(store, settings, _date(as_of), to, ids=ids, names=names)
    _print_rows([{"file": file, "rows": count} for file, count in rows.items()], "table")


mapping_app = typer.Typer(help="Formats the register reads, and a first draft of one for a file it does not know.")
app.add_typer(mapping_app, name="mapping", rich_help_panel=None)
app.add_typer(models_app, name="models", rich_help_panel=None)
app.command()(areas)
app.command()(plan)
app.add_typer(digest_app, name="digest", rich_help_panel=None)
app.add_typer(effect_app, name="effect", rich_help_panel=None)
app.add_typer(visits_app, name="visits", rich_help_panel=None)
app.add_typer(people_app, name="people", rich_help_panel=None)
app.command()(backup)
app.command()(restore)


@mapping_app.command(name="list")
def mapping_list() -> None:
    """The formats that are recognised."""
    from register.mapping import known_formats

    rows = [{"format": m.name, "ไทย": m.title_th, "English": m.title_en} for m in known_formats().values()]
    _print_rows(rows, "table")


@mapping_app.command(name="new")
def mapping_new(
    file: Annotated[Path, typer.Argument(help="a file in a format that is not recognised")],
    to: Annotated[Path | None, typer.Option(help="write the draft to this .toml")] = None,
) -> None:
    """Draft a mapping for an unknown file from its headers and values, to look through and give to `ingest`."""
    from register.draft import draft

    settings, _ = _open()
    text = draft(file, settings)
    if to is None:
        print(text)
    elif to.exists():
        raise RaksaError(f"{to} is there already. Give another name, so that your own changes are not lost.")
    else:
        to.write_text(text, encoding="utf-8")
        print(f"Written: {to}. Look it through, then `raksa ingest {file} --mapping {to}`.")


@app.command()
def features(
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option(help="write them to this .parquet")] = None,
    update: Annotated[
        bool, typer.Option("--update", help="read only imports since the last --update; same figures, less time")
    ] = False,
) -> None:
    """Build every feature as of a date and say how much of each is known."""
    from features.build import build
    from features.registry import FEATURES
    from features.state import Kept, outlook
    from raksa.calendar import academic_year

    settings, store = _open()
    store.identity  # noqa: B018 - refuses a folder without a store
    if to and to.suffix != ".parquet":
        raise RaksaError(f"--to {to.name}: features are written as Parquet; give a name that ends in .parquet.")
    day = _date(as_of)
    if update:
        _say(outlook(store, academic_year(day, settings)))
        store = Kept(store.home)
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
def train(
    search: Annotated[str, typer.Option(help="look for better settings in the past for so long: 90s, 20m, 2h")] = "",
    trials: Annotated[
        int, typer.Option(min=0, help="at most so many trials; with a number and no --search a run can be repeated")
    ] = 0,
    promote: Annotated[
        bool, typer.Option("--promote", help="publish it even if it is worse than the published")
    ] = False,
    judge_only: Annotated[
        bool, typer.Option("--judge-only", help="judge the last closed year anew, print its figures, and keep nothing")
    ] = False,
) -> None:
    """Learn from past years, judge forward in time, and save the model with its card.

    Learned on all years but the last two, calibrated on the one before the last, judged on the last; the model that
    scores the children of today then learns from all but the last and is calibrated on that. It is published unless it
    is worse than the published one by more than chance (`raksa models`).
    """
    import getpass

    from care.loop import said_and_done
    from models.search import seconds
    from models.train import judge_year
    from models.train import train as learn

    if judge_only and promote:
        raise RaksaError("--judge-only makes no model, so there is none to --promote. Leave one of the two away.")
    settings, store = _open()
    store.identity  # noqa: B018
    budget, beside = seconds(search) if search else None, said_and_done(settings)
    if judge_only:
        found = judge_year(store, settings, _say, budget=budget, trials=trials or None, beside=beside)
        _print_card("of the years before (not kept)", found)
        return
    trained = learn(
        store,
        settings,
        _say,
        budget=budget,
        trials=trials or None,
        by=getpass.getuser(),
        promote=promote,
        beside=beside,
    )
    _print_card(trained.model, trained.card)


@app.command()
def score(
    as_of: AsOf = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="show people this list even if it is of a day before the one they see")
    ] = False,
) -> None:
    """Score every child on a list as of a date and publish the lists.

    Lists of a day before the ones people see are kept beside them (`raksa show --run`) and published only with
    --publish.
    """
    from care.publish import publish as score_and_publish

    settings, store = _open()
    now = _now().isoformat(timespec="seconds")
    print(score_and_publish(store, settings, _date(as_of), now, _say, show_earlier=publish))


@app.command(name="list")
def list_(
    area: Annotated[str | None, typer.Option(help="service area, code or name")] = None,
    school: Annotated[str | None, typer.Option(help="school, code or part of its name")] = None,
    grade: Annotated[str | None, typer.Option(help="grade, such as ม.3")] = None,
    room: Annotated[str | None, typer.Option(help="room within the grade")] = None,
    reason: Annotated[str | None, typer.Option(help="family of reasons, such as attendance")] = None,
    search: Annotated[str | None, typer.Option(help="part of a name")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="everyone scored, not only the listed")] = False,
    new: Annotated[bool, typer.Option("--new", help="new on the list since the run of before")] = False,
    unwritten: Annotated[
        bool, typer.Option("--unwritten", help="nobody has written anything in the last 60 days")
    ] = False,
    sort: Annotated[Literal["need", "name", "class", "away"], typer.Option(help="order of the rows")] = "need",
    columns: Annotated[str | None, typer.Option(help="names of columns, with commas; default: all")] = None,
    unscored: Annotated[
        bool, typer.Option("--cannot-score", help="who cannot be scored, why, and whose turn it is")
    ] = False,
    top: Annotated[int | None, typer.Option(min=1, help="no more than so many")] = None,
    as_person: Annotated[str | None, typer.Option("--as", help="what this person's page shows")] = None,
    language: Annotated[Language | None, typer.Option(help="default as in the settings")] = None,
    format: Format = "table",
) -> None:
    """Print the list the page shows: the children who need someone, by need, with the reasons; and what it misses."""
    from dashboard import paper, roster
    from raksa.access import sees_score

    settings, store = _open()
    run = roster.open_run(store)
    person = roster.person_named(settings, as_person) if as_person else None
    wanted = roster.Filters(
        area=area or "",
        school=school or "",
        grade=grade or "",
        room=room or "",
        family=reason or "",
        search=search or "",
        listed_only=not everyone,
        new=new,
        unwritten=unwritten,
        sort=sort,
        top=top,
    )
    if unwritten:
        wanted = roster.with_contacts(settings, run, person, wanted)
    rows = roster.lines(run, person, wanted, language or settings.language, unscored=unscored)
    if columns and not unscored:
        rows = roster.only(rows, columns.split(","))
    roster.note_listing(settings, person, wanted, len(rows), _now())
    _print_rows(rows, format)
    if format == "table" and not unscored and sees_score(person):
        print("\n".join(paper.promised_lines(run, roster.promise(run, person, wanted), language or settings.language)))


@app.command()
def show(
    who: Annotated[str, typer.Argument(help="citizen id, G-code, school:number (81010001:1234), or learner id")],
    as_person: Annotated[str | None, typer.Option("--as", help="what this person's page shows")] = None,
    run: Annotated[str | None, typer.Option(help="a run; default: the one people see")] = None,
    language: Annotated[Language | None, typer.Option(help="default as in the settings")] = None,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="json holds everything")] = "text",
) -> None:
    """Print the record of one child: what goes well, what stands out, attendance, results, what was done."""
    from dashboard import paper, record, roster
    from raksa.accounts import Accounts
    from raksa.audit import Entry
    from raksa.audit import record as note
    from register.history import learner_named

    settings, store = _open()
    learner = learner_named(store, who)
    person = roster.person_named(settings, as_person) if as_person else None
    now_run = roster.open_run(store, run)
    accounts = Accounts.open(settings)
    try:
        found, decision = record.record(now_run, store, settings, person, learner, accounts.people)
        about = f"run {now_run.id}" + (f", as {person.username}" if person else "")
        what = "print_child" if found else "print_child_refused"
        note(accounts.people, Entry(_now(), "operator", what, learner, about, decision.reason))
    finally:
        accounts.close()
    if found is None:
        raise RaksaError(f"This child is not shown: {decision.reason}. Use another --as, or another run.")
    if format == "json":
        import json

        print(json.dumps(record.plain(found), ensure_ascii=False, indent=1))
    else:
        print(paper.as_text(paper.child_paper(found, now_run, language or settings.language, paper.PARTS, settings)))


@app.command()
def today(
    school: Annotated[str | None, typer.Option(help="school id")] = None,
    as_person: Annotated[str | None, typer.Option("--as", help="what this person's page shows")] = None,
    language: Annotated[Language | None, typer.Option(help="default as in the settings")] = None,
    format: Format = "table",
) -> None:
    """Print what the page Today shows: who is forgotten, who crossed a line, whom to call, whose marks have stopped."""
    from dashboard import roster, today

    settings, store = _open()
    run = roster.open_run(store)
    person = roster.person_named(settings, as_person) if as_person else None
    rows = today.printed(settings, run, person, school or "", language or settings.language, _now())
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
    """Look at the store and the people: what they hold, what the last import refused, what is missing for the next
    step."""
    from dashboard.roster import open_run
    from raksa.doctor import examine

    settings, store = _open()
    found = examine(store, settings)
    for line in found.lines:
        print(line)
    wrong = found.wrong
    if store.current().run:
        try:
            open_run(store).close()
        except RaksaError as cannot:  # the pages say only that there is no list
            print(f"  WRONG: {cannot}")
            wrong = True
    if wrong:
        sys.exit(1)


def _serve(settings: Settings) -> None:
    from dashboard.serve import serve as run_server

    run_server(settings)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame, what is missing as None."""
    return [
        {str(name): None if value != value or value is None else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


_SHORT = 40  # letters of a cell that stays on one line


def _print_rows(rows: list[dict[str, Any]], format: str) -> None:
    """Rows as a table for people, CSV for Excel, or JSON for programs. No rows: the header-less empty form."""
    if format == "json":
        import json

        print(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
    elif format == "csv":
        sys.stdout.buffer.write(_csv_of(rows))
    else:
        from rich.console import Console
        from rich.table import Table

        if not rows:
            print("Nothing to show.")
            return
        table = Table(box=None, header_style="bold")
        for name in rows[0]:  # sentences are broken into lines, names and codes are not
            table.add_column(name, no_wrap=max(len(str(row[name])) for row in rows) <= _SHORT)
        for row in rows:
            table.add_row(*("" if v is None else str(v) for v in row.values()))
        console = Console()
        Console(width=None if console.is_terminal else 200).print(table)


def _csv_of(rows: list[dict[str, Any]]) -> bytes:
    """Rows as CSV that Excel opens: UTF-8 with BOM."""
    import csv
    import io

    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({k: _safe(v) for k, v in row.items()} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _safe(value: object) -> object:
    """A cell no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


_RANGES = {"auc": "AUC", "ap": "average precision"}


def _print_card(model: str, card: Any) -> None:
    judged = card["judged"]
    print(f"Model {model}, judged on {judged['year']}: {judged['left']} left, {judged['foreseen']:.0f} foreseen")
    rows = [
        {
            "by": name if name != "best_rule" else f"best rule ({judged['best_rule']})",
            **{k: f"{f[k]:.3f}" for k in ("auc", "ap") if k in f},
            "listed": f["at_capacity"]["listed"],
            "precision": f"{f['at_capacity']['precision']:.3f}",
            "recall": f"{f['at_capacity']['recall']:.3f}",
            "ties": f"{f['at_capacity']['recall_worst']:.3f}–{f['at_capacity']['recall_best']:.3f}",
            "weeks ahead": f"{f['lead']['weeks_median']:.0f}",
            "ece": f"{f['ece']:.4f}" if "ece" in f else "",
        }
        for name, f in judged["compared"].items()
    ]
    _print_rows(rows, "table")
    if ranges := judged.get("intervals"):
        said = ", ".join(f"{name} {ranges[key][0]:.3f}–{ranges[key][1]:.3f}" for key, name in _RANGES.items())
        print(f"The model, 95 % of draws of whole schools: {said}.")
    if done := judged.get("helped"):
        only = judged["without_helped"]["at_capacity"]
        print(
            f"Helped before the outcome: {done['rows']} of the rows, {done['listed']} listed, of whom "
            f"{done['listed_and_stayed']} stayed. Without them: precision {only['precision']:.3f}, "
            f"recall {only['recall']:.3f}."
        )
    split = judged["random_split"]
    print(
        f"A random split would have claimed an AUC of {split['auc']:.3f}; the next year says {split['next_year']:.3f}."
    )
    if found := card["search"]:
        print(
            f"Settings of {found['trials']} trials: log loss {found['log_loss_before']:.5f} → {found['log_loss']:.5f}"
        )
