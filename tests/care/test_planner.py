"""Home visits fitted into afternoons: every window kept, every day kept, nobody forgotten without a word."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import ceil, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.planner import Day, Home, Options, Plan, School, Team, plan, reordered
from raksa.errors import RaksaError

SCHOOL = School(15.0, 101.0, "โรงเรียนบ้านทุ่งนา")
MONDAY = date(2026, 11, 23)
AFTERNOONS = tuple(Day(MONDAY + timedelta(n), time(13), time(16, 30)) for n in range(2))
# A hundredth of a degree of latitude is 1.1 km, a third more by road: about three minutes at 30 km/h.
MALI = Home("mali", 15.02, 101.0, place="บ้านทุ่งนา", subdistrict="ทุ่งนา")
KONG = Home("kong", 15.021, 101.001, place="บ้านทุ่งนา", subdistrict="ทุ่งนา")
BAIBUA = Home("baibua", 14.97, 101.0, place="บ้านป่าไผ่", subdistrict="ป่าไผ่")


def keys(made: Plan) -> list[list[str]]:
    return [[stop.home.key for stop in round.stops] for round in made.rounds]


def minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def test_three_homes_of_two_villages_fit_into_one_afternoon_neighbours_one_after_the_other() -> None:
    made = plan([MALI, BAIBUA, KONG], SCHOOL, AFTERNOONS[:1], seconds=60)
    (day,) = keys(made)
    assert (sorted(day), made.left_out, made.notes) == (["baibua", "kong", "mali"], (), ())
    assert day.index("baibua") != 1  # Mali and Kong live in one village


def test_neighbours_are_seen_one_after_the_other_even_if_another_order_is_a_little_shorter() -> None:
    # A loop of three doors, each a minute from the next; the one in the middle belongs to another village. Seeing it
    # between the other two would be ninety metres shorter.
    one, other = (Home(f"upper{n}", 15.002, 101 + 0.0008 * n, place="บ้านบน") for n in (0, 1))
    between = Home("lower", 15.003, 101.0004, place="บ้านล่าง")
    made = plan([one, between, other], SCHOOL, AFTERNOONS[:1], seconds=60)
    (day,) = keys(made)
    assert day.index("lower") != 1
    shorter = reordered(made, [["upper0", "lower", "upper1"]])
    assert 0.05 < made.km - shorter.km < 0.1 and made.rounds[0].back == shorter.rounds[0].back


def test_the_times_are_those_of_a_great_circle_a_third_longer_at_thirty_kilometres_an_hour() -> None:
    made = plan([MALI], SCHOOL, AFTERNOONS[:1], options=Options(minutes=20), seconds=60)
    km = 1.35 * 6371.0088 * radians(0.02)  # along a meridian
    (round,) = made.rounds
    (stop,) = round.stops
    assert stop.km == pytest.approx(km, abs=0.001)
    assert round.km == pytest.approx(2 * km, abs=0.002)
    ride = ceil(km / 30 * 60)
    assert (stop.travel, minutes(stop.begins), minutes(stop.ends)) == (ride, 780 + ride, 800 + ride)
    assert minutes(round.back) == 800 + 2 * ride


def test_a_family_home_from_four_is_visited_from_four_and_the_team_leaves_no_sooner_than_it_must() -> None:
    late = replace(MALI, window=(time(15, 30), time(18)))
    (round,) = plan([late], SCHOOL, AFTERNOONS[:1], seconds=60).rounds
    assert (round.stops[0].begins, round.stops[0].waits) == (time(15, 30), 0)
    assert round.leaves == time(15, 23)


def test_who_is_home_only_when_the_team_must_be_back_is_named_with_why() -> None:
    evening = replace(MALI, window=(time(16, 15), time(19)))
    short = replace(KONG, window=(time(13, 30), time(13, 45)))
    made = plan([evening, short, BAIBUA], SCHOOL, AFTERNOONS, seconds=60)
    assert [(left.home.key, left.code) for left in made.left_out] == [("mali", "window"), ("kong", "window")]
    assert "Nobody is home" in made.left_out[0].en and "ไม่มีใครอยู่บ้าน" in made.left_out[0].th


def test_a_family_that_cannot_on_mondays_is_visited_on_tuesday_and_one_that_cannot_on_either_is_named() -> None:
    not_monday = [replace(MALI, key=f"north{n}", not_on=(0, 5)) for n in range(4)]
    others = [replace(BAIBUA, key=f"south{n}") for n in range(4)]
    never = replace(KONG, not_on=(0, 1), name="ก้อง")
    made = plan([*not_monday, *others, never], SCHOOL, AFTERNOONS, seconds=60)
    monday, tuesday = keys(made)
    assert sorted(tuesday) == [home.key for home in not_monday] and sorted(monday) == [home.key for home in others]
    assert [(left.home.key, left.code) for left in made.left_out] == [("kong", "day")]
    by_hand = reordered(made, [[*monday, "kong"], tuesday])
    assert [broken.en for broken in by_hand.broken] == ["ก้อง: the family cannot on Monday."]
    assert by_hand.broken[0].th == "ก้อง: ครอบครัวไม่สะดวกวันจันทร์"


def test_a_home_too_far_for_a_day_is_named_and_so_is_one_that_finds_the_days_full() -> None:
    far = replace(BAIBUA, latitude=14.0)
    many = [replace(MALI, key=f"neighbour{n}") for n in range(9)]
    made = plan([far, *many], SCHOOL, AFTERNOONS[:1], seconds=60)
    assert {left.code for left in made.left_out} == {"far", "full"}
    assert [left.home.key for left in made.left_out if left.code == "far"] == ["baibua"]
    assert made.visits == 6  # 210 minutes: 12 on the road, six visits of thirty


def test_a_home_marked_first_goes_before_nearer_ones() -> None:
    near = [replace(MALI, key=f"near{n}") for n in range(6)]
    remote = replace(BAIBUA, latitude=14.8, first=True)
    assert "baibua" in keys(plan([*near, remote], SCHOOL, AFTERNOONS[:1], seconds=60))[0]
    unmarked = replace(remote, first=False)
    assert "baibua" not in keys(plan([*near, unmarked], SCHOOL, AFTERNOONS[:1], seconds=60))[0]


def test_of_two_equal_afternoons_the_first_has_the_home_named_first() -> None:
    north = [replace(MALI, key=f"north{n}") for n in range(5)]
    south = [replace(BAIBUA, key=f"south{n}") for n in range(5)]
    assert keys(plan([*south, *north], SCHOOL, AFTERNOONS, seconds=60))[0][0].startswith("south")
    assert keys(plan([*north, *south], SCHOOL, AFTERNOONS, seconds=60))[0][0].startswith("north")


def test_two_pairs_go_out_on_the_same_afternoon() -> None:
    pairs = [Team(("ครูสมศรี", "ครูวิชัย")), Team(("ครูกมล", "ครูพิมพ์"))]
    many = [replace(MALI, key=f"neighbour{n}") for n in range(9)]
    made = plan(many, SCHOOL, AFTERNOONS[:1], pairs, seconds=60)
    assert [round.team for round in made.rounds] == pairs
    assert (made.visits, made.left_out) == (9, ())


def test_a_home_without_coordinates_stands_amid_its_sub_district_or_at_the_school_and_says_so() -> None:
    unknown = Home("sai", subdistrict="ทุ่งนา", name="ทราย")
    nowhere = Home("ek", subdistrict="ดอยน้ำซับ", name="เอก")
    made = plan([MALI, KONG, unknown, nowhere], SCHOOL, AFTERNOONS, seconds=60)
    placed = {stop.home.key: stop for round in made.rounds for stop in round.stops}
    assert {key: stop.placed for key, stop in placed.items()} == {
        "mali": None, "kong": None, "sai": "sub-district", "ek": "school",
    }  # fmt: skip
    assert (placed["sai"].latitude, placed["sai"].longitude) == pytest.approx((15.0205, 101.0005))
    assert (placed["ek"].latitude, placed["ek"].longitude) == (15.0, 101.0)
    assert [en for _, en in made.notes] == [
        "Placed amid the known homes of the sub-district, for want of coordinates: ทราย.",
        "Placed at the school, for want of coordinates: เอก.",
    ]


def test_a_home_without_coordinates_stands_in_its_village_whoever_else_is_visited() -> None:
    # The sub-district's other villages lie north; two known homes of หมู่ 14 lie ten kilometres east.
    north = [Home(f"north{n}", 15.02 + n / 1000, 101.0, "หมู่ 11", "ทุ่งนา") for n in range(3)]
    east = [Home(f"east{n}", 15.0, 101.1 + n / 1000, "หมู่ 14", "ทุ่งนา") for n in (0, 1)]
    sai = Home("sai", place="หมู่ 14", subdistrict="ทุ่งนา", name="ทราย")
    other = Home("ek", place="หมู่ 14", subdistrict="ดอนเมือง", name="เอก")  # another หมู่ 14

    def placed(homes: list[Home], around: list[Home]) -> dict[str, tuple[str | None, float, float]]:
        made = plan([sai, other, *homes], SCHOOL, AFTERNOONS, seconds=60, around=around)
        stops = [stop for round in made.rounds for stop in round.stops]
        return {one.home.key: (one.placed, one.latitude, one.longitude) for one in stops if one.placed}

    found = placed(north, east)
    assert found == placed([], [*north, *east]) == placed([*north, *east], [])
    assert found["ek"] == ("school", 15.0, 101.0)
    assert found["sai"][0] == "village" and found["sai"][1:] == pytest.approx((15.0, 101.1005))
    assert placed(north, [])["sai"][0] == "sub-district"


def test_where_the_record_and_the_place_found_disagree_it_is_said_and_the_longer_way_counts() -> None:
    options = Options(km_per_hour=30)
    sai = Home("sai", place="บ้านทุ่งนา", subdistrict="ทุ่งนา", name="ทราย")  # beside Mali and Kong: 3 km by road

    def alone(km: float | None) -> tuple[float, int, tuple[str, str] | None]:
        (round,) = plan(
            [replace(sai, school_km=km)], SCHOOL, AFTERNOONS[:1], options=options, around=[MALI, KONG]
        ).rounds
        (stop,) = round.stops
        assert round.km == pytest.approx(2 * stop.km)
        return stop.km, stop.travel, stop.doubt

    found, ride, doubt = alone(None)
    assert (round(found, 1), ride, doubt) == (3.1, 7, None)
    assert alone(5.9) == (5.9, 13, None)  # less than twice, so no word; but no nearer than the record says
    assert alone(14.8) == (14.8, 31, (
        "ไม่ทราบพิกัด บันทึกว่าห่างโรงเรียน 14.8 กม.", "place not known; the record says 14.8 km from school",
    ))  # fmt: skip
    assert alone(0.5) == (found, ride, None)  # 2.6 km apart
    # A record nearer than the village shortens nothing.
    far = Home("ek", place="ดอย", subdistrict="ดอย", school_km=1.0)
    made = plan([far], SCHOOL, AFTERNOONS[:1], around=[replace(MALI, latitude=15.1, place="ดอย", subdistrict="ดอย")])
    (stop,) = made.rounds[0].stops
    assert stop.km == pytest.approx(15.01, abs=0.01) and stop.doubt is not None and "1.0 km" in stop.doubt[1]
    assert made.notes[-1][1] == "ek: place not known; the record says 1.0 km from school."
    # What coordinates say, no record mends.
    (stop,) = plan([replace(MALI, school_km=40.0)], SCHOOL, AFTERNOONS[:1]).rounds[0].stops
    assert (round(stop.km, 1), stop.doubt) == (3.0, None)


def test_neighbours_of_a_village_that_lies_farther_than_it_was_placed_are_still_neighbours() -> None:
    one, other = (Home(key, place="หมู่ 14", subdistrict="ทุ่งนา", school_km=14.8) for key in ("sai", "ek"))
    made = plan([one, other, MALI], SCHOOL, [replace(AFTERNOONS[0], end=time(17))], seconds=60)
    (order,), stops = keys(made), {stop.home.key: stop for stop in made.rounds[0].stops}
    assert sorted(order) == ["ek", "mali", "sai"] and order.index("mali") != 1
    assert min(stops["sai"].km, stops["ek"].km) == 0
    assert made.rounds[0].km == pytest.approx(2 * 14.8, abs=0.01)  # Mali lives on the way


def test_an_order_by_hand_is_reckoned_anew_and_what_breaks_is_said() -> None:
    early = replace(BAIBUA, window=(time(13), time(13, 45)), name="ใบบัว")
    made = plan([MALI, KONG, early], SCHOOL, AFTERNOONS[:1], seconds=60)
    assert (keys(made)[0][0], made.broken) == ("baibua", ())
    turned = reordered(made, [["mali", "kong", "baibua"]])
    assert keys(turned) == [["mali", "kong", "baibua"]]
    assert [(broken.round, broken.key) for broken in turned.broken] == [(0, "baibua")]
    assert turned.broken[0].en == "ใบบัว: the visit ends 69 min after the family's hours."
    assert reordered(turned, keys(made)) == made  # and back: every time as it was


def test_a_home_may_be_taken_out_and_one_left_out_put_in_by_hand() -> None:
    far = replace(BAIBUA, latitude=14.0)
    made = plan([MALI, far], SCHOOL, AFTERNOONS[:1], seconds=60)
    out = reordered(made, [["baibua"]])
    assert [(left.home.key, left.code) for left in out.left_out] == [("mali", "by_hand")]
    assert [broken.key for broken in out.broken] == [""]  # back at school too late
    assert [(left.home.key, left.code) for left in reordered(out, [[]]).left_out] == [
        ("mali", "by_hand"), ("baibua", "by_hand"),
    ]  # fmt: skip


def test_an_order_of_other_homes_is_refused_in_a_sentence() -> None:
    made = plan([MALI], SCHOOL, AFTERNOONS, seconds=60)
    for order, why in (
        ([["mali"]], "2 rounds"),
        ([["mali"], ["fah"]], "'fah' is no home of this plan"),
        ([["mali"], ["mali"]], "named twice"),
    ):
        with pytest.raises(RaksaError, match=why):
            reordered(made, order)


@pytest.mark.parametrize(
    ("homes", "days", "why"),
    [
        ([MALI, MALI], AFTERNOONS, "given twice"),
        ([replace(MALI, latitude=150.2)], AFTERNOONS, "Give degrees"),
        ([replace(MALI, longitude=None)], AFTERNOONS, "Give degrees"),
        ([replace(MALI, minutes=0)], AFTERNOONS, "0 minutes"),
        ([MALI], [Day(MONDAY, time(16), time(13))], "before it starts"),
        ([MALI], [AFTERNOONS[0], Day(MONDAY, time(15), time(18))], "one place at a time"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(homes: list[Home], days: list[Day], why: str) -> None:
    with pytest.raises(RaksaError, match=why):
        plan(homes, SCHOOL, days)


def test_nothing_to_do_is_a_plan_too() -> None:
    assert plan([], SCHOOL, AFTERNOONS).visits == 0
    assert [left.code for left in plan([MALI], SCHOOL, []).left_out] == ["full"]


def test_the_same_homes_and_seed_give_the_same_plan() -> None:
    homes = [Home(f"h{n}", 15 + (n * 7 % 11) / 200, 101 + (n * 5 % 13) / 200) for n in range(20)]
    assert plan(homes, SCHOOL, AFTERNOONS, seconds=60, seed=3) == plan(homes, SCHOOL, AFTERNOONS, seconds=60, seed=3)


# ----------------------------------------------------------------------------------------------------- the property
def _times(low: int, high: int) -> st.SearchStrategy[time]:
    return st.integers(low // 5, high // 5).map(lambda five: time(*divmod(five * 5, 60)))


_windows = st.none() | st.tuples(_times(600, 1200), _times(600, 1200))
_homes = st.lists(
    st.builds(
        Home,
        key=st.uuids().map(str),
        latitude=st.floats(14.7, 15.3),
        longitude=st.floats(100.7, 101.3),
        place=st.sampled_from(["", "บ้านบน", "บ้านล่าง"]),
        subdistrict=st.sampled_from(["", "ทุ่งนา", "ป่าไผ่"]),
        window=_windows,
        not_on=st.lists(st.integers(0, 6), max_size=5).map(tuple),
        minutes=st.none() | st.integers(1, 240),
        school_km=st.none() | st.floats(0, 60),
        first=st.booleans(),
    ).flatmap(lambda home: st.sampled_from([home, replace(home, latitude=None, longitude=None)])),
    max_size=14,
    unique_by=lambda home: home.key,
)
_days = st.lists(
    st.builds(
        lambda n, start, length: Day(MONDAY + timedelta(n), time(start), time(start + length, 30)),
        st.integers(0, 6), st.integers(8, 15), st.integers(0, 6),
    ),
    max_size=3,
    unique_by=lambda day: day.on,
)  # fmt: skip
_teams = st.lists(st.sampled_from([Team(("ครูสมศรี", "ครูวิชัย")), Team(("ครูกมล",))]), min_size=1, max_size=2)


@settings(max_examples=60, deadline=None)
@given(homes=_homes, days=_days, teams=_teams, seed=st.integers(0, 3), around=_homes)
def test_no_plan_breaks_a_window_exceeds_a_day_or_forgets_a_home(
    homes: list[Home], days: list[Day], teams: list[Team], seed: int, around: list[Home]
) -> None:
    made = plan(homes, SCHOOL, days, teams, seconds=0.05, seed=seed, around=around)
    visited = [key for round in keys(made) for key in round]
    left = {out.home.key: out for out in made.left_out}
    assert sorted([*visited, *left]) == sorted(home.key for home in homes)
    assert all(out.th and out.en for out in left.values())
    assert [round.day.on for round in made.rounds] == sorted(day.on for day in days for _ in teams)
    for round in made.rounds:
        now = minutes(round.leaves)
        assert minutes(round.day.start) <= now <= minutes(round.back) <= minutes(round.day.end)
        for stop in round.stops:  # each begins after the ride, stays as long as it should, and keeps the family's hours
            assert minutes(stop.begins) == now + stop.travel + stop.waits
            assert minutes(stop.ends) - minutes(stop.begins) == (stop.home.minutes or 30)
            assert round.day.on.weekday() not in stop.home.not_on
            if stop.home.window:
                assert stop.home.window[0] <= stop.begins and stop.ends <= stop.home.window[1]
            now = minutes(stop.ends)
            # Wherever a home was put: there, back and between it is as far as its record says.
            assert (stop.placed is None) == (stop.home.latitude is not None)
            if stop.placed and stop.home.school_km is not None:
                assert 2 * stop.home.school_km <= round.km + 1e-6
                assert minutes(round.back) - minutes(round.leaves) >= 4 * stop.home.school_km
        assert now <= minutes(round.back)
    assert made.broken == ()
    assert reordered(made, keys(made)) == made


# ------------------------------------------------------------------------------------------------------ road servers
@contextmanager
def road_server(answer: object) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that answers every request with this, and the paths it was asked."""
    asked: list[str] = []

    class Roads(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Roads)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_roads_of_osrm_are_taken_when_its_address_is_given() -> None:
    table = {"code": "Ok", "distances": [[0, 7000.4], [6500, 0]], "durations": [[0, 601], [540, 0]]}
    with road_server(table) as (address, asked):
        made = plan(
            [MALI], SCHOOL, AFTERNOONS[:1], options=Options(router_url=f"{address}/table/v1/driving"), seconds=60
        )
    (round,) = made.rounds
    assert (round.stops[0].km, round.stops[0].travel, round.km) == (7.001, 11, 13.501)
    assert round.back == time(13, 50)  # eleven minutes there, thirty, nine back
    assert asked == ["/table/v1/driving/101.000000,15.000000;101.000000,15.020000?annotations=duration%2Cdistance"]


def test_roads_of_valhalla_are_taken_when_its_address_is_given() -> None:
    cells = [
        [{"distance": 0, "time": 0}, {"distance": 7.0, "time": 601}],
        [{"distance": 6.5, "time": 540}, {"distance": 0, "time": 0}],
    ]
    with road_server({"sources_to_targets": cells}) as (address, _):
        options = Options(router_url=f"{address}/sources_to_targets")
        (round,) = plan([MALI], SCHOOL, AFTERNOONS[:1], options=options, seconds=60).rounds
    assert (round.stops[0].km, round.km, round.back) == (7.0, 13.5, time(13, 50))


def test_a_road_server_that_is_silent_or_has_no_way_leaves_the_straight_line_and_says_so() -> None:
    straight = plan([MALI], SCHOOL, AFTERNOONS[:1], seconds=60)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # listens, never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/table/v1/driving"
        made = plan([MALI], SCHOOL, AFTERNOONS[:1], options=Options(router_url=url, router_seconds=0.2), seconds=60)
    assert made.rounds == straight.rounds
    assert [en for _, en in made.notes] == [
        "The road service gave no answer (ReadTimeout): straight lines × 1.35 instead."
    ]
    with road_server({"distances": [[0, None], [1, 0]], "durations": [[0, None], [1, 0]]}) as (address, _):
        made = plan([MALI], SCHOOL, AFTERNOONS[:1], options=Options(router_url=address), seconds=60)
    assert made.rounds == straight.rounds
    assert "a table with gaps" in made.notes[0][1]
    assert "15.02" not in str(made.notes)  # a note is read by many; where a family lives is not in it
