"""Who may see which learner, and why. One set of rules, asked in two ways.

`decide` answers for one learner; `where` gives the same answer as a SQL condition over the score table of a
run. Both read the table `_GRANTS` and nothing else, and a test asks both about every person and every
learner of a generated district. Whatever is not granted is refused.

The person `None` is the operator: someone with a shell on the machine that holds the data, who could read
the files anyway. The command line passes it; no page and no route ever does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from raksa.errors import RaksaError

ROLES = {
    "teacher": "own classes: needs and reasons, no score",
    "school": "own school",
    "area": "own service area",
    "province": "counts of the own service areas, cells under five hidden; no learner",
    "researcher": "models and figures; no names",
    "admin": "accounts; no learner",
}
SCOPE_KINDS = ("class", "school", "area")

# Role -> (kind of scope that opens learners to it, the reason said and logged). A role that is not here
# opens none.
_GRANTS = {"teacher": ("class", "homeroom"), "school": ("school", "school"), "area": ("area", "area")}
# Roles that see a child's estimated risk. A class teacher works from needs: a number beside a child's name
# is read as a verdict on the child (Student Insights took its risk levels out in 2018 for that reason).
_SEES_SCORE = frozenset({"school", "area"})
# Roles that may read counts by school, and from which kind of scope.
_COUNTS = {**{role: kind for role, (kind, _) in _GRANTS.items()}, "province": "area"}
EVERYWHERE = "*"  # an area scope of the province role: every area, for a ministry


@dataclass(frozen=True)
class Scope:
    """One thing a person is responsible for: a class `school_id|grade|room`, a school id or an area id.

    A school that keeps no room names has an empty room: `10000001|ป.4|`.
    """

    kind: str
    value: str


@dataclass(frozen=True)
class Person:
    """Somebody with an account. Scopes say whom the role is about; without them it is about nobody."""

    username: str
    name: str
    role: str
    scopes: tuple[Scope, ...] = ()
    language: str = "th"
    active: bool = True
    must_change_password: bool = False


@dataclass(frozen=True)
class Decision:
    """May this person see this learner, and why (or why not)."""

    allowed: bool
    reason: str


def decide(person: Person | None, school_id: str, area_id: str | None, grade: str | None, room: str | None) -> Decision:
    """Whether the person may see a learner who stands in this class of this school.

    >>> somsri = Person("somsri", "สมศรี", "teacher", (Scope("class", "10000001|ม.3|1"),))
    >>> decide(somsri, "10000001", "2401", "ม.3", "1")
    Decision(allowed=True, reason='homeroom')
    >>> decide(somsri, "10000001", "2401", "ม.3", "2")
    Decision(allowed=False, reason='not in the scope of this account')
    """
    if person is None:
        return Decision(True, "operator")
    if not person.active:
        return Decision(False, "the account is switched off")
    if person.role not in _GRANTS:
        return Decision(False, f"the role {person.role} sees no learner")
    kind, reason = _GRANTS[person.role]
    place = {"class": class_of(school_id, grade, room), "school": school_id, "area": area_id}[kind]
    if place is not None and Scope(kind, place) in person.scopes:
        return Decision(True, reason)
    return Decision(False, "not in the scope of this account")


def where(person: Person | None) -> tuple[str, list[str]]:
    """The same rule as a SQL condition over columns school_id, area_id, grade and room, with its parameters.

    >>> where(Person("kamol", "กมล", "area", (Scope("area", "2401"),)))
    ('(area_id IN (?))', ['2401'])
    >>> where(Person("root", "ผู้ดูแล", "admin"))
    ('(FALSE)', [])
    """
    return _condition(person, {role: kind for role, (kind, _) in _GRANTS.items()})


def where_counts(person: Person | None) -> tuple[str, list[str]]:
    """The condition over the learners a person may see *counted*; wider than `where` for the province
    alone."""
    if person and person.active and person.role == "province" and Scope("area", EVERYWHERE) in person.scopes:
        return "(TRUE)", []
    return _condition(person, _COUNTS)


def _condition(person: Person | None, kinds: dict[str, str]) -> tuple[str, list[str]]:
    if person is None:
        return "(TRUE)", []
    kind = kinds.get(person.role)
    values = [scope.value for scope in person.scopes if scope.kind == kind]
    if not person.active or kind is None or not values:
        return "(FALSE)", []
    column = {
        "class": "school_id || '|' || coalesce(grade, '') || '|' || coalesce(room, '')",
        "school": "school_id",
        "area": "area_id",
    }[kind]
    return f"({column} IN ({', '.join('?' * len(values))}))", values


def sees_learners(person: Person | None) -> bool:
    """Whether the role opens any learner at all; which ones, `decide` and `where` say."""
    return person is None or (person.active and person.role in _GRANTS)


def sees_score(person: Person | None) -> bool:
    """Whether the estimated risk may be shown to this person at all."""
    return person is None or (person.active and person.role in _SEES_SCORE)


def sees_whole_cells(person: Person | None) -> bool:
    """Whether counts under five may be shown: only to people who may see the learners themselves."""
    return sees_learners(person)


def class_of(school_id: str, grade: str | None, room: str | None) -> str:
    """The name of a class as a scope writes it."""
    return f"{school_id}|{grade or ''}|{room or ''}"


def check_scopes(role: str, scopes: Iterable[Scope]) -> None:
    """Raises RaksaError for a role or scope that would never open anything, before it is written down."""
    if role not in ROLES:
        raise RaksaError("Role {role!r} is unknown. Roles: {roles}.", role=role, roles=", ".join(ROLES))
    fits = _COUNTS.get(role)
    for scope in scopes:
        if scope.kind not in SCOPE_KINDS:
            kinds = ", ".join(SCOPE_KINDS)
            raise RaksaError("Scope kind {kind!r} is unknown. Kinds: {kinds}.", kind=scope.kind, kinds=kinds)
        if scope.kind != fits:
            given = f"{scope.kind}:{scope.value}"
            if fits is None:
                raise RaksaError(
                    "An account with the role {role} takes no scope, not {given}. Leave it out or choose another role.",
                    role=role,
                    given=given,
                )
            raise RaksaError(
                "An account with the role {role} takes {fits} scopes, not {given}. "
                "Leave it out or choose another role.",
                role=role,
                fits=fits,
                given=given,
            )
        if scope.kind == "class" and scope.value.count("|") != 2:
            raise RaksaError("Class {given!r} is not school|grade|room. Example: 10000001|ม.3|1.", given=scope.value)
        if not scope.value.strip() or (scope.value == EVERYWHERE and role != "province"):
            raise RaksaError("Scope {kind}:{value} names no {kind}. Give its code.", kind=scope.kind, value=scope.value)
