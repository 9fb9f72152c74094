"""`raksa models` as a person meets it: which model counts, who changed it, and one that comes from elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_models import NEW, OLD, OTHER, district
from typer.testing import CliRunner

from models import catalogue
from raksa.cli import _print_card, app
from raksa.cli_models import models_app
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store

Raksa = Callable[..., str]


@pytest.fixture
def raksa(monkeypatch: pytest.MonkeyPatch) -> Raksa:
    """Runs `raksa models …` on the home of a store; answers what it printed, raises what it raised."""

    def run(store: Store, *words: str) -> str:
        monkeypatch.setenv("RAKSA_HOME", str(store.home))
        done = CliRunner().invoke(models_app, words)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return district(tmp_path / "ours")


def test_a_year_is_judged_anew_with_the_same_figures_and_nothing_is_kept(
    demo_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `raksa train` wrote on the card of the demo's model, once more, by a model that is thrown away."""
    store = Store(demo_home)
    before = store.current(), catalogue.history(store), sorted((store.home / "models").rglob("*"))
    _print_card("of the years before (not kept)", catalogue.card_of(store))
    on_the_card = capsys.readouterr().out
    monkeypatch.setenv("RAKSA_HOME", str(demo_home))
    done = CliRunner().invoke(app, ["train", "--judge-only"])
    assert done.exit_code == 0, done.output
    assert sorted(done.stdout.splitlines()) == sorted(on_the_card.splitlines())  # a card sorts its names
    assert "not kept), judged on 2568" in done.stdout and "95 % of draws of whole schools: AUC 0." in done.stdout
    assert (store.current(), catalogue.history(store), sorted((store.home / "models").rglob("*"))) == before


def test_a_year_that_is_only_judged_publishes_nothing(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setenv("RAKSA_HOME", str(store.home))
    done = CliRunner().invoke(app, ["train", "--judge-only", "--promote"])
    assert isinstance(done.exception, RaksaError) and "none to --promote" in str(done.exception)


def test_help_teaches_the_way_of_a_model_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from raksa.cli_models import models_app\n"
        "try: models_app(['--help'])\nexcept SystemExit: pass\n"
        "print('HEAVY', [m for m in ('pandas', 'numpy', 'lightgbm', 'sklearn', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    said = done.stdout
    assert all(word in said for word in ("list", "show", "promote", "rollback", "compare", "pack", "install", "test"))
    assert "then promote" in said.replace("`", "") and said.splitlines()[-1] == "HEAVY []"


def test_the_list_shows_which_model_counts_and_how_good_each_was(raksa: Raksa, store: Store) -> None:
    first, *others = json.loads(raksa(store, "list", "--json"))
    assert (first["id"], first["state"], first["judged_on"]) == (OLD, "published", 2567)
    assert [each["id"] for each in others] == [OTHER, NEW] or [each["id"] for each in others] == [NEW, OTHER]
    shown = raksa(store, "list")
    assert f"{first['figures']['auc']:.3f}" in shown and "challenger" in shown


def test_promote_and_rollback_say_what_changed_and_keep_who_and_why(raksa: Raksa, store: Store) -> None:
    said = raksa(store, "promote", NEW, "--by", "ครูสมชาย", "--why", "ทดสอบแล้ว")
    assert said == f"Published: {NEW}, in place of {OLD}. Run `raksa score` for lists by it.\n"
    assert "promoted by ครูสมชาย: ทดสอบแล้ว" in raksa(store, "show")
    assert raksa(store, "rollback").startswith(f"Published again: {OLD}, in place of {NEW}.")
    assert catalogue.history(store)[-1].by != ""  # whoever is signed in to this computer
    with pytest.raises(RaksaError, match="--by is empty"):
        raksa(store, "promote", NEW, "--by", " ")


def test_an_unknown_model_is_answered_with_those_there_are(raksa: Raksa, store: Store, tmp_path: Path) -> None:
    for words in (("show", "x"), ("promote", "x"), ("compare", "x", OLD), ("pack", "x", str(tmp_path / "x.zip"))):
        with pytest.raises(RaksaError, match=f"no model 'x'. These are here: {OLD}, {NEW}, {OTHER}"):
            raksa(store, *words)


def test_show_tells_the_card_in_words_in_json_and_as_a_page(raksa: Raksa, store: Store, tmp_path: Path) -> None:
    shown = raksa(store, "show", OLD, "--language", "en")
    assert f"Model {OLD}, judged on 2567" in shown and "school_only" in shown
    assert "the model cannot be told apart from" in shown and "แบบจำลอง" in raksa(store, "show", OLD)
    assert json.loads(raksa(store, "show", OLD, "--json"))["id"] == OLD
    for language, word in (("th", "บัตรประจำแบบจำลอง"), ("en", "Model card")):
        page = tmp_path / f"{language}.html"
        assert raksa(store, "show", OLD, "--html", str(page), "--language", language) == f"Written: {page}\n"
        assert word in page.read_text(encoding="utf-8") and "font/woff2" in page.read_text(encoding="utf-8")
    with pytest.raises(RaksaError, match=r"ends in \.html"):
        raksa(store, "show", "--html", str(tmp_path / "card.pdf"))


def test_compare_sets_figures_side_by_side_or_says_why_not(raksa: Raksa, store: Store) -> None:
    shown = raksa(store, "compare", OLD, NEW)
    assert "Judged on 2567" in shown and "difference" in shown
    found = json.loads(raksa(store, "compare", NEW, OLD, "--json"))
    assert {row["figure"] for row in found["rows"]} >= {"auc", "ap", "precision", "recall"}
    with pytest.raises(RaksaError, match=r"not judged on the same lists.*raksa models test"):
        raksa(store, "compare", OLD, OTHER)


def test_a_model_from_elsewhere_is_tested_on_our_own_year_before_it_counts(
    raksa: Raksa, store: Store, demo_settings: Settings, tmp_path: Path
) -> None:
    ours = Store(Path(shutil.copytree(demo_settings.home, tmp_path / "demo")))
    before, file = ours.current().model, tmp_path / "model.zip"
    sha256 = raksa(store, "pack", NEW, str(file)).split("SHA-256 ")[1].split()[0]
    assert f"raksa models test {NEW}" in raksa(ours, "install", str(file), "--sha256", sha256, "--by", "malee")
    with pytest.raises(RaksaError, match="never on this district's own years"):
        raksa(ours, "promote", NEW)
    judged = json.loads(raksa(ours, "test", NEW, "--json").partition("\n{")[2].join(["{", ""]))
    assert judged["compared"]["model"]["n"] > 0 and judged["compared"]["school_only"]["auc"] > 0
    (tested,) = (c for c in catalogue.history(ours) if c.what == "tested")
    assert tested.details["judged"]["compared"]["model"]["auc"] == judged["compared"]["model"]["auc"]
    assert catalogue.compare(ours, before, NEW).rows  # the card of ours and the test of theirs: the same lists
    assert f"in place of {before}" in raksa(ours, "promote", NEW, "--by", "malee")


def test_watch_says_what_moved_and_what_each_run_still_waits_for(raksa: Raksa, demo_home: Path) -> None:
    said = raksa(Store(demo_home), "watch", "--language", "en")
    assert "kinds of data" in said and "wait until 2027-06-10" in said and "WARNING" not in said
