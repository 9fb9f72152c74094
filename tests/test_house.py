"""The rules of the house: which room may import which, and what may not be in any of them."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# In the order in which data walks through them; a room imports only from rooms to its left, and from raksa.
ROOMS = ("register", "features", "models", "care", "dashboard")
FRONT_DOOR = {
    "raksa/cli.py",
    "raksa/cli_areas.py",
    "raksa/cli_effect.py",
    "raksa/cli_messages.py",
    "raksa/cli_models.py",
    "raksa/cli_people.py",
    "raksa/cli_plan.py",
    "raksa/cli_visits.py",
    "raksa/demo.py",
}


def sources() -> Iterator[Path]:
    for room in ("raksa", *ROOMS):
        yield from sorted((ROOT / room).rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Top-level names of everything a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_to_its_left(room: str) -> None:
    right = set(ROOMS[ROOMS.index(room) + 1 :])
    wrong = {str(f.relative_to(ROOT)): right & imports(f) for f in (ROOT / room).rglob("*.py") if right & imports(f)}
    assert wrong == {}


def test_the_ground_floor_imports_no_room_but_through_the_front_door() -> None:
    wrong = {
        str(f.relative_to(ROOT)): set(ROOMS) & imports(f)
        for f in (ROOT / "raksa").rglob("*.py")
        if set(ROOMS) & imports(f) and f.relative_to(ROOT).as_posix() not in FRONT_DOOR
    }
    assert wrong == {}


def test_streamlit_only_in_the_dashboard() -> None:
    assert [f for f in sources() if "streamlit" in imports(f) and f.relative_to(ROOT).parts[0] != "dashboard"] == []


def test_no_pickle_and_no_joblib_files() -> None:
    assert [f for f in sources() if {"pickle", "cPickle", "dill", "shelve"} & imports(f)] == []
    assert [f for f in sources() if "joblib.load" in f.read_text(encoding="utf-8")] == []


def test_nothing_beside_the_app_is_named_like_a_room() -> None:
    # Streamlit puts the app's folder first on the path: dashboard/features.py would hide the room.
    assert [n for n in (p.stem for p in (ROOT / "dashboard").iterdir()) if n in ("raksa", *ROOMS)] == []


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_other_distribution_provides_our_names() -> None:
    by_name = importlib.metadata.packages_distributions()
    assert {name: by_name.get(name, []) for name in ("raksa", *ROOMS) if set(by_name.get(name, [])) - {"raksa"}} == {}


def test_no_names_of_vague_rooms() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "core", "common", "misc", "processor"}
    assert [f for f in sources() if f.stem in vague] == []


@pytest.mark.parametrize("module", ["raksa.cli", "raksa.tables", "register.ingest", "features.build", "models.risk"])
def test_importing_does_nothing_but_import(module: str, tmp_path: Path) -> None:
    code = f"import {module}, threading; print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr, list(tmp_path.iterdir())) == ("1", "", [])


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys; sys.argv=['raksa','--help']\n"
        "from raksa.cli import app\n"
        "try: app()\nexcept SystemExit: pass\n"
        "heavy = ('pandas', 'numpy', 'lightgbm', 'streamlit', 'duckdb', 'sklearn')\n"
        "print('HEAVY', sorted(m for m in heavy if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_constraints_name_packages_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pinned if line.count("==") != 1 or "/" in line or "@" in line or " " in line] == []
