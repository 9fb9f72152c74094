"""Behind the pages Administration and School settings: places by name, scopes in words, the log as it may be read, what
is kept how long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from dashboard.language import N_, Speaker
from dashboard.roster import Run
from raksa.access import EVERYWHERE, Person, Scope, class_of, where
from raksa.accounts import LOCK_FOR, TICKET_FOR
from raksa.audit import entries
from raksa.calendar import BANGKOK
from raksa.retention import PLAN_DAYS, Kept
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADES
from raksa.thai import format_date

ROLE_NAMES = {
    "teacher": N_("Class teacher"),
    "school": N_("School"),
    "area": N_("Area officer"),
    "province": N_("Province"),
    "researcher": N_("Researcher"),
    "admin": N_("Administrator"),
}
# What the log calls an act -> what is read. Others keep their own words.
ACTS = {
    "sign_in": N_("signed in"),
    "sign_in_refused": N_("sign-in refused"),
    "sign_out": N_("signed out"),
    "set_password": N_("chose a new password"),
    "read_list": N_("read a list"),
    "read_child": N_("opened a child"),
    "read_child_refused": N_("was refused a child"),
    "read_counts": N_("read counts"),
    "create_person": N_("made an account"),
    "set_role": N_("changed a role"),
    "reset_password": N_("gave a new first password"),
    "switch_off": N_("switched an account off"),
    "switch_on": N_("switched an account on"),
    "reset_second_factor": N_("took a second factor off"),
    "end_session": N_("ended sign-ins"),
    "unlock": N_("unlocked an account"),
    "set_school": N_("set a school's value"),
    "take_staff": N_("read a list of staff"),
    "read_cases": N_("read cases"),
    "read_plan": N_("opened a plan of visits"),
    "return_visits": N_("read visits back from a sheet"),
    "read_photo": N_("opened a photograph"),
    "keep_log": N_("took away what had run out"),
}


@dataclass(frozen=True)
class Places:
    """Service areas, schools and classes by their codes: area -> name, school -> (name, area), school -> classes."""

    areas: dict[str, str]
    schools: dict[str, tuple[str, str]]
    classes: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def words(self, scope: Scope, say: Speaker) -> str:
        """A scope as a person reads it: ม.3/1 โรงเรียนบ้านทุ่งนา."""
        if scope.kind == "area":
            return (
                say(N_("every service area")) if scope.value == EVERYWHERE else self.areas.get(scope.value, scope.value)
            )
        school, _, place = scope.value.partition("|")
        name = self.schools.get(school, (school, ""))[0]
        if scope.kind == "school":
            return name
        grade, _, room = place.partition("|")
        return f"{'/'.join(filter(None, (grade, room)))} {name}"


def places(store: Store, run: Run | None) -> Places:
    """Every place there is: schools as the register lists them, classes as the run has them (none before the first)."""
    held = store.read("school", columns=["school_id", "name", "area_id", "area_name"]).to_pylist()
    classes: dict[str, list[tuple[str, str]]] = {}
    if run is not None:
        query = "SELECT DISTINCT school_id, grade, coalesce(room, '') FROM score WHERE grade IS NOT NULL"
        for school, grade, room in run.rows(query):
            classes.setdefault(school, []).append((grade, room))
    return Places(
        areas=dict(sorted((one["area_id"], one["area_name"] or one["area_id"]) for one in held)),
        schools={one["school_id"]: (one["name"], one["area_id"]) for one in sorted(held, key=lambda s: s["name"])},
        classes={
            school: tuple(sorted(rooms, key=lambda c: (GRADES.index(c[0]), len(c[1]), c[1])))
            for school, rooms in classes.items()
        },
    )


def schools_of(places: Places, person: Person) -> dict[str, str]:
    """Schools a person may set values for: an admin every one, an area its own, a school itself."""
    own = {(scope.kind, scope.value) for scope in person.scopes}
    return {
        school: name
        for school, (name, area) in places.schools.items()
        if person.role == "admin"
        or (person.role == "area" and ("area", area) in own)
        or (person.role == "school" and ("school", school) in own)
    }


def class_scopes(school: str, classes: Sequence[tuple[str, str]]) -> list[Scope]:
    return [Scope("class", class_of(school, grade, room)) for grade, room in classes]


def log_lines(people: Engine, say: Speaker, language: str, who: str | None = None, last: int = 200) -> list[list[str]]:
    """The latest lines as an administrator may read them: when, who, what, about what, by what right, from where. No
    learner's number and no name that was searched for: an administrator sees no child."""
    return [
        [
            f"{format_date(line.at.astimezone(BANGKOK).date(), language)} {line.at.astimezone(BANGKOK):%H:%M}",
            line.who,
            say(ACTS[line.what]) if line.what in ACTS else line.what,
            re.sub(r"search=[^,]*", "search=…", line.about),
            line.reason,
            line.address,
        ]
        for line in entries(people, who=who, last=last)
    ]


def kept_how_long(due: Kept, settings: Settings, years: int, say: Speaker) -> list[list[str]]:
    """One row a kind of what runs out: what it is, how many would go now, how long it is kept, by which rule."""
    rows = [
        (N_("Lines of the log (moved into a file)"), due.lines, say("Years: {n}", n=years),
         N_("Years as chosen here, one at least: who looked at a child must be answerable")),
        (N_("Failed sign-ins"), due.failures, say("{n} minutes", n=LOCK_FOR.seconds // 60),
         N_("As long as they lock an account")),
        (N_("Sign-ins that ended"), due.sign_ins,
         say("Minutes without a click: {idle}; hours in any case: {hours}", idle=settings.session_idle_minutes,
             hours=settings.session_hours),
         N_("Settings session_idle_minutes and session_hours")),
        (N_("Sign-ins begun and left halfway"), due.tickets, say("{n} minutes", n=TICKET_FOR.seconds // 60),
         N_("As long as a code is waited for")),
        (N_("Files of plans, and rows of sheets to mend"), due.plans,
         say("{plan} days, rows to mend {rows}", plan=PLAN_DAYS["plan.json"], rows=PLAN_DAYS["to-mend.xlsx"]),
         N_("A term; rows to mend hold names and go sooner. The visits themselves stay with the child")),
    ]  # fmt: skip
    return [[say(what), f"{n:,}", long, say(rule)] for what, n, long, rule in rows]


def counted(run: Run, person: Person) -> int:
    """How many children an account opens today: the quickest check that a scope is right."""
    condition, values = where(person)
    return int(run.rows(f"SELECT count(*) FROM score WHERE {condition}", values)[0][0])
