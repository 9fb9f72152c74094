"""The demo: an invented area from its agencies' files to the page, in one go. `raksa demo`.

demo_area (who lives there) ─► demo_files (what agencies export) ─► ingest ─► train ─► score ─► people who sign in
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from care.publish import publish
from models.train import train
from raksa.access import Scope
from raksa.accounts import Accounts
from raksa.demo_area import area
from raksa.demo_files import write_files
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from register.ingest import files_in, ingest

# The demo's today: a Monday in the second term of 2569. Fixed, so that the same seed gives the same lists for ever.
AS_OF = date(2026, 11, 16)
PASSWORD = "raksa-demo-2569"
_MARKER = "demo.json"


@dataclass(frozen=True)
class DemoPerson:
    """A sign-in of the demo: who it is and what that person looks after."""

    username: str
    role: str
    name: str
    about: str
    scopes: tuple[Scope, ...] = ()


def run(
    settings: Settings,
    *,
    schools: int,
    learners: int,
    years: int,
    seed: int,
    now: datetime,
    progress: Callable[[str], None],
) -> None:
    """Build the demo in `settings.home`: a new or empty folder, or an earlier demo, which is made anew.

    Raises RaksaError if the folder holds anything else: nothing that is not the demo's is ever deleted.
    """
    home = settings.home
    if not is_demo(home) and home.exists() and any(f.name != "raksa.toml" for f in home.iterdir()):
        raise RaksaError(f"{home} is no demo and not empty. Set RAKSA_HOME to another folder for the demo.")
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARKER).write_text(json.dumps({"seed": seed, "schools": schools, "learners": learners}), encoding="utf-8")
    for left in ("register", "snapshots", "refused", "state", "models", "runs", "demo-files"):
        shutil.rmtree(home / left, ignore_errors=True)
    for left in ("store.json", "current.json", "raksa.db", "raksa.db-wal", "raksa.db-shm"):
        (home / left).unlink(missing_ok=True)

    progress(f"1/5 an invented area: {schools} schools, {learners} learners, {years} years and the running one")
    made = area(0, schools=schools, learners=learners, years=years, as_of=AS_OF, seed=seed)
    files = home / "demo-files"
    written = write_files(made, files, jobs=settings.jobs)
    progress(f"2/5 {len(written)} files as its agencies export them: {files}")
    store = Store.create(home, settings.buckets, id_key="demo")
    progress("3/5 reading them into the register")
    report = ingest(store, settings, files_in([files]), now=now, progress=lambda what: progress("    " + what))
    kept, rows = sum(f.kept for f in report.files), sum(f.rows for f in report.files)
    progress(f"    {rows:,} rows: {kept:,} kept, {rows - kept:,} refused and kept aside (raksa doctor)")
    progress("4/5 learning from past years")
    trained = train(store, settings, lambda what: progress("    " + what))
    judged = trained.card["judged"]
    progress(f"    judged on {judged['year']}: AUC {judged['compared']['model']['auc']:.3f}")
    progress("5/5 lists as of the Monday before, and as of today")
    for monday in (AS_OF - timedelta(days=7), AS_OF):  # two, so that "new this week" is known
        publish(store, settings, monday, now.isoformat(timespec="seconds"), lambda what: progress("    " + what))
    _sign_ins(settings, now)


def is_demo(home: Path) -> bool:
    """Whether a folder was made by `raksa demo`: its ids are keyed openly and the next demo there replaces it."""
    return (home / _MARKER).is_file()


def people(settings: Settings) -> list[DemoPerson]:
    """One person of each role, for the demo's first schools with a list."""
    store = Store(settings.home)
    with duckdb.connect(str(store.run_folder() / "scores.duckdb"), read_only=True) as con:
        busiest = con.execute(
            """select school_id, grade, room, any_value(s.name), any_value(s.area_id), any_value(s.area_name)
               from score join school s using (school_id) where score.listed and grade is not null
               group by all order by count(*) desc, school_id, grade, room limit 1"""
        ).fetchone()
    if busiest is None:
        raise RaksaError("The demo has no list yet. Run `raksa demo` first.")
    school_id, grade, room, name, area_id, area_name = busiest
    class_name = f"{grade}/{room}" if room else grade
    return [
        DemoPerson("teacher", "teacher", "ครูสาธิต ใจเย็น", f"{class_name} {name}",
                   (Scope("class", f"{school_id}|{grade}|{room or ''}"),)),
        DemoPerson("director", "school", "ผู้อำนวยการตัวอย่าง", name, (Scope("school", school_id),)),
        DemoPerson("officer", "area", "เจ้าหน้าที่เขตตัวอย่าง", area_name or area_id, (Scope("area", area_id),)),
        DemoPerson("province", "province", "เจ้าหน้าที่จังหวัดตัวอย่าง", "counts only", (Scope("area", area_id),)),
        DemoPerson("researcher", "researcher", "นักวิจัยตัวอย่าง", "the model, no names"),
        DemoPerson("admin", "admin", "ผู้ดูแลระบบตัวอย่าง", "people and settings, no learners"),
    ]  # fmt: skip


def _sign_ins(settings: Settings, now: datetime) -> None:
    accounts = Accounts.open(settings)
    try:
        for person in people(settings):
            accounts.create_person(
                person.username, person.name, person.role, person.scopes, PASSWORD, now, must_change_password=False
            )
    finally:
        accounts.close()
