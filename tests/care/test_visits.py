"""The visit form: drafts that survive, a hand-in that is all or nothing, pictures without what the camera wrote."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import Engine, select

from care import cases
from care.contacts import ContactRow, Place, last_contacts
from care.contacts import of_child as contacts_of
from care.visits import Form, draft, drafts, drop_draft, in_scope, keep_draft, of_child, photo, write_visit
from raksa.access import Person, Scope
from raksa.errors import RaksaError
from raksa.people import open_people, scoped
from raksa.settings import Settings
from tests.cast import BAIBUA, KAMOL, KONG, MALI, PIM, SCHOOLS, SOMSRI, THUNG_NA, WICHAI, Learner

NOW = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
TODAY = date(2026, 6, 8)
HERS = Form(
    on=TODAY, mode="visit", met=("child", "guardian"), sections={"family": "อยู่กับยาย", "voice": "อยากเรียนต่อ"},
    causes=("income", "transport"), help=("money",), agreed="ยายจะพามาส่งทุกวัน", next_on=TODAY + timedelta(14),
)  # fmt: skip


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def picture(size: tuple[int, int] = (4000, 3000), kind: str = "JPEG") -> bytes:
    """As a telephone takes it: lying on its side, with place and model in it."""
    image, out = Image.new("RGB", size, (40, 90, 80)), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "โทรศัพท์ของครู"
    exif.get_ifd(0x8825)[2] = (16.0, 30.0, 12.0)
    image.save(out, kind, exif=exif)
    return out.getvalue()


def test_a_draft_outlives_a_closed_browser_and_a_restart_and_is_gone_when_handed_in(people_settings: Settings) -> None:
    people = open_people(people_settings)
    keep_draft(people, SOMSRI, place(MALI), {"agreed": "ยายจะ"}, NOW)
    keep_draft(people, SOMSRI, place(MALI), {"agreed": "ยายจะพามา", "causes": ["income"]}, NOW)
    people.dispose()
    people = open_people(people_settings)
    assert draft(people, SOMSRI, place(MALI)) == {"agreed": "ยายจะพามา", "causes": ["income"]}
    assert draft(people, WICHAI, place(MALI)) == {}  # a draft is its writer's alone
    assert [one.learner_id for one in drafts(people, SOMSRI)] == [MALI.learner_id]
    write_visit(people, SOMSRI, place(MALI), HERS, now=NOW, home=people_settings.home)
    assert draft(people, SOMSRI, place(MALI)) == {} and drafts(people, SOMSRI) == []
    people.dispose()


def test_a_visit_comes_back_as_it_was_written_and_is_a_contact(people: Engine, tmp_path: Path) -> None:
    made = write_visit(people, SOMSRI, place(MALI), HERS, now=NOW, home=tmp_path)
    (held,) = of_child(people, KAMOL, place(MALI))
    assert held == made and held.form == HERS and held.by_name == SOMSRI.name
    assert last_contacts(people, SOMSRI) == {MALI.learner_id: TODAY}
    (contact,) = contacts_of(people, SOMSRI, place(MALI))
    assert contact.kind == "visit" and "ยายจะพามาส่งทุกวัน" in contact.text and "รายได้ไม่พอ" in contact.text
    assert [one.id for one in in_scope(people, WICHAI, TODAY)] == [made.id]


def test_a_visit_is_a_step_of_the_open_case_and_sets_its_next_day(people: Engine, tmp_path: Path) -> None:
    cases.open_case(people, SOMSRI, place(KONG), signal="in_row", said="ไม่มาเรียน 6 วัน", now=NOW - timedelta(2))
    write_visit(people, SOMSRI, place(KONG), HERS, now=NOW, home=tmp_path)
    ((case, steps),) = cases.of_child(people, SOMSRI, place(KONG))
    assert (case.stage, case.due, case.version) == ("visit", HERS.next_on, 2)
    assert [one.kind for one in steps] == ["signal", "visit"]
    assert len(contacts_of(people, SOMSRI, place(KONG))) == 1  # once, not twice


def test_what_was_told_in_confidence_is_apart_and_in_no_visit(people: Engine, tmp_path: Path) -> None:
    told = Form(on=TODAY, mode="visit", agreed="จะโทรอีกครั้ง", private="เรื่องที่เล่าด้วยความไว้ใจ")
    write_visit(people, SOMSRI, place(MALI), told, now=NOW, home=tmp_path)
    (held,) = of_child(people, SOMSRI, place(MALI))
    assert held.form.private == "" and "ไว้ใจ" not in json.dumps(held.form.agreed, ensure_ascii=False)
    seen = {c.restricted: (c.text, c.redacted) for c in contacts_of(people, KAMOL, place(MALI))}
    assert seen[True] == ("", True) and seen[False][0] == "จะโทรอีกครั้ง"


def test_a_picture_stands_upright_is_small_and_says_nothing_of_where_it_was_taken(
    people: Engine, tmp_path: Path
) -> None:
    made = write_visit(people, SOMSRI, place(MALI), HERS, now=NOW, home=tmp_path, photos={"outside": picture()})
    kept = photo(people, WICHAI, place(MALI), made.id, "outside", tmp_path)
    assert kept is not None and len(kept) < 300_000
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (960, 1280) and not dict(image.getexif()) and "exif" not in image.info
    assert "โทรศัพท์".encode() not in kept
    assert photo(people, WICHAI, place(MALI), made.id, "inside", tmp_path) is None
    (file,) = (tmp_path / "photos").rglob("*.jpg")
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a....", picture()[:2000], b"\xff" * 15_000_001])
def test_what_is_no_picture_is_refused_and_nothing_is_written(people: Engine, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RaksaError, match="picture"):
        write_visit(people, SOMSRI, place(MALI), HERS, now=NOW, home=tmp_path, photos={"outside": content})
    assert of_child(people, SOMSRI, place(MALI)) == [] and last_contacts(people, SOMSRI) == {}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mode": "drone"}, "mode 'drone' is unknown"),
        ({"causes": ("laziness",)}, "cause 'laziness' is unknown"),
        ({"help": ("luck",)}, "help 'luck' is unknown"),
        ({"on": date(2026, 6, 9)}, "is not here yet"),
        ({"next_on": date(2026, 6, 1)}, "lies before the visit"),
        ({"agreed": " "}, "is empty"),
        ({"agreed": "ก" * 20_000}, "Make it shorter"),
    ],
)
def test_what_does_not_fit_is_said(people: Engine, tmp_path: Path, wrong: dict[str, object], sentence: str) -> None:
    form = Form(**({"on": TODAY, "mode": "visit", "agreed": "ตกลงแล้ว"} | wrong))  # type: ignore[arg-type]
    with pytest.raises(RaksaError, match=sentence):
        write_visit(people, SOMSRI, place(MALI), form, now=NOW, home=tmp_path)
    assert of_child(people, SOMSRI, place(MALI)) == []


def test_nobody_met_is_worth_writing(people: Engine, tmp_path: Path) -> None:
    form = Form(on=TODAY, mode="visit", met=("nobody",))
    write_visit(people, SOMSRI, place(MALI), form, now=NOW, home=tmp_path)
    assert "ไม่พบใคร" in contacts_of(people, SOMSRI, place(MALI))[0].text


@pytest.mark.parametrize("person", [PIM, Person("x", "x", "teacher", (Scope("class", f"{THUNG_NA}|ป.1|1"),))])
def test_whoever_may_not_open_baibua_writes_nothing_of_her(people: Engine, tmp_path: Path, person: Person) -> None:
    for attempt in (
        lambda: write_visit(people, person, place(BAIBUA), HERS, now=NOW, home=tmp_path),
        lambda: keep_draft(people, person, place(BAIBUA), {}, NOW),
        lambda: of_child(people, person, place(BAIBUA)),
    ):
        with pytest.raises(RaksaError, match="may not open this child"):
            attempt()
    assert in_scope(people, person, TODAY) == []


def test_a_draft_can_be_thrown_away(people: Engine) -> None:
    keep_draft(people, SOMSRI, place(MALI), {"agreed": "…"}, NOW)
    drop_draft(people, SOMSRI, place(MALI))
    assert draft(people, SOMSRI, place(MALI)) == {}
    with scoped(people, None) as session:
        assert session.scalars(select(ContactRow)).all() == []
