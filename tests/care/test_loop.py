"""What people said and did stands beside the model's figures; with nothing said the model is the same to the byte."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from care.contacts import Place, write
from care.loop import said_and_done
from care.opinions import ever, nominate, withdraw
from models import catalogue
from models.card import NAMES, html
from models.train import Beside, train
from raksa.cli import _print_card
from raksa.people import open_people
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import BAIBUA, FAH, KONG, MALI, SOMSRI, THUNG_NA, Learner

AS_OF, HORIZON = date(2024, 9, 2), date(2025, 6, 10)


def at(day: date) -> datetime:
    return datetime.combine(day, time(3), UTC)


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, "2401", child.grade, child.room or None)


def judged() -> tuple[pd.DataFrame, np.ndarray]:
    """A judged day: Kong left, the others stayed; the school can see to three."""
    children = (KONG, MALI, BAIBUA, FAH)
    rows = pd.DataFrame({
        "learner_id": [one.learner_id for one in children], "school_id": THUNG_NA, "as_of": pd.Timestamp(AS_OF),
        "academic_year": 2567, "left": [1.0, 0.0, 0.0, 0.0],
    })  # fmt: skip
    return rows, np.array([0.5, 0.6, 0.2, 0.1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, capacity_least=2)


@pytest.fixture
def local(settings: Settings) -> Engine:
    return open_people(settings)


def test_a_home_without_people_has_nothing_to_say_and_one_where_nobody_wrote_says_nothing(tmp_path: Path) -> None:
    assert said_and_done(Settings(home=tmp_path)) is None
    open_people(Settings(home=tmp_path)).dispose()
    beside = said_and_done(Settings(home=tmp_path))
    assert beside is not None
    said = beside(*judged())
    assert (said.ways, said.figures) == ({}, {})


def test_baibua_whom_the_school_named_stands_in_two_more_ways_of_choosing(settings: Settings, local: Engine) -> None:
    nominate(local, None, place(BAIBUA), run="-", said="พ่อเพิ่งตกงาน", now=at(AS_OF - timedelta(days=5)))
    nominate(local, SOMSRI, place(MALI), run="-", said="เริ่มมาสาย", now=at(AS_OF + timedelta(days=5)))  # too late
    beside = said_and_done(settings)
    assert beside is not None
    said = beside(*judged())
    assert said.ways["nominated"].tolist() == [0, 0, 1, 0]
    assert said.ways["nominated_then_model"].tolist() == pytest.approx([0.5, 0.6, 1.2, 0.1])
    assert set(said.ways) <= set(NAMES)  # the card has words for them
    assert said.figures == {}
    local.dispose()


def test_a_nomination_taken_back_after_the_day_counts_on_that_day(settings: Settings, local: Engine) -> None:
    said = nominate(local, SOMSRI, place(MALI), run="-", said="เริ่มมาสาย", now=at(AS_OF - timedelta(days=5)))
    withdraw(local, SOMSRI, said.id, at(AS_OF + timedelta(days=30)))
    assert [one.place.learner_id for one in ever(local, SOMSRI)] == [MALI.learner_id]
    beside = said_and_done(settings)
    assert beside is not None
    assert beside(*judged()).ways["nominated"].tolist() == [0, 1, 0, 0]
    local.dispose()


def test_mali_who_was_visited_and_stayed_makes_the_lists_no_worse(settings: Settings, local: Engine) -> None:
    write(local, SOMSRI, place(MALI), on=AS_OF + timedelta(days=3), kind="visit", text="พบที่บ้าน", now=at(HORIZON))
    write(local, SOMSRI, place(KONG), on=AS_OF - timedelta(days=3), kind="call", text="ก่อนรายชื่อ", now=at(HORIZON))
    beside = said_and_done(settings)
    assert beside is not None
    figures = beside(*judged()).figures
    assert figures["helped"] == {"rows": 1, "listed": 1, "listed_and_stayed": 1}
    # Mali and Kong are listed: with her one of two is right, without her the one who is left.
    assert figures["without_helped"]["at_capacity"]["precision"] == 1.0
    assert figures["without_helped"]["n"] == 3
    local.dispose()


def test_nothing_said_changes_no_byte_and_what_is_said_stands_in_the_card(
    demo_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("demo-files", "runs", "refused"))
    settings, store = Settings(home=home, buckets=2), Store(home)
    before = {file.name: file.read_bytes() for file in store.model_folder().iterdir()}
    name = store.current().model
    seen: list[tuple[pd.DataFrame, np.ndarray]] = []
    beside = said_and_done(settings)
    assert beside is not None

    def watched(rows: pd.DataFrame, chance: np.ndarray) -> Beside:
        seen.append((rows, chance))
        return beside(rows, chance)

    assert train(store, settings, beside=watched).model == name
    assert {file.name: file.read_bytes() for file in store.model_folder().iterdir()} == before

    ((rows, chance),) = seen
    first = rows.assign(chance=chance).loc[rows["as_of"] == rows["as_of"].min()]
    top = first.nlargest(3, "chance").iloc[0]
    child = Place(int(top["learner_id"]), str(top["school_id"]), None, "ม.3", None)
    day = top["as_of"].date()
    people = open_people(settings)
    nominate(people, None, child, run="-", said="ครอบครัวจะย้ายไปทำงาน", now=at(day - timedelta(days=7)))
    write(people, None, child, on=day + timedelta(days=2), kind="visit", text="พบที่บ้าน", now=at(day + timedelta(2)))
    people.dispose()
    told = train(store, settings, beside=beside)
    assert {"nominated", "nominated_then_model"} <= set(told.card["judged"]["compared"])
    assert told.card["judged"]["helped"]["rows"] >= 1
    assert told.card["judged"]["without_helped"]["n"] < len(rows)
    assert told.model != name
    _print_card(told.model, told.card)
    assert "Helped before the outcome" in capsys.readouterr().out
    card = html(told.card)
    assert NAMES["nominated"][0] in card and "ไม่ใช่สัญญาณเตือนที่ผิด" in card
    assert "ไม่ใช่สัญญาณเตือนที่ผิด" not in html(catalogue.card_of(store, name))
    # What people said changes what is said of the model, and not the model.
    trees = {file.name: file.read_bytes() for file in (home / "models" / told.model).iterdir() if file.suffix == ".txt"}
    assert trees and all(before[file] == content for file, content in trees.items())
