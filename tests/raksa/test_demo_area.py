"""The made-up area: the same for the same seed, near the published rates, and as faulty on paper as real files are."""

from __future__ import annotations

import hashlib
import re
import tracemalloc
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from python_calamine import load_workbook

from raksa.demo_area import HOME_FORM, LEAVES_IN_SUMMER, LEAVES_IN_YEAR, Area, area, areas
from raksa.demo_files import (
    DMC_HEADERS,
    GRANT_HEADERS,
    MIDTERM_HEADERS,
    NO_PHONE,
    PHONE_HEADER,
    SCREENING_HEADERS,
    SGS_HEADERS,
    mistyped_numbers,
    write_files,
)
from raksa.errors import RaksaError
from raksa.tables import POVERTY_CLASSES
from raksa.thai import citizen_checksum_holds
from register.mapping import known_formats

AS_OF = date(2026, 11, 16)
RUNNING = 2569


@pytest.fixture(scope="module")
def small() -> Area:
    """Twelve schools, enough of them for every fault to find a place."""
    return area(0, schools=12, learners=1500)


@pytest.fixture(scope="module")
def large() -> Area:
    return area(0, learners=12_000)


@pytest.fixture(scope="module")
def folder(small: Area, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_files(small, folder, jobs=1)
    return folder


def mini(seed: int = 0) -> Area:
    return area(0, schools=3, learners=120, seed=seed)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def sheet(file: Path) -> list[list[object]]:
    return load_workbook(file).get_sheet_by_index(0).to_python()


def dmc_rows(folder: Path) -> list[list[object]]:
    return [row for file in sorted(folder.glob("*/dmc_list/*.xlsx")) for row in sheet(file)[2:]]


# ------------------------------------------------------------------------------------------------- the same every time
def test_the_same_seed_writes_the_same_bytes_in_every_file(tmp_path: Path) -> None:
    write_files(mini(), tmp_path / "once", jobs=1)
    write_files(mini(), tmp_path / "again", jobs=1)
    assert digests(tmp_path / "once") == digests(tmp_path / "again")


def test_processes_write_what_one_process_writes(small: Area, folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    files = write_files(small, tmp_path, progress=lambda done, of: told.append((done, of)), jobs=2)
    assert digests(tmp_path) == digests(folder)
    assert told == [(done, 12) for done in range(1, 13)]
    assert files == sorted(file for file in tmp_path.rglob("*") if file.is_file())


def test_another_seed_makes_other_children(tmp_path: Path) -> None:
    write_files(mini(seed=0), tmp_path / "zero", jobs=1)
    write_files(mini(seed=1), tmp_path / "one", jobs=1)
    zero, one = digests(tmp_path / "zero"), digests(tmp_path / "one")
    shared = zero.keys() & one.keys()
    assert {name for name in shared if zero[name] == one[name]} == set()


def test_an_area_does_not_depend_on_the_areas_before_it() -> None:
    third = list(areas(3, schools=3, learners=60))[2]
    alone = area(2, schools=3, learners=60)
    pd.testing.assert_frame_equal(third.truth, alone.truth)
    np.testing.assert_array_equal(third.marks, alone.marks)


def test_streaming_areas_holds_one_at_a_time() -> None:
    def peak(n: int) -> int:
        tracemalloc.start()
        for one in areas(n, schools=6, learners=600):
            assert len(one.pages)
            del one
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    peak(1)  # whatever is loaded the first time
    assert peak(4) < 1.5 * peak(1)


def test_sizes_that_make_no_area_are_refused_in_a_sentence() -> None:
    with pytest.raises(RaksaError, match="asked for were 2 schools, 120 learners"):
        area(0, schools=2, learners=120)


# ------------------------------------------------------------------------------------------------- the process
@pytest.fixture(scope="module")
def nation() -> pd.DataFrame:
    """Truth of the complete years of ten areas, about 60,000 learners."""
    truth = pd.concat([one.truth for one in areas(10)])
    return truth[truth["academic_year"] < RUNNING]


def within(counted: int, expected: float) -> bool:
    """Within four standard deviations of a count, and a tenth for how areas differ."""
    return abs(counted - expected) <= 4 * expected**0.5 + 0.1 * expected


def test_within_the_year_each_grade_loses_what_the_published_rates_say(nation: pd.DataFrame) -> None:
    counted = nation.groupby("level")["kind"].agg([("n", "size"), ("left", lambda kind: (kind == "in_year").sum())])
    wrong = {
        level: (row["left"], row["n"] * LEAVES_IN_YEAR[level])
        for level, row in counted.iterrows()
        if not within(row["left"], row["n"] * LEAVES_IN_YEAR[level])
    }
    assert wrong == {}
    assert set(counted.index) == set(range(1, 16))


def test_over_the_summer_each_grade_loses_what_the_published_rates_say(nation: pd.DataFrame) -> None:
    finished = nation[nation["kind"] != "in_year"]
    counted = finished.groupby("level")["kind"].agg(
        [("n", "size"), ("left", lambda kind: (kind == "not_arrived").sum())]
    )
    wrong = {
        level: (row["left"], row["n"] * LEAVES_IN_SUMMER[level])
        for level, row in counted.iterrows()
        if not within(row["left"], row["n"] * LEAVES_IN_SUMMER[level])
    }
    assert wrong == {}


def test_the_truth_says_each_learners_own_probability(nation: pd.DataFrame) -> None:
    """Sorted by the process's own probability, the fifth of learners at most risk holds the leavers it promises."""
    for kind, p in (("in_year", "p_in_year"), ("not_arrived", "p_summer")):
        top = nation[nation[p] >= nation[p].quantile(0.8)]
        assert within((top["kind"] == kind).sum(), top[p].sum())
        assert (top["kind"] == kind).sum() > 0.6 * (nation["kind"] == kind).sum()


def test_the_extremely_poor_leave_after_m3_several_times_as_often(large: Area) -> None:
    last = large.screenings.drop_duplicates("person", keep="last").set_index("person")["poverty_class"]
    m3 = large.truth[(large.truth["level"] == 9) & (large.truth["kind"] != "in_year")]
    rate = (m3["kind"] == "not_arrived").groupby(m3["person"].map(last)).mean()
    assert rate["not_poor"] < rate["poor"] < rate["extremely_poor"]
    assert 0.15 < rate["extremely_poor"] < 0.47


def test_before_they_leave_children_miss_more_but_not_all_of_them(large: Area) -> None:
    left = large.truth[(large.truth["kind"] == "in_year") & (large.truth["academic_year"] < RUNNING)]
    pages = large.pages.reset_index(drop=True).reset_index(names="page")
    gone = pages.merge(left[["person", "academic_year", "left_on"]], on=["person", "academic_year"])
    start = pd.to_datetime([f"{year - 543}-05-16" for year in gone["academic_year"]])
    stop = (gone["left_on"] - start).dt.days.to_numpy()
    gone, stop = gone[stop > 60], stop[stop > 60]
    rows = large.marks[gone["page"]]
    day = np.arange(rows.shape[1])
    month_before = (day >= stop[:, None] - 28) & (day < stop[:, None])
    missed = ((rows == ord("A")) & month_before).sum(axis=1) / np.maximum(
        (np.isin(rows, [*b"PTSLAV"]) & month_before).sum(axis=1), 1
    )
    everyone = (large.marks == ord("A")).sum() / np.isin(large.marks, [*b"PTSLAV"]).sum()
    assert missed.mean() > 3 * everyone
    assert (missed <= everyone).mean() > 0.15  # some leave without a warning


def test_about_one_in_three_who_go_on_after_m3_goes_to_the_college(large: Area) -> None:
    m3 = large.truth[(large.truth["level"] == 9) & (large.truth["academic_year"] == 2567)]
    after = large.truth[large.truth["academic_year"] == 2568].set_index("person")["level"]
    went = m3["person"].map(after).dropna()
    assert 0.22 < (went == 13).mean() < 0.36


def test_a_child_who_moves_keeps_her_number_and_gets_a_new_student_number(small: Area) -> None:
    per_year = small.pages.groupby(["person", "academic_year"])
    moved = small.pages[per_year["school"].transform("nunique") > 1]
    assert len(moved) > 10
    assert (moved.groupby(["person", "academic_year"])["number"].nunique() == 2).all()
    held = small.lists.drop_duplicates(["school", "number", "person"])
    assert not held.duplicated(["school", "number"]).any()


def test_nobody_has_marks_where_there_is_no_school_or_after_the_as_of_date(small: Area) -> None:
    weekend = pd.date_range("2026-05-16", periods=366).day_of_week >= 5
    this_year = small.marks[(small.pages["academic_year"] == RUNNING).to_numpy()]
    assert set(np.unique(this_year[:, weekend])) == {ord(".")}
    assert set(np.unique(this_year[:, (AS_OF - date(2026, 5, 16)).days :])) == {ord("."), ord("-")}
    assert small.exits["left_on"].max() < pd.Timestamp(AS_OF)
    assert small.lists["listed_on"].max() == pd.Timestamp(2026, 11, 10)
    assert small.screenings["surveyed_on"].max() < pd.Timestamp(AS_OF)
    assert small.midterms["known_on"].max() == pd.Timestamp(2026, 8, 12)
    assert small.grants["announced_on"].max() == pd.Timestamp(2026, 7, 24)


def test_the_truth_goes_on_after_the_as_of_date(small: Area) -> None:
    coming = small.truth[(small.truth["academic_year"] == RUNNING) & (small.truth["left_on"] >= pd.Timestamp(AS_OF))]
    assert set(coming["kind"]) == {"in_year", "not_arrived"}


def test_looking_a_week_later_changes_nothing_that_was_known_before(small: Area) -> None:
    later = area(0, schools=12, learners=1500, as_of=date(2026, 11, 23))
    pd.testing.assert_frame_equal(later.truth.drop(columns="recorded_as"), small.truth.drop(columns="recorded_as"))
    pd.testing.assert_frame_equal(later.lists, small.lists)
    pd.testing.assert_frame_equal(later.results, small.results)
    pd.testing.assert_frame_equal(later.screenings, small.screenings)
    pd.testing.assert_frame_equal(later.midterms, small.midterms)
    pd.testing.assert_frame_equal(later.grants, small.grants)
    days = (AS_OF - date(2026, 5, 16)).days
    sends = small.schools["last_recorded"].isna().to_numpy()  # when a school stopped depends on when one looks
    then, now = (
        pd.DataFrame(one.marks[:, :days]).set_axis(
            pd.MultiIndex.from_frame(one.pages[["person", "school", "academic_year"]])
        )
        for one in (small, later)
    )
    kept = then[sends[then.index.get_level_values("school")]]
    pd.testing.assert_frame_equal(now.loc[kept.index], kept)


def test_a_learner_who_left_is_on_no_list_after_the_next_one(small: Area) -> None:
    left = small.truth[(small.truth["kind"] == "in_year") & ~small.truth["returned"]].set_index("person")["left_on"]
    lists = small.lists[small.lists["person"].isin(left.index)]
    later = lists[lists["listed_on"] > lists["person"].map(left) + pd.Timedelta(days=50)]
    # One who stops just before a census and floats stands on that census's list, and then on none.
    assert later[~later["floating"]].empty
    assert small.lists["floating"].sum() == small.lists[small.lists["floating"]]["person"].nunique() > 0


# ------------------------------------------------------------------------------------------- what is only recorded
def test_what_is_only_recorded_moves_nobody_to_leave(small: Area) -> None:
    """Who leaves, and with what probability, is what it was before forms, grants, mid-term marks and อ.2 were drawn."""
    left = small.truth[small.truth["kind"] != ""].groupby(["kind", "academic_year"]).size()
    assert (left["in_year"].tolist(), left["not_arrived"].tolist()) == ([13, 8, 10, 8], [31, 41, 32, 42])
    assert small.truth[["p_in_year", "p_summer"]].sum().tolist() == pytest.approx([35.293249, 133.70599])


def test_poorer_homes_lack_more_and_hold_less(large: Area) -> None:
    told = large.screenings.groupby("poverty_class")[list(HOME_FORM)].mean().loc[list(POVERTY_CLASSES)]
    assert (told.diff().iloc[1:] > 0).all(axis=None)  # a step further is a poorer answer, of goods: not there
    given = {name: sorted(large.screenings[name].unique()) for name in HOME_FORM}
    assert given == {name: list(range(len(steps) + 1)) for name, steps in HOME_FORM.items()}


def test_a_house_is_the_same_whenever_one_looks(large: Area) -> None:
    again = large.screenings[large.screenings.duplicated("person", keep=False)].groupby("person")
    assert again.ngroups > 1000
    assert (again[list(HOME_FORM)].nunique() == 1).all(axis=None)


def test_the_grant_goes_to_most_of_the_extremely_poor_up_to_m3_for_three_years(large: Area) -> None:
    first = large.screenings[large.screenings["academic_year"] == 2566]
    poorest = first[(first["poverty_class"] == "extremely_poor") & (first["level"] <= 9)]["person"]
    granted = large.grants[large.grants["academic_year"] == 2566]
    assert set(granted["person"]) <= set(poorest)
    assert within(len(granted), 0.9 * len(poorest))
    days = granted[["from_day", "until_day", "announced_on"]].drop_duplicates().astype(str).to_numpy().tolist()
    assert days == [["2023-05-16", "2026-05-15", "2023-07-24"]]
    assert large.grants.groupby("academic_year")["attendance_percent"].unique().map(list).to_dict() == {
        2566: [80], 2567: [80], 2568: [85], 2569: [85]
    }  # fmt: skip
    before = large.grants.groupby("person")["until_day"].shift()  # rows stand in the order of the years
    again = large.grants[before.notna()]
    assert len(again) > 100 and (again["from_day"] > before[before.notna()]).all()


def test_midterm_marks_foretell_the_terms_marks_but_not_all_of_them(large: Area) -> None:
    key = ["person", "academic_year", "term"]
    midterm, final = (table.groupby(key)["percent"].mean() for table in (large.midterms, large.results))
    both = pd.concat([midterm, final], axis=1, join="inner").dropna()
    assert 0.6 < both.corr().iloc[0, 1] < 0.95
    assert set(large.schools["kind"].to_numpy()[large.midterms["school"].unique()]) == {"secondary"}
    # Who leaves in the second half of a term has a mark in its middle and none at its end.
    assert set(midterm.index) - set(final.index)


def test_the_kindergarten_is_on_lists_and_pages_and_comes_to_p1_under_the_same_numbers(small: Area) -> None:
    lists, pages = (table[table["grade"].isin(["อ.2", "อ.3"])] for table in (small.lists, small.pages))
    (school,) = lists["school"].unique()
    assert small.schools["kind"][school] == "primary"
    assert set(lists["listed_on"]) == set(small.lists["listed_on"])
    assert 105 < lists["height_cm"].mean() < 120 and 15 < lists["weight_kg"].mean() < 22
    assert set(pages["person"]) == set(lists["person"])
    marks = small.marks[small.pages["grade"].isin(["อ.2", "อ.3"]).to_numpy()]
    assert 0.01 < (marks == ord("A")).sum() / np.isin(marks, [*b"PTSLAV"]).sum() < 0.2
    both = [lists[lists["grade"] == grade].groupby("academic_year") for grade in ("อ.2", "อ.3")]
    second, third = ({year: set(zip(part["person"], part["number"], strict=True)) for year, part in g} for g in both)
    beginners = small.lists[(small.lists["grade"] == "ป.1") & (small.lists["school"] == school)]
    for year in (2566, 2567, 2568):
        assert second[year] == third[year + 1] != set()
        began = beginners[(beginners["academic_year"] == year + 1) & (beginners["round"] == 1)]
        gone = third[year] - set(zip(began["person"], began["number"], strict=True))
        assert len(gone) <= 1  # but for one who moves or leaves in the first days
    never = [small.results, small.exits, small.truth]
    youngest = {person for person, _ in second[RUNNING] | third[RUNNING]}
    assert [set(table["person"]) & youngest for table in never] == [set(), set(), set()]


def test_on_the_first_day_of_the_year_the_smallest_area_has_recorded_last_year_only() -> None:
    made = area(0, schools=3, learners=30, years=1, as_of=date(2026, 5, 16))
    tables = (made.lists, made.pages, made.results, made.midterms, made.screenings, made.grants)
    assert [sorted(table["academic_year"].unique()) for table in tables] == [[2568]] * 6
    assert {"อ.2", "อ.3"} <= set(made.pages["grade"])


# ------------------------------------------------------------------------------------------- the numbers of people
def test_every_number_is_invented_and_only_the_declared_ones_are_mistyped(small: Area, folder: Path) -> None:
    written = {
        number
        for file in folder.rglob("*.*")
        for text in texts(file)
        for number in re.findall(r"(?<!\d)\d{13}(?!\d)", text)
    }
    assert {number for number in written if number[0] != "9"} == set()
    wrong = {number for number in written if not citizen_checksum_holds(number)}
    assert wrong == mistyped_numbers(small) != set()
    assert not small.people["id_number"].duplicated().any()


def test_ids_of_two_areas_never_meet() -> None:
    first, second = areas(2, schools=3, learners=300)
    assert set(first.people["id_number"]) & set(second.people["id_number"]) == set()
    assert set(first.schools["school_id"]) & set(second.schools["school_id"]) == set()


def texts(file: Path) -> list[str]:
    """Every text of a file: its cells, or the file as one."""
    return [str(cell) for row in sheet(file) for cell in row] if file.suffix == ".xlsx" else [decoded(file)]


def decoded(file: Path) -> str:
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp874")


# ------------------------------------------------------------------------------------------- the files
def test_every_kind_of_file_is_there_for_every_year(folder: Path) -> None:
    kinds = {year: {kind.name for kind in (folder / str(year)).iterdir()} for year in (2566, 2567, 2568, RUNNING)}
    every = {"dmc_list", "roll_book", "attendance_daily", "sgs_report_7", "midterm_marks", "primary_results",
             "poverty_screening", "grant_list", "exit_list", "college_list"}  # fmt: skip
    assert kinds == {
        2566: every,
        2567: every,
        2568: every,
        RUNNING: every - {"primary_results"},
    }
    rounds = {(file.name[:4], file.name[5]) for file in folder.glob("*/dmc_list/*.xlsx")}
    past = {(year, number) for year in ("2566", "2567", "2568") for number in "123"}
    assert rounds == past | {("2569", "1"), ("2569", "2")}


def test_the_dmc_list_has_its_twin_header_on_the_second_row(folder: Path) -> None:
    file = next(iter(sorted(folder.glob("2567/dmc_list/2567-2-*.xlsx"))))
    rows = sheet(file)
    assert rows[0][0] == "วันและเวลาที่สร้างรายงาน 10/11/2567 16:30"
    assert tuple(rows[1]) == (*DMC_HEADERS, PHONE_HEADER)
    assert (len(DMC_HEADERS), [k for k, name in enumerate(DMC_HEADERS) if name == "เลขประจำตัวนักเรียน"]) == (36, [2, 5])
    assert file.name == f"2567-2-student-{rows[2][0]}.xlsx"


def test_most_guardians_gave_a_number_that_is_nobody_s_and_the_same_in_every_list(folder: Path) -> None:
    rows = pd.DataFrame([(row[2], str(row[-1])) for row in dmc_rows(folder) if row[2] != "-"], columns=["id", "phone"])
    assert rows["phone"].str.fullmatch(r"-|08\d-000-\d{4}").all()
    assert (rows["phone"] == "-").mean() == pytest.approx(NO_PHONE, abs=0.05)
    assert (rows.groupby("id")["phone"].nunique() == 1).all()


def test_the_sgs_report_is_html_with_46_columns(folder: Path) -> None:
    file = next(iter(sorted(folder.glob("2568/sgs_report_7/*.xls"))))
    title, header, *rows = pd.read_html(file, encoding="utf-8")[0].astype(str).to_numpy().tolist()
    assert title[0].startswith("รายงานผลการเรียน ปพ.5 ปีการศึกษา 2568")
    assert (tuple(header), len(SGS_HEADERS)) == (SGS_HEADERS, 46)
    assert {row[23] for row in rows} >= {"0", "1", "2", "3", "4"}


def test_dmc_lists_hold_the_faults_of_real_ones(folder: Path) -> None:
    rows = dmc_rows(folder)
    text = [[str(cell) for cell in row] for row in rows]
    found = {
        "g_code": any(row[2].startswith("G") for row in text),
        "no number": any(row[2] == "-" for row in text),
        "glued prefix": any(row[7] == "-" and row[8].startswith(("เด็กชาย", "เด็กหญิง")) for row in text),
        "no-break space": any("\u00a0" in row[9] for row in text),
        "sara am apart": any("\u0e4d\u0e32" in row[9] for row in text),
        "impossible birth date": any(row[10].startswith("31/02/") for row in text),
        "weight 999": any(row[12] == "999.0" for row in text),
        "not weighed": any(row[12] == "-" for row in text),
        "floating": any(row[35] == "ใช่" for row in text),
        "stands twice": len({tuple(row) for row in text}) < len(text),
        "disadvantage": any(row[34] == "ยากจน" for row in text),
    }
    assert {fault for fault, there in found.items() if not there} == set()


def test_roll_books_hold_the_faults_of_real_ones(folder: Path) -> None:
    books = sorted(folder.glob("*/roll_book/*.csv"))
    codes = {utf8(book) for book in books}
    texts = [decoded(book) for book in books]
    assert codes == {True, False}  # some in UTF-8, some in the code page of old Windows
    assert any(re.search("[๐-๙]/[๐-๙]", text) for text in texts)
    assert any(",X" in text for text in texts)
    assert all(text.startswith("แบบบันทึกเวลาเรียน") for text in texts)
    marks = {mark for text in texts for line in text.splitlines()[4:] for mark in line.split(",")[3:]}
    assert marks == {"/", "ข", "ล", "ป", "ส", "ก", "X", "", "-"}


def utf8(file: Path) -> bool:
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_daily_files_hold_the_faults_of_real_ones(folder: Path) -> None:
    words: set[str] = set()
    for file in sorted(folder.glob("2568/attendance_daily/*.csv")):
        lines = decoded(file).splitlines()[1:]
        words |= {line.split(",")[3] for line in lines}
        assert sum(",31/06/2568," in line for line in lines) == 2
        assert len(lines) - len(set(lines)) == 2
    assert words == {"มา", "สาย", "ลาป่วย", "ลากิจ", "ขาด", "กิจกรรม", "ไม่ทราบ"}


def test_one_school_stopped_and_one_never_sent_its_roll_this_year(small: Area, folder: Path) -> None:
    heard = small.schools.set_index("school_id")["last_recorded"].dropna().sort_values()
    silent, stopped = heard.index
    assert heard[stopped] == pd.Timestamp(2026, 9, 15)
    kinds = ("roll_book", "attendance_daily")
    files = {s: [f.name for kind in kinds for f in folder.glob(f"2569/{kind}/*{s}*")] for s in (silent, stopped)}
    assert files[silent] == []
    assert files[stopped] != [] and not any("2569-2" in name or "-2-2569" in name for name in files[stopped])
    assert [f for kind in kinds for f in folder.glob(f"2568/{kind}/*{silent}*")] != []
    page = small.marks[
        (
            (small.pages["academic_year"] == RUNNING)
            & (small.schools["school_id"].to_numpy()[small.pages["school"]] == stopped)
        ).to_numpy()
    ]
    last = (date(2026, 9, 15) - date(2026, 5, 16)).days
    assert set(np.unique(page[:, last + 1 :])) == {ord("."), ord("-")}
    assert np.isin(page[:, last - 3 : last + 1], [*b"PTSLAV"]).any()


def test_some_results_wait_for_their_teacher(folder: Path) -> None:
    waiting = sum(
        row.split("<td>")[18] == "" and row.split("<td>")[24] == ""
        for file in folder.glob("*/sgs_report_7/*.xls")
        for row in file.read_text(encoding="utf-8").splitlines()[5:-1]
    )
    assert waiting > 5


def test_the_screening_says_the_house_in_the_words_of_its_format(folder: Path) -> None:
    rows = [row for file in folder.glob("*/poverty_screening/*.xlsx") for row in sheet(file)]
    assert {tuple(row) for row in rows if row[0] == SCREENING_HEADERS[0]} == {SCREENING_HEADERS}
    mapping = known_formats()["poverty_screening"]
    household = mapping.tables[0]
    for column in ("housing_lacks", "belongings"):
        source = household.columns[column]
        said = {row[SCREENING_HEADERS.index(header)] for header in source.count for row in rows} - set(source.count)
        assert "-" in said and said - {"-"} <= set(mapping.codes[source.codes or ""])


def test_grants_and_midterm_marks_are_files_with_a_day_on_which_they_were_known(folder: Path) -> None:
    grants, midterms = (
        [line.split(",") for file in sorted(folder.glob(f"2568/{kind}/*.csv")) for line in decoded(file).splitlines()]
        for kind in ("grant_list", "midterm_marks")
    )
    assert {tuple(row) for row in grants if row[0] == GRANT_HEADERS[0]} == {GRANT_HEADERS}
    assert {tuple(row[4:]) for row in grants} - {GRANT_HEADERS[4:]} == {
        ("ทุนเสมอภาค", "16/05/2568", "15/05/2571", "24/07/2568", "85")
    }
    assert {tuple(row) for row in midterms if row[0] == MIDTERM_HEADERS[0]} == {MIDTERM_HEADERS}
    rows = [row for row in midterms if row[0] != MIDTERM_HEADERS[0]]
    assert {(row[2], row[9]) for row in rows} == {("1", "12/08/2568"), ("2", "30/01/2569")}
    assert any(row[7:9] == ["", ""] for row in rows)  # not entered yet
    assert all(float(row[8]) == round(100 * float(row[7]) / float(row[6]), 2) for row in rows if row[7])


def test_the_kindergarten_has_its_roll_and_its_prefixes(small: Area, folder: Path) -> None:
    youngest = [row for row in dmc_rows(folder) if row[3] in ("อ.2", "อ.3")]
    assert {row[7] for row in youngest} <= {"เด็กชาย", "เด็กหญิง", "-"}
    school = {str(row[0]) for row in youngest}
    (record,) = small.schools.loc[small.schools["school_id"].isin(school), "records"]
    files = sorted(folder.glob(f"{RUNNING}/{record}/*{school.pop()}*"))
    numbers = {str(row[5]) for row in youngest}
    written = {cell for file in files for line in decoded(file).splitlines() for cell in line.split(",")[1:2]}
    assert len(numbers & written) > 10
