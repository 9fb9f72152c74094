"""Every role at every page, route, file and door, for own and for other people's children; and everybody who is not in.

The routes are read from the server itself: a new one without an expectation here fails. What a page says is read where
it travels, from the bytes on its websocket, so that nothing a browser would hide is missed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from served import Server
from sqlalchemy import update
from sqlalchemy.orm import Session
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from test_browser import QUIET, _sign_in, browser
from test_doors import HTML, knock, stream

from care.cases import of_child, open_case
from care.contacts import Place
from care.messages import link
from care.opinions import nominate
from care.visits import Form, write_visit
from dashboard.asgi import ROUTES
from dashboard.ground import now
from dashboard.keys import key_of
from dashboard.pages import PAGES, pages_for
from raksa.accounts import SessionRow, session_id
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import ADULTS, BAIBUA, CHILDREN, EK, FAH, KONG, MALI, NUNG, PASSWORD, SAI, SCHOOLS, Learner

__all__ = ["browser"]
# Whose children are whose, written down once more and not asked of raksa.access.
OWN: Mapping[str, set[Learner]] = {
    "somsri": {MALI, KONG, NUNG},
    "wichai": {MALI, KONG, NUNG, BAIBUA},
    "kamol": {MALI, KONG, NUNG, BAIBUA, FAH, EK},
    "pim": set(),
    "rung": set(),
    "admin": set(),
}
OPEN = {"/login", "/login/code", "/oidc/login", "/oidc/callback", "/health"}
DOORS = {"/logout", "/password", "/second-factor", "/sessions"}
LISTS = {"/export/list.csv", "/export/list.xlsx", "/export/list.pdf"}
CALLS = {"/export/calls.pdf", "/export/calls.xlsx"}
CHILD_FILES = {"/export/child.pdf", "/export/child.json", "/export/child.csv"}
FIGURES, CARD, REFUSED_ROWS = {"/export/area.csv"}, {"/model/card"}, {"/export/refused.xlsx"}
PHOTO, MAIL = {"/visit/photo"}, {"/from-mail"}
PLAN = {"/export/visits.pdf", "/export/visits.ics", "/export/visits.xlsx", "/export/visits-to-mend.xlsx"}
RECORD = {"/export/home-visits.xlsx"}
LETTERS = {"/export/letter.pdf", "/export/letters.pdf"}
SHOWN = {"/", *(f"/{name}" for name in PAGES)}
CLOSED = sorted(
    DOORS | LISTS | CALLS | CHILD_FILES | FIGURES | CARD | REFUSED_ROWS | PHOTO | MAIL | PLAN | RECORD | LETTERS | SHOWN
)
EVERYONE = [one.username for one in ADULTS]


def test_every_route_of_the_server_has_an_expectation_here() -> None:
    assert {route.path for route in ROUTES} == OPEN | set(CLOSED)


@pytest.fixture(scope="module")
def cookies(server: Server) -> Mapping[str, str]:
    """Everybody's sign-in: all are in at once, as on a morning."""
    held = {}
    for username in EVERYONE:
        with server.signed_in(username) as client:
            held[username] = client.cookies["raksa_session"]
    return held


def client_of(server: Server, cookie: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers=HTML, cookies={"raksa_session": cookie}, timeout=30)


# ------------------------------------------------------------------------------------------------- whose names are here
def _letters(text: str) -> str:
    """Without vowels and tones above and below, which a PDF's text holds in another order."""
    return re.sub("[\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\\s]", "", text)


def named(text: str) -> set[Learner]:
    """The children of the cast whose family name stands in a text. No two share one."""
    stripped = _letters(text)
    return {one for one in CHILDREN if _letters(one.last_name) in stripped}


def test_names_are_found_where_they_stand() -> None:
    assert named("เด็กหญิงมะลิ ใจดี, ก้อง เก่งกล้า") == {MALI, KONG}
    assert len({_letters(one.last_name) for one in CHILDREN}) == len(CHILDREN)


def text_of(answer: httpx.Response) -> str:
    """What a file says, of whatever kind it is."""
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "application/pdf":
        return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(answer.content))
    if kind.endswith("sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
            return "".join(parts.read(name).decode() for name in parts.namelist())
    return answer.content.decode("utf-8").encode().decode("unicode_escape") if "\\u0e" in answer.text else answer.text


def place_of(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def said_on(server: Server, cookie: str, page: str, query: str = "") -> str:
    """Everything the server sends for one run of a page."""
    ask, told = BackMsg(), []
    ask.rerun_script.page_name, ask.rerun_script.query_string = page, query
    with stream(server, cookie) as socket:
        socket.send(ask.SerializeToString())
        while True:
            told.append(bytes(socket.recv(timeout=30)))
            part = ForwardMsg()
            part.ParseFromString(told[-1])
            if part.WhichOneof("type") == "script_finished":
                return b"".join(told).decode("utf-8", errors="ignore")


# --------------------------------------------------------------------------------------------------------------- pages
@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_says_the_names_of_nobody_elses_children(server: Server, cookies: Mapping[str, str], page: str) -> None:
    for one in ADULTS:
        told = named(said_on(server, cookies[one.username], page, "all=1"))
        assert told <= OWN[one.username], (one.username, page)
        if page == "lists" and page in pages_for(one):
            assert told == OWN[one.username] - {EK} or told == OWN[one.username], "the page says names at all"


@pytest.mark.parametrize("page", ["child", "visit"])
def test_a_childs_page_opens_for_her_own_adults_alone(server: Server, cookies: Mapping[str, str], page: str) -> None:
    for one in ADULTS:
        for child in CHILDREN:
            told = named(said_on(server, cookies[one.username], page, f"child={key_of(server.home, child.learner_id)}"))
            assert told == ({child} & OWN[one.username]), (one.username, child.first_name)


def test_cases_and_opinions_are_read_by_the_adults_of_the_child(server: Server, cookies: Mapping[str, str]) -> None:
    now, children = datetime.now(UTC), (KONG, BAIBUA, SAI)
    with server.accounts() as accounts:
        for child in children:
            where = place_of(child)
            if not of_child(accounts.people, None, where):
                open_case(accounts.people, None, where, signal="list", said="อยู่ในรายชื่อ", now=now)
                nominate(accounts.people, None, where, run="-", said="ควรดูแลเพิ่ม", now=now)
    for one in ADULTS:
        told = named(said_on(server, cookies[one.username], "cases"))
        assert told == OWN[one.username] & set(children), one.username


def test_a_photograph_is_for_the_adults_of_the_child(server: Server, cookies: Mapping[str, str]) -> None:
    now, taken = datetime.now(UTC), io.BytesIO()
    Image.new("RGB", (40, 30)).save(taken, "JPEG")
    made = {}
    with server.accounts() as accounts:
        for child in (KONG, SAI):
            where = place_of(child)
            form = Form(on=now.date() - timedelta(1), mode="visit", met=("nobody",))
            held = write_visit(
                accounts.people, None, where, form, now=now, home=server.home, photos={"outside": taken.getvalue()}
            )
            made[child] = held.id
    for username, own in OWN.items():
        with client_of(server, cookies[username]) as client:
            for child, visit in made.items():
                key = key_of(server.home, child.learner_id)
                for number, kind, there in (
                    (visit, "outside", True),
                    (visit, "inside", False),
                    (9999, "outside", False),
                ):
                    answer = client.get("/visit/photo", params={"child": key, "visit": number, "kind": kind})
                    assert answer.status_code == (200 if child in own and there else 403), (username, child.first_name)
            # A picture of one child is not reached by the key of another.
            crossed = {"child": key_of(server.home, MALI.learner_id), "visit": made[SAI], "kind": "outside"}
            assert client.get("/visit/photo", params=crossed).status_code == 403


def test_the_link_of_a_mail_opens_nothing_by_itself_and_leads_nowhere_else(
    server: Server, cookies: Mapping[str, str]
) -> None:
    key, now = Store(server.home).identity.id_key, datetime.now(UTC)
    settings = Settings(public_url=server.url)
    good, old = (link(key, "/lists", at, settings) for at in (now, now - timedelta(8)))
    assert httpx.get(good, headers=HTML).headers["location"].startswith("/login")
    for username in EVERYONE:
        with client_of(server, cookies[username]) as client:
            assert client.get(good).headers["location"] == "/lists"
            assert client.get(old).status_code == 410
            assert client.get("/from-mail", params={"to": "https://evil.example"}).status_code == 410


def test_the_number_of_a_child_in_an_address_opens_nothing(server: Server, cookies: Mapping[str, str]) -> None:
    for wanted in (str(MALI.learner_id), "0" * 32, "' OR 1=1 --"):
        assert named(said_on(server, cookies["kamol"], "child", f"child={wanted}")) == set()


# --------------------------------------------------------------------------------------------------------------- files
@pytest.mark.parametrize("path", sorted(LISTS))
def test_a_list_as_a_file_holds_ones_own_children(server: Server, cookies: Mapping[str, str], path: str) -> None:
    for username, own in OWN.items():
        with client_of(server, cookies[username]) as client:
            answer = client.get(f"{path}?all=1&search=")
            elsewhere = client.get(f"{path}?all=1&area=2402&school={SAI.school_id}")
        if not own:
            assert (answer.status_code, elsewhere.status_code) == (403, 403), username
            continue
        assert answer.status_code == 200
        assert named(text_of(answer)) == own - {EK}, username  # of whom nothing is known is on no list
        assert named(text_of(elsewhere)) == set(), username


@pytest.mark.parametrize("path", sorted(CALLS))
def test_whom_to_call_as_a_file_holds_ones_own_children(server: Server, cookies: Mapping[str, str], path: str) -> None:
    for username in EVERYONE:
        with client_of(server, cookies[username]) as client:
            answer, elsewhere = client.get(path), client.get(path, params={"school": SAI.school_id})
        may = username in ("somsri", "wichai")  # the others have no page Today
        assert (answer.status_code, elsewhere.status_code) == ((200, 200) if may else (403, 403)), username
        assert named(text_of(answer)) == ({MALI, KONG} if may else set()), username
        assert named(text_of(elsewhere)) == set(), username


@pytest.mark.parametrize("path", sorted(CHILD_FILES))
def test_a_childs_file_is_for_her_own_adults_alone(server: Server, cookies: Mapping[str, str], path: str) -> None:
    for username, own in OWN.items():
        with client_of(server, cookies[username]) as client:
            for child in CHILDREN if "pdf" not in path else (MALI, SAI):
                answer = client.get(path, params={"child": key_of(server.home, child.learner_id)})
                assert answer.status_code == (200 if child in own else 403), (username, child.first_name)
                assert named(text_of(answer)) == ({child} & own)
            for invented in ("", str(MALI.learner_id), "0" * 32, "../../raksa.db"):
                assert client.get(path, params={"child": invented}).status_code == 403


def test_figures_of_an_area_name_no_child_and_no_school_elsewhere(server: Server, cookies: Mapping[str, str]) -> None:
    for username in EVERYONE:
        with client_of(server, cookies[username]) as client:
            answers = [client.get("/export/area.csv", params=asked) for asked in ({}, {"area": "2402"})]
        expected = 200 if username in ("kamol", "pim") else 403
        assert [answer.status_code for answer in answers] == [expected] * 2, username
        assert not named(answers[0].text + answers[1].text)
        if username == "kamol":  # three of the four schools are his; of the other area he is told of none
            assert [answer.text.split("\r\n")[1].split(",")[1] for answer in answers] == ["3", "0"]


def test_refused_rows_are_a_schools_own_and_no_path_leads_to_others(server: Server, cookies: Mapping[str, str]) -> None:
    """What a school gets of an import that did refuse rows is in test_data_page.py; this register has none."""
    for username in EVERYONE:
        with client_of(server, cookies[username]) as client:
            for wanted in ("", "000001-abc", "../../raksa", "../runs/x"):
                answer = client.get("/export/refused.xlsx", params={"import": wanted})
                assert (answer.status_code, named(answer.text)) == (403, set()), (username, wanted)


def test_the_models_card_is_for_those_who_read_figures(server: Server, cookies: Mapping[str, str]) -> None:
    for username in EVERYONE:
        with client_of(server, cookies[username]) as client:
            answer = client.get("/model/card")
        # 404: the small run names a model of which there is no folder.
        assert answer.status_code == (404 if username in ("kamol", "pim", "rung") else 403), username


# --------------------------------------------------------------------------------------------------------------- doors
@pytest.mark.parametrize("username", EVERYONE)
def test_every_door_is_open_to_whoever_is_in(server: Server, cookies: Mapping[str, str], username: str) -> None:
    (me,) = (one for one in ADULTS if one.username == username)
    with client_of(server, cookies[username]) as client:
        for path in sorted(SHOWN | DOORS):
            answer = client.get(path)
            if path.strip("/") in set(PAGES) - set(pages_for(me)):  # a link somebody sent on
                assert (answer.status_code, answer.headers["location"]) == (303, f"/?missing={path[1:]}")
            else:
                assert answer.status_code == 200, path
        assert not named(client.get("/sessions").text + client.get("/").text)


def test_nobody_ends_or_sees_anothers_sign_in(server: Server, cookies: Mapping[str, str]) -> None:
    kamols = session_id(cookies["kamol"])
    with client_of(server, cookies["somsri"]) as client:
        assert kamols[:16] not in client.get("/sessions").text
        for wanted in (kamols, kamols[:16], "%" * 12, "0", ""):
            assert client.post("/sessions", data={"id": wanted}).status_code == 303
    with client_of(server, cookies["kamol"]) as client:
        assert client.get("/export/list.csv").status_code == 200


def test_one_ends_ones_own_sign_in_elsewhere_or_all_of_them(server: Server) -> None:
    with server.signed_in("rung") as phone, server.signed_in("rung") as desk, server.signed_in("rung") as third:
        lost = session_id(phone.cookies["raksa_session"])[:16]
        assert desk.get("/sessions").text.count('name="id"') >= 3
        assert desk.post("/sessions", data={"id": lost}).headers["location"] == "/sessions"
        assert phone.get("/").headers["location"] == "/login"
        assert desk.get("/").status_code == 200
        assert third.post("/sessions", data={"do": "all"}).headers["location"] == "/login"
        assert desk.get("/").headers["location"] == "/login"
    assert [line.what for line in server.log_of("rung")[:2]] == ["sign_out_everywhere", "end_session"]


@pytest.mark.parametrize("path", sorted(PLAN | RECORD))
def test_plans_and_records_of_visits_are_ones_own(server: Server, path: str) -> None:
    """Visits to every child are there; what a plan's files hold is in test_plan_page.py."""
    with server.accounts() as accounts:
        for child in CHILDREN:
            form = Form(now().date() - timedelta(1), "visit", agreed="จะกลับมาเรียน")
            write_visit(accounts.people, None, place_of(child), form, now=now(), home=server.home)
    for username, own in OWN.items():
        with server.signed_in(username) as client:
            answer = client.get(path, params={"child": key_of(server.home, SAI.learner_id), "school": SAI.school_id})
        may = username in ("somsri", "wichai", "kamol")
        assert answer.status_code in ((200, 404) if may else (403,)), username
        told = named(text_of(answer))
        assert told == own if may and path in RECORD else told <= own, username


@pytest.mark.parametrize("path", sorted(LETTERS))
def test_letters_home_are_for_the_adults_of_the_child(server: Server, path: str) -> None:
    """This register knows no mark, so that none is due; whose children's letters are printed is in test_letters.py."""
    for username, own in OWN.items():
        with server.signed_in(username) as client:
            for child in (KONG, SAI):
                key = key_of(server.home, child.learner_id)
                answer = client.get(path, params={"child": key, "school": child.school_id})
                may = child in own or (own and path == "/export/letters.pdf")
                assert (answer.status_code, named(answer.text)) == (404 if may else 403, set()), username


# ------------------------------------------------------------------------------------------------- everybody not in
def _aged(server: Server, cookie: str, **ages: timedelta) -> None:
    """As if the clock had gone on: the row of the sign-in is older."""
    with server.accounts() as accounts, Session(accounts.people) as session, session.begin():
        values = {name: now() - age for name, age in ages.items()}
        session.execute(update(SessionRow).where(SessionRow.id == session_id(cookie)).values(**values))


def idle(server: Server, cookie: str) -> None:
    _aged(server, cookie, last_seen=timedelta(minutes=61))


def too_long(server: Server, cookie: str) -> None:
    _aged(server, cookie, created=timedelta(hours=12, minutes=1))


def signed_out(server: Server, cookie: str) -> None:
    with client_of(server, cookie) as client:
        client.post("/logout")


def switched_off(server: Server, cookie: str) -> None:
    with server.accounts() as accounts:
        accounts.set_active("kamol", False)
        accounts.set_active("kamol", True)


def new_password(server: Server, cookie: str) -> None:
    with server.accounts() as accounts:
        accounts.set_password("kamol", PASSWORD)


@pytest.fixture
def no_longer(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The cookie of a sign-in of kamol's that has ended in this way."""
    ended: Callable[[Server, str], None] = request.param
    with server.signed_in("kamol") as client:
        cookie = client.cookies["raksa_session"]
        assert client.get("/export/list.csv").status_code == 200
    ended(server, cookie)
    yield cookie


def refused_everywhere(server: Server, cookie: str) -> None:
    with client_of(server, cookie) as client:
        for path in [*CLOSED, "/anything", "/media/x", "/_stcore/metrics", "/_stcore/upload_file/a/b"]:
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path
            bare = client.post(path)
            assert (bare.status_code, bare.text) == (401, "Sign in first"), path
        for method in ("GET", "HEAD", "PUT", "DELETE", "X-MALI"):
            assert client.request(method, "/export/list.csv", headers={"Accept": "*/*"}).status_code == 401, method
    assert knock(server, cookie) == 403


@pytest.mark.parametrize("cookie", ["", "invented", "x" * 5000, "'; DROP TABLE session; --"])
def test_a_stranger_gets_nothing_anywhere(server: Server, cookie: str) -> None:
    refused_everywhere(server, cookie)


def test_the_id_of_a_sign_in_is_no_cookie(server: Server, cookies: Mapping[str, str]) -> None:
    refused_everywhere(server, session_id(cookies["kamol"]))


@pytest.mark.parametrize("no_longer", [idle, too_long, signed_out, switched_off, new_password], indirect=True)
def test_a_sign_in_that_has_ended_opens_nothing_anywhere(server: Server, no_longer: str) -> None:
    refused_everywhere(server, no_longer)


# ------------------------------------------------------------------------------------------------------- other sites
FORGED = [{"X-Raksa-Session": "0" * 64}, {"x-raksa-session": ""}]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("header", FORGED)
def test_a_forged_header_is_refused_at_every_route(server: Server, header: dict[str, str]) -> None:
    with server.signed_in("wichai") as client:
        for path in [*CLOSED, *OPEN]:
            answer = client.get(path, headers=header)
            assert (answer.status_code, answer.text) == (403, "Forbidden"), path
        assert knock(server, client.cookies["raksa_session"], **header) == 403


@pytest.mark.parametrize("header", FOREIGN)
def test_a_form_of_another_site_is_refused_at_every_route(server: Server, header: dict[str, str]) -> None:
    with server.signed_in("wichai") as client:
        for path in [*CLOSED, *OPEN]:
            answer = client.post(path, data={"do": "all"}, headers=header)
            assert (answer.status_code, answer.text) == (403, "Forbidden"), path
        assert client.get("/export/list.csv").status_code == 200, "still signed in"
        assert knock(server, client.cookies["raksa_session"], **header) == 403


@pytest.mark.browser
def test_in_a_browser_another_sites_page_does_nothing_and_no_child_is_kept(server: Server, browser: Browser) -> None:
    with browser.new_context(base_url=server.url) as context:
        page, elsewhere = context.new_page(), context.new_page()
        _sign_in(page, "wichai")
        elsewhere.set_content(
            f'<form method="post" action="{server.url}/sessions"><button name="do" value="all">x</button>'
        )
        elsewhere.get_by_role("button").click()
        expect(elsewhere.get_by_text("Forbidden")).to_be_visible()
        page.reload()
        page.wait_for_function(QUIET)
        kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert page.evaluate("indexedDB.databases()") == []
        assert not named(kept) and "raksa" not in kept, kept
