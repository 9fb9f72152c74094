"""Taking an import back, and what the register has ever held of a child."""

from __future__ import annotations

from datetime import date

import pytest
from cast import KONG, MALI, PA_PHAI, THUNG_NA
from school_files import NUMBERS, daily, dmc, dmc_row, marks, names, only, rows, schools, take

from raksa.errors import RaksaError
from raksa.tables import REGISTER
from register.history import history, imports, learner_named, undo


def everything(store):
    return {name: store.read(name).to_pylist() for name in REGISTER}


@pytest.fixture
def three(tmp_path):
    """Schools; a list; a list of the same day that moves Mali to another room."""
    home = tmp_path / "home"
    store, _ = take(home, schools(tmp_path))
    take(home, dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)]))
    take(home, dmc(tmp_path / "b.xlsx", [dmc_row(MALI, ห้อง="9")]))
    return store


def test_an_import_taken_back_leaves_the_register_as_if_it_had_never_been(three, tmp_path):
    assert rows(three, "enrolment", "learner_id", "room") == [("ก้อง", "1"), ("มะลิ", "9")]
    before = everything(three)
    three.read("enrolment")
    assert undo(three).startswith("000003-")
    assert rows(three, "enrolment", "learner_id", "room") == [("ก้อง", "1"), ("มะลิ", "1")]
    assert [i["state"] for i in imports(three)] == ["counts", "counts", "taken back"]
    _, report = take(tmp_path / "home", tmp_path / "b.xlsx")  # sent again, it is taken again, under a number of its own
    assert report.snapshot.startswith("000004-") and not only(report).before
    after = everything(three)
    for name in ("enrolment", "learner", "identity", "growth"):
        strip = [{k: v for k, v in row.items() if k != "source"} for row in before[name]]
        assert [{k: v for k, v in row.items() if k != "source"} for row in after[name]] == strip


def test_an_earlier_import_can_be_taken_back_where_nothing_rests_on_it(three):
    with pytest.raises(RaksaError, match=r"Import 000003-\w+ rests on 000002-\w+: 1 of its learners are listed by"):
        undo(three, "2")
    with pytest.raises(RaksaError, match=r"Import 000002-\w+ rests on 000001-\w+: 1 of its schools are listed by"):
        undo(three, "1")
    undo(three, "3")
    undo(three, "000002")
    assert names(three) == {}
    with pytest.raises(RaksaError, match=r"No import 2 counts\. `raksa imports` lists them\."):
        undo(three, "2")
    undo(three)
    with pytest.raises(RaksaError, match=r"There is no import to take back\."):
        undo(three)


def test_marks_taken_back_uncover_the_earlier_marks(three, tmp_path):
    days = ["16/05/2567", "17/05/2567"]
    for n, words in enumerate((["มา", "ขาด"], ["สาย", "สาย"])):
        lines = [(THUNG_NA, NUMBERS[MALI.learner_id], d, w) for d, w in zip(days, words, strict=True)]
        take(tmp_path / "home", daily(tmp_path / f"{n}.csv", lines))
    assert marks(three, "มะลิ", 2) == "TT"
    undo(three)
    assert marks(three, "มะลิ", 2) == "PA"


def test_the_history_of_a_child_holds_every_value_with_the_file_it_came_from(three):
    undo(three)
    mali = learner_named(three, f"{MALI.citizen_id[0]}-{MALI.citizen_id[1:5]}-{MALI.citizen_id[5:]}")
    assert mali == learner_named(three, f"{THUNG_NA}:{NUMBERS[MALI.learner_id]}") == learner_named(three, str(mali))
    held = history(three, mali, "enrolment")
    assert [(h["file"], h["counts"], h["says"]["room"], h["says"]["listed_on"]) for h in held] == [
        ("a.xlsx", "yes", "1", date(2024, 6, 10)), ("b.xlsx", "no", "9", date(2024, 6, 10)),
    ]  # fmt: skip
    assert {h["table"] for h in history(three, mali)} == {"enrolment", "learner", "identity", "growth"}
    with pytest.raises(RaksaError, match="Nobody is known as '10000002:9'"):
        learner_named(three, f"{PA_PHAI}:9")
