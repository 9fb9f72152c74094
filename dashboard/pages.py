"""Which pages there are, and who gets which. A page that is not listed for a person does not run for her."""

from __future__ import annotations

from dashboard.language import N_
from raksa.access import Person

# Address of a page -> its title.
PAGES = {
    "lists": N_("Lists"),
    "child": N_("Child"),
    "counts": N_("Counts"),
    "model": N_("Model"),
    "people": N_("People"),
}
_FOR_ROLE = {
    "teacher": ("lists", "child"),
    "school": ("lists", "child"),
    "area": ("lists", "child", "model"),
    "province": ("counts",),
    "researcher": ("model",),
    "admin": ("people",),
}


def pages_for(person: Person) -> tuple[str, ...]:
    """The pages of a person, the first one first."""
    return _FOR_ROLE.get(person.role, ()) if person.active else ()
