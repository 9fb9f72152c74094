"""`raksa people`, `raksa backup` and `raksa restore`: accounts, the log and everything in one file, from the keyboard.

Whoever has the keyboard of the machine is the operator; what is changed here stands in the log as done by "operator".
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    from raksa.access import Scope
    from raksa.accounts import Accounts
    from register.staff import RefusedLine

people_app = typer.Typer(
    help="The people who sign in: who they are, whom they look after, and the log of who looked at what.\n\n"
    "Also on an administrator's page. Accounts are switched off, never deleted, because the log names them.",
    no_args_is_help=True,
)
Username = Annotated[str, typer.Argument(help="account, as `raksa people list` shows it")]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help='class:"10000001|ม.3|1", school:10000001 or area:2401; give it again for more'),
]


@people_app.command(name="list")
def list_(format: Annotated[Literal["table", "csv", "json"], typer.Option("--format")] = "table") -> None:
    """List the accounts: role, scopes, whether they are switched on."""
    from raksa.cli import _print_rows

    with _accounts() as accounts:
        rows = [
            {
                "account": person.username,
                "name": person.name,
                "role": person.role,
                "scopes": ", ".join(f"{s.kind}:{s.value}" for s in person.scopes),
                "on": "yes" if person.active else "no",
            }
            for person in accounts.everyone()
        ]
    _print_rows(rows, format)


@people_app.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option(help="name of the person")],
    role: Annotated[str, typer.Option(help="teacher, school, area, province, researcher or admin")],
    scope: Scopes = None,
    language: Annotated[Literal["th", "en"], typer.Option(help="of the pages")] = "th",
) -> None:
    """Make an account. Prints a first password once; the person replaces it at the first sign-in."""
    password = secrets.token_urlsafe(9)
    with _accounts() as accounts:
        person = accounts.create_person(username, name, role, _scopes(scope), password, _now(), language=language)
        _log(accounts, "create_person", f"{person.username}: {role} {' '.join(scope or [])}")
    print(
        f"Account {person.username}, first password {password} (shown once; it must be replaced at the first sign-in)"
    )


@people_app.command()
def off(username: Username) -> None:
    """Switch an account off. Its sign-ins end at once."""
    with _accounts() as accounts:
        accounts.set_active(username, False)
        _log(accounts, "switch_off", username)
    print(f"Switched off: {username}")


@people_app.command()
def on(username: Username) -> None:
    """Switch an account on again."""
    with _accounts() as accounts:
        accounts.set_active(username, True)
        _log(accounts, "switch_on", username)
    print(f"Switched on: {username}")


@people_app.command()
def scope(
    username: Username,
    scope: Scopes = None,
    role: Annotated[str | None, typer.Option(help="another role; default: as it is")] = None,
) -> None:
    """Replace what a person is responsible for, or the role with it. Holds from the next click."""
    with _accounts() as accounts:
        person = accounts.person(username)
        if person is None:
            raise RaksaError(f"There is no account {username}. `raksa people list` shows those there are.")
        accounts.set_role(username, role or person.role, _scopes(scope))
        _log(accounts, "set_role", f"{username}: {role or person.role} {' '.join(scope or [])}")
    print(f"Changed: {username}")


@people_app.command()
def password(username: Username) -> None:
    """Give a new first password, printed once. Every sign-in of the person ends."""
    new = secrets.token_urlsafe(9)
    with _accounts() as accounts:
        accounts.give_password(username, new, _now())
        _log(accounts, "reset_password", username)
    _tell(username, new)


@people_app.command(name="codes-off")
def codes_off(username: Username) -> None:
    """Turn a person's second factor off, after looking who asks: the phone is lost, or the key of the codes."""
    with _accounts() as accounts:
        accounts.reset_second_factor(username)
        _log(accounts, "reset_second_factor", username)
    print(f"No code is asked of: {username}")


@people_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="list of staff (CSV, XLSX), or a OneRoster set (zip)", exists=True)],
    passwords: Annotated[
        Path | None, typer.Option(help="write first passwords to this .csv, to hand over and throw away")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="say what it would do, and do nothing")] = False,
) -> None:
    """Make and change accounts from a list of staff: account, name, role, school, and class for class teachers.

    The same list may be read again. Nobody is switched off for not being on it, and it makes no administrator.
    """
    from raksa.cli import _open, _print_rows
    from register.staff import staff, take

    _settings, store = _open()
    entries, refused = staff(file.name, file.read_bytes(), store)
    rows = [
        {
            "account": e.username,
            "name": e.name,
            "role": e.role,
            "scopes": ", ".join(f"{s.kind}:{s.value}" for s in e.scopes),
        }
        for e in entries
    ]
    _print_rows(rows, "table")
    if check:
        _say_refused(refused)
        return
    if passwords is not None and passwords.exists():
        raise RaksaError(f"{passwords} is there already. Give another name; nothing is overwritten.")
    with _accounts() as accounts:
        report = take(accounts, entries, refused, datetime.now(UTC))
        for entry, _ in report.created:
            _log(accounts, "create_person", entry.username)
        for entry in report.changed:
            _log(accounts, "set_role", entry.username)
    print(f"Made: {len(report.created)}. Changed: {len(report.changed)}. As they were: {len(report.same)}.")
    if report.created and passwords is not None:
        passwords.touch(mode=0o600)
        passwords.write_bytes(report.passwords_csv())
        print(f"First passwords: {passwords}. Hand them over and throw the file away.")
    elif report.created:
        _print_rows([{"account": e.username, "first password": secret} for e, secret in report.created], "table")
    if report.not_named:
        print("In use and not on the list: " + ", ".join(person.username for person in report.not_named))
    _say_refused(report.refused)


def _say_refused(refused: Sequence[RefusedLine]) -> None:
    for line in refused:
        print(f"line {line.line}: {line.why}  ({' · '.join(line.cells)})", file=sys.stderr)
    if refused:
        raise RaksaError(f"Lines that name nobody: {len(refused)}. Mend them and give the list again.")


@people_app.command()
def log(
    learner: Annotated[
        str | None, typer.Option(help="citizen id, G-code, school:number or learner id: who looked at this child")
    ] = None,
    who: Annotated[str | None, typer.Option(help="an account: what this person did")] = None,
    last: Annotated[int, typer.Option(min=1, help="no more than so many lines, the newest first")] = 200,
    csv: Annotated[bool, typer.Option("--csv", help="as CSV with a BOM, for Excel")] = False,
) -> None:
    """Print the log: who did what, when, to which child or list, and by what right."""
    from raksa.audit import entries
    from raksa.cli import _open, _print_rows

    number = None
    if learner is not None:
        from register.history import learner_named

        number = learner_named(_open()[1], learner)
    with _accounts() as accounts:
        found = entries(accounts.people, learner_id=number, who=who, last=last)
        rows = [vars(each) | {"at": each.at.isoformat(timespec="seconds")} for each in found]
        _log(accounts, "read_log", f"learner={learner or ''} who={who or ''}", number)
    _print_rows(rows, "csv" if csv else "table")


@people_app.command()
def keep(
    years: Annotated[int, typer.Option("--years", min=1, help="lines of the log older than this leave the database")],
    check: Annotated[bool, typer.Option("--check", help="say what would go, and do nothing")] = False,
) -> None:
    """Move old lines of the log into a dated CSV file in the data folder, and forget what has run out."""
    from raksa.retention import due
    from raksa.retention import keep as move
    from raksa.settings import load

    settings = load()
    with _accounts() as accounts:
        done = (due if check else move)(accounts.people, settings, years, _now())
    print(("Lines of the log to move: " if check else "Lines of the log moved: ") + str(done.lines), done.file or "")
    print(
        ("To forget: " if check else "Forgotten: ") + f"failed sign-ins {done.failures}, ended sign-ins "
        f"{done.sign_ins}, halves of sign-ins {done.tickets}, files of plans {done.plans}"
    )


def backup(file: Annotated[Path, typer.Argument(help="the .zip to write, on another disk")]) -> None:
    """Write register, models, runs and people to one file, while everything runs. Keep it as safe as the data."""
    from raksa.backup import backup as write
    from raksa.seal import key_file
    from raksa.settings import load

    settings = load()
    held = write(settings, file, _now(), _say)
    print(f"Written: {file}, {len(held):,} files, {file.stat().st_size / 1e6:,.1f} MB")
    key = key_file(settings)
    if key.exists():
        print(f"Not in it: {key}, the key of second factors. Keep a copy apart from the backup.")


def restore(
    file: Annotated[Path, typer.Argument(help="what `raksa backup` wrote")],
    to: Annotated[Path, typer.Option("--to", help="a folder that is not there yet, or empty")],
    database_url: Annotated[
        str, typer.Option(help="put the people into this empty database; default: raksa.db in the folder")
    ] = "",
) -> None:
    """Put a backup into an empty folder, every file compared with its checksum. Everybody signs in anew."""
    from raksa.backup import restore as put_back

    rows = put_back(file, to, _say, database_url)
    print(f"Restored: {to}, people {rows['person']}, contacts {rows['contact']}, lines of the log {rows['audit']}")
    if rows["second_factor"]:
        print(
            f"Second factors: {rows['second_factor']}. Their key is in no backup: put people.key of the old machine "
            "into the folder, or turn them off (`raksa people codes-off`)."
        )
    print(f"Look at it with RAKSA_HOME={to}" + (f" RAKSA_DATABASE_URL={_hidden(database_url)}" if database_url else ""))


@contextmanager
def _accounts() -> Iterator[Accounts]:
    from raksa.accounts import Accounts
    from raksa.settings import load

    settings = load()
    if not settings.database_url and not (settings.home / "raksa.db").exists() and not settings.home.is_dir():
        raise RaksaError(f"{settings.home} is not there. Set RAKSA_HOME to the data folder, or run `raksa demo`.")
    accounts = Accounts.open(settings)
    try:
        yield accounts
    finally:
        accounts.close()


def _scopes(given: list[str] | None) -> list[Scope]:
    from raksa.access import Scope

    for each in given or []:
        if ":" not in each:
            raise RaksaError(f"--scope {each!r} is not kind:value. Write school:10000001, or class:'10000001|ม.3|1'.")
    return [Scope(*each.split(":", 1)) for each in given or []]


def _log(accounts: Accounts, what: str, about: str, learner_id: int | None = None) -> None:
    from raksa.audit import Entry, record

    record(accounts.people, Entry(_now(), "operator", what, learner_id, about, "operator"))


def _tell(username: str, password: str) -> None:
    print(f"Account {username}, first password {password} (shown once; it must be replaced at the first sign-in)")


def _hidden(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
