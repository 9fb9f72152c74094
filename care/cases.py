"""Cases: from a signal to a closed file, with an owner, a next date, and everything that was done on the way.

A case belongs to one child and stands where she stands. It is opened by a signal, walks through what Thai schools do
(contact, visit, screening, help plan, conference, referral, follow-up; steps may be left out or come again), and is
closed with what was found. A step is only ever added. Two people who edit at once are told of each other.

    case = open_case(people, somsri, mali, signal="in_row", said="ไม่มาเรียน 6 วันติดกัน", now=now)
    case = act(people, somsri, case.id, case.version, kind="call", said="ไม่มีผู้รับสาย", now=now)
    case = act(people, somsri, case.id, case.version, kind="visit", said="แม่ย้ายไปทำงานที่ระยอง …", now=now)
    close(people, wichai, case.id, case.version, reason="returned", said="กลับมาเรียนแล้ว", now=now)

A call, a visit, a talk at school and a letter are written among the child's contacts too: any of them counts the same,
and nobody gains by naming it one or the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, Engine, ForeignKey, Index, Select, String, Text, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.contacts import KINDS as CONTACTS
from care.contacts import MOST_LETTERS, OPERATOR, ContactRow, Place, check_may_open
from raksa.access import Person, decide
from raksa.audit import Base, Moment
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import scoped, seen_by

# What opens a case. The three lines of attendance are those of raksa.school_settings.
SIGNALS = ("in_row", "in_month", "attended", "results", "list", "nominated", "family", "not_arrived", "other")
# What can be done, in the order in which schools usually do it (DOMAIN 9.4), and the days a step allows until the next
# one is due. The days are a rule of thumb of the field and no regulation: `days` of `act` and `open_case` takes others.
DAYS = {
    "signal": 3,
    "call": 7,
    "at_school": 7,
    "letter": 7,
    "note": 7,
    "visit": 14,
    "screening": 14,
    "plan": 30,
    "conference": 30,
    "referral": 30,
    "follow_up": 30,
    "reopened": 3,
    "handed_over": 7,
}
STEPS = tuple(DAYS)[1:11]
LETTERS = 3  # letters home before the area is told (DOMAIN 7.4)
# After a child came back somebody looks four times, two months apart (FIELD 1.7: Busca Ativa's four checks).
CHECKS, CHECK_DAYS = 4, 60
# How a case ends: what was found, then the causes that the Ministry's follow-up lists use (DOMAIN 8.5, DROPEDU).
CLOSING = (
    "returned", "found", "moved", "died", "unknown",
    "transport", "health", "disability", "risk_group", "disaster", "family_need", "rules", "family", "income",
    "adjustment", "no_wish", "epidemic", "over_age", "elsewhere", "abroad",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One case. `stage` is its latest step, `due` the day until which the next is asked for (None once closed).

    `owner` is the account whose turn it is. `letters` counts letters home; `checks_left` the looks still to come after
    a return. `closing` says how it ended, None while it is open. `version` goes up with each step.
    """

    id: int
    place: Place
    signal: str
    opened_on: date
    opened_by: str
    stage: str
    owner: str
    due: date | None
    letters: int
    checks_left: int
    closing: str | None
    closed_on: date | None
    version: int

    @property
    def is_open(self) -> bool:
        return self.closed_on is None

    def overdue(self, today: date) -> int:
        """Days past its date; 0 if it is not."""
        return max(0, (today - self.due).days) if self.due else 0


@dataclass(frozen=True)
class Step:
    """One thing done in a case: never changed, only followed by another. `agency` names whom it was referred or handed
    over to. `redacted`: there are words, but this reader may not see them; ask `by_name` or the head of the school."""

    id: int
    case_id: int
    on: date
    kind: str
    said: str
    restricted: bool
    agency: str
    owner: str
    due: date | None
    by: str
    by_name: str
    written_at: datetime
    redacted: bool = False


class CaseMovedOn(RaksaError):
    """Somebody added a step after the case was read; `present` is how it stands now. Nothing was written."""

    def __init__(self, present: Case) -> None:
        super().__init__("Somebody has added a step to this case meanwhile. Look at it, then write yours again.")
        self.present = present


class CaseRow(Base):
    __tablename__ = "care_case"
    __table_args__ = (
        Index("ix_case_learner", "learner_id"),
        Index("ix_case_school", "school_id", "grade", "room", "closed_on", "due"),
        Index("ix_case_area", "area_id", "closed_on", "due"),
        # One open case a child: `still` is the learner while it is open and empty afterwards, and empties do not clash.
        Index("ux_case_open", "still", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(BigInteger)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    still: Mapped[int | None] = mapped_column(BigInteger)
    signal: Mapped[str] = mapped_column(String(20))
    opened_on: Mapped[date]
    who: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str] = mapped_column(String(64))
    due: Mapped[date | None]
    letters: Mapped[int]
    checks_left: Mapped[int]
    closing: Mapped[str | None] = mapped_column(String(30))
    closed_on: Mapped[date | None]
    version: Mapped[int]


class CaseStepRow(Base):
    """Rows are only ever added."""

    __tablename__ = "care_case_step"
    __table_args__ = (Index("ix_case_step_case", "case_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("care_case.id"))
    learner_id: Mapped[int] = mapped_column(BigInteger)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(String(20))
    said: Mapped[str] = mapped_column(Text)
    restricted: Mapped[bool]
    agency: Mapped[str] = mapped_column(String(120))
    owner: Mapped[str] = mapped_column(String(64))
    due: Mapped[date | None]
    who: Mapped[str] = mapped_column(String(64))
    who_name: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime] = mapped_column(Moment)


# ------------------------------------------------------------------------------------------------------------ writing
def open_case(
    people: Engine,
    person: Person | None,
    place: Place,
    *,
    signal: str,
    said: str,
    now: datetime,
    owner: str = "",
    days: Mapping[str, int] = DAYS,
) -> Case:
    """Open a case for a child; the owner is the person who opens it unless another is named.

    Raises RaksaError if the person may not see the child, she has an open case already, the signal is none of SIGNALS
    or nothing is said.
    """
    check_may_open(person, place)
    with scoped(people, person, writing=True, learner=place.learner_id) as session:
        return _open(session, person, place, signal, said, now, today_in_bangkok(now), owner, days)


def letter_sent(
    people: Engine,
    person: Person | None,
    place: Place,
    case: Case | None,
    *,
    signal: str,
    known: str,
    said: str,
    on: date,
    now: datetime,
    days: Mapping[str, int] = DAYS,
) -> Case:
    """Note that a letter went home on a day: a step of the open `case` as it was read; None opens one on that day, with
    what was `known`, all of it or nothing.

    Raises CaseMovedOn if somebody was quicker, and RaksaError if the person may not see the child, the day does not fit
    or, for None, the child has an open case.
    """
    check_may_open(person, place)
    with scoped(people, person, writing=True, learner=place.learner_id) as session:
        if case is None:
            case = _open(session, person, place, signal, known, now, on, "", days)
        row = _held(session, person, case.id, case.version)
        if row.closed_on is not None:
            raise RaksaError("This case is closed. Reopen it first.")
        return add_step(session, person, row, "letter", said, now, on=on, days=days)


def act(
    people: Engine,
    person: Person | None,
    case_id: int,
    version: int,
    *,
    kind: str,
    said: str,
    now: datetime,
    on: date | None = None,
    owner: str = "",
    due: date | None = None,
    agency: str = "",
    restricted: bool = False,
    days: Mapping[str, int] = DAYS,
) -> Case:
    """Add a step to an open case read at `version`: one of STEPS, with what came of it.

    `due` sets the next day by hand; else it follows from the step. Raises CaseMovedOn if somebody was quicker, and
    RaksaError if there is no such case in the person's scope, it is closed, or the step does not fit.
    """
    if kind not in STEPS:
        raise RaksaError(f"Step {kind!r} is unknown. Steps: {', '.join(STEPS)}.")
    if kind == "referral" and not agency.strip():
        raise RaksaError("A referral needs to say to whom. Name the agency or the person.")
    with scoped(people, person, writing=True) as session:
        row = _held(session, person, case_id, version)
        if row.closed_on is not None:
            raise RaksaError("This case is closed. Reopen it first.")
        return add_step(
            session, person, row, kind, said, now,
            on=on, owner=owner, due=due, agency=agency, restricted=restricted, days=days,
        )  # fmt: skip


def close(
    people: Engine,
    person: Person | None,
    case_id: int,
    version: int,
    *,
    reason: str,
    said: str,
    now: datetime,
    on: date | None = None,
    restricted: bool = False,
) -> Case:
    """Close a case with how it ended (CLOSING). After `returned` four checks fall due, two months apart: the case stays
    open for them, and the last check closes it."""
    if reason not in CLOSING:
        raise RaksaError(f"Reason {reason!r} is unknown. Reasons: {', '.join(CLOSING)}.")
    with scoped(people, person, writing=True) as session:
        row = _held(session, person, case_id, version)
        if row.closed_on is not None:
            raise RaksaError("This case is closed already.")
        if reason == "returned" and row.closing is None:
            row.closing, row.checks_left = reason, CHECKS
            due = (on or today_in_bangkok(now)) + timedelta(CHECK_DAYS)
            return add_step(session, person, row, "returned", said, now, on=on, due=due, restricted=restricted)
        row.closing, row.closed_on, row.still, row.checks_left = reason, on or today_in_bangkok(now), None, 0
        return add_step(session, person, row, "closed", said, now, on=on, restricted=restricted)


def reopen(people: Engine, person: Person | None, case_id: int, version: int, *, said: str, now: datetime) -> Case:
    """Open a closed case again, with its history. Raises RaksaError if the child has another open one."""
    with scoped(people, person, writing=True) as session:
        row = _held(session, person, case_id, version)
        if row.closed_on is None:
            raise RaksaError("This case is open. Add a step to it.")
        other = session.scalar(select(CaseRow.id).where(CaseRow.still == row.learner_id))
        if other is not None:
            raise RaksaError("This child has another open case. Add a step to that one.")
        row.closing, row.closed_on, row.still = None, None, row.learner_id
        return add_step(session, person, row, "reopened", said, now)


def hand_over(
    people: Engine,
    person: Person | None,
    case_id: int,
    version: int,
    *,
    said: str,
    now: datetime,
    owner: str = "",
    to: Place | None = None,
    agency: str = "",
) -> Case:
    """Give a case to another person (`owner`), another school (`to`: where the child stands now), or note that an
    agency has taken it. The history goes with it: whoever may see the child at the new place reads all of it."""
    if not (owner or to or agency.strip()):
        raise RaksaError("Say to whom the case is handed: a person, a school or an agency.")
    # A teacher gives away a child whom she will not see afterwards, and the second lock would keep her from writing
    # that. So it is opened here, and the first one, `seen_by` in `_held`, says whose case she may give away.
    with scoped(people, None, writing=True) as session:
        row = _held(session, person, case_id, version)
        if row.closed_on is not None:
            raise RaksaError("This case is closed. Reopen it first.")
        if to is not None and to.learner_id != row.learner_id:
            raise RaksaError("A case stays with its child. Open another for another child.")
        add_step(session, person, row, "handed_over", said, now, owner=owner, agency=agency)
        if to is not None:
            row.school_id, row.area_id, row.grade, row.room = to.school_id, to.area_id, to.grade, to.room
            row.owner = owner  # "" until somebody there takes it: the new school sees that it is theirs to give
        session.flush()
        return _case(row)


# ------------------------------------------------------------------------------------------------------------ reading
def of_child(people: Engine, person: Person | None, place: Place) -> list[tuple[Case, list[Step]]]:
    """A child's cases with their steps, the newest case first, steps oldest first. Raises RaksaError if the person may
    not see the child who stands at `place`."""
    check_may_open(person, place)
    with scoped(people, person, learner=place.learner_id) as session:
        cases = session.scalars(
            select(CaseRow).where(CaseRow.learner_id == place.learner_id).order_by(CaseRow.id.desc())
        ).all()
        steps = session.scalars(
            select(CaseStepRow).where(CaseStepRow.learner_id == place.learner_id).order_by(CaseStepRow.id)
        ).all()
        return [(_case(row), [_seen(person, row, one) for one in steps if one.case_id == row.id]) for row in cases]


def open_cases(people: Engine, person: Person | None, *, owner: str = "") -> list[Case]:
    """Open cases in the person's scope (only one owner's, if named): what is longest overdue first."""
    query = select(CaseRow).where(CaseRow.closed_on.is_(None), seen_by(person)).order_by(CaseRow.due, CaseRow.id)
    if owner:
        query = query.where(CaseRow.owner == owner)
    with scoped(people, person) as session:
        return [_case(row) for row in session.scalars(query)]


def standing(people: Engine, person: Person | None, today: date) -> dict[str, dict[str, int]]:
    """School -> how many cases are open, overdue, without an owner, and closed in the last 90 days, where the person
    may see children counted. Small counts are hidden elsewhere."""
    counts: dict[str, dict[str, int]] = {}
    asked: dict[str, Select[str, int]] = {
        "open": select(CaseRow.school_id, func.count()).where(CaseRow.closed_on.is_(None)),
        "overdue": select(CaseRow.school_id, func.count()).where(CaseRow.closed_on.is_(None), CaseRow.due < today),
        "unowned": select(CaseRow.school_id, func.count()).where(CaseRow.closed_on.is_(None), CaseRow.owner == ""),
        "closed": select(CaseRow.school_id, func.count()).where(CaseRow.closed_on > today - timedelta(90)),
    }
    with scoped(people, person, counting=True) as session:
        for name, query in asked.items():
            found = session.execute(query.where(seen_by(person, counting=True)).group_by(CaseRow.school_id))
            for school, count in found:
                counts.setdefault(school, dict.fromkeys(asked, 0))[name] = count
    return counts


# ------------------------------------------------------------------------------------------------------------ inside
def _open(
    session: Session,
    person: Person | None,
    place: Place,
    signal: str,
    said: str,
    now: datetime,
    on: date,
    owner: str,
    days: Mapping[str, int],
) -> Case:
    """The case as it was opened on a day, and its first step."""
    if signal not in SIGNALS:
        raise RaksaError(f"Signal {signal!r} is unknown. Signals: {', '.join(SIGNALS)}.")
    _check_words(said)
    held = session.scalar(select(CaseRow).where(CaseRow.still == place.learner_id))
    if held is not None:
        raise RaksaError(f"This child has an open case already, since {held.opened_on}. Add a step to that one.")
    row = CaseRow(
        **vars(place),
        still=place.learner_id,
        signal=signal,
        opened_on=on,
        who=_username(person),
        stage="signal",
        owner=owner or _username(person),
        due=on + timedelta(days["signal"]),
        letters=0,
        checks_left=0,
        closing=None,
        closed_on=None,
        version=0,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:  # somebody opened one at this very moment
        raise RaksaError("This child has an open case already. Add a step to that one.") from None
    return add_step(session, person, row, "signal", said, now, on=on, days=days)


def add_step(
    session: Session,
    person: Person | None,
    row: CaseRow,
    kind: str,
    said: str,
    now: datetime,
    *,
    on: date | None = None,
    owner: str = "",
    due: date | None = None,
    agency: str = "",
    restricted: bool = False,
    days: Mapping[str, int] = DAYS,
) -> Case:
    """Write the step, and what it does to the case; the row is held until the end of the transaction."""
    day = on or today_in_bangkok(now)
    _check_words(said)
    if day > today_in_bangkok(now):
        raise RaksaError(
            f"The day {day} is not here yet; today is {today_in_bangkok(now)}. Give the day on which it was done."
        )
    if day < row.opened_on:
        raise RaksaError(f"The day {day} lies before the case was opened, {row.opened_on}. Correct the day.")
    row.stage, row.version = kind, row.version + 1
    row.owner = owner or row.owner
    row.letters += kind == "letter"
    if row.closed_on is not None:
        row.due = None
    elif row.checks_left and kind == "follow_up":
        row.checks_left -= 1
        row.due = day + timedelta(CHECK_DAYS)
        if not row.checks_left:
            row.closed_on, row.still, row.due = day, None, None
    elif due is not None:
        row.due = due
    elif not (row.checks_left and row.due):
        row.due = day + timedelta(days.get(kind, 7))
    place = {name: getattr(row, name) for name in _PLACE}
    who, who_name = _username(person), person.name if person else OPERATOR
    session.add(
        CaseStepRow(
            case_id=row.id, **place, day=day, kind=kind, said=said.strip(), restricted=restricted,
            agency=agency.strip(), owner=row.owner, due=row.due, who=who, who_name=who_name, written_at=now,
        )
    )  # fmt: skip
    if kind in CONTACTS:
        session.add(
            ContactRow(
                **place, day=day, kind=kind, text=said.strip(), restricted=restricted, version=1, who=who,
                who_name=who_name, written_at=now,
            )
        )  # fmt: skip
    session.flush()
    return _case(row)


_PLACE = ("learner_id", "school_id", "area_id", "grade", "room")


def _held(session: Session, person: Person | None, case_id: int, version: int) -> CaseRow:
    row = session.scalar(select(CaseRow).where(CaseRow.id == case_id, seen_by(person)).with_for_update())
    if row is None:
        raise RaksaError(f"There is no case {case_id} among the children of this account. Open the list again.")
    if row.version != version:
        raise CaseMovedOn(_case(row))
    return row


def _seen(person: Person | None, case: CaseRow, row: CaseStepRow) -> Step:
    """A step as this person may read it: a restricted one whole for its writer, the case's owner and the head of the
    school."""
    step = Step(
        id=row.id, case_id=row.case_id, on=row.day, kind=row.kind, said=row.said, restricted=row.restricted,
        agency=row.agency, owner=row.owner, due=row.due, by=row.who, by_name=row.who_name, written_at=row.written_at,
    )  # fmt: skip
    if not row.restricted or person is None or person.username in (row.who, case.owner):
        return step
    head = person.role == "school" and decide(person, row.school_id, row.area_id, row.grade, row.room).allowed
    return step if head else replace(step, said="", redacted=True)


def _check_words(said: str) -> None:
    if not said.strip():
        raise RaksaError("Nothing is said. Write in a sentence what was seen or done.")
    if len(said) > MOST_LETTERS:
        raise RaksaError(f"That is {len(said):,} letters; {MOST_LETTERS:,} are the most. Make it shorter.")


def _username(person: Person | None) -> str:
    return person.username if person else OPERATOR


def _case(row: CaseRow) -> Case:
    return Case(
        id=row.id, place=Place(**{name: getattr(row, name) for name in _PLACE}), signal=row.signal,
        opened_on=row.opened_on, opened_by=row.who, stage=row.stage, owner=row.owner, due=row.due, letters=row.letters,
        checks_left=row.checks_left, closing=row.closing, closed_on=row.closed_on, version=row.version,
    )  # fmt: skip
