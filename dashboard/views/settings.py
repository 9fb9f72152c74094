"""School settings: how many children a school can see to, and from when on it wants to be told of days away."""

import streamlit as st

from dashboard import page, staffing
from dashboard.ground import current_run, ground, now
from dashboard.language import refusal
from raksa.audit import Entry, record
from raksa.errors import RaksaError
from raksa.school_settings import EVERY_SCHOOL, NAMES, history, in_force, put


def means(name):
    return getattr(NAMES[name], f"means_{who.language}")


def said(name, value):
    if value is None:
        return _("worked out from the size of the school") if NAMES[name].default is None else _("the usual")
    return f"{value:,.0f}" if NAMES[name].whole else f"{100 * value:.0f}%"


def change(school, area):
    st.header(_("Change a value"))
    name = st.selectbox(_("Value"), list(NAMES), format_func=means, key=f"value-{who.language}")
    held, spec = getattr(of(school), name), NAMES[name]
    scale = 1 if spec.whole else 100
    start = spec.least if held is None else held
    value = st.number_input(
        _("New value") if spec.whole else _("New value, per cent"), round(spec.least * scale), round(spec.most * scale),
        round(start * scale), key=f"number-{school}-{name}",
    )  # fmt: skip
    usual = st.checkbox(_("Back to the usual value"), key=f"usual-{school}-{name}")
    why = st.text_input(_("Why, in a sentence"), key="why")
    if st.button(_("Save"), key="save"):
        if not why.strip():
            st.error(_("Say why in a sentence, for those who ask later."))
            return
        try:
            put(people, who.person, school, name, None if usual else value / scale, why, now(), area_id=area)
        except RaksaError as wrong:
            st.error(refusal(_, wrong))
        else:
            record(people, Entry(now(), who.person.username, "set_school", about=f"{school or '*'} {name}"))
            st.rerun()


who = page.here()
_ = who.say
if who.person.role not in ("school", "area", "admin"):
    st.stop()
people, store = ground().accounts.people, ground().store
try:
    run = current_run()
except RaksaError:
    run = None
places = staffing.places(store, run)
mine = staffing.schools_of(places, who.person)
st.title(_("School settings"))
if not mine:
    st.info(_("This account is responsible for no school."))
    st.stop()
school = next(iter(mine))
if len(mine) > 1:
    everything = _("All schools") if who.person.role == "admin" else "—"
    school = page.pick(who, _("School"), mine, everything, "settings-school")
    if not school and who.person.role != "admin":
        st.info(_("Choose a school."))
        st.stop()
of = in_force(people)
changes = history(people, school)
latest = {(c.school_id, c.name): c for c in reversed(changes)}
st.caption(_("A new number of children holds from the next list on, the other values at the next click."))
rows = []
for name in NAMES:
    by = latest.get((school, name)) or latest.get((EVERY_SCHOOL, name))
    own = by is not None and by.value is not None
    rows.append((
        means(name), said(name, getattr(of(school), name)),
        _("the usual") if not own else _("this school") if by.school_id else _("all schools"),
    ))  # fmt: skip
page.sheet([_("Value"), _("Holds now"), _("Set for")], rows)
change(school, places.schools.get(school, ("", None))[1])
if changes:
    st.header(_("What was changed"))
    page.sheet(
        [_("When"), _("Who"), _("Value"), _("New value"), _("Set for"), _("Why, in a sentence")],
        [
            (page.moment(who, c.at), c.by, means(c.name), said(c.name, c.value),
             mine.get(c.school_id, c.school_id) if c.school_id else _("all schools"), c.why)
            for c in changes if c.name in NAMES
        ],
    )  # fmt: skip
