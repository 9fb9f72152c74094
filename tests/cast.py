"""The people of the tests: a few invented children, their schools, and the adults who look after them.

Everybody here is made up. Citizen ids begin with 9, a digit that is not issued, and carry a valid check digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from raksa.access import Person, Scope

# Two service areas and four schools; the last one stands alone in the second area.
AREAS = {"2401": "สพป. ตัวอย่าง เขต 1", "2402": "สพป. ตัวอย่าง เขต 2"}
THUNG_NA, PA_PHAI, CHAI_DAEN, DOI_NAM = "10000001", "10000002", "10000003", "10000004"
SCHOOLS = {
    THUNG_NA: ("โรงเรียนบ้านทุ่งนา", "2401"),
    PA_PHAI: ("โรงเรียนวัดป่าไผ่", "2401"),
    DOI_NAM: ("โรงเรียนบ้านดอยน้ำซับ", "2401"),
    CHAI_DAEN: ("โรงเรียนชายแดนวิทยา", "2402"),
}


@dataclass(frozen=True)
class Learner:
    """An invented child as the lists know her."""

    learner_id: int
    prefix: str
    first_name: str
    last_name: str
    school_id: str
    grade: str
    room: str
    citizen_id: str


MALI = Learner(101, "เด็กหญิง", "มะลิ", "ใจดี", THUNG_NA, "ม.3", "1", "9100000000011")
KONG = Learner(102, "เด็กชาย", "ก้อง", "เก่งกล้า", THUNG_NA, "ม.3", "1", "9100000000020")
BAIBUA = Learner(103, "เด็กหญิง", "ใบบัว", "น้ำใส", THUNG_NA, "ม.3", "2", "9100000000038")
FAH = Learner(104, "เด็กหญิง", "ฟ้า", "ปี่ทอง", PA_PHAI, "ป.6", "", "9100000000046")
SAI = Learner(105, "เด็กชาย", "ทราย", "ฐานมั่น", CHAI_DAEN, "ม.1", "1", "9100000000054")
EK = Learner(106, "เด็กชาย", "เอก", "ไม่มีเช็คชื่อ", DOI_NAM, "ป.4", "", "9100000000062")
NUNG = Learner(107, "เด็กชาย", "หนึ่ง", "ญาณดี", THUNG_NA, "ม.3", "1", "9100000000071")
CHILDREN = (MALI, KONG, BAIBUA, FAH, SAI, EK, NUNG)

# The adults. Somsri is homeroom teacher of ม.3/1 in Thung Na: Mali, Kong and Nueng are hers, Baibua is not.
SOMSRI = Person("somsri", "สมศรี ใจงาม", "teacher", (Scope("class", f"{THUNG_NA}|ม.3|1"),))
WICHAI = Person("wichai", "วิชัย ผู้อำนวยการ", "school", (Scope("school", THUNG_NA),))
KAMOL = Person("kamol", "กมล เขตพื้นที่", "area", (Scope("area", "2401"),))
PIM = Person("pim", "พิมพ์ จังหวัด", "province", (Scope("area", "2401"), Scope("area", "2402")))
RUNG = Person("rung", "รุ่ง นักวิจัย", "researcher")
ADMIN = Person("admin", "ผู้ดูแลระบบ", "admin")
ADULTS = (SOMSRI, WICHAI, KAMOL, PIM, RUNG, ADMIN)
PASSWORD = "ทุ่งนาเขียวขจี-2569"

# The morning on which the demo of the tests is built: eight o'clock in Bangkok on its as-of date.
MORNING = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
