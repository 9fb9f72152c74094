"""The risk model: what it must hold whatever the data: sense, sums, bytes, and a file nobody changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_panel import panel

from features.registry import MODEL_FEATURES
from models.risk import fit, load, save
from raksa.errors import RaksaError


@pytest.fixture(scope="module")
def learned():
    return fit(panel(), MODEL_FEATURES, rounds=60, bag=2)


def test_it_ranks_and_is_calibrated_on_rows_it_has_not_seen(learned) -> None:
    later = panel(4000, seed=1)
    risk = learned.predict(later)
    assert risk[later["left"] == 1].mean() > 1.3 * risk[later["left"] == 0].mean()
    assert risk.mean() == pytest.approx(later["left"].mean(), rel=0.15)


def test_one_more_absence_or_a_lower_mark_never_lowers_the_risk(learned) -> None:
    rows = panel(500, seed=2)
    before = learned.raw(rows)
    for feature, worse in (
        ("absent_rate_28d", 0.2),
        ("absent_rate_year", 0.2),
        ("grade_average", -1.0),
        ("poverty_class", 1),
    ):
        assert (learned.raw(rows.assign(**{feature: rows[feature] + worse})) >= before).all(), feature


def test_contributions_add_up_to_the_score(learned) -> None:
    rows = panel(200, seed=3)
    assert np.abs(learned.contributions(rows).sum(axis=1) - learned.raw(rows)).max() < 1e-9


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(fit(panel(800), MODEL_FEATURES, rounds=20, bag=2), tmp_path / name, {"id": "x"})
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_a_saved_model_scores_as_before_and_a_changed_one_is_refused(learned, tmp_path: Path) -> None:
    save(learned, tmp_path, {"id": "x"})
    rows = panel(100, seed=4)
    assert (load(tmp_path).predict(rows) == learned.predict(rows)).all()
    for name in ("model-1.txt", "calibration.json", "school_rates.json", "levels.json", "curves.json", "features.json"):
        file, kept = tmp_path / name, (tmp_path / name).read_bytes()
        file.write_bytes(kept[:-3] + bytes([kept[-3] ^ 1]) + kept[-2:])
        with pytest.raises(RaksaError, match="was changed"):
            load(tmp_path)
        file.write_bytes(kept)


def test_rows_without_a_feature_the_model_reads_are_refused(learned) -> None:
    with pytest.raises(RaksaError, match="absent_rate_28d"):
        learned.predict(panel(5).drop(columns="absent_rate_28d"))


def test_a_past_without_leavers_teaches_nothing() -> None:
    with pytest.raises(RaksaError, match="no leavers"):
        fit(panel(50).assign(left=0.0), MODEL_FEATURES)


def test_unknown_outcomes_teach_nothing() -> None:
    known = panel(600)
    unknown = panel(200, seed=9).assign(left=np.nan, learner_id=range(10_000, 10_200))
    one, other = (fit(rows, MODEL_FEATURES, rounds=10, bag=1) for rows in (known, pd.concat([known, unknown])))
    assert (one.raw(known) == other.raw(known)).all()
