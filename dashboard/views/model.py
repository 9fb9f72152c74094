"""Model: how the estimates were made and how good they are, each number with its meaning and its time."""

from html import escape

import streamlit as st

from dashboard import judged, page, roster
from dashboard.ground import ground
from models.catalogue import card_of
from raksa.errors import RaksaError


def compared():
    st.header(_("Compared with plain rules"))
    ways = roster.ways(run, who.language)
    if not ways:
        st.info(_("This run holds no figures of its model."))
        return
    figures = roster.figures(run, who.language)
    if not card:
        st.caption(f"{_('Measured over')}: {figures[0].period}")
    same = [one for one in figures if len(set(one.values)) == 1]
    page.facts((f"{one.name}: {one.values[0]}", one.meaning) for one in same)
    st.write(_("In brackets: 95% intervals, drawing whole schools. A rule is here to be beaten: it needs no model."))
    page.html('<div class="cards">' + "".join(measure(one, ways) for one in figures if one not in same) + "</div>")


def measure(one, ways):
    """A figure, what it means, and its value for each way of choosing."""
    values = [[way, value] for way, value in zip(ways, one.values, strict=True)]
    return (
        f'<section class="card"><h3>{escape(one.name)}</h3><p class="small">{escape(one.meaning)}</p>'
        f"{page.table([], values)}</section>"
    )


def calibrated(card):
    st.header(_("Did as many leave as foreseen?"))
    stages = judged.calibration(card, who.language)
    if not stages:
        st.info(_("The card holds no figures of this."))
        return
    st.write(
        _("Each mark is a group of children with like estimates: across the share foreseen, up the share that left, in "
          "per cent. On the slanted line both are the same; the upright line is the 95% interval. Both scales are "
          "drawn out near zero.")
    )  # fmt: skip
    for stage, points in stages:
        st.subheader(stage)
        alt_text = _("The table below holds the same numbers.")
        st.vega_lite_chart(spec=judged.calibration_chart(tuple(points)), alt=alt_text, width="stretch")
        rows = page.table(
            [_("Share foreseen"), _("Share that left"), _("95% interval"), _("Children")],
            [[f"{100 * one.foreseen:.1f}%", f"{100 * one.seen:.1f}%",
              f"{100 * one.low:.1f}–{100 * one.high:.1f}%", f"{one.learners:,}"] for one in points],
        )  # fmt: skip
        page.html(page.folded(_("The same as a table"), rows))


def audited(card):
    st.header(_("Are groups treated alike?"))
    says, groups = judged.audit_says(card, who.language), judged.groups(card, who.language)
    if not groups:
        st.info(_("The card holds no figures of this."))
        return
    page.html(page.sentences(says))
    st.caption(
        _("On the lists: of the group's children who left, the share that was on a list. Left to foreseen: 1 means as "
          "many as foreseen. In brackets: 95% intervals.")
    )  # fmt: skip
    page.sheet(
        [_("Group"), _("Children"), _("On the lists"), _("Left to foreseen")],
        [[one.name, f"{one.learners:,}", one.found or one.why_not, one.expected or "–"] for one in groups],
    )


def watched():
    st.header(_("Does today's data look like the past?"))
    said = judged.moved(ground().store, run.id, who.language)
    if said is None:
        st.info(_("The model kept nothing to compare with. The next training does."))
    elif said:
        page.html(page.sentences(said))
    else:
        st.write(_("Nothing differs from the year before by more than usual."))


def catalogued():
    st.header(_("Models here"))
    page.facts(
        (f"{one.id}: {one.state}", f"{_('made on {day}', day=one.made)} · {_('years')} {one.years} · {one.figures}")
        for one in judged.models(ground().store, who.language)
    )


def settings_used():
    st.header(_("Settings used"))
    page.facts((value, words) for words, value in judged.chosen(ground().settings, who.language))


who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Model"))
st.write(
    _("Model {model}, used on {day} to estimate who leaves before {horizon}.", model=run.model,
      day=page.day(who, run.as_of), horizon=page.day(who, run.horizon))
)  # fmt: skip
try:
    card = card_of(ground().store, run.model)
except RaksaError:  # the run was copied here without its model; it holds the comparison itself
    card = {}
if card:
    said = [*judged.told_apart(card, who.language), *judged.verdicts(card, who.language)]
    address = f"/model/card?language={who.language}"
    page.html(
        f'{page.sentences(said)}<p><a href="{address}" target="_self">'
        f"{escape(_('The whole card of the model'))}</a></p>"
    )
compared()
if card:
    calibrated(card)
    audited(card)
watched()
catalogued()
settings_used()
