"""Cases: letters due, whose turn it is, what is past its date, and what teachers say beside the list."""

from html import escape
from urllib.parse import quote

import streamlit as st

from care.cases import CaseMovedOn
from dashboard import case_panel, casework, letters, page
from dashboard.ground import ground, now
from raksa.access import sees_learners
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway


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


def letters_home():
    """Every letter due, to print at once; and which of them were sent."""
    st.header(_("Letters due"))
    if told := st.session_state.pop("letters-told", ""):
        st.success(told)
    beyond, school = letters.beyond_a_line(run, people, who.person), ""
    if len(set(beyond.values())) > 1:
        named = letters.schools_beyond(run, people, who.person)
        school = page.pick(who, _("School"), named, _("All schools"), "letters-school")
    if len(beyond) > letters.MOST_AT_ONCE and not school:
        st.info(_("Children beyond a line: {n}. Choose a school.", n=len(beyond)))
        return
    found = letters.letters_due(run, ground().store, ground().settings, people, who.person, today, school=school)
    if not found:
        st.caption(_("No letter is due."))
        return
    st.html(f'<div class="raksa"><ul>{"".join(map(letter_line, found))}</ul></div>')
    due = {one.child.key: one for one in found if one.is_letter}
    if due:
        said, query = escape(_("Print all letters due (PDF)")), f"?school={quote(school)}" if school else ""
        st.html(f'<div class="raksa"><p><a href="/export/letters.pdf{query}" target="_self">{said}</a></p></div>')
        with st.expander(_("They were sent")):
            written_down(due)


def letter_line(one):
    """A child, which letter, and why; a list, because a phone has no room for a table of it."""
    child, known = one.child, one.said(who.language)
    place = " · ".join(filter(None, (child.class_name, child.school)))
    said = (
        _("Letter {n}: {known}", n=one.number, known=known)
        if one.is_letter
        else (_("Tell the area office: {known}", known=known))
    )
    if one.earlier:
        said += " " + _("The letter before was sent on {day}.", day=page.day(who, one.earlier[-1]))
    return (
        f'<li><a href="/child?child={child.key}" target="_self">{escape(child.name)}</a> '
        f'<span class="small">{escape(place)}</span><br>{escape(said)}</li>'
    )


def written_down(due):
    which = st.multiselect(
        _("Which letters were sent"), list(due), format_func=lambda key: due[key].child.name if key in due else "",
        placeholder=_("Choose children"), key=f"sent-{'-'.join(due)}",
    )  # fmt: skip
    on = case_panel.sent_on(who, today, "all")
    if not st.button(_("Write it down"), key="sent-all", disabled=not which):
        return
    for key in which:
        try:
            letters.sent(people, who.person, due[key], on, now())
        except PeopleAway:
            raise
        except CaseMovedOn:
            st.warning(_("{name}: somebody added a step meanwhile.", name=due[key].child.name))
            return
        except RaksaError as wrong:
            why = str(wrong) if who.language == "en" else _("the day does not lie before the case was opened.")
            st.error(f"{due[key].child.name}: {why}")
            return
    st.session_state["letters-told"] = _("Written down.")
    st.rerun()


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
letters_home()
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
