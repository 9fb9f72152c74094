"""What goes along on paper: the plan, a sheet for each home, and letters to guardians. Plain data in, PDF out.

A sheet says who, what stands out and what to ask, and leaves room to write; its QR code opens the child's visit form
for whoever is signed in. The sections are those of the home-visit forms schools use. Letters are in Thai only, with
Thai digits; the document number and the Garuda are left to the school.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, time
from io import BytesIO
from itertools import groupby
from math import cos, radians
from typing import Any, Literal

import segno

from care import documents
from care.planner import Plan, Round, School
from raksa.calendar import BUDDHIST_ERA
from raksa.errors import RaksaError
from raksa.thai import MONTHS

Language = Literal["th", "en"]
WEEKDAYS = {
    "th": ("จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "ศุกร์", "เสาร์", "อาทิตย์"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SKETCH_MM = (70.0, 35.0)  # width and height of the sketch of a round
MOST_REASONS = 4  # as many as fit on a sheet beside the room to write
_TO_THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")

# How the family was met, what was found (the ministry's follow-up causes that a visit can find) and what would help:
# code -> Thai, English. The visit form on the telephone and the spreadsheet use the same codes.
MODES = {
    "visit": ("เยี่ยมที่บ้าน", "at home"),
    "call": ("โทรศัพท์หรือวิดีโอคอล", "by telephone or video"),
    "at_school": ("พบที่โรงเรียน", "at school"),
}
CAUSES = {
    "income": ("รายได้ไม่พอ", "too little money"),
    "transport": ("การเดินทาง", "the way to school"),
    "family_need": ("ต้องช่วยงานหรือดูแลคนในบ้าน", "needed at home"),
    "family": ("เรื่องในครอบครัว", "things in the family"),
    "health": ("สุขภาพ", "health"),
    "disability": ("ความพิการ", "a disability"),
    "adjustment": ("เพื่อน ครู การปรับตัว", "friends, teachers, settling in"),
    "rules": ("ระเบียบของโรงเรียน", "school rules"),
    "no_wish": ("ไม่ประสงค์เรียนต่อ", "does not wish to go on"),
    "migrated": ("ย้ายที่อยู่", "moved away"),
    "elsewhere": ("เรียนที่อื่นแล้ว", "studies elsewhere"),
    "disaster": ("ภัยพิบัติ", "a disaster"),
    "other": ("อื่น ๆ", "something else"),
    "unknown": ("ยังไม่ทราบ", "not known yet"),
}
HELP = {
    "money": ("ทุนหรือค่าใช้จ่าย", "money"),
    "transport": ("การเดินทาง", "transport"),
    "food": ("อาหาร", "food"),
    "uniform": ("เครื่องแบบ อุปกรณ์", "uniform, things for school"),
    "safety": ("ความปลอดภัย", "safety"),
    "learning": ("การเรียน", "learning"),
    "health": ("สุขภาพ", "health"),
    "family": ("ครอบครัว", "family"),
    "papers": ("เอกสาร ทะเบียน", "papers"),
}
# What to ask, section by section: title, prompts, lines to write on.
SECTIONS = (
    (
        ("ครอบครัวและผู้ดูแล", "Family and who looks after the child"),
        ("อยู่กับใคร ใครดูแลตอนเช้าและเย็น ความสัมพันธ์ในบ้าน", "Who lives here, who is there in the mornings and evenings"),
        2,
    ),
    (
        ("งานและรายได้", "Work and income"),
        ("อาชีพ รายได้ หนี้ สวัสดิการที่ได้รับ (ถามเท่าที่สะดวกตอบ)", "Work, income, debts, support (what they like to say)"),
        1,
    ),
    (
        ("บ้านและทางไปโรงเรียน", "The home and the way to school"),
        ("สภาพบ้าน น้ำ ไฟ อินเทอร์เน็ต ระยะทาง ไปอย่างไร ใครไปส่ง", "House, water, power, internet; how far, with whom"),
        2,
    ),
    (
        ("วันหนึ่งของเด็ก", "The child's day"),
        ("นอน ตื่น งานบ้าน งานหารายได้ โทรศัพท์และเกม", "Sleep, chores, work for money, telephone and games"),
        1,
    ),
    (
        ("เสียงของเด็ก", "In the child's own words"),
        ("ชอบอะไร เก่งอะไร อะไรยาก อยากให้ช่วยอะไร", "What goes well, what is hard, what would help"),
        3,
    ),
)  # fmt: skip
_WORDS = {
    "th": {
        "plan": "แผนเยี่ยมบ้าน", "sheet": "บันทึกการเยี่ยมบ้าน", "number": "ที่", "time": "เวลา", "who": "นักเรียน", "class": "ชั้น",
        "where": "ที่อยู่", "from_before": "จากจุดก่อน", "phone": "โทรศัพท์", "km": "{} กม. {} นาที",
        "leave": "ออกจากโรงเรียน {} น.",
        "back": "กลับถึงโรงเรียน {} น.", "total": "รวม {} กม.", "no_stops": "ไม่มีการเยี่ยมในวันนี้", "left_out": "ยังไม่อยู่ในแผน",
        "why": "เพราะ", "roughly": "~ ตำแหน่งโดยประมาณ", "sketch": "ผังคร่าว ๆ ด้านบนคือทิศเหนือ สี่เหลี่ยมดำคือโรงเรียน",
        "guardian": "ผู้ปกครอง",
        "stands_out": "สิ่งที่ควรรู้ก่อนไป", "nothing": "ไม่มีข้อมูลเพิ่มเติม: ไปทำความรู้จักกัน", "planned": "กำหนด", "met": "พบ",
        "found": "เหตุที่พบ", "help": "ความช่วยเหลือที่ต้องการ", "agreed": "ตกลงกันว่า (ใคร ทำอะไร ภายในเมื่อใด)",
        "next": "นัดครั้งต่อไป",
        "photos": "ภาพถ่าย", "photo_kinds": ["นอกบ้าน", "ในบ้าน", "ถ่ายที่ป้ายโรงเรียนแทน"], "consent": "ผู้ปกครองยินยอมให้ถ่ายภาพ",
        "sign": ["ผู้ปกครอง", "ผู้เยี่ยม", "ผู้เยี่ยม"], "date": "วันที่", "qr": "เปิดแบบบันทึกของเด็กคนนี้ (ต้องเข้าสู่ระบบ)",
        "quiet": "เรื่องที่เล่าด้วยความไว้ใจ เช่น ความปลอดภัยหรือสุขภาพ ไม่ต้องเขียนในแผ่นนี้ ให้แจ้งผู้อำนวยการโดยตรง",
        "foot": "ข้อมูลส่วนบุคคล: เก็บไว้กับตัว ใช้แล้วส่งคืนโรงเรียน", "visitors": "ผู้เยี่ยม", "not_known": "ไม่ทราบ", "hour": " น.",
    },
    "en": {
        "plan": "Home visits", "sheet": "Home visit", "number": "No.", "time": "Time", "who": "Child", "class": "Class",
        "where": "Where", "from_before": "From the last", "phone": "Telephone", "km": "{} km, {} min",
        "leave": "Leave school at {}", "back": "back at {}", "total": "{} km in all",
        "no_stops": "No visits on this day", "left_out": "Not in the plan yet", "why": "Why",
        "roughly": "~ placed roughly", "sketch": "A sketch, north is up; the black square is the school",
        "guardian": "Guardian", "stands_out": "Good to know before going",
        "nothing": "Nothing is known beyond the list: go and get to know each other.", "planned": "Planned",
        "met": "Met", "found": "What is behind it", "help": "Help needed", "agreed": "Agreed (who does what by when)",
        "next": "Next time", "photos": "Photographs", "photo_kinds": ["outside", "inside", "at the school's sign"],
        "consent": "The guardian agrees to photographs", "sign": ["Guardian", "Visitor", "Visitor"], "date": "Date",
        "qr": "Opens this child's form (sign-in needed)",
        "quiet": "What was told in confidence, on safety or health, is not written here: tell the head of the school.",
        "foot": "Personal data: keep it with you, bring it back to the school", "visitors": "Visitors",
        "not_known": "not known", "hour": "",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Visited:
    """Who is visited, as the sheet says it: needs and reasons in sentences, never a score. Empty text = not known."""

    name: str
    class_name: str
    guardian: str = ""
    phone: str = ""
    address: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A letter to a guardian about days away. `number` 1 to 3; `days` the days without school attendance it is about;
    `earlier` the dates of the letters before. `written` None leaves the date to be filled in by hand. `meeting` is when
    the school would like to talk. Names of the director and school's place may be empty: dots to write on."""

    number: Literal[1, 2, 3]
    school: str
    child: str
    class_name: str
    days: tuple[date, ...]
    guardian: str = ""
    school_place: str = ""
    written: date | None = None
    earlier: tuple[date, ...] = ()
    teacher: str = ""
    teacher_phone: str = ""
    school_phone: str = ""
    director: str = ""
    meeting: tuple[date, time] | None = None


def visit_set(plan: Plan, people: Mapping[str, Visited], public_url: str, language: Language = "th") -> bytes:
    """The plan, a block a day and team, then a sheet for each visit in the same order. `people` by the homes' keys;
    `public_url` is what people type to reach Raksa, such as https://raksa.example.go.th.

    Raises RaksaError if a home of the plan is nobody's.
    """
    if unknown := [home.key for home in plan.homes if home.key not in people]:
        raise RaksaError(f"Home {unknown[0]!r} of the plan has nobody in it. Give a Visited for each home.")
    say = _WORDS[language]
    sheets: list[dict[str, Any]] = []
    rounds = []
    for round in plan.rounds:
        rounds.append(_round(round, plan.school, people, len(sheets), language))
        for stop in round.stops:
            when = f"{_clock(stop.begins)}–{_clock(stop.ends)}{say['hour']}"
            sheets.append({
                **asdict(people[stop.home.key]),
                "reasons": people[stop.home.key].reasons[:MOST_REASONS],
                "number": len(sheets) + 1,
                "planned": f"{date_words(round.day.on, language)} {when}",
                "visitors": ", ".join(round.team.members),
                "qr": qr(f"{public_url.rstrip('/')}/visit?child={stop.home.key}"),
            })  # fmt: skip
    left = [[people[out.home.key].name, people[out.home.key].class_name, out.th if language == "th" else out.en]
            for out in plan.left_out]  # fmt: skip
    data = {
        "language": language,
        "words": say,
        "title": f"{say['plan']} {plan.school.name}".strip(),
        "foot": say["foot"],
        "rounds": rounds,
        "left_out": left,
        "notes": [th if language == "th" else en for th, en in plan.notes],
        "sheets": sheets,
        "sections": [
            {"title": _in(title, language), "ask": _in(ask, language), "lines": n} for title, ask, n in SECTIONS
        ],
        "modes": [_in(words, language) for words in MODES.values()],
        "causes": [_in(words, language) for words in CAUSES.values()],
        "help": [_in(words, language) for words in HELP.values()],
    }
    return documents.pdf("visit_set", data)


def letter(about: Letter) -> bytes:
    """One letter on one page. Raises RaksaError if it is about no day, or about one after it was written."""
    return letters([about])


def letters(about: Sequence[Letter]) -> bytes:
    """Letters to print, each on a page of its own. Raises RaksaError for none, and as `letter` does."""
    if not about:
        raise RaksaError("There is no letter to print. Give one or more.")
    title = "ขอทราบข่าวและขอพบผู้ปกครองของนักเรียน"
    return documents.pdf("letter", {"language": "th", "title": title, "letters": [_letter(one) for one in about]})


def _letter(about: Letter) -> dict[str, Any]:
    if not about.days:
        raise RaksaError("The letter is about no day. Give the days the child was away.")
    if about.written and max(about.days) > about.written:
        raise RaksaError(f"The letter of {about.written} is about {max(about.days)}. Give days up to its date.")
    if about.number > 1 and not about.earlier:
        raise RaksaError(f"Letter {about.number} speaks of the one before. Give its date in `earlier`.")
    return {
        "school": about.school,
        "place": thai_digits(about.school_place),
        "written": thai_digits(thai_day(about.written)) if about.written else "",
        "subject": _SUBJECTS[about.number],
        "to": about.guardian or f"ผู้ปกครองของ {about.child}",
        "body": [thai_digits(text) for text in _body(about)],
        "director": about.director,
        "teacher": thai_digits(_signed(about)),
        "phone": thai_digits(about.school_phone),
    }


_SUBJECTS = {
    1: "ขอทราบข่าวนักเรียนที่ไม่ได้มาเรียน",
    2: "ขอพบเพื่อพูดคุยเรื่องการมาเรียน (ฉบับที่ ๒)",
    3: "ขอเชิญพบเพื่อหาทางให้นักเรียนได้เรียนต่อ (ฉบับที่ ๓)",
}


def _body(about: Letter) -> list[str]:
    """Paragraphs of the letter. Facts, then what the school would like, then that it wants to help; no threat."""
    days = f"ไม่ได้มาเรียน {len(set(about.days))} วัน คือ {days_in_words(about.days)}"
    child = f"{about.child} ชั้น {about.class_name}"
    meet = "ในวันและเวลาที่ท่านสะดวก"
    if about.meeting:
        on, at = about.meeting
        meet = f"ใน{date_words(on, 'th')} เวลา {_clock(at)} น. หากไม่สะดวก โปรดแจ้งวันและเวลาที่สะดวก"
    before = " และ".join(f"วันที่ {thai_day(day)}" for day in sorted(about.earlier))
    if about.number == 1:
        return [
            f"ด้วยโรงเรียนเป็นห่วง {child} ซึ่งตามบันทึกการมาเรียน{days}",
            "โรงเรียนจึงขอทราบข่าวจากท่าน หากนักเรียนเจ็บป่วย มีเหตุจำเป็น หรือการไปโรงเรียนมีอุปสรรค เช่น การเดินทาง "
            "ค่าใช้จ่าย หรือเรื่องในครอบครัว โปรดบอกครูได้ทุกเรื่อง โรงเรียนยินดีช่วยหาทางออกด้วยกัน หากบันทึกนี้คลาดเคลื่อน โปรดแจ้งให้แก้ไข",
            f"ขอความกรุณาติดต่อครูประจำชั้น หรือพบกันที่โรงเรียนหรือที่บ้าน {meet}",
        ]
    if about.number == 2:
        return [
            f"ตามที่โรงเรียนได้มีหนังสือถึงท่านเมื่อ{before} นั้น โรงเรียนยังเป็นห่วง {child} ซึ่งตามบันทึกการมาเรียน{days}",
            f"โรงเรียนขอพบท่านและนักเรียน ที่โรงเรียนหรือที่บ้าน {meet} เพื่อฟังว่าอะไรทำให้มาเรียนยาก และช่วยกันหาทาง เช่น "
            "ทุนและค่าใช้จ่าย การเดินทาง อาหาร เครื่องแบบ การเรียนเสริม หรือการเรียนรูปแบบอื่นที่เหมาะกับครอบครัว",
            "ที่นั่งเรียนของนักเรียนยังอยู่ ครูและเพื่อนยินดีที่จะได้พบกันอีก",
        ]
    return [
        f"ตามที่โรงเรียนได้มีหนังสือถึงท่านเมื่อ{before} นั้น ตามบันทึกการมาเรียน {child} {days} และโรงเรียนยังไม่ทราบข่าว",
        f"โรงเรียนขอเชิญท่านและนักเรียนพบผู้อำนวยการและครูประจำชั้น {meet} หากมาไม่ได้ โรงเรียนยินดีไปพบที่บ้านหรือพูดคุยทางโทรศัพท์",
        "นักเรียนทุกคนมีสิทธิได้เรียน หากการมาโรงเรียนทุกวันทำได้ยาก ยังมีทางอื่น เช่น การเรียนที่บ้าน การเรียนนอกระบบ "
        "หรือย้ายไปโรงเรียนที่ใกล้กว่า โรงเรียนจะแจ้งสำนักงานเขตพื้นที่การศึกษาตามหน้าที่ เพื่อให้หน่วยงานที่เกี่ยวข้องช่วยกันหาทางที่เหมาะกับครอบครัว",
    ]


def _signed(about: Letter) -> str:
    return " ".join(part for part in (about.teacher, about.teacher_phone and f"โทร. {about.teacher_phone}") if part)


def days_in_words(days: Sequence[date]) -> str:
    """Days by month, in order, each once.

    >>> days_in_words([date(2026, 11, 3), date(2026, 11, 2), date(2026, 12, 1)])
    'วันที่ 2 และ 3 พฤศจิกายน 2569 และวันที่ 1 ธันวาคม 2569'
    """
    months = []
    for (year, month), same in groupby(sorted(set(days)), key=lambda day: (day.year, day.month)):
        *others, last = [str(day.day) for day in same]
        listed = f"{', '.join(others)} และ {last}" if others else last
        months.append(f"วันที่ {listed} {MONTHS[month - 1]} {year + BUDDHIST_ERA}")
    return " และ".join(months)


def thai_day(day: date) -> str:
    """23 พฤศจิกายน 2569."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year + BUDDHIST_ERA}"


def date_words(day: date, language: Language) -> str:
    """วันจันทร์ที่ 23 พฤศจิกายน 2569, or Monday 23 November 2026."""
    weekday = WEEKDAYS[language][day.weekday()]
    if language == "th":
        return f"วัน{weekday}ที่ {thai_day(day)}"
    return f"{weekday} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def thai_digits(text: str) -> str:
    """Arabic digits as Thai ones, as official letters are written."""
    return text.translate(_TO_THAI)


def qr(address: str) -> str:
    """The address as a QR code, an SVG picture."""
    picture = BytesIO()
    segno.make_qr(address, error="m").save(picture, kind="svg", border=4, scale=4, light="white")
    return picture.getvalue().decode()


def _round(
    round: Round, school: School, people: Mapping[str, Visited], before: int, language: Language
) -> dict[str, Any]:
    """A day of one team as the plan page shows it; visits are numbered on through the whole plan."""
    say = _WORDS[language]
    rows = []
    for at, stop in enumerate(round.stops, start=before + 1):
        who = people[stop.home.key]
        where = who.address or stop.home.where or str(say["not_known"])
        if stop.doubt:
            where = f"{where} ({_in(stop.doubt, language)})"
        rows.append([
            str(at),
            f"{_clock(stop.begins)}–{_clock(stop.ends)}",
            who.name,
            who.class_name,
            f"{'~ ' if stop.placed else ''}{where}",
            str(say["km"]).format(f"{stop.km:.1f}", stop.travel),
            who.phone or str(say["not_known"]),
        ])  # fmt: skip
    times = [str(say["leave"]).format(_clock(round.leaves)), str(say["back"]).format(_clock(round.back))]
    return {
        "title": date_words(round.day.on, language),
        "team": ", ".join(round.team.members),
        "times": " · ".join([*times, str(say["total"]).format(f"{round.km:.1f}")]) if rows else str(say["no_stops"]),
        "rows": rows,
        "roughly": any(stop.placed for stop in round.stops),
        "points": _points(round, school, before + 1),
    }


def _points(round: Round, school: School, first: int) -> list[dict[str, Any]]:
    """School, then stops, in millimetres from the upper left of a sketch, the same scale both ways; `label` is the
    visit's number. Homes too near to each other to be told apart share a point: "3, 4"."""
    if not round.stops:
        return []
    lat = [school.latitude, *(stop.latitude for stop in round.stops)]
    lon = [school.longitude, *(stop.longitude for stop in round.stops)]
    x = [(each - min(lon)) * cos(radians(lat[0])) for each in lon]
    y = [max(lat) - each for each in lat]
    scale = min(SKETCH_MM[0] / max(*x, 1e-9), SKETCH_MM[1] / max(*y, 1e-9))
    points: list[dict[str, Any]] = []
    for number, (right, down) in enumerate(zip(x, y, strict=True)):
        at = {"x": right * scale, "y": down * scale, "label": str(first + number - 1) if number else ""}
        near = [one for one in points[1:] if abs(one["x"] - at["x"]) < 8 and abs(one["y"] - at["y"]) < 6]
        if near and number:
            near[0]["label"] += f", {at['label']}"
        else:
            points.append(at)
    return points


def _clock(at: time) -> str:
    return f"{at:%H.%M}"


def _in(words: tuple[str, str], language: Language) -> str:
    return words[0] if language == "th" else words[1]
