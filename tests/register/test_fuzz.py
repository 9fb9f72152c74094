"""Damaged files: whatever a file holds, it is read, or refused in one sentence; no row is lost, nothing hangs.

Every golden file is mutated as files are damaged on their way, or by someone who means harm, and imported for real.
`make fuzz` does it with 10,000 files (FUZZ), in a process that may not use more than 3 GB.
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from school_files import NOW, take
from school_files import settings as store_settings

from raksa.store import Store
from raksa.tables import REGISTER
from register.ingest import ingest
from register.report import refused_rows_to_xlsx

GOLDEN = sorted(f for f in (Path(__file__).parent / "golden").rglob("*") if f.is_file() and f.suffix != ".toml")
EXAMPLES = int(os.environ.get("FUZZ", "150"))
_MEMORY = 3 << 30

# Words that have hurt readers: formulas, entities that grow, numbers out of range, marks without end, hidden letters.
POISON = [
    b'=cmd|\'/c calc\'!A1', b"@SUM(1+1)*cmd", b'"', b'""', b"'", b"\0", b"\r", b"\n\n\n", b",,,,,,,,", b"\t", b";",
    b"1e999", b"-1", b"9" * 400, b"NaN", b"0x1F", b"31/02/2567", b"29/02/2566", b"00/00/0000", b"1/1/1", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\x81\x8d", "\u202eก\u200b\u00a0".encode(), ("ก" + "\u0e48" * 500).encode(), "ํา".encode() * 50,
    b"../../../etc/passwd", b"<tr><td rowspan=99999 colspan=99999>x", b"</table>", b"<!--", b"<td>" * 200,
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>&b;', b"&lol9;",
    b'<c r="XFD1048576" t="n"><v>1</v></c>', b'<row r="1048576">', b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1"),
]  # fmt: skip

place = st.floats(0, 1, exclude_max=True)
one_change = st.one_of(
    st.tuples(st.just("cut"), place),
    st.tuples(st.just("flip"), place, st.integers(1, 255)),
    st.tuples(st.just("drop"), place, st.floats(0, 0.3)),
    st.tuples(st.just("repeat"), place, st.floats(0, 0.3), st.integers(2, 6)),
    st.tuples(st.just("insert"), place, st.sampled_from(POISON)),
    st.tuples(st.just("insert"), place, st.binary(max_size=40)),
    st.tuples(st.just("swap"), st.sampled_from(
        [(b",", b";"), (b",", b"\t"), (b"\r\n", b"\r"), (b"/", b"-"), (b"1", "๑".encode())]
    )),
    st.tuples(st.just("encode"), st.sampled_from(["cp874", "utf-16", "utf-16-le", "utf-8-sig"])),
    st.tuples(st.just("graft"), place, st.sampled_from(GOLDEN or [Path()])),
)  # fmt: skip


def changed(content: bytes, change: tuple) -> bytes:
    kind, *how = change
    if kind == "swap":
        return content.replace(*how[0])
    if kind == "encode":
        return content.decode("utf-8", "ignore").encode(how[0], "ignore")
    at = int(how[0] * len(content))
    if kind == "cut":
        return content[:at]
    if kind == "flip":
        return content[:at] + bytes([content[at] ^ how[1]]) + content[at + 1 :] if content else content
    if kind == "insert":
        return content[:at] + how[1] + content[at:]
    if kind == "graft":
        return content[:at] + how[1].read_bytes()[at:]
    until = at + int(how[1] * len(content))
    return content[:at] + content[at:until] * (how[2] if kind == "repeat" else 0) + content[until:]


def damaged(content: bytes, changes: list[tuple], inside: float | None) -> bytes:
    """A file with changes; of a packed one, where `inside` says so, one part is changed and packed again whole."""
    if inside is None or not content.startswith(b"PK"):
        for change in changes:
            content = changed(content, change)
        return content
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        for n, name in enumerate(names):
            part = old.read(name)
            if n == int(inside * len(names)):
                for change in changes:
                    part = changed(part, change)
            new.writestr(name, part)
    return out.getvalue()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register that knows the schools and children of the golden files."""
    home = tmp_path_factory.mktemp("known") / "home"
    take(home, *GOLDEN, as_of=date(2024, 6, 10))
    return home


@pytest.fixture(autouse=True)
def bounded():
    """No file may ask for more memory than this; what does dies here, and the test with it."""
    if EXAMPLES < 1000:  # the whole test run shares this process
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=5),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=EXAMPLES < 1000,
)
@given(
    golden=st.sampled_from(GOLDEN or [Path()]),
    changes=st.lists(one_change, min_size=1, max_size=5),
    inside=st.one_of(st.none(), place),
)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(known, tmp_path_factory, golden, changes, inside):
    folder = tmp_path_factory.mktemp("damaged")
    try:
        home, file = folder / "home", folder / f"damaged-{golden.name}"
        shutil.copytree(known, home)
        file.write_bytes(damaged(golden.read_bytes(), changes, inside))
        store = Store(home)
        report = ingest(
            store, store_settings(home), [file], as_of=date(2024, 6, 10), now=NOW, confirm=lambda unusual: True
        )
        assert report.files
        held = store.refused(report.snapshot) if report.snapshot else None
        refused = held.to_pylist() if held is not None else []
        assert sum(not r["kept"] for r in refused) == sum(sum(f.refused.values()) for f in report.files)
        for each in report.files:
            assert each.rows == each.kept + sum(each.refused.values())
            if each.refused_whole:
                assert "\n" not in each.refused_whole and each.refused_whole.startswith(file.name)
                assert each.rows == 0
        for name in REGISTER:
            store.read(name).validate(full=True)
        if report.snapshot:
            refused_rows_to_xlsx(store, report.snapshot, folder / "refused.xlsx")
    finally:
        shutil.rmtree(folder)


def test_every_format_has_a_golden_file_to_damage():
    assert len(GOLDEN) >= 20
