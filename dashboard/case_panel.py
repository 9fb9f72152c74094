"""The case of a child, and what teachers think beside the list, as two boxes on the child's page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from html import escape

import streamlit as st
from sqlalchemy import Engine

from care import cases, opinions
from care.contacts import MOST_LETTERS, Place
from dashboard import casework, letters, page
from dashboard.ground import current_run, ground, now
from dashboard.page import Here
from dashboard.roster import Child
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import PeopleAway

_AHEAD, _OLDEST = timedelta(365), timedelta(60)


def case_of(who: Here, place: Place, key: str) -> None:
    """The open case with what was done and what comes next, or how to open one; closed ones below."""
    _ = who.say
    with st.container(border=True):
        st.header(_("Case"))
        with st.container():  # there also without words: a box below that is open would fold when they go
            if told := st.session_state.pop("case-told", ""):
                st.success(told)
            if st.session_state.pop("case-moved", False):
                st.warning(_("Somebody added a step meanwhile. Look at it; your words are still here: press again."))
        _letter(who, place, key)
        held = cases.of_child(ground().accounts.people, who.person, place)
        if not held or not held[0][0].is_open:
            _open(who, place, key)
        for case, steps in held:
            _case(who, case, steps)
            if case.is_open:
                _go_on(who, case)
            elif case is held[0][0]:
                _again(who, case)


def _letter(who: Here, place: Place, key: str) -> None:
    """The letter that is due, to print; and, once somebody has sent it, the word that she did."""
    _, today = who.say, today_in_bangkok(now())
    held = ground()
    found = letters.letters_due(
        current_run(), held.store, held.settings, _people(), who.person, today, learner=place.learner_id
    )
    if not found:
        return
    due = found[0]
    if due.is_letter:
        st.subheader(_("Letter {n} to the guardian is due", n=due.number))
        st.write(due.said(who.language))
        link = f'<a href="/export/letter.pdf?child={key}" target="_self">{escape(_("Print the letter (PDF)"))}</a>'
        st.html(f'<div class="raksa"><p>{link}</p></div>')
    else:
        st.subheader(_("Tell the area office"))
        st.write(due.said(who.language))
        st.write(_("Three letters have gone home. The office is told in the way your area asks for."))
    at = f"{key}-{due.number}"
    on = sent_on(who, today, at)
    if st.button(_("It was sent"), key=f"sent-{at}"):
        _do(who, lambda: letters.sent(_people(), who.person, due, on, now()))


def sent_on(who: Here, today: date, at: str) -> date:
    """The day a letter went out; today if nobody says otherwise."""
    _ = who.say
    on = st.date_input(
        _("Day it was sent"), value=today, min_value=today - _OLDEST, max_value=today, format="DD/MM/YYYY",
        key=f"sent-on-{at}",
    )  # fmt: skip
    st.caption(_("The day is {day}.", day=page.day(who, on or today)))
    return on or today


def _case(who: Here, case: cases.Case, steps: list[cases.Step]) -> None:
    _ = who.say
    due = page.day(who, case.due) if case.due else ""
    owner = casework.owners(ground().accounts, [case]).get(case.owner)
    closing = _(casework.CLOSING[case.closing]) if case.closing else ""
    state = [
        _(casework.SIGNALS[case.signal]),
        _("By {day}", day=due) if due else closing,
        f"{_('Whose turn')}: {owner or _('nobody yet')}" if case.is_open else "",
        _("Letters home: {n}", n=case.letters) if case.letters else "",
        _("Looks still to come: {n}", n=case.checks_left) if case.checks_left else "",
    ]
    st.html(f'<div class="raksa"><p><b>{escape(" · ".join(filter(None, state)))}</b></p></div>')
    page.sheet(
        [_("When and who"), _("Step"), _("What came of it")],  # three, which is what a phone shows whole
        [(f"{page.day(who, one.on)} {one.by_name}", _step(who, one), _said(who, one)) for one in steps],
    )


def _step(who: Here, one: cases.Step) -> str:
    words = who.say(casework.STEPS[one.kind])
    return f"{words}: {one.agency}" if one.agency else words


def _said(who: Here, one: cases.Step) -> str:
    if one.redacted:
        return who.say("A restricted note exists. Ask {name} or the head of the school.", name=one.by_name)
    return one.said


def _open(who: Here, place: Place, key: str) -> None:
    _ = who.say
    with st.expander(_("Open a case")):
        names = {code: _(said) for code, said in casework.SIGNALS.items()}
        signal = page.pick(who, _("What is the sign"), names, "—", f"signal-{key}")
        said = st.text_area(_("What is known"), key=f"known-{key}", max_chars=MOST_LETTERS, persist_state="session")
        if st.button(_("Open it"), key=f"open-case-{key}", type="primary"):
            _do(who, lambda: cases.open_case(_people(), who.person, place, signal=signal, said=said or "", now=now()))


def _go_on(who: Here, case: cases.Case) -> None:
    """Three things one can do with an open case: a step, an end, another's turn. What is typed stays while the sign-in
    lasts, also when somebody else adds a step meanwhile: then whoever writes is told before hers is added."""
    _, at = who.say, _form(case)
    # The version that was read when the words were begun: the page reads a newer one with every click.
    if not any(st.session_state.get(f"{field}-{at}") for field in ("said", "ended", "given")):
        st.session_state[f"read-{at}"] = case.version
    read = st.session_state.setdefault(f"read-{at}", case.version)
    with st.expander(_("Add a step")):
        names = {code: _(casework.STEPS[code]) for code in cases.STEPS}
        kind = page.pick(who, _("Step"), names, "—", f"step-{at}")
        said = st.text_area(_("What came of it"), key=f"said-{at}", max_chars=MOST_LETTERS, persist_state="session")
        agency = st.text_input(_("To whom"), key=f"agency-{at}", max_chars=120) if kind == "referral" else ""
        today = today_in_bangkok(now())
        due = st.date_input(
            _("By when the next"), value=None, min_value=today, max_value=today + _AHEAD, format="DD/MM/YYYY",
            key=f"due-{at}", persist_state="session",
        )  # fmt: skip
        if due:
            st.caption(_("The day is {day}.", day=page.day(who, due)))
        restricted = st.checkbox(
            _("Only for me and the head of the school"), key=f"restricted-step-{at}", persist_state="session"
        )
        if st.button(_("Add it"), key=f"add-{at}", type="primary"):
            _do(
                who,
                lambda: cases.act(
                    _people(), who.person, case.id, read, kind=kind, said=said or "", agency=agency or "",
                    due=due, restricted=restricted, now=now(),
                ),
                case,
            )  # fmt: skip
    with st.expander(_("Close the case")):
        names = {code: _(words) for code, words in casework.CLOSING.items()}
        reason = page.pick(who, _("How it ended"), names, "—", f"closing-{at}")
        said = st.text_area(_("What is known"), key=f"ended-{at}", max_chars=MOST_LETTERS, persist_state="session")
        if st.button(_("Close it"), key=f"close-{at}"):
            _do(
                who,
                lambda: cases.close(_people(), who.person, case.id, read, reason=reason, said=said or "", now=now()),
                case,
            )
    with st.expander(_("Give it to somebody")):
        owner = st.text_input(_("Account of the person"), key=f"owner-{at}", max_chars=64)
        said = st.text_area(_("What is known"), key=f"given-{at}", max_chars=MOST_LETTERS, persist_state="session")
        if st.button(_("Hand over"), key=f"give-{at}"):
            known = ground().accounts.person(owner or "")
            if known is None or not known.active:
                st.error(_("There is no such account. Ask your administrator for its name."))
            else:
                _do(
                    who,
                    lambda: cases.hand_over(
                        _people(), who.person, case.id, read, owner=known.username, said=said or "", now=now()
                    ),
                    case,
                )


def _form(case: cases.Case) -> str:
    """Name of the forms of a case: another after each thing done with it here, so that the next begins empty."""
    return f"{case.id}-{st.session_state.get(f'done-{case.id}', 0)}"


def _again(who: Here, case: cases.Case) -> None:
    _ = who.say
    with st.expander(_("Open it again")):
        said = st.text_area(_("What is known"), key=f"again-{case.id}", max_chars=MOST_LETTERS, persist_state="session")
        if st.button(_("Open it again"), key=f"reopen-{case.id}"):
            _do(who, lambda: cases.reopen(_people(), who.person, case.id, case.version, said=said or "", now=now()))


def opinion_of(who: Here, place: Place, child: Child, run: str) -> None:
    """What teachers say of the child beside the list, and one's own say: named where the list misses her, doubted where
    it names her. Neither moves a score."""
    _ = who.say
    people = _people()
    with st.container(border=True):
        st.header(_("What you think"))
        held = [one for one in opinions.of_child(people, who.person, place) if one.withdrawn_at is None]
        words = {"nominate": _("needs someone"), "dispute": _("needs nobody just now")}
        for one in held:
            said = _("{name} says: {what}", name=one.by_name, what=words[one.says])
            st.html(f'<div class="raksa"><p><b>{escape(said)}</b> — {escape(one.said)}</p></div>')
        own = next((one for one in held if one.by == who.person.username), None)
        if own is not None:
            if st.button(_("Take it back"), key=f"take-back-{own.id}"):
                _do(who, lambda: opinions.withdraw(people, who.person, own.id, now()))
            return
        if child.listed:
            say, label = opinions.dispute, _("Say so")
            ask = _("This child is on the list. If you think nobody is needed just now, say why; she stays on it.")
        else:
            say, label = opinions.nominate, _("Name this child")
            ask = _("The list does not name this child. If you think somebody should look after her, say why.")
        st.caption(ask)
        why = st.text_area(_("Why you think so"), key=f"why-{child.key}", max_chars=1000, persist_state="session")
        if st.button(label, key=f"say-{child.key}"):
            _do(who, lambda: say(people, who.person, place, run=run, said=why or "", now=now()))


def _people() -> Engine:
    return ground().accounts.people


def _do(who: Here, act: Callable[[], object], case: cases.Case | None = None) -> None:
    """Do it and draw the page anew; what does not fit, or was done meanwhile by somebody else, is said. `case`: the one
    whose forms these words stand in."""
    _ = who.say
    try:
        act()
    except cases.CaseMovedOn as moved:
        st.session_state[f"read-{_form(moved.present)}"] = moved.present.version
        st.session_state["case-moved"] = True
        st.rerun()  # with the step that she has not seen yet
    except PeopleAway:
        raise
    except RaksaError as wrong:
        st.error(str(wrong) if who.language == "en" else _("Say it in a sentence; the day lies not after today."))
    else:
        st.session_state["case-told"] = _("Written down.")
        if case is not None:
            st.session_state[f"done-{case.id}"] = st.session_state.get(f"done-{case.id}", 0) + 1
        st.rerun()
