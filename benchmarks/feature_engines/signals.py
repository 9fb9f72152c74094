"""What every engine is asked for: the day, the windows as days of the year, and the names of the signals.

Attendance complete, grades, and the standing within class and school. Home, growth, moves and class-by-day signals are
asked of raksa alone: what the others leave out is in their favour.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

YEAR = 2567
FIRST, SECOND_TERM = date(2024, 5, 16), date(2024, 11, 1)
AS_OF = date(2025, 3, 31)
STOP = (AS_OF - FIRST).days
_AS_FAR_INTO_FIRST_TERM = (AS_OF - SECOND_TERM).days
LINE = 0.8
WEEKS = range(1, 9)
# Positions [first, stop) of each window on the year's calendar.
WINDOWS: Mapping[str, tuple[int, int]] = {
    **{f"{days}d": (STOP - days, STOP) for days in (14, 28, 56, 84)},
    "year": (0, STOP),
    "before": (STOP - 56, STOP - 28),
    "term": (_AS_FAR_INTO_FIRST_TERM - 28, _AS_FAR_INTO_FIRST_TERM),
    **{f"week_{week}": (STOP - 7 * week, STOP - 7 * week + 7) for week in WEEKS},
}
RATES = {
    "absent": ("14d", "28d", "56d", "84d", "year"), "unexcused": ("28d", "84d", "year"), "sick": ("28d", "year"),
    "leave": ("28d", "year"), "late": ("28d", "84d", "year"),
}  # fmt: skip
DAYS = [
    (kind, w) for kind in ("recorded", "absent", "unexcused", "late", "sick") for w in ("14d", "28d", "84d", "year")
]
ATTENDANCE = [
    *(f"{kind}_rate_{w}" for kind, windows in RATES.items() for w in windows), *(f"{k}_days_{w}" for k, w in DAYS),
    "longest_absence", "current_absence", "runs_3", "runs_5", "days_to_line", "absent_trend", "absent_edge",
    "absent_holiday", "absent_change_28d", "late_change_28d", "absent_change_term", "recorded_share_28d",
    "recorded_share_year",
]  # fmt: skip
GRADES = ["grade_average", "grade_latest", "grade_change", "grade_lowest_area", "grade_spread", "open_results",
          "days_open", "open_share", "results_known"]  # fmt: skip
CONTEXT = ["class_absent_rate", "absent_vs_class", "absent_rank_school", "class_open_share", "open_vs_class",
           "grade_vs_class", "grade_vs_school", "grade_latest_vs_class"]  # fmt: skip
NEEDED = ["absent_rate_28d", "absent_rate_year", "open_share", "grade_average", "grade_latest"]
CLASS = ["school_id", "grade", "room"]


def day(position: int) -> date:
    return FIRST + timedelta(days=position)
