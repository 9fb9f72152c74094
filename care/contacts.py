"""What anyone did for a child: a visit, a call, a talk at school, a letter, a note. Any of them counts the same.

A contact is written down with where the child stood then, so that it stays with the class and school that did it. It is
never lost: a change keeps what stood before, and two people who edit at once are told of each other.

    mali = Place(101, "10000001", "2401", "ม.3", "1")
    seen = write(people, somsri, mali, on=date(2026, 6, 5), kind="visit", text="แม่ไปทำงานที่ระยอง …", now=now)
    change(people, somsri, seen.id, seen.version, text="…", now=now)        # ChangedMeanwhile if somebody was quicker
    of_child(people, somsri, mali)                                          # newest first
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, Engine, ForeignKey, Index, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from raksa.access import Person, decide
from raksa.audit import Base, Moment
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import scoped, seen_by

KINDS = ("visit", "call", "at_school", "letter", "note")
MOST_LETTERS = 4000
# Who was not told that her words were written (the database went away as it said so) presses again within this time.
AGAIN = timedelta(hours=1)
OPERATOR = "(operator)"  # who wrote it, when it came from the command line; no account can have this name


@dataclass(frozen=True)
class Place:
    """A child and where she stands: school, service area (None if none is known), grade and room."""

    learner_id: int
    school_id: str
    area_id: str | None
    grade: str | None
    room: str | None


@dataclass(frozen=True)
class Contact:
    """One thing done for a child. `place` is where she stood then; `on` the day it was done.

    `by` is the account that wrote it, `by_name` the person's name then. `version` counts from 1 and goes up with each
    change; `changed_at` and `changed_by` are None before the first. `redacted`: there is a text, but this reader may
    not see it; ask `by_name`, or the head of the school.
    """

    id: int
    place: Place
    on: date
    kind: str
    text: str
    restricted: bool
    by: str
    by_name: str
    written_at: datetime
    version: int = 1
    changed_at: datetime | None = None
    changed_by: str | None = None
    redacted: bool = False


class ChangedMeanwhile(RaksaError):
    """Somebody changed the contact after it was read; `present` is what stands now. Nothing was written."""

    def __init__(self, present: Contact) -> None:
        super().__init__(
            f"This entry was changed meanwhile by {present.changed_by or present.by_name}. "
            "Look at what stands now, then change it again."
        )
        self.present = present


class _Row(Base):
    """Where the child stood, and what is said: the same in what stands and in what stood before."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(BigInteger)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    restricted: Mapped[bool]
    version: Mapped[int]
    changed_at: Mapped[datetime | None] = mapped_column(Moment)
    changed_by: Mapped[str | None] = mapped_column(String(64))


class ContactRow(_Row):
    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_learner", "learner_id", "day"),
        Index("ix_contact_school", "school_id", "grade", "room", "learner_id", "day", "area_id"),
        Index("ix_contact_area", "area_id", "learner_id", "day", "school_id"),
    )

    who: Mapped[str] = mapped_column(String(64))
    who_name: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime] = mapped_column(Moment)


class ContactVersionRow(_Row):
    """What stood before a change. Rows are only ever added."""

    __tablename__ = "contact_version"
    __table_args__ = (UniqueConstraint("contact_id", "version", name="uq_contact_version"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))


def write(
    people: Engine,
    person: Person | None,
    place: Place,
    *,
    on: date,
    kind: str,
    text: str,
    now: datetime,
    restricted: bool = False,
) -> Contact:
    """Write down what was done for a child who stands at `place`. The same words once more within AGAIN are the entry
    that stands already, and no second one.

    Raises RaksaError if the person may not see the child, the text is empty or has more than 4,000 letters, the kind
    is none of KINDS, or the day lies after today (Bangkok).
    """
    check_may_open(person, place)
    _check(on, kind, text, now)
    row = ContactRow(
        **vars(place),
        day=on,
        kind=kind,
        text=text.strip(),
        restricted=restricted,
        version=1,
        who=_username(person),
        who_name=person.name if person else OPERATOR,
        written_at=now,
    )
    with scoped(people, person, writing=True) as session:
        held = session.scalar(
            select(ContactRow)
            .filter_by(**{name: getattr(row, name) for name in _SAME})
            .where(ContactRow.written_at > now - AGAIN)
        )
        if held is not None:
            return _contact(held)
        session.add(row)
        session.flush()
        return _contact(row)


def change(
    people: Engine,
    person: Person | None,
    contact_id: int,
    version: int,
    *,
    now: datetime,
    on: date | None = None,
    kind: str | None = None,
    text: str | None = None,
    restricted: bool | None = None,
) -> Contact:
    """Change what is given of a contact read at `version`; what stood before is kept.

    Raises ChangedMeanwhile if that is not the present version, and RaksaError if there is no such contact in the
    person's scope, or the person is neither its writer nor of its school's leadership.
    """
    with scoped(people, person, writing=True) as session:
        # The row is held until the end: of two editors the second reads what the first has written.
        held = select(ContactRow).where(ContactRow.id == contact_id, seen_by(person)).with_for_update()
        row = session.scalar(held)
        if row is None:
            raise RaksaError(f"There is no entry {contact_id} among the children of this account. Open the list again.")
        present = _contact(row)
        if not _trusted(person, present):
            raise RaksaError(
                f"Only {present.by_name} and the head of the school change this entry. Write one of your own."
            )
        if row.version != version:
            raise ChangedMeanwhile(present)
        session.add(ContactVersionRow(contact_id=row.id, **{name: getattr(row, name) for name in _KEPT}))
        row.day = present.on if on is None else on
        row.kind = present.kind if kind is None else kind
        row.text = present.text if text is None else text.strip()
        row.restricted = present.restricted if restricted is None else restricted
        row.version, row.changed_at, row.changed_by = version + 1, now, _username(person)
        _check(row.day, row.kind, row.text, now)
        session.flush()
        return _contact(row)


def of_child(people: Engine, person: Person | None, place: Place) -> list[Contact]:
    """Everything done for a child who now stands at `place`, newest first, wherever she stood when it was done.

    The text of a restricted one is redacted for everyone but its writer and the leadership of the school where it was
    written. Raises RaksaError if the person may not see the child.
    """
    check_may_open(person, place)
    query = select(ContactRow).where(ContactRow.learner_id == place.learner_id)
    with scoped(people, person, learner=place.learner_id) as session:
        rows = session.scalars(query.order_by(ContactRow.day.desc(), ContactRow.id.desc()))
        return [_as_seen_by(person, _contact(row)) for row in rows]


def last_contacts(people: Engine, person: Person | None) -> dict[int, date]:
    """Learner -> day of the latest contact, for the children who stood in the person's scope then.

    A learner without one is not in it. Nothing but the day: which contact it was, `of_child` says.
    """
    query = select(ContactRow.learner_id, func.max(ContactRow.day)).where(seen_by(person))
    with scoped(people, person) as session:
        return dict(session.execute(query.group_by(ContactRow.learner_id)).all())


def by_school(people: Engine, person: Person | None, since: date) -> dict[str, int]:
    """School -> contacts on or after a day, where the person may see children counted. Schools without one are absent.

    Whether a small count may be shown is asked elsewhere (`access.sees_whole_cells`).
    """
    query = select(ContactRow.school_id, func.count()).where(ContactRow.day >= since, seen_by(person, counting=True))
    with scoped(people, person, counting=True) as session:
        return dict(session.execute(query.group_by(ContactRow.school_id)).all())


_PLACE = ("learner_id", "school_id", "area_id", "grade", "room")
_SAME = (*_PLACE, "day", "kind", "text", "restricted", "who")
_KEPT = (*_PLACE, "day", "kind", "text", "restricted", "version", "changed_at", "changed_by")


def check_may_open(person: Person | None, place: Place) -> None:
    """Raises RaksaError, with the reason, if raksa.access does not open a child who stands at `place` to the person."""
    answer = decide(person, place.school_id, place.area_id, place.grade, place.room)
    if not answer.allowed:
        raise RaksaError(f"This account may not open this child: {answer.reason}. Ask whoever looks after accounts.")


def _trusted(person: Person | None, contact: Contact) -> bool:
    """Its writer, and the leadership of the school it was written in: they read it whole and change it."""
    if person is None or person.username == contact.by:
        return True
    place = contact.place
    return person.role == "school" and decide(person, place.school_id, place.area_id, place.grade, place.room).allowed


def _as_seen_by(person: Person | None, contact: Contact) -> Contact:
    if contact.restricted and not _trusted(person, contact):
        return replace(contact, text="", redacted=True)
    return contact


def _check(on: date, kind: str, text: str, now: datetime) -> None:
    if kind not in KINDS:
        raise RaksaError(f"Kind {kind!r} is unknown. Kinds: {', '.join(KINDS)}.")
    if not text.strip():
        raise RaksaError("The entry has no words. Write in a sentence what was done.")
    if len(text) > MOST_LETTERS:
        raise RaksaError(f"The entry has {len(text):,} letters; {MOST_LETTERS:,} are the most. Make it shorter.")
    if on > (today := today_in_bangkok(now)):
        raise RaksaError(f"The day {on} is not here yet; today is {today}. Give the day on which it was done.")


def _username(person: Person | None) -> str:
    return person.username if person else OPERATOR


def _contact(row: ContactRow) -> Contact:
    return Contact(
        id=row.id,
        place=Place(**{name: getattr(row, name) for name in _PLACE}),
        on=row.day,
        kind=row.kind,
        text=row.text,
        restricted=row.restricted,
        by=row.who,
        by_name=row.who_name,
        written_at=row.written_at,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
