"""Area: schools beside each other, a map, counts, who changes school next, contacts, visits to share,
weeks, the figures to report."""

import altair as alt
import pydeck as pdk
import streamlit as st

from care.contacts import last_contacts
from dashboard import areas, budget, page, roster
from dashboard.ground import ground, now
from dashboard.small_cells import SMALLEST_CELL
from raksa.access import sees_learners, sees_whole_cells
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError

MOST_SCHOOLS = 400  # of a whole country one area is chosen first
CHART_ROWS = 30
TRANSITION_ROWS = 40
INK, TEXT = "#0b6b61", "#1c2b29"


def number(value, decimals=0):
    return _("hidden") if value is None else f"{value:,.{decimals}f}"


def span(low, high, decimals=0):
    return f"({low:,.{decimals}f}–{high:,.{decimals}f})"


def choose():
    """The area, where there is more than one."""
    mine = {one.id: one.name for one in roster.areas(run, who.person)}
    if len(mine) > 1:
        return page.pick(who, _("Area"), mine, _("All areas"), "area")
    return next(iter(mine), "")


def compared(schools):
    st.header(_("Schools beside each other"))
    horizon = page.day(who, run.horizon)
    st.write(
        _("How many of each hundred children would be on no school's list by {day}, as far as they could be estimated. "
          "The line holds the true number at least nine times in ten; the mark is the estimate. Schools whose line "
          "begins highest come first, so that a small school is not first by chance.", day=horizon)
    )  # fmt: skip
    told = [one for one in schools if one.per_100]
    rows = [
        {"school": one.name, "low": one.per_100[1], "high": one.per_100[2], "share": one.per_100[0]}
        for one in told[:CHART_ROWS]
    ]
    if rows:
        st.altair_chart(interval_chart(rows), alt=_("The table below holds the same numbers."), width="stretch")
    if len(told) > CHART_ROWS:
        st.caption(_("The picture shows the first {n} schools; the table shows all.", n=CHART_ROWS))
    page.sheet(
        [_("School"), _("Children"), _("On the list"), _("Cannot be estimated"), _("Expected to leave"),
         _("of each 100")],
        [school_row(one) for one in schools],
    )  # fmt: skip


def interval_chart(rows):
    names = alt.Axis(labelLimit=220, labelPadding=6, labelFontSize=13, labelColor=TEXT)
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("school:N", sort=None, title=None, axis=names),
        tooltip=[
            alt.Tooltip("school:N", title=_("School")),
            alt.Tooltip("share:Q", title=_("of each 100"), format=".1f"),
            alt.Tooltip("low:Q", title=_("at least"), format=".1f"),
            alt.Tooltip("high:Q", title=_("at most"), format=".1f"),
        ],
    )
    line = base.mark_rule(strokeWidth=2, color=INK).encode(
        x=alt.X("low:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(labelFlush=True, tickCount=6)),
        x2="high:Q",
    )
    mark = base.mark_point(shape="diamond", size=70, filled=True, color=INK, opacity=1).encode(x="share:Q")
    return (line + mark).properties(height=40 + 24 * len(rows))


def school_row(one):
    if one.per_100 is None:
        why = _("hidden") if one.learners is None or one.listed is None else _("cannot be estimated")
        expected = share = why
    else:
        decimals = 1 if sees_whole_cells(who.person) else 0
        expected = f"{max(one.expected, 0):,.0f} {span(one.low, one.high)}"
        share = f"{one.per_100[0]:.{decimals}f} {span(one.per_100[1], one.per_100[2], decimals)}"
    return [one.name, number(one.learners), number(one.listed), number(one.not_scored), expected, share]


def on_map(schools):
    st.header(_("Map of schools"))
    placed = [one for one in schools if one.latitude is not None and one.longitude is not None]
    unplaced = [one.name for one in schools if one.latitude is None or one.longitude is None]
    st.write(
        _("The digits are the children on the list; the name comes on touching a place. ? means not known or "
          "hidden. The table holds the same.")
    )  # fmt: skip
    if placed:
        st.pydeck_chart(deck(placed), alt=_("The table below holds the same numbers."), height=420)
        page.sheet(
            [_("School"), _("On the list"), _("Cannot be estimated"), _("Position")],
            [[one.name, number(one.listed), number(one.not_scored), f"{one.latitude:.4f}, {one.longitude:.4f}"]
             for one in placed],
        )  # fmt: skip
    if unplaced:
        st.subheader(_("Schools whose position is not known"))
        st.html(f'<div class="raksa">{page.sentences(unplaced)}</div>')


def deck(placed):
    """Points and digits; letters of Thai would come out as boxes in the map's own text."""
    rows = [
        {"at": [one.longitude, one.latitude], "name": one.name,
         "digits": str(one.listed) if one.listed is not None and one.per_100 else "?"}
        for one in placed
    ]  # fmt: skip
    points = pdk.Layer(
        "ScatterplotLayer", rows, get_position="at", get_radius=1, radius_min_pixels=14, radius_max_pixels=14,
        get_fill_color=[255, 255, 255], get_line_color=[11, 107, 97], line_width_min_pixels=2, stroked=True,
        pickable=True,
    )  # fmt: skip
    digits = pdk.Layer("TextLayer", rows, get_position="at", get_text="digits", get_size=13, get_color=[28, 43, 41])
    view = pdk.data_utils.compute_view([row["at"] for row in rows], view_proportion=0.95)
    # An empty style of our own; with none at all Streamlit asks a company abroad for one.
    style = ground().settings.map_style_url or "/app/static/map/empty.json"
    return pdk.Deck([points, digits], initial_view_state=view, map_style=style, tooltip={"text": "{name}"})


def counted(area):
    st.header(_("Counts"))
    if not sees_whole_cells(who.person):
        st.caption(
            _("Numbers under {n} are hidden, and as many others as it takes that nobody can work them out.",
              n=SMALLEST_CELL)
        )  # fmt: skip
        if not area:
            st.info(_("Choose an area first."))
            return
    traits = {code: _(words) for code, words in areas.TRAITS.items()}
    with st.grid(min_column_width=150):
        rows = page.pick(who, _("Rows"), {c: w for c, w in traits.items() if c != "need"}, traits["grade"], "rows")
        rows = rows or "grade"
        others = {code: words for code, words in traits.items() if code != rows}
        default = "sex" if rows != "sex" else "need"
        columns = page.pick(who, _("Columns"), others, others[default], "columns") or default
        whom = "listed"
        if columns != "need":
            whoms = areas.needs(who.language)
            whom = page.pick(who, _("Whom to count"), whoms, whoms["listed"], "whom") or "listed"
    found = areas.cross(run, who.person, rows, columns, whom, area, who.language)
    heads = [traits[rows], *(name for _code, name in found.columns)]
    lines = [[name, *map(cell, found.row(at))] for at, (_code, name) in enumerate(found.rows)]
    totals = [] if found.row_totals is None else [_("Together")]
    page.sheet([*heads, *totals], [*lines, [_("Together"), *map(cell, found.together())]])
    if columns == "need":
        st.caption(_("A child can have several reasons, so the columns do not add up."))
    st.caption(_("– means that there are no such children there."))


def cell(one):
    value, there, estimated = one
    if not there:
        return "–"
    return number(value) if estimated or value is None else _("cannot be estimated")


def changing(area):
    st.header(_("Who changes school next"))
    st.write(
        _("Children in ป.6, ม.3 and ม.6 are taken in elsewhere after this year. Expected: of those who could be "
          "estimated, how many would be on no school's list by {day}.", day=page.day(who, run.horizon))
    )  # fmt: skip
    st.caption(_("The brackets hold the true number nine times in ten."))
    if not area and not sees_whole_cells(who.person):
        st.info(_("Choose an area first."))
        return
    found = areas.transitions(run, who.person, area, who.language)
    for grade in areas.LAST_GRADES:
        mine = [one for one in found if one.grade == grade]
        if not mine:
            continue
        st.subheader(grade)
        page.sheet(
            [_("School"), _("Children"), _("On the list"), _("Cannot be estimated"), _("Expected to leave")],
            [[one.school, number(one.learners), number(one.listed), number(one.not_scored), expectation(one)]
             for one in mine[:TRANSITION_ROWS]],
        )  # fmt: skip
        if len(mine) > TRANSITION_ROWS:
            st.caption(_("More schools, with fewer expected: {n}.", n=len(mine) - TRANSITION_ROWS))


def expectation(one):
    if one.expected is None:
        known = one.learners is not None and one.learners == one.not_scored
        return _("cannot be estimated") if known else _("hidden")
    said = _("fewer than one") if one.expected < 0.5 else f"{one.expected:,.0f}"
    return f"{said} {span(one.low, one.high)}"


def contacts(area):
    st.header(_("Contacts"))
    found = areas.contacted(run, ground().accounts.people, who.person, today_in_bangkok(now()), area)
    st.write(
        _("Of the children on the lists: whether anybody wrote down a visit, a call, a talk, a letter or a note in the "
          "last {n} days. What was done and not written down is not known.", n=areas.CONTACT_DAYS)
    )  # fmt: skip
    page.sheet(
        [_("School"), _("On the list"), _("With a contact"), _("Nobody has written anything")],
        [[one.school, number(one.listed), number(one.contacted), number(one.waiting)] if one.listed is not None
         else [one.school, _("cannot be estimated"), "–", "–"] for one in found],
    )  # fmt: skip


def visits(area):
    st.header(_("Visits to share"))
    st.write(
        _("need = estimated chance of leaving × what can still be changed × how long nobody has made contact. Every "
          "school first gets its floor; then each visit goes to the child with the greatest need not reached yet.")
    )  # fmt: skip
    page.facts(formula())
    with st.grid(min_column_width=150):
        money = st.number_input(_("Money for visits (baht)"), 0, 100_000_000, 20_000, 1_000, key="money")
        cost = st.number_input(_("Cost of one visit (baht)"), 1, 1_000_000, 200, 10, key="cost")
        floor = st.number_input(_("At least so many for each school"), 0, 1_000, 1, key="floor")
    rows = budget.needs(
        run, who.person, last_contacts(ground().accounts.people, who.person), today_in_bangkok(now()), area=area
    )
    try:
        shared = budget.share(run, who.person, rows, budget.visits_for(money, cost), floor)
    except RaksaError:
        st.info(_("There is not enough for that, or nobody here could be estimated. Lower the floor or the cost."))
        return
    st.subheader(_("What the visits reach"))
    page.facts(reached(shared))
    st.caption(
        _("The brackets hold the true number nine times in ten; counted up to {day}.", day=page.day(who, run.horizon))
    )
    st.subheader(_("Visits per school"))
    page.sheet(
        [_("School"), _("Visits"), _("Equal shares"), _("Children"), _("Cannot be estimated"),
         _("Expected to leave, visited"), _("One visit more"), _("One visit fewer")],
        [[one.name, number(one.visits), number(one.equal), number(one.children + one.not_scored),
          number(one.not_scored),
          _("cannot be estimated") if one.leavers is None else estimated(one.leavers, (one.low, one.high)),
          moved(one.one_more, shared), moved(one.one_fewer and -one.one_fewer, shared)] for one in shared.schools],
    )  # fmt: skip
    st.caption(
        _("One visit more or fewer: by how much the need reached would change, in hundredths of the whole need. "
          "A school where nobody can be estimated keeps its floor, to find out; the lists say whose turn it is.")
    )  # fmt: skip
    moving(shared)


def formula():
    """What the three parts mean."""
    return [
        (_("Estimated chance of leaving"),
         _("On no school's list by {day}; children who cannot be estimated have none.",
           day=page.day(who, run.horizon))),
        (_("What can still be changed"),
         _("From ½, where nothing that stands out is in anyone's hands, to 1. It is worked out for listed children; "
           "the others are taken as the mean of the listed.")),
        (_("How long nobody has made contact"),
         _("From ¼ on the day of a contact to 1 after 30 days; 1 where nobody ever wrote one down.")),
    ]  # fmt: skip


def reached(shared):
    whole = shared.need or 1
    own, equal = shared.promise, shared.equal_promise
    yield _("Visits: {n}", n=f"{shared.visits:,}"), _("As many whole visits as the money pays for.")
    yield (
        _("Of the whole need reached: {n}%", n=f"{100 * shared.reach / whole:.1f}"),
        _("Equal shares would reach {n}%. No sharing with this floor reaches more.",
          n=f"{100 * shared.equal_reach / whole:.1f}"),
    )  # fmt: skip
    if shared.floor:
        yield (
            _("What the floor costs: {n}%", n=f"{100 * (shared.free_reach - shared.reach) / whole:.1f}"),
            _("So much more of the need would be reached if no school had a floor."),
        )
    yield (
        _("Expected to leave, of those visited: {n}", n=estimated(own.on_list, own.on_list_between)),
        _("With equal shares: {n}.", n=estimated(equal.on_list, equal.on_list_between)),
    )
    yield (
        _("Expected to leave, of those not visited: {n}", n=estimated(own.off_list, own.off_list_between)),
        _("With equal shares: {n}.", n=estimated(equal.off_list, equal.off_list_between)),
    )


def moving(shared):
    st.subheader(_("Move one visit"))
    names = {one.id: one.name for one in shared.schools}
    with st.grid(min_column_width=220):
        giver = page.pick(who, _("From"), names, _("Choose a school"), "giver")
        taker = page.pick(who, _("To"), names, _("Choose a school"), "taker")
    if not (giver and taker) or giver == taker:
        return
    change = shared.move(giver, taker)
    if change is None:
        st.write(
            _("This visit cannot be moved: the first school has no more than its floor, or the other has nobody left "
              "who can be estimated.")
        )  # fmt: skip
        return
    st.write(_("The need reached would change by {n} hundredths of the whole need.", n=moved(change, shared)))


def estimated(expected, between):
    return f"{'< 1' if expected < 0.5 else f'{expected:,.0f}'} {span(*between)}"


def moved(change, shared):
    return "–" if change is None else f"{100 * change / (shared.need or 1):+.2f}"


def over_weeks(area):
    st.header(_("Week by week"))
    found = areas.weeks(run, who.person, area)
    st.write(_("Recorded: the share of the last four weeks' school days that have a mark, the mean over the children."))
    if len(found) > 1:
        for title, column in ((_("On the list"), "listed"), (_("Cannot be estimated"), "not_scored")):
            rows = [{"day": one.as_of.isoformat(), "n": getattr(one, column), "said": page.day(who, one.as_of)}
                    for one in found if getattr(one, column) is not None]  # fmt: skip
            if rows:
                st.subheader(title)
                st.altair_chart(week_chart(rows), alt=_("The table below holds the same numbers."), width="stretch")
    page.sheet(
        [_("As known on"), _("Children"), _("On the list"), _("Cannot be estimated"), _("Recorded")],
        [[page.day(who, one.as_of), number(one.learners), number(one.listed), number(one.not_scored),
          "–" if one.recorded is None else f"{100 * one.recorded:.0f}%"] for one in reversed(found)],
    )  # fmt: skip


def week_chart(rows):
    top = 1.3 * max(row["n"] for row in rows) + 1  # room for the digits above the marks
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("said:O", sort=alt.SortField("day"), title=None,
                axis=alt.Axis(labelAngle=0, labelLimit=140, labelOverlap=True, labelColor=TEXT)),
        y=alt.Y("n:Q", title=None, scale=alt.Scale(domain=[0, top]), axis=alt.Axis(tickMinStep=1, labelColor=TEXT)),
    )  # fmt: skip
    line = base.mark_line(color=INK, point=alt.OverlayMarkDef(shape="diamond", size=60, color=INK, filled=True))
    return (line + base.mark_text(dy=-12, fontSize=13, color=TEXT).encode(text="n:Q")).properties(height=180)


def reported(area):
    st.header(_("Figures to report"))
    figures = areas.report(run, ground().accounts.people, who.person, today_in_bangkok(now()), area, who.language)
    page.facts((f"{one.name}: {one.value}", f"{one.meaning} · {one.period}") for one in figures)
    st.subheader(_("To copy"))
    st.code(areas.as_text(figures, title(area)), language=None, wrap_lines=True)
    query = f"?area={area}" if area else ""
    st.html(f'<div class="raksa"><p><a href="/export/area.csv{query}" target="_self">{_("CSV file")}</a></p></div>')


def title(area):
    names = {one.id: one.name for one in roster.areas(run, who.person)}
    return f"{names.get(area) or _('All areas')} · {_('As known on {day}', day=page.day(who, run.as_of))}"


who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Area"))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
area = choose()
page.note(who, "read_counts", about=f"run {run.id}" + (f", area={area}" if area else ""), reason=who.person.role)
schools = areas.schools(run, who.person, area)
if not schools:
    st.info(_("This account may count no school."))
    st.stop()
if len(schools) > MOST_SCHOOLS:
    st.info(_("Choose an area first."))
    st.stop()
parts = {
    _("Schools beside each other"): lambda: compared(schools),
    _("Map"): lambda: on_map(schools),
    _("Counts"): lambda: counted(area),
    _("Change of school"): lambda: changing(area),
    **(
        {_("Contacts"): lambda: contacts(area), _("Visits to share"): lambda: visits(area)}
        if sees_learners(who.person)
        else {}
    ),
    _("Weeks"): lambda: over_weeks(area),
    _("Report"): lambda: reported(area),
}
for tab, show in zip(st.tabs(list(parts), on_change="rerun", key=f"part-{who.language}"), parts.values(), strict=True):
    if tab.open:
        with tab:
            show()
