"""Which pages there are, and who gets which. A page that is not listed for a person does not run for her."""

from __future__ import annotations

from dashboard.language import N_
from raksa.access import Person

# Address of a page -> its title.
PAGES = {
    "today": N_("Today"),
    "lists": N_("Lists"),
    "child": N_("Child"),
    "cases": N_("Cases"),
    "visit": N_("Visit"),
    "plan": N_("Plan visits"),
    "area": N_("Area"),
    "data": N_("Data"),
    "model": N_("Model"),
    "how": N_("How this works"),
    "settings": N_("School settings"),
    "admin": N_("Administration"),
}
_FOR_ROLE = {
    "teacher": ("today", "lists", "child", "cases", "plan", "visit", "how"),
    "school": ("lists", "today", "child", "cases", "plan", "visit", "data", "settings", "how"),
    "area": ("lists", "area", "child", "cases", "plan", "visit", "data", "model", "settings", "how"),
    "province": ("area", "model", "how"),
    "researcher": ("model", "how"),
    "admin": ("admin", "settings", "data", "how"),
}


def pages_for(person: Person) -> tuple[str, ...]:
    """The pages of a person, the first one first."""
    return _FOR_ROLE.get(person.role, ()) if person.active else ()
