"""Lists: the children who need someone, the greatest need first, and beside them those who cannot be estimated."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard import page, roster
from raksa.access import sees_score

PER_PAGE = 20
NAMES_SHOWN = 100
GAPS_SHOWN = 6


def choose(who, run):
    """The filters, each only where there is something to choose."""
    _ = who.say
    area = school = place = ""
    areas = {c.id: c.name for c in roster.areas(run, who.person)}
    with st.grid(min_column_width=150):
        if len(areas) > 1:
            area = page.pick(who, _("Area"), areas, _("All areas"), "area")
        schools = {c.id: c.name for c in roster.schools(run, who.person, roster.Filters(area=area))}
        if len(schools) > 1:
            school = page.pick(who, _("School"), schools, _("All schools"), "school")
        classes = {f"{grade}|{room}": "/".join(filter(None, (grade, room)))
                   for grade, room in roster.classes(run, who.person, school)}  # fmt: skip
        if len(classes) > 1:
            place = page.pick(who, _("Class"), classes, _("All classes"), "class")
        family = page.pick(who, _("Reason"), roster.families(who.language), _("All reasons"), "family")
        search = st.text_input(_("Search by name"), key="search")
    everyone = st.toggle(_("Show all children, not only the list"), key="everyone")
    grade, _bar, room = place.partition("|")
    return roster.Filters(
        area=area, school=school, grade=grade, room=room, family=family, search=search, listed_only=not everyone
    )


def promised(who, run, filters):
    """What the list promises and misses; a teacher reads how many children need someone, and no estimate."""
    _ = who.say
    of = roster.promise(run, who.person, filters)
    if not sees_score(who.person):
        st.markdown(_("**{n}** children in your classes need someone now.", n=of.listed))
        return
    day = page.day(who, run.horizon)
    on = roster.about(of.expected_on_list or 0, who.language, of.on_list)
    off = roster.about(of.expected_off_list or 0, who.language, of.off_list)
    said = [
        _("Of these **{n}** children, **{on}** would leave school by {day}.", n=of.listed, on=on, day=day)
        if of.listed
        else _("No child of this choice is on a list."),
        _("**{off}** who would leave are not on the list.", off=off.capitalize()),
    ]
    if of.capacity:
        said.append(_("The schools here can see to {capacity} children.", capacity=of.capacity))
    if of.on_list:
        said.append(_("The true number lies within the brackets nine times in ten."))
    st.markdown(" ".join(said))


def show(who, run, filters):
    _ = who.say
    count = roster.how_many(run, who.person, filters)
    if not count:
        st.info(_("No child fits this choice."))
        return
    pages = -(-count // PER_PAGE)
    at = st.pagination(pages, key=f"page-{filters}") if pages > 1 else 1
    shown = roster.Filters(**{**vars(filters), "top": PER_PAGE, "skip": (at - 1) * PER_PAGE})
    page.note(who, "read_list", about=f"run {run.id}, {shown}", reason=who.person.role)
    for child in roster.children(run, who.person, shown):
        card(who, run, child)


def card(who, run, child):
    """One child: name, class, what is needed and why. No colour, and for a teacher no number."""
    _ = who.say
    with st.container(border=True):
        place = " · ".join(filter(None, (child.class_name, child.school)))
        reasons = page.sentences(getattr(reason, who.language) for reason in child.reasons)
        chance = ""
        if child.risk is not None:
            chance = _("Estimated chance of leaving by {day}: about {n}%",
                       day=page.day(who, run.horizon), n=max(1, round(100 * child.risk)))  # fmt: skip
        st.html(
            f'<div class="raksa"><h2>{escape(child.name)}</h2><p class="small">{escape(place)}</p>'
            f'{reasons if child.reasons else ""}<p class="small">{escape(chance)}</p></div>'
        )
        if st.button(_("Open"), key=f"open-{child.key}"):
            st.session_state["learner"] = child.learner_id
            st.switch_page("views/child.py")


def unscored(who, run, filters):
    """The other list: who cannot be estimated, why, and whose turn it is."""
    _ = who.say
    found = roster.gaps(run, who.person, filters)
    st.header(_("Cannot be estimated"))
    if not found:
        st.caption(_("Every child of this choice could be estimated."))
        return
    total = sum(gap.learners for gap in found)
    st.caption(_("Not being on the list does not mean these {n} children are fine.", n=total))
    # Names only where they can be read: by school, not 60,000 of an area whose attendance has not arrived.
    children = roster.cannot_score(run, who.person, filters) if total <= NAMES_SHOWN else []
    for gap in found[:GAPS_SHOWN]:
        with st.container(border=True):
            why, turn = (getattr(gap, f"{what}_{who.language}") for what in ("why", "turn"))
            st.html(
                f'<div class="raksa"><h3>{escape(gap.school or "")}: {escape(_("{n} children", n=gap.learners))}</h3>'
                f"<p>{escape(why)}</p><p><b>{escape(_('Whose turn'))}</b>: {escape(turn)}</p></div>"
            )
            if children:
                with st.expander(_("Names")):
                    mine = [u.child for u in children if (u.child.school_id, u.code) == (gap.school_id, gap.code)]
                    names = page.sentences(f"{child.name} ({child.class_name})" for child in mine)
                    st.html(f'<div class="raksa">{names}</div>')
    if len(found) > GAPS_SHOWN:
        st.caption(_("and {n} more; choose a school to see them.", n=len(found) - GAPS_SHOWN))
    if not children:
        st.caption(_("Choose a school or a class to see the names."))


def exports(who, filters):
    _ = who.say
    asked = {name: getattr(filters, name) for name in ("area", "school", "grade", "room", "family", "search")}
    asked["all"] = "" if filters.listed_only else "1"
    query = urlencode({name: value for name, value in asked.items() if value})
    links = " · ".join(
        f'<a href="/export/list.{kind}?{escape(query)}" target="_self">{escape(said)}</a>'
        for kind, said in (("xlsx", _("Excel file")), ("csv", _("CSV file")))
    )
    st.html(f'<div class="raksa"><p>{escape(_("This list as a file"))}: {links}</p></div>')


def by_school(who, run):
    """Officers: every school in one table, with what its list promises and misses."""
    _ = who.say
    with st.expander(_("Schools in numbers")):
        page.counts_table(who, roster.schools(run, who.person), _("School"))


who = page.here()
run = page.run_now(who)
_ = who.say
st.title(_("Children who need someone"))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
filters = choose(who, run)
promised(who, run, filters)
if sees_score(who.person):
    by_school(who, run)
left, right = st.columns([2, 1], gap="large")
with left:
    show(who, run, filters)
    exports(who, filters)
with right:
    unscored(who, run, filters)
