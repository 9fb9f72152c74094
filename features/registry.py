"""Every feature once: what it is called, what it says, its unit and range, and what a missing value means.

The data dictionary, the model's monotone directions, the reasons shown to teachers and the model card all read this
file. A feature is one number per learner, from what was known strictly before the as-of date; NaN means *not known*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FAMILIES = {
    "attendance": ("การมาเรียน", "attendance"),
    "grades": ("ผลการเรียน", "grades"),
    "home": ("บ้านและความเป็นอยู่", "home and means"),
    "growth": ("การเจริญเติบโต", "growth"),
    "age": ("อายุและชั้นเรียน", "age and grade"),
    "moves": ("การย้ายและการเข้าเรียน", "moves and enrolment"),
    "school": ("บริบทของโรงเรียน", "school context"),
}


@dataclass(frozen=True)
class Feature:
    """One feature.

    `direction` is +1 where more can only raise the risk, −1 where more can only lower it, 0 where the data decide.
    `model` is False for facts that explain but are not learned from: counts behind shares, and facts without a
    direction that an absence or a lower mark would move (docs/accuracy.md). `say_th` and `say_en` are the sentence a person
    reads, with other features of the same learner as {fields}; it is said only when the value is at or beyond
    `say_from` (above it for direction +1 or 0, below it for −1): a reason must be a fact worth a visit.
    """

    name: str
    family: str
    label_th: str
    label_en: str
    unit: str
    low: float | None
    high: float | None
    missing: str
    direction: int = 0
    model: bool = True
    say_th: str = ""
    say_en: str = ""
    say_from: float | None = None


_NO_MARKS = "no attendance marks in the window"
_NO_RESULTS = "no results known yet"
_NO_SCREEN = "never screened, or the form left it blank"

FEATURES: tuple[Feature, ...] = (
    # ------------------------------------------------------------------------------------------ attendance
    Feature("absent_rate_14d", "attendance", "สัดส่วนวันที่ไม่มา 2 สัปดาห์", "days away, last 2 weeks", "share", 0, 1, _NO_MARKS, 1,
            say_th="สองสัปดาห์ล่าสุดไม่มาเรียน {absent_days_14d:.0f} จาก {recorded_days_14d:.0f} วันเรียน",
            say_en="Away on {absent_days_14d:.0f} of the last {recorded_days_14d:.0f} school days (two weeks)", say_from=0.2),
    Feature("absent_rate_28d", "attendance", "สัดส่วนวันที่ไม่มา 4 สัปดาห์", "days away, last 4 weeks", "share", 0, 1, _NO_MARKS, 1,
            say_th="สี่สัปดาห์ล่าสุดไม่มาเรียน {absent_days_28d:.0f} จาก {recorded_days_28d:.0f} วันเรียน",
            say_en="Away on {absent_days_28d:.0f} of {recorded_days_28d:.0f} school days in the last four weeks", say_from=0.1),
    Feature("absent_rate_56d", "attendance", "สัดส่วนวันที่ไม่มา 8 สัปดาห์", "days away, last 8 weeks", "share", 0, 1, _NO_MARKS, 1),
    Feature("absent_rate_84d", "attendance", "สัดส่วนวันที่ไม่มา 12 สัปดาห์", "days away, last 12 weeks", "share", 0, 1, _NO_MARKS, 1,
            say_th="สิบสองสัปดาห์ล่าสุดไม่มาเรียน {absent_days_84d:.0f} จาก {recorded_days_84d:.0f} วันเรียน",
            say_en="Away on {absent_days_84d:.0f} of {recorded_days_84d:.0f} school days in the last twelve weeks", say_from=0.1),
    Feature("absent_rate_year", "attendance", "สัดส่วนวันที่ไม่มาทั้งปี", "days away, this year", "share", 0, 1, _NO_MARKS, 1,
            say_th="ปีนี้ไม่มาเรียน {absent_days_year:.0f} จาก {recorded_days_year:.0f} วันเรียน",
            say_en="Away on {absent_days_year:.0f} of {recorded_days_year:.0f} school days this year", say_from=0.08),
    Feature("unexcused_rate_28d", "attendance", "สัดส่วนวันขาด 4 สัปดาห์", "unexcused days, last 4 weeks", "share", 0, 1, _NO_MARKS, 1,
            say_th="สี่สัปดาห์ล่าสุดขาดเรียนโดยไม่ลา {unexcused_days_28d:.0f} จาก {recorded_days_28d:.0f} วันเรียน",
            say_en="Absent without leave on {unexcused_days_28d:.0f} of {recorded_days_28d:.0f} school days in the last four weeks",
            say_from=0.1),
    Feature("unexcused_rate_84d", "attendance", "สัดส่วนวันขาด 12 สัปดาห์", "unexcused days, last 12 weeks", "share", 0, 1, _NO_MARKS, 1),
    Feature("unexcused_rate_year", "attendance", "สัดส่วนวันขาดทั้งปี", "unexcused days, this year", "share", 0, 1, _NO_MARKS, 1,
            say_th="ปีนี้ขาดเรียนโดยไม่ลา {unexcused_days_year:.0f} จาก {recorded_days_year:.0f} วันเรียน",
            say_en="Absent without leave on {unexcused_days_year:.0f} of {recorded_days_year:.0f} school days this year",
            say_from=0.05),
    Feature("sick_rate_year", "attendance", "สัดส่วนวันลาป่วยทั้งปี", "sick days, this year", "share", 0, 1, _NO_MARKS, 0,
            say_th="ปีนี้ลาป่วย {sick_days_year:.0f} วัน", say_en="Days on sick leave this year: {sick_days_year:.0f}", say_from=0.06),
    Feature("sick_rate_28d", "attendance", "สัดส่วนวันลาป่วย 4 สัปดาห์", "sick days, last 4 weeks", "share", 0, 1, _NO_MARKS, 0),
    Feature("leave_rate_28d", "attendance", "สัดส่วนวันลากิจ 4 สัปดาห์", "days on personal leave, last 4 weeks", "share", 0, 1, _NO_MARKS, 0),
    Feature("leave_rate_year", "attendance", "สัดส่วนวันลากิจทั้งปี", "days on personal leave, this year", "share", 0, 1, _NO_MARKS, 0),
    Feature("late_rate_28d", "attendance", "สัดส่วนวันมาสาย 4 สัปดาห์", "late days, last 4 weeks", "share", 0, 1, _NO_MARKS, 1,
            say_th="สี่สัปดาห์ล่าสุดมาสาย {late_days_28d:.0f} จาก {recorded_days_28d:.0f} วันเรียน",
            say_en="Late on {late_days_28d:.0f} of {recorded_days_28d:.0f} school days in the last four weeks", say_from=0.15),
    Feature("late_rate_84d", "attendance", "สัดส่วนวันมาสาย 12 สัปดาห์", "late days, last 12 weeks", "share", 0, 1, _NO_MARKS, 1),
    Feature("late_rate_year", "attendance", "สัดส่วนวันมาสายทั้งปี", "late days, this year", "share", 0, 1, _NO_MARKS, 1),
    Feature("late_change_28d", "attendance", "การเปลี่ยนแปลงของการมาสาย", "late: last 4 weeks against the 4 before", "share", -1, 1,
            "marks missing in one of the two windows", 1,
            say_th="มาสายบ่อยขึ้นในสี่สัปดาห์ล่าสุด ({late_rate_28d:.0%} ของวันเรียน)",
            say_en="Late more often in the last four weeks ({late_rate_28d:.0%} of school days)", say_from=0.15),
    Feature("longest_absence", "attendance", "ไม่มาติดต่อกันนานที่สุดในปีนี้", "longest run of days away, this year", "school days", 0, 366,
            _NO_MARKS, 1, say_th="ปีนี้เคยไม่มาเรียนติดต่อกันนานที่สุด {longest_absence:.0f} วันเรียน",
            say_en="Longest run away this year: {longest_absence:.0f} school days in a row", say_from=4),
    Feature("current_absence", "attendance", "กำลังไม่มาติดต่อกัน", "run of days away up to the date", "school days", 0, 366, _NO_MARKS, 1,
            say_th="ไม่มาเรียนติดต่อกันมาแล้ว {current_absence:.0f} วันเรียน จนถึงวันล่าสุดที่บันทึก",
            say_en="Away {current_absence:.0f} school days in a row up to the last recorded day", say_from=3),
    Feature("runs_3", "attendance", "จำนวนครั้งที่ไม่มาติดต่อกัน 3 วันขึ้นไป", "runs of 3 or more days away, this year", "runs", 0, None,
            _NO_MARKS, 1, say_th="ปีนี้ไม่มาเรียนติดต่อกันตั้งแต่ 3 วันขึ้นไป {runs_3:.0f} ครั้ง",
            say_en="Away three or more days in a row {runs_3:.0f} times this year", say_from=2),
    Feature("runs_5", "attendance", "จำนวนครั้งที่ไม่มาติดต่อกัน 5 วันขึ้นไป", "runs of 5 or more days away, this year", "runs", 0, None,
            _NO_MARKS, 1),
    Feature("days_to_line", "attendance", "วันที่ยังไม่มาได้ก่อนถึงเกณฑ์ร้อยละ 80", "days away left before the 80 % line", "school days", None, None,
            _NO_MARKS, -1, say_th="เวลาเรียนทั้งปีเทียบกับเกณฑ์ร้อยละ 80: {line_th}",
            say_en="The year's class time against the 80 % line: {line_en}", say_from=15),
    Feature("absent_trend", "attendance", "แนวโน้มการไม่มารายสัปดาห์", "slope of the weekly share away, last 8 weeks, a week weighing its recorded days", "share a week", None, None,
            "fewer than two weeks recorded", 1),
    Feature("absent_edge", "attendance", "การไม่มาวันจันทร์และศุกร์", "Mondays and Fridays away, less other days, this year", "share", -1, 1,
            "no marks on one of the two kinds of days", 0, model=False),
    Feature("absent_holiday", "attendance", "การไม่มาก่อนและหลังวันหยุด", "days next to a holiday away, less other days, this year", "share", -1, 1,
            "no holiday yet, or no marks beside one", 0, model=False),
    Feature("absent_change_28d", "attendance", "การเปลี่ยนแปลงของการไม่มา", "change: last 4 weeks against the 4 before", "share", -1, 1,
            "marks missing in one of the two windows", 1,
            say_th="ไม่มาเรียนมากขึ้น: สี่สัปดาห์ล่าสุด {absent_days_28d:.0f} วัน สี่สัปดาห์ก่อนหน้า {absent_days_before:.0f} วัน",
            say_en="Away more than before; days away in the last four weeks: {absent_days_28d:.0f}, in the four before: {absent_days_before:.0f}",
            say_from=0.1),
    Feature("absent_change_term", "attendance", "การไม่มาเทียบสัปดาห์เดียวกันของภาคก่อน", "last 4 weeks against the same weeks of the term before",
            "share", -1, 1, "between terms, on a term's first day, or marks missing in one of the two windows", 1,
            say_th="ไม่มาเรียนมากกว่าช่วงเดียวกันของภาคเรียนก่อน", say_en="Away more than in the same weeks of the term before", say_from=0.15),
    Feature("absent_change_year", "attendance", "การไม่มาเทียบช่วงเดียวกันของปีก่อน", "last 4 weeks against the same weeks of last year", "share", -1, 1,
            "marks missing in one of the two windows", 1,
            say_th="ไม่มาเรียนมากกว่าช่วงเดียวกันของปีก่อน", say_en="Away more than in the same weeks of last year", say_from=0.15),
    Feature("absent_rate_last_year", "attendance", "สัดส่วนวันที่ไม่มาปีก่อน", "days away, last year", "share", 0, 1,
            "no marks last year, or not at a school that sends them", 1,
            say_th="ปีก่อนไม่มาเรียน {absent_rate_last_year:.0%} ของวันเรียน",
            say_en="Away on {absent_rate_last_year:.0%} of school days last year", say_from=0.1),
    Feature("absent_vs_class", "attendance", "การไม่มาเทียบกับห้อง", "days away in 4 weeks, less the class average", "share", -1, 1,
            _NO_MARKS, 1, say_th="สี่สัปดาห์ล่าสุดไม่มาเรียนมากกว่าเพื่อนในห้อง ({absent_rate_28d:.0%} ของวันเรียน เฉลี่ยทั้งห้อง {class_absent_rate:.0%})",
            say_en="Away more than the class in four weeks ({absent_rate_28d:.0%} of school days; class average {class_absent_rate:.0%})",
            say_from=0.1),
    Feature("absent_alone_28d", "attendance", "วันที่ไม่มาขณะที่เพื่อนมา 4 สัปดาห์", "days away in 4 weeks, each by the share of the class that came",
            "school days", 0, 28, _NO_MARKS, 1),
    Feature("absent_rank_school", "attendance", "ตำแหน่งการไม่มาในโรงเรียน", "standing of days away this year within the school", "percentile 0–1",
            0, 1, _NO_MARKS, 1),
    # ------------------------------------------------------------------------------------------ grades
    Feature("grade_average", "grades", "เกรดเฉลี่ย", "grade average of all results known", "grade 0–4", 0, 4, _NO_RESULTS, -1,
            say_th="เกรดเฉลี่ย {grade_average:.2f}", say_en="Grade average {grade_average:.2f}", say_from=2.0),
    Feature("grade_latest", "grades", "เกรดเฉลี่ยครั้งล่าสุด", "average of the latest results", "grade 0–4", 0, 4, _NO_RESULTS, -1,
            say_th="เกรดเฉลี่ยครั้งล่าสุด {grade_latest:.2f}", say_en="Latest grade average {grade_latest:.2f}", say_from=2.0),
    Feature("grade_change", "grades", "การเปลี่ยนแปลงของเกรด", "latest average less the earlier", "grade points", -4, 4,
            "fewer than two sets of results", -1,
            say_th="เกรดเฉลี่ยครั้งล่าสุด {grade_latest:.2f} ลดลงจากที่ผ่านมา {grade_drop:.2f}",
            say_en="Latest grade average {grade_latest:.2f}, down {grade_drop:.2f} on what came before", say_from=-0.3),
    Feature("grade_lowest_area", "grades", "กลุ่มสาระที่ต่ำที่สุด", "average in the weakest learning area", "grade 0–4", 0, 4, _NO_RESULTS, -1,
            say_th="กลุ่มสาระที่ได้เกรดต่ำที่สุด เฉลี่ย {grade_lowest_area:.2f}",
            say_en="Lowest learning area averages {grade_lowest_area:.2f}", say_from=1.0),
    Feature("grade_spread", "grades", "ความต่างของเกรดระหว่างวิชา", "spread of grades (standard deviation)", "grade points", 0, 2,
            "fewer than two graded results", 0, model=False),
    Feature("midterm_percent", "grades", "คะแนนกลางภาค", "marks part-way through the term", "percent", 0, 100,
            "no mid-term marks this year", -1, say_th="คะแนนกลางภาคเฉลี่ยร้อยละ {midterm_percent:.0f}",
            say_en="Mid-term marks {midterm_percent:.0f} % on average", say_from=50),
    Feature("open_results", "grades", "จำนวนผล 0 ร มส ที่ยังไม่แก้", "open 0, ร, มส", "results", 0, None, _NO_RESULTS, 1,
            say_th="มีผลการเรียน 0 ร หรือ มส ที่ยังไม่แก้ {open_results:.0f} รายการ",
            say_en="Results still open (0, ร or มส): {open_results:.0f}", say_from=1),
    Feature("days_open", "grades", "ระยะเวลาที่ผลค้างอยู่", "days the oldest open result has stood", "days", 0, None, "nothing is open", 1,
            say_th="มีผลการเรียนที่ค้างมาแล้ว {days_open:.0f} วัน", say_en="A result has stood open for {days_open:.0f} days", say_from=60),
    Feature("credits_behind", "grades", "หน่วยกิตที่ยังไม่ผ่าน", "credits taken and not yet passed", "credits", 0, None,
            "no result with credits known", 1, say_th="ยังไม่ผ่าน {credits_behind:.1f} หน่วยกิต",
            say_en="Credits not yet passed: {credits_behind:.1f}", say_from=1),
    Feature("open_share", "grades", "สัดส่วนผลที่ยังไม่แก้", "open results as a share of this year's", "share", 0, 1,
            "no results this year yet", 1,
            say_th="ผลการเรียนปีนี้ยังไม่ผ่านร้อยละ {open_percent:.0f}", say_en="{open_percent:.0f} % of this year's results still open",
            say_from=0.2),
    Feature("open_latest", "grades", "งานครั้งล่าสุดยังไม่ผ่าน", "the latest result is open", "0 or 1", 0, 1, "no results this year yet", 1,
            say_th="ผลการเรียนครั้งล่าสุดยังไม่ผ่านหรือไม่สมบูรณ์", say_en="The latest result is open or incomplete", say_from=1),
    Feature("work_days_late", "grades", "ส่งงานช้าเฉลี่ย", "days late with work, average", "days", -400, 400,
            "no hand-in days known", 0, say_th="ส่งงานช้าเฉลี่ย {work_days_late:.0f} วัน",
            say_en="Hands work in {work_days_late:.0f} days late on average", say_from=2),
    Feature("days_since_result", "grades", "วันนับจากผลครั้งล่าสุด", "days since the last work or result", "days", 0, None, _NO_RESULTS, 0),
    Feature("work_done", "grades", "งานและผลที่มีแล้วในปีนี้", "results and pieces of work done this year", "results", 0, None,
            "no results this year yet", 0),
    Feature("work_ahead", "grades", "งานที่ส่งก่อนถึงกำหนด", "pieces of work handed in whose due day is still to come", "results", 0, None,
            "no results this year yet", 0),
    Feature("credits_done", "grades", "หน่วยกิตของงานและผลที่ผ่านแล้วในปีนี้", "credits of this year's results and work that are not open", "credits", 0, None,
            "no results this year yet", 0),
    Feature("results_known", "grades", "จำนวนผลในปีนี้", "results and pieces of work known this year", "results", 0, None,
            "no results this year yet", 0),
    Feature("lowest_attended_percent", "grades", "เวลาเรียนรายวิชาต่ำสุด", "lowest class time of a subject", "percent", 0, 100,
            "no subject reports its class time", -1,
            say_th="เวลาเรียนรายวิชาที่ต่ำสุดร้อยละ {lowest_attended_percent:.0f} (เกณฑ์ร้อยละ 80)",
            say_en="Lowest class time in a subject {lowest_attended_percent:.0f} % (the line is 80 %)", say_from=85),
    Feature("grade_vs_class", "grades", "ตำแหน่งเกรดในห้อง", "standing of the grade average within the class", "percentile 0–1", 0, 1,
            _NO_RESULTS, -1, say_th="เกรดเฉลี่ยต่ำกว่าเพื่อนส่วนใหญ่ในห้อง", say_en="Grade average below most of the class", say_from=0.15),
    Feature("grade_vs_school", "grades", "ตำแหน่งเกรดในโรงเรียน", "standing of the grade average within the school", "percentile 0–1", 0, 1,
            _NO_RESULTS, -1),
    Feature("grade_latest_vs_class", "grades", "ตำแหน่งผลครั้งล่าสุดในห้อง", "standing of the latest results within the class",
            "percentile 0–1", 0, 1, _NO_RESULTS, -1,
            say_th="ผลครั้งล่าสุดต่ำกว่าเพื่อนส่วนใหญ่ในห้อง", say_en="Latest results below most of the class", say_from=0.15),
    Feature("open_vs_class", "grades", "ผลที่ยังไม่แก้เทียบกับห้อง", "open share less the class average", "share", -1, 1,
            "no results this year yet", 1,
            say_th="มีผลการเรียนที่ยังไม่ผ่านมากกว่าเพื่อนในห้อง", say_en="More open results than the class", say_from=0.1),
    Feature("late_vs_class", "grades", "ความช้าในการส่งงานเทียบกับห้อง", "standing of lateness with work within the class",
            "percentile 0–1", 0, 1, "no hand-in days known", 0),
    # ------------------------------------------------------------------------------------------ home
    Feature("poverty_class", "home", "ผลคัดกรองความยากจน", "poverty screening: 0 not poor, 1 poor, 2 extremely poor", "class", 0, 2,
            _NO_SCREEN, 1, say_th="ผลคัดกรอง: {poverty_word_th}", say_en="Screened as {poverty_word_en}", say_from=1),
    Feature("income_per_head", "home", "รายได้ต่อคนต่อเดือน", "income per person and month", "baht", 0, None, _NO_SCREEN, -1,
            say_th="รายได้ครัวเรือนเฉลี่ย {income_per_head:,.0f} บาทต่อคนต่อเดือน",
            say_en="Household income {income_per_head:,.0f} baht per person and month", say_from=3000),
    Feature("wealth_percentile", "home", "อันดับฐานะ", "wealth percentile of household or neighbourhood", "percentile", 0, 100, _NO_SCREEN, -1,
            say_th="ฐานะครัวเรือนหรือย่านที่อยู่อยู่ในกลุ่มล่างร้อยละ {wealth_percentile:.0f}",
            say_en="Household or neighbourhood in the poorest {wealth_percentile:.0f} %", say_from=20),
    Feature("dependants", "home", "ภาระพึ่งพิง", "kinds of dependency in the household", "kinds", 0, 5, _NO_SCREEN, 1,
            say_th="ครัวเรือนมีภาระพึ่งพิง {dependants:.0f} ด้าน", say_en="Household carries {dependants:.0f} kinds of dependency", say_from=2),
    Feature("housing_lacks", "home", "สภาพบ้านที่ขาด", "of floor, walls, roof, toilet, water, power: how many are lacking", "things", 0, 6,
            _NO_SCREEN, 1, say_th="สภาพที่อยู่อาศัยขาด {housing_lacks:.0f} จาก 6 ด้าน",
            say_en="{housing_lacks:.0f} of 6 things lacking in the house", say_from=3),
    Feature("belongings", "home", "ของใช้และพาหนะในบ้าน", "vehicles and appliances of the household", "things", 0, None, _NO_SCREEN, -1),
    Feature("away_from_parents", "home", "การอยู่กับพ่อแม่", "0 both parents, 1 one, 2 relatives, 3 others or alone", "step", 0, 3,
            _NO_SCREEN, 1, say_th="{lives_word_th}", say_en="{lives_word_en}", say_from=1),
    Feature("distance_km", "home", "ระยะทางจากบ้าน", "home to school", "km", 0, 300, _NO_SCREEN, 1,
            say_th="บ้านห่างโรงเรียน {distance_km:.0f} กิโลเมตร", say_en="Home is {distance_km:.0f} km from school", say_from=6),
    Feature("travel_minutes", "home", "เวลาเดินทางไปโรงเรียน", "home to school", "minutes", 0, 600, _NO_SCREEN, 1,
            say_th="เดินทางไปโรงเรียน {travel_minutes:.0f} นาที", say_en="{travel_minutes:.0f} minutes to school", say_from=45),
    Feature("grant_held", "home", "ได้รับทุนเสมอภาค", "an equity grant is held", "0 or 1", 0, 1, "no grant list names the learner", 0),
    Feature("grant_margin", "home", "เวลาเรียนเหนือเงื่อนไขทุน", "days attended this year above the grant's condition", "percent points", -100, 100,
            "no grant with a condition, or no marks", -1,
            say_th="ปีนี้มาเรียนร้อยละ {attended_percent:.0f} ทุนกำหนดไว้ร้อยละ {grant_attendance:.0f}",
            say_en="Attended {attended_percent:.0f} % this year; the grant asks {grant_attendance:.0f} %", say_from=5),
    Feature("survey_age", "home", "อายุของการคัดกรอง", "days since the screening", "days", 0, None, "never screened", 0),
    # ------------------------------------------------------------------------------------------ growth
    Feature("height_for_age", "growth", "ส่วนสูงตามเกณฑ์อายุ", "height for age, WHO reference 2007", "z-score", -6, 6,
            "not measured or mistyped, birth date or sex not known, or not 5 to 19 years old", 0),
    Feature("bmi_for_age", "growth", "ดัชนีมวลกายตามเกณฑ์อายุ", "body mass index for age, WHO reference 2007", "z-score", -5, 5,
            "not measured or mistyped, birth date or sex not known, or not 5 to 19 years old", 0),
    Feature("height_gain", "growth", "ส่วนสูงที่เพิ่มต่อปี", "height gained, per year", "cm a year", -20, 40, "fewer than two measurings in two years, four months apart", 0),
    # ------------------------------------------------------------------------------------------ age and grade
    Feature("grade_level", "age", "ระดับชั้น", "years of school, ป.1 = 1", "years", -2, 12, "grade not stated", 0),
    Feature("over_age", "age", "อายุเกินเกณฑ์ชั้น", "age less the usual age of the grade", "years", -5, 15,
            "birth date or grade not known", 1, say_th="อายุมากกว่าเกณฑ์ของชั้น {over_age:.1f} ปี",
            say_en="{over_age:.1f} years older than usual for the grade", say_from=1.0),
    Feature("attempts_before", "age", "เคยเรียนชั้นนี้มาก่อน", "times the grade or course was begun before", "times", 0, 20,
            "the list does not say", 1, say_th="เคยเรียนชั้นนี้มาแล้ว {attempts_before:.0f} ครั้ง",
            say_en="Times this grade was begun before: {attempts_before:.0f}", say_from=1),
    Feature("repeated_grade", "age", "เรียนซ้ำชั้น", "in a grade no higher than last year's", "0 or 1", 0, 1,
            "grade this year or last not known", 1, say_th="เรียนซ้ำชั้น", say_en="Repeats the grade", say_from=1),
    Feature("isced_completed", "age", "ระดับการศึกษาก่อนเข้าเรียน", "schooling completed on entry", "ISCED level", 0, 8,
            "the list does not say", 0),
    Feature("credits", "age", "หน่วยกิตที่ลงทะเบียน", "credits registered", "credits", 0, None, "the list does not say", 0),
    Feature("days_into_year", "age", "วันนับจากเปิดเรียน", "days since the school year or course began", "days", 0, 400, "never", 0),
    # ------------------------------------------------------------------------------------------ moves
    Feature("moves", "moves", "จำนวนครั้งที่ย้ายโรงเรียน", "schools before this one, in three years", "schools", 0, None, "never", 1,
            say_th="ย้ายโรงเรียน {moves:.0f} ครั้งในสามปี", say_en="Changes of school in three years: {moves:.0f}", say_from=1),
    Feature("agency_changes", "moves", "จำนวนครั้งที่เปลี่ยนสังกัด", "agencies before this one, in three years", "agencies", 0, None,
            "the agency of no school is known", 1),
    Feature("entered_late", "moves", "เข้าเรียนหลังเปิดเทอม", "days from the start to registration; negative = before", "days", None, None,
            "the list does not say", 0, say_th="เข้าเรียนหลังเปิดภาคเรียน {entered_late:.0f} วัน",
            say_en="Registered {entered_late:.0f} days after the start", say_from=7),
    # ------------------------------------------------------------------------------------------ school context
    Feature("school_size", "school", "จำนวนนักเรียนในโรงเรียน", "learners in the school", "learners", 1, None, "never", 0),
    Feature("school_left_last_year", "school", "สัดส่วนนักเรียนที่ออกจากโรงเรียนปีก่อน", "share of last year's learners who left before finishing", "share", 0, 1,
            "the school listed nobody last year", 0),
    Feature("school_season", "school", "การไม่มาของโรงเรียนในช่วงถัดไป", "days away in the coming 4 weeks last year, less that whole year, school", "share", -1, 1,
            "no marks of the school's learners last year", 0),
    Feature("class_absent_rate", "school", "การไม่มาเฉลี่ยของห้อง", "days away in 4 weeks, class average", "share", 0, 1, _NO_MARKS, 0,
            model=False),
    Feature("class_open_share", "school", "ผลที่ยังไม่แก้เฉลี่ยของห้อง", "open share, class average", "share", 0, 1, "no results yet", 0,
            model=False),
    # ------------------------------------------------------------------------------------------ facts for sentences only
    *(
        Feature(f"{kind}_days_{window}", "attendance", f"{th} ({window})", f"{en} ({window})", "school days", 0, 366, _NO_MARKS,
                model=False)
        for kind, th, en in (("recorded", "วันที่บันทึก", "recorded days"), ("absent", "วันที่ไม่มา", "days away"),
                             ("unexcused", "วันขาด", "days absent without leave"), ("late", "วันมาสาย", "late days"),
                             ("sick", "วันลาป่วย", "sick days"))
        for window in ("14d", "28d", "84d", "year")
    ),
    Feature("absent_days_before", "attendance", "วันที่ไม่มา (สี่สัปดาห์ก่อนหน้า)", "days away, the four weeks before", "school days", 0, 366,
            _NO_MARKS, model=False),
    Feature("recorded_share_year", "attendance", "สัดส่วนวันเรียนที่มีบันทึกปีนี้", "share of school days recorded, this year", "share",
            0, 1, "no marks this year yet", model=False),
    Feature("grant_attendance", "home", "เงื่อนไขเวลาเรียนของทุน", "share of days the grant asks for", "percent", 0, 100,
            "no grant with a condition", model=False),
    Feature("recorded_share_28d", "attendance", "สัดส่วนวันเรียนที่มีบันทึก 4 สัปดาห์", "share of school days recorded, 4 weeks", "share",
            0, 1, "no marks this year yet, or no school days in the window", model=False),
)  # fmt: skip

# What the model itself learns of a school from the training years; not a function of one learner's records.
SCHOOL_LEAVING_RATE = Feature(
    "school_leaving_rate",
    "school",
    "สัดส่วนนักเรียนที่ออกจากโรงเรียนนี้ในปีที่ใช้เรียนรู้",
    "share of the school that left in the training years, drawn to the average of all",
    "share",
    0,
    1,
    "never: a school not seen in training has the average of all",
    1,
)

BY_NAME: Mapping[str, Feature] = {f.name: f for f in (*FEATURES, SCHOOL_LEAVING_RATE)}
MODEL_FEATURES: tuple[str, ...] = tuple(f.name for f in FEATURES if f.model)
