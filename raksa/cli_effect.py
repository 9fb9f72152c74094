"""`raksa effect`: did it work? Three ways to compare, each with its assumptions in words, and "cannot tell yet".

Every command loads only what it needs.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    import pandas as pd

    from care.effect.estimate import Estimate, Said
    from raksa.settings import Settings
    from raksa.store import Store

effect_app = typer.Typer(
    help="Did it work? Compare children who were helped with children as good as like them, and say how sure that "
    "is.\n\n"
    '"100 % of the children we helped stayed" says nothing: most would have stayed anyway. Each of these needs '
    "somebody to "
    "compare with.\n\n"
    "`line`: children just listed beside children just not listed. Nothing has to be planned; many schools are "
    "needed.\n\n"
    "`plan` and `steps`: schools start one after the other, in an order drawn by lot. The best answer; has to be "
    "planned "
    "first.\n\n"
    "`matched`: contacted children beside children like them. Cannot tell help from choice.\n\n"
    'Each answers fewer left, more left, or "cannot tell yet", which is the usual answer while there are few schools. '
    "docs/effect.md says more.",
    no_args_is_help=True,
)
Run = Annotated[str | None, typer.Option("--run", help="a run's id; default: the newest whose children's year is over")]
Format = Annotated[Literal["table", "json"], typer.Option("--format", help="json for programs")]
Language = Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")]


@effect_app.command()
def line(
    run: Run = None,
    contacted: Annotated[
        bool, typer.Option("--contacted", help="what a contact came to, not what being listed came to")
    ] = False,
    places: Annotated[int, typer.Option(min=4, help="how far from the line children are compared")] = 10,
    format: Format = "table",
    language: Language = None,
) -> None:
    """Compare children just listed with children just not listed, in every school.

    A list ends where the visits end, not where the need ends; so the last child on it and the first one off it hardly
    differ but for the list. The answer holds for children near the line.

    Assumed: lists follow the ranking and nobody moved a child over the line; but for the list, children on its two
    sides differ only gradually. What of it can be checked is checked, and a failed check takes the answer back.

    "Cannot tell yet" means that no difference at all still lies within the 95% interval, not that nothing was achieved.
    It is the usual answer for an area alone: ask with a whole province.

    Leave --places as it is: whoever tries several widths finds one that pleases.
    """
    from care.effect import gather
    from care.effect.line import line as around
    from care.effect.line import line_contacted

    settings, store = _open()
    rows = _of_run(gather, settings, store, run)
    if contacted and not rows["contacted"].any():
        raise RaksaError("No contact was written down for the children of this run. Ask without --contacted.")
    _show((line_contacted if contacted else around)(rows, places=places), settings, format, language)


@effect_app.command()
def matched(
    run: Run = None,
    within: Annotated[int, typer.Option(min=7, help="days after the list in which a contact counts")] = 28,
    format: Format = "table",
    language: Language = None,
) -> None:
    """Compare contacted children with children of the same stage and area who were as likely to leave.

    Who is contacted is chosen, and those who choose know what no record says; this cannot tell help from choice. Read
    the balance table, and the E-value: how strong something unknown would have to be to explain the difference away.
    """
    from care.effect import gather
    from care.effect.matched import matched as compare

    settings, store = _open()
    rows = _of_run(gather, settings, store, run, within)
    if not rows["contacted"].any():
        raise RaksaError(
            f"No contact was written down in the {within} days after this list, so nobody can be compared."
        )
    _show(compare(rows, balance=("risk", "absent_28d", "attended_share")), settings, format, language)


@effect_app.command()
def plan(
    to: Annotated[Path, typer.Option("--to", help="write the schedule to this .csv, to keep")],
    steps: Annotated[int, typer.Option(min=2, max=8, help="groups of schools that start one after the other")] = 3,
    schools: Annotated[
        str | None, typer.Option("--schools", help="codes, with commas; default: every school with lists")
    ] = None,
    area: Annotated[str | None, typer.Option("--area", help="only schools of this service area")] = None,
    after: Annotated[str | None, typer.Option("--after", help="first start after this day; default: today")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="of the lot; default as in the settings")] = None,
    repeats: Annotated[int, typer.Option(min=20, help="simulated years behind the power figures")] = 200,
    format: Format = "table",
    language: Language = None,
) -> None:
    """Draw which schools start first, and say beforehand how likely it is that an effect would be found.

    Schools of like size and like leaving make a block; the lot decides within it. The power figures are simulated from
    this register's own past leaving and how much schools differ. If they are low, take more schools: a trial that
    cannot find anything is a year lost. Keep the file, publish it before the first start, and give it to `raksa effect
    steps`.
    """
    from care.effect import gather
    from care.effect.stepped import draw, power

    settings, store = _open()
    drawn_with = settings.seed if seed is None else seed
    days = gather.starts(_day(after), steps, settings)
    known = gather.year_before(store, settings, days)
    chosen = _chosen(known, schools, area)
    schedule = draw(chosen, steps, drawn_with)
    found = power(chosen, steps, repeats=repeats, seed=drawn_with)
    gather.write_schedule(schedule, days, to)
    if format == "json":
        rows = schedule.assign(starts=[str(days[step - 1]) for step in schedule["step"]])
        said = {"schedule": rows.to_dict("records"), "power": found.to_dict("records"), "seed": drawn_with}
        print(json.dumps(said, ensure_ascii=False, indent=1))
        return
    th = (language or settings.language) == "th"
    by = schedule.groupby("step").agg(schools=("school_id", "size"), learners=("learners", "sum"), left=("left", "sum"))
    heads = (
        ("เริ่ม", "โรงเรียน", "นักเรียน", "ออกกลางคันปีก่อน")
        if th
        else ("starts", "schools", "learners", "left the year before")
    )
    _rows([dict(zip(heads, (days[step - 1], *row), strict=True)) for step, *row in by.itertuples()])
    for row in found.itertuples():
        print(
            f"ถ้าป้องกันการออกกลางคันได้ {row.reduction:.0%} จะพบผลใน {row.found:.0%} ของการจำลอง" if th else
            f"If {row.reduction:.0%} of the leaving is prevented, {row.found:.0%} of the simulated trials find it."
        )  # fmt: skip
    if found["found"].max() < 0.8:
        print(
            "แผนนี้มีโอกาสพบผลน้อยกว่า 80% ควรเพิ่มโรงเรียน ลดจำนวนรอบ หรือรวมกับเขตอื่น" if th else
            "None of these would be found in 80% of trials: take more schools, fewer steps, or join with another area."
        )  # fmt: skip
    print(f"เขียนแล้ว: {to}" if th else f"Written: {to}. Keep it; `raksa effect steps {to}` reads it.")


@effect_app.command()
def steps(
    schedule: Annotated[Path, typer.Argument(help="the file `raksa effect plan` wrote")],
    seed: Annotated[int | None, typer.Option(min=0, help="of the schedules drawn to compare with")] = None,
    format: Format = "table",
    language: Language = None,
) -> None:
    """Compare schools that had started with schools that had not, by the schedule drawn.

    Asks how often another schedule the lot could have drawn would have shown as large a difference. Schools count as
    scheduled, even if one began late: else those who were ready choose for themselves.
    """
    from care.effect import gather
    from care.effect.stepped import stepped

    settings, store = _open()
    read, days = gather.read_schedule(schedule)
    rows = gather.of_schedule(store, settings, read, days, _today())
    _show(stepped(rows, seed=settings.seed if seed is None else seed), settings, format, language)


# ------------------------------------------------------------------------------------------------------------- in words
def _show(found: Estimate, settings: Settings, format: str, language: str | None) -> None:
    """The verdict first, then how to read it, what was compared, what is assumed and what was checked."""
    if format == "json":
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
        return
    which = ("th", "en").index(language or settings.language)
    heads = (
        ("สิ่งที่เปรียบเทียบ", "Compared"),
        ("ข้อสมมติ", "Assumed"),
        ("สิ่งที่ตรวจ (ข้อใดไม่ผ่าน ถือว่ายังบอกไม่ได้)", "Checked (a NO takes the answer back)"),
    )

    def said(each: Said) -> str:
        return each[which]

    print(said(found.says()))
    for each in _reading(found):
        print(said(each))
    print(f"\n{heads[0][which]}\n  {said(found.compared)}\n\n{heads[1][which]}")
    for each in found.assumptions:
        print(f"  {said(each)}")
    if found.checks or found.sensitivity:
        print(f"\n{heads[2][which]}")
    marks = {True: ("ผ่าน", "ok"), False: ("ไม่ผ่าน", "NO"), None: ("–", "–")}
    for check in found.checks:
        print(f"  {marks[check.holds][which]:<9}{said(check.said)}")
    if found.sensitivity:
        print(f"  {'–':<9}{said(found.sensitivity)}")


def _reading(found: Estimate) -> list[Said]:
    """How to read the interval, and what would tell more where too few schools or leavers are what is missing."""
    from care.effect.estimate import Said

    reading = [
        Said(
            f"ถ้าข้อสมมติด้านล่างเป็นจริง ช่วงเช่นนี้ครอบคลุมความต่างจริงราว {100 * found.level:.0f} ครั้งใน 100 ครั้ง",
            f"If what is assumed below holds, such an interval holds the true difference about {100 * found.level:.0f} "
            "times in 100.",
        )
    ]
    if found.verdict == "cannot tell yet" and found.against is None:
        reading.append(
            Said(
                "ไม่ได้แปลว่าการช่วยเหลือไม่มีผล จะบอกได้มากขึ้นเมื่อเปรียบเทียบหลายโรงเรียนขึ้น เช่น ทั้งจังหวัด",
                "It does not mean that nothing was achieved. More schools in one comparison, such as a whole province, "
                "would tell more.",
            )
        )
    return reading


def _chosen(known: pd.DataFrame, schools: str | None, area: str | None) -> pd.DataFrame:
    """Rows of the schools asked for. Raises RaksaError for one that has no lists."""
    if area is not None:
        known = known[known["area_id"] == area]
        if known.empty:
            raise RaksaError(f"--area {area}: no school of it has lists a year earlier. `raksa where` shows the areas.")
    if schools is not None:
        asked = {code.strip() for code in schools.split(",") if code.strip()}
        if missing := sorted(asked - set(known["school_id"])):
            raise RaksaError(f"--schools: {', '.join(missing)} had no lists a year earlier. Leave out, or import them.")
        known = known[known["school_id"].isin(asked)]
    return known.reset_index(drop=True)


def _of_run(gather: Any, settings: Settings, store: Store, run: str | None, within: int | None = None) -> pd.DataFrame:
    from raksa.people import open_people

    today = _today()
    chosen = run or gather.finished_run(store, today)
    asked = bool(settings.database_url) or (settings.home / "raksa.db").is_file()
    people = open_people(settings) if asked else None  # a home without one has nobody who wrote anything down
    try:
        rows: pd.DataFrame = gather.of_run(store, settings, people, None, chosen, today, within=within)
    finally:
        if people is not None:
            people.dispose()
    return rows


def _open() -> tuple[Settings, Store]:
    from raksa.cli import _open

    settings, store = _open()
    store.identity  # noqa: B018 - refuses a folder without a store
    return settings, store


def _day(text: str | None) -> date:
    from raksa.thai import read_date

    day = _today() if text is None else read_date(text)
    if day is None:
        raise RaksaError(f"--after {text!r} is not a date. Write 2026-11-21 or 21/11/2569.")
    return day


def _rows(rows: list[dict[str, Any]]) -> None:
    from raksa.cli import _print_rows

    _print_rows(rows, "table")


def _today() -> date:
    from raksa.calendar import today_in_bangkok

    return today_in_bangkok(datetime.now(UTC))
