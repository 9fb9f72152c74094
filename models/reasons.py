"""Why a child is on a list: exact TreeSHAP contributions, grouped into things a teacher can talk about, in words.

Contributions of one family (attendance, grades, home …) are added; the families that raised the risk most are said,
each by a fact worth a visit from the topic in it that weighs most, with its day, what is usual in the class, the rows
of the register behind it and, where it is in anyone's hands, what would lower it:

    สี่สัปดาห์ล่าสุดไม่มาเรียน 9 จาก 20 วันเรียน (ค่ากลางของห้อง 1 วัน; ช่วงเดียวกันของภาคก่อน 2 วัน; ถึง 13 พ.ย. 2569)

Facts only: nothing here says why a child is away, and no word labels her. A family without such a fact is not said,
however much it weighs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from string import Formatter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.registry import BY_NAME, FAMILIES, Feature
from features.school import keys
from models.risk import Risk
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import NO_SCHOOL, NOT_RECORDED, REASON
from raksa.thai import format_date

AT_MOST = 3
_BLOCK = 100_000  # learners explained at a time: their contributions are 86 numbers each
# A median of four classmates would tell a good deal about each of them.
_FEWEST_IN_CLASS = 5
# What would lower the figure by less than a twentieth is not worth saying.
_LEAST_LOWERED = 0.05

_POVERTY = (("ไม่ยากจน", "not poor"), ("ยากจน", "poor"), ("ยากจนพิเศษ", "extremely poor"))
_LIVES = (
    ("อยู่กับพ่อแม่", "Lives with both parents"),
    ("อยู่กับพ่อหรือแม่คนเดียว", "Lives with one parent"),
    ("อยู่กับญาติ", "Lives with relatives"),
    ("อยู่กับผู้อื่น สถาบัน หรืออยู่ลำพัง", "Lives with others, in an institution or alone"),
)
NO_SINGLE_FACT = (
    "ไม่มีข้อเท็จจริงเดียวที่เด่นชัด หลายเรื่องเล็ก ๆ รวมกัน ควรพูดคุยกับนักเรียน",
    "No single fact stands out; several small ones together. Worth a talk.",
)

_LAST_YEAR = "absent_rate_last_year"
# Facts about one thing, in the order in which one of them is said. Trees share the credit for one thing among its facts
# as chance has it: with other children in the training the same child would be told another fact. So a thing is weighed
# by the sum of its facts, and said by the first of them that is worth saying, recent and plain before old and derived.
TOPICS: tuple[tuple[str, ...], ...] = (
    ("current_absence", "absent_rate_28d", "unexcused_rate_28d", "absent_rate_14d", "absent_vs_class",
     "absent_change_28d", "absent_change_term", "absent_change_year", "absent_alone_28d", "absent_rate_56d",
     "absent_trend"),
    ("unexcused_rate_year", "absent_rate_year", "absent_rate_84d", "longest_absence", "runs_3", "days_to_line",
     "unexcused_rate_84d", "runs_5", "absent_rank_school"),
    ("absent_rate_last_year",),
    ("late_rate_28d", "late_change_28d", "late_rate_84d", "late_rate_year"),
    ("sick_rate_year", "sick_rate_28d"),
    ("open_results", "credits_behind", "open_share", "open_latest", "days_open", "open_vs_class",
     "lowest_attended_percent"),
    ("grade_average", "midterm_percent", "grade_latest", "grade_lowest_area", "grade_vs_class",
     "grade_latest_vs_class", "grade_vs_school"),
    ("grade_change",),
    ("work_days_late", "late_vs_class"),
    ("poverty_class", "income_per_head", "wealth_percentile", "housing_lacks", "dependants", "belongings"),
    ("away_from_parents",),
    ("distance_km", "travel_minutes"),
    ("grant_margin",),
    ("over_age", "repeated_grade", "attempts_before"),
    ("moves", "agency_changes"),
    ("entered_late",),
)  # fmt: skip
# The register's rows behind a fact: the table, and from when: days back, or an academic year so many before this one;
# None = ever. By family, and for features that look elsewhere.
_BEHIND: Mapping[str, tuple[str, int | str | None]] = {
    "attendance": ("roll", "year"),
    "grades": ("result", "year-2"),
    "home": ("household", None),
    "age": ("enrolment", "year-1"),
    "moves": ("enrolment", "year-2"),
    **dict.fromkeys(("absent_vs_class", "absent_alone_28d"), ("roll", 28)),
    **dict.fromkeys(("absent_change_28d", "late_change_28d", "absent_trend"), ("roll", 56)),
    **dict.fromkeys(("absent_change_term", "absent_change_year", _LAST_YEAR), ("roll", "year-1")),
    **dict.fromkeys(("midterm_percent", "open_share", "open_latest", "open_vs_class"), ("result", "year")),
    **dict.fromkeys(("work_days_late", "lowest_attended_percent"), ("result", "year")),
    "grant_margin": ("roll", "year"),
    "over_age": ("learner", None),
    "entered_late": ("enrolment", "year"),
}
_KNOWN_ON = {"result": "known_on", "household": "known_on", "learner": "known_on", "enrolment": "listed_on"}

# Facts beside which the class's median is said; shares of days are said as days of as many school days.
_COMPARED = ("absent_rate_14d", "absent_rate_28d", "absent_rate_84d", "absent_rate_year", "unexcused_rate_28d",
             "unexcused_rate_year", "sick_rate_year", "late_rate_28d", "longest_absence", "absent_rate_last_year",
             "grade_average", "grade_latest", "grade_lowest_area", "midterm_percent", "open_results", "credits_behind",
             "lowest_attended_percent")  # fmt: skip
_IN_UNIT = {"share": "{:.0%}", "percent": "{:.0f}%", "grade 0–4": "{:.2f}", "results": "{:.0f}", "credits": "{:.1f}"}

# What the coming four weeks can change of each family: facts that would be as usual in the class, or settled.
_RECENT = ("absent_rate_14d", "absent_rate_28d", "unexcused_rate_28d", "late_rate_28d", "late_change_28d",
           "current_absence", "absent_trend", "absent_change_28d", "absent_change_term", "absent_change_year",
           "absent_vs_class", "absent_alone_28d")  # fmt: skip
_OPEN = ("open_results", "days_open", "credits_behind", "open_share", "open_latest", "open_vs_class")
_DAY_SAID = {
    "roll": ("ถึง ", "up to "),
    "result": ("ข้อมูลถึง ", "known up to "),
    "household": ("คัดกรองล่าสุด ", "last screening "),
}
LOWERED_BY = {
    "attendance": ("มาเรียนได้เท่ากับเพื่อนในห้องตลอดสี่สัปดาห์ข้างหน้า", "Four weeks of coming to school as the class does"),
    "grades": ("แก้ผลการเรียน 0 ร มส ที่ค้างอยู่ให้ครบ", "Clearing the results still open (0, ร, มส)"),
}
_USUAL_OF = tuple(dict.fromkeys((*_COMPARED, *_RECENT)))


def reasons(
    risk: Risk, rows: pd.DataFrame, as_of: date, settings: Settings, *, among: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Rows of raksa.tables.REASON, at most three a learner in the order of `rows`, position 1 weighing most.

    `rows` are feature rows of the listed: exact contributions cost 50 times a score, so explain only those. `among` are
    the rows of all learners on that date, for what is usual in a class; without it, of `rows`. A learner whose risk no
    single fact raised has one row that says so.
    """
    among = rows if among is None else among
    usual = _usual(among[[*_USUAL_OF]], _class(among))
    parts = [
        _explained(risk, block, usual.reindex(_class(block)), as_of, settings)
        for start in range(0, len(rows), _BLOCK)
        if len(block := rows.iloc[start : start + _BLOCK])
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=REASON.schema.names)


def _class(rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(keys(rows)["class_key"])


def _usual(facts: pd.DataFrame, classes: np.ndarray) -> pd.DataFrame:
    """The median of each fact in each class, by class; NaN where fewer than five classmates have it."""
    by = facts.groupby(classes)
    return by.median().where(by.count() >= _FEWEST_IN_CLASS)


def _explained(risk: Risk, rows: pd.DataFrame, usual: pd.DataFrame, as_of: date, settings: Settings) -> pd.DataFrame:
    """The reasons of a block of learners; `usual` has a row beside each of `rows`."""
    at, feature, weight = _chosen(risk, rows)
    chosen = [BY_NAME[name] for name in risk.features]
    lowered = _lowered(risk, rows, usual)
    parts = []
    for number in np.unique(feature):
        mine = feature == number
        said, of = chosen[number], at[mine]
        part = pd.DataFrame({"at": of, "weight": weight[mine], "family": said.family, "feature": said.name})
        part["value"] = rows[said.name].to_numpy(np.float64)[of]
        facts, beside = rows.iloc[of], usual.iloc[of]
        part["usual"] = beside[said.name].to_numpy(np.float64) if said.name in _COMPARED else np.nan
        part["fact_on"] = _day(said, facts, as_of)
        part["source"] = source(said, as_of, settings)
        part["text_th"], part["text_en"] = sentences(said, facts, part["usual"].to_numpy(), part["fact_on"].to_numpy())
        falls = lowered.get(said.family, np.full(len(rows), np.nan))[of]
        part["lowered"] = np.where(falls >= _LEAST_LOWERED, falls, np.nan)
        for column, words in zip(("lower_th", "lower_en"), LOWERED_BY.get(said.family, ("", "")), strict=True):
            part[column] = pd.Series(words, part.index, object).where(falls >= _LEAST_LOWERED, None)
        parts.append(part)
    quiet = np.setdiff1d(np.arange(len(rows)), at)
    none = pd.DataFrame({"at": quiet, "weight": np.nan}).assign(text_th=NO_SINGLE_FACT[0], text_en=NO_SINGLE_FACT[1])
    found = pd.concat([*parts, none], ignore_index=True).reindex(
        columns=["at", "weight", *(name for name in REASON.schema.names if name not in ("learner_id", "position"))]
    )
    found = found.sort_values(["at", "weight"], ascending=[True, False], kind="stable", ignore_index=True)
    found["learner_id"] = rows["learner_id"].to_numpy()[found["at"]]
    found["position"] = found.groupby("at").cumcount().to_numpy(np.int8) + 1
    found["contribution"] = found["weight"]
    found["fact_on"] = found["fact_on"].astype("datetime64[s]")  # a date also where nobody's fact has one
    return found.reindex(columns=REASON.schema.names)


def _chosen(risk: Risk, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is said, one entry a reason: row, feature (its place in `risk.features`) and the weight of its family."""
    families, at = list(FAMILIES), {name: place for place, name in enumerate(risk.features)}
    shares = risk.contributions(rows)[list(risk.features)].to_numpy()
    family_of = np.array([families.index(BY_NAME[name].family) for name in risk.features])
    weights = shares @ (family_of[:, None] == np.arange(len(families))).astype(np.float64)
    worth = worth_saying(risk.features, rows)
    heaviest, fact = np.zeros(weights.shape), np.zeros(weights.shape, int)
    for topic in TOPICS:
        mine = np.array([at[name] for name in topic if name in at], int)
        if len(mine):
            family = family_of[mine[0]]
            weight = np.where(worth[:, mine].any(axis=1), shares[:, mine].sum(axis=1), 0.0)
            more = weight > heaviest[:, family]
            heaviest[more, family] = weight[more]
            fact[more, family] = mine[worth[more][:, mine].argmax(axis=1)]
    said = np.where((heaviest > 0) & (weights > 0), weights, 0.0)
    order = np.argsort(-said, axis=1, kind="stable")[:, :AT_MOST]
    row, place = np.nonzero(np.take_along_axis(said, order, axis=1) > 0)
    family = order[row, place]
    return row, fact[row, family], weights[row, family]


def worth_saying(names: tuple[str, ...], rows: pd.DataFrame) -> np.ndarray:
    """Whether each value is a fact worth a visit, (rows, names) bool: known, at or beyond the registry's `say_from`."""
    out = np.zeros((len(rows), len(names)), bool)
    for column, feature in enumerate(BY_NAME[name] for name in names):
        if feature.say_from is not None:
            value, line = rows[feature.name].to_numpy(np.float32), np.float32(feature.say_from)
            out[:, column] = value <= line if feature.direction < 0 else value >= line
    return out


# ------------------------------------------------------------------------------------------------- in words
def sentences(
    feature: Feature, rows: pd.DataFrame, usual: np.ndarray | None = None, days: np.ndarray | None = None
) -> tuple[list[str], list[str]]:
    """The fact in Thai and in English, one sentence a row, with the learner's own figures; behind it in brackets what
    is usual in the class, what was before, and the day (all where known)."""
    beside = _beside(feature, rows, usual, days)
    out = []
    for template, language in ((feature.say_th, 0), (feature.say_en, 1)):
        fields = [field for _, field, _, _ in Formatter().parse(template) if field]
        columns = {field: _fact(field, rows, language) for field in dict.fromkeys(fields)}
        facts = [
            template.format(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]
        facts = facts or [template] * len(rows)
        out.append([f"{fact} ({'; '.join(known)})" if (known := [t for t in more if t]) else fact
                    for fact, *more in zip(facts, *(texts[language] for texts in beside), strict=True)])  # fmt: skip
    return out[0], out[1]


def _fact(name: str, rows: pd.DataFrame, language: int) -> list[object]:
    """A field of a sentence for each row: a feature's value, or words made of one."""
    if name.startswith(("poverty_word", "lives_word")):
        words, column = (_POVERTY, "poverty_class") if name.startswith("poverty") else (_LIVES, "away_from_parents")
        spoken = np.array([pair[language] for pair in words], object)
        return [*spoken[np.nan_to_num(rows[column].to_numpy()).astype(int)]]
    if name.startswith("line_"):
        texts = (
            ("ไม่มาเรียนได้อีก {}", "ต่ำกว่าเกณฑ์ {}"),
            ("{} of absence left", "{} below it"),
        )
        return [texts[language][left < 0].format(_days(abs(left), language)) for left in rows["days_to_line"].tolist()]
    made: Mapping[str, Callable[[], pd.Series]] = {
        "grade_drop": lambda: -rows["grade_change"],
        "open_percent": lambda: 100 * rows["open_share"],
        "attended_percent": lambda: rows["grant_margin"] + rows["grant_attendance"],
    }
    values: list[object] = (made[name]() if name in made else rows[name]).tolist()
    return values


def _beside(
    feature: Feature, rows: pd.DataFrame, usual: np.ndarray | None, days: np.ndarray | None
) -> list[tuple[list[str], list[str]]]:
    """What stands in brackets: the class's median, the time before, the day; "" where not known."""
    of_days, unit = np.ones(len(rows)), feature.unit
    recorded = f"recorded_days_{feature.name.rpartition('_')[2]}"
    # Last year's share is of last year's days, which no feature counts: it stays a share.
    if unit == "share" and feature.name != _LAST_YEAR and recorded in rows:
        of_days, unit = rows[recorded].to_numpy(np.float64), "days"
    told = []
    if usual is not None and feature.name in _COMPARED:
        told.append(_in_words("ค่ากลางของห้อง {}", "class median {}", usual * of_days, unit))
    before = _before(feature.name, rows)
    if before is not None:
        told.append(_in_words(*before[:2], before[2] * of_days, unit))
    if days is not None and (table := _BEHIND.get(feature.name, _BEHIND[feature.family])[0]) in _DAY_SAID:
        codes, distinct = pd.factorize(days)
        on = pd.DatetimeIndex(distinct).date
        thai, english = (
            np.array([*(said + format_date(day, language) for day in on), ""], object)[codes].tolist()
            for said, language in zip(_DAY_SAID[table], ("th", "en"), strict=True)
        )
        told.append((thai, english))
    return told


def _before(name: str, rows: pd.DataFrame) -> tuple[str, str, np.ndarray] | None:
    """Words and values of the same fact in the time before; NaN where not known, None where there is no such time."""
    then = {
        "absent_rate_28d": ("ช่วงเดียวกันของภาคก่อน {}", "same weeks of the term before {}", "absent_change_term"),
        "grade_latest": ("ก่อนหน้า {}", "before {}", "grade_change"),
    }
    if name == "absent_rate_year":
        last_year = rows["absent_rate_last_year"].to_numpy(np.float64)
        return "ปีก่อน {} ในจำนวนวันเรียนเท่ากัน", "last year {} in as many school days", last_year
    if name not in then:
        return None
    thai, english, change = then[name]
    return thai, english, np.maximum(rows[name].to_numpy(np.float64) - rows[change].to_numpy(np.float64), 0)


def _in_words(thai: str, english: str, values: np.ndarray, unit: str) -> tuple[list[str], list[str]]:
    """Values in their unit amid some words, in both languages; "" where not known."""
    form = _IN_UNIT.get(unit)
    return tuple(  # type: ignore[return-value]
        ["" if value != value else said.format(form.format(value) if form else _days(value, language))
         for value in values.tolist()]
        for language, said in enumerate((thai, english))
    )  # fmt: skip


def _days(count: float, language: int) -> str:
    """Whole days, in Thai (0) or English (1)."""
    whole = round(count)
    return f"{whole} วัน" if language == 0 else f"{whole} day" if whole == 1 else f"{whole} days"


# ------------------------------------------------------------------------------------------------- where it stands
def _day(feature: Feature, rows: pd.DataFrame, as_of: date) -> np.ndarray:
    """The last day each fact is about: the last recorded day, the last known result, the last screening. NaT = none."""
    if (feature.family == "attendance" and feature.name != _LAST_YEAR) or feature.name == "grant_margin":
        return rows["last_mark"].to_numpy("datetime64[s]")
    ago = {"grades": "days_since_result", "home": "survey_age"}.get(feature.family)
    if ago is None:
        return np.full(len(rows), np.datetime64("NaT"), "datetime64[s]")
    back = rows[ago].to_numpy(np.float64)
    known = np.datetime64(as_of) - np.nan_to_num(back).astype("timedelta64[D]")
    return np.where(np.isnan(back), np.datetime64("NaT"), known).astype("datetime64[s]")


def source(feature: Feature, as_of: date, settings: Settings) -> str:
    """The rows of the register behind a fact: `roll 2026-10-19..2026-11-15`; nothing before the dots = ever."""
    window = feature.name.rpartition("_")[2]
    table, since = _BEHIND.get(feature.name, _BEHIND[feature.family])
    if table == "roll" and window in ("14d", "28d", "84d") and feature.name not in _BEHIND:
        since = int(window.removesuffix("d"))
    year = calendar.academic_year(as_of, settings)
    if isinstance(since, int):
        first = str(as_of - timedelta(days=since))
    else:
        first = "" if since is None else str(calendar.first_day(year + int(since.removeprefix("year") or 0), settings))
    ends = calendar.first_day(year, settings) if feature.name == _LAST_YEAR else as_of
    return f"{table} {first}..{ends - timedelta(days=1)}"


def rows_behind(store: Store, settings: Settings, learner_id: int, source: str) -> pd.DataFrame:
    """The register's rows a reason rests on, oldest first. Of the roll one row a day with a mark: school_id, day, mark;
    of the other tables their rows as they became known within the days of `source`."""
    table, _, span = source.partition(" ")
    first, last = (date.fromisoformat(day) if day else date.min for day in span.split(".."))
    bucket = learner_id % store.identity.buckets
    if table != "roll":
        held = store.read(table, bucket=bucket)
        held = held.filter(pc.equal(held["learner_id"], learner_id))
        known = held[_KNOWN_ON[table]]
        span_of = pc.and_(pc.greater_equal(known, pa.scalar(first)), pc.less_equal(known, pa.scalar(last)))
        found: pd.DataFrame = held.filter(span_of).sort_by(_KNOWN_ON[table]).to_pandas()
        return found
    years = range(calendar.academic_year(first, settings), calendar.academic_year(last, settings) + 1)
    pages = store.read("roll", years=years, bucket=bucket)
    marks = [
        (page["school_id"], calendar.first_day(page["academic_year"], settings) + timedelta(days=place), mark)
        for page in pages.filter(pc.equal(pages["learner_id"], learner_id)).to_pylist()
        for place, mark in enumerate(page["marks"])
        if mark not in (NOT_RECORDED, NO_SCHOOL)
    ]
    within = sorted((mark for mark in marks if first <= mark[1] <= last), key=lambda mark: mark[1])
    return pd.DataFrame(within, columns=["school_id", "day", "mark"])


# ------------------------------------------------------------------------------------------------- what would lower it
def _lowered(risk: Risk, rows: pd.DataFrame, usual: pd.DataFrame) -> dict[str, np.ndarray]:
    """By family, by what share the model's figure would fall if what can change in four weeks had changed.

    Attendance: each fact of the last four weeks as usual in the class, where it is not better already. Grades: nothing
    open any more. All else stays, also what these weeks would do to the year's figures: the fall is no overstatement.
    The model answers, nobody promises: it has learned who stayed, not what a visit does.
    """
    now = risk.predict(rows)
    out = {}
    for family, facts in (("attendance", _RECENT), ("grades", _OPEN)):
        changed = {}
        for name in facts:
            own = rows[name].to_numpy(np.float64)
            then = usual[name].to_numpy(np.float64) if family == "attendance" else np.zeros(len(rows))
            changed[name] = np.where(own > then, then, own)
        out[family] = 1 - risk.predict(rows.assign(**changed)) / now
    return out
