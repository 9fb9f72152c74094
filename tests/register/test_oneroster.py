"""OneRoster 1.2 sets: laid flat without losing a row, written as the standard asks, and back again."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from pathlib import Path

import pytest
from cast import BAIBUA, CHAI_DAEN, CHILDREN, FAH, KONG, MALI, SAI, SCHOOLS, THUNG_NA
from school_files import NUMBERS, csv_file, dmc, dmc_row, rows, schools, settings, sgs, sgs_row, take

from raksa.errors import RaksaError
from raksa.store import Store
from register.convert import convert
from register.mapping import known_formats
from register.oneroster import export, is_set, rows_of

SEPTEMBER = date(2024, 9, 2)
NEW_YEAR = date(2025, 1, 1)
# The standard's header of each file, in its order (CSV binding 1.2.1), written down a second time by hand.
STANDARD = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "categories": "sourcedId,status,dateLastModified,title,weight",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    "subjectCodes",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,"
    "blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,"
    "hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
    "lineItems": "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,"
    "categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "results": "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,"
    "comment,textScore,classSourcedId,inProgress,incomplete,late,missing",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
}
# Which column of a file names a row of which other.
POINTS = [
    ("academicSessions", "parentSourcedId", "academicSessions"), ("classes", "courseSourcedId", "courses"),
    ("classes", "schoolSourcedId", "orgs"), ("classes", "termSourcedIds", "academicSessions"),
    ("courses", "orgSourcedId", "orgs"), ("demographics", "sourcedId", "users"),
    ("enrollments", "classSourcedId", "classes"), ("enrollments", "schoolSourcedId", "orgs"),
    ("enrollments", "userSourcedId", "users"), ("lineItems", "classSourcedId", "classes"),
    ("lineItems", "categorySourcedId", "categories"), ("lineItems", "academicSessionSourcedId", "academicSessions"),
    ("lineItems", "schoolSourcedId", "orgs"), ("orgs", "parentSourcedId", "orgs"),
    ("results", "lineItemSourcedId", "lineItems"), ("results", "studentSourcedId", "users"),
    ("results", "classSourcedId", "classes"), ("roles", "userSourcedId", "users"), ("roles", "orgSourcedId", "orgs"),
    ("users", "primaryOrgSourcedId", "orgs"),
]  # fmt: skip


def test_every_row_of_a_vendors_set_comes_through_flat_with_its_own_line():
    orgs, enrollments, results = rows_of("set.zip", vendor(), SEPTEMBER)
    assert [(r.sheet, r.not_read, len(r.cells), r.lines[:3]) for r in (orgs, enrollments, results)] == [
        ("orgs", None, 5, [1, 2, 3]), ("enrollments", None, 15, [1, 2, 3]), ("results", None, 5, [1, 2, 3]),
    ]  # fmt: skip
    row = flat(enrollments)["e1"]
    assert {h: cell for h, cell in row.items() if cell} == {
        "enrollment.sourcedId": "e1", "enrollment.role": "student", "org.identifier": THUNG_NA,
        "org.name": "โรงเรียนบ้านทุ่งนา", "class.title": "ม.3/1", "user.sourcedId": "u1", "user.id": MALI.citizen_id,
        "user.identifier": "1101", "user.givenName": "มะลิ", "user.familyName": "ใจดี", "user.phone": "0800000000",
        "guardian.name": "สมใจ ใจดี", "guardian.role": "relative", "demographics.birthDate": "2008-02-29",
        "demographics.sex": "female", "session.academicYear": "2567", "list.day": "2024-09-02", "list.grade": "09",
        "list.room": "1", "list.term": "1", "list.status": "enrolled",
    }  # fmt: skip


def test_what_is_no_learners_row_is_refused_with_its_reason():
    refused = {r.line: r.reason.partition(": ")[2] for r in read_flat(vendor(), "enrollments").refused}
    assert refused == {
        8: "the row names no learner",  # Somsri teaches
        9: "the row names no learner",  # a user the set does not have
        10: "list.status tobedeleted is none of enrolled, floating, leave_of_absence, graduated, left, moved, died",
        11: "the row has fewer cells than the header's 34",  # cut off
        14: "list.status not begun is none of enrolled, floating, leave_of_absence, graduated, left, moved, died",
    }


def test_a_child_who_left_every_class_before_the_term_ended_has_left_the_school_cause_unknown():
    tables = read_flat(vendor(), "enrollments").tables
    (sai,) = tables["exit"].to_dict("records")
    assert (sai["alias"], sai["left_on"], sai["cause"], sai["known_on"]) == (
        f"citizen:{SAI.citizen_id}", date(2024, 8, 16), "unknown", SEPTEMBER,
    )  # fmt: skip
    days = {(e["alias"], e["academic_year"], e["listed_on"]) for e in tables["enrolment"].to_dict("records")}
    assert (f"citizen:{SAI.citizen_id}", 2567, date(2024, 8, 16)) in days  # on the list until then
    # Kong changed his room in June and is on the list still; Mali's class of last year says nothing of this September.
    assert {day for alias, year, day in days if alias != f"citizen:{SAI.citizen_id}" and year == 2567} == {SEPTEMBER}
    assert (f"citizen:{MALI.citizen_id}", 2566, date(2024, 3, 31)) in days


def test_who_has_no_number_is_named_by_the_sets_own_id_and_never_by_that_of_another_system():
    fah = flat(rows_of("set.zip", vendor(), SEPTEMBER)[1])["e3"]["user.id"]
    assert re.fullmatch("OR[0-9]{20}", fah)
    other = vendor(manifest=manifest(**{"source.systemCode": "other"}))
    assert flat(rows_of("set.zip", other, SEPTEMBER)[1])["e3"]["user.id"] not in ("", fah)


def test_a_citizen_id_written_as_the_identifier_is_taken_for_what_it_is():
    users = table("users", [("u1", "", "", "true", "u1", "", "มะลิ", "ใจดี", "", MALI.citizen_id)])
    row = flat(rows_of("set.zip", vendor(users=users), SEPTEMBER)[1])["e1"]
    assert (row["user.id"], row["user.identifier"]) == (MALI.citizen_id, "")


def test_marks_are_read_by_the_range_of_their_line_item():
    out = read_flat(vendor(), "results")
    said = [(r["alias"].partition(":")[0], r["subject"], r["part"], r["term"], r["percent"], r["grade"], r["known_on"])
            for r in out.tables["result"].to_dict("records")]  # fmt: skip
    assert said == [
        ("citizen", "ค21101", "final", 1, 80.0, "4", date(2024, 10, 24)),  # 16 of 20
        ("citizen", "ค21101", "สอบย่อย", 1, None, "ร", date(2024, 7, 1)),  # no highest mark: no percent
    ]  # fmt: skip
    reasons = {r.line: r.reason.partition(": ")[2] for r in out.refused}
    assert reasons == {
        4: "result.scoreDate tobedeleted is not a date",
        5: "not entered yet: the row has no percent and no grade and no attended_percent and no days_late",
    }


def test_a_set_of_changes_is_no_list_and_is_not_read_as_one():
    _, enrollments, _ = rows_of("set.zip", vendor(manifest=manifest(**{"file.enrollments": "delta"})), SEPTEMBER)
    assert enrollments.not_read is not None and "a list must name everyone" in enrollments.not_read


def test_a_set_must_hold_what_its_manifest_promises_and_say_its_day():
    with pytest.raises(RaksaError, match=r"promises demographics\.csv, which is not there"):
        rows_of("set.zip", [m for m in vendor() if m[0] != "demographics.csv"], SEPTEMBER)
    with pytest.raises(RaksaError, match=r"does not say which day it is true for\. Say it with --as-of"):
        rows_of("set.zip", vendor())
    with pytest.raises(RaksaError, match=r"OneRoster 2\.0; 1\.2 and 1.1 are read"):
        rows_of("set.zip", vendor(manifest=manifest(**{"oneroster.version": "2.0"})), SEPTEMBER)


def test_a_set_is_known_by_its_files_in_any_one_folder():
    assert is_set(["orgs.csv", "users.csv", "enrollments.csv"])
    assert is_set(["out/manifest.csv", "out/orgs.csv", "out/users.csv", "out/enrollments.csv", "readme.txt"])
    assert not is_set(["a/orgs.csv", "b/users.csv", "b/enrollments.csv"])
    inside = [(f"out/{name}", held) for name, held in vendor()] + [("readme.txt", b"x")]
    assert [(r.sheet, bool(r.not_read)) for r in rows_of("set.zip", inside, SEPTEMBER)] == [
        ("orgs", False), ("enrollments", False), ("results", False), ("readme.txt", True),
    ]  # fmt: skip


def test_a_vendors_set_is_imported_for_the_day_a_person_says(tmp_path):
    path = packed(tmp_path / "set.zip", vendor())
    store, report = take(tmp_path / "home", path, as_of=SEPTEMBER)
    assert [(f.name, f.format, f.rows, f.kept) for f in report.files] == [
        ("set.zip [orgs]", "oneroster_orgs", 4, 2), ("set.zip [enrollments]", "oneroster_enrollments", 14, 9),
        ("set.zip [results]", "oneroster_results", 4, 3),
    ]  # fmt: skip
    assert rows(store, "enrolment", "learner_id", "academic_year", "listed_on", "grade", "room", "status") == [
        ("ก้อง", 2567, SEPTEMBER, "ม.3", "2", "enrolled"), ("ทราย", 2567, date(2024, 8, 16), "ม.1", "1", "enrolled"),
        ("ฟ้า", 2567, SEPTEMBER, "ม.3", "1", "enrolled"), ("มะลิ", 2566, date(2024, 3, 31), "ม.2", "1", "enrolled"),
        ("มะลิ", 2567, SEPTEMBER, "ม.3", "1", "enrolled"),
    ]  # fmt: skip
    assert rows(store, "school", "school_id", "area_id") == [(THUNG_NA, "2401"), (CHAI_DAEN, "2401")]


# ------------------------------------------------------------------------------------------------ out
def test_an_export_is_a_valid_bulk_set(tmp_path):
    path = tmp_path / "set.zip"
    counts = export(register(tmp_path), settings(tmp_path), NEW_YEAR, path)
    held = unpacked(path)
    stated = {line["propertyName"]: line["value"] for line in held.pop("manifest")}
    assert {f"file.{name}" for name in held} == {k for k, v in stated.items() if v == "bulk"}
    assert (stated["manifest.version"], stated["oneroster.version"], len(stated)) == ("1.0", "1.2", 25)
    assert counts == {f"{name}.csv": len(lines) for name, lines in held.items()}
    for name, lines in held.items():
        standard = STANDARD[name].split(",")
        header = list(lines[0])
        assert header[: len(standard)] == standard
        assert all(extra.startswith("metadata.raksa.") for extra in header[len(standard) :])
        assert all(re.fullmatch(r"[0-9A-Za-z._/@-]{1,255}", line["sourcedId"]) for line in lines)
        assert len({line["sourcedId"] for line in lines}) == len(lines)
        assert {line["status"] + line["dateLastModified"] for line in lines} == {""}  # must be blank in bulk
    for name, column, other in POINTS:
        named = {part for line in held[name] for part in line[column].split(",") if part}
        assert named <= {line["sourcedId"] for line in held[other]}, (name, column)
    in_class = {(line["classSourcedId"], line["userSourcedId"]) for line in held["enrollments"]}
    assert all((line["classSourcedId"], line["studentSourcedId"]) in in_class for line in held["results"])
    assert {line["schoolYear"] for line in held["academicSessions"]} == {"2025"}  # the year it ends in


def test_an_export_is_read_back_to_the_same_children_schools_lists_results_and_exits(tmp_path):
    store = register(tmp_path)
    export(store, settings(tmp_path), NEW_YEAR, tmp_path / "set.zip", ids=True)
    other, report = take(tmp_path / "other", tmp_path / "set.zip")
    assert [sum(f.refused.values()) for f in report.files] == [2, 0, 0]  # the two service areas are no schools
    for name in ("school", "enrolment", "learner", "result", "exit"):
        assert without_source(other, name) == without_source(store, name), name
    names = ("learner_id", "known_on", "prefix", "first_name", "last_name", "id_type", "id_number")
    assert other.read("identity").select(names) == store.read("identity").select(names)


@pytest.mark.parametrize("more", [{}, {"names": False}])
def test_without_ids_the_children_are_still_told_apart(tmp_path, more):
    store = register(tmp_path)
    export(store, settings(tmp_path), NEW_YEAR, tmp_path / "set.zip", **more)
    other, report = take(tmp_path / "other", tmp_path / "set.zip")
    assert [f.kept for f in report.files] == [4, 7, 3]
    columns = ("school_id", "academic_year", "listed_on", "grade", "room", "status")
    for name, own in (("enrolment", columns), ("result", ("school_id", "term", "subject", "percent", "grade"))):
        a, b = (sorted(s.read(name).select(own).to_pylist(), key=str) for s in (store, other))
        assert a == b
    assert len(set(other.read("enrolment")["learner_id"].to_pylist())) == 4


def test_nothing_leaves_but_what_a_roster_needs(tmp_path):
    store = register(tmp_path)
    export(store, settings(tmp_path), NEW_YEAR, tmp_path / "with.zip")
    text = whole_text(tmp_path / "with.zip")
    secret = [c.citizen_id for c in CHILDREN] + ["พุทธ", "ยากจน", "12/3", "สมใจ", "45.5"]
    assert [word for word in secret if word in text] == []
    assert not any(str(learner) in text for learner in store.read("enrolment")["learner_id"].to_pylist())
    assert "มะลิ" in text
    export(store, settings(tmp_path), NEW_YEAR, tmp_path / "without.zip", names=False)
    cells = {cell for file in unpacked(tmp_path / "without.zip").values() for line in file for cell in line.values()}
    assert cells & {MALI.first_name, MALI.last_name, "เด็กหญิง", "2008-02-29", *NUMBERS.values()} == set()
    with pytest.raises(RaksaError, match="without names must not carry citizen ids"):
        export(store, settings(tmp_path), NEW_YEAR, tmp_path / "x.zip", names=False, ids=True)


def test_only_what_was_known_before_the_day_is_exported(tmp_path):
    store = register(tmp_path)
    counts = export(store, settings(tmp_path), SEPTEMBER, tmp_path / "set.zip")
    assert "results.csv" not in counts and counts["enrollments.csv"] == 4
    with pytest.raises(RaksaError, match="No list was known before 2024-06-10"):
        export(store, settings(tmp_path), date(2024, 6, 10), tmp_path / "none.zip")
    assert not (tmp_path / "none.zip").exists()


def test_equal_registers_give_equal_bytes_and_a_later_list_keeps_the_ids(tmp_path):
    store = register(tmp_path)
    paths = [tmp_path / "a.zip", tmp_path / "b.zip"]
    for path in paths:
        export(store, settings(tmp_path), NEW_YEAR, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    before = {line["sourcedId"] for line in unpacked(paths[0])["users"]}
    november = dmc(tmp_path / "n.xlsx", [dmc_row(MALI), dmc_row(KONG)], "10/11/2567")
    take(tmp_path / "home", november, confirm=lambda _: True)
    export(store, settings(tmp_path), NEW_YEAR, paths[1])
    assert {line["sourcedId"] for line in unpacked(paths[1])["users"]} == before
    lists = [line["metadata.raksa.listed_on"] for line in unpacked(paths[1])["enrollments"]]
    assert sorted(filter(None, lists)) == ["2024-06-10", "2024-06-10", "2024-11-10", "2024-11-10"]


# ------------------------------------------------------------------------------------------------ sets by hand
def register(folder: Path) -> Store:
    """Mali, Kong (on the books only), Baibua and Sai, who withdrew; marks of two; and things that must stay here."""
    said = {"ศาสนา": "พุทธ", "ความด้อยโอกาส": "ยากจน", "บ้านเลขที่": "12/3", "ชื่อผู้ปกครอง": "สมใจ"}
    floating = {"ยังไม่สามารถจำหน่ายได้ (3.1.8)": "ใช่"}
    lines = [dmc_row(MALI, **said), dmc_row(KONG, **floating), dmc_row(BAIBUA), dmc_row(SAI)]
    header = ("เลขประจำตัวประชาชน", "เลขประจำตัวนักเรียน", "รหัสโรงเรียน", "วันที่จำหน่าย", "สาเหตุ")
    exits = csv_file(folder / "e.csv", header, [(SAI.citizen_id, "", CHAI_DAEN, "16/08/2567", "ลาออก")])
    marks = [sgs_row(MALI), sgs_row(MALI, "ท21101", ผลการเรียน="มส", รวมร้อยละ="33.33"), sgs_row(KONG)]
    files = (schools(folder), dmc(folder / "a.xlsx", lines), sgs(folder / "s.xls", marks), exits)
    store, _ = take(folder / "home", *files)
    return store


def table(name: str, lines: list[tuple[str, ...]]) -> bytes:
    held = io.StringIO()
    header = STANDARD[name].split(",")
    csv.writer(held).writerows([header, *([*line, *[""] * (len(header) - len(line))] for line in lines)])
    return held.getvalue().encode("utf-8-sig")


def manifest(**said: str) -> bytes:
    stated = {"manifest.version": "1.0", "oneroster.version": "1.2", "source.systemCode": "sis"}
    stated |= {f"file.{name}": "bulk" for name in STANDARD if name not in ("categories",)} | said
    return ("propertyName,value\n" + "".join(f"{k},{v}\n" for k, v in stated.items())).encode()


def vendor(**files: bytes) -> list[tuple[str, bytes]]:
    """A set of another program, in September 2567, with what such sets have wrong."""
    own = {
        "manifest": manifest(),
        "orgs": table("orgs", [
            ("d1", "", "", "สพป. ตัวอย่าง เขต 1", "district", "2401"),
            ("s1", "", "", SCHOOLS[THUNG_NA][0], "school", THUNG_NA, "d1"),
            ("s2", "", "", SCHOOLS[CHAI_DAEN][0], "school", CHAI_DAEN, "d1"),
            ("dep", "", "", "กลุ่มสาระคณิตศาสตร์", "department", "", "s1"),
        ]),
        "academicSessions": table("academicSessions", [
            ("y67", "", "", "2567", "schoolYear", "2024-05-16", "2025-03-31", "", "2025"),
            ("t1", "", "", "1/2567", "term", "2024-05-16", "2024-10-10", "y67", "2025"),
            ("t2", "", "", "2/2567", "term", "2024-11-01", "2025-03-31", "y67", "2025"),
            ("y66", "", "", "2566", "schoolYear", "2023-05-16", "2024-03-31", "", "2024"),
            ("y68", "", "", "2568", "schoolYear", "2025-05-16", "2026-03-31", "", "2026"),
        ]),
        "courses": table("courses", [
            ("co", "", "", "", "คณิตศาสตร์", "ค21101", "", "s1", "ค"), ("ho", "", "", "", "โฮมรูม", "", "", "s1"),
        ]),
        "classes": table("classes", [
            ("c31", "", "", "ม.3/1", "09", "ho", "", "homeroom", "", "s1", "t1,t2"),
            ("c32", "", "", "ม.3/2", "09", "ho", "", "homeroom", "", "s1", "t1,t2"),
            ("c11", "", "", "ม.1/1", "07", "ho", "", "homeroom", "", "s2", "t1,t2"),
            ("ma", "", "", "คณิตศาสตร์", "09", "co", "", "scheduled", "", "s1", "t1"),
            ("old", "", "", "ม.2/1", "08", "ho", "", "homeroom", "", "s1", "y66"),
            ("new", "", "", "ม.4/1", "10", "ho", "", "homeroom", "", "s1", "y68"),
        ]),
        "users": table("users", [
            ("u1", "", "", "true", "u1", f"{{LDAP:mali}},{{TH-CID:{MALI.citizen_id}}}", "มะลิ", "ใจดี", "", "1101", "",
             "", "0800000000", "t1,g1"),
            ("u2", "", "", "true", "u2", "", "ก้อง", "เก่งกล้า", "", "1102"),
            ("u3", "", "", "true", "u3", "", FAH.first_name, FAH.last_name),
            ("u4", "", "", "true", "u4", f"{{th-cid : {SAI.citizen_id} }}", "ทราย", "ฐานมั่น"),
            ("t1", "", "", "true", "t1", "", "สมศรี", "ใจงาม"),
            ("g1", "", "", "true", "g1", "", "สมใจ", "ใจดี"),
        ]),
        "roles": table("roles", [("r1", "", "", "t1", "primary", "teacher", "", "", "s1"),
                                 ("r2", "", "", "g1", "primary", "relative", "", "", "s1")]),
        "demographics": table("demographics", [
            ("u1", "", "", "2008-02-29", "female"), ("u2", "", "", "2009-03-01", "male"),
        ]),
        "enrollments": table("enrollments", [
            ("e1", "", "", "c31", "s1", "u1", "student", "true"),
            ("e2", "", "", "c31", "s1", "u2", "student", "true", "", "2024-06-14"),  # Kong changed his room
            ("e3", "", "", "c31", "s1", "u3", "student", "true"),
            ("e4", "", "", "c32", "s1", "u2", "student", "true"),
            ("e5", "", "", "ma", "s1", "u1", "student", "false"),
            ("e6", "", "", "c11", "s2", "u4", "student", "true", "", "2024-08-16"),  # Sai left
            ("e7", "", "", "c31", "s1", "t1", "teacher", "true"),
            ("e8", "", "", "c31", "s1", "nobody", "student", "true"),
            ("e9", "tobedeleted", "", "c32", "s1", "u1", "student", "true"),
        ]) + b"e10,,,c31\r\n" + table("enrollments", [
            ("e11", "", "", "old", "s1", "u1", "student", "true"),
            ("e12", "", "", "ma", "s1", "u2", "student", "false"),
            ("e13", "", "", "new", "s1", "u1", "student", "true"),
            ("e14", "", "", "ma", "s1", "u3", "student", "false", "", "2024-10-10"),
        ]).split(b"\r\n", 1)[1],
        "lineItems": table("lineItems", [
            ("i1", "", "", "Final", "", "", "", "ma", "", "t1", "0", "20", "s1"),
            ("i2", "", "", "สอบย่อย", "", "", "", "ma", "", "t1", "", "", "s1"),
        ]),
        "results": table("results", [
            ("x1", "", "", "i1", "u1", "fully graded", "16", "2024-10-24", "", "4"),
            ("x2", "", "", "i2", "u1", "fully graded", "7", "2024-07-01", "", "ร"),
            ("x3", "tobedeleted", "", "i1", "u2", "fully graded", "3", "2024-10-24"),
            ("x4", "", "", "i1", "u2", "exempt", "", "2024-10-24"),
        ]),
    }  # fmt: skip
    return [(f"{name}.csv", content) for name, content in (own | files).items()]


def flat(held) -> dict[str, dict[str, str]]:
    return {row[0]: dict(zip(held.cells[0], row, strict=False)) for row in held.cells[1:]}


def read_flat(members: list[tuple[str, bytes]], sheet: str):
    held = next(r for r in rows_of("set.zip", members, SEPTEMBER) if r.sheet == sheet)
    return convert("set.zip", held, known_formats()[f"oneroster_{sheet}"], settings(Path()))


def packed(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def unpacked(path: Path) -> dict[str, list]:
    with zipfile.ZipFile(path) as archive:
        text = {name.removesuffix(".csv"): archive.read(name).decode() for name in archive.namelist()}
    held: dict[str, list] = {name: list(csv.DictReader(io.StringIO(content))) for name, content in text.items()}
    return held


def whole_text(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def without_source(store: Store, name: str) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "source"} for row in store.read(name).to_pylist()]
