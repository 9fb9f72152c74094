"""An unusual import stops and asks; an ordinary one does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cast import MALI, PA_PHAI, THUNG_NA
from school_files import BORN, NUMBERS, daily, dmc, dmc_row, marks, schools, take, whole

from raksa.errors import RaksaError
from raksa.thai import citizen_checksum_holds

DAYS = ["16/05/2567", "17/05/2567", "20/05/2567", "21/05/2567"]


def children(count, school=THUNG_NA):
    """Made-up children of one school."""
    out = []
    for n in range(count):
        number = next(f"92{n:010d}{d}" for d in range(10) if citizen_checksum_holds(f"92{n:010d}{d}"))
        child = replace(MALI, learner_id=9000 + n, first_name=f"เด็ก{n}", citizen_id=number, school_id=school)
        BORN[child.learner_id], NUMBERS[child.learner_id] = "01/03/2552", str(5000 + n)
        out.append(child)
    return out


def listed(tmp_path, who, day, **said):
    return dmc(tmp_path / f"{day.replace('/', '-')}.xlsx", [dmc_row(child, **said) for child in who], day)


@pytest.fixture
def area(tmp_path):
    take(tmp_path / "home", schools(tmp_path), listed(tmp_path, children(30), "10/06/2567"))
    return tmp_path


def test_a_list_that_lacks_a_tenth_of_the_school_asks(area):
    before = whole(area / "home")
    short = listed(area, children(24), "10/11/2567")
    with pytest.raises(RaksaError) as said:
        take(area / "home", short)
    assert str(said.value) == (
        f"This import is unusual and was not taken: school {THUNG_NA}: lacks 6 of the 30 learners of its last list of "
        "the year (20%). Look whether these are the right files; if they are, import them again with --accept-unusual."
    )
    assert whole(area / "home") == before
    asked = []
    store, report = take(area / "home", short, confirm=lambda found: asked.append(found) or True)
    assert report.snapshot and store.read("enrolment").num_rows == 54
    assert [(u.school_id, u.what, u.rows, u.of) for u in asked[0]] == [(THUNG_NA, "drop", 6, 30)]


def test_what_schools_always_have_does_not_ask(area):
    home = area / "home"
    take(home, listed(area, children(28), "10/11/2567"))  # two left
    take(home, listed(area, children(10), "10/06/2568"))  # a new year
    take(home, listed(area, children(30, PA_PHAI), "11/06/2568"))  # another school
    take(home, listed(area, children(28), "10/11/2567", น้ำหนัก=50.0))  # the same day again, other weights


def test_a_list_that_changes_the_school_asks(area):
    with pytest.raises(RaksaError, match=rf"school {THUNG_NA}: changes 30 of 30 rows of enrolment \(100%\)"):
        take(area / "home", dmc(area / "again.xlsx", [dmc_row(c, ชั้น="ม.2") for c in children(30)]))


def test_marks_shifted_by_a_day_ask_and_one_corrected_day_does_not(area):
    def book(words):
        rows = [(THUNG_NA, NUMBERS[c.learner_id], d, w) for c in children(30) for d, w in zip(DAYS, words, strict=True)]
        return daily(area / f"{''.join(words)}.csv", rows)

    home = area / "home"
    take(home, book(["มา", "ขาด", "มา", "สาย"]))
    with pytest.raises(RaksaError, match=r"changes 120 of 120 marks of roll \(100%\)"):
        take(home, book(["สาย", "มา", "ขาด", "มา"]))
    one = daily(area / "one.csv", [(THUNG_NA, NUMBERS[c.learner_id], DAYS[0], "สาย") for c in children(12)])
    store, _ = take(home, one)  # 12 of 120 is a tenth, not more
    assert marks(store, "เด็ก3", 6) == "TA..PT"
