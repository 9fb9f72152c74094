"""From two free afternoons to a plan that is kept, printed, changed by hand, and comes back filled in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import httpx
import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from served import Server
from small_run import with_people, write_run
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from care.capacity import to_visit
from care.contacts import Place, write
from care.family_hours import Hours
from care.visits import Form, of_child, write_visit
from dashboard import ground, planning
from dashboard.keys import key_of
from dashboard.planning import Choices, Kept
from raksa.accounts import Accounts, session_id
from raksa.audit import entries
from raksa.calendar import today_in_bangkok
from raksa.cli import app
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import (
    BAIBUA,
    FAH,
    KAMOL,
    KONG,
    MALI,
    NUNG,
    PASSWORD,
    PIM,
    RUNG,
    SAI,
    SCHOOLS,
    SOMSRI,
    THUNG_NA,
    WICHAI,
    Learner,
)
from tests.small_register import add

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
NOW = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
TODAY = today_in_bangkok(NOW)
TWO_DAYS = (date(2026, 6, 9), date(2026, 6, 10))


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    write_run(tmp_path, extra=20)
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def key(child: Learner) -> str:
    return key_of(ground.ground().store.home, child.learner_id)


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def made_by(accounts: Accounts, person=SOMSRI, **asked: object) -> Kept:  # type: ignore[no-untyped-def]
    choices = Choices(THUNG_NA, TWO_DAYS, **asked)  # type: ignore[arg-type]
    return planning.make(ground.current_run(), ground.ground().store, accounts.people, person, choices, NOW, TODAY)


def visited(kept: Kept) -> set[str]:
    return {one for keys in kept.order for one in keys}


# ------------------------------------------------------------------------------------------------------ whom to visit
def test_whom_nobody_has_looked_at_comes_first_then_the_greatest_need(accounts: Accounts) -> None:
    run = ground.current_run()

    def order() -> list[str]:
        return [one.name.split()[0] for one in planning.by_need(run, accounts.people, WICHAI, THUNG_NA, TODAY)]

    assert order() == ["เด็กชายก้อง", "เด็กหญิงมะลิ", "เด็กหญิงใบบัว"]
    write(accounts.people, SOMSRI, place(KONG), on=TODAY, kind="call", text="ยายรับสาย", now=NOW)
    assert order() == ["เด็กหญิงมะลิ", "เด็กหญิงใบบัว", "เด็กชายก้อง"]
    # The same three as care.capacity would send somebody to.
    rows = pd.DataFrame({"learner_id": [101, 102, 103], "school_id": THUNG_NA, "need": [0.21, 0.08, 0.16],
                         "contacted": [False, True, False]})  # fmt: skip
    assert to_visit(rows, {THUNG_NA: 2}).tolist() == [True, False, True]


def test_somsri_plans_for_her_class_alone_and_reads_no_chance(accounts: Accounts) -> None:
    found = planning.by_need(ground.current_run(), accounts.people, SOMSRI, THUNG_NA, TODAY)
    assert {one.learner_id for one in found} == {KONG.learner_id, MALI.learner_id}
    assert all(one.risk is None and one.rank is None for one in found)
    kept = made_by(accounts, also=(key(NUNG), key(BAIBUA), key(FAH), "0" * 32))
    assert visited(kept) == {key(KONG), key(MALI), key(NUNG)}


def test_what_cannot_be_planned_is_said(accounts: Accounts) -> None:
    for wrong, sentence in (
        ({"days": ()}, "no day or no child"),
        ({"top": 0}, "no day or no child"),
        ({"school": "10000003"}, "not among those of this account"),
        ({"end": time(12)}, "before it starts"),
        ({"teams": 6}, "Choose fewer"),
    ):
        choices = Choices(**({"school": THUNG_NA, "days": TWO_DAYS} | wrong))  # type: ignore[arg-type]
        with pytest.raises(RaksaError, match=sentence):
            planning.make(
                ground.current_run(), ground.ground().store, accounts.people, SOMSRI, choices, NOW, TODAY
            )  # fmt: skip


def test_the_codes_on_paper_lead_where_the_settings_say_people_open_raksa() -> None:
    names = "raksa.example.go.th, raksa.local:8443"
    for settings, address in (
        (
            Settings(public_url="https://raksa.example.go.th/", public_host="raksa.local"),
            "https://raksa.example.go.th/",
        ),
        (Settings(public_host=names), "https://raksa.example.go.th"),
        (Settings(port=8600), "http://127.0.0.1:8600"),
    ):
        assert planning.address_of(settings) == address


# ---------------------------------------------------------------------------------------------------- where they live
def test_kong_is_placed_by_homes_of_the_school_somsri_may_not_see_and_nobody_s_door_is_told(accounts: Accounts) -> None:
    before = date(2026, 5, 1)
    add(
        ground.ground().store,
        identity=[
            {"learner_id": child.learner_id, "known_on": before, "address": address, "subdistrict": "ทุ่งนา"}
            for child, address in ((KONG, "134 หมู่ 14"), (BAIBUA, "124 หมู่ 14"), (MALI, "9 หมู่ 11"), (FAH, "1 หมู่ 14"))
        ],
        home=[
            {"learner_id": child.learner_id, "known_on": before, "latitude": latitude, "longitude": 103.1042}
            for child, latitude in ((BAIBUA, 16.2234), (MALI, 16.1111), (FAH, 17.0))
        ],
        household=[
            {"learner_id": KONG.learner_id, "surveyed_on": before, "known_on": before, "distance_km": 60.0},
        ],
    )
    for also in ((), (key(MALI),)):  # whoever else is in it
        kept = made_by(accounts, also=also, top=1)
        found = planning.shown(ground.current_run(), ground.ground().store, SOMSRI, kept, "en")
        homes = {home.key: home for home in found.plan.homes}
        assert set(homes) == {key(KONG), *also}
        (placed,) = [at for home, at in zip(homes, found.plan.roads.placed[1:], strict=True) if home == key(KONG)]
        row = 1 + list(homes).index(key(KONG))
        assert (placed, found.plan.roads.latitude[row], found.plan.roads.longitude[row]) == ("village", 16.22, 103.10)
        assert f"{found.people[key(KONG)].name}: place not known; the record says 60.0 km" in found.plan.notes[-1][1]
        assert BAIBUA.first_name not in str(found.plan)


# ------------------------------------------------------------------------------------------------------ it is kept
def test_a_plan_outlives_a_restart_and_is_its_makers_alone(accounts: Accounts) -> None:
    home, kept = ground.ground().store.home, made_by(accounts)
    assert planning.kept(home, SOMSRI) is None
    planning.keep(home, SOMSRI, kept)
    assert planning.kept(home, SOMSRI) == kept and planning.kept(home, WICHAI) is None
    (file,) = (home / "plans").rglob("*.json")
    written = file.read_text(encoding="utf-8")
    assert "ก้อง" not in written and '"102"' not in written, "keys, no names and no numbers"
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0
    for broken in ("", "{}", written[:50], json.dumps({"choices": 1})):
        file.write_text(broken, encoding="utf-8")
        assert planning.kept(home, SOMSRI) is None


def test_the_plan_shown_is_the_plan_made_and_loses_who_is_no_longer_hers(accounts: Accounts) -> None:
    run, store, kept = ground.current_run(), ground.ground().store, made_by(accounts, WICHAI)
    found = planning.shown(run, store, WICHAI, kept, "th")
    assert tuple(tuple(stop.home.key for stop in round.stops) for round in found.plan.rounds) == kept.order
    assert found.plan.visits == 3 and not found.plan.broken and not found.plan.left_out
    hers = planning.shown(run, store, SOMSRI, kept, "th")  # as if the director had become class teacher
    assert set(hers.people) == {key(KONG), key(MALI)} and hers.plan.visits == 2
    assert planning.shown(run, store, KAMOL, kept, "en").plan.km == found.plan.km


def test_whoever_does_not_fit_is_named_with_why_also_after_a_move(accounts: Accounts) -> None:
    run, store = ground.current_run(), ground.ground().store
    kept = made_by(accounts, WICHAI, start=time(13), end=time(13, 40))
    found = planning.shown(run, store, WICHAI, kept, "en")
    assert (found.plan.visits, [out.code for out in found.plan.left_out]) == (2, ["full"])
    (left,) = kept.left_out
    forced = planning.moved(kept, left, to=0)
    found = planning.shown(run, store, WICHAI, forced, "en")
    assert found.plan.visits == 3 and "Back at school" in found.plan.broken[0].en and not found.plan.left_out
    out = planning.shown(run, store, WICHAI, planning.moved(forced, left), "th").plan.left_out
    assert [(one.home.key, one.code) for one in out] == [(left, "by_hand")]


def test_what_a_family_asked_is_kept_planned_with_and_said_where_it_no_longer_holds(accounts: Accounts) -> None:
    run, store = ground.current_run(), ground.ground().store
    asked = {key(KONG): Hours(earliest=time(15)), key(MALI): Hours(not_on=(1,)), key(BAIBUA): Hours(not_on=(1, 2))}
    kept = made_by(accounts, WICHAI, hours=asked)
    planning.keep(store.home, WICHAI, kept)
    assert planning.kept(store.home, WICHAI) == kept
    found = planning.shown(run, store, WICHAI, kept, "th")
    stops = {stop.home.key: (round.day.on, stop) for round in found.plan.rounds for stop in round.stops}
    assert stops[key(KONG)][1].begins >= time(15) and stops[key(MALI)][0] == TWO_DAYS[1]
    assert [(out.home.key, out.code) for out in found.plan.left_out] == [(key(BAIBUA), "day")]
    assert planning.why_not(found.plan.left_out[0], "en").endswith("(not on Tuesday, Wednesday)")
    assert found.people[key(KONG)].guardian.endswith("· สะดวกตั้งแต่ 15.00 น.")
    planning.keep_hours(store.home, WICHAI, {key(KONG): Hours(latest=time(13, 10)), key(MALI): Hours()})
    held = planning.kept(store.home, WICHAI)
    assert held is not None and set(held.choices.hours) == {key(KONG), key(BAIBUA)} and held.order == kept.order
    broken = planning.shown(run, store, WICHAI, held, "en").plan.broken
    assert [one.key for one in broken] == [key(KONG)] and "after the family's hours" in broken[0].en


def test_visits_are_moved_one_by_one_and_none_is_lost() -> None:
    kept = Kept(Choices("x", TWO_DAYS), (("a", "b", "c"), ()), {"d": ("full", "เต็ม", "full")}, False, "r", NOW)
    assert planning.moved(kept, "c", by=-1).order == (("a", "c", "b"), ())
    assert planning.moved(kept, "a", by=-1).order == kept.order == planning.moved(kept, "c", by=1).order
    assert planning.moved(kept, "b", to=1).order == (("a", "c"), ("b",))
    assert planning.moved(kept, "d", to=1).left_out == {}
    assert planning.moved(kept, "d", by=1) == kept, "nobody knows where in the day"
    out = planning.moved(kept, "a")
    assert out.order == (("b", "c"), ()) and {one: said[0] for one, said in out.left_out.items()} == {
        "a": "by_hand", "d": "full",
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------- what comes back
def filled(child: Learner, agreed: str, on: str = "8/6/2569", hours: str = "") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["รหัส", "นักเรียน", "วันที่เยี่ยม", "พบอย่างไร", "ตกลงกันว่า", "ครอบครัวสะดวกเวลา"])
        sheet.write_row(1, 0, [key(child), child.first_name, on, "เยี่ยมที่บ้าน", agreed, hours])
    return out.getvalue()


def test_a_filled_sheet_becomes_a_visit_of_hers_is_logged_and_baibua_s_row_is_refused(accounts: Accounts) -> None:
    run, store = ground.current_run(), ground.ground().store

    def send(child: Learner) -> tuple[int, int]:
        report = planning.take_back(run, store, accounts.people, SOMSRI, "plan.xlsx", filled(child, "จะมาเรียน"), NOW)
        return report.written, len(report.refused)

    assert send(BAIBUA) == (0, 1) and of_child(accounts.people, WICHAI, place(BAIBUA)) == []
    mend = planning.rows_to_mend(store.home, SOMSRI)
    assert mend and key(BAIBUA) in str(
        CalamineWorkbook.from_filelike(io.BytesIO(mend)).get_sheet_by_index(0).to_python()
    )
    assert planning.rows_to_mend(store.home, WICHAI) is None
    assert send(KONG) == (1, 0) and planning.rows_to_mend(store.home, SOMSRI) is None
    (visit,) = of_child(accounts.people, WICHAI, place(KONG))
    assert (visit.form.agreed, visit.by, visit.form.on) == ("จะมาเรียน", "somsri", TODAY)
    assert [line.what for line in entries(accounts.people, who="somsri")] == [
        "visit_from_sheet", "return_visits", "visit_refused", "return_visits",
    ]  # fmt: skip


def test_hours_written_on_the_sheet_are_those_of_the_next_plan_also_on_the_command_line(
    accounts: Accounts, tmp_path: Path
) -> None:
    run, store, sheet = ground.current_run(), ground.ground().store, tmp_path / "sheet.xlsx"
    content = filled(KONG, "จะมาเรียน", hours="หลัง 15.00")
    planning.keep(store.home, SOMSRI, made_by(accounts))
    planning.take_back(run, store, accounts.people, SOMSRI, "plan.xlsx", content, NOW)
    held = planning.kept(store.home, SOMSRI)
    assert held is not None and held.choices.hours == {key(KONG): Hours(earliest=time(15))}
    sheet.write_bytes(filled(MALI, "", on="", hours="ก่อน 14.00"))
    ask = ["plan", "--school", THUNG_NA, "--days", "2026-06-09", "--to", str(tmp_path / "out"), "--as", "somsri"]
    done = CliRunner().invoke(app, [*ask, "--hours", str(sheet), "--language", "en"])
    assert done.exit_code == 0, done.stdout
    kongs, malis = (next(line for line in done.stdout.splitlines() if one.first_name in line) for one in (KONG, MALI))
    assert kongs.startswith("  15:00–15:30") and kongs.endswith("from 15.00") and malis.endswith("until 14.00")
    out = CalamineWorkbook.from_path(tmp_path / "out" / "plan.xlsx").get_sheet_by_index(0).to_python()
    assert {(row[0], row[6]) for row in out[1:]} == {(key(KONG), "15.00–"), (key(MALI), "–14.00")}
    sheet.write_bytes(filled(MALI, "", on="", hours="เย็น"))
    wrong = CliRunner().invoke(app, [*ask, "--hours", str(sheet)])
    assert isinstance(wrong.exception, RaksaError) and "line 2" in str(wrong.exception)


def test_on_the_command_line_the_sheet_comes_back_as_hers_and_never_as_nobodys(
    accounts: Accounts, tmp_path: Path
) -> None:
    run, sheet = CliRunner().invoke, tmp_path / "sheet.xlsx"
    sheet.write_bytes(filled(KONG, "จะมาเรียน"))
    assert "say whose with --as" in str(run(app, ["plan", "--return", str(sheet)]).exception)
    assert "needs --school" in str(run(app, ["plan", "--to", str(tmp_path)]).exception)
    done = run(app, ["plan", "--return", str(sheet), "--as", "somsri"])
    assert (done.exit_code, done.stdout) == (0, "บันทึกแล้ว 1 แถว เคยส่งแล้ว 0 แถว ยังไม่ได้กรอก 0 แถว\n")
    (visit,) = of_child(accounts.people, WICHAI, place(KONG))
    assert visit.by == "somsri"
    sheet.write_bytes(filled(BAIBUA, "จะมาเรียน"))
    refused = run(app, ["plan", "--return", str(sheet), "--as", "somsri", "--language", "en"])
    assert refused.exit_code == 1 and "line 2: The key is of no child you look after" in refused.stdout
    assert (tmp_path / "sheet-to-mend.xlsx").is_file()


def test_the_term_of_a_day_and_the_visits_in_it(accounts: Accounts) -> None:
    settings, home = Settings(), ground.ground().store.home
    first, last = planning.term_of(TODAY, settings)
    assert first == date(2026, 5, 16) and first <= TODAY <= last
    between = last + timedelta(1)
    assert planning.term_of(between, settings) == (date(2026, 5, 16), between)
    for child, on in ((KONG, TODAY), (BAIBUA, TODAY), (MALI, first - timedelta(1))):
        write_visit(accounts.people, WICHAI, place(child), Form(on, "visit", agreed="ก"), now=NOW, home=home)
    run = ground.current_run()
    made, who = planning.visits_of_term(run, accounts.people, WICHAI, settings, TODAY)
    assert [one.place.learner_id for one in made] == [KONG.learner_id, BAIBUA.learner_id] == sorted(who)
    hers, _ = planning.visits_of_term(run, accounts.people, SOMSRI, settings, TODAY)
    assert [one.place.learner_id for one in hers] == [KONG.learner_id]


# --------------------------------------------------------------------------------------------------------------- page
def opened_by(accounts: Accounts, username: str) -> AppTest:
    token = accounts.sign_in(username, PASSWORD, datetime.now(UTC))
    app = AppTest.from_file(APP, default_timeout=20)
    app.user = {"session": session_id(str(token))}
    app.run()
    app.switch_page("views/plan.py").run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.html,
        app.error,
        app.warning,
    )
    return "\n".join(str(getattr(one, "value", "") or getattr(one, "body", "")) for kind in kinds for one in kind)


def press(app: AppTest, label: str) -> AppTest:
    app = next(b for b in app.button if b.label == label).click().run()
    assert not app.exception
    return app


def test_somsri_makes_a_plan_changes_it_and_finds_it_again(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri")
    assert "โปรดเลือกอย่างน้อยหนึ่งวัน" in text_of(press(app, "จัดแผน"))
    days = app.button_group(key="plan-days")
    app = days.set_value([today_in_bangkok(datetime.now(UTC)) + timedelta(1)]).run()
    app = press(app, "จัดแผน")
    said = text_of(app)
    assert "เยี่ยม 2 บ้าน" in said and "ก้อง" in said and "มะลิ" in said and "ใบบัว" not in said
    assert "/export/visits.pdf" in said and "โอกาส" not in said
    app = app.selectbox(key="plan-move-th").select(key(KONG)).run()
    press(app, "นำออกจากแผน")
    again = text_of(opened_by(accounts, "somsri"))  # another browser
    assert "เยี่ยม 1 บ้าน" in again and "มีคนนำออกจากแผน" in again
    assert "read_plan" in {line.what for line in entries(accounts.people, who="somsri")}


def test_somsri_says_on_the_page_when_a_family_is_home_and_finds_it_again(accounts: Accounts) -> None:
    tomorrow = today_in_bangkok(datetime.now(UTC)) + timedelta(1)
    app = opened_by(accounts, "somsri")
    app = app.button_group(key="plan-days").set_value([tomorrow]).run()
    app = app.selectbox(key="plan-family-th").select(key(KONG)).run()
    app = app.selectbox(key="plan-earliest").select(time(15)).run()
    app = app.checkbox(key="plan-first").check().run()
    assert "สะดวกตั้งแต่ 15.00 น. · ไปก่อนบ้านอื่น" in text_of(app)
    said = text_of(press(app, "จัดแผน"))
    assert "15:00–15:30" in said and "เยี่ยม 2 บ้าน" in said
    again = opened_by(accounts, "somsri")
    assert "สะดวกตั้งแต่ 15.00 น. · ไปก่อนบ้านอื่น" in text_of(again)
    again = again.selectbox(key="plan-family-th").select(key(KONG)).run()
    assert again.selectbox(key="plan-earliest").value == time(15) and again.checkbox(key="plan-first").value
    again = again.button_group(key="plan-not_on").set_value([tomorrow.weekday()]).run()
    assert "ลำดับนี้ยังใช้ไม่ได้" in text_of(again) and "ครอบครัวไม่สะดวกวัน" in text_of(again)
    said = text_of(press(again, "จัดแผน"))
    assert "เยี่ยม 1 บ้าน" in said and "ครอบครัวไม่สะดวกในวันที่เลือกทุกวัน" in said


def test_kamol_of_the_area_picks_a_school_first_and_plans_for_its_children(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol")
    said = text_of(app)
    assert "จัดแผน" not in [button.label for button in app.button], "no school, no plan"
    assert "ส่งตารางที่กรอกแล้วกลับมา" in said and not any(one.first_name in said for one in (KONG, MALI, SAI))
    school = app.selectbox(key="plan-school-th")
    assert SCHOOLS[SAI.school_id][0] not in school.options and SCHOOLS[THUNG_NA][0] in school.options
    app = school.select(THUNG_NA).run()
    days = app.button_group(key="plan-days")
    app = press(days.set_value([today_in_bangkok(datetime.now(UTC)) + timedelta(1)]).run(), "จัดแผน")
    said = text_of(app)
    assert SCHOOLS[THUNG_NA][0] in said and "เยี่ยม 3 บ้าน" in said and "ใบบัว" in said and "โอกาส" not in said
    elsewhere = Choices(SAI.school_id, TWO_DAYS)
    run, store = ground.current_run(), ground.ground().store
    for person, wrong in ((KAMOL, elsewhere), (PIM, Choices(THUNG_NA, TWO_DAYS)), (RUNG, Choices(THUNG_NA, TWO_DAYS))):
        with pytest.raises(RaksaError, match="not among those of this account"):
            planning.make(run, store, accounts.people, person, wrong, NOW, TODAY)
    assert planning.schools(run, PIM) == {}, "who only counts children visits none"


def test_the_files_hold_the_plan_of_the_page_and_nobody_gets_anothers(server: Server) -> None:
    """Before a plan there is no file; who has no such page is refused; each file is written to the log first."""
    paths = [f"/export/visits.{kind}" for kind in ("pdf", "ics", "xlsx")]
    for nobody in ("pim", "rung", "admin"):
        with server.signed_in(nobody) as client:
            assert {client.get(path).status_code for path in [*paths, "/export/home-visits.xlsx"]} == {403}
    with server.signed_in("wichai") as client:
        assert {client.get(path).status_code for path in paths} == {404}
        homes = (key_of(server.home, child.learner_id) for child in (KONG, MALI))
        order = (tuple(homes), ())
        planning.keep(server.home, WICHAI, Kept(Choices(THUNG_NA, TWO_DAYS), order, {}, False, "r", NOW))
        answers: dict[str, httpx.Response] = {path: client.get(path) for path in paths}
        assert {answer.status_code for answer in answers.values()} == {200}
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(answers["/export/visits.xlsx"].content)).get_sheet_by_index(0)
        assert [row[2] for row in sheet.to_python()[1:]] == ["เด็กชายก้อง เก่งกล้า", "เด็กหญิงมะลิ ใจดี"]
        calendar = answers["/export/visits.ics"].text
        assert calendar.count("BEGIN:VEVENT") == 2 and "ก้อง" not in calendar and order[0][0] not in calendar
        assert answers["/export/visits.pdf"].content.startswith(b"%PDF")
        assert client.get("/export/home-visits.xlsx").headers["cache-control"] == "no-store"
        assert client.get("/export/visits-to-mend.xlsx").status_code == 404
    with server.signed_in("somsri") as client:
        assert {client.get(path).status_code for path in paths} == {404}, "her director's plan is not hers"
    assert {"export_plan_pdf", "export_plan_ics", "export_plan_xlsx", "export_xlsx"} <= {
        line.what for line in server.log_of("wichai")
    }
