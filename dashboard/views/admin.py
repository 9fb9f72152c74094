"""Admin: accounts, what they are responsible for, their sign-ins, a list of staff, the log, what is kept how long. No
learner is seen from here."""

import secrets

import streamlit as st

from dashboard import page, staffing
from dashboard.ground import current_run, ground, now
from dashboard.language import LANGUAGES, N_, refusal
from dashboard.staffing import ROLE_NAMES
from raksa import retention
from raksa.access import EVERYWHERE, ROLES, Scope
from raksa.audit import Entry, record
from raksa.errors import RaksaError
from register.staff import staff, take

SECTIONS = {
    "people": N_("Accounts"),
    "staff": N_("A list of staff"),
    "log": N_("Log"),
    "kept": N_("Kept how long"),
}


def log(what, about):
    record(accounts.people, Entry(now(), who.person.username, what, about=about))


def tell(password, username):
    """Once, on the screen of the administrator; the person must replace it at the first sign-in."""
    st.success(_("Password of {username} until the first sign-in; it is not shown again:", username=username))
    st.code(password, language=None)


def role_of(key, start="teacher"):
    roles = list(ROLES)
    return st.selectbox(
        _("Role"),
        roles,
        index=roles.index(start),
        format_func=lambda r: _(ROLE_NAMES[r]),
        key=f"{key}-role-{who.language}",
    )


def scopes_of(role, key, held=()):
    """What a role is about, chosen from the places there are."""
    now_held = [scope.value for scope in held]
    if role == "teacher":
        school = page.pick(
            who, _("School"), {s: name for s, (name, _a) in places.schools.items()}, "—", f"{key}-school"
        )
        others = [scope for scope in held if scope.kind == "class" and not scope.value.startswith(f"{school}|")]
        if not school:
            return list(held)
        classes = places.classes.get(school, ())
        mine = [c for c in classes if f"{school}|{c[0]}|{c[1]}" in now_held]
        chosen = st.multiselect(
            _("Classes"), classes, default=mine, format_func="/".join, placeholder="—", key=f"{key}-class-{school}"
        )
        return others + staffing.class_scopes(school, chosen)
    if role == "school":
        names = {s: name for s, (name, _a) in places.schools.items()}
        return [Scope("school", s) for s in choose_many(_("Schools"), names, now_held, f"{key}-schools")]
    if role in ("area", "province"):
        names = places.areas | ({EVERYWHERE: _("every service area")} if role == "province" else {})
        return [Scope("area", a) for a in choose_many(_("Areas"), names, now_held, f"{key}-areas-{role}")]
    return []


def choose_many(label, names, held, key):
    return st.multiselect(
        label,
        list(names),
        default=[h for h in held if h in names],
        format_func=names.__getitem__,
        placeholder="—",
        key=key,
    )


def new_account():
    st.header(_("New account"))
    with st.grid(min_column_width=150):
        username = st.text_input(_("Account name"), key="new-username")
        name = st.text_input(_("Person's name"), key="new-name")
        role = role_of("new")
        language = st.selectbox(_("Language"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key="new-language")
    responsible = scopes_of(role, "new")
    if st.button(_("Create"), key="create"):
        password = secrets.token_urlsafe(9)
        try:
            accounts.create_person(username, name, role, responsible, password, now(), language=language)
        except RaksaError as wrong:
            st.error(refusal(_, wrong))
        else:
            log("create_person", username.strip().casefold())
            tell(password, username)


def change_account(everyone):
    st.header(_("Change an account"))
    names = {p.username: p for p in everyone}
    chosen = names[
        st.selectbox(_("Account name"), list(names), format_func=lambda u: f"{u} · {names[u].name}", key="account")
    ]
    myself = chosen.username == who.person.username
    if run is not None and chosen.role in ("teacher", "school", "area"):
        st.caption(_("Opens {n} children today.", n=f"{staffing.counted(run, chosen):,}"))
    if not myself:
        role = role_of(f"change-{chosen.username}", chosen.role)
        held = chosen.scopes if role == chosen.role else ()
        wanted = scopes_of(role, f"change-{chosen.username}-{role}", held)
        if (role, set(wanted)) != (chosen.role, set(chosen.scopes)) and st.button(
            _("Save the change"), key="save-role"
        ):
            try:
                accounts.set_role(chosen.username, role, wanted)
            except RaksaError as wrong:
                st.error(refusal(_, wrong))
            else:
                log("set_role", f"{chosen.username}: {role}, {', '.join(f'{s.kind}:{s.value}' for s in wanted)}")
                st.rerun()
    locked = accounts.locked_until(chosen.username, now())
    if locked:
        st.warning(_("Locked after too many attempts."))
    with st.container(horizontal=True):
        if st.button(_("New password"), key="reset"):
            password = secrets.token_urlsafe(9)
            log("reset_password", chosen.username)
            accounts.give_password(chosen.username, password, now())
            tell(password, chosen.username)
        if locked and st.button(_("Unlock"), key="unlock"):
            log("unlock", chosen.username)
            accounts.unlock(chosen.username)
            st.rerun()
        if accounts.has_second_factor(chosen.username) and st.button(_("Take the second factor off"), key="factor"):
            log("reset_second_factor", chosen.username)
            accounts.reset_second_factor(chosen.username)
            st.rerun()
        if not myself and st.button(_("Switch off") if chosen.active else _("Switch on"), key="active"):
            log("switch_off" if chosen.active else "switch_on", chosen.username)
            accounts.set_active(chosen.username, not chosen.active)
            st.rerun()
    signed_in = accounts.sessions(chosen.username, now())
    st.subheader(_("Signed in"))
    if not signed_in:
        st.caption(_("Not signed in anywhere just now."))
        return
    page.sheet(
        [_("Since"), _("Last seen"), _("Address"), _("Browser")],
        [(page.moment(who, s.created), page.moment(who, s.last_seen), s.address, s.browser) for s in signed_in],
    )
    if st.button(_("End all sign-ins"), key="end"):
        log("end_session", chosen.username)
        accounts.sign_out_everywhere(chosen.username)
        st.rerun()


def people():
    with st.container(border=True):
        new_account()
    everyone = accounts.everyone()
    with st.container(border=True):
        change_account(everyone)
    st.header(_("All accounts"))
    page.sheet(
        [_("Account name"), _("Person's name"), _("Role"), _("Responsible for"), _("In use")],
        [
            (p.username, p.name, _(ROLE_NAMES[p.role]), ", ".join(places.words(s, _) for s in p.scopes),
             _("yes") if p.active else _("no"))
            for p in everyone
        ],
    )  # fmt: skip


def staff_list():
    st.header(_("A list of staff"))
    st.write(
        _("A CSV or Excel file with the columns account name, person's name, role and school code, and class for class "
          "teachers; or a OneRoster set. The same list may be read again: only what changed is changed.")
    )  # fmt: skip
    st.caption(_("Nobody is switched off for not being on it, and it makes no administrator."))
    file = st.file_uploader(_("The file"), type=["csv", "xlsx", "zip"], key="staff")
    if file is None:
        return
    try:
        entries, refused = staff(file.name, file.getvalue(), ground().store)
    except RaksaError as wrong:
        st.error(refusal(_, wrong))
        return
    st.write(
        _("People named by the file: {n}. Lines that name nobody: {refused}.", n=len(entries), refused=len(refused))
    )
    if entries:
        page.sheet(
            [_("Account name"), _("Person's name"), _("Role"), _("Responsible for")],
            [
                (e.username, e.name, _(ROLE_NAMES[e.role]), ", ".join(places.words(s, _) for s in e.scopes))
                for e in entries
            ],
        )
    if refused:
        st.subheader(_("Lines to mend"))
        page.sheet(
            [_("Line"), _("Why"), _("What it says")],
            [(f"{r.line}", refusal(_, r.why), " · ".join(r.cells)) for r in refused],
        )
    if entries and st.button(_("Take this list"), key="take"):
        report = take(accounts, entries, refused, now())
        log("take_staff", f"{file.name}: {len(report.created)} made, {len(report.changed)} changed")
        st.success(
            _("Accounts made: {made}. Changed: {changed}. As they were: {same}.", made=len(report.created),
              changed=len(report.changed), same=len(report.same))
        )  # fmt: skip
        if report.created:
            st.write(_("First passwords, shown once. Hand them over and keep no copy."))
            page.sheet(
                [_("Account name"), _("Person's name"), _("Password")],
                [(e.username, e.name, password) for e, password in report.created],
            )
        if report.not_named:
            st.write(_("Accounts of the same schools that the list does not name. Still in use?"))
            page.sheet([_("Account name"), _("Person's name")], [(p.username, p.name) for p in report.not_named])


def reading_log():
    st.header(_("Log"))
    st.caption(
        _("Every sign-in, page of children, file and change, newest first. Lines can only be added. Who looked at a "
          "child stands on the child's page, and raksa people log tells a guardian who asks.")
    )  # fmt: skip
    names = {p.username: f"{p.username} · {p.name}" for p in accounts.everyone()}
    account = page.pick(who, _("Account name"), names, _("Everybody"), "log-who")
    page.sheet(
        [_("When"), _("Who"), _("What"), _("About"), _("By what right"), _("Address")],
        staffing.log_lines(accounts.people, _, who.language, account or None),
    )
    st.caption(_("Old lines are moved into a file, not deleted: see Kept how long."))


def kept_how_long():
    st.header(_("Kept how long"))
    st.write(_("Nothing goes by itself. Contacts, visits and cases of children are never taken away from here."))
    years = st.number_input(_("Years the log is kept"), 1, 50, 5, key="years")
    settings = ground().settings
    due = retention.due(accounts.people, settings, years, now())
    st.subheader(_("What would go now"))
    page.facts(
        (f"{what}: {n}", f"{long} · {rule}") for what, n, long, rule in staffing.kept_how_long(due, settings, years, _)
    )
    if not any((due.lines, due.failures, due.sign_ins, due.tickets, due.plans)):
        st.info(_("Nothing has run out."))
    elif st.session_state.get("asked") != years:  # other years, another question
        if st.button(_("Take away what has run out"), key="keep"):
            st.session_state["asked"] = years
            st.rerun()
    else:
        st.warning(_("Take it away now? Only the lines of the log remain, in a file in the data folder."))
        with st.container(horizontal=True):
            if st.button(_("Yes, take it away"), key="keep-yes"):
                done = retention.keep(accounts.people, settings, years, now(), who.person.username, who.person.role)
                st.session_state.update(asked=None, kept=done)
                st.rerun()
            if st.button(_("No"), key="keep-no"):
                st.session_state["asked"] = None
                st.rerun()
    done = st.session_state.pop("kept", None)
    if done is not None:
        st.success(_("Done, and written to the log."))
        if done.file is not None:
            st.write(_("The lines are in the file {name} in the data folder.", name=done.file.name))
    st.caption(_("At the keyboard of the machine: raksa people keep --years {n}", n=years))


who = page.here()
_ = who.say
if who.person.role != "admin":  # the page is not in anybody else's navigation; this holds if that is ever changed
    st.stop()
accounts = ground().accounts
try:
    run = current_run()
except RaksaError:
    run = None
places = staffing.places(ground().store, run)
st.title(_("Administration"))
section = st.segmented_control(
    _("Section"), list(SECTIONS), format_func=lambda s: _(SECTIONS[s]), default="people", required=True,
    key=f"section-{who.language}", label_visibility="collapsed",
)  # fmt: skip
{"people": people, "staff": staff_list, "log": reading_log, "kept": kept_how_long}[section]()
