"""The command line as a person meets it: what it prints, what it says when something is wrong, how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from raksa.demo import PASSWORD, people
from raksa.errors import RaksaError
from raksa.settings import Settings, load


def raksa(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAKSA_")}
    return subprocess.run(
        [sys.executable, "-c", "from raksa.cli import main; main()", *words],
        env=environment | {"RAKSA_HOME": str(home), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_help_teaches_every_command(tmp_path: Path) -> None:
    done = raksa("--help", home=tmp_path)
    assert done.returncode == 0
    for command in ("demo", "ingest", "features", "train", "score", "list", "serve", "doctor"):
        assert f"\n  {command} " in done.stdout
        assert raksa(command, "--help", home=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list",), "No scored run"),
        (("score",), "No trained model"),
        (("train",), "holds no Raksa store yet"),
        (("serve",), "No scored run"),
        (("ingest", "nowhere.csv"), "does not exist"),
        (("features", "--as-of", "31/02/2567"), "is not a date"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_one(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    store = tmp_path / "store"
    if words[0] in ("features", "score"):
        from raksa.store import Store

        Store.create(store, 2)
    done = raksa(*words, home=store)
    assert done.returncode == 1
    assert done.stderr.startswith("raksa: ") and sentence in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_setting_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "raksa.toml").write_text("capcity_share = 0.1\n", encoding="utf-8")
    done = raksa("doctor", home=tmp_path)
    assert done.returncode == 1 and "capcity_share" in done.stderr and "capacity_share" in done.stderr


def test_a_setting_that_does_not_fit_is_named_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raksa.toml").write_text('horizon = "13-45"\n', encoding="utf-8")
    with pytest.raises(RaksaError, match=r"raksa.toml: setting 'horizon'.*month-day"):
        load(tmp_path)
    monkeypatch.setenv("RAKSA_PORT", "abc")
    with pytest.raises(RaksaError, match="Environment variable RAKSA_PORT"):
        load(tmp_path / "none")


def test_settings_come_from_the_folder_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raksa.toml").write_text("capacity_least = 7\nseed = 3\n", encoding="utf-8")
    monkeypatch.setenv("RAKSA_SEED", "5")
    held = load(tmp_path)
    assert (held.capacity_least, held.seed, held.home) == (7, 5, tmp_path)


def test_the_list_in_three_forms_says_the_same(demo_home: Path) -> None:
    as_json = json.loads(raksa("list", "--top", "5", "--format", "json", home=demo_home).stdout)
    as_csv = raksa("list", "--top", "5", "--format", "csv", home=demo_home).stdout
    assert as_csv.startswith("\ufeff"), "Excel shows Thai without a BOM as garbage"
    rows = list(csv.DictReader(io.StringIO(as_csv.removeprefix("\ufeff"))))
    assert [r["name"] for r in rows] == [r["name"] for r in as_json]
    assert len(as_json) == 5 and all(r["reasons"] for r in as_json)
    assert as_json[0]["name"] in raksa("list", "--top", "1", home=demo_home).stdout


def test_the_teacher_s_list_holds_her_class_and_no_score(demo_settings: Settings, demo_home: Path) -> None:
    teacher = people(demo_settings)[0]
    rows = json.loads(raksa("list", "--as", "teacher", "--all", "--format", "json", home=demo_home).stdout)
    _, grade, room = teacher.scopes[0].value.split("|")
    assert rows and {(r["grade"], r["room"]) for r in rows} == {(grade, room)}
    assert not {"risk", "rank"} & set(rows[0])
    everyone = json.loads(raksa("list", "--all", "--format", "json", home=demo_home).stdout)
    assert len(everyone) > len(rows)


def test_who_cannot_be_scored_is_listed_with_whose_turn_it_is(demo_home: Path) -> None:
    rows = json.loads(raksa("list", "--cannot-score", "--format", "json", home=demo_home).stdout)
    assert rows and all(r["why"] and r["whose_turn"] for r in rows)


def test_doctor_finds_nothing_wrong_with_the_demo(demo_home: Path) -> None:
    done = raksa("doctor", home=demo_home)
    assert done.returncode == 0 and "Current run" in done.stdout and "WRONG" not in done.stdout


def test_a_lost_model_is_said(tmp_path: Path, demo_home: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(demo_home, copy)
    shutil.rmtree(copy / "models")
    done = raksa("doctor", home=copy)
    assert done.returncode == 1 and "WRONG: the current model" in done.stdout


def test_a_run_of_another_version_is_said(tmp_path: Path, demo_home: Path) -> None:
    import shutil

    import duckdb

    from raksa.store import Store

    copy = tmp_path / "copy"
    shutil.copytree(demo_home, copy)
    file = next(Store(copy).run_folder().glob("*.duckdb"))
    with duckdb.connect(str(file)) as connection:
        connection.execute("ALTER TABLE score RENAME COLUMN area_id TO area")
    done = raksa("doctor", home=copy)
    assert done.returncode == 1 and "was made by another version" in done.stdout


def test_the_demo_leaves_a_real_register_alone(tmp_path: Path) -> None:
    from raksa.store import Store

    Store.create(tmp_path, 2)
    done = raksa("demo", "--no-serve", home=tmp_path)
    assert done.returncode == 1 and "is no demo" in done.stderr


def test_the_demo_s_password_is_one_people_may_use() -> None:
    assert len(PASSWORD) >= 12


def test_the_demo_deletes_nothing_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.txt").write_text("mine", encoding="utf-8")
    done = raksa("demo", "--no-serve", home=tmp_path)
    assert done.returncode == 1 and "is no demo and not empty" in done.stderr
    assert (tmp_path / "models" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_real_files_do_not_go_into_the_demo(demo_home: Path) -> None:
    done = raksa("ingest", str(demo_home / "demo-files" / "schools.csv"), home=demo_home)
    assert done.returncode == 1 and "is the demo" in done.stderr


def test_the_same_files_again_are_no_failure(tmp_path: Path, demo_home: Path) -> None:
    files = [str(demo_home / "demo-files" / name) for name in ("schools.csv", "holidays.csv")]
    assert raksa("ingest", *files, home=tmp_path).returncode == 0
    again = raksa("ingest", *files, home=tmp_path)
    assert again.returncode == 0 and "imported before; nothing changed" in again.stdout


@pytest.mark.parametrize(
    "words",
    [("list", "--language", "fr"), ("list", "--format", "xml"), ("serve", "--port", "99999"), ("list", "--top", "0")],
)
def test_options_that_cannot_be_are_refused_with_what_can(demo_home: Path, words: tuple[str, ...]) -> None:
    done = raksa(*words, home=demo_home)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "Error: Invalid value" in done.stderr


def test_a_misspelt_school_is_not_an_empty_list(demo_home: Path) -> None:
    done = raksa("list", "--school", "นอกโลก", home=demo_home)
    assert done.returncode == 1 and "No school" in done.stderr


def test_a_role_that_sees_no_child_is_told_so(demo_home: Path) -> None:
    done = raksa("list", "--as", "researcher", home=demo_home)
    assert done.returncode == 1 and "researcher" in done.stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, demo_home: Path) -> None:
    file = tmp_path / "a-file"
    file.write_text("x", encoding="utf-8")
    for words in (("ingest", str(demo_home / "demo-files" / "schools.csv")), ("demo", "--no-serve")):
        done = raksa(*words, home=file)
        assert done.returncode == 1 and "Traceback" not in done.stderr and done.stderr.startswith("raksa: "), (
            done.stderr
        )


def test_ending_serve_ends_the_server_too(demo_home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"RAKSA_HOME": str(demo_home)}
    command = [sys.executable, "-c", "from raksa.cli import main; main()", "serve", "--port", str(port)]
    serving = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert answers(port, for_seconds=60)
    finally:
        serving.terminate()
        serving.wait(timeout=30)
    assert not answers(port, for_seconds=0)


def answers(port: int, for_seconds: float) -> bool:
    """Whether something listens on the port, waiting for it so long."""
    until = time.monotonic() + for_seconds
    while True:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
