"""Model: how the estimates were made and how good they are, each number with its meaning and its time."""

import streamlit as st

from dashboard import page, roster

who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Model"))
st.write(
    _("Model {model}, used on {day} to estimate who leaves before {horizon}.", model=run.model,
      day=page.day(who, run.as_of), horizon=page.day(who, run.horizon))
)  # fmt: skip
ways = roster.ways(run, who.language)
if not ways:
    st.info(_("This run holds no figures of its model."))
    st.stop()
page.sheet(
    [_("Figure"), *ways, _("What it means"), _("Measured over")],
    [(f.name, *f.values, f.meaning, f.period) for f in roster.figures(run, who.language)],
)
st.caption(_("In brackets: 95% intervals, drawing whole schools. A rule is here to be beaten: it needs no model."))
