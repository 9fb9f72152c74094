"""What every page begins with: who is here, in which language, and the run people see now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import NoReturn

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from dashboard.ground import current_run, ground, now
from dashboard.language import LANGUAGES, N_, Speaker, speak
from dashboard.pages import PAGES, pages_for
from dashboard.roster import Count, Run, about
from raksa.access import Person
from raksa.audit import Entry, record
from raksa.calendar import BANGKOK
from raksa.errors import RaksaError
from raksa.people import PeopleAway
from raksa.thai import format_date

# Only sizes and space; colours and the font are in .streamlit/config.toml. Thai needs a line height of 1.6 and more.
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; max-width: 76rem; }
.raksa h1 { margin: 0; padding: 0; font-size: 1.6rem; line-height: 1.6; }
.raksa h2, .raksa h3 { margin: 0; padding: 0; font-size: 1.05rem; line-height: 1.7; }
.raksa * + h3 { margin-top: .9rem; }
.raksa h3 a { color: inherit; }
.raksa p { margin: 0; line-height: 1.7; overflow-wrap: anywhere; }
.raksa ul { margin: .25rem 0 0; padding-left: 1.2rem; line-height: 1.7; }
.raksa .card { border: 1px solid #d5dedc; border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 .75rem; }
.raksa .card h2 a { color: inherit; }
.raksa .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 0 .75rem; }
.raksa summary { cursor: pointer; padding: .4rem 0; line-height: 1.7; }
.raksa .small { color: #4a5b58; font-size: .9rem; }
.raksa.bar form { display: inline; margin: 0; }
.raksa.bar button { font: inherit; color: #0b6b61; background: none; border: 0; padding: .3rem 0; min-height: 2.5rem;
  text-decoration: underline; cursor: pointer; }
.raksa.bar { line-height: 1.7; }
.raksa.sheet { overflow-x: auto; line-height: 1.7; }
.raksa table { border-collapse: collapse; width: 100%; }
.raksa th, .raksa td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; min-width: 5.5rem;
  border-bottom: 1px solid #d5dedc; }
.raksa th { font-weight: 600; }
/* On a phone the first column stays while the others are swiped, and a shadow says that there are others. */
@media (max-width: 640px) {
  .raksa.sheet th:first-child, .raksa.sheet td:first-child { position: sticky; left: 0; background: #fff; }
  .raksa.sheet { background: linear-gradient(to left, #fff, #fff) right / 2rem 100% no-repeat local,
    linear-gradient(to left, #9fb0ac, transparent) right / .75rem 100% no-repeat scroll; }
}
.raksa a { color: #0b6b61; }
/* On a phone Streamlit hides the pages behind a sign: there they stand above the page as well. */
.raksa.pages { display: none; line-height: 2.2; }
.raksa.pages a { margin-right: 1rem; white-space: nowrap; display: inline-block; }
@media (max-width: 640px) { .raksa.pages { display: block; } }
[data-testid="stCode"] code { font-family: "Source Code Pro", "Noto Sans Thai Looped", monospace; line-height: 1.7; }
/* Streamlit's grey falls short of a contrast of 4.5; its page links would cut what a tall font needs. */
[data-testid="stCaptionContainer"] { color: #4a5b58; opacity: 1; }
[data-testid="stCaptionContainer"] p { color: inherit; }
/* Streamlit has its own words, English ones, in a box for files; 20 MB is maxUploadSize in .streamlit/config.toml. */
:lang(th) [data-testid="stFileUploaderDropzone"] button p,
:lang(th) [data-testid="stFileUploaderDropzoneInstructions"] span { font-size: 0; }
:lang(th) [data-testid="stFileUploaderDropzone"] button p::after { content: "เลือกไฟล์"; font-size: 1rem; }
:lang(th) [data-testid="stFileUploaderDropzoneInstructions"] span::after { content: "ไฟล์ละไม่เกิน 20 เมกะไบต์";
  font-size: .9rem; line-height: 1.7; }
.stMarkdownEllipsis { line-height: 1.7 !important; }
[data-testid="stTopNavLink"] span, [data-testid="stSidebarNavLink"] span { overflow: visible; }
[data-testid="stTopNavLink"] span::after, [data-testid="stSidebarNavLink"] span::after { display: none !important; }
</style>"""


@dataclass(frozen=True)
class Here:
    """The person in front of the page."""

    person: Person
    language: str
    say: Speaker


def here() -> Here:
    """Who is here, read anew from the people database at every click. Stops the page for whoever no longer is."""
    session = str(st.user.get("session") or "")
    person = ground().accounts.of_session(session, now()) if session else None
    if person is None or person.must_change_password:
        _signed_out()
    language = st.session_state.get("language") or person.language
    return Here(person, language, speak(language))


def _signed_out() -> NoReturn:
    say = speak(ground().settings.language)
    st.html(
        f'<main class="raksa"><h1>{escape(say("You are signed out"))}</h1>'
        f'<p><a href="/login" target="_self">{escape(say("Sign in again"))}</a></p></main>'
    )
    st.stop()


def bar(who: Here) -> None:
    """The line above every page: name, language, sign-out."""
    say = who.say
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(
            f'<div class="raksa bar"><a href="/sessions" target="_self">{escape(who.person.name)}</a> · '
            f'<form method="post" action="/logout"><button>{escape(say("Sign out"))}</button></form></div>',
            width="content",
        )
        st.segmented_control(
            say("Language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            default=who.language,
            required=True,
            key="language",
            label_visibility="collapsed",
            on_change=_keep_language,
            args=(who.person.username,),
        )
    links = "".join(
        f'<a href="/{name}" target="_self">{escape(say(PAGES[name]))}</a>'
        for name in pages_for(who.person)
        if name != "child"  # opened from a list, never from here
    )
    st.html(f'<nav class="raksa pages" aria-label="{escape(say("Pages"))}">{links}</nav>')


def _keep_language(username: str) -> None:
    # Without the people database the choice holds for this sign-in; the page, drawn next, says what is the matter.
    with suppress(PeopleAway):
        ground().accounts.set_language(username, st.session_state["language"])


def run_now(who: Here) -> Run:
    """The run people see; where there is none that can be read, the page says so and ends."""
    say = who.say
    try:
        return current_run()
    except RaksaError:
        if ground().store.current().run:
            st.info(say("The list cannot be read: another version of Raksa made it, or files of it are missing. "
                        "Whoever looks after the data runs: raksa doctor, then raksa score"))  # fmt: skip
        else:
            st.info(say("There is no list yet. Whoever looks after the data runs: raksa score"))
        st.stop()


def note(who: Here, what: str, *, learner_id: int | None = None, about: str = "", reason: str = "") -> None:
    """Write what is about to be shown to the audit log, once for each different thing in a sign-in."""
    already = st.session_state.setdefault("noted", set())
    entry = (what, learner_id, about)
    if entry not in already:
        # No address: Streamlit knows it only sometimes, and the line of the sign-in holds it.
        record(ground().accounts.people, Entry(now(), who.person.username, what, learner_id, about, reason))
        already.add(entry)


def pick(who: Here, label: str, options: Mapping[str, str], everything: str, key: str) -> str:
    """One of the options (value -> what is read), or "" for all of them.

    Streamlit knows a choice by the words it was shown in. So the words of one language belong to one widget, and the
    choice is carried over when the language changes; words that fit no option count as no choice.
    """
    chosen = st.session_state.get(key, "")
    found = st.selectbox(
        label,
        list(options),
        index=list(options).index(chosen) if chosen in options else None,
        format_func=lambda value: options.get(value, value),
        placeholder=everything,
        key=f"{key}-{who.language}",
    )
    kept = found if found is not None and found in options else ""
    st.session_state[key] = kept
    return kept


def day(who: Here, known: date) -> str:
    """A date that no line break takes apart."""
    return format_date(known, who.language).replace(" ", "\u00a0")


def moment(who: Here, at: datetime) -> str:
    """A day and time of the clock in Bangkok."""
    local = at.astimezone(BANGKOK)
    return f"{day(who, local.date())} {local:%H:%M}"


def sentences(texts: Iterable[str]) -> str:
    """Sentences as an HTML list."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


_COUNTED = {
    N_("Children"): "learners",
    N_("On the list"): "listed",
    N_("Can see to"): "capacity",
    N_("Expected to leave, on the list"): "expected_on_list",
    N_("Expected to leave, not on the list"): "expected_off_list",
    N_("Cannot be estimated"): "not_scored",
}


def counts_table(who: Here, counts: Sequence[Count], first: str) -> None:
    """Schools or areas in numbers, one row each. A hidden cell says so."""
    rows = [[one.name, *(_cell(who, getattr(one, column)) for column in _COUNTED.values())] for one in counts]
    sheet([first, *(who.say(heading) for heading in _COUNTED)], rows)


def sheet(headings: Sequence[str], rows: Sequence[Sequence[str]], links: Sequence[str] = ()) -> None:
    """A table as plain HTML: readable by a screen reader, on paper, and on a phone (it scrolls in itself). `links`: for
    each row the address its first cell leads to."""
    # Focusable, so that the arrow keys scroll it where it is wider than the screen.
    st.html(f'<div class="raksa sheet" tabindex="0">{table(headings, rows, links)}</div>')


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], links: Sequence[str] = ()) -> str:
    """The HTML of `sheet`, for a part of a larger block."""
    cells = [[escape(cell) for cell in row] for row in rows]
    for row, address in zip(cells, links, strict=False):
        row[0] = f'<a href="{escape(address)}" target="_self">{row[0]}</a>'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def html(body: str) -> None:
    """HTML in our own style. A part of a page is best one block: each costs the server as much as a widget."""
    st.html(f'<div class="raksa">{body}</div>')


def folded(said: str, body: str) -> str:
    """HTML that waits behind a click, which the server does not hear of: for what is short."""
    return f"<details><summary>{escape(said)}</summary>{body}</details>"


def opened(said: str, key: str) -> ExpanderContainer:
    """A part that waits behind a click and is only made once `.open`: for what is long, or asks something."""
    return st.expander(said, key=key, on_change="rerun")


def facts(said: Iterable[tuple[str, str]]) -> None:
    """Numbers with what each means under it, for what would be a table of long sentences: a phone shows it whole."""
    items = "".join(f'<li>{escape(fact)}<br><span class="small">{escape(about)}</span></li>' for fact, about in said)
    st.html(f'<div class="raksa"><ul>{items}</ul></div>')


def _cell(who: Here, value: float | int | None) -> str:
    if value is None:
        return who.say("hidden")
    return about(value, who.language) if isinstance(value, float) else f"{value:,}"
