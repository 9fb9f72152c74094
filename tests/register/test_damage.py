"""Whatever arrives: no traceback, no row lost in silence, and what is kept can be told from the file itself."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cast import CHILDREN, MALI, THUNG_NA
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from school_files import BORN, NUMBERS, daily, dmc, dmc_row, roll_book, schools, sgs, sgs_row, take

from raksa.settings import Settings
from raksa.store import Store
from register.convert import Given, convert, headers
from register.ingest import ImportReport, recognise
from register.mapping import known_formats
from register.readers import read

OURS = [child for child in CHILDREN if child.school_id == THUNG_NA]
few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
word = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def adds_up(store: Store, report: ImportReport) -> None:
    """Rows in = rows kept + rows refused, and each refused row stands in the store with its reason."""
    for file in report.files:
        assert file.rows == file.kept + sum(file.refused.values()) and file.kept >= 0
    refused = store.refused(report.snapshot).to_pylist() if report.snapshot and store.refused(report.snapshot) else []
    assert sum(not r["kept"] for r in refused) == sum(sum(f.refused.values()) for f in report.files)
    assert all(r["reason"].startswith(r["file"] + ", line ") for r in refused)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("lists")
    return [schools(folder), dmc(folder / "a.xlsx", [dmc_row(child) for child in OURS])]


MARKS = {"/": "P", "ข": "A", "ส": "T", "ป": "S", "ล": "L", "ก": "V", "": "-", "-": "-", " ": "-", "X": "-", "๕": "-"}
CELLS = ["-", "", "ม.3", "๙", "ช", "29/02/2567", "9100000000011", "45"]
LATER = {"P", "A", "T", "S", "L", "V"}


@few
@given(st.data())
def test_any_roll_book_reads_to_what_a_person_would_copy_from_it(listed, data):
    days = [date(2024, 5, 16) + timedelta(days=n) for n in (0, 1, 4, 5, 7, 8)]
    numbers = [NUMBERS[child.learner_id] for child in OURS] + ["9999", ""]
    lines = data.draw(st.lists(st.tuples(st.sampled_from(numbers), *[st.sampled_from(list(MARKS))] * 6), max_size=8))
    heads = [f"{d.day:02d}/{d.month:02d}/{d.year + 543}" for d in days]
    with TemporaryDirectory() as folder:
        book = roll_book(Path(folder) / "r.csv", [(n, "ชื่อ", *said) for n, *said in lines], heads)
        store, report = take(Path(folder) / "home", *listed, book)
        adds_up(store, report)
        aliases = dict(
            zip(*(store.read("identity_alias")[c].to_pylist() for c in ("learner_id", "alias")), strict=True)
        )
        aliases = {
            r["learner_id"]: r["alias"] for r in store.read("identity_alias").to_pylist() if "number:" in r["alias"]
        }
        pages = {aliases[p["learner_id"]].split(":")[-1]: p["marks"] for p in store.read("roll").to_pylist()}
    copied: dict[str, dict[date, str]] = {}
    for line_number, *said in lines:
        if line_number not in ("9999", ""):
            for day, sign in zip(days, said, strict=True):
                if MARKS[sign] in LATER:
                    copied.setdefault(line_number, {})[day] = MARKS[sign]
    first = date(2024, 5, 16)
    assert {
        n: {first + timedelta(days=i): m for i, m in enumerate(page) if m in LATER} for n, page in pages.items()
    } == copied
    assert report.files[2].kept == sum(n not in ("9999", "") for n, *_ in lines)


@few
@given(
    st.lists(
        st.tuples(
            st.sampled_from([THUNG_NA, "77", "", "-", "\u00a010000001 "]),
            st.sampled_from([*NUMBERS.values(), "9", "", "-"]),
            st.one_of(st.sampled_from(["16/05/2567", "๑๗ พ.ค. ๖๗", "2024-05-20", "31/06/2567", "", "1/1/1"]), word),
            st.one_of(st.sampled_from(["มา", "ขาด", "สาย", "ไม่รู้", "", "-"]), word),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_daily_file_adds_up(listed, lines):
    held = io.StringIO(newline="")
    csv.writer(held).writerows([("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่", "สถานะ"), *lines])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "d.csv"
        file.write_bytes(held.getvalue().encode())
        store, report = take(Path(folder) / "home", *listed, file)
        adds_up(store, report)
    if not report.files[2].refused_whole:
        assert report.files[2].rows == sum(bool("".join(line).strip()) for line in lines)


@few
@given(st.lists(st.lists(st.one_of(word, st.sampled_from(CELLS)), min_size=36, max_size=36), max_size=6))
@example([[THUNG_NA, "", "G642400000001", "ม.9", "", "1", *["-"] * 30]])
@example([[THUNG_NA, "", "-", "", "", "9100000000011", *["-"] * 30]])
def test_any_cells_on_a_dmc_list_add_up(lines):
    with TemporaryDirectory() as folder:
        safe = [["".join(c for c in cell if c.isprintable()) for cell in line] for line in lines]
        file = dmc(Path(folder) / "a.xlsx", safe)
        store, report = take(Path(folder) / "home", schools(Path(folder)), file)
        adds_up(store, report)
        assert store.read("enrolment").num_rows <= report.files[1].kept


def pieces(folder: Path) -> dict[str, bytes]:
    """A sound file of each way of writing."""
    line = [(THUNG_NA, NUMBERS[MALI.learner_id], f"{day}/05/2567", "มา") for day in (16, 17, 20)]
    return {
        "dmc.xlsx": dmc(folder / "a.xlsx", [dmc_row(child) for child in OURS]).read_bytes(),
        "sgs.xls": sgs(folder / "s.xls", [sgs_row(child) for child in OURS]).read_bytes(),
        "daily.csv": daily(folder / "d.csv", line).read_bytes(),
        "old.csv": daily(folder / "d.csv", line, "cp874").read_bytes(),
        "schools.csv": schools(folder).read_bytes(),
        "book.csv": roll_book(folder / "r.csv", [("1101", "มะลิ", "/", "ข")], ["16/05/2567", "17/05/2567"]).read_bytes(),
    }


@pytest.mark.parametrize("name", ["dmc.xlsx", "sgs.xls", "daily.csv", "old.csv", "schools.csv", "book.csv"])
def test_damaged_bytes_never_end_in_a_traceback_and_rows_add_up(tmp_path, listed, name):
    sound = pieces(tmp_path)[name]

    @many
    @given(st.lists(st.tuples(st.integers(0, len(sound) - 1), st.binary(max_size=4), st.integers(0, 6)), max_size=4),
           st.integers(0, len(sound)))  # fmt: skip
    def damage(changes, cut):
        content = bytearray(sound)
        for at, new, over in changes:
            content[at : at + over] = new
        if cut % 3 == 0:
            del content[cut:]
        with TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.write_bytes(bytes(content))
            store, report = take(Path(folder) / "home", file)
            adds_up(store, report)
            assert [f.refused_whole is None or "\n" not in f.refused_whole for f in report.files]

    damage()


@many
@given(st.sampled_from(sorted(known_formats())), st.data())
def test_any_words_under_a_formats_headers_convert_or_are_refused(name, data):
    """Straight at the converter: every format, any words in its columns."""
    mapping = known_formats()[name]
    header = list(dict.fromkeys([*mapping.recognise, *_asked(mapping)]))
    kind = st.one_of(
        word, st.sampled_from(["-", "2567", "67", "3", "0", "4", "ม.3", "16/05/2567", "99", "ช", "/", BORN[101]])
    )
    lines = data.draw(st.lists(st.lists(kind, min_size=len(header), max_size=len(header)), min_size=1, max_size=5))
    above = [["วันและเวลาที่สร้างรายงาน 10/06/2567", "ข้อมูล ณ วันที่ 10/06/2567"], ["รหัสโรงเรียน", THUNG_NA, "ปีการศึกษา", "2567"]]
    if mapping.roll and mapping.roll.layout == "wide":
        header, lines = [*header, "16/05/2567"], [[*line, "ข"] for line in lines]
    held = io.StringIO(newline="")
    csv.writer(held).writerows([*above, header, *lines])
    (rows,) = read("f.csv", held.getvalue().encode())
    found = convert("f.csv", rows, mapping, Settings(), given=Given(date(2024, 6, 10), THUNG_NA))
    refused = {r.line for r in found.refused if not r.kept}
    assert found.rows == sum(bool("".join(line).strip()) for line in lines)
    for frame in found.tables.values():
        assert not refused & {found.lines[i] for i in frame.index}


def _asked(mapping) -> list[str]:
    """Every header the mapping reads."""
    found = [h for t in mapping.tables for s in t.columns.values() for h in s.header[:1]]
    found += [piece.partition("{")[2].partition("}")[0] or piece for t in mapping.tables for s in t.columns.values()
              for piece in s.join]  # fmt: skip
    found += [h for headers in mapping.learner.values() for h in headers] + [
        h for s in mapping.school.values() for h in s.header
    ]
    return [h for header in found for h in [header.partition("#")[0]] * (2 if header.endswith("#2") else 1)]


def test_the_formats_are_told_apart(tmp_path):
    expected = {"dmc.xlsx": "dmc_list", "sgs.xls": "sgs_report_7", "daily.csv": "attendance_daily",
                "old.csv": "attendance_daily", "schools.csv": "school_list", "book.csv": "roll_book"}  # fmt: skip
    for name, content in pieces(tmp_path).items():
        (rows,) = read("named.anything", content)
        assert recognise(name, rows, headers(rows)).name == expected[name]
