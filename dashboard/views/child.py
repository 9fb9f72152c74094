"""Child (สมุดพก): what is good, what is needed and why, what was done, and the record behind it.

Opened by its address, /child?child=KEY, so that a reload and a link keep it (dashboard.keys).
"""

from datetime import timedelta
from html import escape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd
import streamlit as st

from care import contacts
from dashboard import case_panel, page, paper, record
from dashboard.ground import ground, now
from dashboard.keys import learner_of
from raksa.errors import RaksaError
from raksa.people import PeopleAway
from raksa.tables import MARKS
from raksa.thai import format_date

STYLE = """<style>
.raksa .months { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .75rem 1.25rem; }
.raksa .months table { border-collapse: collapse; }
.raksa .months caption { text-align: left; font-weight: 600; line-height: 1.7; }
.raksa .months th { font-weight: 400; color: #4a5b58; font-size: .85rem; }
.raksa .months td { min-width: 1.75rem; text-align: center; padding: .1rem .15rem; line-height: 1.35;
  border: 1px solid #d5dedc; vertical-align: top; }
.raksa .months td.none { border-color: transparent; }
.raksa .months td.away { border: 2px solid #1c2b29; font-weight: 700; }
.raksa .months i { display: block; font-style: normal; font-weight: 400; font-size: .7rem; color: #4a5b58; }
</style>"""
WEEKDAYS = {"th": ("จ", "อ", "พ", "พฤ", "ศ", "ส", "อา"), "en": ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")}
BANGKOK = ZoneInfo("Asia/Bangkok")
OLDEST = timedelta(365)
INK = "#1c2b29"


def html(body, style=""):
    st.html(f'{style}<div class="raksa">{body}</div>')


def heading(who, found):
    # Not st.title, which would read a name as Markdown.
    child, _ = found.child, who.say
    place = " · ".join(filter(None, (child.class_name, child.school)))
    numbers = [(_("Roll no."), child.roll_number), (_("Student no."), child.student_number)]
    known = " · ".join(f"{label} {value}" for label, value in numbers if value)
    html(
        f'<h1>{escape(child.name)}</h1><p class="small">{escape(place)}</p><p class="small">{escape(known)}</p>', STYLE
    )


def strengths(who, found):
    _ = who.say
    with st.container(border=True):
        st.header(_("What goes well"))
        if found.strengths:
            html(page.sentences(getattr(one, who.language) for one in found.strengths))
        else:
            st.write(_("The data says nothing of it yet. Whoever knows the child does: write it below."))


def stands_out(who, run, found):
    _, child = who.say, found.child
    with st.container(border=True):
        st.header(_("What stands out"))
        if child.reasons:
            html(page.sentences(getattr(r, who.language) for r in child.reasons))
            if what := [said for r in child.reasons if (said := getattr(r, f"lower_{who.language}"))]:
                html(f"<p>{escape(_('What could lower it'))}</p>{page.sentences(what)}")
        elif found.unscored:
            st.write(getattr(found.unscored, f"why_{who.language}"))
            st.write(f"**{_('Whose turn')}**: {getattr(found.unscored, f'turn_{who.language}')}")
        else:
            st.write(_("Nothing that stands out today. The child is not on the list."))
        if child.risk is not None:
            day = page.day(who, run.horizon)
            st.caption(
                _("Estimated chance of leaving by {day}: about {n}%", day=day, n=max(1, round(100 * child.risk)))
                + " — "
                + _("an estimate to plan help with, not a verdict on the child.")
            )
    with st.container(border=True):
        st.header(_("Whom to call"))
        relation = f"({child.guardian_relation})" if child.guardian_relation else ""
        guardian = escape(f"{child.guardian_name or _('No guardian is recorded.')} {relation}")
        phone = escape(child.phone or "")
        call = f'<a href="tel:{phone}">{phone}</a>' if phone else escape(_("No telephone is recorded."))
        html(f"<p>{guardian}</p><p>{call}</p>")


# ------------------------------------------------------------------------------------------ what was done
def done(who, found, key):
    _ = who.say
    with st.container(border=True):
        st.header(_("What was done"))
        with st.container():  # there also without words: a box below that is open would fold when they go
            if told := st.session_state.pop("written", ""):
                st.success(told)
        write(who, found, key)
        if st.button(_("Fill in the visit form"), key=f"visit-{key}"):
            st.switch_page("views/visit.py", query_params={"child": key})
        if not found.contacts:
            st.write(_("Nobody has written anything yet."))
        for one in found.contacts:
            contact(who, one)
        if found.brought:
            st.subheader(_("Brought from schools before"))
        for one in found.brought:
            said = f"{record.contact_words(one, who.language)} · {one.by_name} · {one.school}"
            html(f'<h4>{escape(said)}</h4><p style="white-space: pre-line">{escape(one.said)}</p>')


def write(who, found, key):
    """The form of a new entry. What is typed stays while the sign-in lasts, also on another page."""
    _ = who.say
    today = now().astimezone(BANGKOK).date()
    kinds = {kind: _(words) for kind, words in record.KINDS.items()}
    # A form of its own for each entry: what is kept of a draft is kept in the browser too, and would come back.
    written = f"entries-{key}"
    form = f"{key}-{st.session_state.setdefault(written, 0)}"
    with st.expander(_("Write what was done"), expanded=bool(st.session_state.get(f"text-{form}"))):
        with st.grid(min_column_width=150):
            st.session_state.setdefault(f"kind-{form}", "visit")
            kind = page.pick(who, _("What"), kinds, _("Home visit"), f"kind-{form}") or "visit"
            on = st.date_input(
                _("Day"), value=today, min_value=today - OLDEST, max_value=today, format="DD/MM/YYYY", key=f"on-{form}",
                persist_state="session",
            )  # fmt: skip
        st.caption(_("The day is {day}.", day=page.day(who, on or today)))
        text = st.text_area(
            _("What was done, and what was agreed"), key=f"text-{form}", max_chars=contacts.MOST_LETTERS,
            persist_state="session",
        )  # fmt: skip
        restricted = st.checkbox(
            _("Only for me and the head of the school"), key=f"restricted-{form}", persist_state="session"
        )
        if st.button(_("Write it down"), key=f"write-{form}", type="primary"):
            try:
                contacts.write(
                    ground().accounts.people, who.person, found.place, on=on or today, kind=kind, text=text or "",
                    restricted=restricted, now=now(),
                )  # fmt: skip
            except PeopleAway:
                raise
            except RaksaError as wrong:
                refused(who, wrong)
                return
            st.session_state["written"] = _("Written down.")
            st.session_state[written] += 1
            st.rerun()


def refused(who, wrong):
    _ = who.say
    st.error(str(wrong) if who.language == "en" else _("The entry needs words, and a day not after today."))


def contact(who, one):
    _ = who.say
    words = record.KINDS.get(one.kind)
    said = f"{_(words) if words else one.kind} · {page.day(who, one.on)} · {one.by_name}"
    if one.redacted:
        text = _("A restricted note exists. Ask {name} or the head of the school.", name=one.by_name)
    else:
        text = one.text
    mark = f" · {_('restricted')}" if one.restricted else ""
    html(f'<h3>{escape(said + mark)}</h3><p style="white-space: pre-line">{escape(text)}</p>')
    mine = one.by == who.person.username or who.person.role == "school"
    if mine and not one.redacted:
        edit(who, one)


def edit(who, one):
    """Change an entry as it stood when the change was begun; who comes second reads what the first one wrote."""
    _, begun = who.say, f"begun-{one.id}"
    if begun not in st.session_state:
        if st.button(_("Change"), key=f"change-{one.id}", type="tertiary"):
            st.session_state["edits"] = st.session_state.get("edits", 0) + 1  # a form of its own, as above
            st.session_state[begun] = (one.version, st.session_state["edits"])
            st.rerun()
        return
    version, edit_number = st.session_state[begun]
    text = st.text_area(
        _("What was done, and what was agreed"), value=one.text, key=f"edit-{edit_number}", persist_state="session"
    )
    keep, leave = st.columns(2)
    if keep.button(_("Keep the change"), key=f"keep-{one.id}", type="primary"):
        try:
            contacts.change(ground().accounts.people, who.person, one.id, version, text=text, now=now())
        except contacts.ChangedMeanwhile as meanwhile:
            st.session_state[begun] = (meanwhile.present.version, edit_number)
            st.warning(_("Somebody changed this entry meanwhile. It now reads:"))
            st.text(meanwhile.present.text)
            st.caption(_("Keep the change once more to put your words in its place."))
            return
        except PeopleAway:
            raise
        except RaksaError as wrong:
            refused(who, wrong)
            return
        st.session_state.pop(begun)
        st.session_state["written"] = _("Changed.")
        st.rerun()
    if leave.button(_("Leave it as it was"), key=f"leave-{one.id}"):
        st.session_state.pop(begun)
        st.rerun()


# ------------------------------------------------------------------------------------------ the record
def attendance(who, found):
    _, year = who.say, found.now
    with st.container(border=True):
        st.header(_("Attendance"))
        if year is None or not year.recorded:
            st.write(_("No attendance has been sent for this year."))
        else:
            attendance_now(who, year)
        if found.before:
            st.subheader(_("Earlier years"))
            page.sheet(**paper.years_table(found, who.language))


def attendance_now(who, year):
    _ = who.say
    html(page.sentences(paper.attendance_sentences(year, who.language)))
    seen = [mark for mark in MARKS if year.totals.get(mark)]
    totals = [[_(record.MARK_WORDS[m][0]), paper.letter(m, who.language), str(year.totals[m])] for m in seen]
    page.sheet([_("Mark"), _("In the calendar"), _("Days")], totals)
    st.subheader(_("Calendar of academic year {year}", year=year.year))
    html(f'<div class="months">{"".join(month(who, *one) for one in record.months(year, ground().settings))}</div>')
    st.caption(_("Days away have a thick border. An empty cell is a day without school."))


def month(who, first, weeks):
    """One month as a table of weeks; each cell says its day and mark to a screen reader."""
    name = format_date(first, who.language).partition(" ")[2]
    columns = sorted({cell[0].weekday() for week in weeks for cell in week if cell})
    head = "".join(f"<th>{WEEKDAYS[who.language][n]}</th>" for n in columns)
    body = "".join(f"<tr>{''.join(cell(who, one) for one in week)}</tr>" for week in weeks)
    return f"<table><caption>{name}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell(who, one):
    if one is None:
        return '<td class="none"></td>'
    day, mark = one
    if mark is None:
        return f"<td><i>{day.day}</i></td>"
    away = ' class="away"' if mark in record.AWAY else ""
    words, letter = escape(who.say(record.MARK_WORDS[mark][0])), escape(paper.letter(mark, who.language))
    return f'<td{away} title="{day.day}: {words}"><i>{day.day}</i>{letter}</td>'


def results(who, found):
    _ = who.say
    with st.container(border=True):
        st.header(_("Results"))
        if not found.terms:
            st.write(_("No results have been sent."))
            return
        if still := paper.open_sentences(found, who.language):
            html(page.sentences(still))
        term_table(who, found.terms[0])
        if found.terms[1:]:
            with st.expander(_("Earlier terms")):
                for term in found.terms[1:]:
                    term_table(who, term)


def term_table(who, term):
    st.subheader(paper.term_title(term, who.language))
    page.sheet(**paper.term_table(term, who.language))


def growth(who, found):
    _ = who.say
    if found.growth:
        with st.container(border=True):
            st.header(_("Growth"))
            page.sheet(**paper.growth_table(found, who.language))
            st.caption(_("For age: 0 is the middle of the same age and sex, −2 to +2 is usual (WHO 2007)."))


def home(who, found):
    _ = who.say
    with st.container(border=True):
        st.header(_("Home"))
        if found.home is None:
            st.write(_("The home has not been surveyed, or the survey has not been sent."))
            return
        html(page.sentences(record.home_sentences(found.home, who.language)))


def schools(who, found):
    with st.container(border=True):
        st.header(who.say("Schools"))
        page.sheet(**paper.schools_table(found, who.language))


# ------------------------------------------------------------------------------------------ over the weeks
def weeks(who, found):
    _ = who.say
    with st.container(border=True):
        st.header(_("Did it change afterwards?"))
        marks = record.events(found)
        if not found.weeks:
            st.write(_("No attendance has been sent for this year."))
            return
        st.caption(
            _("Days away by week; – is a week not recorded.")
            + " "
            + _("Signs: what was done, coming on the list, leaving it.")
        )
        st.altair_chart(chart(who, found.weeks, marks), width="stretch", alt=spoken(who, found.weeks, marks))
        with st.expander(_("The same as a table")):
            headings = [_("Week of"), _("Days away"), _("What happened")]
            page.sheet(headings, record.line(found, who.language))
        reasons = [one for one in found.listings if one.reasons]
        if reasons:
            st.subheader(_("Reasons over time"))
            page.sheet(
                [_("Known on"), _("Reasons")],
                [[page.day(who, one.as_of), " / ".join(getattr(r, who.language) for r in one.reasons)]
                 for one in reasons],
            )  # fmt: skip


def chart(who, weeks, marks):
    """Bars of days away; above them a sign for what happened. Shapes and words, no meaning in a colour."""
    _ = who.say
    # Weeks in which something happened are on the line too, also those nobody has recorded yet.
    mondays = sorted({w.monday for w in weeks} | {one.monday for one in marks if one.monday >= weeks[0].monday})
    names = {monday: format_date(monday, who.language).rsplit(" ", 1)[0] for monday in mondays}
    bars = pd.DataFrame([{"week": names[w.monday], "away": w.away} for w in weeks])
    axis = alt.Axis(labelAngle=0, labelOverlap=True, labelLimit=90, labelColor=INK)
    x = alt.X("week:N", sort=list(names.values()), scale=alt.Scale(domain=list(names.values())), title=None, axis=axis)
    scale = alt.Scale(domain=[0, 7.5 if marks else 5])
    y = alt.Y("away:Q", title=None, scale=scale, axis=alt.Axis(values=[0, 1, 2, 3, 4, 5], labelColor=INK))
    # A week without a bar is a week without a day away only if it is recorded: missing is not well.
    known = {w.monday for w in weeks if w.recorded}
    blank = pd.DataFrame([{"week": names[monday], "at": 0.4} for monday in mondays if monday not in known])
    layers = [alt.Chart(bars).mark_bar(color="#0b6b61").encode(x=x, y=y)]
    if len(blank):
        layers.append(alt.Chart(blank).mark_text(text="–", color=INK, size=16).encode(x=x, y=alt.Y("at:Q")))
    shown = [one for one in marks if one.monday in names]
    if shown:
        kinds = {"done": _("Something was done"), "on": _("On the list"), "off": _("Off the list")}
        signs = pd.DataFrame(
            [{"week": names[one.monday], "what": kinds[one.kind], "at": {"done": 6, "on": 7, "off": 7}[one.kind]}
             for one in shown]
        )  # fmt: skip
        there = [kinds[kind] for kind in kinds if any(one.kind == kind for one in shown)]
        shapes = {"done": "diamond", "on": "triangle-up", "off": "triangle-down"}
        scale = alt.Scale(domain=there, range=[shapes[kind] for kind in kinds if kinds[kind] in there])
        legend = alt.Legend(title=None, orient="top", labelLimit=260, direction="vertical", labelColor=INK)
        layers.append(
            alt.Chart(signs)
            .mark_point(size=110, filled=True, color=INK, opacity=1)
            .encode(x=x, y=alt.Y("at:Q"), shape=alt.Shape("what:N", scale=scale, legend=legend))
        )
    return alt.layer(*layers).properties(height=280)


def spoken(who, weeks, marks):
    """The chart in words."""
    _ = who.say
    said = [_("Days away by week, {n} weeks.", n=len(weeks))]
    said += [f"{page.day(who, w.monday)}: {w.away}" for w in weeks if w.away]
    said += [getattr(one.said, who.language) for one in marks]
    return "; ".join(said)


def looked(who, found):
    _, looks = who.say, found.looks
    with st.container(border=True):
        st.header(_("Who has looked at this record"))
        if looks.latest is None:
            st.write(_("Nobody before you."))
            return
        when = page.day(who, looks.latest.at.astimezone(BANGKOK).date())
        st.write(_("Times: {n}. The latest: {name}, {day}.", n=looks.count, name=looks.latest.name, day=when))
        if looks.all:
            with st.expander(_("All of them")):
                rows = [
                    [page.day(who, one.at.astimezone(BANGKOK).date()), one.name,
                     f"{record.look_words(one.what, who.language)} ({one.reason})"]
                    for one in looks.all
                ]  # fmt: skip
                page.sheet([_("Day"), _("Name"), _("What and by what right")], rows)


def files(who, key):
    _ = who.say
    with st.container(border=True):
        st.header(_("Paper and files"))
        parts = {part: _(words) for part, words in paper.PARTS.items()}
        chosen = st.multiselect(
            _("What is printed"), list(parts), default=list(paper.PRINTED), format_func=parts.get,
            key=f"parts-{key}-{who.language}", placeholder=_("Choose what is printed"),
        )  # fmt: skip
        query = escape(urlencode({"child": key, "fields": ",".join(chosen)}))
        html(
            f'<p><a href="/export/child.pdf?{query}" target="_self">{escape(_("Print (PDF)"))}</a></p>'
            f'<p class="small">{escape(_("For a change of school"))}: '
            f'<a href="/export/child.json?child={key}" target="_self">JSON</a> · '
            f'<a href="/export/child.csv?child={key}" target="_self">CSV</a></p>'
        )


def nobody(who, said):
    st.title(who.say("Child"))
    st.info(said)
    st.page_link("views/lists.py", label=who.say("To the list"))
    st.stop()


who = page.here()
run = page.run_now(who)
_ = who.say
key = st.query_params.get("child", "")
if not key:
    nobody(who, _("Choose a child on the list first."))
learner = learner_of(run.folder.parents[1], key)
found = None
if learner is None:
    page.note(who, "read_child_refused", about=f"run {run.id}, key {key[:40]}", reason="no such child")
else:
    found, decision = record.record(
        run, ground().store, ground().settings, who.person, learner, ground().accounts.people
    )
    page.note(
        who, "read_child" if found else "read_child_refused", learner_id=learner, about=f"run {run.id}",
        reason=decision.reason,
    )  # fmt: skip
if found is None:
    nobody(who, _("This child is not among those you look after, or is no longer on the school's list."))
heading(who, found)
strengths(who, found)
stands_out(who, run, found)
done(who, found, key)
case_panel.case_of(who, found.place, key)
case_panel.opinion_of(who, found.place, found.child, run.id)
attendance(who, found)
results(who, found)
growth(who, found)
home(who, found)
schools(who, found)
weeks(who, found)
looked(who, found)
files(who, key)
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
st.page_link("views/lists.py", label=_("To the list"))
