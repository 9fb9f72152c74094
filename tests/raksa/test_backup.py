"""Backup and restore, performed: the same lists, contacts and log elsewhere; what is damaged or foreign is refused."""

import json
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import Engine, text

from care.contacts import Place, of_child, write
from raksa.access import Scope
from raksa.accounts import Accounts, Refusal
from raksa.audit import Entry, entries, record
from raksa.backup import backup, restore
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.school_settings import history, put
from raksa.settings import Settings
from tests.cast import MALI, PASSWORD, SOMSRI, THUNG_NA, WICHAI
from tests.dashboard.small_run import write_run
from tests.people_database import Postgres

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
HERS = Place(MALI.learner_id, THUNG_NA, "2401", "ม.3", "1")


def silent(_: str) -> None:
    """A progress nobody reads."""


def visit(people: Engine, words: str) -> str:
    return write(people, SOMSRI, HERS, on=date(2026, 6, 5), kind="visit", text=words, now=NOW).text


def lived_in(settings: Settings) -> None:
    """A data folder with a run of the cast, people, one visit, one line in the log, one setting, somebody signed in."""
    write_run(settings.home)
    accounts = Accounts.open(settings)
    accounts.create_person("somsri", SOMSRI.name, "teacher", SOMSRI.scopes, PASSWORD, NOW, must_change_password=False)
    accounts.sign_in("somsri", PASSWORD, NOW)
    visit(accounts.people, "ไปเยี่ยมบ้าน")
    record(accounts.people, Entry(NOW, "somsri", "read_child", MALI.learner_id, "run 1", "homeroom", "10.0.0.1"))
    put(accounts.people, WICHAI, THUNG_NA, "capacity", 12, "มีครูเพิ่ม", NOW)
    accounts.close()


def files_of(home: Path) -> dict[str, bytes]:
    """Every file of a data folder but the people's and locks."""
    files = (f for f in home.rglob("*") if f.is_file() and not f.name.startswith((".", "raksa.db")))
    return {f.relative_to(home).as_posix(): f.read_bytes() for f in files}


def told_by(settings: Settings) -> tuple[object, ...]:
    """What the people database says, whatever it stands in."""
    accounts = Accounts.open(settings)
    people = accounts.people
    said = (accounts.everyone(), of_child(people, None, HERS), entries(people), history(people, THUNG_NA))
    accounts.close()
    return said


@pytest.fixture
def home(people_settings: Settings, tmp_path: Path) -> Settings:
    settings = people_settings.model_copy(update={"home": tmp_path / "home"})
    lived_in(settings)
    return settings


def test_the_key_of_second_factors_is_in_no_backup_and_with_it_codes_work_elsewhere(
    home: Settings, tmp_path: Path
) -> None:
    accounts = Accounts.open(home)
    app = pyotp.TOTP(accounts.begin_second_factor("somsri"))
    assert accounts.confirm_second_factor("somsri", app.at(NOW), NOW)
    accounts.close()
    assert "people.key" not in backup(home, tmp_path / "monday.zip", NOW, silent)
    restore(tmp_path / "monday.zip", tmp_path / "elsewhere", silent)
    there, later = Accounts.open(Settings(home=tmp_path / "elsewhere", database_url="")), NOW + timedelta(minutes=1)
    assert there.check_code("somsri", app.at(later), later) == Refusal("no_key")
    (tmp_path / "elsewhere" / "people.key").write_bytes((home.home / "people.key").read_bytes())
    assert there.check_code("somsri", app.at(later), later) is None
    there.close()


def test_what_is_restored_elsewhere_says_the_same(home: Settings, tmp_path: Path) -> None:
    backup(home, tmp_path / "monday.zip", NOW, silent)
    rows = restore(tmp_path / "monday.zip", tmp_path / "elsewhere", silent)
    there = Settings(home=tmp_path / "elsewhere")
    assert told_by(there) == told_by(home)
    assert files_of(there.home) == files_of(home.home)
    assert {name: rows[name] for name in ("person", "contact", "audit", "session")} == {
        "person": 1,
        "contact": 1,
        "audit": 1,
        "session": 0,  # nobody is signed in there
    }
    assert [(tmp_path / name).stat().st_mode & 0o077 for name in ("monday.zip", "elsewhere", "elsewhere/raksa.db")] == [
        0
    ] * 3
    assert sorted(f.name for f in tmp_path.iterdir()) == ["elsewhere", "home", "monday.zip"], "nothing left lying about"


def test_a_backup_made_while_somebody_writes_holds_all_that_was_written_before(home: Settings, tmp_path: Path) -> None:
    people, done, written = open_people(home), threading.Event(), []

    def write_on() -> None:
        while not done.is_set():
            written.append(visit(people, f"ครั้งที่ {len(written)}"))

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        while len(written) < 20:
            done.wait(0.01)
        before = len(written)
        backup(home, tmp_path / "busy.zip", NOW, silent)
        during = len(written) - before
    finally:
        done.set()
        writer.join()
    people.dispose()
    restore(tmp_path / "busy.zip", tmp_path / "elsewhere", silent)
    there = open_people(Settings(home=tmp_path / "elsewhere"))
    held = [c.text for c in reversed(of_child(there, None, HERS))]
    there.dispose()
    assert during > 0, "nobody had to stop"
    assert held == ["ไปเยี่ยมบ้าน", *written[: len(held) - 1]], "a moment, not a mixture"
    assert len(held) > before


def test_people_move_from_sqlite_to_postgresql_and_go_on(postgres: Postgres, tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home")
    lived_in(home)
    backup(home, tmp_path / "monday.zip", NOW, silent)
    url = postgres.new_database().render_as_string()
    restore(tmp_path / "monday.zip", tmp_path / "elsewhere", silent, url)
    there = Settings(home=tmp_path / "elsewhere", database_url=url)
    assert told_by(there) == told_by(home)
    assert not (tmp_path / "elsewhere" / "raksa.db").exists()
    people = open_people(there)
    assert visit(people, "ครั้งต่อไป") in [c.text for c in of_child(people, SOMSRI, HERS)]  # the next number is free
    record(people, Entry(NOW, "somsri", "read_child", MALI.learner_id))
    people.dispose()
    with pytest.raises(RaksaError, match="There are people in that database already"):
        restore(tmp_path / "monday.zip", tmp_path / "again", silent, url)
    assert not (tmp_path / "again").exists()


def test_a_restored_folder_does_not_write_into_the_database_it_was_made_of(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database().render_as_string()
    home = Settings(home=tmp_path / "home", database_url=url)
    lived_in(home)
    (home.home / "raksa.toml").write_text(f'database_url = "{url}"\nseed = 3\n', encoding="utf-8")
    backup(home, tmp_path / "monday.zip", NOW, silent)
    monkeypatch.setenv("RAKSA_DATABASE_URL", url)  # still set on the machine where it is tried out
    restore(tmp_path / "monday.zip", tmp_path / "elsewhere", silent)
    assert (tmp_path / "elsewhere" / "raksa.toml").read_text(encoding="utf-8").splitlines()[1:] == [
        f'# database_url = "{url}"',
        "seed = 3",
    ]
    people = open_people(home)
    with people.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM session")).scalar() == 1, "hers is still signed in"
    people.dispose()


# -------------------------------------------------------------------------------------------------------- refused
@pytest.fixture
def kept(tmp_path: Path) -> Path:
    home = Settings(home=tmp_path / "home")
    lived_in(home)
    backup(home, tmp_path / "monday.zip", NOW, silent)
    return tmp_path / "monday.zip"


def test_a_flipped_byte_is_refused_or_changes_nothing(kept: Path, tmp_path: Path) -> None:
    whole = kept.read_bytes()
    restore(kept, tmp_path / "right", silent)
    right, refused = files_of(tmp_path / "right"), 0
    for number, at in enumerate(range(7, len(whole), len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        kept.write_bytes(damaged)
        try:
            restore(kept, tmp_path / f"{number}", silent)
        except RaksaError as error:
            assert "damaged" in str(error) or "other files than its list says" in str(error)
            assert not (tmp_path / f"{number}").exists()
            refused += 1
        else:  # a byte of the archive's own that says nothing, such as a file's date
            assert files_of(tmp_path / f"{number}") == right
            assert told_by(Settings(home=tmp_path / f"{number}")) == told_by(Settings(home=tmp_path / "right"))
    assert refused > 50


def rewritten(file: Path, change: Callable[[dict[str, bytes], dict[str, object]], None]) -> None:
    """The same backup with its members and its list changed as somebody would who knows the format."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(members.pop("raksa-backup.json"))
    change(members, about)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (members | {"raksa-backup.json": json.dumps(about).encode()}).items():
            archive.writestr(name, content)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "runs/../../evil", "..\\evil", "C:evil", "runs//evil", "./x"])
def test_nothing_is_written_outside_the_folder(kept: Path, tmp_path: Path, name: str) -> None:
    def smuggle(members: dict[str, bytes], about: dict[str, object]) -> None:
        members[name] = b"x"
        about["files"][name] = {
            "bytes": 1,
            "sha256": sha256(b"x").hexdigest(),
        }  # type: ignore[index]

    rewritten(kept, smuggle)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(RaksaError, match="wants to write outside the folder"):
        restore(kept, tmp_path / "a" / "b", silent)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "a"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda members, about: about.update(format=2), "made by a newer Raksa"),
        (lambda members, about: about.pop("files"), "its list cannot be read"),
        (lambda members, about: members.update(more=b"x"), "holds other files than its list says"),
        (lambda members, about: members.pop("store.json"), "holds other files than its list says"),
        (lambda members, about: members.update({"store.json": b"{}"}), "store.json is not what was put in"),
    ],
)
def test_what_is_not_what_the_list_says_is_refused(
    kept: Path, tmp_path: Path, change: Callable[[dict[str, bytes], dict[str, object]], None], said: str
) -> None:
    rewritten(kept, change)
    with pytest.raises(RaksaError, match=said):
        restore(kept, tmp_path / "elsewhere", silent)
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_backup_is_refused(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    (tmp_path / "cut.zip").write_bytes(kept.read_bytes()[:-200])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for file, to, said in (
        ("notes.zip", "new", "is no backup of Raksa, or was damaged"),
        ("photos.zip", "new", "is no backup of Raksa, or was damaged"),
        ("cut.zip", "new", "is no backup of Raksa, or was damaged"),
        ("none.zip", "new", "is not there"),
        ("monday.zip", "full", "is not empty"),
    ):
        with pytest.raises(RaksaError, match=said):
            restore(tmp_path / file, tmp_path / to, silent)
    assert [f.name for f in (tmp_path / "full").iterdir()] == ["mine.txt"]
    assert not (tmp_path / "new").exists()


def test_a_backup_overwrites_nothing_and_goes_to_another_place(kept: Path, tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home")
    for file, said in (
        (kept, "is there already"),
        (tmp_path / "monday.tar", "ends in .zip"),
        (tmp_path / "home" / "runs" / "monday.zip", "lies in the data folder itself"),
    ):
        with pytest.raises(RaksaError, match=said):
            backup(home, file, NOW, silent)
    with pytest.raises(RaksaError, match="nothing to keep"):
        backup(Settings(home=tmp_path / "nowhere"), tmp_path / "x.zip", NOW, silent)


def test_scopes_come_back_with_their_people(kept: Path, tmp_path: Path) -> None:
    restore(kept, tmp_path / "elsewhere", silent)
    accounts = Accounts.open(Settings(home=tmp_path / "elsewhere"))
    assert accounts.everyone()[0].scopes == (Scope("class", "10000001|ม.3|1"),)
    assert isinstance(accounts.sign_in("somsri", PASSWORD, NOW), str)
    accounts.close()
