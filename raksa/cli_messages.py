"""`raksa digest`: the weekly mail to each person who wants one, about her own children, with counts and no names."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    from care.messages import Numbers
    from dashboard.roster import Run
    from raksa.access import Person
    from raksa.accounts import Accounts
    from raksa.settings import Settings

digest_app = typer.Typer(
    help="The weekly digest by e-mail: how many children need someone, no names, and a link that runs out.\n\n"
    "Set smtp_host (or webhook_url) and public_url first; note an address with `raksa digest address`.",
    no_args_is_help=True,
)


@digest_app.command()
def address(
    username: Annotated[str, typer.Argument(help="account, as `raksa people list` shows it")],
    mail: Annotated[str, typer.Argument(help="where it is written to")],
    weekly: Annotated[bool, typer.Option("--weekly/--never", help="whether the weekly digest goes there")] = True,
) -> None:
    """Note where an account is written to."""
    from care.messages import set_address

    _settings, accounts, _run = _ground()
    try:
        if accounts.person(username) is None:
            raise RaksaError(f"There is no account {username}. `raksa people list` shows the accounts there are.")
        held = set_address(accounts.people, username.strip().casefold(), mail, weekly, datetime.now(UTC))
    finally:
        accounts.close()
    print(f"{held.username}: {held.address}, {'weekly' if held.weekly else 'never'}")


@digest_app.command()
def show(
    username: Annotated[str, typer.Argument(help="account whose digest to show")],
) -> None:
    """Print the digest an account would get now, and send nothing."""
    from care.messages import Receiver, digest, link

    settings, accounts, run = _ground()
    try:
        person = accounts.person(username)
        if person is None:
            raise RaksaError(f"There is no account {username}. `raksa people list` shows the accounts there are.")
        url = link(_key(settings), _page(person), datetime.now(UTC), settings)
        made = digest(Receiver(username, "-", True), numbers(run, accounts, person, settings), url, person.language)
    finally:
        accounts.close()
    print(f"{made.subject}\n\n{made.text}" if made else "There is nothing to say this week.")


@digest_app.command()
def send(
    to: Annotated[str | None, typer.Option(help="one account only; default: everyone who wants it")] = None,
) -> None:
    """Send the digests. One that is not taken stops no other; what was not sent is said, and the exit code is 1."""
    from care.messages import digest, link, receivers, sender
    from raksa.audit import Entry, record

    settings, accounts, run = _ground()
    now, sent, failed = datetime.now(UTC), 0, []
    try:
        post = sender(settings)
        if post is None:
            raise RaksaError("No way out is set. Set smtp_host, or webhook_url and webhook_secret.")
        for receiver in receivers(accounts.people):
            person = accounts.person(receiver.username)
            if person is None or not person.active or not receiver.weekly or to not in (None, receiver.username):
                continue
            url = link(_key(settings), _page(person), now, settings)
            made = digest(receiver, numbers(run, accounts, person, settings), url, person.language)
            if made is None:
                continue
            try:
                post.send(made, now)
            except RaksaError as wrong:
                failed.append(f"{receiver.username}: {wrong}")
                continue
            record(accounts.people, Entry(now, "operator", "send_digest", None, receiver.username, person.role))
            sent += 1
    finally:
        accounts.close()
    print(f"Sent: {sent}")
    if failed:
        print("\n".join(failed), file=sys.stderr)
        raise RaksaError(f"Not sent: {len(failed)}; the lines above say why.")


def numbers(run: Run, accounts: Accounts, person: Person, settings: Settings) -> Numbers:
    """What is counted in the person's own scope: never more than her pages show her."""
    from care.cases import open_cases
    from care.contacts import last_contacts
    from care.messages import Numbers
    from dashboard.roster import Filters, promise
    from dashboard.today import morning
    from raksa.access import sees_learners
    from raksa.calendar import today_in_bangkok
    from raksa.school_settings import in_force

    if not sees_learners(person):
        return Numbers(run.as_of, promise(run, person, Filters()).listed if person.role == "province" else None)
    people, today = accounts.people, today_in_bangkok(datetime.now(UTC))
    now = morning(run, person, settings, in_force(people), last_contacts(people, person))
    return Numbers(
        as_of=run.as_of,
        listed=promise(run, person, Filters()).listed,
        new=len(now.new) if now.since else None,
        unwritten=len(now.overdue),
        crossed=len(now.crossed) if now.since else None,
        unrecorded=len(now.unrecorded),
        overdue=sum(case.overdue(today) > 0 for case in open_cases(people, person)),
    )


def _page(person: Person) -> str:
    from dashboard.pages import pages_for

    return f"/{pages_for(person)[0]}"


def _key(settings: Settings) -> str:
    from raksa.store import Store

    return Store(settings.home).identity.id_key


def _ground() -> tuple[Settings, Accounts, Run]:
    from dashboard.roster import open_run
    from raksa.accounts import Accounts
    from raksa.settings import load
    from raksa.store import Store

    settings = load()
    return settings, Accounts.open(settings), open_run(Store(settings.home))
