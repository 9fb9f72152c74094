"""How this works: one page for everybody, in plain words, with the numbers of the run people see."""

import streamlit as st

from dashboard import page, roster
from dashboard.ground import current_run
from models.card import of_20
from raksa.errors import RaksaError


def part(heading, *said):
    st.header(heading)
    st.html(f'<div class="raksa">{page.sentences(said)}</div>')


def whole(n):
    return "0–1" if n < 0.5 else f"{round(n)}"


def how_good():
    """Of twenty, because a teacher's list is about that long."""
    found = of_20(figures.get("compared", {}).get("model", {}))
    year = figures.get("year", "–")
    said = []
    if "leave" in found:
        said.append(
            _("Of 20 children on the lists of {year}, {leave} left school and {stay} stayed. Most children on a list "
              "stay: being on it is no verdict.", year=year, leave=whole(found["leave"]), stay=whole(found["stay"]))
        )  # fmt: skip
    if "chance" in found:
        said.append(_("Of 20 children chosen by lot it would have been: {n}.", n=whole(found["chance"])))
    if "missed" in found:
        said.append(
            _("Of 20 children who left, {n} had been on no list. So the list never replaces what you know of a child.",
              n=whole(found["missed"]))
        )  # fmt: skip
    if not said:
        return [_("For this run it has not been measured.")]
    return [
        *said,
        _("Measured on the academic year {year}, which the model had not seen. In another year it can be otherwise.",
          year=year),
    ]  # fmt: skip


def figures_now():
    try:
        return current_run().figures
    except RaksaError:  # before the first run the page stands without numbers
        return {}


who = page.here()
figures = figures_now()
_ = who.say
st.title(_("How this works"))
st.write(
    _("Raksa reads what schools record anyway and makes a short list of children who may need somebody, so that "
      "somebody asks in time. People decide what is done.")
)  # fmt: skip
part(
    _("What is read"),
    _("Attendance: days present, away with leave, away without leave."),
    _("Results by term, and results still open (0, ร, มส)."),
    _("Age and grade, changes of school, distance and way to school."),
    _("Weight and height; household screening and grants, where the school sent them."),
)
part(
    _("What is never read for an estimate"),
    _("Religion, ethnicity, nationality, disability and illness. Where a register holds them they lie apart, and serve "
      "only to check that groups are treated alike."),
    _("Names, identity numbers, house numbers and telephones."),
    _("What you write about a child: notes, calls and visits."),
)  # fmt: skip
part(
    _("What the list is, and what it is not"),
    _("It is as long as the school can see to, the greatest need first, with reasons in words."),
    _("It is a reason to ask how a child is. It says nothing of character, effort or family."),
    _("It does not say why. The reasons are what stands out in the data, not what brought it about."),
    _("Never use it to refuse a child anything: a place, a grade, a grant."),
)
part(
    _("What to do with it"),
    _("Read the reasons. Is it so? You know the child; the computer does not."),
    _("Talk with the child, then with the guardian. Ask first, advise later."),
    _("Write down what was done, so that the next person knows and nobody is asked twice."),
    _("A child you worry about who is not on the list needs you just as much."),
)
part(_("How often it is right, and what it misses"), *how_good())
part(
    _("Children who cannot be estimated"),
    _("Where attendance has not come, nothing can be said of a child. Such children stand beside the list with the "
      "reason and whose turn it is. Not known is not fine."),
)  # fmt: skip
part(
    _("When something is wrong"),
    _("A mark, a result or a name: the school's registrar puts it right in the school's own system and sends it again. "
      "At the next run the list follows."),
    _("You disagree that a child is on the list, or not on it: write it on the child's page. It is kept beside the "
      "reasons."),
    _("A guardian may ask what is held of the child and who has looked: the head of the school has both on the child's "
      "page."),
    _("Your account, or whom you see: your administrator."),
)  # fmt: skip
part(
    _("Who sees what"),
    _("Class teacher: the children of the own classes, needs and reasons, no estimate in numbers."),
    _("School: the children of the school, with the estimate."),
    _("Area officer: the children of the service area's schools, with the estimate."),
    _("Province: numbers of schools, none under {n}; no child.", n=roster.SMALLEST_CELL),
    _("Researcher: how good the estimates are; no child. Administrator: accounts and data; no child."),
    _("Each time somebody opens a child or takes a list away as a file, it is written down with name and time."),
)
