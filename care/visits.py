"""The visit form: what was found at home, by telephone or at school, written in two minutes, and never lost on the way.

A draft is kept with every word, so that a lost connection, a closed browser or a restart loses nothing. Handing it in
writes the visit, a contact and, where the child has an open case, a step of it, all or nothing. What was told in
confidence goes into a restricted contact of its own and not among the rest. Photographs are made smaller, lose what the
camera wrote into them (where and when they were taken), and lie in a folder apart, readable by those who may read the
child.

    keep_draft(people, somsri, mali, {"agreed": "แม่จะ…"}, now)
    write_visit(people, somsri, mali, Form(on=date(2026, 6, 8), mode="visit", agreed="…"), now=now, home=settings.home)
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import BigInteger, Engine, Index, String, Text, delete, exists, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.cases import CaseRow, add_step
from care.contacts import AGAIN, MOST_LETTERS, OPERATOR, ContactRow, Place, check_may_open
from care.visit_paper import CAUSES, HELP, MODES
from raksa.access import Person, decide
from raksa.audit import AuditRow, Base, Entry, Moment
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import scoped, seen_by

# Sections of the form, in the order of the printed sheet (care.visit_paper.SECTIONS), then what schools ask besides.
SECTIONS = ("family", "work", "home", "day", "voice", "strengths")
MET = ("child", "guardian", "relative", "nobody")
PHOTOS = {
    "outside": ("บ้านด้านนอก", "the house from outside"),
    "inside": ("บ้านด้านใน", "inside"),
    "sign": ("ถ่ายกับป้ายโรงเรียนแทน", "at the school's sign instead"),
}
MOST_PHOTO_BYTES, MOST_PIXELS, LONG_SIDE = 15_000_000, 50_000_000, 1280


@dataclass(frozen=True)
class Form:
    """What a person fills in. Every part but the day and the mode may be empty: empty = not asked, or not said.

    sections: code of SECTIONS → words. `private` is what was told in confidence; it is kept apart. `no_photo_because`
    says why there is none, where a school's own form asks for one.
    """

    on: date
    mode: str
    met: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    agreed: str = ""
    next_on: date | None = None
    no_photo_because: str = ""
    private: str = ""


@dataclass(frozen=True)
class Visit:
    """A visit as it was handed in. `photos` are the kinds there are pictures of; `private` is never in it."""

    id: int
    place: Place
    form: Form
    by: str
    by_name: str
    written_at: datetime
    photos: tuple[str, ...] = ()


class WrittenBefore(RaksaError):
    """The same visit stands there already. Nothing was written, and nothing has to be."""


class VisitRow(Base):
    """Rows are only ever added: what was seen on a day stays what was seen."""

    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_learner", "learner_id", "day"),
        Index("ix_visit_school", "school_id", "day"),
        Index("ix_visit_area", "area_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(BigInteger)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    day: Mapped[date]
    form: Mapped[str] = mapped_column(Text)
    photos: Mapped[str] = mapped_column(String(80))
    who: Mapped[str] = mapped_column(String(64))
    who_name: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime] = mapped_column(Moment)


class DraftRow(Base):
    """What one person has begun to write about one child; gone when it is handed in."""

    __tablename__ = "visit_draft"
    __table_args__ = (Index("ix_visit_draft_school", "school_id"),)

    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    learner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Moment)


# --------------------------------------------------------------------------------------------------------------- drafts
def keep_draft(people: Engine, person: Person, place: Place, words: Mapping[str, Any], now: datetime) -> None:
    """Keep what a person has written so far about a child: JSON-able words by field. Raises RaksaError if she may not
    see the child, or it is longer than any form."""
    check_may_open(person, place)
    text = json.dumps(words, ensure_ascii=False, default=str)
    if len(text) > 10 * MOST_LETTERS:
        raise RaksaError(f"The draft has {len(text):,} letters; {10 * MOST_LETTERS:,} are the most. Make it shorter.")
    with scoped(people, person, writing=True) as session:
        session.merge(DraftRow(who=person.username, **vars(place), words=text, changed_at=now))


def draft(people: Engine, person: Person, place: Place) -> dict[str, Any]:
    """What the person has written so far about the child; empty if nothing."""
    check_may_open(person, place)
    with scoped(people, person, learner=place.learner_id) as session:
        row = session.get(DraftRow, (person.username, place.learner_id))
        return dict(json.loads(row.words)) if row else {}


def drop_draft(people: Engine, person: Person, place: Place) -> None:
    with scoped(people, person, writing=True, learner=place.learner_id) as session:
        _drop(session, person, place)


def drafts(people: Engine, person: Person) -> list[Place]:
    """Children about whom the person has begun to write, the latest first."""
    query = (
        select(DraftRow).where(DraftRow.who == person.username, seen_by(person)).order_by(DraftRow.changed_at.desc())
    )
    with scoped(people, person) as session:
        return [_place(row) for row in session.scalars(query)]


# ---------------------------------------------------------------------------------------------------------- handing in
def write_visit(
    people: Engine,
    person: Person | None,
    place: Place,
    form: Form,
    *,
    now: datetime,
    home: Path,
    photos: Mapping[str, bytes] | None = None,
    line: int | None = None,
) -> Visit:
    """Hand a form in: the visit, a contact, a step of the open case if there is one, and no draft any more; all of it
    or nothing. The same form once more within AGAIN is the visit that stands already. `photos`: kind of PHOTOS → the
    file as the telephone made it. `line`: of the sheet the form stands on; the log then names the child with the line,
    in the same transaction.

    Raises WrittenBefore if a `line` says what a visit to the child says already, also one that is handed in at this
    very moment from elsewhere; RaksaError if the person may not see the child, a code is not known, the day is not
    here yet, nothing is written, or a photograph is none.
    """
    check_may_open(person, place)
    _check(form, now)
    small = {kind: _smaller(kind, content) for kind, content in (photos or {}).items()}
    who, who_name = person.username if person else OPERATOR, person.name if person else OPERATOR
    said = _said(form)
    row = VisitRow(
        **vars(place), day=form.on, form=_as_text(form), photos=",".join(small), who=who, who_name=who_name,
        written_at=now,
    )  # fmt: skip
    with scoped(people, person, writing=True, learner=place.learner_id) as session:
        _one_after_the_other(session, place)
        if line is not None:
            the_same = (VisitRow.learner_id == place.learner_id, VisitRow.day == form.on, VisitRow.form == row.form)
            if session.scalar(select(exists().where(*the_same))):
                raise WrittenBefore("This visit was handed in before. Nothing more to do.")
            why = decide(person, place.school_id, place.area_id, place.grade, place.room).reason
            entry = Entry(now, who, "visit_from_sheet", place.learner_id, f"line {line}", why)
            session.add(AuditRow(**vars(entry)))
        elif (held := _handed_in(session, row, form.private.strip())) is not None:
            if person is not None:
                _drop(session, person, place)
            return _visit(held)
        session.add(row)
        case = session.scalar(
            select(CaseRow).where(CaseRow.still == place.learner_id, seen_by(person)).with_for_update()
        )
        if case is not None and form.on >= case.opened_on:
            add_step(session, person, case, form.mode, said, now, on=form.on, due=form.next_on)
        else:
            session.add(_contact(place, form.on, form.mode, said, False, who, who_name, now))
        if form.private.strip():
            session.add(_contact(place, form.on, "note", form.private.strip(), True, who, who_name, now))
        if person is not None:
            _drop(session, person, place)
        session.flush()
        # Before the rows count: a visit that says it has pictures has them.
        folder = _folder(home, row.id)
        for kind, content in small.items():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / f"{kind}.jpg").write_bytes(content)
        return _visit(row)


def of_child(people: Engine, person: Person | None, place: Place) -> list[Visit]:
    """Visits to a child, newest first. Raises RaksaError if the person may not see the child who stands at `place`."""
    check_may_open(person, place)
    query = select(VisitRow).where(VisitRow.learner_id == place.learner_id)
    with scoped(people, person, learner=place.learner_id) as session:
        return [_visit(row) for row in session.scalars(query.order_by(VisitRow.day.desc(), VisitRow.id.desc()))]


def in_scope(people: Engine, person: Person | None, since: date) -> list[Visit]:
    """Visits made on or after a day to children who stood in the person's scope then, oldest first."""
    query = select(VisitRow).where(VisitRow.day >= since, seen_by(person)).order_by(VisitRow.day, VisitRow.id)
    with scoped(people, person) as session:
        return [_visit(row) for row in session.scalars(query)]


def photo(people: Engine, person: Person | None, place: Place, visit_id: int, kind: str, home: Path) -> bytes | None:
    """One photograph (JPEG) of a visit to a child the person may see; None if there is none."""
    held = next((one for one in of_child(people, person, place) if one.id == visit_id), None)
    if held is None or kind not in held.photos:
        return None
    file = _folder(home, visit_id) / f"{kind}.jpg"
    return file.read_bytes() if file.is_file() else None


# ------------------------------------------------------------------------------------------------------------- inside
def _one_after_the_other(session: Session, place: Place) -> None:
    """Until the end of the transaction nobody else hands in a visit to this child. On SQLite nobody writes at all
    (`scoped`); PostgreSQL has no row yet that could be held, so a number that stands for the child is."""
    if session.get_bind().dialect.name == "postgresql":
        held = func.hashtextextended(f"visit {place.learner_id}", 0)
        session.execute(select(func.pg_advisory_xact_lock(held)))


def _handed_in(session: Session, row: VisitRow, private: str) -> VisitRow | None:
    """The same form of the same person within the hour: she was not told that it was handed in, and pressed again."""
    same = {name: getattr(row, name) for name in ("learner_id", "day", "form", "photos", "who")}
    lately = row.written_at - AGAIN
    held = session.scalar(select(VisitRow).filter_by(**same).where(VisitRow.written_at > lately))
    if held is None or not private:
        return held
    told = select(ContactRow.id).where(
        ContactRow.learner_id == row.learner_id, ContactRow.who == row.who, ContactRow.restricted,
        ContactRow.text == private, ContactRow.written_at > lately,
    )  # fmt: skip
    return held if session.scalar(told.limit(1)) else None


def _check(form: Form, now: datetime) -> None:
    for name, words, known in (
        ("mode", (form.mode,), MODES),
        ("person met", form.met, MET),
        ("section", form.sections, SECTIONS),
        ("cause", form.causes, CAUSES),
        ("help", form.help, HELP),
    ):
        if unknown := [word for word in words if word not in known]:
            raise RaksaError(f"The {name} {unknown[0]!r} is unknown. Known: {', '.join(known)}.")
    if form.on > today_in_bangkok(now):
        raise RaksaError(f"The day {form.on} is not here yet. Give the day of the visit.")
    if form.next_on is not None and form.next_on < form.on:
        raise RaksaError(f"The next time, {form.next_on}, lies before the visit. Correct one of the two.")
    if not (_said(form) or form.private.strip()):
        raise RaksaError("The form is empty. Write at least what was agreed, or that nobody was met.")
    if len(_as_text(form)) > 4 * MOST_LETTERS:
        raise RaksaError(f"The form is longer than {4 * MOST_LETTERS:,} letters. Make it shorter.")


def _said(form: Form) -> str:
    """The form in a few lines, as the child's contacts show it; "" if nothing is written."""
    met = "ไม่พบใคร" if form.met == ("nobody",) else ""
    causes = ", ".join(CAUSES[code][0] for code in form.causes)
    needed = ", ".join(HELP[code][0] for code in form.help)
    lines = [
        met, form.agreed.strip(), f"เหตุที่พบ: {causes}" if causes else "", f"ต้องการ: {needed}" if needed else "",
        *(text.strip() for text in form.sections.values()),
    ]  # fmt: skip
    return "\n".join(filter(None, lines))[:MOST_LETTERS]


def _smaller(kind: str, content: bytes) -> bytes:
    """A photograph as JPEG with its long side at 1280 pixels and nothing in it but the picture."""
    if kind not in PHOTOS:
        raise RaksaError(f"The picture {kind!r} is unknown. Known: {', '.join(PHOTOS)}.")
    if len(content) > MOST_PHOTO_BYTES:
        raise RaksaError(f"The picture has {len(content) / 1e6:.0f} MB; {MOST_PHOTO_BYTES / 1e6:.0f} are the most.")
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.format not in ("JPEG", "PNG", "WEBP", "MPO") or opened.width * opened.height > MOST_PIXELS:
                raise RaksaError("The picture is no JPEG, PNG or WebP of a telephone's size. Take it again.")
            upright = ImageOps.exif_transpose(opened).convert("RGB")  # before the camera's notes, turn among them, go
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RaksaError("The picture cannot be read. Take it again.") from None
    upright.thumbnail((LONG_SIDE, LONG_SIDE))
    clean, out = Image.new("RGB", upright.size), io.BytesIO()
    clean.paste(upright)
    clean.save(out, "JPEG", quality=80)
    return out.getvalue()


def _folder(home: Path, visit: int) -> Path:
    return home / "photos" / f"{visit // 1000:06d}" / f"{visit}"


def _contact(
    place: Place, day: date, kind: str, text: str, restricted: bool, who: str, who_name: str, now: datetime
) -> ContactRow:
    return ContactRow(
        **vars(place), day=day, kind=kind, text=text, restricted=restricted, version=1, who=who, who_name=who_name,
        written_at=now,
    )  # fmt: skip


def _drop(session: Session, person: Person, place: Place) -> None:
    session.execute(delete(DraftRow).where(DraftRow.who == person.username, DraftRow.learner_id == place.learner_id))


def _as_text(form: Form) -> str:
    held = asdict(form) | {"private": ""}
    return json.dumps(held, ensure_ascii=False, default=str, sort_keys=True)


def _form(text: str) -> Form:
    held = json.loads(text)
    days = {name: date.fromisoformat(held[name]) if held[name] else None for name in ("on", "next_on")}
    lists: dict[str, Sequence[str]] = {name: tuple(held[name]) for name in ("met", "causes", "help")}
    return Form(**{**held, **days, **lists})


def _place(row: VisitRow | DraftRow) -> Place:
    return Place(row.learner_id, row.school_id, row.area_id, row.grade, row.room)


def _visit(row: VisitRow) -> Visit:
    photos = tuple(filter(None, row.photos.split(",")))
    return Visit(row.id, _place(row), _form(row.form), row.who, row.who_name, row.written_at, photos)
