"""Kong moves to a school of another area, with a Raksa of its own: his record goes with him as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_run import AS_OF, settings_for, with_people, write_run
from test_record import Opened
from typer.testing import CliRunner

from care import cases, contacts
from dashboard import data, paper
from dashboard.roster import open_run
from dashboard.transfer import as_json, transfer
from features.cohort import cohort
from raksa.access import Person, Scope
from raksa.audit import entries
from raksa.cli import app
from raksa.errors import RaksaError
from register.history import undo
from register.identity import number_alias
from register.transfer import from_json
from tests.cast import CHAI_DAEN, KONG, MALI, PA_PHAI, SAI, SCHOOLS, SOMSRI, THUNG_NA, WICHAI, Learner
from tests.small_register import add, listed

CHAI = Person("chai", "ชัย ผู้อำนวยการ", "school", (Scope("school", CHAI_DAEN),))
NOW = datetime(2026, 6, 8, 2, 0, tzinfo=UTC)
CAME = date(2026, 6, 5)
NUMBERS = {KONG: "2201", SAI: "2202", MALI: "2203"}
BORN = date(2011, 6, 1)
GOLDEN = Path(__file__).parent / "child_record.json"


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Opened]:
    """The Raksa of the area Kong leaves, where Somsri wrote of him and opened a case."""
    held = Opened(tmp_path / "left")
    place = held.of(SOMSRI, KONG).place
    people = held.accounts.people
    contacts.write(people, SOMSRI, place, on=date(2026, 5, 27), kind="visit", text="ไปเยี่ยมยาย", now=NOW)
    contacts.write(people, SOMSRI, place, on=AS_OF, kind="note", text="ลับมาก", now=NOW, restricted=True)
    case = cases.open_case(people, SOMSRI, place, signal="in_row", said="ไม่มาเรียน 3 วัน", now=NOW)
    case = cases.act(people, SOMSRI, case.id, case.version, kind="plan", said="หารถรับส่ง", now=NOW)
    cases.act(people, SOMSRI, case.id, case.version, kind="screening", said="เป็นความลับ", now=NOW, restricted=True)
    yield held
    held.run.close()
    held.accounts.close()


def record_of(held: Opened) -> dict[str, Any]:
    found = held.of(WICHAI, KONG)
    steps = cases.of_child(held.accounts.people, WICHAI, found.place)
    return json.loads(as_json(transfer(found, AS_OF, [(case.place.school_id, s) for case, own in steps for s in own])))


def on_list(child: Learner, school: str = CHAI_DAEN, on: date = CAME, **more: Any) -> dict[str, list[dict[str, Any]]]:
    about = {"learner_id": child.learner_id, "known_on": on}
    number = NUMBERS[child]
    return {
        "enrolment": [listed(child.learner_id, on, school_id=school, grade="ม.3", student_number=number)],
        "identity": [about | {"prefix": child.prefix, "first_name": child.first_name, "last_name": child.last_name}],
        "learner": [about | {"sex": "male", "birth_date": BORN} | more],
        "identity_alias": [{"alias": number_alias([school], [number])[0], "learner_id": child.learner_id}],
    }


@pytest.fixture
def came(tmp_path: Path) -> Iterator[Opened]:
    """The Raksa of the area Kong comes to: its school has him on its list, and knows nothing else of him."""
    home = tmp_path / "came"
    store = write_run(home)
    with duckdb.connect(str(home / "runs" / "2026-06-08-test" / "scores.duckdb")) as con:
        for table in ("score", "roster"):
            con.execute(
                f"UPDATE {table} SET school_id = ?, area_id = '2402' WHERE learner_id = ?", [CHAI_DAEN, KONG.learner_id]
            )
    name, area = SCHOOLS[CHAI_DAEN]
    add(store, school=[{"school_id": CHAI_DAEN, "name": name, "area_id": area}])
    for child in NUMBERS:
        add(store, **on_list(child))
    held = Opened.__new__(Opened)
    held.store, held.accounts, held.settings, held.run = store, with_people(home), settings_for(home), open_run(store)
    yield held
    held.run.close()
    held.accounts.close()


def bring(came: Opened, held: dict[str, Any], number: str = NUMBERS[KONG], person: Person = CHAI) -> data.Taken:
    content = json.dumps(held, ensure_ascii=False).encode()
    return data.bring(came.store, came.settings, came.accounts.people, person, CHAI_DAEN, number, content, NOW)


def test_kongs_history_stands_at_his_new_school_with_where_it_comes_from(left: Opened, came: Opened) -> None:
    was, held = left.of(WICHAI, KONG), record_of(left)
    before = came.of(CHAI, KONG)
    assert (before.now, before.terms, before.growth, before.brought) == (None, (), (), ())
    taken = bring(came, held)
    assert (taken.refused, taken.before, taken.learner_id) == (0, False, KONG.learner_id) and taken.rows > 20
    now = came.of(CHAI, KONG)
    assert now.now is not None and was.now is not None
    assert (now.now.pages, now.now.totals, now.now.in_row) == (was.now.pages, was.now.totals, was.now.in_row)
    assert now.terms[0].average == was.terms[0].average and now.growth == was.growth
    assert {s.subject: (s.grade, s.midterm, s.open_since) for t in now.terms for s in t.subjects} == {
        s.subject: (s.grade, s.midterm, s.open_since) for t in was.terms for s in t.subjects
    }
    assert [(s.school_id, s.first, s.left_on, s.brought) for s in now.stays] == [
        (CHAI_DAEN, CAME, None, False),
        *((s.school_id, s.first, s.left_on, True) for s in was.stays),
    ]
    assert [(b.on, b.kind, b.said, b.by_name, b.school) for b in now.brought] == [
        (AS_OF, "plan", "หารถรับส่ง", SOMSRI.name, "โรงเรียนบ้านทุ่งนา"),
        (AS_OF, "signal", "ไม่มาเรียน 3 วัน", SOMSRI.name, "โรงเรียนบ้านทุ่งนา"),
        (date(2026, 5, 27), "visit", "ไปเยี่ยมยาย", SOMSRI.name, "โรงเรียนบ้านทุ่งนา"),
    ], "nothing restricted has travelled"
    printed = paper.as_text(paper.child_paper(now, came.run, "en", ["notes", "schools"], came.settings))
    assert "Home visit 27 May 2026 (สมศรี ใจงาม, โรงเรียนบ้านทุ่งนา): ไปเยี่ยมยาย" in printed
    assert printed.count("(from the record brought along)") == 2
    on = next(line for line in entries(came.accounts.people, who="chai") if line.what == "bring_record")
    assert (on.learner_id, on.reason) == (KONG.learner_id, "school")
    # Whoever he moves to next gets all of it, his first school's words as his first school's.
    again = transfer(now, AS_OF)
    assert again["attendance"] == held["attendance"] and again["contacts"] == held["contacts"]
    assert again["results"] == held["results"] and again["growth"] == held["growth"]


def test_the_golden_file_is_what_is_written_and_is_read(left: Opened, came: Opened) -> None:
    """A record that left a school years ago must still be read: change the version before changing this file."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert record_of(left) == golden
    assert bring(came, golden).refused == 0


def test_he_is_counted_at_his_new_school_alone_on_every_day(left: Opened, came: Opened) -> None:
    def places() -> dict[date, list[str]]:
        days = (date(2026, 5, 20), date(2026, 6, 1), AS_OF)
        found = {}
        for day in days:
            one = cohort(came.store, came.settings, day)
            at = [n for n, learner in enumerate(one["learner_id"].tolist()) if learner == KONG.learner_id]
            found[day] = [str(one["school_id"][n]) for n in at]
        return found

    alone = places()
    assert alone[AS_OF] == [CHAI_DAEN]
    bring(came, record_of(left))
    assert places() == alone


def test_a_record_is_taken_once_and_taken_back_whole(left: Opened, came: Opened) -> None:
    held = record_of(left)
    bring(came, held)
    assert bring(came, held).before
    undo(came.store)
    found = came.of(CHAI, KONG)
    assert (found.now, found.terms, found.brought, len(found.stays)) == (None, (), (), 1)


def changed(**of_learner: str) -> Callable[[dict[str, Any]], object]:
    return lambda held: held["learner"].update(of_learner)


@pytest.mark.parametrize(
    ("number", "change", "sentence"),
    [
        ("2299", changed(), "Nobody stands on the list of school 10000003 under the number 2299"),
        ("2202", changed(), "stands at school 10000003 under the number 2201. Give that number"),
        ("2201", changed(birth_date="2010-01-01"), "another name or birth date than number 2201"),
        ("2201", changed(name="เด็กชายก้อง อื่น"), "another name or birth date than number 2201"),
        ("2201", lambda held: held.update(format="else"), "no record of a child"),
        ("2201", lambda held: held.update(version=2), "has version 2, this program reads 1"),
        ("2201", lambda held: held.pop("results"), "lacks a part"),
        ("2201", lambda held: held["attendance"].append({"days": 3}), "lacks a part"),
    ],
)
def test_what_is_not_his_record_is_refused_in_one_sentence_and_changes_nothing(
    left: Opened, came: Opened, number: str, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    held, before = record_of(left), came.store.current().snapshots
    change(held)
    with pytest.raises(RaksaError, match=sentence):
        bring(came, held, number)
    assert came.store.current().snapshots == before


def test_a_title_changes_with_age_and_he_is_the_same_boy(left: Opened, came: Opened) -> None:
    held = record_of(left)
    held["learner"]["name"] = "นายก้อง เก่งกล้า"
    assert bring(came, held).rows > 20


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b'{"format": "raksa-child"', b"\xff\xfe{", b"[" * 100_000])
def test_a_damaged_file_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(RaksaError, match=r"damaged|no record"):
        from_json(content)
    with pytest.raises(RaksaError, match="far larger"):
        from_json(b" " * 5_000_001)


def test_only_the_school_he_comes_to_takes_it(left: Opened, came: Opened) -> None:
    for person in (SOMSRI, WICHAI, Person("amt", "เขต", "area", (Scope("area", "2402"),))):
        with pytest.raises(RaksaError, match="by the school she comes to"):
            bring(came, record_of(left), person=person)


def test_within_one_raksa_there_is_nothing_to_bring(left: Opened, came: Opened) -> None:
    add(came.store, **on_list(KONG, THUNG_NA, date(2026, 5, 25)))
    with pytest.raises(RaksaError, match="has the child's history from school 10000001 itself"):
        bring(came, record_of(left))


def test_what_his_first_schools_own_lists_say_here_is_not_said_over(left: Opened, came: Opened) -> None:
    """He began here, at Pa Phai, went away to Thung Na, and came back: Pa Phai's marks are its own."""
    add(came.store, **on_list(KONG, PA_PHAI, date(2026, 5, 16)))
    bring(came, record_of(left))
    found = came.of(CHAI, KONG)
    assert found.now is not None and set(found.now.pages) == {THUNG_NA}
    assert [(s.school_id, s.brought) for s in found.stays] == [(CHAI_DAEN, False), (THUNG_NA, True), (PA_PHAI, False)]


def test_a_record_of_schools_that_are_all_known_here_says_nothing_new(left: Opened, came: Opened) -> None:
    held = record_of(left)
    held["school"]["school_id"], held["growth"] = "99990001", []
    for one in (THUNG_NA, PA_PHAI):
        add(came.store, **on_list(KONG, one, date(2026, 5, 16)))
    with pytest.raises(RaksaError, match="says nothing that this register does not know already"):
        bring(came, held)


def test_his_marks_are_taken_where_the_lists_of_both_schools_overlap(left: Opened, came: Opened) -> None:
    """The school before still has him on a list of later than the newest here: here he stays, and nothing is lost."""
    held = record_of(left)
    for one in held["classes"]:
        one["first_listed"] = one["last_listed"] = "2026-06-07"
    assert bring(came, held).refused == 0
    found = came.of(CHAI, KONG)
    assert [s.school_id for s in found.stays] == [CHAI_DAEN]
    assert found.now is not None and set(found.now.pages) == {THUNG_NA, PA_PHAI}
    assert KONG.learner_id in cohort(came.store, came.settings, date(2026, 6, 9))["learner_id"].tolist()


def test_whoever_has_a_shell_takes_it_with_ingest(
    left: Opened, came: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "raksa-child.json"
    file.write_bytes(json.dumps(record_of(left)).encode())
    monkeypatch.setenv("RAKSA_HOME", str(came.settings.home))
    monkeypatch.setenv("RAKSA_JOBS", "1")
    unnamed = CliRunner().invoke(app, ["ingest", str(file)])
    assert unnamed.exit_code == 1 and "--child" in unnamed.output
    done = CliRunner().invoke(app, ["ingest", str(file), "--child", f"{CHAI_DAEN}:{NUMBERS[KONG]}"])
    assert done.exit_code == 0, done.output
    assert came.of(CHAI, KONG).brought
