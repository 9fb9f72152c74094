"""People: accounts, what they are responsible for, new passwords. No learner is seen from here."""

import secrets

import streamlit as st

from dashboard import page
from dashboard.ground import ground, now
from dashboard.language import LANGUAGES, N_
from raksa.access import ROLES, Scope
from raksa.audit import Entry, record
from raksa.errors import RaksaError

ROLE_NAMES = {
    "teacher": N_("Class teacher"),
    "school": N_("School"),
    "area": N_("Area officer"),
    "province": N_("Province"),
    "researcher": N_("Researcher"),
    "admin": N_("Administrator"),
}


def scopes(text):
    """Lines such as `class 10000001|ม.3|1`, `school 10000001` or `area 2401`."""
    parts = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [Scope(kind, value.strip()) for kind, value in (p if len(p) == 2 else (p[0], "") for p in parts)]


def log(what, username):
    record(accounts.people, Entry(now(), who.person.username, what, about=username))


def tell(password, username):
    """Once, on the screen of the administrator; the person must replace it at the first sign-in."""
    st.success(_("Password of {username} until the first sign-in; it is not shown again:", username=username))
    st.code(password, language=None)


who = page.here()
_ = who.say
if who.person.role != "admin":  # the page is not in anybody else's navigation; this holds if that is ever changed
    st.stop()
accounts = ground().accounts
st.title(_("People"))

with st.form("new", clear_on_submit=False):
    st.header(_("New account"))
    with st.grid(min_column_width=150):
        username = st.text_input(_("Account name"))
        name = st.text_input(_("Person's name"))
        role = st.selectbox(
            _("Role"), list(ROLES), format_func=lambda role: _(ROLE_NAMES[role]), key=f"role-{who.language}"
        )
        language = st.selectbox(_("Language"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key="new-language")
    responsible = st.text_area(
        _("Responsible for, one a line"), placeholder="class 10000001|ม.3|1\nschool 10000001\narea 2401"
    )
    if st.form_submit_button(_("Create")):
        password = secrets.token_urlsafe(9)
        try:
            accounts.create_person(username, name, role, scopes(responsible), password, now(), language=language)
            log("create_person", username.strip().casefold())
            tell(password, username)
        except RaksaError as wrong:
            st.error(str(wrong))

everyone = accounts.everyone()
with st.container(border=True):
    st.header(_("Change an account"))
    names = {p.username: p for p in everyone}
    chosen = names[st.selectbox(_("Account name"), list(names), format_func=lambda u: f"{u} · {names[u].name}")]
    with st.container(horizontal=True):
        if st.button(_("New password"), key="reset"):
            password = secrets.token_urlsafe(9)
            log("reset_password", chosen.username)
            accounts.set_password(chosen.username, password, must_change_password=True)
            tell(password, chosen.username)
        if chosen.username != who.person.username and st.button(
            _("Switch off") if chosen.active else _("Switch on"), key="active"
        ):
            log("switch_off" if chosen.active else "switch_on", chosen.username)
            accounts.set_active(chosen.username, not chosen.active)
            st.rerun()

st.header(_("All accounts"))
page.sheet(
    [_("Account name"), _("Person's name"), _("Role"), _("Responsible for"), _("In use")],
    [
        (p.username, p.name, _(ROLE_NAMES[p.role]), ", ".join(f"{s.kind} {s.value}" for s in p.scopes),
         _("yes") if p.active else _("no"))
        for p in everyone
    ],
)  # fmt: skip
