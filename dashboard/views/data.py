"""Data: how good it is, what was imported, rows to mend, learners who may be one child, the record a child brings from
another school, children on no list."""

from datetime import datetime
from html import escape

import streamlit as st

from dashboard import data, page
from dashboard.ground import current_run, ground, now
from dashboard.keys import key_of
from dashboard.language import N_, refusal
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway
from register.linkage import FIELDS
from register.whereabouts import DEFINITIONS

MEASURES_SHOWN = 60
PAIRS_SHOWN = 20
CHILDREN_SHOWN = 100
FIELD_NAMES = dict(
    zip(
        FIELDS,
        (
            N_("First name"),
            N_("Family name"),
            N_("Birth date"),
            N_("Sex"),
            N_("School"),
            N_("Guardian"),
            N_("Number (masked)"),
        ),
        strict=True,
    )
)
COMPARED = {"agrees": N_("agrees"), "close": N_("close"), "differs": N_("differs"), "missing": N_("not known")}
DECISIONS = {"same": N_("one child"), "different": N_("two children"), "unknown": N_("not known yet")}
STATES = {"counts": N_("counts"), "taken back": N_("taken back")}


def made_on_request(key, button, make):
    """What takes longer than a click: shown as it was last made, and made anew on request."""
    made = data.kept(ground().store, *key)
    if made is not None:
        st.caption(_("Made on {day}.", day=page.moment(who, made.at)))
        if made.snapshots != ground().store.current().snapshots:
            st.info(_("Something was imported or decided since. Make it again to see it."))
    if st.button(button, key="-".join(key)):
        try:
            with st.spinner(_("This can take some minutes."), show_time=True):
                made = make()
        except RaksaError as wrong:
            st.info(_("It cannot be made: {why}", why=str(wrong)))
            return None
        st.rerun()
    return made


def quality(mine):
    st.header(_("How good the data is"))
    made = made_on_request(
        ("quality",), _("Measure now"), lambda: data.make_quality(store, ground().settings, as_of, now())
    )
    if made is None:
        return
    found = made.what
    page.note(who, "read_quality", about=f"as of {found.as_of}", reason=who.person.role)
    st.caption(_("As known on {day}", day=page.day(who, found.as_of)))
    if mine is not None:
        late = data.waiting(found, mine, who.language)
        if late:
            st.subheader(_("Schools that cannot be estimated"))
            page.facts(
                (f"{one.school} · {_('Children')}: {one.learners:,}",
                 f"{one.why} {since(one)} {_('Whose turn')}: {one.turn}")
                for one in late
            )  # fmt: skip
    st.subheader(_("Measures"))
    shown = data.measured(found, mine, who.language)
    if mine is not None and len(mine) > 1:
        chosen = page.pick(who, _("School"), mine, _("All schools"), "quality-school")
        shown = data.measured(found, [chosen] if chosen else mine, who.language)
    page.facts(
        (f"{one.verdict} · {one.of or _('everything together')} · {one.measure}: {one.value}"
         + (f" ({one.n})" if one.n else ""), one.means)
        for one in shown[:MEASURES_SHOWN]
    )  # fmt: skip
    if len(shown) > MEASURES_SHOWN:
        st.caption(_("The first {n} of {all}, what is to mend first. All of them: raksa quality --to quality.xlsx",
                     n=MEASURES_SHOWN, all=len(shown)))  # fmt: skip


def since(one):
    return _("Last day recorded: {day}.", day=page.day(who, one.last_mark_on)) if one.last_mark_on else ""


def imported():
    st.header(_("Imports"))
    found = data.imports(store)
    page.sheet(
        [_("Import"), _("Files"), _("Rows in files"), _("taken"), _("not taken"), _("State")],
        [[f"{one['import'].partition('-')[0]} · {page.moment(who, at(one))}", f"{one['files']:,}", f"{one['rows']:,}",
          f"{one['kept']:,}", f"{one['refused']:,}", _(STATES[one["state"]])] for one in found],
    )  # fmt: skip
    if who.person.role == "admin":
        take_back([one for one in found if one["state"] == "counts"])


def at(one):
    return datetime.fromisoformat(one["at"])


def take_back(counting):
    """Two steps: choose and say why, then confirm."""
    st.subheader(_("Take an import back"))
    st.write(
        _("Its rows are no longer read; nothing is deleted. Lists that were made stay as they are until the next run.")
    )
    names = {one["import"]: f"{one['import'].partition('-')[0]} · {page.moment(who, at(one))}" for one in counting}
    name = page.pick(who, _("Import"), names, _("Choose one"), "undo")
    why = st.text_input(_("Why"), key="undo-why", max_chars=80)
    sure = st.checkbox(_("Yes, take this import back"), key="undo-sure", disabled=not (name and why.strip()))
    if st.button(_("Take back"), key="undo-go", disabled=not (name and why.strip() and sure)):
        try:
            data.undo(store, ground().accounts.people, who.person, name, why, now())
            st.success(_("Taken back. The next run reads the register without it."))
        except RaksaError as wrong:
            st.error(str(wrong))


def to_mend():
    st.header(_("Rows to mend"))
    found = data.refused(store, who.person, who.language)
    if not found:
        st.write(_("No row of your schools was refused."))
        return
    st.write(
        _("Rows the import could not take. Mend them in the school's own system, or in the workbook, and send them "
          "again.")
    )  # fmt: skip
    page.sheet(
        [_("Import"), _("School"), _("Rows in files"), _("Reasons of the import")],
        [[one.snapshot.partition("-")[0], one.school, f"{one.rows:,}", one.reasons] for one in found],
    )
    if who.person.role == "school":
        links = " · ".join(
            f'<a href="/export/refused.xlsx?import={escape(name)}" target="_self">'
            f"{escape(_('Workbook of import {n}', n=name.partition('-')[0]))}</a>"
            for name in dict.fromkeys(one.snapshot for one in found)
        )
        st.html(f'<div class="raksa"><p>{links}</p></div>')


def brought():
    """The record a child brings: her number here, the file, and what became of it."""
    st.header(_("A child from another school"))
    st.write(
        _("The school before gives the record as a file (page of the child, paper and files, JSON). Name and birth "
          "date must agree with your list; what is taken stands on the child's page with the school it comes from.")
    )  # fmt: skip
    school = next(iter(mine), "")
    if len(mine) > 1:
        school = page.pick(who, _("School"), mine, _("Choose a school"), "bring-school")
    number = st.text_input(_("Her or his number at your school"), key="bring-number", max_chars=20)
    file = st.file_uploader(_("The record (JSON)"), type=["json"], key="bring-file")
    if not st.button(_("Take the record"), key="bring", disabled=not (school and number.strip() and file)):
        return
    held = ground()
    try:
        taken = data.bring(
            store, held.settings, held.accounts.people, who.person, school, number, file.getvalue(), now()
        )
    except PeopleAway:
        raise
    except RaksaError as wrong:
        st.error(refusal(_, wrong))
        return
    if taken.before:
        st.info(_("This record was taken before. Nothing changed."))
        return
    st.success(_("Rows taken: {n}. Not taken: {left}.", n=f"{taken.rows:,}", left=f"{taken.refused:,}"))
    child = key_of(store.home, taken.learner_id)
    st.html(
        f'<div class="raksa"><p><a href="/child?child={child}" target="_self">{escape(_("To the child"))}</a></p></div>'
    )
    st.caption(_("The child's page opens once a list has been made with her or him on it."))


def may_be_one():
    st.header(_("Who may be one child"))
    st.write(
        _("Two entries that may be the same child, written differently. Nothing is merged by itself: you decide, and a "
          "later decision takes an earlier one back.")
    )  # fmt: skip
    made = made_on_request(("pairs",), _("Search now"), lambda: data.make_pairs(store, ground().settings, now()))
    if made is None:
        return
    found = data.pairs(made, who.person)
    if not found:
        st.write(_("No two of your children look like one."))
        return
    page.note(who, "read_pairs", about=f"{len(found)} pairs", reason=who.person.role)
    st.caption(_("Pairs: {n}. Shown are the most probable.", n=len(found)))
    for pair in found[:PAIRS_SHOWN]:
        one_pair(made, pair)


def one_pair(made, pair):
    with st.container(border=True):
        page.sheet(
            [_("What is written"), _("here"), _("and here"), _("Compared")],
            [[_(FIELD_NAMES[field]), a, b, _(COMPARED.get(said, said))] for field, a, b, said in pair.fields],
        )
        with st.form(f"pair-{pair.learner_a}-{pair.learner_b}"):
            decision = st.radio(
                _("They are"), list(DECISIONS), format_func=lambda code: _(DECISIONS[code]), index=None, horizontal=True
            )
            why = st.text_input(_("Why: the document you saw, or whom you asked"))
            if st.form_submit_button(_("Decide")):
                if decision is None:
                    st.error(_("Choose one of the three."))
                    return
                try:
                    people = ground().accounts.people
                    data.decide_pair(store, people, who.person, made, pair, decision, why, now())
                except RaksaError as wrong:
                    st.error(str(wrong))
                    return
                st.rerun()


def on_no_list():
    st.header(_("Children on no list"))
    names = {name: getattr(one, f"title_{who.language}") for name, one in DEFINITIONS.items()}
    definition = page.pick(who, _("Who counts"), names, names["compulsory"], "definition") or "compulsory"
    st.caption(getattr(DEFINITIONS[definition], f"says_{who.language}"))
    made = made_on_request(
        ("on_no_list", definition), _("Find now"),
        lambda: data.make_on_no_list(store, ground().settings, as_of, definition, now()),
    )  # fmt: skip
    if made is None:
        return
    found = made.what
    page.note(who, "read_on_no_list", about=f"{definition}, as of {found.as_of}", reason=who.person.role)
    st.write(_("Not found on a list is where looking begins, not what a child is. Small numbers are hidden."))
    counts = found.counts("district")
    page.sheet(
        [_("Province"), _("District"), _("Children of these ages"), _("on a list"), _("on no list")],
        [[str(row.province), str(row.district), *map(count, (row.population, row.enrolled, row.out_of_school))]
         for row in counts.itertuples()],
    )  # fmt: skip
    mine = data.sought(store, found, who.person, who.language)
    st.subheader(_("Last seen at your schools"))
    if not mine:
        st.write(_("None of them was last at a school of yours."))
        return
    for one in mine[:CHILDREN_SHOWN]:
        page.note(who, "read_sought", learner_id=one.learner_id, about=definition, reason="area")
    page.sheet(
        [_("Name"), _("Last school"), _("Grade"), _("Last on a list"), _("What is known")],
        [[one.name, one.school, one.grade,
          page.day(who, one.last_listed_on) if one.last_listed_on else "–", one.evidence]
         for one in mine[:CHILDREN_SHOWN]],
    )  # fmt: skip
    if len(mine) > CHILDREN_SHOWN:
        st.caption(_("The first {n} of {all}.", n=CHILDREN_SHOWN, all=len(mine)))


def count(n):
    return _("hidden") if n is None or n != n else f"{n:,.0f}"


def day_of_data():
    """The run's day, so that this page and the lists speak of one day; today before the first run."""
    try:
        return current_run().as_of
    except RaksaError:
        return today_in_bangkok(now())


who = page.here()
_ = who.say
store, as_of = ground().store, day_of_data()
st.title(_("Data"))
mine = None if who.person.role == "admin" else data.schools(store, who.person)
parts = {_("Quality"): lambda: quality(mine), _("Imports"): imported}
if mine is not None:
    parts |= {_("Rows to mend"): to_mend, _("Who may be one child"): may_be_one}
if who.person.role == "school":
    parts[_("A child from another school")] = brought
if who.person.role == "area":
    parts[_("Children on no list")] = on_no_list
for tab, show in zip(st.tabs(list(parts), on_change="rerun", key=f"data-{who.language}"), parts.values(), strict=True):
    if tab.open:
        with tab:
            show()
