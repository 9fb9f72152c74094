"""The audit: figures against a plain loop, intervals against rows really drawn, and nothing said of too few."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_panel import panel
from small_register import SCHOOL, register

from models.audit import TRAITS, VALUES, audit, drawn_schools, groups, sentences

JUNE, SEPTEMBER, NEXT_SEPTEMBER = date(2024, 6, 10), date(2024, 9, 2), date(2025, 9, 1)
NEAR, FAR = "99010002", "99010003"
FORBIDDEN = ("เพราะ", "เนื่องจาก", "ทำให้", "เสี่ยงหลุด", "สาเหตุ", "because", "cause", "due to", "at risk", "discriminat")


# ------------------------------------------------------------------------------------------------------- who is who
def rows(*learners: int, as_of: date = SEPTEMBER, school: str = "99010001", **more: Any) -> pd.DataFrame:
    held = {"as_of": pd.Timestamp(as_of), "school_id": school, "grade": "ม.2", "poverty_class": 1.0, "school_size": 120}
    return pd.DataFrame([{"learner_id": learner, **held, **more} for learner in learners])


def numbered(learner: int, kind: str | None, number: str | None = None, on: date = JUNE) -> dict[str, Any]:
    return {"learner_id": learner, "known_on": on, "id_type": kind, "id_number": number}


def test_a_learner_as_the_lists_before_the_date_have_her(tmp_path: Path) -> None:
    store = register(
        tmp_path,
        school=[SCHOOL | {"agency": "สพฐ."}],
        learner=[{"learner_id": 1, "known_on": JUNE, "sex": "female"}],
        sensitive=[{"learner_id": 1, "known_on": JUNE, "disability": "การได้ยิน", "ethnicity": "กะเหรี่ยง"}],
        identity=[numbered(1, "g_code", "G246700000001")],
    )
    found = groups(store, rows(1)).to_dict("records")
    assert found == [
        {
            "sex": "female",
            "poverty": "poor",
            "disability": "held",
            "ethnicity": "กะเหรี่ยง",
            "nationality": None,
            "identifier": "g_code",
            "remoteness": None,
            "school_size": "1_120",
            "agency": "สพฐ.",
            "stage": "lower_secondary",
        }
    ]
    assert list(found[0]) == list(TRAITS)


def test_a_number_given_later_counts_from_the_day_it_was_known(tmp_path: Path) -> None:
    given = numbered(1, "citizen", "9100000000011", date(2025, 6, 10))
    store = register(tmp_path, identity=[numbered(1, "g_code", "G246700000001"), given])
    both = pd.concat([rows(1), rows(1, as_of=date(2025, 6, 10)), rows(1, as_of=NEXT_SEPTEMBER)], ignore_index=True)
    assert list(groups(store, both)["identifier"]) == ["g_code", "g_code", "citizen"]


def test_kinds_of_numbers(tmp_path: Path) -> None:
    held = [numbered(1, "citizen", "9100000000011"), numbered(2, "citizen", "0900000000015")]
    held += [numbered(3, "passport", "AA0000001"), numbered(4, None)]
    found = groups(register(tmp_path, identity=held), rows(1, 2, 3, 4, 5))
    assert list(found["identifier"]) == ["citizen", "begins_0_6_7", "passport", "no_number", None]


def test_no_disability_listed_is_not_the_same_as_no_list_that_speaks_of_it(tmp_path: Path) -> None:
    told = [
        {"learner_id": n, "known_on": JUNE, "disability": d} for n, d in ((1, "การเรียนรู้"), (2, "ไม่พิการ"), (3, None))
    ]
    spoken, silent = register(tmp_path / "a", sensitive=told), register(tmp_path / "b", sensitive=told[2:])
    assert list(groups(spoken, rows(1, 2, 3, 4))["disability"]) == ["held", "none_held", "none_held", None]
    assert list(groups(silent, rows(1, 2, 3, 4))["disability"]) == [None, None, None, None]


def test_a_school_seven_kilometres_from_the_next_is_remote(tmp_path: Path) -> None:
    places = (("99010001", 15.00), (NEAR, 15.03), (FAR, 15.10))  # a hundredth of a degree north is 1.1 km
    store = register(
        tmp_path, school=[SCHOOL | {"school_id": s, "latitude": at, "longitude": 101.0} for s, at in places]
    )
    here = pd.concat([rows(1, school=s) for s in ("99010001", NEAR, FAR, "99019999")], ignore_index=True)
    assert list(groups(store, here)["remoteness"]) == ["within_6_km", "within_6_km", "beyond_6_km", None]


def test_every_trait_and_value_has_words_in_both_languages() -> None:
    assert all(th and en and th != en for th, en in (*TRAITS.values(), *VALUES.values()))


# ------------------------------------------------------------------------------------------------------- the figures
def judged(count: int = 4000, schools: int = 40, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Made-up rows, a risk near the truth, and lists of the highest tenth of all."""
    held, draw = panel(count, seed), np.random.default_rng(seed)
    held["school_id"] = draw.integers(0, schools, count).astype(str)
    log_odds = -2.6 + 6 * held["absent_rate_28d"] - 0.6 * (held["grade_average"] - 2.5)
    risk = (1 / (1 + np.exp(-log_odds))).to_numpy(np.float64, copy=True)
    return held[["learner_id", "school_id", "left"]], risk >= np.quantile(risk, 0.9), risk


def halves(held: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    sex = np.where(np.random.default_rng(seed).random(len(held)) < 0.4, "female", "male")
    return pd.DataFrame({"sex": sex}, index=held.index)


def test_figures_are_those_of_a_plain_loop() -> None:
    held, listed, risk = judged()
    risk[::50], listed[::50] = np.nan, False  # not scored, so on no list
    held.loc[::30, "left"] = np.nan  # not known
    sexes = halves(held)
    for found in audit(held, listed, risk, sexes, seed=0, repeats=50):
        counts: dict[str, float] = dict.fromkeys(("n", "left", "listed", "caught", "foreseen", "seen", "unknown"), 0)
        for left, on, chance, sex in zip(held["left"], listed, risk, sexes["sex"], strict=True):
            if sex != found["value"]:
                continue
            if np.isnan(left):
                counts["unknown"] += 1
                continue
            counts["n"] += 1
            counts["left"] += left
            counts["listed"] += on
            counts["caught"] += left * on
            if not np.isnan(chance):
                counts["foreseen"] += chance
                counts["seen"] += left
        assert {k: found[k] for k in ("n", "left", "listed", "unknown")} == {
            k: counts[k] for k in ("n", "left", "listed", "unknown")
        }
        assert found["recall"] == pytest.approx(counts["caught"] / counts["left"])
        assert found["false_negative_rate"] == pytest.approx(1 - counts["caught"] / counts["left"])
        assert found["precision"] == pytest.approx(counts["caught"] / counts["listed"])
        stayed = counts["n"] - counts["left"]
        assert found["false_positive_rate"] == pytest.approx((counts["listed"] - counts["caught"]) / stayed)
        assert found["observed_expected"] == pytest.approx(counts["seen"] / counts["foreseen"])


def test_intervals_are_those_of_schools_really_drawn() -> None:
    held, listed, risk = judged(1500, schools=12)
    sexes = halves(held)
    boys, girls = audit(held, listed, risk, sexes, seed=7, repeats=40)
    assert (boys["value"], girls["value"], girls["against"]) == ("male", "female", "male")
    names, rows = np.unique(held["school_id"]), held.assign(on=listed, sex=sexes["sex"])
    gaps, precise = [], []
    for times in drawn_schools(len(names), np.random.default_rng(7), 40).astype(int):
        drawn = pd.concat([rows[rows["school_id"] == s] for s, n in zip(names, times, strict=True) for _ in range(n)])
        recall = drawn[drawn["left"] == 1].groupby("sex")["on"].mean()
        gaps.append(recall["female"] - recall["male"])
        precise.append(drawn[drawn["on"] & (drawn["sex"] == "female")]["left"].mean())
    assert girls["intervals"]["recall_gap"] == pytest.approx(np.quantile(gaps, [0.025, 0.975]))
    assert girls["intervals"]["precision"] == pytest.approx(np.quantile(precise, [0.025, 0.975]))


def test_a_gap_that_is_there_is_told_and_one_by_chance_is_not() -> None:
    held, listed, risk = judged(8000)
    sexes = halves(held)
    missed = (sexes["sex"] == "female").to_numpy() & (np.arange(len(held)) % 10 < 7)  # seven in ten girls unlisted
    by_chance, real = (audit(held, on, risk, sexes, seed=0)[1] for on in (listed, listed & ~missed))
    assert not by_chance["told"]["recall_gap"] and by_chance["intervals"]["recall_gap"][0] < 0
    assert real["told"]["recall_gap"] and real["intervals"]["recall_gap"][1] < 0
    assert real["false_alarm_ratio"] == pytest.approx(0.3, abs=0.1)


def test_a_group_nobody_left_of_has_no_recall_and_is_not_called_well_served() -> None:
    held, listed, risk = judged()
    sexes = halves(held)
    held.loc[sexes["sex"] == "female", "left"] = 0.0
    girls = audit(held, listed, risk, sexes, seed=0, repeats=50)[1]
    assert np.isnan([girls["recall"], girls["false_negative_rate"], *girls["intervals"]["recall"]]).all()
    assert (girls["left"], girls["enough"], girls["why_not"][1]) == (0, False, "too few left to tell")


def test_three_passports_are_counted_with_the_g_codes_and_nowhere_alone() -> None:
    held, listed, risk = judged(1000)
    kinds = pd.DataFrame({"identifier": ["passport"] * 3 + ["g_code"] * 12 + ["citizen"] * 985})
    found = audit(held, listed, risk, kinds, seed=0, repeats=50)
    assert [(one["value"], one["learners"]) for one in found] == [("citizen", 985), ("passport + g_code", 15)]
    nine = pd.DataFrame({"disability": ["held"] * 9})
    assert audit(held[:9], listed[:9], risk[:9], nine, seed=0, repeats=50) == []


def test_a_child_counted_on_four_dates_is_one_child() -> None:
    held, listed, risk = judged(400)
    held["learner_id"] = held["learner_id"] // 4
    few = pd.DataFrame({"disability": np.where(np.arange(400) < 36, "held", "none_held")})
    assert [one["value"] for one in audit(held, listed, risk, few, seed=0, repeats=50)] == ["held + none_held"]


def test_a_group_in_one_school_has_an_interval_of_no_width_and_is_not_spoken_of() -> None:
    held, listed, risk = judged()
    agency = pd.DataFrame({"agency": np.where(held["school_id"] == "3", "สอศ.", "สพฐ.")})
    college = audit(held, listed, risk, agency, seed=0, repeats=50)[1]
    assert (college["schools"], college["enough"], college["why_not"][1]) == (1, False, "only 1 school")
    assert "recall_gap" not in college["told"]


def test_none_of_twelve_found_is_not_certainty() -> None:
    held, listed, risk = judged()
    left = np.flatnonzero(held["left"] == 1)[:12]
    stayed = np.flatnonzero(held["left"] == 0)[:200]
    papers = pd.DataFrame({"identifier": "citizen"}, index=held.index)
    papers.iloc[np.r_[left, stayed]] = "g_code"
    listed[left] = False
    found = audit(held, listed, risk, papers, seed=0)[1]
    assert (found["recall"], found["left"]) == (0, 12)
    assert found["intervals"]["recall"][0] == 0 and 0.1 < found["intervals"]["recall"][1] < 0.3


def test_a_leaver_who_could_not_be_scored_was_missed() -> None:
    held, listed, risk = judged()
    sexes = halves(held)
    girls = (sexes["sex"] == "female").to_numpy()
    unscored = np.where(girls & (np.arange(len(held)) % 2 == 0), np.nan, risk)
    before, after = (audit(held, listed & ~np.isnan(r), r, sexes, seed=0, repeats=50)[1] for r in (risk, unscored))
    assert after["recall"] < 0.7 * before["recall"]
    assert after["scored"] < 0.6 * after["n"]
    assert after["observed_expected"] == pytest.approx(before["observed_expected"], rel=0.2)


# ---------------------------------------------------------------------------------------------------------- in words
def test_what_the_audit_says_is_in_both_languages_and_blames_nobody() -> None:
    held, listed, risk = judged(8000)
    traits = halves(held).assign(
        disability=None,
        agency=np.where(held["school_id"] == "3", "สอศ.", "สพฐ."),
        poverty=np.where(np.arange(len(held)) % 5 == 0, None, "poor"),
    )
    missed = (traits["sex"] == "female").to_numpy() & (np.arange(len(held)) % 10 < 7)
    found = audit(held, listed & ~missed, np.where(missed, np.nan, risk), traits, seed=0)
    said = sentences(found)
    thai, english = ("\n".join(text) for text in zip(*said, strict=True))
    assert not [word for word in FORBIDDEN if word in thai + english]
    for word in ("sex, girls: of those who left", "more than chance", "could be scored", "a person's decision"):
        assert word in english
    assert "Cannot be told: agency, สอศ. (only 1 school)" in english
    assert "Not in the register, so not audited: disability as listed" in english
    for word in ("เพศ, หญิง: ในผู้ที่ออกกลางคัน", "เกินกว่าความบังเอิญ", "ตัดสินใจของคน", "มีเพียง 1 โรงเรียน", "ความพิการตามบัญชี"):
        assert word in thai
    assert json.loads(json.dumps(found))[0]["trait"] == "sex"


def test_where_no_gap_can_be_told_the_widest_is_said_with_that() -> None:
    held, listed, risk = judged(8000)
    said = sentences(audit(held, listed, risk, halves(held), seed=0))
    assert "it may be chance" in said[0][1] and "อาจเป็นความบังเอิญ" in said[0][0]
    assert not [en for _, en in said if "a person's decision" in en]


def test_before_any_outcome_is_known_there_is_nothing_to_say() -> None:
    held, listed, risk = judged(100)
    assert sentences(audit(held.assign(left=np.nan), listed, risk, halves(held), seed=0)) == []


def test_same_seed_same_audit_and_the_frames_stay_as_they_were() -> None:
    held, listed, risk = judged(1000)
    sexes = halves(held)
    kept = held.copy(), sexes.copy(), listed.copy(), risk.copy()
    one, other = (json.dumps(audit(held, listed, risk, sexes, seed=3, repeats=50)) for _ in range(2))
    assert one == other
    assert held.equals(kept[0]) and sexes.equals(kept[1])
    assert (listed == kept[2]).all() and (risk == kept[3]).all()
