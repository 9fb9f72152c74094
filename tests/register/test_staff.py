"""Accounts from a list of staff: who teaches which class, who leads which school."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_register import add

from raksa.access import Person, Scope
from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from register.staff import staff, take
from tests.cast import AREAS, PA_PHAI, SCHOOLS, THUNG_NA
from tests.cast import MORNING as NOW

PLAIN = """ชื่อบัญชี,ชื่อ-สกุล,บทบาท,รหัสโรงเรียน,ชั้น/ห้อง,รหัสเขต
Somsri,สมศรี ใจงาม,ครูประจำชั้น,10000001,ม.3/1,
Somsri,สมศรี ใจงาม,ครูประจำชั้น,10000001,ม.3/2,
wichai,วิชัย ผู้อำนวยการ,ผู้อำนวยการ,10000001,,
malee,มาลี ใหม่มา,ครู,10000002,ป6,
kamol,กมล เขตพื้นที่,เจ้าหน้าที่เขต,,,2401
boss,ใครก็ได้,ผู้ดูแลระบบ,,,
nobody,ไม่รู้จัก,ภารโรง,10000001,,
lost,หลง ทาง,ครู,99999999,ม.1/1,
noclass,ไม่มี ห้อง,ครู,10000001,,
"""
ONEROSTER = {
    "orgs.csv": "sourcedId,status,name,type,identifier\nS1,active,ทุ่งนา,school,10000001\nA1,active,เขต,district,2401\n",
    "users.csv": "sourcedId,status,username,givenName,familyName\nU1,active,somsri,สมศรี,ใจงาม\n"
    "U2,active,wichai,วิชัย,ผู้อำนวยการ\nU3,active,mali,มะลิ,ใจดี\nU4,active,prateep,ประทีป,สอนเลข\n",
    "roles.csv": "sourcedId,userSourcedId,roleType,role,orgSourcedId\nR1,U1,primary,teacher,S1\n"
    "R2,U2,primary,siteAdministrator,S1\nR3,U3,primary,student,S1\nR4,U4,primary,teacher,S1\n",
    "classes.csv": "sourcedId,title,classType,schoolSourcedId\nC1,ม.3/1,homeroom,S1\nC2,คณิตศาสตร์,scheduled,S1\n",
    "enrollments.csv": "sourcedId,classSourcedId,userSourcedId,role,schoolSourcedId\n"
    "E1,C1,U1,teacher,S1\nE2,C2,U4,teacher,S1\nE3,C1,U3,student,S1\n",
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path, 2, "test")
    add(
        made,
        school=[
            {"school_id": school, "name": name, "area_id": area, "area_name": AREAS[area]}
            for school, (name, area) in SCHOOLS.items()
        ],
    )
    return made


@pytest.fixture
def accounts(store: Store) -> Iterator[Accounts]:
    opened = Accounts.open(Settings(home=store.home))
    yield opened
    opened.close()


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def test_a_plain_list_names_somsri_s_two_classes_and_says_why_others_are_left_out(store: Store) -> None:
    entries, refused = staff("staff.csv", PLAIN.encode("cp874"), store)
    said = {e.username: (e.role, {s.value for s in e.scopes}) for e in entries}
    assert said == {
        "somsri": ("teacher", {f"{THUNG_NA}|ม.3|1", f"{THUNG_NA}|ม.3|2"}),
        "wichai": ("school", {THUNG_NA}),
        "malee": ("teacher", {f"{PA_PHAI}|ป.6|"}),
        "kamol": ("area", {"2401"}),
    }
    assert [(one.line, one.cells[0]) for one in refused] == [(7, "boss"), (8, "nobody"), (9, "lost"), (10, "noclass")]
    assert (
        "makes no administrator" in str(refused[0].why)
        and "ภารโรง" in str(refused[1].why)
        and "99999999" in str(refused[2].why)
    )


def test_a_oneroster_set_makes_homeroom_teachers_and_leaders_and_no_children(store: Store) -> None:
    entries, refused = staff("set.zip", zipped(ONEROSTER), store)
    assert [(e.username, e.role, [s.value for s in e.scopes]) for e in entries] == [
        ("somsri", "teacher", [f"{THUNG_NA}|ม.3|1"]),
        ("wichai", "school", [THUNG_NA]),
    ]
    assert [one.cells[1] for one in refused] == ["prateep"] and "no homeroom class" in str(refused[0].why)


def test_taking_a_list_twice_changes_nothing_and_each_first_password_works(store: Store, accounts: Accounts) -> None:
    entries, refused = staff("staff.csv", PLAIN.encode(), store)
    first = take(accounts, entries, refused, NOW)
    assert len(first.created) == 4 and len(first.refused) == 4
    for entry, password in first.created:
        assert isinstance(accounts.sign_in(entry.username, password, NOW), str)
        held = accounts.person(entry.username)
        assert held is not None and held.must_change_password
    lines = first.passwords_csv().decode("utf-8-sig").splitlines()
    assert lines[0] == "username,name,password" and len(lines) == 5
    again = take(accounts, entries, refused, NOW)
    assert (again.created, again.changed, len(again.same)) == ((), (), 4)


def test_a_teacher_who_takes_another_class_is_changed_and_who_is_not_named_is_said(
    store: Store, accounts: Accounts
) -> None:
    entries, _ = staff("staff.csv", PLAIN.encode(), store)
    take(accounts, entries, [], NOW)
    moved = replace(entries[0], scopes=(Scope("class", f"{THUNG_NA}|ป.4|"),))
    report = take(accounts, [moved], [], NOW)
    assert [e.username for e in report.changed] == ["somsri"]
    assert [p.username for p in report.not_named] == ["wichai"]
    held = accounts.person("somsri")
    assert held is not None and held.scopes == moved.scopes and held.active


def test_a_list_takes_nobody_s_keys_away(store: Store, accounts: Accounts) -> None:
    accounts.create_person("wichai", "วิชัย", "admin", [], "a long first password", NOW)
    entries, _ = staff("staff.csv", PLAIN.encode(), store)
    report = take(accounts, entries, [], NOW)
    assert any("is an administrator" in str(one.why) for one in report.refused)
    held = accounts.person("wichai")
    assert held == Person("wichai", "วิชัย", "admin", (), "th", True, True)


def test_a_file_that_is_no_list_of_staff_says_what_one_looks_like(store: Store) -> None:
    with pytest.raises(RaksaError, match=r"no list of staff.*username, name, role"):
        staff("pupils.csv", "เลขที่,ชื่อ\n1,มะลิ\n".encode(), store)
