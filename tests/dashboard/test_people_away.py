"""People at work while the people database goes and comes back, and two who write about the same child at once:
through the pages of a real server, each with a tab of her own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from people_database import ENGINES, Postgres
from served import Server, serving
from sqlalchemy import Engine, select, text

import raksa.people
from benchmarks.people_away import FORMS, MOVED_ON, Tab, opened, th
from care import cases, contacts, visits
from care.contacts import Place
from dashboard.casework import STEPS
from dashboard.keys import key_of
from raksa.people import PeopleAway, open_people, scoped
from raksa.settings import Settings
from tests.cast import KONG, MALI, SCHOOLS, SOMSRI, Learner

SAID, AGREED, STEP = (th(FORMS[kind][1]) for kind in ("contact", "draft", "step"))
WRITE, ADD = th(FORMS["contact"][2]), th(FORMS["step"][2])
PRIVATE, DONE = th("Only for me and the head of the school"), th("Written down.")


def place_of(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room)


def address(server: Server, child: Learner) -> str:
    return f"child={key_of(server.home, child.learner_id)}"


def cookie(server: Server, username: str) -> str:
    with server.signed_in(username) as client:
        return str(client.cookies["raksa_session"])


def written(server: Server, child: Learner) -> list[tuple[str, bool]]:
    with server.accounts() as accounts:
        return [(one.text, one.restricted) for one in contacts.of_child(accounts.people, None, place_of(child))]


def open_a_case(server: Server, child: Learner) -> None:
    with server.accounts() as accounts:
        cases.open_case(
            accounts.people, SOMSRI, place_of(child), signal="in_row", said="ไม่มา 5 วัน", now=datetime.now(UTC)
        )


def test_what_somsri_typed_outlives_a_crash_of_postgresql_and_is_written_once(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = postgres.new_database(durable=True).render_as_string(hide_password=False)
    with serving(tmp_path_factory.mktemp("away"), extra=0, database_url=url) as server:
        open_a_case(server, MALI)
        asyncio.run(_four_at_work(server, postgres))
        assert sorted(written(server, KONG)) == [("เยี่ยมบ้านก่อนหยุด", False), ("แม่เล่าเรื่องที่บ้าน", True)]
        assert [said for said, _ in written(server, MALI)] == ["โทรหายายแล้ว"]
        with server.accounts() as accounts:
            assert visits.draft(accounts.people, SOMSRI, place_of(MALI))["agreed"] == "ยายจะพามาส่งทุกเช้า"
        assert "Traceback" not in server.written


async def _four_at_work(server: Server, postgres: Postgres) -> None:
    somsri, wichai, kamol = (cookie(server, name) for name in ("somsri", "wichai", "kamol"))
    async with AsyncExitStack() as stack:
        one, draft, step, reader = [
            await stack.enter_async_context(opened(server.url, who)) for who in (somsri, somsri, wichai, kamol)
        ]
        await one.go("child", address(server, KONG))
        one.type(SAID, "เยี่ยมบ้านก่อนหยุด")
        await one.press(WRITE)
        assert DONE in one.words
        one.type(SAID, "แม่เล่าเรื่องที่บ้าน")
        one.tick(PRIVATE)
        await draft.go("visit", address(server, MALI))
        draft.type(AGREED, "ยายจะพามาส่ง")
        await draft.go()
        draft.type(AGREED, "ยายจะพามาส่งทุกเช้า")
        await step.go("child", address(server, MALI))
        step.choose(th("Step"), th(STEPS["call"]))
        await step.go()
        step.type(STEP, "โทรหายายแล้ว")
        await reader.go("lists")
        assert KONG.first_name in reader.words

        postgres.stop(at_once=True)
        try:
            await asyncio.gather(one.press(WRITE), draft.go(), step.press(ADD), reader.go())
            for tab in (one, draft, step, reader):
                assert tab.shows == "away", tab.words
        finally:
            postgres.start()
        await asyncio.gather(*(tab.go() for tab in (one, draft, step, reader)))
        assert [tab.shows for tab in (one, draft, step, reader)] == ["page"] * 4, "nobody was signed out"
        assert (one.stands(SAID), one.stands(PRIVATE)) == ("แม่เล่าเรื่องที่บ้าน", True)
        assert (draft.stands(AGREED), step.stands(STEP)) == ("ยายจะพามาส่งทุกเช้า", "โทรหายายแล้ว")
        assert KONG.first_name in reader.words
        await asyncio.gather(one.press(WRITE), step.press(ADD))
        assert DONE in one.words
        assert DONE in step.words


@pytest.fixture(params=ENGINES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own on each engine in turn."""
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database().render_as_string(hide_password=False)
    with serving(tmp_path_factory.mktemp(request.param), extra=0, database_url=url) as server:
        yield server


def test_of_two_who_add_a_step_at_once_the_second_is_told_and_keeps_her_words(served: Server) -> None:
    open_a_case(served, KONG)
    asyncio.run(_both_at_once(served))
    with served.accounts() as accounts:
        ((case, steps),) = cases.of_child(accounts.people, None, place_of(KONG))
    assert (case.version, {one.said for one in steps}) == (3, {"ไม่มา 5 วัน", "ครูไปหาแล้ว", "ผอ.ไปหาแล้ว"})
    asyncio.run(_the_answer_was_lost(served))
    assert [said for said, _ in written(served, MALI)] == ["ยายป่วย", "โทรแล้วไม่รับ"]


async def _both_at_once(served: Server) -> None:
    async with AsyncExitStack() as stack:
        said: dict[str, Tab] = {}
        for who, words in (("somsri", "ครูไปหาแล้ว"), ("wichai", "ผอ.ไปหาแล้ว")):
            said[words] = await stack.enter_async_context(opened(served.url, cookie(served, who)))
            await said[words].go("child", address(served, KONG))
            said[words].type(STEP, words)
            said[words].choose(th("Step"), th(STEPS["note"]))
        await asyncio.gather(*(tab.press(ADD) for tab in said.values()))
        (first,) = (words for words, tab in said.items() if DONE in tab.words)
        (second,) = set(said) - {first}
        late = said[second]
        assert th(MOVED_ON) in late.words and first in late.words and late.stands(STEP) == second
        await late.press(ADD)
        assert DONE in late.words and late.stands(STEP) == ""


async def _the_answer_was_lost(served: Server) -> None:
    """Somsri is not told that her words were written, and presses again: in a second tab with the same words."""
    somsri = cookie(served, "somsri")
    async with opened(served.url, somsri) as one, opened(served.url, somsri) as again:
        for tab in (one, again):
            await tab.go("child", address(served, MALI))
            tab.type(SAID, "โทรแล้วไม่รับ")
        for tab in (one, again):
            await tab.press(WRITE)
            assert DONE in tab.words
        for tab in (one, again):
            await tab.go("visit", address(served, MALI))
            tab.type(AGREED, "ยายป่วย")
        for tab in (one, again):
            await tab.press(th("Hand in"))
            assert tab.shows == "page" and DONE in tab.words


def test_the_same_words_an_hour_later_are_another_call(people: Engine) -> None:
    now = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
    said = [
        contacts.write(people, SOMSRI, place_of(MALI), on=now.date(), kind="call", text="ไม่รับ", now=now + later)
        for later in (timedelta(0), timedelta(minutes=59), timedelta(hours=1))
    ]
    assert said[0] == said[1]
    with scoped(people, None) as session:
        assert len(session.scalars(select(contacts.ContactRow.id)).all()) == 2


def test_who_waits_in_vain_for_a_connection_is_told_that_the_database_does_not_answer(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raksa.people, "_WAIT", 0.1)
    people = open_people(Settings(home=tmp_path_factory.mktemp("full")))
    held = [people.connect() for _ in range(15)]
    with pytest.raises(PeopleAway, match=r"no connection came free in 0\.1 seconds"):
        people.connect()
    held.pop().close()
    with people.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    for one in held:
        one.close()
    people.dispose()
