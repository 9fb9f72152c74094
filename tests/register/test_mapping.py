"""A mapping file is understood whole or refused in a sentence that says what to write instead."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from cast import KONG, MALI, THUNG_NA
from school_files import NUMBERS, csv_file, dmc, dmc_row, only, rows, schools, take

from raksa.errors import RaksaError
from register.mapping import known_formats, load, parse

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
GOOD = """
name = "weights"
title_th = "น้ำหนัก"
title_en = "Weights"
recognise = ["เลขประจำตัวนักเรียน", "น้ำหนัก", "วันที่ชั่ง"]
[learner]
number = "เลขประจำตัวนักเรียน"
[school]
school_id = "รหัสโรงเรียน"
[codes.sex]
"ช" = "male"
[[table]]
name = "growth"
[table.columns]
measured_on = "วันที่ชั่ง"
known_on = { same_as = "measured_on", plus_days = 1 }
weight_kg = ["น้ำหนัก", "นน."]
"""


def test_the_mapping_of_the_tests_is_sound():
    assert parse(GOOD, "own.toml").tables[0].columns["weight_kg"].header == ("น้ำหนัก", "นน.")


MISTAKES = {
    "[learner]": ("[lerner]", "own.toml: the key 'lerner' is not understood; did you mean 'learner'."),
    'name = "growth"': ('name = "groth"', "table 'groth' is none a file can feed; did you mean 'growth'. Tables:"),
    "weight_kg =": ("wieght_kg =", "table growth has no column 'wieght_kg'; did you mean 'weight_kg'."),
    '"ช" = "male"': ('"ช" = 1', "own.toml [codes.sex] ช: found 1; expected a text in quotation marks."),
    "plus_days": ("plus_day", "growth.known_on: the key 'plus_day' is not understood; did you mean 'plus_days'."),
    'same_as = "measured_on"': ('same_as = "weight_kg"', "needs the column 'weight_kg' further up in the same table"),
    "plus_days = 1": ('plus_days = "1"', "own.toml growth.known_on: plus_days is '1'; expected a whole number."),
    'measured_on = "วันที่ชั่ง"': ("", "needs the column 'measured_on' further up in the same table"),
    'title_en = "Weights"': ("", "own.toml: the key 'title_en' is missing."),
    '["น้ำหนัก", "นน."]': ('{ header = "น้ำหนัก", const = 1 }', "name one source, header, join,"),
    '"น้ำหนัก", "นน."': ("1", "own.toml growth.weight_kg: found 1; expected a text in quotation marks."),
    'school_id = "รหัสโรงเรียน"': ('school_id = "x"\ncode10 = "y"', "[school]: give school_id or code10, not both."),
    "[school]": ("[codes.school]", "say under [school] which column names the school: school_id or code10."),
    '[learner]\nnumber = "เลขประจำตัวนักเรียน"': ("", "say under [learner] which column names the child: citizen,"),
    'number = "เลขประจำตัวนักเรียน"': ('nummer = "x"', "the key 'nummer' is not understood; did you mean 'number'."),
    'name = "weights"': ('name = "My weights"', "must be small letters, digits and _, as in roll_book."),
    "[[table]]": ("[table]", "write [[table]], with two brackets, for each register table the file feeds."),
    'recognise = ["': ('encodings = ["utf-88"]\nrecognise = ["', "encoding 'utf-88' is not known; write utf-8-sig"),
    'title_th = "': ('dates = "dym"\ntitle_th = "', "dates 'dym' is not one of dmy, mdy, ymd."),
    '\n"ช"': ("\nช", "own.toml: not valid TOML ("),
    'weight_kg = ["น้ำหนัก", "นน."]': ('weight_kg = { preamble = "kg" }', "no preamble pattern captures (?P<kg>…)."),
    "\n[learner]": ("\npreamble = ['(']\n[learner]", "preamble: '(' is no regular expression"),
    "\n[codes.sex]": ("\nlists_learners = true\n[codes.sex]", "the key 'lists_learners' is not understood"),
}  # fmt: skip


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_in_a_mapping_is_told_with_what_was_meant(right):
    wrong, said = MISTAKES[right]
    assert right in GOOD
    with pytest.raises(RaksaError) as told:
        parse(GOOD.replace(right, wrong, 1), "own.toml")
    assert said in str(told.value) and "\n" not in str(told.value).removesuffix("\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[table]]\nname = "learner"\n[table.columns]\nknown_on = "วันที่ชั่ง"\nsex = { header = "เพศ", codes = "sexx" }',
         "no code table [codes.sexx]; did you mean 'sex'."),
        ('[[table]]\nname = "learner"\n[table.columns]\nknown_on = "วันที่ชั่ง"\nsex = { const = "femal" }',
         "'femal' is none of the values of learner.sex: female, male; did you mean 'female'."),
        ('[[table]]\nname = "learner"\n[table.columns]\nsex = "เพศ"', "learner also needs the column 'known_on'."),
        ('[[table]]\nname = "growth"\n[table.columns]\nmeasured_on = "x"', "growth stands twice; one [[table]] each."),
        ('[[table]]\nname = "roll"', "table 'roll' is none a file can feed (marks stand under [roll])."),
        ('[roll]\nlayout = "wild"', "layout 'wild' is not one of wide, daily; did you mean 'wide'."),
        ('[roll]\nlayout = "wide"\n[roll.marks]\n"/" = "x"', "'/' = 'x', which is none of P T S L A V - ."),
        ('[roll]\nlayout = "daily"\n[roll.marks]\n"/" = "P"', "layout daily needs 'date', the header of the date."),
        ('[roll]\nlayout = "wide"\n[roll.marks]\n"/" = "P"', "feeds marks or tables, not both; write two mapping"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_further_table_is_told(more, said):
    with pytest.raises(RaksaError) as told:
        parse(GOOD + more + "\n", "own.toml")
    assert said in str(told.value)


def test_a_mapping_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(RaksaError, match=r"Mapping none\.toml cannot be opened: No such file or directory\. Check"):
        load(tmp_path / "none.toml")
    (tmp_path / "old.toml").write_bytes("ชื่อ".encode("cp874"))
    with pytest.raises(RaksaError, match=r"Mapping old\.toml is not UTF-8 text\."):
        load(tmp_path / "old.toml")


def test_a_mapping_of_ones_own_reads_a_file_of_ones_own(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(GOOD)
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "นน.", "วันที่ชั่ง", "น้ำหนัก")
    lines = [
        (THUNG_NA, NUMBERS[MALI.learner_id], "x", "16/05/2567", "40.5"),
        (THUNG_NA, NUMBERS[KONG.learner_id], "x", "", "41"),
    ]
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI, น้ำหนัก="-", ส่วนสูง="-")]))
    store, report = take(tmp_path / "home", csv_file(tmp_path / "w.csv", header, lines), mapping=own)
    assert [(str(a), str(b), c) for a, b, c in rows(store, "growth", "measured_on", "known_on", "weight_kg")] == [
        ("2024-05-16", "2024-05-17", 40.5)
    ]
    assert only(report).refused == {"no_measured_on": 1}


def test_a_fact_without_its_day_in_a_second_table_is_left_out_with_a_warning(tmp_path):
    own = tmp_path / "own.toml"
    household = '[[table]]\nname = "household"\n[table.columns]\nsurveyed_on = "สำรวจ"\nincome_per_head = "รายได้"\n'
    own.write_text(GOOD + household)
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่ชั่ง", "น้ำหนัก", "สำรวจ", "รายได้")
    one = (THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "40.5")
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]))
    file = csv_file(tmp_path / "w.csv", header, [(*one, "", "900"), (*one, "", "")])
    store, report = take(tmp_path / "home", file, mapping=own)
    assert only(report).warnings["no_surveyed_on"] == 1
    assert store.read("household").num_rows == 0


def test_the_example_in_the_documentation_is_a_mapping_and_reads_its_file(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    (mapping,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (file,) = re.findall(r"```csv\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "own.toml").write_text(mapping, encoding="utf-8")
    (tmp_path / "own.csv").write_text(file.replace("10000001", THUNG_NA), encoding="utf-8")
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI), dmc_row(KONG)]))
    store, report = take(tmp_path / "home", tmp_path / "own.csv", mapping=tmp_path / "own.toml")
    assert (only(report).rows, only(report).kept) == (3, 2)
    assert rows(store, "exit", "learner_id", "cause") == [("ก้อง", "withdrew"), ("มะลิ", "moved_school")]


def test_every_format_and_key_is_in_the_documentation():
    page = PAGE.read_text(encoding="utf-8")
    for name, mapping in known_formats().items():
        assert f"`{name}`" in page and mapping.title_th in page, name
    source = (Path(__file__).parents[2] / "register" / "mapping.py").read_text(encoding="utf-8")
    keys = re.findall(r'"(\w+)"', source[source.index("_FILE_KEYS = (") : source.index("_DERIVED")])
    assert len(keys) > 20
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_every_reason_a_row_can_have_is_in_the_documentation():
    page = PAGE.read_text(encoding="utf-8")
    said = set()
    for file in ("convert", "ingest"):
        source = (Path(__file__).parents[2] / "register" / f"{file}.py").read_text(encoding="utf-8")
        said |= set(re.findall(r'"([a-z]+(?:_[a-z]+)+)", *(?:f?"|\n)', source))
    codes = {
        code for code in said if re.match("no_|bad_|same_|unknown_|number_|short_|long_|two_|id_|says_|school_w", code)
    }
    assert {"short_row", "two_marks", "unknown_learner", "same_key_twice"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_mappings_are_toml_without_a_word_twice():
    for file in (Path(__file__).parents[2] / "register" / "mappings").glob("*.toml"):
        held = tomllib.loads(file.read_text(encoding="utf-8"))
        assert held["name"] == file.stem
