"""Cases: whose turn it is, what is past its date, and what teachers say beside the list."""

from html import escape

import streamlit as st

from dashboard import casework, page
from dashboard.ground import ground, now
from raksa.access import sees_learners
from raksa.calendar import today_in_bangkok


def card(row):
    case, child = row.case, row.child
    name = child.name if child else _("On no list now")
    place = " · ".join(filter(None, (child.class_name, child.school))) if child else ""
    owner = owners.get(case.owner) or _("nobody yet")
    due = page.day(who, case.due) if case.due else "—"
    when = _("Past its date since {day}, days: {n}", day=due, n=row.overdue) if row.overdue else _("By {day}", day=due)
    with st.container(border=True):
        st.html(
            f'<div class="raksa"><h3>{escape(name)}</h3><p class="small">{escape(place)}</p>'
            f"<p>{escape(_(casework.STEPS[case.stage]))} · {escape(_(casework.SIGNALS[case.signal]))}</p>"
            f"<p><b>{escape(when)}</b> · {escape(_('Whose turn'))}: {escape(owner)}</p></div>"
        )
        if child and st.button(_("Open"), key=f"open-{case.id}"):
            st.switch_page("views/child.py", query_params={"child": child.key})


def beside_the_list():
    found = casework.opinions(run, people, who.person, today)
    st.header(_("What teachers say beside the list"))
    if not found:
        st.caption(_("Nobody was named or doubted. On a child's page you can do both."))
        return
    said = {"nominate": _("needs someone"), "dispute": _("needs nobody just now")}
    page.sheet(
        [_("Child"), _("Class"), _("On the list"), _("Says"), _("Why"), _("Who"), _("When")],
        [
            (
                child.name if child else "—", child.class_name if child else "",
                _("yes") if child and child.listed else _("no"), said[one.says], one.said, one.by_name,
                page.moment(who, one.at),
            )
            for one, child in found
        ],
    )  # fmt: skip


who = page.here()
run = page.run_now(who)
_ = who.say
if not sees_learners(who.person):
    st.stop()
people, today = ground().accounts.people, today_in_bangkok(now())
st.title(_("Cases"))
mine = st.toggle(_("Only those whose turn is mine"), key="mine")
page.note(who, "read_cases", about=f"run {run.id}", reason=who.person.role)
found = casework.rows(run, people, who.person, today, mine=mine)
owners = casework.owners(ground().accounts, [row.case for row in found])
st.caption(_("Open: {n}. Past their date: {late}.", n=len(found), late=casework.late(found)))
if not found:
    st.info(_("No case is open. Open one on a child's page."))
for title, chosen in (
    (_("Past their date"), [row for row in found if row.overdue]),
    (_("In the next three days"), [row for row in found if row.soon]),
    (_("Later"), [row for row in found if not row.overdue and not row.soon]),
):
    if chosen:
        st.header(title)
        for row in chosen:
            card(row)
beside_the_list()
