"""Which learner a row is about. Exact links only; whatever is merely likely is left to a person.

A child is known by aliases:

    citizen:<13 digits>   g:<code>   other:<text>      from lists
    number:<school>:<school number>                    from lists; how roll books and results name her
    key:<…>                                            from mappings of one's own

List rows are walked through in the order of their days. A citizen id whose check digit fits, and a key, is one child
wherever it stands. Another number, or none, is the child who stood under the same school number with the same birth
date, unless that child and this row have two different certain ids: that is how a mistyped id, an empty one and a
G-code find their child. Since the order is that of the days, lists that come one by one and all at once give the same
children, but for one case: a child who came under a mistyped id and turns out to be one known before keeps the rows of
earlier imports under the mistyped one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from raksa import thai
from raksa.store import Store


@dataclass
class Known:
    """What the register knows of who is who, and what lists add to it.

    aliases     alias -> learner; a school number -> the learner who had it last
    held        number alias -> academic year -> learners who were listed with it then
    links       (number alias, birth date) -> learner
    born        learner -> birth dates seen
    certain     learners who have a certain id
    joined      learner -> the learner she has turned out to be
    """

    key: str
    aliases: dict[str, int] = field(default_factory=dict)
    held: dict[str, dict[int, set[int]]] = field(default_factory=dict)
    links: dict[tuple[str, date], int] = field(default_factory=dict)
    born: dict[int, set[date]] = field(default_factory=dict)
    certain: set[int] = field(default_factory=set)
    joined: dict[int, int] = field(default_factory=dict)

    def now(self, learner: int | None) -> int | None:
        """Who a learner has turned out to be."""
        return self.joined.get(learner, learner) if learner is not None else None

    # -------------------------------------------------------------------------------------- finding
    def find(self, alias: str | None, number: str | None, year: int | None) -> int | None:
        """The learner a row is about, by her own number, else by her school number in that academic year.

        None where nobody is known by either, where the school number belonged to several learners and none or more
        than one of them in that year, and where the row has a certain id and so has the number's learner, another.
        """
        if alias in self.aliases:
            return self.now(self.aliases[alias])
        learner = self._holder(number, year)
        return None if alias is not None and _is_certain(alias) and learner in self.certain else learner

    def holders(self, number: str | None) -> set[int | None]:
        """Learners who have ever had the school number."""
        return {self.now(learner) for had in self.held.get(number or "", {}).values() for learner in had}

    def _holder(self, number: str | None, year: int | None) -> int | None:
        """The one learner who had the school number in that academic year; where no list says, the only one ever."""
        then = self.held.get(number or "", {}).get(year or 0)
        had = {self.now(learner) for learner in then} if then else self.holders(number)
        return had.pop() if len(had) == 1 else None

    # -------------------------------------------------------------------------------------- learning
    def learn(self, alias: str | None, number: str | None, birth: date | None, year: int) -> int:
        """The learner of one list row, a new one where nobody fits. Rows come in the order of their days."""
        learner = self.now(self.aliases.get(alias)) if alias is not None else None
        linked = self.now(self.links.get((number, birth))) if number and birth else None
        if alias is not None and _is_certain(alias):
            if linked is not None and linked not in self.certain:
                if learner is None:
                    learner = linked
                elif learner != linked:
                    self._join(linked, learner)
        else:
            if learner is not None and self._is_another(alias or "", learner, number, birth):
                learner, alias = None, None  # one wrong number typed for two children names neither
            if learner is None:
                learner = linked
            if learner is None and birth is None and not (alias or "").startswith("g:"):
                learner = self._holder(number, year)
        if learner is None:
            alias = alias or f"unnamed:{number}|{birth}"
            learner = learner_id(alias, self.key)
        self._note(learner, alias, number, birth, year)
        return learner

    def _join(self, other: int, learner: int) -> None:
        """`other`, who has no certain id, is `learner`: both stood under one school number and birth date."""
        for earlier, who in self.joined.items():
            if who == other:
                self.joined[earlier] = learner
        self.joined[other] = learner
        self.born.setdefault(learner, set()).update(self.born.pop(other, set()))

    def _is_another(self, alias: str, learner: int, number: str | None, birth: date | None) -> bool:
        """Whether an uncertain number stands for a child of another birth date and another school number."""
        if alias.startswith("g:") or birth is None or not self.born.get(learner):
            return False
        return birth not in self.born[learner] and learner not in self.holders(number)

    def _note(self, learner: int, alias: str | None, number: str | None, birth: date | None, year: int) -> None:
        if alias is not None:
            self.aliases.setdefault(alias, learner)
            if _is_certain(alias):
                self.certain.add(learner)
        if birth:
            self.born.setdefault(learner, set()).add(birth)
        if number:
            self.aliases[number] = learner
            self.held.setdefault(number, {}).setdefault(year, set()).add(learner)
            if birth:
                self.links.setdefault((number, birth), learner)


def known(store: Store) -> Known:
    """Who is who in the register as it stands."""
    found = Known(store.identity.id_key)
    held = store.read("identity_alias", columns=["alias", "learner_id"])
    found.aliases = dict(zip(held["alias"].to_pylist(), held["learner_id"].to_pylist(), strict=True))
    found.certain = {learner for alias, learner in found.aliases.items() if _is_certain(alias)}
    # A learner whom no alias names any more has been joined to another.
    named = {learner for alias, learner in found.aliases.items() if not alias.startswith("number:")}
    births = store.read("learner", columns=["learner_id", "birth_date"])
    for learner, birth in zip(births["learner_id"].to_pylist(), births["birth_date"].to_pylist(), strict=True):
        if birth is not None and learner in named:
            found.born.setdefault(learner, set()).add(birth)
    lists = store.read("enrolment", columns=["learner_id", "school_id", "academic_year", "student_number"]).to_pandas()
    lists = lists.dropna(subset=["student_number"]).drop_duplicates()
    numbers = number_alias(lists["school_id"], lists["student_number"])
    for number, learner, year in zip(numbers, lists["learner_id"], lists["academic_year"], strict=True):
        if number is not None and learner in named:
            found.held.setdefault(number, {}).setdefault(int(year), set()).add(learner)
            for birth in found.born.get(learner, ()):
                found.links.setdefault((number, birth), learner)
    return found


def number_alias(school: Iterable[str | None], number: Iterable[str | None]) -> list[str | None]:
    """`number:<school>:<number>` for each row; None where either is missing.

    Zeros in front do not count: spreadsheets drop them from one file and not from the next.
    """
    return [
        f"number:{s}:{n.lstrip('0') or '0'}" if isinstance(s, str) and isinstance(n, str) else None
        for s, n in zip(school, number, strict=True)
    ]


def learn_lists(who: Known, lists: pd.DataFrame) -> pd.Series:
    """Learner of each row of lists, in the rows' own order.

    `lists` has alias, number_alias, birth_date (each may be missing), known_on and academic_year. Equal rows are
    looked at once, on the first of their days.
    """
    columns = ["alias", "number_alias", "birth_date", "academic_year"]
    rows = lists.sort_values("known_on", kind="stable")
    group = rows.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    first = rows[columns].astype(object).iloc[pd.Series(group).drop_duplicates().index]
    first = first.where(first.notna(), None)
    learners = [
        who.learn(alias, number, birth, int(year)) for alias, number, birth, year in first.itertuples(index=False)
    ]
    learners = [who.joined.get(learner, learner) for learner in learners]  # rows before a join, too
    return pd.Series([learners[g] for g in group], index=rows.index, dtype="int64").reindex(lists.index)


def _is_certain(alias: str) -> bool:
    kind, _, number = alias.partition(":")
    return kind == "key" or (kind == "citizen" and thai.citizen_checksum_holds(number))


def learner_id(alias: str, key: str) -> int:
    """Number of a new learner: 63 bits of a hash of her first alias, keyed so that ids cannot be guessed back."""
    digest = hashlib.blake2b(alias.encode(), digest_size=8, key=key.encode()).digest()
    return int.from_bytes(digest, "big") >> 1
