"""Zip archives: read like a folder, by content; what would hurt is refused in one sentence, the rest is taken."""

from __future__ import annotations

import io
import zipfile

import pytest
from cast import KONG, MALI
from school_files import daily, dmc, dmc_row, marks, names, only, schools, take


def packed(path, members, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, **more)
    return path


def test_an_archive_is_read_like_the_folder_it_was(tmp_path):
    listed = dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]).read_bytes()
    days = daily(tmp_path / "d.csv", [("10000001", "1101", "16/05/2567", "มา")]).read_bytes()
    held = {"เขต/รายชื่อ.dat": schools(tmp_path).read_bytes(), "b/list": listed, "b/": b"", "c/marks.txt": days,
            "__MACOSX/b/._list": b"x", ".DS_Store": b"x"}  # fmt: skip
    store, report = take(tmp_path / "home", packed(tmp_path / "2567-1-schoolmis.zip", held))
    assert [(f.name, f.format, f.kept) for f in report.files] == [
        ("2567-1-schoolmis.zip/เขต/รายชื่อ.dat", "school_list", 4), ("2567-1-schoolmis.zip/b/list", "dmc_list", 1),
        ("2567-1-schoolmis.zip/c/marks.txt", "attendance_daily", 1),
    ]  # fmt: skip
    assert marks(store, "มะลิ", 1) == "P"
    again = take(tmp_path / "home", tmp_path / "2567-1-schoolmis.zip")[1]
    assert again.snapshot is None and only(again).before


def test_a_name_in_cp874_is_read_as_it_was_written(tmp_path):
    path = packed(tmp_path / "z.zip", {"AAAAAAAA.csv": schools(tmp_path).read_bytes()})
    path.write_bytes(path.read_bytes().replace(b"AAAAAAAA", "โรงเรียน".encode("cp874")))
    assert only(take(tmp_path / "home", path)[1]).name == "z.zip/โรงเรียน.csv"


def test_one_bad_member_stops_no_other(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"x.csv": "a,b\r\n1,2\r\n"}).read_bytes()
    held = {
        "school.csv": schools(tmp_path).read_bytes(),
        "empty.csv": b"",
        "inner.zip": inner,
        "what.csv": b"a,b\n1,2\n",
    }
    _, report = take(tmp_path / "home", packed(tmp_path / "z.zip", held))
    said = {f.name: f.refused_whole for f in report.files}
    assert said["z.zip/school.csv"] is None and report.files[0].kept == 4
    assert said["z.zip/empty.csv"] == "z.zip/empty.csv is empty. Export it again."
    assert said["z.zip/inner.zip"] == (
        "z.zip/inner.zip is an archive within an archive and was not opened. Unpack it first."
    )
    assert said["z.zip/what.csv"].startswith("z.zip/what.csv is in no format we know; it begins 'a | b'.")


def refused_row_of_an_archive(tmp_path):
    held = {"s.csv": schools(tmp_path).read_bytes(), "a.xlsx": dmc(tmp_path / "a", [dmc_row(MALI)]).read_bytes()}
    days = daily(tmp_path / "d.csv", [("10000001", "9999", "16/05/2567", "มา")]).read_bytes()
    return packed(tmp_path / "z.zip", held | {"d.csv": days})


def test_a_refused_row_keeps_the_cells_it_had_in_the_archive(tmp_path):
    store, report = take(tmp_path / "home", refused_row_of_an_archive(tmp_path))
    (row,) = store.refused(report.snapshot).to_pylist()
    assert (row["file"], row["line"], row["code"]) == ("z.zip/d.csv", 2, "unknown_learner")
    assert row["cells"] == '["10000001", "9999", "16/05/2567", "มา"]'


@pytest.mark.parametrize("member", ["../../etc/x.csv", "/etc/x.csv", "a/../../x.csv", "C:/x.csv", "..\\x.csv"])
def test_a_name_that_points_outside_is_refused(tmp_path, member):
    path = packed(tmp_path / "z.zip", {member: "a,b\n"})
    sentence = only(take(tmp_path / "home", path)[1]).refused_whole
    assert sentence.endswith("which points outside the archive, and was not opened. Pack it again.")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "z.zip"]


def bomb():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(30):
            archive.writestr(f"{n}.csv", b"0" * 10_000_000)
    return held.getvalue()


def test_bombs_and_locked_and_damaged_archives_are_refused(tmp_path):
    whole = packed(tmp_path / "whole.zip", {"s.csv": schools(tmp_path).read_bytes()}).read_bytes()
    locked = bytearray(whole)
    for at in (6, whole.index(b"PK\x01\x02") + 8):
        locked[at] |= 1
    many = packed(tmp_path / "many.zip", {f"{n}.csv": b"" for n in range(20_001)}).read_bytes()
    cases = {
        "bomb.zip": (bomb(), "unpacks to 30 files and 300 MB, far more than lists hold"),
        "many.zip": (many, "unpacks to 20001 files"),
        "locked.zip": (bytes(locked), "is locked with a password"),
        "cut.zip": (whole[: len(whole) // 2], "is damaged or cut off"),
        "flipped.zip": (whole[:60] + bytes([whole[60] ^ 255]) + whole[61:], "is damaged or cut off"),
    }
    for name, (content, said) in cases.items():
        (tmp_path / name).write_bytes(content)
        _, report = take(tmp_path / "home", tmp_path / name)
        assert said in only(report).refused_whole and report.snapshot is None


def test_names_are_read_from_a_list_inside_an_archive(tmp_path):
    held = {
        "s.csv": schools(tmp_path).read_bytes(),
        "l.xlsx": dmc(tmp_path / "a", [dmc_row(MALI), dmc_row(KONG)]).read_bytes(),
    }
    store, _ = take(tmp_path / "home", packed(tmp_path / "z.zip", held))
    assert sorted(names(store).values()) == ["ก้อง", "มะลิ"]
