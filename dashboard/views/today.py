"""Today: whom a class teacher, or the head of a school, turns to this morning. Needs and reasons, no score."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from care.contacts import last_contacts
from dashboard import page, roster, today
from dashboard.ground import ground
from dashboard.ground import now as clock
from raksa.calendar import today_in_bangkok
from raksa.school_settings import in_force

SHOWN = 5  # of each part; the others wait behind a click


def link(child):
    return f'<a href="/child?child={child.key}" target="_self">{escape(child.name)}</a>'


def entry(who, child, sentences, *more):
    """One child: who, what is known, what comes next."""
    body = page.sentences(sentences) if sentences else ""
    return (
        f'<h3>{link(child)}</h3><p class="small">{escape(child.class_name)}</p>{body}'
        + "".join(f"<p>{one}</p>" for one in more if one)
    )  # fmt: skip


def part(who, anchor, title, note, entries, nothing):
    """A part of the page: its heading, what it means, the first few children, the rest behind a click."""
    _ = who.say
    with st.container(border=True):
        st.header(title, anchor=anchor)
        if not entries:
            st.write(nothing)
            return
        st.caption(note)
        st.html(f'<div class="raksa">{"".join(entries[:SHOWN])}</div>')
        if len(entries) > SHOWN:
            with st.expander(_("Others: {n}", n=len(entries) - SHOWN)):
                st.html(f'<div class="raksa">{"".join(entries[SHOWN:])}</div>')


def reasons(who, child):
    return [getattr(reason, who.language) for reason in child.reasons]


def unseen(who, now):
    """Children on the books and not in class: nothing on this page comes before looking for them."""
    _ = who.say
    part(
        who,
        "unseen",
        _("Nobody sees the child in class"),
        _("On the school's books, and not in class. Look for these children first."),
        [
            entry(who, one.child, [one.said(who.language)],
                  f"<b>{escape(_('Whose turn'))}</b>: {escape(one.next(who.language))}")
            for one in now.unseen
        ],
        _("No such child is known."),
    )  # fmt: skip


def late(who, now):
    """Open cases past their date: what is due, and since when."""
    _ = who.say
    part(
        who,
        "late",
        _("Past its date"),
        _("Open cases whose next step is waiting, the longest first. All cases stand on the page Cases."),
        [
            entry(who, one.child, [one.said(who.language)]) if one.child
            else f'<h3>{escape(_("On no list now"))}</h3>{page.sentences([one.said(who.language)])}'
            for one in now.late
        ],
        _("No case is past its date."),
    )  # fmt: skip


def nobody_wrote(who, now):
    _ = who.say
    since = now.overdue[0].since if now.overdue else None
    part(
        who,
        "nobody",
        _("Nobody has written anything yet"),
        _("On the list since {day} or before, and nothing written for 60 days. A call or a talk counts.",
          day=page.day(who, since)) if since
        else _("On the list, and nothing written for 60 days. A call or a talk counts."),
        [entry(who, one.child, reasons(who, one.child)) for one in now.overdue],
        _("Somebody has written about every child who has been on the list for a week."),
    )  # fmt: skip


def crossings(who, these):
    _ = who.say
    found = []
    for one in these:
        written = _("Last written about: {day}", day=page.day(who, one.written)) if one.written else ""
        next_step = f"<b>{escape(_('Next'))}</b>: {escape(one.next(who.language))}"
        found.append(entry(who, one.child, [one.said(who.language)], next_step, escape(written)))
    return found


def crossed(who, now):
    _ = who.say
    if now.since is None:
        note = nothing = _("There is no earlier list to compare with, so what is new cannot be told.")
    else:
        note = _("Since {day}; what a school's practice asks next stands beside it.", day=page.day(who, now.since))
        nothing = _("Nobody since {day}.", day=page.day(who, now.since))
    part(who, "crossed", _("Crossed a line"), note, crossings(who, now.crossed), nothing)


def new(who, now):
    _ = who.say
    if now.since is not None:
        day = page.day(who, now.since)
        entries = [entry(who, child, reasons(who, child)) for child in now.new]
        part(who, "new", _("New on the list"), _("Since {day}.", day=day), entries, _("Nobody since {day}.", day=day))


def calls(who, now):
    """Whom to call, room by room: each line as it is read beside a telephone, and on paper."""
    _ = who.say
    with st.container(border=True):
        st.header(_("Whom to call today"), anchor="calls")
        if not now.calls:
            st.write(_("Nobody was away on the last recorded day."))
            return
        query = f"?{urlencode({'school': school})}" if school else ""
        files = " · ".join(
            f'<a href="/export/calls.{kind}{query}" target="_self">{escape(words)}</a>'
            for kind, words in (("pdf", _("To print, with room to write (PDF)")), ("xlsx", _("Workbook (XLSX)")))
        )
        st.html(f'<div class="raksa"><p>{files}</p></div>')
        for class_name, these in today.by_class(now.calls).items():
            numbers = "".join(call(who, one) for one in these)
            st.html(f'<div class="raksa"><h3>{escape(class_name)}</h3><ul>{numbers}</ul></div>')


def call(who, one):
    _, child = who.say, one.child
    away = _("School days away in a row, up to {day}: {n}.", n=one.days, day=page.day(who, one.last_day))
    relation = f"({child.guardian_relation})" if child.guardian_relation else ""
    guardian = f"{child.guardian_name or _('No guardian is recorded.')} {relation}".strip()
    phone = escape(child.phone or "")
    number = f'<a href="tel:{phone}">{phone}</a>' if phone else escape(_("No telephone is recorded."))
    return f"<li>{link(child)}: {escape(away)}<br>{escape(guardian)} · {number}</li>"


def marks(who, now):
    _ = who.say
    with st.container(border=True):
        st.header(_("Marks not yet recorded"), anchor="marks")
        if not now.unrecorded:
            st.write(_("Every class is recorded up to the last school day."))
            return
        st.caption(_("A child of these classes may be away without anybody seeing it here."))
        st.html(
            '<div class="raksa"><ul>'
            + "".join(
                f"<li><b>{escape(one.class_name)}</b>: {escape(today.stopped(one, who.language))}</li>"
                for one in now.unrecorded
            )
            + "</ul></div>"
        )


def beyond(who, now):
    _ = who.say
    part(
        who,
        "beyond",
        _("Beyond a line already"),
        _("Nothing new; still to be seen to."),
        crossings(who, now.beyond),
        _("Nobody else is beyond a line."),
    )


def count(who, now):
    """The morning in numbers, before the names."""
    _ = who.say
    said = {
        "unseen": _("Nobody sees the child in class: {n}", n=len(now.unseen)),
        "late": _("Cases past their date: {n}", n=len(now.late)),
        "nobody": _("Nobody has written anything yet: {n}", n=len(now.overdue)),
        "crossed": _("Crossed a line: {n}", n=len(now.crossed)),
        "new": _("New on the list: {n}", n=len(now.new)),
        "calls": _("Whom to call today: {n}", n=len(now.calls)),
        "marks": _("Classes with marks not yet recorded: {n}", n=len(now.unrecorded)),
        "beyond": _("Beyond a line already: {n}", n=len(now.beyond)),
    }
    if now.since is None:
        del said["new"]
    lines = "".join(f'<li><a href="#{part}" target="_self">{escape(text)}</a></li>' for part, text in said.items())
    st.html(f'<div class="raksa"><ul>{lines}</ul></div>')


who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("My class now") if who.person.role == "teacher" else _("Our school now"))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
school = ""
schools = {c.id: c.name for c in roster.schools(run, who.person)}
if who.person.role == "school" and len(schools) > 1:
    school = page.pick(who, _("School"), schools, _("All schools"), "school")
people = ground().accounts.people
now = today.morning(
    run, who.person, ground().settings, in_force(people), last_contacts(people, who.person), school,
    today.late_cases(people, who.person, today_in_bangkok(clock())),
)  # fmt: skip
page.note(who, "read_today", about=f"run {run.id}{f', school={school}' if school else ''}", reason=who.person.role)
count(who, now)
left, right = st.columns([3, 2], gap="large")
with left:
    unseen(who, now)
    late(who, now)
    nobody_wrote(who, now)
    crossed(who, now)
    new(who, now)
with right:
    calls(who, now)
    marks(who, now)
    beyond(who, now)
