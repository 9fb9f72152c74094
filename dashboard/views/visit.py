"""Visit: the form for what was found, kept with every word, handed in when done. Opened by /visit?child=KEY."""

from datetime import date, timedelta
from html import escape

import streamlit as st

from care import visits
from care.visit_paper import CAUSES, HELP, MODES
from dashboard import casework, page, roster
from dashboard.ground import ground, now
from dashboard.keys import key_of, learner_of
from raksa.access import sees_learners
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway

OLDEST, AHEAD = timedelta(365), timedelta(365)
FIELDS = ("mode", "on", "met", "agreed", "causes", "help", "next_on", "no_photo_because", "private")


def named(codes):
    """Codes -> what is read."""
    at = ("th", "en").index(who.language)
    return {code: words[at] for code, words in codes.items()}


def begun():
    """Children about whom something is written and not yet handed in."""
    st.title(_("Visit"))
    home = run.folder.parents[1]
    places = visits.drafts(people, who.person)
    children = roster.children_of(run, who.person, [place.learner_id for place in places])
    if not children:
        st.info(_("Choose a child on the list first, or scan the code on a printed sheet."))
    for child in children:
        said = _("Go on writing: {name}", name=child.name)
        if st.button(said, key=f"draft-{child.key}"):
            st.switch_page("views/visit.py", query_params={"child": key_of(home, child.learner_id)})
    st.page_link("views/lists.py", label=_("To the list"))


def words():
    """What stands in the form now, as a draft keeps it."""
    held = {name: st.session_state.get(f"{name}-{form}") for name in FIELDS}
    held |= {section: st.session_state.get(f"{section}-{form}") for section in visits.SECTIONS}
    return {name: value for name, value in held.items() if value not in (None, "", [])}


def keep():
    try:
        visits.keep_draft(people, who.person, place, words(), now())
    except PeopleAway:  # said by the page, which is drawn next; kept as soon as it can be
        st.session_state["visit-unkept"] = form
    else:
        st.session_state.pop("visit-unkept", None)


def take_up():
    """Put the draft into the form, once; from then on the fields hold it, whatever page is open in between."""
    if st.session_state.get("visit-unkept") == form:
        keep()
    if st.session_state.get("visit-form") == form:
        return
    for name, value in visits.draft(people, who.person, place).items():
        st.session_state[f"{name}-{form}"] = date.fromisoformat(value) if name in ("on", "next_on") else value
    st.session_state["visit-form"] = form


def ask():
    """The form: what matters first, the rest behind a line."""
    kept = {"on_change": keep, "persist_state": "session"}
    mode, met, causes, needed = named(MODES), casework.MET, named(CAUSES), named(HELP)
    usual = None if in_draft("mode") else "visit"
    st.segmented_control(
        _("How"), list(mode), format_func=mode.__getitem__, key=f"mode-{form}", default=usual, required=True,
        **kept,
    )  # fmt: skip
    on = st.date_input(
        _("Day"), value=None if in_draft("on") else today, min_value=today - OLDEST, max_value=today,
        format="DD/MM/YYYY", key=f"on-{form}", **kept,
    )  # fmt: skip
    st.caption(_("The day is {day}.", day=page.day(who, on or today)))
    st.pills(
        _("Who was met"), list(met), format_func=lambda code: _(met[code]), selection_mode="multi", key=f"met-{form}",
        **kept,
    )  # fmt: skip
    st.text_area(_("What was agreed: who does what by when"), key=f"agreed-{form}", max_chars=2000, **kept)
    st.pills(
        _("What is behind it"), list(causes), format_func=causes.__getitem__, selection_mode="multi",
        key=f"causes-{form}", **kept,
    )  # fmt: skip
    st.pills(
        _("Help needed"), list(needed), format_func=needed.__getitem__, selection_mode="multi", key=f"help-{form}",
        **kept,
    )  # fmt: skip
    following = st.date_input(
        _("Next time"), value=None, min_value=on or today, max_value=today + AHEAD, format="DD/MM/YYYY",
        key=f"next_on-{form}", **kept,
    )  # fmt: skip
    if following:
        st.caption(_("The day is {day}.", day=page.day(who, following)))
    with st.expander(_("More of what was seen and said")):
        for section, said in casework.SECTIONS.items():
            st.text_area(_(said), key=f"{section}-{form}", max_chars=2000, **kept)
    with st.expander(_("Photographs")):
        st.caption(_("Only with the family's consent. They are made smaller, and where they were taken is removed."))
        found = {}
        for kind, both in visits.PHOTOS.items():
            file = st.file_uploader(
                both[("th", "en").index(who.language)], type=["jpg", "jpeg", "png", "webp"], key=f"photo-{kind}-{form}"
            )
            if file is not None:
                found[kind] = file.getvalue()
        st.text_input(_("If there is none: why"), key=f"no_photo_because-{form}", max_chars=300, **kept)
    with st.expander(_("Told in confidence")):
        st.caption(_("Read by you and the head of the school only; everybody else reads that it exists."))
        st.text_area(_("Only for me and the head of the school"), key=f"private-{form}", max_chars=2000, **kept)
    return found


def in_draft(name):
    return f"{name}-{form}" in st.session_state


def hand_in(photos):
    held = words()
    try:
        visits.write_visit(
            people, who.person, place,
            visits.Form(
                on=held.get("on") or today, mode=held.get("mode") or "visit", met=tuple(held.get("met", ())),
                sections={s: held[s] for s in visits.SECTIONS if s in held}, causes=tuple(held.get("causes", ())),
                help=tuple(held.get("help", ())), agreed=held.get("agreed", ""), next_on=held.get("next_on"),
                no_photo_because=held.get("no_photo_because", ""), private=held.get("private", ""),
            ),
            now=now(), home=ground().settings.home, photos=photos,
        )  # fmt: skip
    except PeopleAway:
        raise
    except RaksaError as wrong:
        st.error(
            str(wrong) if who.language == "en" else _("Write at least what was agreed, or that nobody was met; the day "
                                                      "lies not after today, and a picture is a JPEG or PNG.")
        )  # fmt: skip
        return
    st.session_state["visit-number"] = st.session_state.get("visit-number", 0) + 1
    st.session_state["written"] = _("Written down.")
    st.switch_page("views/child.py", query_params={"child": key})


who = page.here()
run = page.run_now(who)
_ = who.say
if not sees_learners(who.person):
    st.stop()
people, today = ground().accounts.people, today_in_bangkok(now())
key = st.query_params.get("child", "")
learner = learner_of(run.folder.parents[1], key) if key else None
if learner is None:
    begun()
    st.stop()
child, decision = roster.child(run, who.person, learner)
about = f"run {run.id}"
page.note(who, "read_child" if child else "read_child_refused", learner_id=learner, about=about, reason=decision.reason)
if child is None:
    st.title(_("Visit"))
    st.info(_("This child is not among those you look after, or is no longer on the school's list."))
    st.stop()
place = casework.place_of(child)
form = f"visit-{key}-{st.session_state.get('visit-number', 0)}"
take_up()
st.html(
    f'<div class="raksa"><h1>{escape(child.name)}</h1>'
    f'<p class="small">{escape(" · ".join(filter(None, (child.class_name, child.school))))}</p></div>'
)
st.caption(_("What you write is kept with every word. Others see it when you hand it in."))
if child.reasons:
    with st.expander(_("What stands out")):
        st.html(f'<div class="raksa">{page.sentences(getattr(r, who.language) for r in child.reasons)}</div>')
photos = ask()
with st.container(horizontal=True):
    if st.button(_("Hand in"), key="hand-in", type="primary"):
        hand_in(photos)
    if st.button(_("Throw the draft away"), key="throw"):
        visits.drop_draft(people, who.person, place)
        st.session_state["visit-number"] = st.session_state.get("visit-number", 0) + 1
        st.rerun()
