"""A second opinion: named, doubted, taken back, and later held against what happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from care.contacts import Place
from care.opinions import came_of, dispute, holding, nominate, of_child, ways, withdraw
from raksa.access import Person
from raksa.errors import RaksaError
from tests.cast import ADMIN, BAIBUA, KAMOL, KONG, MALI, NUNG, PIM, RUNG, SCHOOLS, SOMSRI, WICHAI, Learner

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
TODAY = date(2026, 6, 8)
RUN = "2026-06-08-test"


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def test_somsri_names_nueng_and_doubts_kong_and_both_stand_side_by_side(people: Engine) -> None:
    nominate(people, SOMSRI, place(NUNG), run=RUN, said="พ่อเพิ่งตกงาน", now=NOW)
    dispute(people, SOMSRI, place(KONG), run=RUN, said="ลาไปแข่งกีฬา", now=NOW)
    assert [(o.says, o.place.learner_id, o.said) for o in holding(people, WICHAI)] == [
        ("dispute", KONG.learner_id, "ลาไปแข่งกีฬา"),
        ("nominate", NUNG.learner_id, "พ่อเพิ่งตกงาน"),
    ]
    assert of_child(people, KAMOL, place(KONG))[0].by_name == SOMSRI.name


def test_one_person_says_one_thing_of_a_child_at_a_time_and_takes_back_only_her_own(people: Engine) -> None:
    said = nominate(people, SOMSRI, place(MALI), run=RUN, said="ดูซึม", now=NOW)
    with pytest.raises(RaksaError, match="Take that back first"):
        dispute(people, SOMSRI, place(MALI), run=RUN, said="ดีขึ้นแล้ว", now=NOW)
    with pytest.raises(RaksaError, match="not one of yours"):
        withdraw(people, WICHAI, said.id, NOW)
    nominate(people, WICHAI, place(MALI), run=RUN, said="เห็นด้วย", now=NOW)
    withdraw(people, SOMSRI, said.id, NOW + timedelta(1))
    dispute(people, SOMSRI, place(MALI), run=RUN, said="ดีขึ้นแล้ว", now=NOW + timedelta(1))
    assert len(of_child(people, SOMSRI, place(MALI))) == 3
    assert {(o.by, o.says) for o in holding(people, WICHAI)} == {("wichai", "nominate"), ("somsri", "dispute")}


def test_an_opinion_holds_for_a_term(people: Engine) -> None:
    nominate(people, SOMSRI, place(MALI), run=RUN, said="ดูซึม", now=NOW)
    assert len(holding(people, SOMSRI, TODAY + timedelta(119))) == 1
    assert holding(people, SOMSRI, TODAY + timedelta(120)) == []


@pytest.mark.parametrize("person", [PIM, RUNG, ADMIN], ids=lambda p: p.username)
def test_whoever_sees_no_child_says_nothing_of_one_and_reads_nothing(people: Engine, person: Person) -> None:
    nominate(people, SOMSRI, place(MALI), run=RUN, said="ดูซึม", now=NOW)
    with pytest.raises(RaksaError, match="may not open"):
        nominate(people, person, place(MALI), run=RUN, said="ดูซึม", now=NOW)
    assert holding(people, person) == []


def test_somsri_says_nothing_of_another_class_and_nothing_without_a_reason(people: Engine) -> None:
    with pytest.raises(RaksaError, match="may not open"):
        nominate(people, SOMSRI, place(BAIBUA), run=RUN, said="ดูซึม", now=NOW)
    with pytest.raises(RaksaError, match="No reason"):
        nominate(people, SOMSRI, place(MALI), run=RUN, said=" ", now=NOW)


def test_what_came_of_it_counts_each_child_once_and_leaves_out_what_is_not_known(people: Engine) -> None:
    for person in (SOMSRI, WICHAI):
        nominate(people, person, place(MALI), run=RUN, said="ดูซึม", now=NOW)
    nominate(people, SOMSRI, place(NUNG), run=RUN, said="มาสาย", now=NOW)
    dispute(people, SOMSRI, place(KONG), run=RUN, said="ลาไปแข่งกีฬา", now=NOW)
    left = pd.Series({MALI.learner_id: 1.0, NUNG.learner_id: np.nan})
    found = came_of(holding(people, WICHAI), left)
    assert found.loc["nominate"].to_dict() == {"said": 2, "known": 1, "left": 1, "share": 1}
    assert found.loc["dispute", "known"] == 0 and np.isnan(found.loc["dispute", "share"])


def test_a_nomination_is_a_way_of_choosing_from_the_day_after_it_was_said(people: Engine) -> None:
    said = nominate(people, SOMSRI, place(NUNG), run=RUN, said="มาสาย", now=NOW)
    days = [TODAY, TODAY + timedelta(1), TODAY + timedelta(30), TODAY + timedelta(200)]
    rows = pd.DataFrame(
        {"learner_id": [NUNG.learner_id] * 4 + [MALI.learner_id], "as_of": pd.to_datetime([*days, days[1]])}
    )
    risk = np.array([0.1, 0.1, 0.1, 0.1, 0.9])
    found = ways(holding(people, SOMSRI), rows, risk)
    assert found["nominated"].tolist() == [0, 1, 1, 0, 0]
    assert found["nominated_then_model"][1] > found["nominated_then_model"][4]
    taken = withdraw(people, SOMSRI, said.id, NOW + timedelta(10))
    assert ways([taken], rows, risk)["nominated"].tolist() == [0, 1, 0, 0, 0]
    assert ways([], rows, risk) == {}
