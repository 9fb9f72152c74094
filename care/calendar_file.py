"""The visits of a plan as a calendar file (ICS, RFC 5545): an event a visit, in Bangkok time, for any telephone.

A calendar travels: it is read aloud in cars and kept by others' machines. So an event says a number, not who the child
is, unless somebody asks for names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from care.planner import Plan

BANGKOK = ZoneInfo("Asia/Bangkok")
_WORDS = {
    "th": ("เยี่ยมบ้าน", "บ้านที่", "วางตำแหน่งโดยประมาณ", "แผนเยี่ยมบ้าน"),
    "en": ("Home visit", "home no.", "placed roughly", "Home visits"),
}


def ics(
    plan: Plan,
    made_at: datetime,
    names: Literal["number", "full"] = "number",
    language: Literal["th", "en"] = "th",
) -> bytes:
    """An event for each visit of the plan, in the order they are made; the same input gives the same bytes.

    `made_at` is when the plan was made, with its zone. An event's UID stays the same when a visit moves to another
    hour, so that a calendar that takes the file again moves it. "number": the number of the visit in the plan, as the
    printed sheets say it; "full": the name of the home. Coordinates are given only where they are known.
    """
    visit, number, roughly, title = _WORDS[language]
    calendar = Calendar()
    calendar.add("prodid", "-//Raksa//Home visits//TH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", title)
    calendar.add_component(Timezone.from_tzinfo(BANGKOK))
    stops = [(round, stop) for round in plan.rounds for stop in round.stops]
    for at, (round, stop) in enumerate(stops, start=1):
        event = Event()
        # A key names a child inside Raksa; in a calendar it would open her page to whoever is signed in beside it.
        event.add("uid", f"{sha256(f'visit {stop.home.key}'.encode()).hexdigest()[:32]}@raksa")
        event.add("dtstamp", made_at.astimezone(UTC))
        event.add("dtstart", datetime.combine(round.day.on, stop.begins, BANGKOK))
        event.add("dtend", datetime.combine(round.day.on, stop.ends, BANGKOK))
        who = f"{number} {at}" if names == "number" or not stop.home.name else stop.home.name
        event.add("summary", f"{visit} {who}")
        event.add("class", "PRIVATE")
        where = stop.home.where
        if stop.placed:
            where = f"{where} ({roughly})".strip()
        else:
            event.add("geo", (stop.latitude, stop.longitude))
        if where:
            event.add("location", where)
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
