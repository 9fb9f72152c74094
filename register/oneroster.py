"""OneRoster 1.2 CSV sets, in and out: what schools outside Thailand, and learning platforms, exchange.

    set.zip   manifest.csv orgs.csv academicSessions.csv courses.csv classes.csv users.csv roles.csv enrollments.csv
              demographics.csv categories.csv lineItems.csv results.csv

A set is a small database; our formats read one list at a time. So a set is laid flat, each row of a main file with all
that the others say of it, and the mappings oneroster_orgs, oneroster_enrollments and oneroster_results read those lists
like any file. The lines stay those of the main file, so that a refusal points into it.

What the standard has no word for (the day a list was true for, the roll number, ร and มส) stands in columns
`metadata.raksa.…` at the right, where the standard allows columns of one's own. Header order, required columns and what
a sourcedId may be made of: CSV binding 1.2.1 of 22 August 2023; docs/formats/oneroster.md.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from raksa import calendar, thai
from raksa.calendar import BUDDHIST_ERA
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL
from register.readers import Rows, read

_NEEDED = ("orgs.csv", "users.csv", "enrollments.csv")
_OWN = "metadata.raksa."
# Columns of the standard, in its order, which is binding. Columns of our own follow them.
_HEADERS: dict[str, tuple[str, ...]] = {
    "academicSessions": ("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "categories": ("title", "weight"),
    "classes": ("title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
                "termSourcedIds", "subjects", "subjectCodes", "periods"),
    "courses": ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes"),
    "demographics": ("birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican",
                     "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces",
                     "hispanicOrLatinoEthnicity", "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth",
                     "publicSchoolResidenceStatus"),
    "enrollments": ("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
    "lineItems": ("title", "description", "assignDate", "dueDate", "classSourcedId", "categorySourcedId",
                  "academicSessionSourcedId", "resultValueMin", "resultValueMax", "schoolSourcedId"),
    "orgs": ("name", "type", "identifier", "parentSourcedId"),
    "results": ("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment", "textScore",
                "classSourcedId", "inProgress", "incomplete", "late", "missing"),
    "roles": ("userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId"),
    "users": ("enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email",
              "sms", "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier", "preferredGivenName",
              "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns"),
}  # fmt: skip
# Every file a manifest must answer for, in the order of the standard's table.
_FILES = (
    "academicSessions", "categories", "classes", "classResources", "courses", "courseResources", "demographics",
    "enrollments", "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources",
    "resultLearningObjectiveIds", "results", "resultScoreScales", "roles", "scoreScales", "userProfiles",
    "userResources", "users",
)  # fmt: skip
# Columns of our own: what the register says of a list row, a result and a school beyond the standard's words.
_OF_A_LIST = ("listed_on", "term", "status", "student_number", "roll_number", "starts_on", "entered_on",
              "attempts_before", "isced_completed", "credits")  # fmt: skip
_OF_AN_EXIT = ("exit_cause", "exit_known_on")
_OF_A_RESULT = ("learning_area", "credits", "attended_percent", "days_late")
_OF_A_SCHOOL = ("code10", "main_school_id", "agency", "subdistrict", "district", "province", "latitude", "longitude")
_EXTRA = {
    "enrollments": (*_OF_A_LIST, *_OF_AN_EXIT),
    "results": _OF_A_RESULT,
    "orgs": _OF_A_SCHOOL,
    "users": ("prefix",),
}
# Common codes (CEDS) of the twelve grades, and of the three kindergarten years counted back from the first; vocational
# years run beside 10 to 12 and have none.
_COMMON_GRADE = {
    grade: f"{level:02d}" if level > 0 else ("KG", "PK", "PR")[-level]
    for grade, level in GRADE_LEVEL.items()
    if not grade.startswith("ปวช")
}
_USER_ID = re.compile(r"\{\s*([^:{}]+?)\s*:\s*([^{}]*?)\s*\}")
_ROOM = re.compile(r"(?P<grade>(?:อ|ป|ม|ปวช)\.\s*\d|-)(?:\s*/\s*(?P<room>.+))?")
_FINAL = {"final", "final grade", "final mark", "ผลการเรียน"}
_GUARDIANS = ("parent", "guardian", "relative")


# ------------------------------------------------------------------------------------------------ in
def is_set(names: Iterable[str]) -> bool:
    """Whether these files of an archive are a OneRoster set: orgs, users and enrollments side by side, with a
    manifest or without."""
    return _folder(names) is not None


def _folder(names: Iterable[str]) -> str | None:
    held: dict[str, set[str]] = {}
    for name in names:
        folder, _, file = name.replace("\\", "/").rpartition("/")
        held.setdefault(folder, set()).add(file.lower())
    return next((folder for folder in sorted(held) if held[folder].issuperset(_NEEDED)), None)


def rows_of(name: str, members: Sequence[tuple[str, bytes]], as_of: date | None = None) -> list[Rows]:
    """The set laid flat: one list each of orgs, enrollments and results, a row for every row of that file.

    `as_of` is the day a person says the set is true for; a bulk set has no column for it. A row that is no learner's
    (a teacher's, an orphan's) names no learner, and one marked tobedeleted keeps that word, so that both are refused
    with a reason. A file in the archive that is none of a set is a list that was not read.

    Raises RaksaError when the set misses a file its manifest promises, or when nobody says the day.
    """
    folder = _folder(member for member, _ in members)
    if folder is None:
        raise RaksaError(f"{name} is no OneRoster set: it needs {', '.join(_NEEDED)} side by side. Export it again.")
    files: dict[str, _Csv] = {}
    lists: list[Rows] = []
    known = {f"{file}.csv".lower(): file for file in ("manifest", *_FILES)}
    for member, content in members:
        inside, _, file = member.replace("\\", "/").rpartition("/")
        if inside == folder and file.lower() in known:
            files[known[file.lower()]] = _csv(f"{name}/{member}", content)
        else:
            why = "is no file of a OneRoster set and was not read; send it by itself"
            lists.append(Rows("csv", [], [], member, why))
    found = _Set(name, files, as_of)
    return [found.orgs_list(), found.enrollments_list(), *found.results_list(), *lists]


@dataclass(frozen=True)
class _Csv:
    """One file of a set: its rows by header, their lines, and which of them have not the header's number of cells."""

    rows: list[dict[str, str]] = field(default_factory=list)
    lines: Sequence[int] = ()
    broken: frozenset[int] = frozenset()

    @cached_property
    def by_id(self) -> dict[str, dict[str, str]]:
        return {row.get("sourcedId", ""): row for row in self.rows}


def _csv(name: str, content: bytes) -> _Csv:
    held = read(name, content)[0]
    header = [cell.strip() for cell in held.cells[0]]
    cells = [[cell.strip() for cell in row] for row in held.cells[1:]]
    rows = [dict(zip(header, row, strict=False)) for row in cells]
    return _Csv(rows, held.lines[1:], frozenset(i for i, row in enumerate(cells) if len(row) != len(header)))


@dataclass(frozen=True)
class _Session:
    """A term or year of a set: its days, its academic year (BE), and which term it is, 0 = the whole year."""

    begins: date | None
    ends: date | None
    year: int | None
    term: int


@dataclass(frozen=True)
class _Stay:
    """One student's enrolment in one class."""

    row: dict[str, str]
    of_class: dict[str, str]
    begins: date | None
    ends: date | None
    session_ends: date | None


class _Set:
    """A set while it is laid flat."""

    def __init__(self, name: str, files: Mapping[str, _Csv], as_of: date | None) -> None:
        self.name, self.files, self.as_of = name, files, as_of
        self.manifest = {row.get("propertyName", ""): row.get("value", "") for row in self._rows("manifest")}
        version = self.manifest.get("oneroster.version", "1.2")
        if version not in ("1.0", "1.1", "1.2"):
            raise RaksaError(f"{name} is a set of OneRoster {version}; 1.2 and 1.1 are read. Export it as 1.2.")
        for file in _HEADERS:
            if self._mode(file) in ("bulk", "delta") and file not in files:
                raise RaksaError(f"{name}: its manifest promises {file}.csv, which is not there. Export the set again.")
        self.orgs, self.users, self.classes = (files.get(f, _Csv()).by_id for f in ("orgs", "users", "classes"))
        self.courses, self.demographics = (files.get(f, _Csv()).by_id for f in ("courses", "demographics"))
        self.sessions = _sessions(files.get("academicSessions", _Csv()).by_id)
        self.roles: dict[str, set[str]] = {}
        for row in self._rows("roles"):
            self.roles.setdefault(row.get("userSourcedId", ""), set()).add(row.get("role", ""))
        # A sourcedId is unique within its system only; two systems may both have a 1001.
        roots = sorted(o.get("identifier") or i for i, o in self.orgs.items() if not o.get("parentSourcedId"))
        self.source = self.manifest.get("source.systemCode") or self.manifest.get("source.systemName") or str(roots)

    def _rows(self, file: str) -> list[dict[str, str]]:
        return self.files[file].rows if file in self.files else []

    def _mode(self, file: str) -> str:
        return self.manifest.get(f"file.{file}", "bulk" if file in self.files else "absent")

    def _list(self, file: str, lines: Iterable[dict[str, str]], header: Sequence[str]) -> Rows:
        """The flat list; a row of the file that lacks cells or has too many is cut short, to be refused as that."""
        broken = self.files[file].broken
        cells = [[row.get(h, "") for h in header] for row in lines]
        cells = [row[:1] if i in broken else row for i, row in enumerate(cells)]
        return Rows("csv", [list(header), *cells], [1, *self.files[file].lines], file)

    # ------------------------------------------------------------------------------------------ who and where
    def _who(self, user: str) -> dict[str, str]:
        """How a learner is named: by citizen id, G-code or passport, else by the set's own id, made long enough to be
        nobody else's; and her number at school. Empty for a user the set does not have."""
        held = self.users.get(user)
        if held is None:
            return {}
        ids = {kind.upper(): number for kind, number in _USER_ID.findall(held.get("userIds", ""))}
        own, number = ids.get("TH-CID") or ids.get("TH-GCODE") or "", held.get("identifier", "")
        if thai.citizen_number(number) or thai.g_code(number):
            own, number = own or number, ""
        passport = "" if own else ids.get("TH-PASSPORT", "")
        if not own and not passport:
            digest = hashlib.blake2b(f"{self.source}|{user}".encode(), digest_size=8).digest()
            own = f"OR{int.from_bytes(digest, 'big'):020d}"
        return {"user.id": own, "user.passport": passport, "user.identifier": number}

    def _school(self, org: str) -> dict[str, str]:
        held = self.orgs.get(org)
        return {"org.identifier": held.get("identifier") or org, "org.name": held.get("name", "")} if held else {}

    def _guardian(self, user: dict[str, str]) -> dict[str, str]:
        """Name, telephone and kind of the first of a learner's agents who is a parent, guardian or relative."""
        for agent in filter(None, (part.strip() for part in user.get("agentSourcedIds", "").split(","))):
            held = self.users.get(agent, {})
            roles = {*self.roles.get(agent, ()), held.get("role", "")}
            kind = next((word for word in _GUARDIANS if word in roles), "")
            if held and kind:
                named = f"{held.get('givenName', '')} {held.get('familyName', '')}".strip()
                return {
                    "guardian.name": named,
                    "guardian.role": kind,
                    "phone": held.get("phone") or held.get("sms", ""),
                }
        return {}

    def _of_class(self, held: Mapping[str, str]) -> list[_Session]:
        named = (part.strip() for part in held.get("termSourcedIds", "").split(","))
        return [self.sessions[session] for session in named if session in self.sessions]

    # ------------------------------------------------------------------------------------------ the lists
    def orgs_list(self) -> Rows:
        """A row per org. Only a school has an identifier here; a district is no school and so names none."""
        lines = []
        for row in self._rows("orgs"):
            is_school = row.get("type") == "school" and not _deleted(row)
            area = self._area(row)
            line = {"org.sourcedId": row.get("sourcedId", ""), "org.type": row.get("type", ""),
                    "org.status": row.get("status", ""), "org.name": row.get("name", ""),
                    "parent.identifier": area.get("identifier", ""), "parent.name": area.get("name", "")}  # fmt: skip
            if is_school:
                line["org.identifier"] = row.get("identifier") or row.get("sourcedId", "")
            lines.append(line | {f"org.{key}": row.get(_OWN + key, "") for key in _OF_A_SCHOOL})
        header = ("org.sourcedId", "org.status", "org.type", "org.identifier", "org.name", "parent.identifier",
                  "parent.name", *(f"org.{key}" for key in _OF_A_SCHOOL))  # fmt: skip
        return self._list("orgs", lines, header)

    def _area(self, org: dict[str, str]) -> dict[str, str]:
        """The district a school belongs to, directly or through other orgs: its service area."""
        seen: set[str] = set()
        parent = org.get("parentSourcedId", "")
        while parent in self.orgs and parent not in seen:
            if self.orgs[parent].get("type") == "district":
                return self.orgs[parent]
            seen.add(parent)
            parent = self.orgs[parent].get("parentSourcedId", "")
        return {}

    def enrollments_list(self) -> Rows:
        """A row per enrolment. Those of one child, school and year carry the same facts: on a list until a day."""
        header = (
            "enrollment.sourcedId", "enrollment.status", "enrollment.role", "org.identifier", "org.name", "class.title",
            "user.sourcedId", "user.id", "user.passport", "user.identifier", "user.prefix", "user.givenName",
            "user.familyName", "user.phone", "guardian.name", "guardian.role", "demographics.birthDate",
            "demographics.sex", "session.academicYear", "list.day", "list.grade", "list.room",
            *(f"list.{key}" for key in _OF_A_LIST if key != "listed_on"), "exit.left_on", "exit.cause", "exit.known_on",
        )  # fmt: skip
        if self._mode("enrollments") == "delta":
            return Rows("csv", [], [], "enrollments", "the enrollments hold only what changed since the last set "
                        "(delta), and a list must name everyone; export the whole set (bulk)")  # fmt: skip
        groups: dict[tuple[str, str, int | None], list[_Stay]] = {}
        keys: list[tuple[str, str, int | None] | None] = []
        for row in self._rows("enrollments"):
            user, held = row.get("userSourcedId", ""), self.classes.get(row.get("classSourcedId", ""), {})
            sessions = self._of_class(held)
            school = row.get("schoolSourcedId") or held.get("schoolSourcedId", "")
            key = (user, school, sessions[0].year if sessions else None)
            gone = _deleted(row) or _deleted(self.users.get(user, {}))
            counts = row.get("role") == "student" and not gone and user in self.users
            keys.append(key if counts else None)
            if counts:
                begins = min((s.begins for s in sessions if s.begins), default=None)
                ends = max((s.ends for s in sessions if s.ends), default=None)
                stay = _Stay(row, held, _day(row.get("beginDate")) or begins, _day(row.get("endDate")) or ends, ends)
                groups.setdefault(key, []).append(stay)
        facts = {key: self._facts(key, stays) for key, stays in groups.items()}
        lines = []
        for row, group in zip(self._rows("enrollments"), keys, strict=True):
            held = self.classes.get(row.get("classSourcedId", ""), {})
            line = {"enrollment.sourcedId": row.get("sourcedId", ""), "enrollment.status": row.get("status", ""),
                    "enrollment.role": row.get("role", ""), "class.title": held.get("title", ""),
                    "user.sourcedId": row.get("userSourcedId", "")}  # fmt: skip
            line |= self._school(row.get("schoolSourcedId") or held.get("schoolSourcedId", ""))
            if group:
                line |= facts[group]
            elif row.get("role") == "student":  # marked for deletion: who she is, and that word as her status
                word = _deleted(row) or _deleted(self.users.get(row.get("userSourcedId", ""), {}))
                line |= self._who(row.get("userSourcedId", "")) | {"list.status": word}
            lines.append(line)
        return self._list("enrollments", lines, header)

    def _facts(self, key: tuple[str, str, int | None], stays: list[_Stay]) -> dict[str, str]:
        """What the enrolments of one child in one school and year say together."""
        user, _, year = key
        held, shown = self.users[user], self.demographics.get(user, {})
        guardian = self._guardian(held)
        out = self._who(user) | {
            "user.prefix": held.get(_OWN + "prefix", ""), "user.givenName": held.get("givenName", ""),
            "user.familyName": held.get("familyName", ""), "demographics.birthDate": shown.get("birthDate", ""),
            "demographics.sex": shown.get("sex", ""), "guardian.name": guardian.get("guardian.name", ""),
            "guardian.role": guardian.get("guardian.role", ""),
            "user.phone": held.get("phone") or held.get("sms") or guardian.get("phone", ""),
            "session.academicYear": str(year or ""),
        }  # fmt: skip
        said = next((stay for stay in stays if stay.row.get(_OWN + "listed_on")), None)
        out |= self._own_words(said.row) if said else self._standing(stays)
        rooms = [stay for stay in ([said] if said else stays) if stay.of_class.get("classType") == "homeroom"]
        # Of two rooms the one she did not leave, then the one she came to last.
        now = self.as_of or date.max
        room = max(rooms, key=lambda stay: (not _left_early(stay, now), stay.begins or date.min), default=None)
        title = room.of_class.get("title", "") if room else ""
        named = _ROOM.fullmatch(title)
        out["list.room"] = (named["room"] or "") if named else title
        grades = _one(room.of_class.get("grades", "")) if room else ""
        if not grades and named and named["grade"] != "-":
            grades = named["grade"]
        day = _day(out["list.day"])
        if not grades and day and year == _academic_year(day):  # her grade today says nothing of an earlier year
            grades = _one(held.get("grades", ""))
        out["list.grade"] = grades
        if out.get("list.student_number"):
            out["user.identifier"] = out["list.student_number"]
        return out

    def _own_words(self, row: dict[str, str]) -> dict[str, str]:
        """What a set of ours says of a list row, word for word."""
        out = {f"list.{key}": row.get(_OWN + key, "") for key in _OF_A_LIST}
        out["list.day"] = out.pop("list.listed_on")
        if cause := row.get(_OWN + "exit_cause"):
            out |= {"exit.cause": cause, "exit.left_on": row.get("endDate", "")}
            out["exit.known_on"] = row.get(_OWN + "exit_known_on", "")
        return out

    def _standing(self, stays: list[_Stay]) -> dict[str, str]:
        """Until which day the child was in class: the day the set is true for, or the end of what ended before it.

        A class left before its term ended is a class left; all of them left is the school left, cause not stated.
        """
        if any(_OWN + "listed_on" in stay.row for stay in stays):
            return {"list.day": ""}  # a set of ours: the child has marks that year but stood on no list
        if self.as_of is None:
            raise RaksaError(
                f"{self.name}: a OneRoster set does not say which day it is true for. Say it with --as-of, as in "
                "--as-of 10/06/2567."
            )
        day = self.as_of
        begun = [stay for stay in stays if stay.begins is None or stay.begins <= day]
        if not begun:
            return {"list.day": day.isoformat(), "list.status": "not begun"}
        still = [stay for stay in begun if not _left_early(stay, day)]
        last = max(min(day, stay.ends or day) for stay in still or begun)
        out = {"list.day": last.isoformat(), "list.status": "enrolled"}
        sessions = [s for stay in still for s in self._of_class(stay.of_class)]
        terms = {s.term for s in sessions if s.begins and s.ends and s.begins <= last <= s.ends} & {1, 2, 3}
        if len(terms) == 1:
            out["list.term"] = str(*terms)
        if not still:
            out |= {"exit.cause": "unknown", "exit.left_on": last.isoformat(), "exit.known_on": day.isoformat()}
        return out

    def results_list(self) -> list[Rows]:
        """A row per result, with its subject, school and term; none where the set has no results."""
        if "results" not in self.files:
            return []
        items, lines = self.files.get("lineItems", _Csv()).by_id, []
        for row in self._rows("results"):
            item = items.get(row.get("lineItemSourcedId", ""), {})
            held = self.classes.get(item.get("classSourcedId") or row.get("classSourcedId", ""), {})
            course = self.courses.get(held.get("courseSourcedId", ""), {})
            session = self.sessions.get(item.get("academicSessionSourcedId", ""))
            if session is None and len(found := self._of_class(held)) == 1:
                session = found[0]
            title = item.get("title", "")
            line = self._who(row.get("studentSourcedId", "")) | {
                "result.sourcedId": row.get("sourcedId", ""), "result.status": row.get("status", ""),
                "user.sourcedId": row.get("studentSourcedId", ""), "class.title": held.get("title", ""),
                "session.academicYear": str(session.year or "") if session else "",
                "session.term": str(session.term) if session else "",
                "course.code": course.get("courseCode") or course.get("title", ""),
                "lineItem.title": "final" if title.casefold() in _FINAL else title,
                "result.score": row.get("score", ""), "result.percent": _percent(row, item),
                "result.textScore": row.get("textScore", ""),
                "result.scoreDate": _deleted(row) or row.get("scoreDate", ""),
                "course.subjects": row.get(_OWN + "learning_area") or course.get("subjects", ""),
            }  # fmt: skip
            line |= self._school(item.get("schoolSourcedId") or held.get("schoolSourcedId", ""))
            lines.append(line | {f"result.{key}": row.get(_OWN + key, "") for key in _OF_A_RESULT[1:]})
        header = (
            "result.sourcedId", "result.status", "org.identifier", "class.title", "user.sourcedId", "user.id",
            "user.passport", "user.identifier", "session.academicYear", "session.term", "course.code",
            "course.subjects", "lineItem.title", "result.score", "result.percent", "result.textScore",
            "result.scoreDate",
            *(f"result.{key}" for key in _OF_A_RESULT[1:]),
        )  # fmt: skip
        return [self._list("results", lines, header)]


def _deleted(row: Mapping[str, str]) -> str:
    """The word by which a row is marked as no longer true, else nothing. `inactive` is version 1.0's."""
    return row.get("status", "") if row.get("status") in ("tobedeleted", "inactive") else ""


def _left_early(stay: _Stay, day: date) -> bool:
    """Whether a class was left before the day and before its term was over."""
    left = _day(stay.row.get("endDate"))
    return left is not None and left < day and (stay.session_ends is None or left < stay.session_ends)


def _day(text: str | None) -> date | None:
    return thai.read_date(text, "ymd") if text else None


def _one(grades: str) -> str:
    """A grade list that names one grade; several say nothing certain of a child."""
    return grades if "," not in grades else ""


def _academic_year(day: date) -> int:
    """Thai academic year (BE) of a session's first day. Not taken from schoolYear, which the standard counts by the
    year it ends in and many write by the year it begins in. Sessions before May belong to the year that is ending."""
    return day.year + BUDDHIST_ERA - (day.month < 5)


def _sessions(held: Mapping[str, dict[str, str]]) -> dict[str, _Session]:
    def path(session: str) -> list[str]:
        """The session and those it lies in, from the inside out."""
        found: list[str] = []
        while session in held and session not in found:
            found.append(session)
            session = held[session].get("parentSourcedId", "")
        return found

    def siblings(row: dict[str, str]) -> str:
        begins = _day(row.get("startDate"))
        return row.get("parentSourcedId") or str(_academic_year(begins) if begins else "")

    # A set numbers its terms only by their order: the first to begin within a year is term 1.
    terms = {session: row for session, row in held.items() if row.get("type") in ("term", "semester")}
    starts: dict[str, set[str]] = {}
    for row in terms.values():
        starts.setdefault(siblings(row), set()).add(row.get("startDate", ""))
    out = {}
    for session, row in held.items():
        within = path(session)
        year = next((held[s] for s in within if held[s].get("type") == "schoolYear"), row)
        term = next((terms[s] for s in within if s in terms), None)
        number = sorted(starts[siblings(term)]).index(term.get("startDate", "")) + 1 if term else 0
        begins, ends, first = _day(row.get("startDate")), _day(row.get("endDate")), _day(year.get("startDate"))
        out[session] = _Session(begins, ends, _academic_year(first) if first else None, number)
    return out


def _percent(result: Mapping[str, str], item: Mapping[str, str]) -> str:
    """The score as percent of the line item's range; nothing where the line item has no highest value."""
    score, low, high = result.get("score", ""), item.get("resultValueMin") or "0", item.get("resultValueMax", "")
    try:
        numbers = float(score), float(low), float(high)
    except ValueError:
        return score if score and high else ""
    if (numbers[1], numbers[2]) == (0, 100):
        return score
    return f"{100 * (numbers[0] - numbers[1]) / (numbers[2] - numbers[1]):.6g}" if numbers[2] > numbers[1] else ""


# ------------------------------------------------------------------------------------------------ out
def export(
    store: Store, settings: Settings, as_of: date, path: Path, *, names: bool = True, ids: bool = False
) -> dict[str, int]:
    """Write what was known before `as_of` as a OneRoster 1.2 bulk set; returns the rows of each file.

    Children are those of the latest list of each school and year, with birth date, sex, results, and the day and cause
    of leaving. No address, telephone, guardian, household, attendance or section-26 data leaves. `ids` adds citizen
    ids, G-codes and passports; `names=False` leaves out names, school numbers and birth dates. Every sourcedId is a
    hash with the store's key: the same each time, and nothing can be guessed back from it.

    Equal registers give equal bytes. Raises RaksaError when no list was known by then, and for ids without names.
    """
    if ids and not names:
        raise RaksaError("A set without names must not carry citizen ids either; leave out one of the two.")
    if path.suffix.lower() != ".zip":
        raise RaksaError(f"{path.name}: a OneRoster set is a zip file; give it a name that ends in .zip.")
    out = _Export(store, settings, as_of, names, ids)
    out.fill()
    if not out.files["enrollments"]:
        raise RaksaError(f"No list was known before {as_of}, so there is nothing to export. Choose a later date.")
    members = out.members()
    beside = path.with_name(f"{path.name}.part")
    with zipfile.ZipFile(beside, "w") as packed:
        for name, text in members.items():
            entry = zipfile.ZipInfo(f"{name}.csv", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            packed.writestr(entry, text)
    beside.replace(path)
    return {f"{name}.csv": len(out.files[name]) for name in members if name != "manifest"}


class _Export:
    """A set while it is put together: `files` are its rows by file and sourcedId, so that what is named twice stands
    once."""

    def __init__(self, store: Store, settings: Settings, as_of: date, names: bool, ids: bool) -> None:
        self.store, self.settings, self.as_of, self.names, self.ids = store, settings, as_of, names, ids
        self.key = store.identity.id_key.encode()
        self.files: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _HEADERS}

    def add(self, file: str, sourced_id: str, **row: Any) -> str:
        self.files[file].setdefault(sourced_id, row)
        return sourced_id

    def id(self, *parts: object) -> str:
        """A sourcedId: 32 hexadecimal digits of a keyed hash. A learner's own number never leaves the store."""
        text = "|".join(map(str, parts))
        return hashlib.blake2b(text.encode(), digest_size=16, key=self.key, person=b"oneroster").hexdigest()

    def known(self, table: str, day: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows known before the day, oldest first."""
        frame: pd.DataFrame = self.store.read(table, columns=columns).to_pandas()
        known = [isinstance(on, date) and on < self.as_of for on in frame[day]]
        return frame[known].sort_values(day, kind="stable")

    # ------------------------------------------------------------------------------------------ the files
    def fill(self) -> None:
        lists = self.known("enrolment", "listed_on")
        lists = lists.drop_duplicates(["learner_id", "school_id", "academic_year"], keep="last")
        results = self.known("result", "known_on")
        self.schools()
        for year in sorted({*lists["academic_year"], *results["academic_year"]}):
            self.sessions(int(year))
        self.people(lists, results)
        left = self.exits(lists)
        for row in lists.to_dict("records"):
            self.list_row(row, left.get((row["learner_id"], row["school_id"], row["listed_on"])))
        for row in results.to_dict("records"):
            self.result(row)

    def exits(self, lists: pd.DataFrame) -> dict[tuple[int, str, date], dict[Any, Any]]:
        """The exit that followed a list, if one did: of a child who came back, not the one before."""
        days: dict[tuple[int, str], list[date]] = {}
        for learner, school, day in zip(lists["learner_id"], lists["school_id"], lists["listed_on"], strict=True):
            days.setdefault((learner, school), []).append(day)
        found = {}
        for row in self.known("exit", "known_on").to_dict("records"):
            left = row["known_on"] if pd.isna(row["left_on"]) else row["left_on"]
            before = [day for day in days.get((row["learner_id"], row["school_id"]), []) if day <= left]
            if before:
                found[row["learner_id"], row["school_id"], max(before)] = row
        return found

    def schools(self) -> None:
        """Schools, and their service areas as districts above them. An area nobody has named yet is none."""
        for row in self.store.read("school").to_pylist():
            parent = ""
            if row["area_id"] != "unknown":
                name = row["area_name"] or row["area_id"]
                parent = self.id("area", row["area_id"])
                self.add("orgs", parent, name=name, type="district", identifier=row["area_id"])
            self.add("orgs", self.id("school", row["school_id"]), name=row["name"], type="school",
                     identifier=row["school_id"], parentSourcedId=parent,
                     **{_OWN + key: row[key] for key in _OF_A_SCHOOL})  # fmt: skip

    def sessions(self, year: int) -> None:
        """The year, its terms, and the whole year as a grading period: results of the year belong to no term, and a
        line item may not name a school year."""
        first, last = calendar.first_day(year, self.settings), calendar.first_day(year + 1, self.settings)
        last -= timedelta(days=1)
        about = {"schoolYear": last.year, "startDate": first, "endDate": last}
        parent = self.add(
            "academicSessions", self.id("year", year), title=f"ปีการศึกษา {year}", type="schoolYear", **about
        )
        self.add("academicSessions", self.id("term", year, 0), title=f"ทั้งปีการศึกษา {year}", type="gradingPeriod",
                 parentSourcedId=parent, **about)  # fmt: skip
        for term in self.settings.terms:
            begins, ends = calendar.term_days(year, term.number, self.settings)
            self.add("academicSessions", self.id("term", year, term.number), title=f"{term.number}/{year}", type="term",
                     parentSourcedId=parent, **about | {"startDate": begins, "endDate": ends})  # fmt: skip

    def term(self, year: int, number: int) -> tuple[str, date, date]:
        """A term's session and days. A term the settings lack, as a summer term, lies after the last."""
        session = self.id("term", year, number)
        if session not in self.files["academicSessions"]:
            begins = max(calendar.term_days(year, t.number, self.settings)[1] for t in self.settings.terms)
            ends = calendar.first_day(year + 1, self.settings) - timedelta(days=1)
            self.add("academicSessions", session, title=f"{number}/{year}", type="term", schoolYear=ends.year,
                     startDate=begins + timedelta(days=1), endDate=ends,
                     parentSourcedId=self.id("year", year))  # fmt: skip
        held = self.files["academicSessions"][session]
        return session, held["startDate"], held["endDate"]

    def people(self, lists: pd.DataFrame, results: pd.DataFrame) -> None:
        """Users, their birth date and sex, and a role for each school; the primary one is that of the latest list."""
        columns = ["learner_id", "known_on", "prefix", "first_name", "last_name", "id_type", "id_number"]
        identity = self.known("identity", "known_on", columns)
        named = identity.groupby("learner_id").last()
        numbered = identity.dropna(subset=["id_number"]).drop_duplicates("learner_id", keep="last")
        number = dict(
            zip(numbered["learner_id"], zip(numbered["id_type"], numbered["id_number"], strict=True), strict=True)
        )
        born = self.known("learner", "known_on").groupby("learner_id").last()
        schools: dict[int, dict[str, None]] = {}  # by learner, the latest school last
        for frame in (results.sort_values(["learner_id", "school_id"]), lists):
            for learner, school in zip(frame["learner_id"], frame["school_id"], strict=True):
                own = schools.setdefault(learner, {})
                own.pop(school, None)
                own[school] = None
        grades = lists.groupby("learner_id")["grade"].last()
        numbers = lists.groupby("learner_id")["student_number"].last()
        said, birth = named.to_dict("index"), born.to_dict("index")
        for learner, own in schools.items():
            user, name, about = self.user(learner), said.get(learner, {}), birth.get(learner, {})
            primary = list(own)[-1]
            self.add("users", user, enabledUser="true", username=user, grades=_common(grades.get(learner)),
                     givenName=_said(name.get("first_name")) if self.names else "-",
                     familyName=_said(name.get("last_name")) if self.names else "-",
                     identifier=numbers.get(learner) if self.names else None,
                     userIds=self.user_ids(*number.get(learner, (None, None))),
                     primaryOrgSourcedId=self.id("school", primary),
                     **{_OWN + "prefix": name.get("prefix") if self.names else None})  # fmt: skip
            if not pd.isna(about.get("sex")) or (self.names and not pd.isna(about.get("birth_date"))):
                day = about.get("birth_date") if self.names else None
                self.add("demographics", user, birthDate=day, sex=about.get("sex"))
            for school in own:
                self.add("roles", self.id("role", learner, school), userSourcedId=user, role="student",
                         roleType="primary" if school == primary else "secondary",
                         orgSourcedId=self.id("school", school))  # fmt: skip

    def user(self, learner: int) -> str:
        return self.id("learner", learner)

    def user_ids(self, kind: str | None, number: str | None) -> str:
        words = {"citizen": "TH-CID", "g_code": "TH-GCODE", "passport": "TH-PASSPORT"}
        return f"{{{words[kind]}:{number}}}" if self.ids and kind in words and number else ""

    def list_row(self, row: dict[Any, Any], left: dict[Any, Any] | None) -> None:
        """A child on a school's list: an enrolment in her room, which ended where the list or a later exit says so."""
        learner, school, year = row["learner_id"], row["school_id"], int(row["academic_year"])
        grade, room = _text(row["grade"]), _text(row["room"])
        org = self.id("school", school)
        course = self.add("courses", self.id("homeroom", school, grade), title=f"โฮมรูม {grade}".strip(),
                          orgSourcedId=org, grades=_common(grade))  # fmt: skip
        title = f"{grade or '-'}/{room}" if room else grade or "-"
        terms = ",".join(self.id("term", year, term.number) for term in self.settings.terms)
        held = self.add("classes", self.id("room", school, year, grade, room), title=title, grades=_common(grade),
                        courseSourcedId=course, classType="homeroom", schoolSourcedId=org,
                        termSourcedIds=terms)  # fmt: skip
        hidden = () if self.names else ("student_number", "roll_number")
        own = {_OWN + key: None if key in hidden else row[key] for key in _OF_A_LIST}
        ends = None if row["status"] in ("enrolled", "floating", "leave_of_absence") else row["listed_on"]
        if left is not None:
            ends = left["left_on"]
            own |= {_OWN + "exit_cause": left["cause"], _OWN + "exit_known_on": left["known_on"]}
        self.add("enrollments", self.id("list", learner, school, year), classSourcedId=held, schoolSourcedId=org,
                 userSourcedId=self.user(learner), role="student", primary="true", endDate=ends, **own)  # fmt: skip

    def result(self, row: dict[Any, Any]) -> None:
        """A mark: line item of the subject's class of that term, in which the child is enrolled too."""
        learner, school, year = row["learner_id"], row["school_id"], int(row["academic_year"])
        subject, part = row["subject"], row["part"]
        session, begins, ends = self.term(year, int(row["term"]))
        org, user = self.id("school", school), self.user(learner)
        course = self.add("courses", self.id("course", school, subject), title=subject, courseCode=subject,
                          orgSourcedId=org, subjects=row["learning_area"])  # fmt: skip
        held = self.add("classes", self.id("class", school, session, subject), title=f"{subject} {row['term']}/{year}",
                        courseSourcedId=course, classType="scheduled", schoolSourcedId=org,
                        termSourcedIds=session)  # fmt: skip
        category = self.add("categories", self.id("category", part), title=part)
        item = self.add("lineItems", self.id("item", held, part), title=part, assignDate=begins, dueDate=ends,
                        classSourcedId=held, categorySourcedId=category, academicSessionSourcedId=session,
                        resultValueMin="0", resultValueMax="100", schoolSourcedId=org)  # fmt: skip
        self.add("results", self.id("result", item, learner, row["known_on"]), lineItemSourcedId=item,
                 studentSourcedId=user, scoreStatus="fully graded", score=row["percent"], scoreDate=row["known_on"],
                 textScore=row["grade"], classSourcedId=held,
                 **{_OWN + key: row[key] for key in _OF_A_RESULT})  # fmt: skip
        self.add("enrollments", self.id("enrolment", held, learner), classSourcedId=held, schoolSourcedId=org,
                 userSourcedId=user, role="student", primary="false")  # fmt: skip

    # ------------------------------------------------------------------------------------------ the bytes
    def members(self) -> dict[str, str]:
        """Text of each file that has rows, by name; a file without rows is not allowed and stays away."""
        filled = [name for name in _HEADERS if self.files[name]]
        manifest = [("manifest.version", "1.0"), ("oneroster.version", "1.2")]
        manifest += [(f"file.{name}", "bulk" if name in filled else "absent") for name in _FILES]
        manifest += [("source.systemName", "Raksa"), ("source.systemCode", f"raksa-{self.id('store')[:12]}")]
        out = {"manifest": _csv_text(("propertyName", "value"), manifest)}
        for name in filled:
            extra = [_OWN + key for key in _EXTRA.get(name, ())]
            # A bulk set leaves status and dateLastModified empty.
            header = ("sourcedId", "status", "dateLastModified", *_HEADERS[name], *extra)
            rows = sorted(self.files[name].items())
            out[name] = _csv_text(header, ([i, "", "", *(_text(r.get(h)) for h in header[3:])] for i, r in rows))
        return out


def _csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return held.getvalue()


def _text(value: Any) -> str:
    """A cell: dates as YYYY-MM-DD, whole numbers without a point, nothing for what is not known."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        short = np.float32(value)  # the register holds marks in 32 bits: 33.33, not 33.33000183
        return str(int(value)) if value.is_integer() else str(short if float(short) == value else value)
    return " ".join(str(value).split())  # a line end within a cell is not allowed


def _said(name: Any) -> str:
    return _text(name) or "-"  # a name may not be empty


def _common(grade: Any) -> str:
    """The common code of a grade, or the Thai label where there is none."""
    label = _text(grade)
    return _COMMON_GRADE.get(label, label)
