"""What was done for a child: written once, changed without losing anything, read by whom it is for."""

import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from care.contacts import (
    ChangedMeanwhile,
    Contact,
    ContactVersionRow,
    Place,
    by_school,
    change,
    last_contacts,
    of_child,
    write,
)
from raksa.access import Person, Scope
from raksa.errors import RaksaError
from raksa.people import PeopleAway, open_people, scoped
from raksa.settings import Settings
from tests.cast import (
    ADMIN,
    ADULTS,
    BAIBUA,
    CHILDREN,
    FAH,
    KAMOL,
    KONG,
    MALI,
    PA_PHAI,
    PIM,
    RUNG,
    SAI,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)
from tests.people_database import Postgres

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
FRIDAY = date(2026, 6, 5)
MARK = " ✓"
NOI = Person("noi", "น้อย ครูประจำชั้นร่วม", "teacher", SOMSRI.scopes)  # shares somsri's class


def place_of(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def visited(people: Engine, person: Person | None, child: Learner, words: str = "ไปเยี่ยมบ้าน", **more: object) -> Contact:
    given = {"on": FRIDAY, "kind": "visit", "now": NOW} | more
    return write(people, person, place_of(child), text=words, **given)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ writing, reading
def test_somsri_writes_what_she_did_and_reads_it_back(people: Engine) -> None:
    first = visited(people, SOMSRI, MALI, " แม่ไปทำงานที่ระยอง ยายดูแลอยู่ ")
    second = visited(people, SOMSRI, MALI, "โทรหายาย", kind="call", on=date(2026, 6, 8))
    assert first == Contact(
        id=first.id,
        place=Place(101, THUNG_NA, "2401", "ม.3", "1"),
        on=FRIDAY,
        kind="visit",
        text="แม่ไปทำงานที่ระยอง ยายดูแลอยู่",
        restricted=False,
        by="somsri",
        by_name="สมศรี ใจงาม",
        written_at=NOW,
    )
    assert of_child(people, SOMSRI, place_of(MALI)) == [second, first]
    assert of_child(people, SOMSRI, place_of(KONG)) == []


@pytest.mark.parametrize("person", [SOMSRI, PIM, RUNG, ADMIN], ids=lambda p: p.username)
def test_nobody_writes_or_reads_about_a_child_who_is_not_theirs(people: Engine, person: Person) -> None:
    visited(people, None, BAIBUA)
    for attempt in (lambda: visited(people, person, BAIBUA), lambda: of_child(people, person, place_of(BAIBUA))):
        with pytest.raises(RaksaError, match="This account may not open this child: "):
            attempt()
    assert len(of_child(people, None, place_of(BAIBUA))) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"words": " \n"}, "The entry has no words"),
        ({"words": "ก" * 4001}, "4,001 letters; 4,000 are the most"),
        ({"kind": "score"}, "Kind 'score' is unknown. Kinds: visit, call, at_school, letter, note"),
        ({"on": date(2026, 6, 9)}, "The day 2026-06-09 is not here yet; today is 2026-06-08"),
    ],
)
def test_what_does_not_fit_is_said_and_not_written(people: Engine, given: dict[str, str], said: str) -> None:
    with pytest.raises(RaksaError, match=said):
        visited(people, SOMSRI, MALI, **given)  # type: ignore[arg-type]
    assert of_child(people, None, place_of(MALI)) == []


def test_today_is_bangkoks_today(people: Engine) -> None:
    late = datetime(2026, 6, 8, 17, 30, tzinfo=UTC)  # half past midnight on the 9th
    assert visited(people, SOMSRI, MALI, on=date(2026, 6, 9), now=late).on == date(2026, 6, 9)


# ----------------------------------------------------------------------------------------------------- changing
def test_a_change_counts_and_what_stood_before_is_kept(people: Engine) -> None:
    first = visited(people, SOMSRI, MALI, "ไปเยี่ยมบ้านเมื่อวันศุกร์")
    later = NOW + timedelta(hours=1)
    second = change(people, WICHAI, first.id, 1, text="ไปเยี่ยมบ้าน พบยาย", restricted=True, now=later)
    assert second == Contact(
        **vars(first) | {"text": "ไปเยี่ยมบ้าน พบยาย", "restricted": True, "version": 2}
        | {"changed_at": later, "changed_by": "wichai"}
    )  # fmt: skip
    assert of_child(people, SOMSRI, place_of(MALI)) == [second]
    with scoped(people, SOMSRI) as session:
        old = session.scalars(select(ContactVersionRow)).one()
        assert (old.contact_id, old.version, old.text, old.restricted) == (first.id, 1, first.text, False)
    with pytest.raises(Exception, match="only ever added"), scoped(people, None, writing=True) as session:
        session.execute(text("DELETE FROM contact_version"))


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(people: Engine) -> None:
    seen = visited(people, SOMSRI, MALI)
    stands = change(people, WICHAI, seen.id, seen.version, text="ผอ. เพิ่มเติม", now=NOW)
    with pytest.raises(ChangedMeanwhile, match="changed meanwhile by wichai") as error:
        change(people, SOMSRI, seen.id, seen.version, text="ครูแก้คำผิด", now=NOW)
    assert error.value.present == stands
    assert of_child(people, SOMSRI, place_of(MALI)) == [stands]
    assert change(people, SOMSRI, seen.id, stands.version, text="ครูแก้คำผิด", now=NOW).version == 3


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (NOI, "Only สมศรี ใจงาม and the head of the school"),
        (KAMOL, "Only สมศรี ใจงาม and the head of the school"),
        (Person("else", "ครูห้องอื่น", "teacher", (Scope("class", f"{THUNG_NA}|ม.3|2"),)), "There is no entry"),
        (Person("head", "ผอ. อีกโรงเรียน", "school", (Scope("school", PA_PHAI),)), "There is no entry"),
        (ADMIN, "There is no entry"),
    ],
    ids=lambda given: given.username if isinstance(given, Person) else "",
)
def test_only_the_writer_and_the_head_of_the_school_change_it(people: Engine, person: Person, said: str) -> None:
    seen = visited(people, SOMSRI, MALI)
    with pytest.raises(RaksaError, match=said):
        change(people, person, seen.id, seen.version, text="แก้", now=NOW)
    assert of_child(people, None, place_of(MALI)) == [seen]


# ----------------------------------------------------------------------------------------------------- restricted
def test_a_restricted_note_is_seen_to_be_there_and_read_by_its_writer_and_her_school(people: Engine) -> None:
    note = visited(people, SOMSRI, MALI, "เรื่องในครอบครัว", kind="note", restricted=True)
    read = {p: of_child(people, p, place_of(MALI)) for p in (SOMSRI, WICHAI, None, NOI, KAMOL)}
    hidden = Contact(**vars(note) | {"text": "", "redacted": True})
    assert read == {SOMSRI: [note], WICHAI: [note], None: [note], NOI: [hidden], KAMOL: [hidden]}


def test_what_was_done_goes_with_the_child_to_another_school_but_not_its_restricted_notes(people: Engine) -> None:
    visit = visited(people, SOMSRI, MALI)
    note = visited(people, SOMSRI, MALI, "เรื่องในครอบครัว", kind="note", restricted=True)
    moved = Place(MALI.learner_id, PA_PHAI, "2401", "ม.3", None)
    head = Person("boon", "บุญ ผอ. วัดป่าไผ่", "school", (Scope("school", PA_PHAI),))
    assert of_child(people, head, moved) == [Contact(**vars(note) | {"text": "", "redacted": True}), visit]
    with pytest.raises(RaksaError, match="not in the scope of this account"):
        of_child(people, SOMSRI, moved)
    assert last_contacts(people, head) == {}, "it counts for the class that did it"


# ------------------------------------------------------------------------------------------------------- in lists
def test_the_latest_day_of_each_child_and_the_counts_of_schools(people: Engine) -> None:
    for child in CHILDREN:
        visited(people, None, child, on=date(2026, 5, 20))
    visited(people, SOMSRI, MALI, kind="note")
    visited(people, None, FAH, restricted=True)
    visited(people, None, SAI, kind="letter")
    early = date(2026, 5, 20)
    assert last_contacts(people, SOMSRI) == {101: FRIDAY, 102: early, 107: early}
    assert last_contacts(people, WICHAI) == {101: FRIDAY, 102: early, 103: early, 107: early}
    assert last_contacts(people, KAMOL) == {101: FRIDAY, 102: early, 103: early, 104: FRIDAY, 106: early, 107: early}
    assert [last_contacts(people, p) for p in (PIM, RUNG, ADMIN)] == [{}, {}, {}]
    counted = {p.username: by_school(people, p, date(2026, 6, 1)) for p in ADULTS}
    assert counted == {
        "somsri": {THUNG_NA: 1},
        "wichai": {THUNG_NA: 1},
        "kamol": {THUNG_NA: 1, PA_PHAI: 1},
        "pim": {THUNG_NA: 1, PA_PHAI: 1, "10000003": 1},
        "rung": {},
        "admin": {},
    }


@pytest.mark.parametrize(("person", "index"), [(SOMSRI, "school"), (WICHAI, "school"), (KAMOL, "area")])
def test_the_days_of_a_list_are_read_from_an_index(tmp_path: Path, person: Person, index: str) -> None:
    people = open_people(Settings(home=tmp_path))
    plans: list[str] = []
    with people.connect() as connection:
        connection.connection.driver_connection.set_trace_callback(plans.append)  # type: ignore[union-attr]
    last_contacts(people, person)
    asked = next(statement for statement in plans if "max(contact.day)" in statement)
    with people.connect() as connection:
        plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}"))
    assert plan.startswith(f"SEARCH contact USING COVERING INDEX ix_contact_{index}")
    people.dispose()


# ---------------------------------------------------------------------------------------------------- many at once
def add_mark(people: Engine, contact_id: int, place: Place) -> int:
    """Add a mark to what stands, as a person does who is told and tries again; returns how often that was."""
    told = 0
    present = next(c for c in of_child(people, WICHAI, place) if c.id == contact_id)
    while True:
        try:
            change(people, WICHAI, contact_id, present.version, text=present.text + MARK, now=NOW)
        except ChangedMeanwhile as meanwhile:
            told, present = told + 1, meanwhile.present
        else:
            return told


def work(settings: Settings, shared: int, number: int) -> int:
    """A whole process: ten contacts of its own and ten marks on the one all share."""
    people = open_people(settings)
    for n in range(10):
        visited(people, SOMSRI, KONG, f"{number}-{n}")
    told = sum(add_mark(people, shared, place_of(MALI)) for _ in range(10))
    people.dispose()
    return told


def test_fifty_writers_at_once_lose_nothing_and_each_second_editor_is_told(people: Engine) -> None:
    shared = visited(people, SOMSRI, MALI, "เริ่ม")
    together = threading.Barrier(50)

    def one(number: int) -> int:
        together.wait()
        visited(people, SOMSRI, KONG, f"คนที่ {number}")
        return add_mark(people, shared.id, place_of(MALI))

    with ThreadPoolExecutor(50) as pool:
        told = sum(pool.map(one, range(50)))
    stands = of_child(people, WICHAI, place_of(MALI))[0]
    assert (stands.text.count(MARK), stands.version) == (50, 51)
    assert {c.text for c in of_child(people, SOMSRI, place_of(KONG))} == {f"คนที่ {n}" for n in range(50)}
    with scoped(people, None) as session:
        versions = session.scalars(select(ContactVersionRow.version).order_by(ContactVersionRow.version))
        assert list(versions) == list(range(1, 51))
    assert told > 0, "fifty who read together cannot all have been first"


def test_four_processes_at_once_lose_nothing(people_settings: Settings, people: Engine) -> None:
    shared = visited(people, SOMSRI, MALI, "เริ่ม")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [people_settings] * 4, [shared.id] * 4, range(4)))
    stands = of_child(people, WICHAI, place_of(MALI))[0]
    assert (stands.text.count(MARK), stands.version) == (40, 41)
    assert len(of_child(people, SOMSRI, place_of(KONG))) == 40


def test_a_server_restarted_between_two_clicks_is_not_noticed(postgres: Postgres, tmp_path: Path) -> None:
    people = open_people(Settings(home=tmp_path, database_url=postgres.new_database().render_as_string()))
    first = visited(people, SOMSRI, KONG)
    postgres.stop()
    postgres.start()
    assert of_child(people, SOMSRI, place_of(KONG)) == [first]
    people.dispose()


def test_a_server_stopped_and_started_again_loses_nothing_it_said_yes_to(postgres: Postgres, tmp_path: Path) -> None:
    people = open_people(Settings(home=tmp_path, database_url=postgres.new_database().render_as_string()))
    done = threading.Event()
    written: list[set[str]] = [set() for _ in range(10)]
    refused: list[list[str]] = [[] for _ in range(10)]

    def one(number: int) -> None:
        n = 0
        while not done.is_set():
            words = f"{number}-{(n := n + 1)}"
            try:
                written[number].add(visited(people, SOMSRI, KONG, words).text)
            except PeopleAway as away:
                refused[number].append(str(away))
                done.wait(0.05)

    def until(condition: Callable[[], bool]) -> None:
        assert any(condition() or done.wait(0.05) for _ in range(600)), "half a minute and nothing happened"

    with ThreadPoolExecutor(10) as pool:
        writers = [pool.submit(one, number) for number in range(10)]
        try:
            until(lambda: min(map(len, written)) >= 3)
            postgres.stop()
            until(lambda: min(map(len, refused)) >= 2)
            postgres.start()
            back = list(map(len, written))
            until(lambda: all(len(w) >= b + 3 for w, b in zip(written, back, strict=True)))
        finally:
            done.set()
            postgres.start()
    assert [w.exception() for w in writers] == [None] * 10
    assert all(s.startswith("The people database at this machine does not answer (") for r in refused for s in r)
    said_yes, there = set().union(*written), {c.text for c in of_child(people, None, place_of(KONG))}
    assert said_yes <= there
    assert len(there - said_yes) <= 10, "at most the one each writer was not told of when the server went"
    people.dispose()
