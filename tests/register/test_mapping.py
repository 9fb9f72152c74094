"""A mapping file is understood whole or refused in a sentence that says what to write instead."""

from __future__ import annotations

import re
import tomllib
from datetime import date
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
    '["น้ำหนัก", "นน."]\n': ('{ header = "นน.", match = "x" }\n', "match 'x' has no group; put ( ) around what is"),
    'weight_kg = [': ('height_cm = { header = "x", match = "(" }\nweight_kg = [', "'(' is no regular expression"),
    '"น้ำหนัก", "นน."]\n': ('"นน."]\nheight_cm = { header = "x", match = 1 }\n', "match is 1; expected a text."),
    '"วันที่ชั่ง"\nknown_on': ('{ given = "today" }\nknown_on', "given 'today' is not one of as_of, school."),
    '"measured_on", plus': ('"measured_on", first = 1, plus', "growth.known_on: the key 'first' is not understood."),
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
        ('[[table]]\nname = "result"\n[table.columns]\nacademic_year = "ปี"\nknown_on = { derive = "census_day" }',
         "result.known_on: needs the column 'term' further up in the same table."),
        ('[[table]]\nname = "identity_decision"', "'identity_decision' is none a file can feed; did you mean"),
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
    household = '[[table]]\nname = "household"\n[table.columns]\nsurveyed_on = "สำรวจ"\n'
    household += 'known_on = { same_as = "surveyed_on" }\nincome_per_head = "รายได้"\n'
    own.write_text(GOOD + household)
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "วันที่ชั่ง", "น้ำหนัก", "สำรวจ", "รายได้")
    one = (THUNG_NA, NUMBERS[MALI.learner_id], "16/05/2567", "40.5")
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]))
    file = csv_file(tmp_path / "w.csv", header, [(*one, "", "900"), (*one, "", "")])
    store, report = take(tmp_path / "home", file, mapping=own)
    assert only(report).warnings["no_surveyed_on"] == 1
    assert store.read("household").num_rows == 0


def taken(tmp_path, mapping, header, lines, **more):
    """The store and the one report after Mali's and Kong's list and a file of one's own with a mapping of one's own."""
    own = tmp_path / "own.toml"
    own.write_text(mapping)
    children = [dmc_row(c, น้ำหนัก="-", ส่วนสูง="-") for c in (MALI, KONG)]
    take(tmp_path / "home", schools(tmp_path), dmc(tmp_path / "a.xlsx", children))
    store, report = take(tmp_path / "home", csv_file(tmp_path / "w.csv", header, lines), mapping=own, **more)
    return store, only(report)


def test_a_table_may_stand_twice_where_a_row_says_two_facts_of_one_kind(tmp_path):
    again = """[[table]]
name = "growth"
when = ["น้ำหนัก 2", "ส่วนสูง 2"]
[table.columns]
measured_on = "วันที่ชั่ง 2"
known_on = { same_as = "measured_on" }
weight_kg = "น้ำหนัก 2"
height_cm = "ส่วนสูง 2"
"""
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "น้ำหนัก", "วันที่ชั่ง", "น้ำหนัก 2", "ส่วนสูง 2", "วันที่ชั่ง 2")
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "40.5", "16/05/2567", "", "151", "01/11/2567"),
             (THUNG_NA, NUMBERS[KONG.learner_id], "41", "16/05/2567", "-", "", "01/11/2567")]  # fmt: skip
    store, report = taken(tmp_path, GOOD + again, header, lines)
    assert rows(store, "growth", "learner_id", "measured_on", "weight_kg", "height_cm") == [
        ("ก้อง", date(2024, 5, 16), 41.0, None), ("มะลิ", date(2024, 11, 1), None, 151.0),
        ("มะลิ", date(2024, 5, 16), 40.5, None),
    ]  # fmt: skip
    assert (report.rows, report.kept, report.warnings) == (2, 2, {})


def test_match_takes_its_first_group_and_leaves_empty_what_it_does_not_fit(tmp_path):
    mapping = GOOD.replace('["น้ำหนัก", "นน."]', """{ header = "น้ำหนัก", match = '^([0-9.]+) *กก' }""")
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "น้ำหนัก", "วันที่ชั่ง")
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "๔๐.๕ กก.", "16/05/2567"),
             (THUNG_NA, NUMBERS[KONG.learner_id], "หนัก 41", "16/05/2567")]  # fmt: skip
    store, report = taken(tmp_path, mapping, header, lines)
    assert rows(store, "growth", "learner_id", "weight_kg") == [("ก้อง", None), ("มะลิ", 40.5)]
    assert report.warnings == {}


def test_a_day_that_is_given_is_asked_for_and_noted(tmp_path):
    mapping = GOOD.replace('measured_on = "วันที่ชั่ง"', 'measured_on = { given = "as_of" }')
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "น้ำหนัก", "วันที่ชั่ง")
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "40.5", "")]
    store, report = taken(tmp_path, mapping, header, lines)
    assert report.refused_whole == (
        "w.csv: Weights does not say which day it is true for. Say it with --as-of, as in --as-of 10/06/2567."
    )
    store, report = taken(tmp_path, mapping, header, lines, as_of=date(2024, 9, 2))
    assert rows(store, "growth", "measured_on", "known_on", "weight_kg") == [(date(2024, 9, 2), date(2024, 9, 3), 40.5)]
    assert report.given == "2024-09-02"


LISTS = """
name = "own_list"
title_th = "รายชื่อ"
title_en = "List of one's own"
recognise = ["school", "passport"]
lists_learners = true
[learner]
passport = "passport"
citizen = "citizen"
[school]
school_id = "school"
[[table]]
name = "enrolment"
[table.columns]
academic_year = "year"
term = "term"
listed_on = { derive = "census_day" }
status = { const = "enrolled" }
[[table]]
name = "identity"
[table.columns]
known_on = { given = "as_of" }
prefix = "prefix"
first_name = "name"
"""


def test_a_list_may_name_a_child_by_her_passport_and_be_true_for_the_terms_census_day(tmp_path):
    header = ("school", "passport", "citizen", "year", "term", "prefix", "name")
    lines = [(THUNG_NA, "ab 123456-7", "", "2567", "1", "", "ภูผา"), (THUNG_NA, "ab1234567", "", "2567", "2", "", "ภูผา"),
             (THUNG_NA, "-", MALI.citizen_id, "2567", "1", "", "มะลิ"), (THUNG_NA, "12", "", "2567", "1", "", "ใคร"),
             (THUNG_NA, "ab1234567", "", "2567", "", "", "ภูผา")]  # fmt: skip
    store, report = taken(tmp_path, LISTS, header, lines, as_of=date(2025, 1, 1))
    listed = rows(store, "enrolment", "learner_id", "listed_on", "term", "source")
    assert [row[:3] for row in listed if row[3].startswith("000002")] == [
        ("ภูผา", date(2024, 11, 10), 2), ("ภูผา", date(2024, 6, 10), 1), ("มะลิ", date(2024, 6, 10), 1),
    ]  # fmt: skip
    assert len({r["learner_id"] for r in store.read("identity").to_pylist()}) == 3  # Mali is the one the school knew
    assert ("passport:AB1234567",) in rows(store, "identity_alias", "alias")
    assert report.refused == {"no_learner": 1, "no_listed_on": 1}


def test_a_list_of_a_population_names_children_no_school_has(tmp_path):
    people = """
name = "people"
title_th = "เด็ก"
title_en = "Children"
recognise = ["citizen", "born"]
lists_learners = true
[learner]
citizen = "citizen"
[[table]]
name = "population"
[table.columns]
listed_on = { given = "as_of" }
[[table]]
name = "identity"
[table.columns]
known_on = { given = "as_of" }
prefix = "prefix"
first_name = "name"
"""
    lines = [(MALI.citizen_id, "29/02/2551", "", "มะลิ"), ("9100000000089", "09/09/2557", "", "ลำดวน")]
    store, _ = taken(tmp_path, people, ("citizen", "born", "prefix", "name"), lines, as_of=date(2024, 9, 2))
    assert rows(store, "population", "learner_id", "listed_on") == [
        ("มะลิ", date(2024, 9, 2)), ("ลำดวน", date(2024, 9, 2))
    ]  # fmt: skip
    assert rows(store, "enrolment", "learner_id") == [("ก้อง",), ("มะลิ",)]


def test_only_a_list_of_who_is_there_can_teach_who_is_who():
    with pytest.raises(
        RaksaError, match=r"own\.toml: a format that lists learners feeds enrolment or population in its"
    ):
        parse("lists_learners = true\n" + GOOD, "own.toml")


def test_a_key_and_a_number_of_ones_own_do_not_go_together():
    with pytest.raises(RaksaError, match="give key, or citizen and passport, not both"):
        parse(GOOD.replace("[learner]", '[learner]\nkey = "x"\npassport = "y"'), "own.toml")


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


def pages():
    """The page of each format, as the index links it."""
    index = PAGE.read_text(encoding="utf-8")
    return {
        name: PAGE.parent / page for name, page in re.findall(r"^\| \[`(\w+)`\]\(([\w/.]+)\) \|", index, re.MULTILINE)
    }


def test_every_format_stands_in_the_index_with_what_it_feeds_and_who_says_its_day():
    assert sorted(pages()) == sorted(known_formats())
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for name, mapping in known_formats().items():
        (line,) = [line for line in lines if line.startswith(f"| [`{name}`]")]
        _, _, title, feeds, day, _ = (part.strip() for part in line.split("|"))
        assert (title, re.findall(r"`(\w+)`", feeds)) == (mapping.title_th, fed(mapping))
        assert day == ("`--as-of`" if asks(mapping) else "in the file")


def fed(mapping):
    return list(dict.fromkeys(table.name for table in mapping.tables)) or ["roll"]


def asks(mapping):
    return any(s.given == "as_of" and not s.header and not s.preamble for s in mapping.sources)


@pytest.mark.parametrize("name", [n for n, page in pages().items() if page.stem == n])
def test_the_page_of_a_format_says_what_it_is_known_by_and_how_sure_we_are(name):
    page, mapping = pages()[name].read_text(encoding="utf-8"), known_formats()[name]
    assert page.startswith(f"# `{name}`: {mapping.title_th}\n")
    assert f"**Feeds** {', '.join(f'`{table}`' for table in fed(mapping))}" in page
    assert f"**Recognised by** {', '.join(mapping.recognise)}." in page
    assert ("**Day:**" in page, "`--as-of`" in page) == (True, asks(mapping))
    assert re.search(r"\*\*How sure we are:\*\* .*(verified|seen|ours|general knowledge)", page)
    headers = [h for source in sources(mapping) for h in (*source.header, *source.join)]
    read = {re.sub(r"#\d$|^.*{|}.*$", "", h) for h in headers}
    assert [h for h in sorted(read | set(mapping.recognise)) if h not in page] == []


def sources(mapping):
    return [*mapping.school.values(), *(s for t in mapping.tables for s in t.columns.values())]


def test_every_key_of_a_mapping_is_in_the_documentation():
    page = PAGE.read_text(encoding="utf-8")
    source = (Path(__file__).parents[2] / "register" / "mapping.py").read_text(encoding="utf-8")
    keys = re.findall(r'"(\w+)"', source[source.index("_FILE_KEYS = (") : source.index("_FROM_YEAR_AND_TERM")])
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


HOUSES = """
name = "houses"
title_th = "บ้าน"
title_en = "Houses"
recognise = ["citizen", "seen"]
[learner]
citizen = "citizen"
[codes.lacks]
"bamboo" = "1"
"none" = "1"
"tile" = "0"
"tap" = "0"
"other" = ""
[[table]]
name = "household"
[table.columns]
surveyed_on = "seen"
known_on = { same_as = "surveyed_on" }
housing_lacks = { count = ["floor", "roof", "water"], codes = "lacks" }
"""


@pytest.mark.parametrize(
    ("answers", "lacks", "warnings"),
    [
        (("bamboo", "tile", "NONE"), 1, {"bad_housing_lacks": 1}),  # codes are compared as written
        (("bam boo", "tile", "none"), 2, {}),
        (("tile", "tile", "tap"), 0, {}),
        (("bamboo", "-", ""), 1, {}),  # two questions unanswered: one thing is known to be lacking
        (("other", "tile", "-"), 0, {}),
        (("other", "", "-"), None, {}),  # nothing is known, which is not nothing lacking
        (("marble", "gold", "-"), None, {"bad_housing_lacks": 2}),
    ],
)
def test_a_count_is_how_many_columns_hold_a_word_that_counts(tmp_path, answers, lacks, warnings):
    header = ("citizen", "seen", "floor", "roof", "water")
    store, report = taken(tmp_path, HOUSES, header, [(MALI.citizen_id, "01/07/2567", *answers)])
    assert rows(store, "household", "learner_id", "housing_lacks") == [("มะลิ", lacks)]
    assert (report.kept, report.refused, report.warnings) == (1, {}, warnings)


def test_a_count_leaves_out_columns_the_file_lacks_and_names_the_column_of_a_word_it_does_not_know(tmp_path):
    lines = [(MALI.citizen_id, "01/07/2567", "none"), (KONG.citizen_id, "01/07/2567", "well")]
    store, _ = taken(tmp_path, HOUSES, ("citizen", "seen", "water"), lines)
    assert rows(store, "household", "learner_id", "housing_lacks") == [("ก้อง", None), ("มะลิ", 1)]
    (warning,) = store.refused(store.current().snapshots[-1]).to_pylist()
    assert warning["reason"] == (
        "w.csv, line 3: water well is none of bamboo, none, tile, tap, other; map it under [codes.lacks]; "
        "the value was left out"
    )
    (tmp_path / "none").mkdir()
    store, _ = taken(tmp_path / "none", HOUSES, ("citizen", "seen"), [(MALI.citizen_id, "01/07/2567")])
    assert rows(store, "household", "learner_id", "housing_lacks") == [("มะลิ", None)]


def test_a_count_alone_makes_a_row_of_a_further_table(tmp_path):
    table = HOUSES[HOUSES.index("[[table]]") :].replace('"seen"', '"วันที่ชั่ง"')
    codes = HOUSES[HOUSES.index("[codes.lacks]") : HOUSES.index("[[table]]")]
    header = ("รหัสโรงเรียน", "เลขประจำตัวนักเรียน", "น้ำหนัก", "วันที่ชั่ง", "floor")
    lines = [(THUNG_NA, NUMBERS[MALI.learner_id], "40.5", "16/05/2567", "bamboo"),
             (THUNG_NA, NUMBERS[KONG.learner_id], "41", "16/05/2567", "")]  # fmt: skip
    store, _ = taken(tmp_path, GOOD.replace("[codes.sex]", f"{codes}[codes.sex]") + table, header, lines)
    assert rows(store, "household", "learner_id", "housing_lacks") == [("มะลิ", 1)]


COUNT = 'count = ["floor", "roof", "water"], codes = "lacks"'


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (', codes = "lacks"', "", 'count needs codes, a table that turns each word into "1" (counts) or "0" (does no'),
        ('"tile" = "0"', '"tile" = "no"', "own.toml household.housing_lacks: count needs codes, a table that turns"),
        ('codes = "lacks"', 'codes = "lack"', "no code table [codes.lack]; did you mean 'lacks'."),
        (COUNT, f'{COUNT}, header = "x"', "name one source, header, join, count, preamble, const, given, same_as, der"),
        (COUNT, f"{COUNT}, default = 0", "own.toml household.housing_lacks count: the key 'default' is not understoo"),
        (COUNT, 'count = [], codes = "lacks"', "count names no column. List the headers to count over."),
        (COUNT, 'count = [1], codes = "lacks"', "household.housing_lacks: found 1; expected a text in quotation mark"),
        ('"water"]', '"water", "a", "b", "c", "d"]', "household.housing_lacks: counts over 7 headers; 6 is the most."),
        ("housing_lacks", "lives_with", "'1' is none of the values of household.lives_with: both_parents,"),
        ("housing_lacks", "income_per_head", "count gives a whole number; income_per_head is none. Name a header."),
    ],
)
def test_a_mistake_in_a_count_is_told(right, wrong, said):
    assert parse(HOUSES, "own.toml").tables[0].columns["housing_lacks"].count == ("floor", "roof", "water")
    with pytest.raises(RaksaError) as told:
        parse(HOUSES.replace(right, wrong, 1), "own.toml")
    assert said in str(told.value)


def test_the_page_of_a_format_names_the_columns_it_counts_over_and_their_words():
    page, mapping = pages()["poverty_screening"].read_text(encoding="utf-8"), known_formats()["poverty_screening"]
    counted = [source for source in sources(mapping) if source.count]
    assert len(counted) == 2
    words = {word for s in counted for word in (*s.count, *mapping.codes[s.codes]) if not word.startswith("โลหะ (")}
    assert sorted(word for word in words if word not in page) == []
