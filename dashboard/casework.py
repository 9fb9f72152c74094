"""Behind the pages Cases and Visit: what codes are called, and a person's open cases with names beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Engine

from care.cases import Case, open_cases
from care.contacts import Place
from care.opinions import Opinion, holding
from dashboard.language import N_
from dashboard.roster import Child, Run, children_of
from raksa.access import Person
from raksa.accounts import Accounts

SIGNALS = {
    "in_row": N_("days away in a row"),
    "in_month": N_("many days away within a month"),
    "attended": N_("below a line of attendance"),
    "results": N_("results still open"),
    "list": N_("on the list"),
    "nominated": N_("named by a teacher"),
    "family": N_("something at home"),
    "not_arrived": N_("has not arrived at the next school"),
    "other": N_("something else"),
}
STEPS = {
    "signal": N_("Opened"),
    "call": N_("Telephone call"),
    "at_school": N_("Talk at school"),
    "letter": N_("Letter"),
    "note": N_("Note"),
    "visit": N_("Home visit"),
    "screening": N_("Screening"),
    "plan": N_("Help plan"),
    "conference": N_("Case conference"),
    "referral": N_("Referral"),
    "follow_up": N_("Follow-up"),
    "returned": N_("Came back to school"),
    "handed_over": N_("Handed over"),
    "reopened": N_("Opened again"),
    "closed": N_("Closed"),
}
CLOSING = {
    "returned": N_("came back to school"),
    "found": N_("found, and all is well"),
    "moved": N_("moved away"),
    "died": N_("died"),
    "unknown": N_("not known"),
    "transport": N_("the way to school"),
    "health": N_("health"),
    "disability": N_("a disability"),
    "risk_group": N_("in the care of another office"),
    "disaster": N_("a disaster"),
    "family_need": N_("needed at home"),
    "rules": N_("school rules"),
    "family": N_("things in the family"),
    "income": N_("too little money"),
    "adjustment": N_("friends, teachers, settling in"),
    "no_wish": N_("does not wish to go on"),
    "epidemic": N_("an epidemic"),
    "over_age": N_("past school age"),
    "elsewhere": N_("studies elsewhere"),
    "abroad": N_("went abroad"),
}
MET = {
    "child": N_("the child"),
    "guardian": N_("the guardian"),
    "relative": N_("somebody else of the family"),
    "nobody": N_("nobody"),
}
# Sections of the visit form, in the order of the printed sheet.
SECTIONS = {
    "strengths": N_("What goes well, what the child is good at"),
    "voice": N_("In the child's own words"),
    "family": N_("Family, and who looks after the child"),
    "work": N_("Work and income, as far as they like to say"),
    "home": N_("The home and the way to school"),
    "day": N_("The child's day: sleep, chores, work, telephone"),
}
SOON = timedelta(3)


@dataclass(frozen=True)
class Row:
    """One open case with its child; `child` is None where she is on no list of this run any more."""

    case: Case
    child: Child | None
    overdue: int
    soon: bool


def place_of(child: Child) -> Place:
    """Where a child of a list stands."""
    return Place(child.learner_id, child.school_id, child.area_id, child.grade, child.room)


def rows(run: Run, people: Engine, person: Person, today: date, *, mine: bool = False) -> list[Row]:
    """Open cases in the person's scope, or those whose turn is hers: the longest overdue first."""
    cases = open_cases(people, person, owner=person.username if mine else "")
    children = {one.learner_id: one for one in children_of(run, person, [case.place.learner_id for case in cases])}
    return [
        Row(
            case,
            children.get(case.place.learner_id),
            case.overdue(today),
            case.due is not None and today <= case.due <= today + SOON,
        )
        for case in cases
    ]


def owners(accounts: Accounts, held: Iterable[Case]) -> dict[str, str]:
    """Account -> name of the persons whose turn these cases are; a case nobody has taken yet has none."""
    people = {case.owner: accounts.person(case.owner) for case in held if case.owner}
    return {username: person.name if person else username for username, person in people.items()}


def opinions(run: Run, people: Engine, person: Person, today: date) -> list[tuple[Opinion, Child | None]]:
    """What teachers say beside the list, with the children: nominations and doubts that hold today, newest first."""
    held = holding(people, person, today)
    children = {one.learner_id: one for one in children_of(run, person, [one.place.learner_id for one in held])}
    return [(one, children.get(one.place.learner_id)) for one in held]


def late(found: Sequence[Row]) -> int:
    return sum(one.overdue > 0 for one in found)
