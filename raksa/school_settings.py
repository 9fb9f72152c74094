"""What a school sets for itself: how many children it can see to, and when it wants to be told of days away.

A value is never overwritten: each is a new row with who, when and why, and the latest holds. A row for all schools
(school '') holds where a school has set nothing; without either, the default does.

    put(people, wichai, "10000001", "capacity", 12, "two more teachers this term", now)
    of = in_force(people)
    of("10000001").capacity                                                      # 12.0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Float, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from raksa.access import Person, Scope
from raksa.audit import Base, Moment
from raksa.errors import RaksaError

EVERY_SCHOOL = ""


@dataclass(frozen=True)
class Name:
    """One thing a school can set: its default (None = worked out elsewhere), range, whether it is a whole number."""

    name: str
    default: float | None
    least: float
    most: float
    whole: bool
    means_th: str
    means_en: str


# Days in a row and in a month are those at which Thai schools ask and write home (ONEC-PROJ); 80 % is the line below
# which there is no final examination, 90 and 88 % the warnings before it (DOMAIN 7.3, 7.4).
NAMES = {
    each.name: each
    for each in (
        Name("capacity", None, 1, 5000, True,
             "จำนวนเด็กที่โรงเรียนดูแลได้ในคราวเดียว ถ้าไม่ตั้งไว้จะคิดจากจำนวนเด็กทั้งโรงเรียน",
             "children the school can see to at a time; not set: a share of its roll"),
        Name("in_row_notice", 3, 1, 60, True,
             "ขาดเรียนติดต่อกันกี่วันจึงติดตาม", "days away in a row after which somebody asks"),
        Name("in_row_letter", 5, 1, 60, True,
             "ขาดเรียนติดต่อกันกี่วันจึงมีหนังสือถึงผู้ปกครอง", "days away in a row after which a letter goes home"),
        Name("in_month", 7, 1, 31, True,
             "ขาดเรียนในหนึ่งเดือนกี่วันจึงมีหนังสือถึงผู้ปกครอง", "days away within a month after which a letter goes home"),
        Name("attended_first", 0.90, 0, 1, False,
             "สัดส่วนเวลาเรียนที่เตือนครั้งแรก", "share of days attended below which comes the first word"),
        Name("attended_second", 0.88, 0, 1, False,
             "สัดส่วนเวลาเรียนที่เตือนครั้งที่สอง", "share of days attended below which comes the second word"),
        Name("attended_last", 0.80, 0, 1, False,
             "สัดส่วนเวลาเรียนขั้นต่ำเพื่อมีสิทธิสอบปลายภาค",
             "share of days attended below which there is no final examination"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class SchoolSettings:
    """What holds for a school: counts of days, shares 0–1, and children. `capacity` None: the share of its roll that
    settings.capacity_share says."""

    capacity: float | None = NAMES["capacity"].default
    in_row_notice: float = 3
    in_row_letter: float = 5
    in_month: float = 7
    attended_first: float = 0.90
    attended_second: float = 0.88
    attended_last: float = 0.80


@dataclass(frozen=True)
class Change:
    """One line of the history. `value` None: back to what holds without it."""

    school_id: str
    name: str
    value: float | None
    by: str
    at: datetime
    why: str


class SchoolSettingRow(Base):
    __tablename__ = "school_setting"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[float | None] = mapped_column(Float)
    who: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)
    why: Mapped[str] = mapped_column(Text)


def in_force(people: Engine) -> Callable[[str], SchoolSettings]:
    """What holds now, for any school id: the school's own value, else that of all schools, else the default."""
    latest = select(func.max(SchoolSettingRow.id)).group_by(SchoolSettingRow.school_id, SchoolSettingRow.name)
    query = select(SchoolSettingRow.school_id, SchoolSettingRow.name, SchoolSettingRow.value)
    held: dict[str, dict[str, float]] = {}
    with Session(people) as session:
        for school_id, name, value in session.execute(query.where(SchoolSettingRow.id.in_(latest))):
            if value is not None and name in NAMES:  # a name an earlier version knew is left alone
                held.setdefault(school_id, {})[name] = value
    everywhere = held.get(EVERY_SCHOOL, {})
    return lambda school_id: SchoolSettings(**(everywhere | held.get(school_id, {})))


def put(
    people: Engine,
    person: Person | None,
    school_id: str,
    name: str,
    value: float | None,
    why: str,
    now: datetime,
    *,
    area_id: str | None = None,
) -> SchoolSettings:
    """Set a value for a school ('' = every school), or take it back (None); returns what then holds there.

    An admin sets it anywhere, an area for schools of its own areas (`area_id`: the one the school is in), a school for
    itself. Raises RaksaError if the person may not, the name is unknown, the value does not fit or no reason is given.
    """
    if not _may(person, school_id, area_id):
        if not school_id:
            raise RaksaError("This account does not set anything for all schools. Ask an administrator.")
        raise RaksaError(
            "This account does not set anything for school {school}. Ask the school, its area or an administrator.",
            school=school_id,
        )
    if name not in NAMES:
        raise RaksaError("School setting {name!r} is unknown. Known: {known}.", name=name, known=", ".join(NAMES))
    held = NAMES[name]
    fits = value is None or (held.least <= value <= held.most and (not held.whole or value == int(value)))
    if not fits:
        if held.whole:
            raise RaksaError(
                "{name} = {value:g} does not fit. Give a whole number from {least:g} to {most:g}.",
                name=name,
                value=value,
                least=held.least,
                most=held.most,
            )
        raise RaksaError(
            "{name} = {value:g} does not fit. Give a share from {least:g} to {most:g}.",
            name=name,
            value=value,
            least=held.least,
            most=held.most,
        )
    if not why.strip():
        raise RaksaError(
            "No reason is given for {name}. Say in a sentence why it changes, for those who ask later.", name=name
        )
    who = person.username if person else "(operator)"
    with Session(people) as session, session.begin():
        session.add(SchoolSettingRow(school_id=school_id, name=name, value=value, who=who, at=now, why=why.strip()))
    return in_force(people)(school_id)


def history(people: Engine, school_id: str) -> list[Change]:
    """What was ever set for a school or for all of them, newest first."""
    query = select(SchoolSettingRow).where(SchoolSettingRow.school_id.in_([school_id, EVERY_SCHOOL]))
    with Session(people) as session:
        rows = session.scalars(query.order_by(SchoolSettingRow.id.desc()))
        return [Change(row.school_id, row.name, row.value, row.who, row.at, row.why) for row in rows]


def _may(person: Person | None, school_id: str, area_id: str | None) -> bool:
    if person is None:
        return True
    if not person.active:
        return False
    if person.role == "admin":
        return True
    if not school_id:
        return False
    place = {"school": Scope("school", school_id), "area": Scope("area", area_id or "")}.get(person.role)
    return place in person.scopes
