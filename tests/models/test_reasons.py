"""Reasons: facts in words with their day and the class beside them, at most three, no cause and no label."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_panel import panel
from small_register import SETTINGS

from features.attendance import LINE
from features.build import build
from features.registry import BY_NAME, FAMILIES, FEATURES, MODEL_FEATURES, Feature
from models.reasons import LOWERED_BY, NO_SINGLE_FACT, TOPICS, reasons, rows_behind, sentences, source
from models.risk import Risk, fit, load
from raksa.demo import AS_OF
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import REASON

DAY = date(2026, 11, 16)
SAID = [f for f in FEATURES if f.say_from is not None]
# Words that say why, or what will come of it: no record knows either.
CAUSES = """เพราะ เนื่องจาก เนื่องด้วย ทำให้ ส่งผล สาเหตุ เป็นเหตุ เหตุผลที่ จึง นำไปสู่ จะหลุด จะออก คาดว่า
because | cause | due to | leads to | owing to | therefore | hence | as a result | results in | will drop"""
# Words that judge or label a child, her family or her school.
LABELS = """เสี่ยง หลุดจากระบบ ขี้เกียจ เกียจคร้าน เกเร ปัญหา หนีเรียน ไม่เอาถ่าน ไม่เอาไหน ไม่ตั้งใจ ไม่สนใจเรียน ไม่รับผิดชอบ
เหลวไหล โง่ อ่อน แย่ ล้มเหลว ด้อย บกพร่อง แตกแยก ท้ายห้อง บ๊วย ผิดปกติ เด็กออกกลางคัน
risk | lazy | problem | bad | failure | failing | truan | dropout | drop out | drop-out | delinquen | weak | slow | dull
neglect | broken home | deprived | disadvantaged | worst | abnormal | irresponsib | vulnerable | trouble"""
FORBIDDEN = [word.strip() for line in (CAUSES + "\n" + LABELS).splitlines()
             for word in (line.split("|") if "|" in line else line.split())]  # fmt: skip


def placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Made-up feature rows with a place and every fact a sentence names: one class of each school."""
    facts = {f.name: 1.0 for f in FEATURES if f.name not in rows}
    return rows.join(pd.DataFrame(facts, rows.index)).assign(
        school_id=rows["main_school_id"], grade="ม.2", room="1", started_on=pd.Timestamp("2026-05-16"),
        last_mark=pd.Timestamp("2026-11-13"),
    )  # fmt: skip


def every_value(**facts: float) -> pd.DataFrame:
    """One learner with 0.5 of everything, and the given facts."""
    one = placed(panel(1)).iloc[0].to_dict() | {f.name: 0.5 for f in FEATURES} | {"poverty_class": 2.0} | facts
    return pd.DataFrame([one])


@pytest.fixture(scope="module")
def learned() -> Risk:
    return fit(placed(panel()), MODEL_FEATURES, rounds=60, bag=2)


@pytest.fixture(scope="module")
def run(demo_home: Path) -> tuple[Risk, pd.DataFrame, pd.DataFrame]:
    """The demo's model, its rows of today, and the reasons of the quarter that ranks highest."""
    store, settings = Store(demo_home), Settings(home=demo_home, buckets=2)
    risk, rows = load(store.model_folder()), build(store, settings, AS_OF)
    chance = risk.predict(rows)
    return risk, rows, reasons(risk, rows[chance >= np.quantile(chance, 0.75)], AS_OF, settings, among=rows)


# ------------------------------------------------------------------------------------------------- words
@pytest.mark.parametrize("feature", SAID, ids=lambda f: f.name)
def test_every_sentence_can_be_said_in_both_languages(feature: Feature) -> None:
    rows = every_value()
    (thai,), (english,) = sentences(feature, rows, np.array([0.5]), np.array(["2026-11-13"], "datetime64[s]"))
    open_grades = re.sub("ร|มส", "", english)
    assert re.search("[ก-๙]", thai) and not re.search("[ก-๙]", open_grades)
    assert not re.search("[{}]|nan", thai + english)


@pytest.mark.parametrize("feature", SAID, ids=lambda f: f.name)
def test_no_sentence_names_a_cause_or_labels_a_child(feature: Feature) -> None:
    said = feature.say_th + " " + feature.say_en.lower()
    assert [word for word in FORBIDDEN if word in said] == []


def test_nothing_a_run_says_names_a_cause_or_labels_a_child(run) -> None:
    said = set(run[2][["text_th", "text_en", "lower_th", "lower_en"]].stack().dropna())
    said |= {*NO_SINGLE_FACT, *(text for pair in LOWERED_BY.values() for text in pair)}
    assert len(said) > 100
    assert [(word, text) for text in said for word in FORBIDDEN if word in text.lower()] == []


def test_the_fact_stands_with_the_class_the_time_before_and_its_day() -> None:
    mali = every_value(absent_rate_28d=0.45, absent_days_28d=9, recorded_days_28d=20, absent_change_term=0.35)
    day = np.array(["2026-11-13"], "datetime64[s]")
    thai, english = sentences(BY_NAME["absent_rate_28d"], mali, np.array([0.05]), day)
    assert thai == ["สี่สัปดาห์ล่าสุดไม่มาเรียน 9 จาก 20 วันเรียน (ค่ากลางของห้อง 1 วัน; ช่วงเดียวกันของภาคก่อน 2 วัน; ถึง 13 พ.ย. 2569)"]
    assert english == [
        "Away on 9 of 20 school days in the last four weeks "
        "(class median 1 day; same weeks of the term before 2 days; up to 13 Nov 2026)"
    ]


def test_last_year_stands_as_a_share_beside_the_class_s_share() -> None:
    mali = every_value(absent_rate_last_year=0.16, recorded_days_year=100.0)
    thai, english = sentences(BY_NAME["absent_rate_last_year"], mali, np.array([0.04]))
    assert thai == ["ปีก่อนไม่มาเรียน 16% ของวันเรียน (ค่ากลางของห้อง 4%)"]
    assert english == ["Away on 16% of school days last year (class median 4%)"]


@pytest.mark.parametrize(("share", "thai", "english"), [(0.0, "0 วัน", "0 days"), (0.01, "1 วัน", "1 day"),
                                                        (0.12, "12 วัน", "12 days")])  # fmt: skip
def test_days_are_said_right_for_none_one_and_many(share: float, thai: str, english: str) -> None:
    mali = every_value(absent_days_year=20.0, recorded_days_year=100.0, absent_rate_last_year=share)
    (said_th,), (said_en,) = sentences(BY_NAME["absent_rate_year"], mali, np.array([share]))
    assert said_th == f"ปีนี้ไม่มาเรียน 20 จาก 100 วันเรียน (ค่ากลางของห้อง {thai}; ปีก่อน {thai} ในจำนวนวันเรียนเท่ากัน)"
    assert said_en == (
        f"Away on 20 of 100 school days this year (class median {english}; last year {english} in as many school days)"
    )


def test_no_english_sentence_says_one_days() -> None:
    """Every fact with all its figures just 1, those of the class too, and a month of recorded days."""
    one = every_value(**{f.name: 20.0 if f.name.startswith("recorded_days") else 1.0 for f in FEATURES})
    often = [f for f in SAID if abs(f.say_from) <= 1]  # the others are said from two days late, sixty days open … on
    said = [sentences(feature, one, np.array([1 / 20 if feature.unit == "share" else 1.0]))[1][0] for feature in often]
    assert len(said) > 25 and "class median 1 day;" in " ".join(said)
    assert [text for text in said if re.search(r"\b1(\.0)? (school )?(days|times|credits|results|kinds)\b", text)] == []


def test_what_is_not_known_is_not_said() -> None:
    mali = every_value(absent_rate_28d=0.45, absent_days_28d=9, recorded_days_28d=20, absent_change_term=np.nan)
    thai, _ = sentences(BY_NAME["absent_rate_28d"], mali, np.array([np.nan]), np.array(["NaT"], "datetime64[s]"))
    assert thai == ["สี่สัปดาห์ล่าสุดไม่มาเรียน 9 จาก 20 วันเรียน"]


def test_who_is_below_the_line_already_has_no_days_left() -> None:
    two = pd.concat([every_value(days_to_line=4), every_value(days_to_line=-3)])
    assert sentences(BY_NAME["days_to_line"], two)[0] == [
        "เวลาเรียนทั้งปีเทียบกับเกณฑ์ร้อยละ 80: ไม่มาเรียนได้อีก 4 วัน",
        "เวลาเรียนทั้งปีเทียบกับเกณฑ์ร้อยละ 80: ต่ำกว่าเกณฑ์ 3 วัน",
    ]
    one = pd.concat([every_value(days_to_line=1), every_value(days_to_line=-1)])
    assert [said.rpartition(": ")[2] for said in sentences(BY_NAME["days_to_line"], one)[1]] == [
        "1 day of absence left",
        "1 day below it",
    ]
    assert round(100 * LINE) == 80


# ------------------------------------------------------------------------------------------------- which
def one_by_one(risk: Risk, rows: pd.DataFrame) -> list[tuple[int, int, str | None]]:
    """What is said of each learner, in plain loops: learner, position, feature."""
    out: list[tuple[int, int, str | None]] = []
    shares = risk.contributions(rows)
    for at, row in rows.iterrows():
        share = shares.loc[at].to_dict()
        weights = {family: sum(share[n] for n in risk.features if BY_NAME[n].family == family) for family in FAMILIES}
        facts = {}
        for family in FAMILIES:
            heaviest = 0.0
            for topic in TOPICS:
                worth = [n for n in topic if n in share and beyond(BY_NAME[n], row[n])]
                weight = sum(share.get(n, 0) for n in topic)
                if BY_NAME[topic[0]].family == family and worth and weight > heaviest:
                    heaviest, facts[family] = weight, worth[0]
        said = [facts[f] for f in sorted(facts, key=lambda family: -weights[family]) if weights[f] > 0]
        out += [(row["learner_id"], place, name) for place, name in enumerate(said[:3] or [None], start=1)]
    return out


def beyond(feature: Feature, value: float) -> bool:
    if feature.say_from is None:
        return False
    line = np.float32(feature.say_from)
    return bool(value <= line if feature.direction < 0 else value >= line)


def test_every_fact_that_can_be_said_is_of_one_topic_and_a_topic_of_one_family() -> None:
    named = [name for topic in TOPICS for name in topic]
    assert len(named) == len(set(named)) and {f.name for f in SAID} <= set(named)
    assert all(len({BY_NAME[name].family for name in topic}) == 1 for topic in TOPICS)


def test_the_families_that_weigh_most_are_said_each_by_a_fact_of_its_heaviest_topic(run) -> None:
    risk, rows, _ = run
    some = rows.sample(150, random_state=0)
    found = reasons(risk, some, AS_OF, SETTINGS, among=rows)
    said = found["feature"].astype(object).where(found["feature"].notna(), None)
    assert list(zip(found["learner_id"], found["position"], said, strict=True)) == one_by_one(risk, some)


def test_contributions_and_base_add_up_to_the_score_of_every_child(run) -> None:
    risk, rows, _ = run
    assert np.abs(risk.contributions(rows).sum(axis=1) - risk.raw(rows)).max() < 1e-9


def test_at_most_three_reasons_a_learner_in_the_order_asked_for_and_of_their_weight(run) -> None:
    risk, rows, _ = run
    asked = rows.sample(200, random_state=1)
    found = reasons(risk, asked, AS_OF, SETTINGS, among=rows)
    assert list(found["learner_id"].drop_duplicates()) == list(asked["learner_id"])
    by = found.groupby("learner_id")
    assert by["position"].apply(list).isin([[1], [1, 2], [1, 2, 3]]).all()
    assert by["contribution"].apply(lambda weight: weight.dropna().is_monotonic_decreasing).all()
    assert list(found) == REASON.schema.names


def test_learners_explained_in_blocks_are_explained_alike(run, monkeypatch: pytest.MonkeyPatch) -> None:
    risk, rows, _ = run
    some = rows.sample(120, random_state=2)
    whole = reasons(risk, some, AS_OF, SETTINGS, among=rows)
    monkeypatch.setattr("models.reasons._BLOCK", 37)
    pd.testing.assert_frame_equal(reasons(risk, some, AS_OF, SETTINGS, among=rows), whole, check_dtype=False)


def test_a_high_score_without_a_fact_says_so_rather_than_invent_one(learned: Risk) -> None:
    quiet = every_value(absent_rate_28d=0.01, absent_rate_year=0.01, grade_average=3.9, poverty_class=0.0)
    found = reasons(learned, quiet, DAY, SETTINGS)
    assert list(found["text_th"]) == [NO_SINGLE_FACT[0]]
    assert pa.Table.from_pandas(found, schema=REASON.schema).num_rows == 1  # as a run stores it
    assert found[["family", "feature", "value", "source", "lowered"]].isna().all(axis=None)


def test_nobody_listed_nothing_said(learned: Risk) -> None:
    none = reasons(learned, placed(panel(5)).iloc[:0], DAY, SETTINGS)
    assert (len(none), list(none)) == (0, REASON.schema.names)
    assert pa.Table.from_pandas(none, schema=REASON.schema).num_rows == 0


# ------------------------------------------------------------------------------------------------- beside it
def test_what_is_usual_is_the_median_of_a_class_of_five_or_more(learned: Risk) -> None:
    class_of = placed(panel(6)).assign(school_id="9", absent_rate_28d=[0.0, 0.1, 0.1, 0.2, 0.9, 0.9],
                                       absent_days_28d=18.0, recorded_days_28d=20.0)  # fmt: skip

    def usual(rows: pd.DataFrame) -> set[float]:
        found = reasons(learned, rows, DAY, SETTINGS)
        return set(found.loc[found["feature"] == "absent_rate_28d", "usual"].dropna().round(6))

    assert usual(class_of) == {0.15}
    assert usual(class_of.iloc[2:]) == set()


def test_the_rows_behind_a_reason_are_there_and_say_the_same(run, demo_home: Path) -> None:
    store, settings, (_, _, found) = Store(demo_home), Settings(home=demo_home, buckets=2), run
    said = found[found["feature"].notna()]
    for feature, part in said.groupby("feature"):
        for row in part.head(3).itertuples():
            assert len(rows_behind(store, settings, row.learner_id, row.source)), (feature, row.source)
    away = {
        "absent_rate_28d": "ASL",
        "absent_rate_last_year": "ASL",
        "unexcused_rate_28d": "A",
        "unexcused_rate_year": "A",
        "absent_rate_84d": "ASL",
    }
    counted = 0
    for row in said[said["feature"].isin(away)].head(40).itertuples():
        marks = rows_behind(store, settings, row.learner_id, row.source)["mark"]
        assert marks.isin(list(away[row.feature])).mean() == pytest.approx(row.value, abs=1e-6)
        counted += 1
    assert counted > 10


def test_nothing_of_the_day_or_later_is_behind_a_reason() -> None:
    for feature in SAID:
        table, _, span = source(feature, DAY, SETTINGS).partition(" ")
        first, last = span.split("..")
        assert table in ("roll", "result", "household", "enrolment", "learner")
        assert first < last == ("2026-05-15" if feature.name == "absent_rate_last_year" else "2026-11-15")


def test_the_day_of_a_fact_is_the_last_it_is_about(run) -> None:
    _, rows, found = run
    known = found.merge(rows, on="learner_id", suffixes=("", "_row"))
    roll, screened = known[known["feature"] == "unexcused_rate_year"], known[known["feature"] == "income_per_head"]
    assert len(roll) and (roll["fact_on"] == roll["last_mark"]).all()
    told = pd.Timestamp(AS_OF) - pd.to_timedelta(screened["survey_age"], "D")
    assert len(screened) and (screened["fact_on"] == told).all()
    assert (known["fact_on"].dropna() < pd.Timestamp(AS_OF)).all()


# ------------------------------------------------------------------------------------------------- what would lower it
def test_what_would_lower_it_is_the_model_s_own_answer(learned: Risk) -> None:
    room = placed(panel(11, seed=3)).assign(school_id="9", absent_rate_28d=[0.8, *[0.05] * 10])
    mali = room.iloc[[0]]
    found = reasons(learned, mali, DAY, SETTINGS, among=room).set_index("family")
    as_class = learned.predict(mali.assign(absent_rate_28d=0.05)) / learned.predict(mali)
    assert found.loc["attendance", "lowered"] == pytest.approx(1 - as_class[0])
    assert found.loc["attendance", "lower_th"] == LOWERED_BY["attendance"][0]


def test_it_is_never_said_to_rise_and_nothing_of_home_or_age_is_to_be_changed(run) -> None:
    found = run[2]
    assert found["lowered"].dropna().between(0.05, 1).all() and found["lowered"].notna().any()
    assert set(found.loc[found["lower_th"].notna(), "family"]) <= {"attendance", "grades"}
    assert (found["lower_th"].isna() == found["lowered"].isna()).all()
    assert (found["lower_th"].isna() == found["lower_en"].isna()).all()
