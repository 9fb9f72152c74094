"""Lists: the children who need someone, the greatest need first, and beside them those who cannot be estimated.

Every choice stands in the address, so that a link opens the same view, and the files hold what the view shows.
"""

from dataclasses import replace
from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st

from dashboard import page, roster
from dashboard.ground import ground
from raksa.access import sees_score

CARDS, ROWS = 20, 100  # to a page
NAMES_SHOWN = 100
GAPS_SHOWN = 6
PICKED = ("area", "school", "class", "family", "sort", "cols")
SWITCHED = {"everyone": "all", "new": "new", "unwritten": "unwritten", "table": "view"}  # widget -> its word there
ON = {"view": "table"}  # what a switch says when it is on; the others say 1


def address(who):
    """Takes over the choices of an address that was opened: on arrival, and on the way back and forth. A click on the
    page counts more than the address, which may lag one click behind it."""
    asked, written = dict(st.query_params), st.session_state.get("lists-address")
    if "everyone" not in st.session_state:
        take(asked or written or {})
    elif asked != written and standing(who) == st.session_state.get("lists-standing"):
        take(asked)


def take(query):
    query = query | {"class": f"{query['grade']}|{query.get('room', '')}" if query.get("grade") else ""}
    for key in PICKED:
        st.session_state[key] = query.get(key, "")
        for language in page.LANGUAGES:
            st.session_state.pop(f"{key}-{language}", None)
    for key, word in SWITCHED.items():
        st.session_state[key] = query.get(word) == ON.get(word, "1")
    st.session_state["search"] = query.get("search", "")


def standing(who):
    """How the choices of the page stand."""
    return [st.session_state.get(key) for key in (*(f"{k}-{who.language}" for k in PICKED), *SWITCHED, "search")]


def keep(who, query):
    st.session_state["lists-address"] = query
    st.session_state["lists-standing"] = standing(who)
    st.query_params.from_dict(query)


def choose(who, run):
    """The filters, each only where there is something to choose, as an address writes them."""
    _ = who.say
    chosen = {}
    areas = {c.id: c.name for c in roster.areas(run, who.person)}
    with st.grid(min_column_width=150):
        if len(areas) > 1:
            chosen["area"] = page.pick(who, _("Area"), areas, _("All areas"), "area")
        here = roster.Filters(area=chosen.get("area", ""))
        schools = {c.id: c.name for c in roster.schools(run, who.person, here)}
        if len(schools) > 1:
            chosen["school"] = page.pick(who, _("School"), schools, _("All schools"), "school")
        places = classes(run, who, chosen.get("school", ""), rooms=len(schools) == 1 or bool(chosen.get("school")))
        if len(places) > 1:
            place = page.pick(who, _("Class"), places, _("All classes"), "class")
            chosen["grade"], _bar, chosen["room"] = place.partition("|")
        chosen["family"] = page.pick(who, _("Reason"), roster.families(who.language), _("All reasons"), "family")
        others = {sort: _(said) for sort, said in roster.SORTS.items() if sort != "need"}
        chosen["sort"] = page.pick(who, _("Order"), others, _("Need"), "sort")
        chosen["search"] = st.text_input(_("Search by name"), key="search")
    with st.grid(min_column_width=250):
        for key, said in (
            ("new", _("New this week")),
            ("unwritten", _("Nobody has written anything")),
            ("everyone", _("Show all children, not only the list")),
            ("table", _("As a table")),
        ):
            if st.toggle(said, key=key):
                chosen[SWITCHED[key]] = ON.get(SWITCHED[key], "1")
    return {word: value for word, value in chosen.items() if value}


def classes(run, who, school, rooms):
    """Grades, and under each its rooms where one school is looked at."""
    found = {}
    for grade, room in roster.classes(run, who.person, school):
        found.setdefault(f"{grade}|", grade)
        if room and rooms:
            found[f"{grade}|{room}"] = f"{grade}/{room}"
    return found


def columns(who):
    """The columns of the table and of the files, as an address writes them; "" for the usual ones."""
    _ = who.say
    usual, held = list(roster.usual_columns(who.person)), st.session_state.get("cols", "")
    found = st.multiselect(
        _("Columns of the table and of the files"),
        roster.columns_for(who.person),
        default=list(roster.columns_asked(who.person, {"cols": held})) if held else usual,
        format_func=lambda column: _(roster.COLUMNS[column]),
        placeholder=_("All columns"),
        key=f"cols-{who.language}",
    )
    st.session_state["cols"] = "" if found == usual else ",".join(found)
    return st.session_state["cols"]


def promised(who, run, filters):
    """What the list promises and misses; a teacher reads how many children need someone, and no estimate."""
    _ = who.say
    of = roster.promise(run, who.person, filters)
    if not sees_score(who.person):
        st.markdown(_("Children of your classes who need someone now: **{n}**", n=of.listed))
        return
    day = page.day(who, run.horizon)
    on = roster.about(of.expected_on_list or 0, who.language, of.on_list)
    off = roster.about(of.expected_off_list or 0, who.language, of.off_list)
    said = [
        _("Children on the list: **{n}**. Of these **{on}** would leave school by {day}.", n=of.listed, on=on, day=day)
        if of.listed
        else _("No child of this choice is on a list."),
        _("Not on the list, and would leave: **{off}**.", off=off),
    ]
    if of.capacity:
        said.append(_("Children the schools here can see to: {capacity}.", capacity=of.capacity))
    if of.on_list:
        said.append(_("The true number lies within the brackets nine times in ten."))
    st.markdown(" ".join(said))


def show(who, run, filters, wanted, as_table):
    _ = who.say
    count = roster.how_many(run, who.person, filters)
    if not count:
        st.info(_("No child fits this choice."))
        return
    per_page = ROWS if as_table else CARDS
    pages = -(-count // per_page)
    at = st.pagination(pages, key=f"page-{filters}-{as_table}") if pages > 1 else 1
    shown = replace(filters, top=per_page, skip=(at - 1) * per_page)
    page.note(who, "read_list", about=f"run {run.id}, {shown}", reason=who.person.role)
    found = roster.children(run, who.person, shown)
    if as_table:
        table(who, found, wanted)
    else:
        # One block: Streamlit takes as long for each card of its own as for all of them together.
        page.html("".join(card(who, run, child) for child in found))


def card(who, run, child):
    """One child: name, class, what is needed and why. No colour, and for a teacher no number."""
    _ = who.say
    place = " · ".join(filter(None, (child.class_name, child.school, _("New this week") if child.new else "")))
    reasons = page.sentences(getattr(reason, who.language) for reason in child.reasons) if child.reasons else ""
    chance = ""
    if child.risk is not None:
        chance = _("Estimated chance of leaving by {day}: about {n}%",
                   day=page.day(who, run.horizon), n=max(1, round(100 * child.risk)))  # fmt: skip
    return (
        f'<section class="card"><h2><a href="/child?child={child.key}" target="_self">{escape(child.name)}</a></h2>'
        f'<p class="small">{escape(place)}</p>{reasons}<p class="small">{escape(chance)}</p></section>'
    )


def table(who, found, wanted):
    """The same in lines; the name first, since it leads to the child."""
    order = ["name", *(c for c in wanted if c != "name")]
    shown = roster.as_table(found, order, who.language)
    rows = [["" if cell is None else str(cell) for cell in row] for row in shown.itertuples(index=False)]
    page.sheet(list(shown.columns), rows, [f"/child?child={child.key}" for child in found])


def unscored(who, run, filters):
    """The other list: who cannot be estimated, why, and whose turn it is."""
    _ = who.say
    found = roster.gaps(run, who.person, filters)
    st.header(_("Cannot be estimated"))
    if not found:
        st.caption(_("Every child of this choice could be estimated."))
        return
    total = sum(gap.learners for gap in found)
    st.caption(
        _("Children who cannot be estimated: {n}. Not being on the list does not mean that all is well.", n=total)
    )
    # Names only where they can be read: by school, not 60,000 of an area whose attendance has not arrived.
    children = roster.cannot_score(run, who.person, filters) if total <= NAMES_SHOWN else []
    page.html("".join(gap_card(who, gap, children) for gap in found[:GAPS_SHOWN]))
    if len(found) > GAPS_SHOWN:
        st.caption(_("and {n} more; choose a school to see them.", n=len(found) - GAPS_SHOWN))
    if not children:
        st.caption(_("Choose a school or a class to see the names."))


def gap_card(who, gap, children):
    """A school's children without an estimate for one reason; their names where they are given."""
    _ = who.say
    why, turn = (getattr(gap, f"{what}_{who.language}") for what in ("why", "turn"))
    mine = [u.child for u in children if (u.child.school_id, u.code) == (gap.school_id, gap.code)]
    names = page.sentences(f"{child.name} ({child.class_name})" for child in mine)
    return (
        f'<section class="card"><h3>{escape(gap.school or "")}</h3>'
        f'<p class="small">{escape(_("Children: {n}", n=gap.learners))}</p>'
        f"<p>{escape(why)}</p><p><b>{escape(_('Whose turn'))}</b>: {escape(turn)}</p>"
        + (page.folded(_("Names"), names) if mine else "")
        + "</section>"
    )


def exports(who, query, wanted):
    """What is shown as a file, and as a link."""
    _ = who.say
    asked = escape(urlencode(query | {"cols": ",".join(wanted)}, safe=","))
    links = " · ".join(
        f'<a href="/export/list.{kind}?{asked}" target="_self">{escape(said)}</a>'
        for kind, said in (("xlsx", _("Excel file")), ("csv", _("CSV file")), ("pdf", _("PDF file")))
    )
    page.html(f"<p>{escape(_('This list as a file'))}: {links}</p>")
    link = page.opened(_("A link to this view"), "link")
    if link.open:
        here = urlsplit(st.context.url or "")._replace(query=urlencode(query, safe=","), fragment="").geturl()
        link.code(here, language=None, wrap_lines=True)
        link.caption(_("Whoever opens it signs in first, and sees of it what is hers or his to see."))


def by_school(who, run):
    """Officers: every school in one table, with what its list promises and misses."""
    _ = who.say
    numbers = page.opened(_("Schools in numbers"), "numbers")
    if numbers.open:
        with numbers:
            page.counts_table(who, roster.schools(run, who.person), _("School"))


who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Children who need someone"))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
address(who)
query = choose(who, run)
folded = page.opened(_("Columns"), "columns")
with folded:
    cols = columns(who) if folded.open else st.session_state.get("cols", "")
query |= {"cols": cols} if cols else {}
keep(who, query)
filters = roster.asked(run, who.person, query, ground().accounts.people)
wanted = roster.columns_asked(who.person, query) if cols else roster.usual_columns(who.person)
promised(who, run, filters)
if sees_score(who.person):
    by_school(who, run)
left, right = st.columns([2, 1], gap="large")
with left:
    show(who, run, filters, wanted, as_table=query.get("view") == "table")
    exports(who, query, wanted)
with right:
    unscored(who, run, filters)
