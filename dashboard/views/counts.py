"""Counts: areas and schools in numbers, for those who see no child. Small cells are hidden."""

import streamlit as st

from dashboard import page, roster

who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Schools in numbers"))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
st.caption(
    _("Expected to leave means before {day}. Numbers under {n} are hidden, so that nobody can be told from them.",
      day=page.day(who, run.horizon), n=roster.SMALLEST_CELL)
)  # fmt: skip
page.note(who, "read_counts", about=f"run {run.id}", reason=who.person.role)
areas = roster.areas(run, who.person)
page.counts_table(who, areas, _("Area"))
if areas:
    area = page.pick(who, _("Area"), {one.id: one.name for one in areas}, _("All areas"), "area")
    page.counts_table(who, roster.schools(run, who.person, roster.Filters(area=area)), _("School"))
