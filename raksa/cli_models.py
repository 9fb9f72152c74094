"""`raksa models`: which models there are, which one people see, and how one travels between districts.

Every command loads only what it needs. Whatever changes which model counts is kept with who, when and why.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.card import Font
    from models.catalogue import Comparison, Entry

models_app = typer.Typer(
    help="The models of this district: which one people see, how good each was in a year it had not seen.\n\n"
    "`raksa train` makes one. The published model scores the children of today; others wait until somebody promotes "
    "them. A model from elsewhere: `install`, then `test` on this district's own years, then `promote`.",
    no_args_is_help=True,
)
Model = Annotated[str, typer.Argument(help="id, as `raksa models list` shows it")]
By = Annotated[str | None, typer.Option("--by", help="who decides; default: the account of this computer")]
Why = Annotated[str, typer.Option("--why", help="why, for those who ask later")]
AsJson = Annotated[bool, typer.Option("--json", help="as JSON, for programs")]


@models_app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the models: the published one first, then the newest; with their figures on the lists schools can see to."""
    from models.catalogue import models

    _, store = _open()
    _print([_line(each) if not as_json else _whole(each) for each in models(store)], as_json)


@models_app.command()
def show(
    model: Annotated[str | None, typer.Argument(help="id; default: the published one")] = None,
    html: Annotated[Path | None, typer.Option(help="write the card to this .html, to read or print on A4")] = None,
    language: Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a model's card: how it was judged, beside what people would do without it."""
    from models import card as cards
    from models import catalogue

    settings, store = _open()
    card = catalogue.card_of(store, model)
    said = language or settings.language
    if html is not None:
        if html.suffix != ".html":
            raise RaksaError(f"--html {html.name}: give a name that ends in .html.")
        page = cards.html(card, said, fonts=fonts(), checksums=catalogue.checksums(store, model))
        html.write_text(page, encoding="utf-8")
        print(f"Written: {html}")
    elif as_json:
        print(json.dumps(_plain(card), ensure_ascii=False, indent=1))
    else:
        judged = card["judged"]
        _print_judged(f"Model {card['id']}, judged on {judged['year']}", judged)
        for _, *pair in cards.verdicts(card):
            print(pair[0 if said == "th" else 1])
        for change in catalogue.history(store):
            if change.model == card["id"]:
                print(f"{change.at}  {change.what} by {change.by}" + (f": {change.why}" if change.why else ""))


@models_app.command()
def promote(
    model: Model,
    by: By = None,
    why: Why = "",
    untested: Annotated[
        bool, typer.Option("--untested", help="publish an installed model that was not tested on our own years")
    ] = False,
) -> None:
    """Publish a model. The lists people see change with the next `raksa score`."""
    from models import catalogue

    _, store = _open()
    change = catalogue.promote(store, model, _who(by), why, untested=untested, now=_now())
    print(f"Published: {model}, in place of {change.before or 'none'}. Run `raksa score` for lists by it.")


@models_app.command()
def rollback(by: By = None, why: Why = "") -> None:
    """Publish the model that was published before this one. Nothing is deleted."""
    from models import catalogue

    _, store = _open()
    change = catalogue.rollback(store, _who(by), why, now=_now())
    print(f"Published again: {change.model}, in place of {change.before}. Run `raksa score` for lists by it.")


@models_app.command()
def compare(a: Model, b: Model, as_json: AsJson = False) -> None:
    """Set two models' figures side by side, if they were judged on the same lists of the same year."""
    from models import catalogue

    _, store = _open()
    found = catalogue.compare(store, a, b)
    if as_json:
        print(json.dumps(_plain(vars(found)), ensure_ascii=False, indent=1))
    elif found.cannot:
        raise RaksaError(f"{found.cannot} `raksa models test ID` judges a model on this district's last closed year.")
    else:
        print(f"Judged on {found.year}, on the same lists; in brackets 95 % intervals")
        _print(list(_side_by_side(found)), False)


@models_app.command()
def pack(
    model: Model,
    file: Annotated[Path, typer.Argument(help="the .zip to write")],
    schools: Annotated[
        bool, typer.Option("--schools/--no-schools", help="with school codes and their leaving rates")
    ] = True,
) -> None:
    """Write a model into one file for another district or a researcher. No child is in it."""
    from models import catalogue

    _, store = _open()
    sha256 = catalogue.pack(store, model, file, fonts=fonts(), schools=schools)
    print(f"Written: {file}\nSHA-256 {sha256}\nTell the receiver this number in another way than the file.")


@models_app.command()
def install(
    file: Annotated[Path, typer.Argument(help="a .zip of `raksa models pack`")],
    by: By = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="the number the sender told you")] = None,
) -> None:
    """Take in a model from elsewhere. It waits: test it on this district's own years before it is promoted."""
    from models import catalogue

    settings, store = _open()
    store.identity  # noqa: B018 - refuses a folder without a store
    model = catalogue.install(store, file, _who(by), sha256=sha256, now=_now())
    print(f"Installed: {model}. Next: `raksa models test {model}`.")
    card = catalogue.card_of(store, model)
    foreseen = (card.get("outcome", "left"), card.get("horizon", settings.horizon))
    if foreseen != (settings.outcome, settings.horizon):
        print(
            f"It foresees {' up to '.join(foreseen)}; the settings here say {settings.outcome} up to "
            f"{settings.horizon}. Its chances mean something else here."
        )


@models_app.command()
def test(model: Model, by: By = None, as_json: AsJson = False) -> None:
    """Judge a model on this district's own last closed year, beside the plain rules, and keep the figures.

    Schools it does not know have the average. A model that learned from that year here has seen it: then its card is
    the fairer witness.
    """
    from models import catalogue
    from models.train import judge_saved
    from raksa.cli import _say

    settings, store = _open()
    card = catalogue.card_of(store, model)
    judged = judge_saved(store, settings, model, _say)
    catalogue.tested(store, settings, model, judged, _who(by), now=_now())
    if as_json:
        print(json.dumps(_plain(judged), ensure_ascii=False, indent=1, default=str))
        return
    _print_judged(f"Model {model} on {judged['year']} here", judged)
    if judged["year"] in card["years"] and card["snapshots"] == list(store.current().snapshots):
        print(f"It learned from {judged['year']} of this register: these figures are better than they would be.")


@models_app.command()
def watch(
    run: Annotated[str | None, typer.Argument(help="a run's id; default: all that were published")] = None,
    language: Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")] = None,
) -> None:
    """Whether today's data look like those learned from, and whether what past runs foresaw came to pass."""
    from care.publish import hindsight
    from care.since import about, runs, since
    from models.catalogue import card_of
    from models.watch import since_sentences
    from raksa.calendar import today_in_bangkok

    settings, store = _open()
    which, today = ("th", "en").index(language or settings.language), today_in_bangkok(_now())
    current = store.current().run
    for each in [run] if run else runs(store):
        said = about(store, each)
        print(f"{each} ({said['model']})")
        if each == current and said.get("watch"):
            for pair in said["watch"]["sentences"]:
                print(f"  {pair[which]}")
        if warning := hindsight(card_of(store, said["model"]), date.fromisoformat(said["as_of"]), settings):
            print(f"  {warning}")
        for pair in since_sentences(since(store, settings, each, today)):
            print(f"  {pair[which]}")


def fonts() -> list[Font]:
    """The page's own Thai and Latin letters, to put into a card."""
    from importlib.resources import files

    folder = files("dashboard") / "static" / "fonts"
    return [
        (weight, (folder / f"noto-sans-thai-looped-{script}-{weight}-normal.woff2").read_bytes())
        for weight in (400, 600)
        for script in ("latin", "thai")
    ]


def _open() -> Any:
    from raksa.cli import _open

    return _open()


def _now() -> datetime:
    return datetime.now(UTC)


def _who(by: str | None) -> str:
    """Who decides: as told, else the account of this computer."""
    import getpass

    if by is not None and not by.strip():
        raise RaksaError("--by is empty. Say who decides.")
    try:
        return by.strip() if by else getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        raise RaksaError("Nobody knows who you are here. Say who decides: --by NAME.") from None


def _line(each: Entry) -> dict[str, Any]:
    return {
        "model": each.id,
        "state": each.state,
        "made": each.made.date(),
        "years": ", ".join(map(str, each.years)),
        "judged on": each.judged_on,
        **{name: _digits(each.figures.get(key)) for name, key in _SHOWN.items()},
        "from": each.source or "here",
        "tested here on": each.tested.get("year"),
    }


_SHOWN = {"AUC": "auc", "average precision": "ap", "precision": "precision", "recall": "recall"}


def _whole(each: Entry) -> dict[str, Any]:
    held: dict[str, Any] = _plain(vars(each))
    return held


def _print_judged(who: str, judged: Mapping[str, Any]) -> None:
    """The model and every other way of choosing, on the same lists."""
    from models.catalogue import figures

    print(f"{who}: {judged['left']} left, {judged['foreseen']:.0f} foreseen")
    rows = [
        {
            "by": name,
            **{said: _digits(figures(judged, name).get(key)) for said, key in _SHOWN.items()},
            "listed": held.get("at_capacity", {}).get("listed"),
            "ECE": _digits(held.get("ece"), 4),
        }
        for name, held in sorted(judged["compared"].items(), key=lambda each: each[0] != "model")
    ]
    _print(rows, False)


def _side_by_side(found: Comparison) -> Iterable[dict[str, Any]]:
    for row in found.rows:
        yield {
            "figure": row["figure"],
            found.a: _digits(row["a"]) + _between(row["a_interval"]),
            found.b: _digits(row["b"]) + _between(row["b_interval"]),
            "difference": f"{row['difference']:+.3f}",
        }


def _between(edges: Any) -> str:
    return f" ({edges[0]:.3f}–{edges[1]:.3f})" if edges else ""


def _digits(value: float | None, digits: int = 3) -> str:
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _plain(value: Any) -> Any:
    """What JSON can say: undefined is null, moments are texts."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return None if isinstance(value, float) and value != value else value


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    from raksa.cli import _print_rows

    _print_rows(rows, "json" if as_json else "table")
