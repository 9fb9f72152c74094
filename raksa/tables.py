"""Every table of the register and of a run: what one row is, its columns, types, units and key.

One place, so that a reader, a feature and a page mean the same thing by a column. A missing value is null and
means *not known*; it never means zero, no or low.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

# A roll page holds one mark for each calendar day of an academic year, the first day (16 May in Thai state
# schools) at position 0. 366 positions hold a leap year as well; the 366th is "." in other years.
PAGE_DAYS = 366

PRESENT, LATE, SICK, LEAVE, ABSENT, ACTIVITY = "P", "T", "S", "L", "A", "V"
NOT_RECORDED, NO_SCHOOL = "-", "."
MARKS = {
    PRESENT: "present",
    LATE: "late (attended)",
    SICK: "sick leave",
    LEAVE: "personal leave",
    ABSENT: "absent without leave",
    ACTIVITY: "school activity (attended)",
    NOT_RECORDED: "school day, not recorded: neither present nor absent",
    NO_SCHOOL: "no school that day",
}

# Grades in the order in which children walk through them. Kindergarten, primary, lower and upper secondary,
# and the vocational certificate beside upper secondary (ISCED 02, 1, 24, 344, 353).
GRADES = (
    *(f"อ.{n}" for n in (1, 2, 3)),
    *(f"ป.{n}" for n in (1, 2, 3, 4, 5, 6)),
    *(f"ม.{n}" for n in (1, 2, 3, 4, 5, 6)),
    *(f"ปวช.{n}" for n in (1, 2, 3)),
)
# Years of school from ป.1 on: ป.1 = 1 … ม.6 = 12, ปวช.1 = 10; kindergarten −2 … 0.
GRADE_LEVEL = {grade: level for level, grade in enumerate(GRADES[:15], start=-2)} | {
    f"ปวช.{n}": 9 + n for n in (1, 2, 3)
}

ENROLMENT_STATUS = ("enrolled", "floating", "leave_of_absence", "graduated", "left", "moved", "died")
EXIT_CAUSES = {
    "graduated": "finished the school's last grade, or the course",
    "moved_school": "transferred to another school",
    "moved_abroad": "left the country",
    "died": "died",
    "not_found": "long continuous absence, child and family not found in the area",
    "withdrew": "withdrew before finishing the level (ลาออก)",
    "past_compulsory_age": "past compulsory age and does not go on",
    "unknown": "left the list, cause not stated",
}
# Leaving before finishing: what the outcome counts and what a school's past is measured by. Graduated, moved, abroad
# and died are not dropping out; an unknown cause is neither (DESIGN "Time").
LEAVING_CAUSES = ("not_found", "withdrew", "past_compulsory_age")
# Where a learner of a last grade goes next, as her school states it at the end of the year (ป.6, ม.3, ม.6).
DESTINATIONS = {
    "lower_secondary": "goes on to ม.1",
    "upper_secondary": "goes on to ม.4",
    "vocational": "goes on to a vocational college",
    "higher": "goes on to a university or a diploma",
    "non_formal": "goes on in non-formal education (สกร.)",
    "other_study": "goes on elsewhere: religious school, abroad, other",
    "works": "works and does not study on",
    "not_continuing": "neither studies on nor works",
    "unknown": "not known, or not stated",
}
# Outcome codes of following up a learner who stands on two lists or vanished from one (OPEC's 100, 201–206).
FINDINGS = {
    "found": "100: here, and studying",
    "not_found": "201: not found",
    "graduated": "202: finished",
    "moved": "203: moved or left",
    "unreachable": "204: could not be reached",
    "died": "205: died",
    "other": "206: other",
}
SAME_CHILD = ("same", "different", "unknown")
POVERTY_CLASSES = ("not_poor", "poor", "extremely_poor")
LIVES_WITH = ("both_parents", "one_parent", "relatives", "other_household", "institution", "alone")
OPEN_GRADES = ("0", "ร", "มส")


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type and what a person must know about its values."""

    name: str
    type: pa.DataType
    about: str
    values: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns and its key.

    `key` names the columns that say *which* fact a row is; a later import of the same key supersedes the earlier. The
    day a fact became known is part of it: a fact told again later must not vanish from the time before.
    `by_learner` tables are laid out by academic year (where they have one) and learner bucket.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(c.name, c.type) for c in self.columns])

    @property
    def by_learner(self) -> bool:
        return any(c.name == "learner_id" for c in self.columns)

    @property
    def by_year(self) -> bool:
        return any(c.name == "academic_year" for c in self.columns)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


_text, _date, _int, _float = pa.string(), pa.date32(), pa.int16(), pa.float32()
_learner = Column("learner_id", pa.int64(), "Raksa's own number for a learner; never leaves the store", required=True)
_school = Column("school_id", _text, "school code as the main list writes it (8 digits in DMC)", required=True)
_year = Column("academic_year", _int, "academic year in the Buddhist era, 2567 = May 2024 to May 2025", required=True)
_known = Column("known_on", _date, "day from which the fact was known; features read only what was known before")
_source = Column("source", _text, "import and file the row came from: <snapshot>#<file number>")

SCHOOL = Table(
    "school",
    "a school as its area lists it",
    (
        _school,
        Column("code10", _text, "10-digit school code of SGS and admissions; not derivable from school_id"),
        Column("main_school_id", _text, "main school of a branch (โรงเรียนสาขา); empty = not a branch"),
        Column("name", _text, "school name in Thai", required=True),
        Column("area_id", _text, "educational service area code", required=True),
        Column("area_name", _text, "educational service area (เขตพื้นที่การศึกษา), not the civil district"),
        Column("agency", _text, "jurisdiction (สังกัด)"),
        Column("subdistrict", _text, "ตำบล"),
        Column("district", _text, "อำเภอ"),
        Column("province", _text, "จังหวัด"),
        Column("latitude", pa.float64(), "degrees", low=-90, high=90),
        Column("longitude", pa.float64(), "degrees", low=-180, high=180),
        _source,
    ),
    ("school_id",),
)

HOLIDAY = Table(
    "holiday",
    "a day without school, for one school or (school_id empty) for all",
    (
        Column("school_id", _text, "school that is closed; empty = every school"),
        Column("day", _date, "the closed day", required=True),
        Column("name", _text, "holiday or reason"),
        _source,
    ),
    ("school_id", "day"),
)

ENROLMENT = Table(
    "enrolment",
    "a learner on one school's list as of one day",
    (
        _learner,
        _school,
        _year,
        Column("listed_on", _date, "day the list was true for (report time, census day)", required=True),
        Column("term", pa.int8(), "1, 2, or 3 = summer", low=1, high=3),
        Column("grade", _text, "grade label", values=GRADES),
        Column("room", _text, "section within the grade"),
        Column("roll_number", _int, "position in the room's list (เลขที่)"),
        Column("student_number", _text, "number in the school's own register"),
        Column(
            "status",
            _text,
            "what the list says of the child; floating = on the books, not in class (3.1.8)",
            values=ENROLMENT_STATUS,
            required=True,
        ),
        Column("starts_on", _date, "first day of the course, where it is not the first day of the academic year"),
        Column("entered_on", _date, "day of registration"),
        Column("attempts_before", pa.int8(), "times this grade or course was begun before", low=0, high=20),
        Column("isced_completed", pa.int8(), "highest ISCED 2011 level completed on entry", low=0, high=8),
        Column("credits", _float, "credits registered in the term", low=0),
        _source,
    ),
    ("learner_id", "school_id", "academic_year", "listed_on"),
)

LEARNER = Table(
    "learner",
    "a learner's sex and birth date as of one list",
    (
        _learner,
        _known,
        Column("sex", _text, "as registered", values=("female", "male")),
        Column("birth_date", _date, "date of birth"),
        _source,
    ),
    ("learner_id", "known_on"),
)

IDENTITY = Table(
    "identity",
    "a learner's name, number and contact as of one list; kept apart from signals",
    (
        _learner,
        _known,
        Column("id_type", _text, "kind of number", values=("citizen", "g_code", "passport", "other")),
        Column("id_number", _text, "the number as text; checksum failures are kept"),
        Column("prefix", _text, "name prefix (เด็กชาย, เด็กหญิง, นาย, นางสาว)"),
        Column("first_name", _text, "first name"),
        Column("last_name", _text, "family name"),
        Column("address", _text, "house number, village, road"),
        Column("subdistrict", _text, "ตำบล"),
        Column("district", _text, "อำเภอ"),
        Column("province", _text, "จังหวัด"),
        Column("phone", _text, "telephone"),
        Column("guardian_name", _text, "guardian"),
        Column("guardian_relation", _text, "guardian's relation to the child"),
        _source,
    ),
    ("learner_id", "known_on"),
)

HOME = Table(
    "home",
    "where a learner's home lies, as of one survey; an address, so kept apart from signals",
    (
        _learner,
        _known,
        Column("latitude", pa.float64(), "degrees", low=-90, high=90),
        Column("longitude", pa.float64(), "degrees", low=-180, high=180),
        _source,
    ),
    ("learner_id", "known_on"),
)

IDENTITY_ALIAS = Table(
    "identity_alias",
    "one number or code under which a learner is known",
    (
        Column(
            "alias",
            _text,
            "citizen:<13 digits>, g:<code>, passport:<number>, number:<school_id>:<student number>, …",
            required=True,
        ),
        _learner,
        _known,
        _source,
    ),
    ("alias",),
)

SENSITIVE = Table(
    "sensitive",
    "data of section 26 of the PDPA and its neighbours; never a feature",
    (
        _learner,
        _known,
        Column("religion", _text, "as listed"),
        Column("ethnicity", _text, "as listed (เชื้อชาติ)"),
        Column("nationality", _text, "as listed"),
        Column("blood_group", _text, "as listed"),
        Column("disability", _text, "as listed"),
        Column("disadvantage", _text, "disadvantage category as listed (ความด้อยโอกาส)"),
        _source,
    ),
    ("learner_id", "known_on"),
)

ROLL = Table(
    "roll",
    "a roll page: one learner's marks in one school over one academic year",
    (
        _learner,
        _school,
        _year,
        Column(
            "marks",
            _text,
            f"{PAGE_DAYS} marks, one a calendar day from the year's first: "
            + ", ".join(f"{m} {about}" for m, about in MARKS.items()),
            required=True,
        ),
        _source,
    ),
    ("learner_id", "school_id", "academic_year"),
)

RESULT = Table(
    "result",
    "one mark of a learner: a subject's result, or a part of it, as known from one day",
    (
        _learner,
        _school,
        _year,
        Column("term", pa.int8(), "1, 2, 3 = summer; 0 = the whole year", low=0, high=3),
        Column("subject", _text, "subject code", required=True),
        Column("part", _text, "piece of work within the subject; 'final' = the subject's result", required=True),
        Column("learning_area", _text, "learning area (กลุ่มสาระ)"),
        Column("credits", _float, "credits or weight", low=0),
        Column("percent", _float, "mark in percent", low=0, high=100),
        Column(
            "grade",
            _text,
            "0–4 in halves; ร incomplete, มส no right to the final, ผ / มผ activities",
            values=("4", "3.5", "3", "2.5", "2", "1.5", "1", "0", "ร", "มส", "ผ", "มผ"),
        ),
        Column("attended_percent", _float, "share of the subject's class time attended", low=0, high=100),
        Column(
            "days_late",
            _float,
            "days between the day the work was due and the day it came; negative = early",
            low=-400,
            high=400,
        ),
        Column("known_on", _date, "day from which the mark was known", required=True),
        _source,
    ),
    ("learner_id", "school_id", "academic_year", "term", "subject", "part", "known_on"),
)

HOUSEHOLD = Table(
    "household",
    "a household screening of one learner",
    (
        _learner,
        Column(
            "surveyed_on", _date, "day of the survey; an award may rest on one that is three years old", required=True
        ),
        _known,
        Column(
            "poverty_class", _text, "result of the screening, imported and never recomputed", values=POVERTY_CLASSES
        ),
        Column("income_per_head", _float, "baht per person and month", low=0),
        Column(
            "wealth_percentile", _float, "where the household or its neighbourhood stands, 0 = poorest", low=0, high=100
        ),
        Column("dependants", pa.int8(), "how many of the form's five kinds of dependency apply", low=0, high=5),
        Column(
            "housing_lacks",
            pa.int8(),
            "of floor, walls, roof, toilet, drinking water and electricity: how many are makeshift or missing",
            low=0,
            high=6,
        ),
        Column("belongings", pa.int8(), "vehicles and appliances in working order, of those the form asks for", low=0),
        Column("lives_with", _text, "who the child lives with", values=LIVES_WITH),
        Column("distance_km", _float, "home to school, km", low=0, high=300),
        Column("travel_minutes", _float, "home to school, minutes", low=0, high=600),
        _source,
    ),
    ("learner_id", "surveyed_on", "known_on"),
)

GRANT = Table(
    "grant",
    "a grant of one learner from one day on (ทุนเสมอภาค and the like)",
    (
        _learner,
        Column("from_day", _date, "first day of the award", required=True),
        Column("until_day", _date, "last day of the award; empty = not stated"),
        _known,
        Column("kind", _text, "name of the grant, as written"),
        Column(
            "attendance_percent", _float, "share of school days the grant asks for; it changes by year", low=0, high=100
        ),
        _source,
    ),
    ("learner_id", "from_day", "kind", "known_on"),
)

GROWTH = Table(
    "growth",
    "one weighing and measuring of a learner",
    (
        _learner,
        Column("measured_on", _date, "day of measuring (day of the list where it is not stated)", required=True),
        _known,
        Column("weight_kg", _float, "weight", low=5, high=250),
        Column("height_cm", _float, "height", low=50, high=230),
        _source,
    ),
    ("learner_id", "measured_on", "known_on"),
)

EXIT = Table(
    "exit",
    "a learner taken off one school's list",
    (
        _learner,
        _school,
        Column("left_on", _date, "last day on the list; empty = left on an unknown day"),
        Column("cause", _text, "why", values=tuple(EXIT_CAUSES), required=True),
        _known,
        _source,
    ),
    ("learner_id", "school_id", "left_on", "known_on"),
)

DESTINATION = Table(
    "destination",
    "where a school says a learner of its last grade goes next",
    (
        _learner,
        _school,
        _year,
        Column("grade", _text, "last grade attended there", values=GRADES),
        Column("destination", _text, "what the learner goes on to", values=tuple(DESTINATIONS), required=True),
        Column("to_school", _text, "school or college gone to, as written"),
        _known,
        _source,
    ),
    ("learner_id", "school_id", "academic_year", "known_on"),
)

POPULATION = Table(
    "population",
    "a child of the civil register (ทะเบียนราษฎร) as of one extract, at school or not",
    (
        _learner,
        Column("listed_on", _date, "day the extract was true for", required=True),
        Column("subdistrict", _text, "ตำบล where the child is registered"),
        Column("district", _text, "อำเภอ"),
        Column("province", _text, "จังหวัด"),
        _source,
    ),
    ("learner_id", "listed_on"),
)

FOLLOW_UP = Table(
    "follow_up",
    "what a school found when it followed up a learner on a list of duplicates or of vanished learners",
    (
        _learner,
        _school,
        _known,
        Column("finding", _text, "what was found", values=tuple(FINDINGS), required=True),
        Column("note", _text, "remark of the school"),
        _source,
    ),
    ("learner_id", "school_id", "known_on"),
)

BROUGHT = Table(
    "brought",
    "something done for a learner at another school, as the record she came with says it; never a feature",
    (
        _learner,
        _school,
        Column("done_on", _date, "day on which it was done", required=True),
        Column("kind", _text, "what: visit, call, at_school, letter, note, or a step of a case", required=True),
        Column("said", _text, "in the words of who did it", required=True),
        Column("by_name", _text, "who did it", required=True),
        _known,
        _source,
    ),
    ("learner_id", "school_id", "done_on", "kind", "said", "by_name"),
)

CENSUS = Table(
    "census",
    "a school's head count of one grade and sex on a census day, as its agency published it",
    (
        _school,
        _year,
        Column("counted_on", _date, "census day", required=True),
        Column("grade", _text, "grade label", values=GRADES),
        Column("sex", _text, "empty = both", values=("female", "male")),
        Column("learners", pa.int32(), "head count", low=0, required=True),
        _source,
    ),
    ("school_id", "academic_year", "counted_on", "grade", "sex"),
)

IDENTITY_DECISION = Table(
    "identity_decision",
    "what a person decided about two learners who may be one; the latest decision about a pair holds",
    (
        Column("learner_a", pa.int64(), "the smaller learner id of the pair", required=True),
        Column("learner_b", pa.int64(), "the larger learner id of the pair", required=True),
        Column("decision", _text, "same: one child from now on, in every figure", values=SAME_CHILD, required=True),
        Column("decided_by", _text, "who decided", required=True),
        Column("decided_at", _text, "when, ISO 8601 with zone", required=True),
        Column("reason", _text, "why, in the person's words", required=True),
        Column("probability", pa.float64(), "of being one child, as suggested; empty = not suggested", low=0, high=1),
        _source,
    ),
    ("learner_a", "learner_b"),
)

REGISTER = {
    t.name: t
    for t in (
        SCHOOL,
        HOLIDAY,
        ENROLMENT,
        LEARNER,
        IDENTITY,
        HOME,
        IDENTITY_ALIAS,
        SENSITIVE,
        ROLL,
        RESULT,
        HOUSEHOLD,
        GRANT,
        GROWTH,
        EXIT,
        DESTINATION,
        POPULATION,
        FOLLOW_UP,
        BROUGHT,
        CENSUS,
        IDENTITY_DECISION,
    )
}

# Tables a feature may read. Names, numbers, addresses and section-26 data are not among them.
SIGNALS = ("school", "holiday", "enrolment", "learner", "roll", "result", "household", "grant", "growth", "exit")

# ------------------------------------------------------------------------------------------------ a run
WHY_NOT_SCORED = {
    "floating": "on the books but not in class since the last list: needs a search, not a score",
    "no_attendance": "no attendance marks have ever arrived for the learner this year",
    "attendance_stopped": "the school's marks stopped; too few of the last four weeks are recorded",
    "not_modelled": "kindergarten and grades without a past to learn from are not scored",
}

SCORE = Table(
    "score",
    "one learner of the cohort on the run's as-of date, scored or with the reason why not",
    (
        _learner,
        Column("area_id", _text, "service area"),
        _school,
        Column("grade", _text, "grade label", values=GRADES),
        Column("room", _text, "section"),
        Column("sex", _text, "as registered", values=("female", "male")),
        Column(
            "risk",
            pa.float64(),
            "calibrated probability of leaving by the run's horizon; empty = not scored",
            low=0,
            high=1,
        ),
        Column("rank", pa.int32(), "place within the school, 1 = highest risk; empty = not scored"),
        Column("listed", pa.bool_(), "within the school's capacity", required=True),
        Column("newly_listed", pa.bool_(), "listed, and not by the run of before; empty = there was none"),
        Column("cannot_score", _text, "why there is no risk", values=tuple(WHY_NOT_SCORED)),
    ),
    ("learner_id",),
)

REASON = Table(
    "reason",
    "one thing that raised a listed learner's risk, in words",
    (
        _learner,
        Column("position", pa.int8(), "1 = weighs most", required=True),
        Column("family", _text, "attendance, grades, poverty, growth, age, moves, school"),
        Column("feature", _text, "feature that stands for the family"),
        Column("value", pa.float64(), "the feature's value"),
        Column("contribution", pa.float64(), "exact TreeSHAP contribution of the family, log-odds"),
        Column("usual", pa.float64(), "the class's median of the feature; empty = none, or fewer than five classmates"),
        Column("fact_on", _date, "last day the fact is about; empty = a fact without one, or not known"),
        Column("source", _text, "rows of the register behind it: <table> <first day>..<last day>"),
        Column("text_th", _text, "sentence in Thai"),
        Column("text_en", _text, "sentence in English"),
        Column("lower_th", _text, "what would lower it, in Thai; empty = nothing in anyone's hands, or hardly"),
        Column("lower_en", _text, "the same in English"),
        Column("lowered", pa.float64(), "share by which the model's figure would fall; for planners", low=0, high=1),
    ),
    ("learner_id", "position"),
)

SIGNAL = Table(
    "signal",
    "what a class teacher acts on: attendance and results of one learner as of the run's date; empty = not known",
    (
        _learner,
        Column("away_in_row", _int, "school days away in a row up to the last recorded day"),
        Column("away_28d", _int, "school days away in the last four weeks, with leave or without"),
        Column("absent_28d", _int, "of these without leave"),
        Column("recorded_28d", _int, "school days with a mark in the last four weeks"),
        Column("recorded_share_28d", _float, "share of the school days of the last four weeks that have a mark"),
        Column("attended_share", _float, "share of this year's recorded days attended", low=0, high=1),
        Column("days_to_line", _int, "days the learner may still be away before the 80 % line; negative = below it"),
        Column("open_results", _int, "results 0, ร or มส still open"),
        Column("last_mark_on", _date, "last day with any mark of the learner"),
        Column("away_in_row_before", _int, "away_in_row of the run of before"),
        Column("absent_28d_before", _int, "absent_28d of the run of before"),
        Column("attended_share_before", _float, "attended_share of the run of before", low=0, high=1),
    ),
    ("learner_id",),
)

ROSTER = Table(
    "roster",
    "name and contact of a learner of the cohort, in its own table apart from the scores",
    (
        _learner,
        Column(
            "area_id", _text, "service area; names lie as the scores do, so that one area's are read without the rest"
        ),
        _school,
        Column("name_key", _text, "prefix and names as a search compares them (raksa.thai.search_key)"),
        Column("prefix", _text, "name prefix"),
        Column("first_name", _text, "first name"),
        Column("last_name", _text, "family name"),
        Column("student_number", _text, "number in the school's register"),
        Column("roll_number", _int, "position in the room's list"),
        Column("guardian_name", _text, "guardian"),
        Column("guardian_relation", _text, "relation"),
        Column("phone", _text, "telephone"),
    ),
    ("learner_id",),
)

RUN_SCHOOL = Table(
    "school",
    "one school of the run, with what its list promises and misses",
    (
        _school,
        Column("name", _text, "school name"),
        Column("area_id", _text, "service area"),
        Column("area_name", _text, "service area name"),
        Column("learners", pa.int32(), "learners in the cohort"),
        Column("not_scored", pa.int32(), "learners without a score"),
        Column("capacity", pa.int32(), "how many the school can see to"),
        Column("listed", pa.int32(), "learners on the list"),
        Column("expected_on_list", pa.float64(), "expected leavers among the listed (sum of calibrated risks)"),
        Column("expected_off_list", pa.float64(), "expected leavers among the scored who are not listed"),
        Column("on_list_low", pa.int32(), "of the listed no fewer would leave, in nine of ten cases with on_list_high"),
        Column("on_list_high", pa.int32(), "of the listed no more would leave"),
        Column("off_list_low", pa.int32(), "the same of the scored who are not listed"),
        Column("off_list_high", pa.int32(), "the same of the scored who are not listed"),
        Column("spread", pa.float64(), "how far the school may be from what the model says: deviation of log-odds"),
        Column("last_mark_on", _date, "last day with any mark; empty = none this year"),
        Column("latitude", pa.float64(), "degrees", low=-90, high=90),
        Column("longitude", pa.float64(), "degrees", low=-180, high=180),
    ),
    ("school_id",),
)

RUN = {t.name: t for t in (SCORE, REASON, SIGNAL, ROSTER, RUN_SCHOOL)}
