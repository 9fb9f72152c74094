"""Which model counts, who changed it and why, how two compare, and a file that carries one without being altered."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_models import NEW, OLD, OTHER, card, district, judged, learned
from made_panel import panel
from small_register import SETTINGS, register

from models import catalogue
from models.risk import load
from raksa.errors import RaksaError
from raksa.store import Store

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return district(tmp_path / "ours")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Store:
    """Another district, without a model."""
    return register(tmp_path / "theirs")


def states(store: Store) -> dict[str, str]:
    return {each.id: each.state for each in catalogue.models(store)}


# ------------------------------------------------------------------------------------------------ which one counts
def test_the_published_model_stands_first_and_the_others_wait(store: Store) -> None:
    assert states(store) == {OLD: "published", NEW: "challenger", OTHER: "challenger"}
    first = catalogue.models(store)[0]
    assert (first.id, first.years, first.judged_on, first.source) == (OLD, (2565, 2566, 2567), 2567, "")
    assert first.figures["auc"] == card()["judged"]["compared"]["model"]["auc"]


def test_promoting_is_written_down_and_rolling_back_walks_the_way_back(store: Store) -> None:
    catalogue.promote(store, NEW, "ครูสมชาย", "more leavers found", now=NOON)
    catalogue.promote(store, OTHER, "malee", now=NOON)
    assert states(store) == {OTHER: "published", NEW: "earlier", OLD: "earlier"}
    assert store.current().run is None  # nothing but the model changed
    assert catalogue.rollback(store, "malee", "too many lists", now=NOON).model == NEW
    assert catalogue.rollback(store, "malee", now=NOON).model == OLD
    with pytest.raises(RaksaError, match="No model was published before"):
        catalogue.rollback(store, "malee")
    lines = [(c.what, c.model, c.before, c.by, c.why) for c in catalogue.history(store)]
    assert lines == [
        ("promoted", NEW, OLD, "ครูสมชาย", "more leavers found"),
        ("promoted", OTHER, NEW, "malee", ""),
        ("rolled_back", NEW, OTHER, "malee", "too many lists"),
        ("rolled_back", OLD, NEW, "malee", ""),
    ]
    assert catalogue.history(store)[0].at == "2026-05-20T12:00:00+00:00"


def test_a_model_that_is_not_there_or_was_altered_is_not_published(store: Store) -> None:
    with pytest.raises(RaksaError, match=rf"no model '\.\./x'. These are here: {OLD}, {NEW}, {OTHER}"):
        catalogue.promote(store, "../x", "malee")
    with pytest.raises(RaksaError, match="published model already"):
        catalogue.promote(store, OLD, "malee")
    trees = store.home / "models" / NEW / "model-1.txt"
    trees.write_bytes(trees.read_bytes().replace(b"leaf_value=", b"leaf_value=1", 1))
    with pytest.raises(RaksaError, match="was changed"):
        catalogue.promote(store, NEW, "malee")
    assert store.current().model == OLD
    assert catalogue.history(store) == []


def test_a_line_a_killed_writer_left_half_written_loses_no_other(store: Store) -> None:
    catalogue.promote(store, NEW, "malee", now=NOON)
    file = store.home / "models" / "history.jsonl"
    file.write_bytes(file.read_bytes() + b'{"at": "2026-05-2')
    catalogue.rollback(store, "malee", now=NOON)
    assert [c.what for c in catalogue.history(store)] == ["promoted", "rolled_back"]


# ------------------------------------------------------------------------------------------------ comparing
def test_models_judged_on_the_same_lists_stand_side_by_side(store: Store) -> None:
    found = catalogue.compare(store, OLD, NEW)
    old, new = (judged(seed)["compared"]["model"] for seed in (0, 1))
    assert found.year == 2567 and found.cannot == ""
    by = {row["figure"]: row for row in found.rows}
    assert by["ap"]["difference"] == old["ap"] - new["ap"] != 0
    assert by["recall"]["a"] == old["at_capacity"]["recall"]
    assert by["auc"]["a_interval"][0] < by["auc"]["a"] < by["auc"]["a_interval"][1]


def test_models_judged_on_different_years_are_not_compared_until_tested_on_one(store: Store) -> None:
    found = catalogue.compare(store, OLD, OTHER)
    assert found.rows == () and "academic year 2567 against 2568" in found.cannot
    catalogue.tested(store, SETTINGS, OLD, judged(0, 2568), "malee", now=NOON)
    assert catalogue.compare(store, OLD, OTHER).year == 2568
    # A test on a year the model learned from is no witness: OTHER's card names 2567 among its years.
    catalogue.tested(store, SETTINGS, OTHER, judged(0, 2567), "malee", now=NOON)
    assert catalogue.compare(store, NEW, OTHER).rows == ()


def beside(ap: tuple[float, float], recall: tuple[float, float]) -> dict:
    """A challenger's card whose year the champion OLD was judged on too."""
    found = card(NEW)
    compared = found["judged"]["compared"]
    champion = {**compared["model"], "id": OLD, "against_model": {"ap": ap, "recall": recall}}
    return {**found, "judged": {**found["judged"], "compared": {**compared, "champion": champion}}}


@pytest.mark.parametrize(
    ("ap", "recall", "better", "said"),
    [
        ((0.01, 0.05), (0.0, 0.1), True, "no worse"),
        ((-0.02, 0.03), (-0.1, 0.1), True, "no worse"),
        ((-0.05, -0.01), (-0.1, 0.1), False, "worse in average precision"),
        ((0.01, 0.05), (-0.2, -0.1), False, "worse in recall of the lists"),
    ],
)
def test_a_new_model_is_published_unless_it_is_worse_beyond_chance(
    ap: tuple[float, float], recall: tuple[float, float], better: bool, said: str
) -> None:
    decided, why = catalogue.decide(card(OLD), beside(ap, recall))
    assert (decided, said in why) == (better, True), why


def test_the_first_model_needs_no_comparison_and_different_lists_need_a_person() -> None:
    assert catalogue.decide(None, card()) == (True, "the first model")
    decided, why = catalogue.decide(card(OLD), card(OTHER, of=2568))
    assert not decided and "2567 against 2568" in why and "person decides" in why


def test_without_a_pair_the_champions_figure_is_held_against_the_challengers_interval() -> None:
    assert catalogue.decide(card(OLD), card(NEW, seed=1))[0]
    champion = card(OLD)
    compared = champion["judged"]["compared"]
    better = {**compared["model"], "ap": 0.9}
    champion |= {"judged": {**champion["judged"], "compared": {**compared, "model": better}}}
    assert not catalogue.decide(champion, card(NEW, seed=1))[0]
    undefined = card(NEW, seed=1)
    undefined |= {"judged": {**undefined["judged"], "intervals": {}}}
    assert catalogue.decide(champion, undefined) == (
        False,
        "no interval of average precision or recall to decide by. A person decides.",
    )


# ------------------------------------------------------------------------------------------------ one file to carry
def test_a_model_arrives_elsewhere_as_it_left_and_waits_to_be_tested(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    file = tmp_path / "model.zip"
    sha256 = catalogue.pack(store, NEW, file)
    assert sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert catalogue.install(elsewhere, file, "malee", sha256=sha256.upper(), now=NOON) == NEW
    ours, theirs = (home / "models" / NEW for home in (store.home, elsewhere.home))
    assert {f.name: f.read_bytes() for f in ours.iterdir()} == {f.name: f.read_bytes() for f in theirs.iterdir()}
    rows = panel(50, seed=3)
    assert (load(theirs).predict(rows) == learned(1).predict(rows)).all()
    (there,) = catalogue.models(elsewhere)
    assert (there.state, there.source, there.made, elsewhere.current().model) == ("challenger", "model.zip", NOON, None)
    with pytest.raises(RaksaError, match=f"raksa models test {NEW}"):
        catalogue.promote(elsewhere, NEW, "malee")
    catalogue.tested(elsewhere, SETTINGS, NEW, judged(1, 2567), "malee", now=NOON)
    catalogue.promote(elsewhere, NEW, "malee", now=NOON)
    assert catalogue.models(elsewhere)[0].tested["year"] == 2567
    assert states(elsewhere) == {NEW: "published"}


def test_a_district_without_a_closed_year_says_so_to_publish_untested(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    catalogue.pack(store, NEW, tmp_path / "model.zip")
    catalogue.install(elsewhere, tmp_path / "model.zip", "malee")
    catalogue.promote(elsewhere, NEW, "malee", "no closed year yet", untested=True)
    assert elsewhere.current().model == NEW


def test_same_model_same_bytes_and_the_card_is_inside(store: Store, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        catalogue.pack(store, OLD, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == sorted(packed.namelist())
        assert "บัตรประจำแบบจำลอง" in packed.read("card.html").decode()
        assert "Model card" in packed.read("card-en.html").decode()
        about = json.loads(packed.read("pack.json"))
    assert set(about["features"]) == set(learned().features)


def test_without_schools_no_school_is_named_and_every_school_has_the_average(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    school = "10000003"
    catalogue.pack(store, OLD, tmp_path / "full.zip")
    catalogue.pack(store, OLD, tmp_path / "bare.zip", schools=False)
    assert school in (tmp_path / "full.zip").read_text(encoding="latin-1")
    assert school not in (tmp_path / "bare.zip").read_text(encoding="latin-1")
    catalogue.install(elsewhere, tmp_path / "bare.zip", "malee")
    rows = panel(80, seed=3)
    arrived = load(elsewhere.home / "models" / OLD).predict(rows)
    assert (arrived == learned().predict(rows.assign(main_school_id="nowhere"))).all()


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None], *, true_sums: bool = False) -> Path:
    """The pack with its contents changed; with `true_sums` by somebody who mends the manifest too."""
    with zipfile.ZipFile(file) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    change(held)
    if true_sums:
        about = json.loads(held["pack.json"])
        about["files"] = {n: hashlib.sha256(c).hexdigest() for n, c in held.items() if n != "pack.json"}
        held["pack.json"] = json.dumps(about).encode()
    out = file.with_name("altered.zip")
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in held.items():
            packed.writestr(name, content)
    return out


def put(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda held: held.update({name: content})


def with_sum(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    """A file that the model's own checksums name too."""

    def change(held: dict[str, bytes]) -> None:
        sums = json.loads(held["checksums.json"]) | {name: hashlib.sha256(content).hexdigest()}
        held.update({name: content, "checksums.json": json.dumps(sums).encode()})

    return change


def said(name: str, **values: object) -> Callable[[dict[str, bytes]], None]:
    return lambda held: held.update({name: json.dumps(json.loads(held[name]) | values).encode()})


ALTERED = {
    "a byte of the trees": (put("model-1.txt", b"tree"), False, "was altered"),
    "trees, and the manifest mended": (put("model-1.txt", b"tree"), True, "was altered"),
    "a page": (put("card.html", b"<script>"), False, "was altered"),
    "a file missing": (lambda held: held.pop("features.json"), False, "was altered"),
    "a file too many": (put("more.txt", b"x"), True, "'more.txt', which is no part"),
    "a way out of the folder": (with_sum("../../current.json", b"{}"), True, "'../../current.json', which is no part"),
    "an absolute path": (with_sum("/tmp/x.json", b"{}"), True, "'/tmp/x.json', which is no part"),
    "a program": (with_sum("run.py", b""), True, "'run.py', which is no part"),
    "no manifest": (lambda held: held.pop("pack.json"), False, "holds no Raksa model"),
    "a manifest that is a list": (put("pack.json", b"[]"), False, "holds no Raksa model"),
    "a name that is a path": (said("pack.json", model="../2567-0000bbbb"), False, "was altered"),
    "another name": (said("pack.json", model="2567-00000000"), False, "does not hold the model it says"),
    "another meaning": (said("pack.json", features={"grade_average": "0" * 16}), False, "else by 'grade_average'"),
    "a feature from elsewhere": (said("pack.json", features={"mood": "1"}), False, "not known here, 'mood'"),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_file_installs_nothing(store: Store, elsewhere: Store, tmp_path: Path, how: str) -> None:
    change, true_sums, sentence = ALTERED[how]
    catalogue.pack(store, NEW, tmp_path / "model.zip")
    altered = rewritten(tmp_path / "model.zip", change, true_sums=true_sums)
    before = sorted(elsewhere.home.rglob("*"))
    with pytest.raises(RaksaError, match=sentence):
        catalogue.install(elsewhere, altered, "malee")
    assert sorted(elsewhere.home.rglob("*")) == before


def test_a_file_with_trees_nobody_can_read_is_refused_whoever_made_its_checksums(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    catalogue.pack(store, OLD, tmp_path / "model.zip")

    change = with_sum("model-1.txt", b"not a tree\n")
    altered = rewritten(tmp_path / "model.zip", change, true_sums=True)
    with pytest.raises(RaksaError, match="cannot read"):
        catalogue.install(elsewhere, altered, "malee")
    assert catalogue.models(elsewhere) == []


def test_files_that_are_no_pack_are_refused_in_a_sentence(store: Store, elsewhere: Store, tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match="does not exist"):
        catalogue.install(elsewhere, tmp_path / "none.zip", "malee")
    (tmp_path / "text.zip").write_text("hello", encoding="utf-8")
    with pytest.raises(RaksaError, match="is no zip file"):
        catalogue.install(elsewhere, tmp_path / "text.zip", "malee")
    with pytest.raises(RaksaError, match=r"ends in \.zip"):
        catalogue.pack(store, OLD, tmp_path / "model.tar")
    catalogue.pack(store, OLD, tmp_path / "model.zip")
    with pytest.raises(RaksaError, match="not the file whose SHA-256"):
        catalogue.install(elsewhere, tmp_path / "model.zip", "malee", sha256="0" * 64)
    whole = (tmp_path / "model.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RaksaError, match="is no zip file"):
        catalogue.install(elsewhere, tmp_path / "cut.zip", "malee")
    (tmp_path / "bit.zip").write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(RaksaError, match="was altered or is damaged"):
        catalogue.install(elsewhere, tmp_path / "bit.zip", "malee")


def test_a_model_comes_once_and_never_in_place_of_another(store: Store, elsewhere: Store, tmp_path: Path) -> None:
    catalogue.pack(store, NEW, tmp_path / "model.zip")
    catalogue.install(elsewhere, tmp_path / "model.zip", "malee")
    with pytest.raises(RaksaError, match="here already, the same in every byte"):
        catalogue.install(elsewhere, tmp_path / "model.zip", "malee")
    catalogue.pack(store, NEW, tmp_path / "bare.zip", schools=False)
    with pytest.raises(RaksaError, match="Another model is here by the name"):
        catalogue.install(elsewhere, tmp_path / "bare.zip", "malee")


def test_files_beside_a_model_do_not_travel_with_it(store: Store, tmp_path: Path) -> None:
    shutil.copy(__file__, store.home / "models" / OLD / "notes.txt")
    catalogue.pack(store, OLD, tmp_path / "model.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "model.zip").read_bytes())) as packed:
        assert "notes.txt" not in packed.namelist()
