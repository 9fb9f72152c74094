"""Plan: afternoons chosen, homes put in order, changed by hand, printed, and the filled-in sheet taken back."""

from datetime import time, timedelta
from html import escape
from math import cos, log2, radians

import pydeck as pdk
import streamlit as st

from care.family_hours import WEEKDAYS, Hours, in_words
from care.visit_paper import date_words
from dashboard import page, planning
from dashboard.ground import ground, now
from dashboard.language import refusal
from raksa.access import sees_learners
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway

TIMES = [time(hour, half) for hour in range(8, 20) for half in (0, 30)]
AHEAD = 14  # days from today that can be chosen
INK, TEXT = [11, 107, 97], [28, 43, 41]


def choose(held):
    """What a plan is asked for; begins with what was asked last."""
    was = held.choices if held else planning.Choices("", ())
    days = [today + timedelta(n) for n in range(AHEAD)]
    first = {
        "days": [day for day in was.days if day in days], "start": was.start, "end": was.end,
        "minutes": was.minutes, "teams": was.teams, "top": was.top, "also": list(was.also),
    }  # fmt: skip
    for name, value in first.items():
        st.session_state.setdefault(f"plan-{name}", value)
    school = next(iter(schools))
    if len(schools) > 1:
        st.session_state.setdefault("plan-school", was.school)
        school = page.pick(who, _("School"), schools, _("Choose a school"), "plan-school")
        if not school:
            return
    st.pills(
        _("Days to go"), days, format_func=lambda day: date_words(day, language).rpartition(" ")[0],
        selection_mode="multi", key="plan-days",
    )  # fmt: skip
    with st.grid(min_column_width=150):
        st.time_input(_("Leave school from"), step=timedelta(minutes=15), key="plan-start")
        st.time_input(_("Back at school by"), step=timedelta(minutes=15), key="plan-end")
        st.number_input(_("Minutes a visit"), 5, 240, step=5, key="plan-minutes")
        st.number_input(_("Pairs that go"), 1, planning.MOST_TEAMS, key="plan-teams")
        st.number_input(_("Children, by need"), 0, planning.MOST_HOMES, key="plan-top")
    more = {one.key: f"{one.name} {one.class_name}" for one in planning.beside(run, people, who.person, school, today)}
    st.session_state["plan-also"] = [key for key in st.session_state["plan-also"] if key in more]
    st.multiselect(
        _("Also these children"), list(more), format_func=lambda key: more.get(key, ""), key="plan-also",
        placeholder=_("Nobody besides"),
    )  # fmt: skip
    st.caption(_("By need: children of the list about whom nobody has written anything come first."))
    listed = planning.by_need(run, people, who.person, school, today)[: st.session_state["plan-top"]]
    hours = families({one.key: one.name for one in listed} | {key: more[key] for key in st.session_state["plan-also"]})
    if st.button(_("Make the plan"), type="primary"):
        asked = {name: st.session_state[f"plan-{name}"] for name in first}
        asked |= {"days": tuple(sorted(asked["days"])), "also": tuple(asked["also"]), "hours": hours}
        try:
            with st.spinner(_("Looking for a good order")):
                made = planning.make(
                    run, store, people, who.person, planning.Choices(school, **asked), now(), today,
                    ground().settings.seed,
                )  # fmt: skip
        except PeopleAway:
            raise
        except RaksaError as wrong:
            st.error(refusal(_, wrong))
            return
        planning.keep(store.home, who.person, made)
        st.rerun()


def families(homes):
    """What families asked, one home at a time: the hours of all those at home, key → hours."""
    hours = held.choices.hours if held else st.session_state.setdefault("plan-hours", {})
    if not homes:
        st.info(_("Nobody is chosen yet: of the list there is no child here. Lists says who could not be estimated."))
        return hours
    with st.expander(_("When families can be visited")):
        key = page.pick(who, _("Whose home"), homes, _("Choose a child"), "plan-family")
        if key:
            asked = hours.get(key, Hours())
            for name, value in vars(asked).items():
                st.session_state[f"plan-{name}"] = value
            ends = sorted({*TIMES, asked.earliest, asked.latest} - {None})
            before = [at for at in ends if not asked.latest or at < asked.latest]
            after = [at for at in ends if not asked.earliest or at > asked.earliest]
            told = {"on_change": heard, "args": (hours, key)}
            at = {"index": None, "format_func": clock, "placeholder": _("Any time"), **told}
            with st.grid(min_column_width=150):
                st.selectbox(_("Not before"), before, key="plan-earliest", **at)
                st.selectbox(_("To be over by"), after, key="plan-latest", **at)
            st.pills(
                _("Not on these days"), range(7), selection_mode="multi", key="plan-not_on", **told,
                format_func=lambda day: WEEKDAYS[day][0 if language == "th" else 2],
            )  # fmt: skip
            st.checkbox(_("This home first"), key="plan-first", **told)
        page.facts((name, in_words(hours[key], language)) for key, name in homes.items() if key in hours)
        st.caption(_("Counts when the plan is made. Of a plan that stands it is said what no longer holds."))
    return hours


def heard(hours, key):
    """A family's hours were changed: kept with the plan, or until there is one."""
    said = {name: st.session_state[f"plan-{name}"] for name in vars(Hours())}
    asked = Hours(**said | {"not_on": tuple(sorted(said["not_on"]))})
    if held:
        planning.keep_hours(store.home, who.person, {key: asked})
    elif asked == Hours():
        hours.pop(key, None)
    else:
        hours[key] = asked


def show(held):
    try:
        found = planning.shown(run, store, who.person, held, language)
    except RaksaError as wrong:  # since then a list of schools without this one's position was imported
        st.info(refusal(_, wrong))
        return
    plan = found.plan
    page.note(who, "read_plan", about=f"run {run.id}, {len(found.children)} children", reason=who.person.role)
    st.header(_("The plan"))
    if len(schools) > 1:
        st.write(plan.school.name)
    st.write(_("Visits: {n}. Not in the plan: {left}. In all {km} km.",
               n=plan.visits, left=len(plan.left_out), km=f"{plan.km:.1f}"))  # fmt: skip
    st.caption(_("Made on {day}.", day=page.moment(who, held.at)))
    if plan.broken:
        st.warning(
            _("This order does not hold: {what}", what=" · ".join(getattr(one, language) for one in plan.broken))
        )
    files()
    number = 1
    for round in plan.rounds:
        st.subheader(" · ".join([date_words(round.day.on, language), *round.team.members]))
        if not round.stops:
            st.caption(_("No visits on this day."))
            continue
        st.caption(_("Leave at {start}, back at {end}, {km} km.",
                     start=clock(round.leaves), end=clock(round.back), km=f"{round.km:.1f}"))  # fmt: skip
        lines = "".join(stop_line(stop, found) for stop in round.stops)
        st.html(f'<div class="raksa"><ol start="{number}">{lines}</ol></div>')
        number += len(round.stops)
    if any(stop.placed for round in plan.rounds for stop in round.stops):
        st.caption(_("~ means that the position is not known: call before going."))
    if plan.notes:
        said = page.sentences(th if language == "th" else en for th, en in plan.notes)
        st.html(f'<div class="raksa small">{said}</div>')
    if plan.left_out:
        st.subheader(_("Not in the plan yet"))
        page.facts((found.people[out.home.key].name, planning.why_not(out, language)) for out in plan.left_out)
    on_map(plan)
    by_hand(held, found)


def stop_line(stop, found):
    """A visit: when, whom, where, how far from the last, whom to call."""
    who_is = found.people[stop.home.key]
    where = f"{'~ ' if stop.placed else ''}{who_is.address or stop.home.where or _('not known')}"
    way = _("{km} km, {n} min", km=f"{stop.km:.1f}", n=stop.travel)
    doubt = stop.doubt[0 if language == "th" else 1] if stop.doubt else ""
    said = escape(" · ".join(filter(None, (who_is.class_name, where, doubt, way, who_is.guardian))))
    call = "".join(letter for letter in who_is.phone if letter.isdigit() or letter == "+")
    phone = f' · <a href="tel:{call}">{escape(who_is.phone)}</a>' if call else ""
    return (
        f"<li>{clock(stop.begins)}–{clock(stop.ends)} "
        f'<a href="/child?child={stop.home.key}" target="_self">{escape(who_is.name)}</a>'
        f'<br><span class="small">{said}{phone}</span></li>'
    )


def clock(at):
    return f"{at:%H:%M}"


def files():
    links = " · ".join(
        f'<a href="/export/visits.{kind}" target="_self">{escape(said)}</a>'
        for kind, said in (("pdf", _("Plan and sheets to print (PDF)")), ("xlsx", _("Sheet to fill in (Excel)")),
                           ("ics", _("Calendar, without names")))
    )  # fmt: skip
    st.html(f'<div class="raksa"><p>{links}</p></div>')


def on_map(plan):
    placed = [stop for round in plan.rounds for stop in round.stops if stop.placed != "school"]
    if not placed:
        return
    st.subheader(_("Visits on a map"))
    st.caption(_("The digits are the numbers of the visits; the full dot is the school. The list above says the same."))
    st.pydeck_chart(deck(plan), alt=_("The list above says the same."), height=380)


def deck(plan):
    """Points and digits; letters of Thai would come out as boxes in the map's own text."""
    school, marks, ways, number = [plan.school.longitude, plan.school.latitude], {}, [], 0
    for round in plan.rounds:
        spots = [(stop.longitude, stop.latitude) for stop in round.stops]
        ways.append({"way": [school, *map(list, spots), school]})
        for spot in spots:
            number += 1
            marks.setdefault(spot, []).append(str(number))  # homes placed at one spot share a dot
    # One number stands in its dot, several beside theirs.
    rows = [
        {"at": list(at), "digits": ", ".join(digits), "beside": [0 if len(digits) == 1 else 18, 0],
         "anchor": "middle" if len(digits) == 1 else "start"}
        for at, digits in marks.items()
    ]  # fmt: skip
    lines = pdk.Layer("PathLayer", ways, get_path="way", get_color=[*INK, 140], width_min_pixels=2)
    depot = pdk.Layer(
        "ScatterplotLayer", [{"at": school}], get_position="at", get_radius=9, radius_units="'pixels'",
        get_fill_color=TEXT,
    )  # fmt: skip
    points = pdk.Layer(
        "ScatterplotLayer", rows, get_position="at", get_radius=12, radius_units="'pixels'",
        get_fill_color=[255, 255, 255], get_line_color=INK, line_width_min_pixels=2, stroked=True,
    )  # fmt: skip
    digits = pdk.Layer(
        "TextLayer", rows, get_position="at", get_text="digits", get_size=13, get_color=TEXT,
        get_text_anchor="anchor", get_pixel_offset="beside",
    )  # fmt: skip
    view = view_of([school, *marks])
    # An empty style of our own; with none at all Streamlit asks a company abroad for one.
    style = ground().settings.map_style_url or "/app/static/map/empty.json"
    return pdk.Deck([lines, depot, points, digits], initial_view_state=view, map_style=style, tooltip=False)


def view_of(spots):
    """Where the map begins: all spots, also on a telephone 300 pixels wide. The world is 512 pixels at zoom 0."""
    east, north = zip(*spots, strict=True)
    middle = (max(north) + min(north)) / 2
    wide, high = max(east) - min(east), (max(north) - min(north)) / cos(radians(middle))
    zoom = log2(360 * 300 / 512 / max(wide, high, 0.005)) - 0.3
    return pdk.ViewState(longitude=(max(east) + min(east)) / 2, latitude=middle, zoom=zoom)


def by_hand(held, found):
    """One home at a time: a telephone has no room for three buttons beside each name."""
    st.subheader(_("Change the order by hand"))
    homes = {key: one.name for key, one in found.people.items()}
    rounds = {
        str(at): " · ".join([date_words(round.day.on, language), *round.team.members])
        for at, round in enumerate(found.plan.rounds)
    }
    with st.grid(min_column_width=250):
        key = page.pick(who, _("Whose visit"), homes, _("Choose a child"), "plan-move")
        to = page.pick(who, _("To which day"), rounds, _("Choose a day"), "plan-to")
    changed = None
    with st.container(horizontal=True):
        if st.button(_("Earlier"), disabled=not key):
            changed = planning.moved(held, key, by=-1)
        if st.button(_("Later in the day"), disabled=not key):
            changed = planning.moved(held, key, by=1)
        if st.button(_("To that day"), disabled=not (key and to)):
            changed = planning.moved(held, key, to=int(to))
        if st.button(_("Take out"), disabled=not key):
            changed = planning.moved(held, key)
    if changed:
        planning.keep(store.home, who.person, changed)
        st.rerun()


def come_back():
    st.header(_("The filled-in sheet comes back"))
    st.write(_("Each filled-in row becomes a visit, as if written on the telephone. A row sent twice counts once."))
    file = st.file_uploader(_("Filled-in Excel sheet"), type=["xlsx", "ods", "csv"], key="plan-sheet")
    if file is not None and st.button(_("Hand in these visits"), type="primary"):
        try:
            st.session_state["plan-report"] = planning.take_back(
                run, store, people, who.person, file.name, file.getvalue(), now()
            )
        except PeopleAway:
            raise
        except RaksaError as wrong:
            st.session_state.pop("plan-report", None)
            st.error(refusal(_, wrong))
    report = st.session_state.get("plan-report")
    if report is None:
        return
    st.info(_("Written: {n}. Handed in before: {same}. Not filled in: {empty}. To mend: {wrong}.",
              n=report.written, same=report.same, empty=report.unfilled, wrong=len(report.refused)))  # fmt: skip
    if report.refused:
        page.facts((_("Line {n}", n=one.number), getattr(one, language)) for one in report.refused)
        said = escape(_("Rows to mend and send again (Excel)"))
        st.html(f'<div class="raksa"><p><a href="/export/visits-to-mend.xlsx" target="_self">{said}</a></p></div>')


def of_the_term():
    first, last = planning.term_of(today, ground().settings)
    st.header(_("Home visits of the term"))
    st.caption(_("From {first} to {last}; a second sheet has the columns of the poverty screening, with what a visit "
                 "says of them.", first=page.day(who, first), last=page.day(who, last)))  # fmt: skip
    said = escape(_("Record of home visits (Excel)"))
    st.html(f'<div class="raksa"><p><a href="/export/home-visits.xlsx" target="_self">{said}</a></p></div>')


who = page.here()
run = page.run_now(who)
_ = who.say
if not sees_learners(who.person):
    st.stop()
language = who.language
people, store, today = ground().accounts.people, ground().store, today_in_bangkok(now())
schools = planning.schools(run, who.person)
st.title(_("Plan visits"))
if not schools:
    st.info(_("This account opens no school."))
    st.stop()
held = planning.kept(store.home, who.person)
if held is not None and held.choices.school not in schools:
    held = None
choose(held)
if held is not None:
    show(held)
come_back()
of_the_term()
