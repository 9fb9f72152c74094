"""A list of the people who work with Raksa becomes accounts: who teaches which class, who leads which school.

Two layouts: a plain list (CSV or XLSX), as the user module of a school platform gives it, one line a person and class;
and a OneRoster 1.1 or 1.2 set (zip), whose homeroom classes say who is whose class teacher.

    entries, refused = staff("staff.csv", content, store)
    report = take(accounts, entries, now)          # new people with a first password, changed ones, the same

Nobody is switched off for not being on the list, and no list makes an administrator: a person does that by hand.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from raksa.access import Person, Scope, check_scopes, class_of
from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import GRADES
from raksa.thai import clean
from register.readers import Rows, read, unpack

# Field -> the headings it stands under, compared without spaces and capitals.
_HEADINGS = {
    "username": ("username", "account", "ชื่อบัญชี", "ชื่อผู้ใช้", "ชื่อผู้ใช้งาน", "user"),
    "name": ("name", "fullname", "ชื่อ-สกุล", "ชื่อ–สกุล", "ชื่อ-นามสกุล", "ชื่อนามสกุล", "ชื่อสกุล"),
    "role": ("role", "บทบาท", "ตำแหน่ง", "สิทธิ์"),
    "school": ("school_id", "schoolid", "school", "รหัสโรงเรียน", "รหัสสถานศึกษา"),
    "grade": ("grade", "ชั้น", "ระดับชั้น"),
    "room": ("room", "ห้อง"),
    "class": ("class", "ชั้น/ห้อง", "ห้องเรียน", "ครูประจำชั้น"),
    "area": ("area_id", "areaid", "area", "รหัสเขต", "รหัสเขตพื้นที่", "เขตพื้นที่"),
    "language": ("language", "ภาษา"),
}
# What a list calls a role -> ours. OneRoster's words are among them.
_ROLES = {
    "teacher": ("teacher", "ครู", "ครูประจำชั้น", "ครูที่ปรึกษา", "อาจารย์", "advisor"),
    "school": ("school", "principal", "administrator", "siteadministrator", "counselor", "ผู้อำนวยการ",
               "ผู้อำนวยการโรงเรียน", "รองผู้อำนวยการ", "ครูแนะแนว", "แนะแนว", "นายทะเบียน", "ทะเบียน"),
    "area": ("area", "districtadministrator", "เขตพื้นที่", "เจ้าหน้าที่เขต", "ศึกษานิเทศก์"),
    "province": ("province", "จังหวัด", "ศึกษาธิการจังหวัด"),
    "researcher": ("researcher", "นักวิจัย"),
}  # fmt: skip
# Where a line stands, what it says, its cells as they were.
_Line = tuple[int, dict[str, str], list[str]]
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words}


@dataclass(frozen=True)
class Entry:
    """One person as the list has her: her lines taken together."""

    username: str
    name: str
    role: str
    scopes: tuple[Scope, ...]
    language: str = "th"


@dataclass(frozen=True)
class RefusedLine:
    """A line that made nobody: where it stands, why, and its cells whole, to mend and send again."""

    line: int
    why: RaksaError
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What came of a list. `created` holds first passwords, said once and kept nowhere; `not_named` are accounts of
    the list's schools whom it does not name: for a person to look at."""

    created: tuple[tuple[Entry, str], ...]
    changed: tuple[Entry, ...]
    same: tuple[Entry, ...]
    refused: tuple[RefusedLine, ...]
    not_named: tuple[Person, ...]

    def passwords_csv(self) -> bytes:
        """Account, name and first password of the new people, for Excel: to be handed over and thrown away."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["username", "name", "password"])
        writer.writerows((e.username, e.name, password) for e, password in self.created)
        return out.getvalue().encode("utf-8-sig")


def staff(name: str, content: bytes, store: Store) -> tuple[list[Entry], list[RefusedLine]]:
    """People of a list, and the lines that name nobody who could be let in.

    Raises RaksaError when the file is neither layout.
    """
    known = store.read("school", columns=["school_id", "area_id"])
    schools, areas = set(known["school_id"].to_pylist()), set(known["area_id"].to_pylist())
    members = unpack(name, content)
    if members is not None and any(member.rpartition("/")[2] == "users.csv" for member, _ in members):
        lines, refused = _of_oneroster(members)
    else:
        lines, refused = _of_list(name, content)
    people: dict[str, Entry] = {}
    for line, said, cells in lines:
        try:
            entry = _entry(said, schools, areas)
            before = people.get(entry.username)
            if before and (before.role, before.name) != (entry.role, entry.name):
                raise RaksaError(
                    "{username} stands on another line with another name or role. Make them agree.",
                    username=entry.username,
                )
        except RaksaError as wrong:
            refused.append(RefusedLine(line, wrong, tuple(cells)))
            continue
        scopes = dict.fromkeys([*(before.scopes if before else ()), *entry.scopes])
        people[entry.username] = Entry(entry.username, entry.name, entry.role, tuple(scopes), entry.language)
    return list(people.values()), sorted(refused, key=lambda one: one.line)


def take(accounts: Accounts, entries: Iterable[Entry], refused: Sequence[RefusedLine], now: datetime) -> Report:
    """Make the accounts that are not there, and give those that are the role and scopes of the list.

    An administrator's account is left as it is: a list does not take the keys away.
    """
    created, changed, same, left = [], [], [], list(refused)
    entries = list(entries)
    for entry in entries:
        held = accounts.person(entry.username)
        if held is None:
            password = secrets.token_urlsafe(9)
            try:
                accounts.create_person(
                    entry.username, entry.name, entry.role, entry.scopes, password, now, language=entry.language
                )
            except RaksaError as wrong:
                left.append(RefusedLine(0, wrong, (entry.username, entry.name)))
                continue
            created.append((entry, password))
        elif held.role == "admin":
            why = RaksaError(
                "{username} is an administrator. A list does not change one; do it by hand.", username=entry.username
            )
            left.append(RefusedLine(0, why, (entry.username, entry.name)))
        elif (held.role, set(held.scopes)) != (entry.role, set(entry.scopes)):
            accounts.set_role(entry.username, entry.role, entry.scopes)
            changed.append(entry)
        else:
            same.append(entry)
    return Report(tuple(created), tuple(changed), tuple(same), tuple(left), tuple(_not_named(accounts, entries)))


def _not_named(accounts: Accounts, entries: Sequence[Entry]) -> Iterable[Person]:
    named = {entry.username for entry in entries}
    schools = {_school(scope) for entry in entries for scope in entry.scopes} - {""}
    for person in accounts.everyone():
        if person.active and person.username not in named and {_school(s) for s in person.scopes} & schools:
            yield person


def _school(scope: Scope) -> str:
    return {"class": scope.value.partition("|")[0], "school": scope.value}.get(scope.kind, "")


def _entry(said: dict[str, str], schools: set[str], areas: set[str]) -> Entry:
    username, name = said.get("username", "").casefold(), said.get("name", "")
    word = said.get("role", "").replace(" ", "").casefold()
    if not username or not name:
        raise RaksaError("A line needs an account name and a person's name. Fill them in.")
    if word in ("admin", "systemadministrator", "ผู้ดูแลระบบ"):
        raise RaksaError("A list makes no administrator. Make that account by hand.")
    if word not in _ROLE_OF:
        known = ", ".join(f"{role} ({next(w for w in words if not w.isascii())})" for role, words in _ROLES.items())
        raise RaksaError("Role {role!r} is unknown. Write one of {roles}.", role=said.get("role", ""), roles=known)
    role = _ROLE_OF[word]
    scopes: tuple[Scope, ...] = ()
    if role in ("teacher", "school"):
        school = said.get("school", "")
        if school not in schools:
            raise RaksaError(
                "School {school!r} is not in the register. Read the area's list of schools first.", school=school
            )
        scopes = (Scope("school", school),)
        if role == "teacher":
            grade, room = _class(said)
            scopes = (Scope("class", class_of(school, grade, room)),)
    elif role in ("area", "province"):
        if said.get("area", "") not in areas:
            raise RaksaError("Service area {area!r} is not in the register. Write its code.", area=said.get("area", ""))
        scopes = (Scope("area", said["area"]),)
    check_scopes(role, scopes)
    return Entry(username, name, role, scopes, said.get("language") or "th")


def _class(said: dict[str, str]) -> tuple[str, str]:
    """Grade and room of a class teacher, from two columns or from one such as ม.3/1."""
    grade, room = said.get("grade", ""), said.get("room", "")
    if not grade and said.get("class"):
        grade, _, room = said["class"].partition("/")
    grade = grade.replace(" ", "")
    if "/" in grade and not room:
        grade, _, room = grade.partition("/")
    grade = grade if "." in grade else grade[:-1] + "." + grade[-1:]
    if grade not in GRADES:
        given = said.get("class") or said.get("grade", "")
        raise RaksaError("Class {given!r} has no grade we know. Write ม.3/1.", given=given)
    return grade, room.strip()


def _of_list(name: str, content: bytes) -> tuple[list[_Line], list[RefusedLine]]:
    for rows in read(name, content):
        for at, cells in enumerate(rows.cells[:20]):
            fields = [_field(cell) for cell in cells]
            if {"username", "name", "role"} <= set(fields):
                return [
                    (
                        rows.lines[n],
                        {f: clean(c) for f, c in zip(fields, rows.cells[n], strict=False) if f},
                        list(rows.cells[n]),
                    )
                    for n in range(at + 1, len(rows.cells))
                ], []
    raise RaksaError(
        "{name} is no list of staff. Its first line must name the columns username, name, role and school_id "
        "(ชื่อบัญชี, ชื่อ-สกุล, บทบาท, รหัสโรงเรียน), with ชั้น and ห้อง for class teachers; or send a OneRoster set.",
        name=name,
    )


def _field(heading: str) -> str | None:
    word = clean(heading).replace(" ", "").casefold()
    return next((field for field, words in _HEADINGS.items() if word in words), None)


def _of_oneroster(
    members: Sequence[tuple[str, bytes]],
) -> tuple[list[_Line], list[RefusedLine]]:
    """Lines of teachers and administrators: role from roles.csv (1.2) or users.csv (1.1), classes from enrollments."""
    files = {member.rpartition("/")[2].removesuffix(".csv"): _records(member, content) for member, content in members}
    orgs = {org["sourcedId"]: org for org in files.get("orgs", [])}
    classes = {held["sourcedId"]: held for held in files.get("classes", [])}
    roles: dict[str, dict[str, str]] = {}
    for one in files.get("roles", []):
        if one.get("roleType", "primary") == "primary" or one["userSourcedId"] not in roles:
            roles[one["userSourcedId"]] = one
    homerooms: dict[str, list[dict[str, str]]] = {}
    for one in files.get("enrollments", []):
        held = classes.get(one.get("classSourcedId", ""), {})
        if one.get("role") == "teacher" and held.get("classType") == "homeroom":
            homerooms.setdefault(one["userSourcedId"], []).append(held)
    found: list[_Line] = []
    refused = []
    for line, user in enumerate(files.get("users", []), start=2):
        held = roles.get(user["sourcedId"], {})
        role = (held.get("role") or user.get("role", "")).casefold()
        if role in ("student", "parent", "guardian", "relative", "aide", "") or user.get("status") == "tobedeleted":
            continue
        org = orgs.get(held.get("orgSourcedId") or user.get("orgSourcedIds", "").partition(",")[0], {})
        said = {
            "username": user.get("username", ""),
            "name": " ".join(filter(None, (user.get("givenName"), user.get("familyName")))),
            "role": role,
            "school": org.get("identifier", ""),
            "area": org.get("identifier", ""),
        }
        cells = [user["sourcedId"], said["username"], said["name"], role]
        if _ROLE_OF.get(role) != "teacher":
            found.append((line, said, cells))
            continue
        for room in homerooms.get(user["sourcedId"], []):
            school = orgs.get(room.get("schoolSourcedId", ""), org)
            found.append((line, said | {"school": school.get("identifier", ""), "class": room.get("title", "")}, cells))
        if user["sourcedId"] not in homerooms:
            why = RaksaError(
                "This teacher is class teacher of no homeroom class of the set. Name the class in a plain list."
            )
            refused.append(RefusedLine(line, why, tuple(cells)))
    return found, refused


def _records(name: str, content: bytes) -> list[dict[str, str]]:
    if not name.endswith(".csv"):
        return []
    rows: Rows = read(name, content)[0]
    heading = rows.cells[0]
    return [dict(zip(heading, cells, strict=False)) for cells in rows.cells[1:]]
