"""Four things that must hold without exception, tried many times: `python -m benchmarks.proofs [--quick] [--json F]`.

    leak        a register is told more, or other things, of the as-of date or later: 0 scores move. The same kinds of
                facts, dated the day before, do move them (or the trial could not fail); and a register from which all
                that came later is deleted gives the same scores
    sense       one more absence, a lower mark, a poorer household: 0 scores fall. At feature level any number of facts
                get worse at once; at fact level one mark on a roll page, one result or one screening does
    reasons     contributions and base add up to the score, for every child
    bytes       the same register trained and scored twice: the same bytes, file by file (of DuckDB files the tables')

Made-up children (benchmarks.area_store). Scores are compared bit by bit, raw and calibrated.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from benchmarks.area_store import AS_OF, store_of
from care.publish import publish
from features.build import build
from features.readiness import cannot_score
from features.registry import BY_NAME, MODEL_FEATURES
from models.panel import closed_years, panel, slices
from models.risk import Risk, fit
from models.train import train
from models.trees import ROUNDS
from raksa import calendar
from raksa.settings import Settings, load
from raksa.store import FileReport, Store, page_matrix, page_strings
from raksa.tables import (
    ABSENT,
    ENROLMENT_STATUS,
    EXIT_CAUSES,
    GRADES,
    LIVES_WITH,
    NO_SCHOOL,
    NOT_RECORDED,
    PAGE_DAYS,
    POVERTY_CLASSES,
    PRESENT,
    REGISTER,
)

LEARNERS, TRIALS, REBUILDS = 20_000, 1_000_000, 50
MARKS_A_PAGE = 8
_KNOWN = {"enrolment": "listed_on", **dict.fromkeys(
    ("result", "exit", "learner", "household", "grant", "growth"), "known_on")}  # fmt: skip
_GRADE_STEPS = ("0", "1", "1.5", "2", "2.5", "3", "3.5", "4")
Rows = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Proof:
    """One line: how often it was tried, in how many registers, and how many scores did what must not (or must) be."""

    name: str
    trials: int
    registers: int
    scores: int
    broken: int
    holds: bool
    seconds: float
    note: str = ""


# ------------------------------------------------------------------------------------------------- facts
def told(rng: np.random.Generator, who: pd.DataFrame, on: Callable[[int], np.ndarray], day: date, n: int,
         settings: Settings, results: pd.DataFrame) -> Rows:  # fmt: skip
    """About n made-up facts about random learners, equally many a table; each known on a day that `on` draws.

    What a fact is about (day of leaving, survey, measuring, birth) is drawn freely around `day`, before it and after.
    """
    each = max(n // 8, 1)
    schools = who["school_id"].unique()

    def learners(k: int = each) -> dict[str, Any]:
        one = who.iloc[rng.integers(0, len(who), k)]
        elsewhere = rng.random(k) < 0.3
        at = np.where(elsewhere, rng.choice(schools, k), one["school_id"])
        return {"learner_id": one["learner_id"].to_numpy(), "school_id": at}

    def any_day(back: int, ahead: int) -> np.ndarray:
        return np.datetime64(day) + rng.integers(-back, ahead, each)

    def one_of(words: Sequence[Any]) -> np.ndarray:
        return np.array(words, object)[rng.integers(0, len(words), each)]

    def amount(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, each).round(1)

    listed, known = on(each), on(each)
    again = results.iloc[rng.integers(0, len(results), each)]
    marked = {
        "percent": amount(0, 100), "grade": one_of((*_GRADE_STEPS, "ร", "มส")), "attended_percent": amount(0, 100),
        "days_late": amount(-20, 40), "known_on": known,
    }  # fmt: skip
    new = {
        **learners(), "term": rng.integers(1, 3, each), "subject": one_of([f"ใหม่ {k}" for k in range(40)]),
        "part": one_of(("final", "midterm", "ใบงาน 1")), "learning_area": one_of(("ภาษาไทย", "ศิลปะ")),
        "credits": amount(0.5, 3), "academic_year": _years(known, settings) - rng.integers(0, 2, each), **marked,
    }  # fmt: skip
    half = rng.random(each) < 0.5
    said_again = again.reset_index(drop=True).assign(**marked)
    return {
        "roll": _pages(rng, learners(max(each // MARKS_A_PAGE, 1)), on, settings),
        "result": pd.concat([pd.DataFrame(new)[half], said_again[~half]]),
        "enrolment": pd.DataFrame({
            **learners(), "academic_year": _years(listed, settings), "listed_on": listed, "term": 1,
            "grade": one_of(GRADES), "room": one_of(("1", "2")), "status": one_of(ENROLMENT_STATUS),
            "starts_on": any_day(200, 100), "entered_on": any_day(200, 100),
            "attempts_before": rng.integers(0, 4, each), "isced_completed": rng.integers(0, 4, each),
            "credits": amount(0, 30),
        }),
        "exit": pd.DataFrame({**learners(), "left_on": any_day(300, 200), "cause": one_of(tuple(EXIT_CAUSES)),
                              "known_on": on(each)}),
        "learner": pd.DataFrame({**learners(), "sex": one_of(("female", "male")),
                                 "birth_date": np.datetime64("2005-01-01") + rng.integers(0, 4000, each),
                                 "known_on": on(each)}),
        "household": pd.DataFrame({
            **learners(), "surveyed_on": any_day(900, 200), "poverty_class": one_of(POVERTY_CLASSES),
            "income_per_head": amount(100, 20_000), "wealth_percentile": amount(0, 100),
            "dependants": rng.integers(0, 6, each), "housing_lacks": rng.integers(0, 7, each),
            "belongings": rng.integers(0, 10, each), "lives_with": one_of(LIVES_WITH), "distance_km": amount(0, 90),
            "travel_minutes": amount(0, 200), "known_on": on(each),
        }),
        "grant": pd.DataFrame({**learners(), "from_day": any_day(700, 100), "until_day": any_day(300, 700),
                               "kind": "ทุนเสมอภาค", "attendance_percent": amount(70, 95), "known_on": on(each)}),
        "growth": pd.DataFrame({**learners(), "measured_on": any_day(700, 200), "weight_kg": amount(10, 90),
                                "height_cm": amount(90, 190), "known_on": on(each)}),
    }  # fmt: skip


def _years(days: np.ndarray, settings: Settings) -> np.ndarray:
    distinct, which = np.unique(days, return_inverse=True)
    return np.array([calendar.academic_year(day.item(), settings) for day in distinct])[which]


def _pages(
    rng: np.random.Generator, who: dict[str, Any], on: Callable[[int], np.ndarray], settings: Settings
) -> pd.DataFrame:
    """A page a learner with eight marks on days that `on` draws, all of the year of the first of them."""
    n = len(who["learner_id"])
    days = on(n * MARKS_A_PAGE).reshape(n, MARKS_A_PAGE)
    year = _years(days[:, 0], settings)
    blank = {each: calendar.blank_page(int(each), settings) for each in np.unique(year)}
    marks = np.stack([blank[each] for each in year])
    start = np.array([np.datetime64(calendar.first_day(int(each), settings)) for each in year])
    place = (days - start[:, None]).astype(int)
    row, column = np.nonzero((place >= 0) & (place < PAGE_DAYS))
    marks[row, place[row, column]] = rng.choice(np.frombuffer(b"PTSLAV.", np.uint8), len(row))
    return pd.DataFrame(who).assign(academic_year=year, marks=page_strings(marks).to_pylist())


def add(store: Store, facts: Rows) -> int:
    """One import of the facts, each key once; how many facts it held, marks counted one by one."""
    tables, count = {}, 0
    for name, rows in facts.items():
        spec = REGISTER[name]
        once = rows.drop_duplicates(list(spec.key), keep="last").reset_index(drop=True)
        columns = [
            pa.Array.from_pandas(once[field.name]).cast(field.type) if field.name in once
            else pa.nulls(len(once), field.type)
            for field in spec.schema
        ]  # fmt: skip
        tables[name] = pa.table(columns, schema=spec.schema)
        count += len(once) * (MARKS_A_PAGE if name == "roll" else 1)
    with store.writing():
        store.add_snapshot(tables, [FileReport("told", str(count), "made up")], None, str(AS_OF))
    return count


class Told:
    """The store with some facts added, and without them again afterwards."""

    def __init__(self, store: Store, facts: Rows) -> None:
        self.store, self.facts = store, facts

    def __enter__(self) -> int:
        self.before = self.store.current().snapshots
        return add(self.store, self.facts)

    def __exit__(self, *_: object) -> None:
        added = self.store.current().snapshots[-1]
        self.store.point(snapshots=self.before)
        for file in (self.store.home / "register").rglob(f"{added}.parquet"):
            file.unlink()


# ------------------------------------------------------------------------------------------------- scores
@dataclass
class Judged:
    """The store, the model, and the scores of a day: raw log-odds and calibrated risk by learner."""

    store: Store
    settings: Settings
    risk: Risk

    def scores(self, as_of: date) -> pd.DataFrame:
        rows = build(self.store, self.settings, as_of)
        both = {"raw": self.risk.raw(rows), "risk": self.risk.predict(rows)}
        return pd.DataFrame(both, index=pd.Index(rows["learner_id"], name="learner_id"))


def moved(was: pd.DataFrame, now: pd.DataFrame) -> int:
    """Learners whose score is not the same, bit by bit, and those who came or went."""
    both = was.index.intersection(now.index)
    same = was.loc[both].to_numpy().view(np.int64) == now.loc[both].to_numpy().view(np.int64)
    return int((~same.all(axis=1)).sum() + len(was.index.symmetric_difference(now.index)))


def fell(was: pd.DataFrame, now: pd.DataFrame, learners: np.ndarray) -> int:
    """Of the learners, those whose raw or calibrated score is lower than before."""
    return int((now.loc[learners].to_numpy() < was.loc[learners].to_numpy()).any(axis=1).sum())


# ------------------------------------------------------------------------------------------------- the proofs
def leak(judged: Judged, days: list[date], trials: int, rebuilds: int, seed: int) -> list[Proof]:
    """Facts of the date or later, then the same kinds of the days before, then a register that ends on the date."""
    store, settings = judged.store, judged.settings
    rng = np.random.default_rng(seed)
    was = {day: judged.scores(day) for day in days}
    who = store.read("enrolment", columns=["learner_id", "school_id"]).to_pandas().drop_duplicates("learner_id")
    results = store.read("result").to_pandas()

    def of_the_day_or_later(day: date) -> Callable[[int], np.ndarray]:
        return lambda n: np.datetime64(day) + rng.integers(0, 250, n) * (rng.random(n) < 0.9)

    def of_the_days_before(day: date) -> Callable[[int], np.ndarray]:
        return lambda n: np.datetime64(day) - rng.integers(1, 8, n)

    started, count, broken, seen = time.perf_counter(), 0, 0, 0
    done = 0
    while count < trials:
        day = days[done % len(days)]
        facts = told(rng, who, of_the_day_or_later(day), day, -(-trials // rebuilds), settings, results)
        with Told(store, facts) as n:
            broken += moved(was[day], judged.scores(day))
        count, seen, done = count + n, seen + len(was[day]), done + 1
    out = [Proof("leak: no fact of the date or later moves a score", count, done, seen, broken, broken == 0,
                 time.perf_counter() - started)]  # fmt: skip

    for name in ("roll", *_KNOWN):
        started, day = time.perf_counter(), days[-1]
        facts = told(rng, who, of_the_days_before(day), day, 8 * 200, settings, results)
        with Told(store, {name: facts[name]}) as n:
            shifted = moved(was[day], judged.scores(day))
        out.append(Proof(f"the days before do: {name}", n, 1, len(was[day]), shifted, shifted > 0,
                         time.perf_counter() - started, "scores moved, as they must"))  # fmt: skip

    started, day = time.perf_counter(), days[0]
    with tempfile.TemporaryDirectory() as folder:
        then = Store.create(Path(folder), store.identity.buckets, "demo")
        gone = _as_known_on(store, then, day, settings)
        broken = moved(was[day], Judged(then, settings, judged.risk).scores(day))
    out.append(Proof("leak: nor does deleting all that came later", gone, 1, len(was[day]), broken, broken == 0,
                     time.perf_counter() - started))  # fmt: skip
    return out


def _as_known_on(whole: Store, then: Store, day: date, settings: Settings) -> int:
    """Fill a store with what was known before the day; how many facts are left out, marks counted one by one."""
    tables, gone = {}, 0
    for name in ("school", "holiday", "roll", *_KNOWN):
        held = whole.read(name)
        if name in _KNOWN:
            known = pc.less(held[_KNOWN[name]], pa.scalar(day, pa.date32()))
            gone += held.num_rows - int(pc.sum(known).as_py() or 0)
            held = held.filter(known)
        elif name == "roll":
            marks, years = page_matrix(held["marks"]).copy(), held["academic_year"].to_numpy()
            for year in np.unique(years).tolist():
                of_year = np.flatnonzero(years == year)
                from_ = min(max((day - calendar.first_day(year, settings)).days, 0), PAGE_DAYS)
                blank = calendar.blank_page(year, settings)[from_:]
                gone += int((~np.isin(marks[of_year, from_:], [ord(NOT_RECORDED), ord(NO_SCHOOL)])).sum())
                marks[of_year, from_:] = blank
            held = held.set_column(held.schema.get_field_index("marks"), "marks", page_strings(marks))
            held = held.filter(pa.array((~np.isin(marks, [ord(NOT_RECORDED), ord(NO_SCHOOL)])).any(axis=1)))
        tables[name] = held
    with then.writing():
        then.add_snapshot(tables, [FileReport("as known", str(day), "made up")], None, str(AS_OF))
    return gone


def sense(judged: Judged, day: date, trials: int, seed: int) -> list[Proof]:
    """Any number of facts worse at once, at feature level."""
    rng, started = np.random.default_rng(seed), time.perf_counter()
    rows = build(judged.store, judged.settings, day)
    free = [name for name in judged.risk.features if BY_NAME[name].direction and name in rows]
    sign = np.array([BY_NAME[name].direction for name in free])
    known = rows[free].to_numpy(np.float64)
    spread = np.nanmax(known, axis=0) - np.nanmin(known, axis=0)
    was = np.column_stack([judged.risk.raw(rows), judged.risk.predict(rows)])
    done, broken = 0, 0
    while done < trials:
        at = rng.integers(0, len(rows), min(50_000, trials - done))
        # One fact of three probes, a handful of the others; by a hair or by all that there is between two children.
        which = rng.random((len(at), len(free))) < np.where(rng.random(len(at)) < 1 / 3, 0.0, 0.1)[:, None]
        which[np.arange(len(at)), rng.integers(0, len(free), len(at))] = True
        by = spread * rng.random((len(at), 1)) ** 3
        worse = pd.DataFrame(known[at] + sign * np.where(which, by, 0), columns=free)
        probes = rows.iloc[at].reset_index(drop=True).drop(columns=free).join(worse.astype(np.float32))
        now = np.column_stack([judged.risk.raw(probes), judged.risk.predict(probes)])
        broken += int((now < was[at]).any(axis=1).sum())
        done += len(at)
    return [Proof("sense: no worse facts lower a score (features)", done, 1, done, broken, broken == 0,
                  time.perf_counter() - started)]  # fmt: skip


def sense_of_facts(judged: Judged, day: date, rebuilds: int, seed: int) -> list[Proof]:
    """One absence more on the roll, one mark lower, one household poorer: of one learner a school at a time, so that
    nobody else's mark moves her place among her schoolmates."""
    store, settings, rng = judged.store, judged.settings, np.random.default_rng(seed)
    rows, was, out = build(store, settings, day), judged.scores(day), []
    for name, make in (("one more absence", _one_more_absence), ("a lower mark", _a_lower_mark), ("poorer", _poorer)):
        started, tried, lower = time.perf_counter(), 0, 0
        for again in range(rebuilds):
            one = rows.sample(frac=1, random_state=seed + again).drop_duplicates("school_id")["learner_id"].to_numpy()
            table, facts = make(store, settings, rng, one, day)
            learners = facts["learner_id"].unique()
            with Told(store, {table: facts}):
                lower += fell(was, judged.scores(day), learners)
            tried += len(learners)
        out.append(Proof(f"sense: {name} lowers no score (facts)", tried, rebuilds, tried, lower, lower == 0,
                         time.perf_counter() - started))  # fmt: skip
    return out


def _mine(store: Store, table: str, learners: np.ndarray, day: date) -> pd.DataFrame:
    """Rows of the learners known before the day."""
    held = store.read(table)
    mine = pc.is_in(held["learner_id"], pa.array(learners))
    if table in _KNOWN:
        mine = pc.and_(mine, pc.less(held[_KNOWN[table]], pa.scalar(day, pa.date32())))
    found: pd.DataFrame = held.filter(mine).to_pandas()
    return found


def _one_more_absence(
    store: Store, settings: Settings, rng: np.random.Generator, learners: np.ndarray, day: date
) -> tuple[str, pd.DataFrame]:
    """A day present in the last four weeks becomes a day absent. An absence of long ago can make the last weeks look
    better than what came before them, as they are."""
    year = calendar.academic_year(day, settings)
    since = calendar.position(day - timedelta(days=28), settings)
    pages = _mine(store, "roll", learners, day)
    pages = pages[pages["academic_year"] == year].drop_duplicates("learner_id", keep=False)
    until = calendar.position(day, settings)
    blank, kept = calendar.blank_page(year, settings), []
    for page in pages.to_dict("records"):
        there = [at for at in range(since, until) if page["marks"][at] == PRESENT]
        if there:
            marks = bytearray(bytes(blank))
            marks[int(rng.choice(there))] = ord(ABSENT)
            kept.append({**page, "marks": marks.decode()})
    return "roll", pd.DataFrame(kept)


def _a_lower_mark(
    store: Store, settings: Settings, rng: np.random.Generator, learners: np.ndarray, day: date
) -> tuple[str, pd.DataFrame]:
    """One of the latest results of each is a step lower, its percentage with it. A lower mark of a year ago can make
    this year's look better than what came before them, as they are."""
    results = _mine(store, "result", learners, day)
    latest = results["known_on"] == results.groupby("learner_id")["known_on"].transform("max")
    results = results[latest & (results["part"] == "final") & results["grade"].isin(_GRADE_STEPS[1:])]
    one = results.sample(frac=1, random_state=int(rng.integers(0, 2**31))).drop_duplicates("learner_id")
    step = one["grade"].map({word: n for n, word in enumerate(_GRADE_STEPS)})
    lower = np.array(_GRADE_STEPS, object)[step - 1]
    return "result", one.assign(grade=lower, percent=(one["percent"] - 5).clip(0, 100))


def _poorer(
    store: Store, settings: Settings, rng: np.random.Generator, learners: np.ndarray, day: date
) -> tuple[str, pd.DataFrame]:
    """The last screening of each with the class a step lower, less income, fewer belongings, a longer way."""
    held = (
        _mine(store, "household", learners, day).sort_values("surveyed_on").drop_duplicates("learner_id", keep="last")
    )
    step = held["poverty_class"].map({name: n for n, name in enumerate(POVERTY_CLASSES)})
    worse = np.array(POVERTY_CLASSES, object)[np.minimum(step.fillna(0).astype(int) + 1, 2)]
    return "household", held.assign(
        poverty_class=worse, income_per_head=held["income_per_head"] * 0.7,
        belongings=held["belongings"].clip(lower=1) - 1,
        housing_lacks=held["housing_lacks"].clip(upper=5) + 1, dependants=held["dependants"].clip(upper=4) + 1,
        distance_km=held["distance_km"] + 2, travel_minutes=held["travel_minutes"] + 10,
    )  # fmt: skip


def adds_up(judged: Judged, day: date) -> Proof:
    """Contributions and base against the score, every child of the day."""
    started = time.perf_counter()
    rows, most, broken = build(judged.store, judged.settings, day), 0.0, 0
    for start in range(0, len(rows), 20_000):
        some = rows.iloc[start : start + 20_000]
        gap = np.abs(judged.risk.contributions(some).sum(axis=1).to_numpy() - judged.risk.raw(some))
        most, broken = max(most, float(gap.max())), broken + int((gap > 1e-9).sum())
    return Proof("reasons add up to the score", len(rows), 1, len(rows), broken, broken == 0,
                 time.perf_counter() - started, f"largest gap {most:.1e}")  # fmt: skip


def same_bytes(folder: Path, learners: int, settings: Settings) -> Proof:
    """Two homes with the same register, trained and scored: files of the model and of the run compared by name and
    bytes. The history of who trained when lies beside them and tells the time."""
    started = time.perf_counter()
    files: list[dict[str, bytes]] = []
    for name in ("once", "again"):
        home = folder / name
        own = settings.model_copy(update={"home": home})
        store = store_of(home, learners, own)
        train(store, own)
        publish(store, own, AS_OF, "2026-11-16T08:00:00")
        written = [f for kind in ("models", "runs") for f in sorted((home / kind).glob("*/*")) if f.is_file()]
        files.append({str(f.relative_to(home)): _content(f) for f in written})
    different = [name for name in files[0] | files[1] if files[0].get(name) != files[1].get(name)]
    return Proof("the same register, the same bytes", len(files[0]), 2, 0, len(different), not different,
                 time.perf_counter() - started, ", ".join(different))  # fmt: skip


def _content(file: Path) -> bytes:
    """A file's bytes; of a DuckDB file its tables, row by row as they lie: DuckDB writes a new random number into the
    head of every file."""
    if file.suffix != ".duckdb":
        return file.read_bytes()
    with duckdb.connect(str(file), read_only=True) as con:
        names = [name for (name,) in con.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        tables = [(name, con.execute(f"select * from {name}").fetchall()) for name in names]
    return repr(tables).encode()


def learn(store: Store, settings: Settings, rounds: int = ROUNDS) -> Risk:
    """The model of the store's closed years, the last of them for calibration."""
    years = closed_years(store, settings)
    rows = panel(store, settings, slices(years, settings))
    rows = rows[cannot_score(rows, settings).isna()]
    last = rows["academic_year"] == years[-1]
    return fit(rows[~last], MODEL_FEATURES, later=rows[last], rounds=rounds)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="a small register and 20,000 trials")
    asked.add_argument("--trials", type=int, default=TRIALS, help="changed facts, and probes of features")
    asked.add_argument("--learners", type=int, default=LEARNERS)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", type=Path)
    how = asked.parse_args()
    quick = how.quick
    learners, trials = (1500, 20_000) if quick else (how.learners, how.trials)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = load(home).model_copy(update={"buckets": 2 if quick else 8, "jobs": 1})
        store = store_of(home, learners, settings)
        judged = Judged(store, settings, learn(store, settings, 60 if quick else ROUNDS))
        days = [date(2025, 9, 1), date(2025, 12, 15), date(2026, 2, 2), date(2026, 7, 6), AS_OF]
        found = [
            *leak(judged, days, trials, 4 if quick else REBUILDS, how.seed),
            *sense(judged, AS_OF, trials, how.seed),
            *sense_of_facts(judged, AS_OF, 4 if quick else 20, how.seed),
            adds_up(judged, AS_OF),
        ]
        shutil.rmtree(home)
        found.append(same_bytes(Path(folder), 400 if quick else 2000, settings))
    table = Table("proof", "trials", "registers", "scores", "moved, fell or differ", "holds", "seconds", "")
    for one in found:
        table.add_row(one.name, f"{one.trials:,}", f"{one.registers}", f"{one.scores:,}", f"{one.broken:,}",
                      "yes" if one.holds else "NO", f"{one.seconds:.1f}", one.note)  # fmt: skip
    Console(width=160).print(table)
    if how.json:
        how.json.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")
    if not all(one.holds for one in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
