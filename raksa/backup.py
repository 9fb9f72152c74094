"""Everything in one file, while everything runs; and back again. `raksa backup`, `raksa restore`.

A backup is a .zip with the data folder and the people database, without the key of second factors (raksa.seal): it is
kept elsewhere, or the codes are set up anew. Whatever the people stand in, in the backup they are an
SQLite file: it can be looked at and tried out anywhere, and put into PostgreSQL again. `raksa-backup.json`, the last
member, holds the SHA-256 of each of the others.

Nobody has to stop. Files of the register, models and runs are never changed, only added, and readers follow
current.json; so that is read first, and all it names is there. People are read in one transaction.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from sqlalchemy import Engine, MetaData, func, insert, select, text

from raksa import __version__
from raksa.errors import RaksaError
from raksa.people import as_operator, file_in, open_database, open_people
from raksa.seal import key_file
from raksa.settings import Settings

_LIST = "raksa-backup.json"
_FORMAT = 1
_PEOPLE, _POINTER, _SETTINGS = "raksa.db", "current.json", "raksa.toml"
_MADE_AGAIN = ("state", "demo-files")  # `raksa features --update` and `raksa demo` make them anew
_PACKED = (".parquet", ".duckdb", ".woff2")  # packing them again costs minutes and saves nothing
_PIECE = 1 << 20
_SECRETS = re.compile(r"^(\s*database_url\s*=)", re.MULTILINE)


def backup(settings: Settings, file: Path, now: datetime, progress: Callable[[str], None]) -> dict[str, int]:
    """Write everything in the data folder and the people database to `file`; returns {name: bytes} of what is in it.

    The file is readable by its owner alone and holds all there is, passwords of raksa.toml too: keep it as you keep the
    data. Raises RaksaError if the folder holds nothing, or `file` is no .zip, is there already or lies in the folder.
    """
    home = settings.home.resolve()
    if file.suffix != ".zip":
        raise RaksaError(f"{file.name}: a backup is a .zip; give a name that ends in .zip.")
    if file.exists():
        raise RaksaError(f"{file} is there already. Give another name; nothing is overwritten.")
    if home in file.resolve().parents:
        raise RaksaError(f"{file} lies in the data folder itself. Write the backup to another disk.")
    if not home.is_dir():
        raise RaksaError(f"{home} is not there, so there is nothing to keep. Set RAKSA_HOME to the data folder.")
    beside = file.with_name(f".{file.name}.part")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".raksa-", dir=file.parent) as folder,
            zipfile.ZipFile(beside, "w", allowZip64=True) as archive,
        ):
            pointer = (home / _POINTER).read_bytes() if (home / _POINTER).is_file() else None
            held: dict[str, dict[str, Any]] = {}
            progress("people")
            people = Path(folder) / _PEOPLE
            kind, rows = _people_to_file(settings, people)
            held[_PEOPLE] = _add(archive, _PEOPLE, people.open("rb"), now)
            if pointer is not None:
                held[_POINTER] = _add(archive, _POINTER, BytesIO(pointer), now)
            for top, names in _by_top(home, key_file(settings)):
                size = sum((home / name).stat().st_size for name in names)
                progress(f"{top}: {len(names):,} files, {size / 1e6:,.1f} MB")
                for name in names:
                    held[name] = _add(archive, name, (home / name).open("rb"), now)
            about: dict[str, Any] = {
                "format": _FORMAT,
                "made_at": now.isoformat(timespec="seconds"),
                "raksa": __version__,
            }
            about |= {"people": kind, "rows": rows, "files": held}
            _add(archive, _LIST, BytesIO(json.dumps(about, ensure_ascii=False, indent=1).encode()), now)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return {name: each["bytes"] for name, each in held.items()}


def restore(file: Path, to: Path, progress: Callable[[str], None], database_url: str = "") -> dict[str, int]:
    """Put a backup into an empty folder, every checksum compared; returns {table: rows} of the people database.

    People go into raksa.db in the folder, or into the empty database `database_url` names. Nobody is signed in: who
    signed out after the backup was made would be back. Raises RaksaError if the folder is not empty, the file is no
    backup, was damaged or made by a newer Raksa; nothing is left in the folder then.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RaksaError(f"{to} is not empty. Give a folder that is not there yet; nothing is overwritten.")
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    try:
        with _opened(file) as archive:
            about = _about(archive, file)
            free, size = shutil.disk_usage(beside).free, sum(each["bytes"] for each in about["files"].values())
            if size > free:
                raise RaksaError(f"{to} needs {size / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free. Make room first.")
            progress(f"backup of {about['made_at']}: {len(about['files']):,} files, {size / 1e6:,.1f} MB")
            for name, each in about["files"].items():
                _take(archive, file, name, each, beside)
        progress("people")
        rows = _people_back(beside, database_url)
        _leave_the_other_database(beside, database_url)
        if to.exists():
            to.rmdir()
        beside.replace(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return rows


def copy_people(source: Engine, target: Engine) -> dict[str, int]:
    """Every row of one people database into another that is empty, of either kind, in one transaction each; returns
    {table: rows}. Raises RaksaError if there are people in the target."""
    copied = {}
    with source.connect() as out, target.begin() as into:
        if source.dialect.name == "postgresql":
            out = out.execution_options(isolation_level="REPEATABLE READ")  # all tables as of one moment
        as_operator(out)
        as_operator(into)
        tables, theirs = MetaData(), MetaData()
        tables.reflect(out)
        theirs.reflect(into)
        if into.execute(select(func.count()).select_from(theirs.tables["person"])).scalar():
            raise RaksaError("There are people in that database already. Give an empty one; nothing is overwritten.")
        for table in tables.sorted_tables:
            if table.name == "alembic_version":
                continue
            copied[table.name] = 0
            found = out.execute(select(table).order_by(*table.primary_key).execution_options(yield_per=5000))
            for rows in found.mappings().partitions():
                into.execute(insert(theirs.tables[table.name]), [dict(row) for row in rows])
                copied[table.name] += len(rows)
            if into.dialect.name == "postgresql" and "id" in table.c and table.c.id.type.python_type is int:
                # The next row's number comes from a counter of its own, which copied rows have not moved.
                counter = "SELECT setval(pg_get_serial_sequence(:name, 'id'), coalesce(max(id), 0) + 1, false)"
                into.execute(text(f"{counter} FROM {table.name}"), {"name": table.name})
    return copied


# ------------------------------------------------------------------------------------------------------------ backup
def _people_to_file(settings: Settings, file: Path) -> tuple[str, dict[str, int]]:
    """The people database as an SQLite file; which kind it is, and {table: rows}."""
    people = open_people(settings)
    try:
        if people.dialect.name == "sqlite":
            with people.connect() as connection, sqlite3.connect(file) as copy:
                cast(sqlite3.Connection, connection.connection.driver_connection).backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            copy.close()
            return "sqlite", _counts(file)
        target = open_database(file_in(file.parent))
        try:
            rows = copy_people(people, target)
            with target.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        finally:
            target.dispose()
        return people.dialect.name, rows
    finally:
        people.dispose()


def _counts(file: Path) -> dict[str, int]:
    with sqlite3.connect(file) as copy:
        tables = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        tables = [name for name in tables if name != "alembic_version"]
        rows = {name: copy.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
    copy.close()
    return rows


def _by_top(home: Path, key: Path) -> Iterator[tuple[str, list[str]]]:
    """What belongs into a backup, by the first part of its name: nothing half-written, no lock, nothing of the people
    database, which is taken otherwise, nor its key, nor what is made again."""
    for top in sorted(home.iterdir()):
        if top.name.startswith((".", _PEOPLE)) or top.name in (*_MADE_AGAIN, _POINTER):
            continue
        files = [top] if top.is_file() else sorted(f for f in top.rglob("*") if f.is_file())
        files = [f for f in files if f.resolve() != key.resolve()]
        names = [f.relative_to(home) for f in files if f.suffix != ".tmp"]
        kept = [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]
        if kept:
            yield top.name, kept


def _add(archive: zipfile.ZipFile, name: str, source: IO[bytes], now: datetime) -> dict[str, Any]:
    info = zipfile.ZipInfo(name, now.timetuple()[:6])
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED) else zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with source, archive.open(info, "w", force_zip64=True) as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += target.write(piece)
    return {"bytes": size, "sha256": digest.hexdigest()}


# ----------------------------------------------------------------------------------------------------------- restore
def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except FileNotFoundError:
        raise RaksaError(f"{file} is not there. Give the file that `raksa backup` wrote.") from None
    except (zipfile.BadZipFile, OSError, ValueError):
        raise RaksaError(f"{file} is no backup of Raksa, or was damaged. Take another one.") from None


def _about(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    """The list of the backup, if it is one, knows this format, and names exactly what is in the file."""
    foreign = RaksaError(f"{file} is no backup of Raksa, or was damaged (its list cannot be read). Take another one.")
    try:
        about: dict[str, Any] = json.loads(archive.read(_LIST))
        files = {str(name): (int(each["bytes"]), str(each["sha256"])) for name, each in about["files"].items()}
        made_by = int(about["format"])
    except (KeyError, ValueError, TypeError, AttributeError, OSError, zipfile.BadZipFile, zlib.error):
        raise foreign from None
    if made_by > _FORMAT:
        raise RaksaError(
            f"{file} was made by a newer Raksa ({about.get('raksa')}). Install that version to restore it."
        )
    if sorted([*files, _LIST]) != sorted(archive.namelist()):
        raise RaksaError(f"{file} holds other files than its list says. Take another backup.")
    if any(not _inside(name) for name in files):
        raise RaksaError(f"{file} wants to write outside the folder, as no backup of Raksa does. Do not use it.")
    return about


def _inside(name: str) -> bool:
    """Whether a name stays in the folder it is unpacked into, on any system."""
    return not ({"", ".", ".."} & set(name.split("/")) or "\\" in name or ":" in name)


def _take(archive: zipfile.ZipFile, file: Path, name: str, said: dict[str, Any], into: Path) -> None:
    target = into / name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as source, target.open("xb") as out:
            while piece := source.read(_PIECE):
                digest.update(piece)
                if (size := size + out.write(piece)) > said["bytes"]:
                    break
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        size = -1  # the archive itself says that it is damaged
    if (size, digest.hexdigest()) != (said["bytes"], said["sha256"]):
        raise RaksaError(f"{file} was damaged: {name} is not what was put in. Take another backup.")
    if name in (_PEOPLE, _SETTINGS):
        target.chmod(0o600)


def _people_back(home: Path, database_url: str) -> dict[str, int]:
    people = open_database(file_in(home))  # an older backup is brought up to date
    try:
        with people.begin() as connection:
            connection.execute(text("DELETE FROM session"))
        if not database_url:
            with people.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return _counts(home / _PEOPLE)
        target = open_database(database_url)
        try:
            return copy_people(people, target)
        finally:
            target.dispose()
    finally:
        people.dispose()
        if database_url:
            for left in home.glob(f"{_PEOPLE}*"):
                left.unlink()


def _leave_the_other_database(home: Path, database_url: str) -> None:
    """A restored folder must not write into the database the backup was made of: its address is commented out."""
    file = home / _SETTINGS
    if file.is_file() and not database_url:
        held = file.read_text(encoding="utf-8")
        note = "# The restored people are in raksa.db beside this file; the backup was made of this database:\n# "
        file.write_text(_SECRETS.sub(rf"{note}\1", held), encoding="utf-8")
