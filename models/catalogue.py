"""Which models there are, which one people see, how they compare, and how one travels: `raksa models`.

The published model, the champion, is the one `current.json` names; all others are challengers or were published before.
Every change is a line of `models/history.jsonl`, which is only ever added to:

    {"at": "2026-05-20T08:00:00+00:00", "by": "somchai", "what": "promoted", "model": …, "before": …, "why": …}

A model travels as one zip file: its files as they lie on disk with their checksums, its card as a page, and what it
takes each feature to mean. An installed model is a challenger until a person promotes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightgbm.basic import LightGBMError

from features.registry import BY_NAME
from models import card as cards
from models.risk import load
from raksa import __version__
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store

_MANIFEST = "pack.json"
_PAGES = {"card.html": "th", "card-en.html": "en"}
_PLAIN_NAME = re.compile(r"[a-z0-9_-]+\.(txt|json|html)")
_MODEL_ID = re.compile(r"[0-9]{4}-[0-9a-f]{8}")
_MOST_BYTES = 50_000_000  # of one file; a model's trees are 0.2 MB each
_FIGURES = ("auc", "ap", "precision", "recall", "p10", "r10", "brier", "ece")


@dataclass(frozen=True)
class Change:
    """One line of the history: who did what to which model, and why.

    what: trained, installed, tested, promoted, rolled_back. `before` is the model that was published until then.
    """

    at: str
    by: str
    what: str
    model: str
    before: str | None = None
    why: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One model: `state` is published (the champion), earlier (was published once) or challenger.

    `figures` are those of its card, judged on `judged_on`, a year it had not seen; a figure that is undefined is NaN.
    `source` is empty for a model trained here, else the file it came in. `tested` is how it did on this
    district's own year, empty until `raksa models test`.
    """

    id: str
    state: str
    made: datetime
    years: tuple[int, ...]
    judged_on: int | None
    figures: Mapping[str, float]
    source: str = ""
    tested: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Two models' figures side by side. `cannot` says why they cannot be compared; then there are no rows.

    `year` is the academic year both were judged on. One row of `rows`: figure, a, b (numbers), difference (a − b),
    a_interval, b_interval (95 %, or None).
    """

    a: str
    b: str
    cannot: str = ""
    year: int | None = None
    rows: Sequence[Mapping[str, Any]] = ()


# ---------------------------------------------------------------------------------------------- what there is
def models(store: Store) -> list[Entry]:
    """Every model of the store, the published one first, then the newest."""
    current, changes = store.current().model, history(store)
    once = {c.model for c in changes if c.what in ("promoted", "rolled_back")} | {c.before for c in changes}
    found = []
    for name in ids(store):
        own = [c for c in changes if c.model == name]
        card = card_of(store, name)
        written = datetime.fromtimestamp((_folder(store, name) / "card.json").stat().st_mtime, UTC)
        came = next((c for c in own if c.what == "installed"), None)
        found.append(
            Entry(
                id=name,
                state="published" if name == current else "earlier" if name in once else "challenger",
                made=datetime.fromisoformat(own[0].at) if own else written,
                years=tuple(card.get("years", ())),
                judged_on=card.get("judged", {}).get("year"),
                figures=figures(card.get("judged", {})),
                source=str(came.details.get("file", "")) if came else "",
                tested=next((c.details["judged"] for c in reversed(own) if c.what == "tested"), {}),
            )
        )
    return sorted(found, key=lambda e: (e.state == "published", e.made, e.id), reverse=True)


def ids(store: Store) -> list[str]:
    """Ids of the models that are there, sorted."""
    return sorted(f.parent.name for f in (store.home / "models").glob("[!.]*/card.json"))


def card_of(store: Store, model: str | None = None) -> dict[str, Any]:
    """A model's card, the published one's by default. Raises RaksaError naming the models there are."""
    card: dict[str, Any] = json.loads((_folder(store, model) / "card.json").read_text(encoding="utf-8"))
    return card


def learned_from(card: Mapping[str, Any]) -> list[int]:
    """Academic years whose outcome a model has seen, to learn from or to be calibrated on; none where its card is
    silent."""
    learned = card.get("learned", {})
    return [*learned.get("trained_on", ()), *learned.get("calibrated_on_years", ())]


def checksums(store: Store, model: str | None = None) -> dict[str, str]:
    """SHA-256 of each file of a model, as saved with it."""
    sums: dict[str, str] = json.loads((_folder(store, model) / "checksums.json").read_text(encoding="utf-8"))
    return sums


def figures(judged: Mapping[str, Any], name: str = "model") -> dict[str, float]:
    """The figures of one contestant of a judged year: auc, ap, p10, r10, brier, ece of all, and precision and recall
    of the lists schools can see to. What is not there is left out."""
    held = judged.get("compared", {}).get(name, {})
    flat = {**held, **held.get("at_capacity", {})}
    return {k: math.nan if flat[k] is None else float(flat[k]) for k in _FIGURES if k in flat}


def _folder(store: Store, model: str | None) -> Path:
    if model is None:
        return store.model_folder()
    if model not in (there := ids(store)):
        raise RaksaError(f"There is no model {model!r}. These are here: {', '.join(there) or 'none yet'}.")
    return store.home / "models" / model


# ---------------------------------------------------------------------------------------------- history
def history(store: Store) -> list[Change]:
    """Every change, oldest first. A line a killed writer left half-written is passed over."""
    file = store.home / "models" / "history.jsonl"
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            found.append(Change(**json.loads(line)))
        except json.JSONDecodeError:
            continue
    return found


def record(
    store: Store,
    what: str,
    model: str,
    by: str,
    *,
    before: str | None = None,
    why: str = "",
    details: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Change:
    """Add a line to the history. Call inside `store.writing()`. `now` is the clock's time unless given."""
    change = Change(
        at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        by=by, what=what, model=model, before=before, why=why, details=details or {},
    )  # fmt: skip
    file = store.home / "models" / "history.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as out:
        if out.tell() and file.read_bytes()[-1:] != b"\n":
            out.write(b"\n")  # after a line cut off half-way
        out.write(json.dumps(asdict(change), ensure_ascii=False, default=str).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())
    return change


def tested(
    store: Store, settings: Settings, model: str, judged: Mapping[str, Any], by: str, *, now: datetime | None = None
) -> Change:
    """Keep how a model did on this district's own year, as `models.train.judge_saved` gives it."""
    kept = {key: judged[key] for key in ("year", "as_of", "left", "foreseen", "intervals") if key in judged}
    details = {
        "outcome": settings.outcome,
        "horizon": settings.horizon,
        "judged": {**kept, "compared": {"model": judged["compared"]["model"]}},
    }
    with store.writing():
        return record(store, "tested", model, by, details=details, now=now)


# ---------------------------------------------------------------------------------------------- which one counts
def promote(
    store: Store, model: str, by: str, why: str = "", *, untested: bool = False, now: datetime | None = None
) -> Change:
    """Publish a model: the next `raksa score` uses it. Takes the store's write lock.

    Raises RaksaError if it is not there, was altered, is published already, or was installed from elsewhere and never
    tested on this district's own years (unless `untested`: a district without closed years has nothing to test on).
    """
    load(_folder(store, model))
    with store.writing():
        before = store.current().model
        if model == before:
            raise RaksaError(f"{model} is the published model already.")
        done = {c.what for c in history(store) if c.model == model}
        if "installed" in done and "tested" not in done and not untested:
            raise RaksaError(
                f"{model} was judged elsewhere, never on this district's own years. Run `raksa models test {model}` "
                "first, or add --untested if there is no closed year to test it on."
            )
        change = record(store, "promoted", model, by, before=before, why=why, now=now)
        store.point(model=model)
    return change


def rollback(store: Store, by: str, why: str = "", *, now: datetime | None = None) -> Change:
    """Publish the model that was published before this one; called again, the one before that.

    Raises RaksaError when none was, or when it is no longer there.
    """
    with store.writing():
        current = store.current().model
        came = [c for c in history(store) if c.what == "promoted" and c.model == current]
        if not came or came[-1].before is None:
            raise RaksaError("No model was published before this one. Choose one with `raksa models promote ID`.")
        before = came[-1].before
        load(_folder(store, before))
        change = record(store, "rolled_back", before, by, before=current, why=why, now=now)
        store.point(model=before)
    return change


def decide(champion: Mapping[str, Any] | None, challenger: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a newly trained model may be published without a person's word, and why, from their cards.

    The rule: yes, unless it is worse than can be put down to chance in average precision or in recall of the lists
    schools can see to. With the champion judged on the same rows (`compared.champion` of the challenger's card), worse
    means that the paired 95 % interval of the difference lies wholly below zero. Without, both cards must be of the
    same lists, and worse means that the champion's figure lies above the challenger's interval: less sharp, because it
    is not paired. Judged on different lists, a person decides. The first model needs no comparison.
    """
    if champion is None:
        return True, "the first model"
    measures = {"ap": "average precision", "recall": "recall of the lists"}
    judged = challenger["judged"]
    paired = judged["compared"].get("champion", {})
    if paired.get("id", champion.get("id")) == champion.get("id") and paired.get("against_model"):
        ranges = {m: paired["against_model"].get(m) for m in measures}
        of = "paired difference to the published model"
    elif cannot := cannot_compare(champion, challenger):
        return False, f"{cannot} A person decides: `raksa models compare`, `raksa models promote`."
    else:
        old, held = figures(champion["judged"]), judged.get("intervals", {})
        ranges = {m: [edge - old.get(m, math.nan) for edge in held[m]] for m in measures if held.get(m)}
        of = "its interval less the published model's figure"
    known = {m: r for m, r in ranges.items() if r and all(edge is not None and math.isfinite(edge) for edge in r)}
    if not known:
        return False, "no interval of average precision or recall to decide by. A person decides."
    said = "; ".join(f"{measures[m]} {low:+.3f} to {high:+.3f}" for m, (low, high) in known.items())
    worse = [measures[m] for m, (_, high) in known.items() if high < 0]
    return not worse, f"{'worse in ' + ' and '.join(worse) if worse else 'no worse'} ({of}: {said})"


def compare(store: Store, a: str, b: str) -> Comparison:
    """Two models' figures side by side, if they were judged on the same lists of the same year: by their cards, or by
    a test here (`tested`) on a year the model had not learned from."""
    pairs = [(one, two) for one in _witnesses(store, a) for two in _witnesses(store, b)]
    same = next((pair for pair in pairs if not cannot_compare(*pair)), None)
    if same is None:
        return Comparison(a, b, cannot_compare(*pairs[0]))
    one, two = (each["judged"] for each in same)
    left, right = figures(one), figures(two)
    rows = [
        {
            "figure": name,
            "a": left[name],
            "b": right[name],
            "difference": left[name] - right[name],
            "a_interval": one.get("intervals", {}).get(name),
            "b_interval": two.get("intervals", {}).get(name),
        }
        for name in _FIGURES
        if name in left and name in right
    ]
    return Comparison(a, b, year=one["year"], rows=rows)


def _witnesses(store: Store, model: str) -> list[Mapping[str, Any]]:
    """A model's card, and its tests here that the card's years do not speak against, the latest first."""
    card, own = card_of(store, model), [c for c in reversed(history(store)) if c.model == model]
    elsewhere = any(c.what == "installed" for c in own)
    tests = [{"id": model, **c.details} for c in own if c.what == "tested"]
    return [card, *(t for t in tests if elsewhere or t["judged"]["year"] not in card.get("years", ()))]


def cannot_compare(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    """Why two cards' figures cannot stand side by side, in a sentence; empty when they can."""
    first, second = _lists(one), _lists(two)
    for what, of_one in first.items():
        if of_one != second[what]:
            return (
                f"{one['id']} and {two['id']} were not judged on the same lists: {what} {of_one} against "
                f"{second[what]}."
            )
    return ""


def _lists(card: Mapping[str, Any]) -> dict[str, Any]:
    judged = card.get("judged", {})
    own = judged.get("compared", {}).get("model", {})
    return {
        "academic year": judged.get("year"),
        "outcome": card.get("outcome", "left"),
        "census day": card.get("horizon"),
        "dates": ", ".join(judged.get("as_of", ())),
        "rows": own.get("n"),
        "leavers": judged.get("left"),
        "places": own.get("at_capacity", {}).get("listed"),
    }


# ---------------------------------------------------------------------------------------------- one file to carry
def meanings(features: Iterable[str]) -> dict[str, str]:
    """What each feature means here, as a digest of its unit, range, direction and what missing says; its words for
    people may change without changing a model. A feature not known here has an empty one."""
    found = {}
    for name in features:
        if own := BY_NAME.get(name):
            facts = [own.name, own.unit, own.low, own.high, own.missing, own.direction]
            found[name] = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        else:
            found[name] = ""
    return found


def pack(store: Store, model: str, file: Path, *, fonts: Sequence[cards.Font] = (), schools: bool = True) -> str:
    """Write a model as one zip file; returns its SHA-256. Same model, same version: same bytes, whatever the machine.

    It holds no child. It holds school codes with their leaving rates and, in the card, leavers by school; without
    `schools` these are taken out and a school is scored with the average, as schools of another district always are.
    Raises RaksaError if the model was altered or the file's name does not end in .zip.
    """
    if file.suffix != ".zip":
        raise RaksaError(f"{file.name}: give a name that ends in .zip.")
    folder = _folder(store, model)
    risk = load(folder)
    held = {name: (folder / name).read_bytes() for name in checksums(store, model)}
    if not schools:
        held |= {name: _without_schools(content) for name, content in held.items() if name.endswith(".json")}
    sums = {name: _sha(content) for name, content in sorted(held.items())}
    held["checksums.json"] = _json(sums)
    card = json.loads(held["card.json"])
    for page, language in _PAGES.items():
        held[page] = cards.html(card, language, fonts=fonts, checksums=sums).encode()
    about = {
        "model": model,
        "raksa": __version__,
        "features": meanings(risk.features),
        "files": {name: _sha(content) for name, content in held.items()},
    }
    held[_MANIFEST] = _json(about)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as out:
        for name, content in sorted(held.items()):
            entry = zipfile.ZipInfo(name)  # dated 1980; stored, because deflate differs between versions of zlib
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            out.writestr(entry, content)
    beside = file.with_suffix(".tmp")
    beside.write_bytes(whole.getvalue())
    beside.replace(file)
    return _sha(whole.getvalue())


def _without_schools(content: bytes) -> bytes:
    """A file of a model with its `schools` emptied; of a card without the judged year's schools."""
    held = json.loads(content)
    if isinstance(held, dict):
        held |= {"schools": {}} if "schools" in held else {}
        held.get("judged", {}).pop("by_school", None)
    return _json(held)


def install(store: Store, file: Path, by: str, *, sha256: str | None = None, now: datetime | None = None) -> str:
    """Take a model out of a file of `pack`, as a challenger; returns its id.

    Checksums show damage and careless changes; whoever makes a file can make its checksums too, so `sha256`, told by
    the sender in another way, is compared when given. Raises RaksaError, and installs nothing, if the file is no pack,
    was altered, names anything but plain files, takes a feature to mean something else, or if another model has its id.
    """
    if not file.is_file():
        raise RaksaError(f"{file} does not exist. Give the .zip file of `raksa models pack`.")
    whole = file.read_bytes()
    if sha256 and _sha(whole) != sha256.strip().lower():
        raise RaksaError(f"{file.name} is not the file whose SHA-256 you gave. Ask for it again.")
    held = _unpacked(file.name, whole)
    about, sums = json.loads(held[_MANIFEST]), json.loads(held["checksums.json"])
    model = str(about["model"])
    _same_features(file.name, about)
    own = {name: held[name] for name in [*sums, "checksums.json"]}
    _readable(file.name, about, own)
    with store.writing():
        if model in ids(store):
            if checksums(store, model) == sums:
                raise RaksaError(f"{model} is here already, the same in every byte. Nothing is to be done.")
            raise RaksaError(f"Another model is here by the name {model}. Set it aside first if {file.name} is right.")
        with store.publishing("models", model) as folder:
            for name, content in own.items():
                (folder / name).write_bytes(content)
        details = {"file": file.name, "sha256": _sha(whole), "raksa": about["raksa"]}
        record(store, "installed", model, by, details=details, now=now)
    return model


def _unpacked(name: str, whole: bytes) -> dict[str, bytes]:
    """Contents of a pack by name, each of which is as its manifest says."""
    altered = RaksaError(f"{name} was altered or is damaged. Ask for the file again.")
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as packed:
            entries = packed.infolist()
            for entry in entries:
                if not _PLAIN_NAME.fullmatch(entry.filename) or entry.file_size > _MOST_BYTES:
                    raise RaksaError(f"{name} holds {entry.filename!r}, which is no part of a model. Do not use it.")
            held = {entry.filename: packed.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as wrong:
        if zipfile.is_zipfile(io.BytesIO(whole)):
            raise altered from wrong
        raise RaksaError(f"{name} is no zip file. Give the file `raksa models pack` wrote.") from wrong
    try:
        about, sums = json.loads(held[_MANIFEST]), json.loads(held["checksums.json"])
        files, asked = dict(about["files"]), about["raksa"] and dict(about["features"])
        fits = _MODEL_ID.fullmatch(about["model"]) and asked and set(files) | set(dict(sums))
    except (KeyError, TypeError, ValueError):
        raise RaksaError(f"{name} holds no Raksa model. Give the file `raksa models pack` wrote.") from None
    known = {*sums, *_PAGES, "checksums.json"}
    if unknown := sorted({*held, *files} - known - {_MANIFEST}):
        raise RaksaError(f"{name} holds {unknown[0]!r}, which is no part of a model. Do not use it.")
    inside = {n: _sha(content) for n, content in held.items() if n != _MANIFEST}
    if not fits or len(entries) != len(held) or inside != files or any(inside.get(n) != s for n, s in sums.items()):
        raise altered
    return held


def _same_features(name: str, about: Mapping[str, Any]) -> None:
    here = meanings(about["features"])
    for feature, meaning in about["features"].items():
        if here[feature] != meaning:
            how = "means something else by" if here[feature] else "reads a feature not known here,"
            raise RaksaError(
                f"The model of {name} (Raksa {about['raksa']}) {how} {feature!r}. Install it in that version of "
                f"Raksa, or ask for one made with {__version__}."
            )


def _readable(name: str, about: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Loads the model from a folder of its own before anything reaches the store."""
    with tempfile.TemporaryDirectory() as place:
        for file, content in files.items():
            (Path(place) / file).write_bytes(content)
        try:
            risk, card = load(Path(place)), json.loads(files["card.json"])
        except (LightGBMError, KeyError, TypeError, ValueError, OSError) as wrong:
            raise RaksaError(f"{name} holds a model this version of Raksa cannot read.") from wrong
    if not risk.boosters or card.get("id") != about["model"] or set(risk.features) != set(about["features"]):
        raise RaksaError(f"{name} does not hold the model it says it holds. Do not use it.")


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()
