"""The pages Model and How this works: figures as the card has them, two models told apart, plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Server
from small_run import with_people, write_run
from test_pages import opened_by, text_of

from dashboard import ground, judged
from raksa.accounts import Accounts
from raksa.store import Store
from tests.cast import ADULTS, CHILDREN, Person

# A card as models.train writes it, cut down to what the page reads.
CARD: dict[str, Any] = {
    "years": [2566, 2567, 2568],
    "learned": {"trained_on": [2566, 2567], "calibrated_on_years": [2568]},
    "judged": {
        "year": 2568,
        "trained_on": [2566],
        "calibrated_on": [2567],
        "as_of": ["2025-08-03", "2025-11-16"],
        "compared": {
            "model": {"ap": 0.2, "auc": 0.84, "at_capacity": {"precision": 0.14, "recall": 0.35}},
            "logistic": {"ap": 0.16, "auc": 0.83, "at_capacity": {"precision": 0.12, "recall": 0.29},
                         "against_model": {"ap": [0.02, 0.12], "auc": [-0.01, 0.03], "precision": [0.0, 0.05]}},
        },
        "by_stage": {
            "upper": {"left": 5, "calibration": [{"foreseen": 0.3, "seen": 0.25, "n": 40}]},
            "primary": {"left": 9, "calibration": [{"foreseen": 0.01, "seen": 0.0, "n": 200},
                                                   {"foreseen": 0.05, "seen": 0.1, "n": 20}]},
        },
        "audit": [
            {"trait": "sex", "value": "male", "against": None, "enough": True, "why_not": None, "learners": 3101,
             "n": 12367, "scored": 11364,
             "left": 279, "schools": 25,
             "recall": 0.237, "observed_expected": 0.99, "told": {},
             "intervals": {"recall": [0.144, 0.36], "observed_expected": [0.78, 1.29]}},
            {"trait": "poverty", "value": "poor", "against": "not_poor", "enough": False, "learners": 92,
             "n": 367, "scored": 360,
             "left": 4, "schools": 9,
             "why_not": ["มีผู้ออกน้อยเกินกว่าจะบอกได้", "too few left to tell"], "recall": 0.5, "told": {}},
        ],
    },
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = write_run(tmp_path)
    folder = tmp_path / "models" / "m-test"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(CARD), encoding="utf-8")
    (folder / "checksums.json").write_text(json.dumps({"card.json": "abc"}), encoding="utf-8")
    return store


@pytest.fixture
def accounts(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    opened = with_people(store.home)
    monkeypatch.setenv("RAKSA_HOME", str(store.home))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def test_the_judged_and_the_published_model_are_told_apart() -> None:
    figures, lists = judged.told_apart(CARD, "en")
    assert "had learned from 2566, 2567 and was judged on 2568, a year it had not seen" in figures
    assert "published model" in lists and "learned from 2566, 2567, 2568" in lists
    assert judged.told_apart({}) == []


def test_calibration_stands_by_stage_from_the_youngest_with_wilsons_interval() -> None:
    (primary, points), (upper, _) = judged.calibration(CARD, "en")
    assert (primary, upper) == ("Primary", "Upper secondary and vocational")
    none, some = points
    assert (none.learners, some.learners) == (100, 10)  # rows stand once for each of two dates
    # Wilson (1927) by hand: 0 of 100 -> 0 to z²/(n + z²); 1 of 10 -> 0.0179 to 0.4042
    assert none.low == pytest.approx(0, abs=1e-9) and none.high == pytest.approx(1.96**2 / (100 + 1.96**2), abs=1e-4)
    assert (some.low, some.high) == (pytest.approx(0.0179, abs=1e-3), pytest.approx(0.4042, abs=1e-3))


def test_a_group_too_small_to_speak_of_has_no_figures() -> None:
    boys, poor = judged.groups(CARD, "en")
    assert (boys.name, boys.found, boys.expected) == ("sex: boys", "24 % (14 % – 36 %)", "0.99 (0.78 – 1.29)")
    assert (poor.found, poor.expected, poor.why_not) == ("", "", "too few left to tell")


def test_the_catalogue_names_the_published_model_first(store: Store) -> None:
    (one,) = judged.models(store, "en")
    assert (one.id, one.state, one.years) == ("m-test", "published", "2566, 2567, 2568")
    assert one.figures == "judged on 2568: right on the lists 14 %, found by the lists 35 %"


def test_data_that_moved_is_told_in_the_runs_own_words(store: Store) -> None:
    file = store.run_folder() / "run.json"
    assert judged.moved(store, file.parent.name) is None
    said = json.loads(file.read_text(encoding="utf-8")) | {"watch": {"moved": [], "sentences": [["ไทย", "English"]]}}
    file.write_text(json.dumps(said), encoding="utf-8")
    assert judged.moved(store, file.parent.name, "en") == ["English"]


def test_the_card_is_a_page_of_its_own_without_a_script(store: Store) -> None:
    thai, english = (judged.as_page(store, "m-test", language) for language in ("th", "en"))
    assert 'lang="th"' in thai and 'lang="en"' in english
    assert "<script" not in thai and "http://" not in thai.split("</head>")[0]


def test_rung_reads_model_and_judgement(accounts: Accounts) -> None:
    page = text_of(opened_by(accounts, "rung"))
    assert "ตรวจสอบกับปี 2568 ซึ่งยังไม่เคยเห็น" in page and "/model/card?language=th" in page
    assert "มีผู้ออกน้อยเกินกว่าจะบอกได้" in page and "0.840" in page


def test_without_its_card_the_page_still_compares(accounts: Accounts, store: Store) -> None:
    (store.home / "models" / "m-test" / "card.json").unlink()
    app = opened_by(accounts, "rung")
    assert not app.exception and "/model/card" not in text_of(app) and "0.840" in text_of(app)


@pytest.mark.parametrize("person", ADULTS, ids=lambda p: p.username)
def test_everybody_reads_how_this_works_and_what_it_misses(accounts: Accounts, person: Person) -> None:
    app = opened_by(accounts, person.username)
    app.switch_page("views/how.py").run()
    page = text_of(app)
    assert not app.exception and "ศาสนา เชื้อชาติ สัญชาติ" in page
    assert "ในเด็ก 20 คนที่ออก 9 คนไม่เคยอยู่ในรายชื่อใด" in page  # recall 0.55 of the run's figures
    assert not any(one.first_name in page for one in CHILDREN)
    app.segmented_control(key="language").set_value("en").run()
    assert "Of 20 children who left, 9 had been on no list" in text_of(app)


def test_the_routes_answer_those_who_have_the_page(server: Server) -> None:
    expected = {
        "somsri": (403, 403), "wichai": (403, 403), "kamol": (404, 200), "pim": (404, 200), "rung": (404, 403),
        "admin": (403, 403),
    }  # fmt: skip
    for username, (card, figures) in expected.items():
        with server.signed_in(username) as client:
            assert client.get("/model/card?language=th").status_code == card, username  # the small run has no card
            answer = client.get("/export/area.csv")
            assert answer.status_code == figures, username
            assert not any(one.first_name in answer.text for one in CHILDREN)
            refused = client.get("/export/refused.xlsx?import=000001-abc")
            assert refused.status_code == 403, username
    assert httpx.get(f"{server.url}/model/card").status_code == 401
