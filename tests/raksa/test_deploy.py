"""The units of deploy/: what they start exists, and each timer has its service."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from raksa.cli import app

DEPLOY = Path(__file__).parents[2] / "deploy"


def said(unit: Path) -> dict[str, list[str]]:
    """Key -> its values, in order; systemd allows a key twice."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        key, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda unit: unit.name)
def test_a_service_starts_a_command_that_exists_as_a_user_without_rights(unit: Path) -> None:
    keys = said(unit)
    words = keys["ExecStart"][0].partition("/opt/raksa/bin/raksa ")[2].split()
    known = [word for word in words[:2] if word.isalpha()]
    assert known and CliRunner().invoke(app, [*known, "--help"]).exit_code == 0
    assert keys["User"] == ["raksa"] and keys["NoNewPrivileges"] == ["yes"] and keys["UMask"] == ["0077"]


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.timer")), ids=lambda unit: unit.name)
def test_a_timer_has_its_service_and_goes_by_the_clocks_of_thailand(unit: Path) -> None:
    keys = said(unit)
    assert unit.with_suffix(".service").is_file()
    assert keys["OnCalendar"][0].endswith(" Asia/Bangkok") and keys["Persistent"] == ["yes"]


def test_the_digest_goes_out_on_monday_before_the_first_lesson() -> None:
    assert said(DEPLOY / "raksa-digest.timer")["OnCalendar"] == ["Mon *-*-* 06:30:00 Asia/Bangkok"]
