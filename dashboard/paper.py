"""Papers of the pages: a record and a list as what the templates of care/paper/ show. Texts only, no decisions.

care.documents.pdf("child", child_paper(found, run, "th", PRINTED, settings))
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import pandas as pd

from dashboard import record, today
from dashboard.language import N_, speak
from dashboard.record import MARK_WORDS, Record, Subject, Term, Year
from dashboard.roster import COLUMNS, Child, Count, Run, about, as_table
from dashboard.today import Call
from raksa.settings import Settings
from raksa.tables import MARKS
from raksa.thai import format_date

# What can be printed of a child, in the order of the paper. Parents' meetings and referrals need different parts, so
# each is chosen; home and entries are not until somebody asks for them.
PARTS = {
    "strengths": N_("What goes well"),
    "reasons": N_("What stands out"),
    "guardian": N_("Whom to call"),
    "attendance": N_("Attendance"),
    "results": N_("Results"),
    "growth": N_("Growth"),
    "schools": N_("Schools"),
    "home": N_("Home"),
    "notes": N_("What was done"),
}
PRINTED = tuple(part for part in PARTS if part not in ("home", "notes"))
OPEN_SAID = 6  # open results said one by one; the tables hold them all
# Widths of a list's columns on paper, in shares; others have one.
_WIDTHS = {"area": 1.5, "school": 2.0, "name": 2.0, "reasons": 5.0, "guardian_name": 1.8, "phone": 1.2, "grade": 0.7,
           "room": 0.7, "roll_number": 0.7}  # fmt: skip
_ALWAYS = ("name", "reasons")


def child_paper(found: Record, run: Run, language: str, parts: Collection[str], settings: Settings) -> dict[str, Any]:
    """The chosen parts of a record as care/paper/child.typ shows them; unknown parts are left out.

    Reasons about the home go with the part `home`, and restricted entries are never printed.
    """
    _, child = speak(language), found.child
    sections = [_section(part, found, language, parts, settings) for part in PARTS if part in parts]
    place = " · ".join(part for part in (child.class_name, child.school) if part)
    numbers = [(_(COLUMNS[name]), getattr(child, name)) for name in ("roll_number", "student_number")]
    return {
        "language": language,
        "title": child.name,
        "about": [place, " · ".join(f"{label} {value}" for label, value in numbers if value)],
        "foot": f"{child.name} · {_as_known(run, language)}",
        "sections": [section for section in sections if section],
    }


def as_text(held: dict[str, Any]) -> str:
    """The child's paper in lines, for the command line."""
    lines = [held["title"], *filter(None, held["about"])]
    for section in held["sections"]:
        lines += ["", section["title"], *(f"  {line}" for line in section["lines"])]
        for month in section["months"]:
            weeks = ("  ".join(f"{day:>2} {mark or ' '}" for day, mark in week) for week in month["weeks"])
            lines += [f"  {month['title']}", *(f"    {week}" for week in weeks)]
        for one in section["tables"]:
            rows = (" | ".join(row) for row in [one["headings"], *one["rows"]])
            lines += (
                [f"  {one['title']}", *(f"    {row}" for row in rows)] if one["title"] else [f"  {r}" for r in rows]
            )
    return "\n".join([*lines, "", held["foot"]])


def list_paper(
    run: Run, rows: Sequence[Child], columns: Sequence[str], language: str, promised: Count, *, scores: bool
) -> dict[str, Any]:
    """A list as care/paper/list.typ shows it: the rows and columns of the page, and what the list promises and misses
    (only where the person sees estimates)."""
    _ = speak(language)
    said = [_(N_("Children on this paper: {n}."), n=len(rows))]
    if scores:
        said += promised_lines(run, promised, language)
    # Sixteen columns are too many for a sheet of paper: what is the same for all is said once, above them.
    table = as_table(rows, columns, language).map(lambda cell: "" if cell is None else str(cell))
    table.columns = pd.Index(columns)
    if "risk" in columns:  # as the page says it: decimals would promise more than is known
        table["risk"] = [
            "" if row.risk is None else _(N_("about {n}%"), n=max(1, round(100 * row.risk))) for row in rows
        ]
    same = [c for c in columns if len(rows) > 1 and c not in _ALWAYS and table[c].nunique() == 1]
    if what := " · ".join(f"{_(COLUMNS[c])} {table[c].iloc[0]}" for c in same if table[c].iloc[0]):
        said.append(_(N_("For all of them: {what}."), what=what))
    if empty := ", ".join(_(COLUMNS[c]) for c in same if not table[c].iloc[0]):
        said.append(_(N_("Not recorded for any of them: {what}."), what=empty))
    table = table.drop(columns=same)
    return {
        "language": language,
        "title": _("Children who need someone"),
        "about": [*said, _as_known(run, language)],
        "foot": _private(run, language),
        "headings": [_(COLUMNS[c]) for c in table.columns],
        "widths": [_WIDTHS.get(c, 1.0) for c in table.columns],
        "rows": table.to_numpy().tolist(),
    }


def promised_lines(run: Run, promised: Count, language: str) -> list[str]:
    """What a list promises and misses, in sentences; none where nobody is listed. For who sees estimates."""
    if not promised.listed:
        return []
    _ = speak(language)
    on = about(promised.expected_on_list or 0, language, promised.on_list)
    off = about(promised.expected_off_list or 0, language, promised.off_list)
    day = format_date(run.horizon, language)
    return [
        _(N_("On the list: {n}. Of these {on} would leave school by {day}."), n=promised.listed, on=on, day=day),
        _(N_("Not on the list, and would leave: {off}."), off=off),
    ]


def calls_paper(run: Run, calls: Sequence[Call], language: str) -> dict[str, Any]:
    """Whom to call as care/paper/calls.typ shows it: a part for each class, with room to write beside every number."""
    _ = speak(language)
    return {
        "language": language,
        "title": _("Whom to call today"),
        "about": [_(N_("Away on the last recorded day: {n}."), n=len(calls)), _as_known(run, language)],
        "foot": _private(run, language),
        "headings": [_(heading) for heading in today.CALL_COLUMNS],
        "classes": [
            {
                "title": place,
                "said": _(N_("Last day recorded: {day}."), day=format_date(max(c.last_day for c in these), language)),
                "rows": today.call_rows(these, language),
            }
            for place, these in today.by_class(calls).items()
        ],
    }


def _private(run: Run, language: str) -> str:
    """The foot of a paper with the names of several children."""
    words = N_("Personal data: keep it with you, and do not leave it lying about.")
    return f"{_as_known(run, language)} · {speak(language)(words)}"


def _as_known(run: Run, language: str) -> str:
    return speak(language)("As known on {day}", day=format_date(run.as_of, language))


def _section(
    part: str, found: Record, language: str, parts: Collection[str], settings: Settings
) -> dict[str, Any] | None:
    """One part: a title, sentences, and tables with headings; None if there is nothing to print."""
    make = {
        "strengths": _strengths,
        "reasons": _reasons,
        "guardian": _guardian,
        "attendance": _attendance,
        "results": _results,
        "growth": _growth,
        "schools": _schools,
        "home": _home,
        "notes": _notes,
    }[part]
    held = make(found, language, parts, settings)
    return {"title": speak(language)(PARTS[part])} | {"lines": [], "tables": [], "months": []} | held if held else None


def _strengths(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    return {"lines": [getattr(one, language) for one in found.strengths]} if found.strengths else {}


def _reasons(found: Record, language: str, parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    reasons = [one for one in found.child.reasons if one.family != "home" or "home" in parts]
    lines = [getattr(one, language) for one in reasons]
    if lower := [said for one in reasons if (said := getattr(one, f"lower_{language}"))]:
        lines.append(f"{speak(language)('What could lower it')}: {'; '.join(lower)}")
    if found.unscored:
        lines.append(getattr(found.unscored, f"why_{language}"))
    return {"lines": lines} if lines else {}


def _guardian(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    _, child = speak(language), found.child
    relation = f" ({child.guardian_relation})" if child.guardian_relation else ""
    named = f"{child.guardian_name or _('No guardian is recorded.')}{relation}"
    return {"lines": [named, child.phone or _("No telephone is recorded.")]}


def _attendance(found: Record, language: str, _parts: Collection[str], settings: Settings) -> dict[str, Any]:
    _, year = speak(language), found.now
    if year is None or not year.recorded:
        return {"lines": [_("No attendance has been sent for this year.")]}
    totals = ", ".join(f"{_(MARK_WORDS[m][0])} {year.totals[m]}" for m in MARKS if year.totals.get(m))
    signs = " · ".join(f"{letter(m, language)} {_(MARK_WORDS[m][0])}" for m in MARK_WORDS if year.totals.get(m))
    return {
        "lines": [*attendance_sentences(year, language), _(N_("Days by mark: {totals}."), totals=totals), signs],
        "months": [_month(first, weeks, language) for first, weeks in record.months(year, settings)],
        "tables": [{"title": _("Earlier years"), **years_table(found, language)}] if found.before else [],
    }


def years_table(found: Record, language: str) -> dict[str, Any]:
    """Attendance of the years before this one: headings and rows."""
    _ = speak(language)
    headings = [_("Academic year and school"), _("Attended"), _("Longest absence")]
    rows = [
        [
            f"{y.year} {', '.join(y.schools)}",
            _(N_("{share} of {n} days"), share=_percent(y), n=y.recorded),
            str(y.longest),
        ]
        for y in found.before
    ]
    return {"headings": headings, "rows": rows}


def attendance_sentences(year: Year, language: str) -> list[str]:
    """Share attended, the run up to now, the longest absence and the days left before the 80 % line."""
    _ = speak(language)

    def day(known: date | None) -> str:
        return format_date(known, language) if known else "–"

    said = [
        _(N_("Attended {share} of the days recorded this year ({here} of {n})."),
          share=_percent(year), here=year.recorded - year.away, n=year.recorded),
        _(N_("Days away in a row up to the last recorded day: {n}."), n=year.in_row),
    ]  # fmt: skip
    first, last = day(year.longest_from), day(year.longest_to)
    if year.longest > 1:
        said.append(_(N_("Longest absence: {n} days, {first} to {last}."), n=year.longest, first=first, last=last))
    elif year.longest:
        said.append(_(N_("Longest absence: one day, {day}."), day=first))
    said.append(record.line_said(year.days_to_line, language))
    if len(year.schools) > 1:
        schools = ", ".join(year.schools)
        said.append(_(N_("Marks of {schools} together: a move resets nothing."), schools=schools))
    return said


def _percent(year: Year) -> str:
    return "–" if year.share is None else f"{100 * year.share:.0f}%"


def letter(mark: str, language: str) -> str:
    """The letter of the roll book for a mark."""
    return MARK_WORDS[mark][1 if language == "th" else 2]


def _month(first: date, weeks: Sequence[Sequence[tuple[date, str | None] | None]], language: str) -> dict[str, Any]:
    cells = [
        [["", ""] if one is None else [str(one[0].day), letter(one[1], language) if one[1] else ""] for one in week]
        for week in weeks
    ]
    away = [[bool(one and one[1] in record.AWAY) for one in week] for week in weeks]
    return {"title": format_date(first, language).partition(" ")[2], "weeks": cells, "away": away}


def _results(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    _ = speak(language)
    if not found.terms:
        return {"lines": [_("No results have been sent.")]}
    tables = [{"title": term_title(term, language), **term_table(term, language)} for term in found.terms[:2]]
    return {"lines": open_sentences(found, language), "tables": tables}


def term_table(term: Term, language: str) -> dict[str, Any]:
    """The subjects of a term: headings and rows."""
    _ = speak(language)
    headings = [_("Subject"), _("Result"), _("Class time attended (line: 80%)")]
    rows = [[subject_name(s, language), result_words(s, language), class_time(s)] for s in term.subjects]
    return {"headings": headings, "rows": rows}


def open_sentences(found: Record, language: str) -> list[str]:
    """The newest results that are open, with term and since when; how many there are, where not all are said."""
    _ = speak(language)
    still = [s for term in found.terms for s in term.subjects if s.open_since]
    said = [
        _(N_("Still open: {subject}, {term}: {grade}, since {day}."), subject=subject_name(s, language), grade=s.grade,
          term=_term(s.year, s.term, language), day=format_date(s.open_since, language))
        for s in still[:OPEN_SAID]
        if s.open_since
    ]  # fmt: skip
    return said if len(still) <= OPEN_SAID else [*said, _(N_("Results still open in all: {n}."), n=len(still))]


def term_title(term: Term, language: str) -> str:
    """The term, its average, and of how many subjects."""
    average = "–" if term.average is None else f"{term.average:.2f}"
    return speak(language)(
        N_("{term}: average {average} ({known} of {n} subjects have a grade)"),
        term=_term(term.year, term.term, language), average=average, known=term.known, n=len(term.subjects),
    )  # fmt: skip


def _term(year: int, term: int, language: str) -> str:
    """Term 1/2569, or the whole year where a primary school gives one result a year."""
    _ = speak(language)
    return _(N_("term {term}/{year}"), term=term, year=year) if term else _(N_("year {year}"), year=year)


def subject_name(subject: Subject, language: str) -> str:
    """The learning area and the subject's code."""
    named = record.learning_area(subject.area, language) if subject.area else ""
    return f"{named} ({subject.subject})" if named else subject.subject


def result_words(subject: Subject, language: str) -> str:
    """The grade, else the percentage, else the mark of the term's middle, else that it is not known."""
    _ = speak(language)
    if subject.grade:
        return f"{subject.grade} ({_(N_('still open'))})" if subject.open_since else subject.grade
    if subject.percent is not None:
        return f"{subject.percent:.0f}%"
    if subject.midterm is not None:
        return _(N_("mid-term {percent}%"), percent=round(subject.midterm))
    return _(N_("not known"))


def class_time(subject: Subject) -> str:
    """Share of the subject's class time attended, and the distance to the 80 % line in points: 75% (−5)."""
    share = subject.attended_percent
    return "–" if share is None else f"{share:.0f}% ({round(share - 80):+d})".replace("-", "−")


def _growth(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    return {"tables": [{"title": "", **growth_table(found, language)}]} if found.growth else {}


def growth_table(found: Record, language: str) -> dict[str, Any]:
    """The newest measurings: headings and rows."""
    _ = speak(language)
    headings = [_("Measured on"), _("Weight, height"), _("For age: height, body mass")]
    rows = [
        [format_date(m.on, language), f"{_number(m.weight_kg)} {_('kg')}, {_number(m.height_cm)} {_('cm')}",
         f"{_number(m.height_for_age, '+.1f')}, {_number(m.bmi_for_age, '+.1f')}"]
        for m in found.growth[:6]
    ]  # fmt: skip
    return {"headings": headings, "rows": rows}


def _number(value: float | None, form: str = "g") -> str:
    return "–" if value is None else format(value, form).replace("-", "−")


def _schools(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    return {"tables": [{"title": "", **schools_table(found, language)}]} if found.stays else {}


def schools_table(found: Record, language: str) -> dict[str, Any]:
    """The classes the child was in: headings and rows."""
    _ = speak(language)

    def day(known: date | None) -> str:
        return format_date(known, language) if known else "–"

    headings = [_("Academic year and class"), _("School"), _("On lists")]
    rows = []
    for s in found.stays:
        there = f"{day(s.first)} – {day(s.last)}"
        if s.left_on:
            there += " " + _(N_("(last day {day})"), day=day(s.left_on))
        if s.brought:
            there += " " + _(N_("(from the record brought along)"))
        rows.append(
            [f"{s.year} {'/'.join(part for part in (s.grade, s.room) if part)}", s.school or s.school_id, there]
        )
    return {"headings": headings, "rows": rows}


def _home(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    return {"lines": record.home_sentences(found.home, language)} if found.home else {}


def _notes(found: Record, language: str, _parts: Collection[str], _settings: Settings) -> dict[str, Any]:
    open_ones = [one for one in found.contacts if not one.restricted]
    lines = [f"{record.contact_words(one, language)} ({one.by_name}): {one.text}" for one in open_ones]
    lines += [
        f"{record.contact_words(one, language)} ({one.by_name}, {one.school}): {one.said}" for one in found.brought
    ]
    return {"lines": lines} if lines else {}
