"""Which learner a row is about. Exact links only; whatever is merely likely is left to a person.

A child is known by aliases:

    citizen:<13 digits>   g:<code>   other:<text>      from lists
    number:<school>:<school number>                    from lists; how roll books and results name her
    key:<…>                                            from mappings of one's own

Two aliases are one learner when lists show them under the same school number with the same birth date and at most one
of them is a citizen id whose check digit fits: that is how a mistyped id, an empty one and a G-code find their child.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import pandas as pd

from raksa import thai
from raksa.store import Store


def number_alias(school: pd.Series, number: pd.Series) -> pd.Series:
    """`number:<school>:<number>` for each row; None where either is missing."""
    return ("number:" + school.astype(str) + ":" + number.astype(str)).where(school.notna() & number.notna(), None)


def known_aliases(store: Store) -> dict[str, int]:
    """Aliases of the register with their learner ids."""
    held = store.read("identity_alias", columns=["alias", "learner_id"])
    return dict(zip(held["alias"].to_pylist(), held["learner_id"].to_pylist(), strict=True))


def learn(known: Mapping[str, int], lists: pd.DataFrame, key: str, earlier: pd.DataFrame) -> pd.DataFrame:
    """Aliases that lists teach us: one row per alias with learner_id and known_on.

    `lists` has alias (may be missing), number_alias, birth_date, known_on, a row per listed child. `earlier` has
    number_alias and birth_date of learners already in the register, so that links hold across imports.
    """
    rows = lists.assign(birth=lists["birth_date"].astype(str)).sort_values("known_on", kind="stable")
    rows["link"] = (rows["number_alias"] + "|" + rows["birth"]).where(
        rows["number_alias"].notna() & rows["birth_date"].notna(), None
    )
    # A row that names no id is the child of its school number and birth date.
    unnamed = rows["link"].fillna(rows["number_alias"])
    rows["alias"] = rows["alias"].where(rows["alias"].notna(), "unnamed:" + unnamed.astype(str))
    linked = dict(
        zip(earlier["number_alias"] + "|" + earlier["birth_date"].astype(str), earlier["learner_id"], strict=True)
    )

    ids: dict[str, int] = {a: known[a] for a in rows["alias"].unique() if a in known}
    for link, aliases in rows[["link", "alias"]].drop_duplicates().dropna().groupby("link")["alias"]:
        _link(str(link), list(aliases), ids, linked, key)
    for alias in rows["alias"].unique():
        if alias not in ids:
            ids[alias] = learner_id(alias, key)

    rows["learner_id"] = rows["alias"].map(ids)
    own = rows[["alias", "learner_id", "known_on"]]
    numbers = rows[["number_alias", "learner_id", "known_on"]].rename(columns={"number_alias": "alias"}).dropna()
    return pd.concat([own, numbers], ignore_index=True).drop_duplicates("alias", keep="last")


def _link(link: str, aliases: list[str], ids: dict[str, int], linked: Mapping[str, int], key: str) -> None:
    """Give the aliases that stand under one school number and birth date the same learner, where that is exact."""
    certain = [a for a in aliases if _is_certain(a)]
    if len(certain) > 1:
        return
    found = [ids[a] for a in aliases if a in ids] + ([linked[link]] if link in linked else [])
    learner = found[0] if found else learner_id(min(certain or aliases), key)
    for alias in aliases:
        ids.setdefault(alias, learner)


def _is_certain(alias: str) -> bool:
    kind, _, number = alias.partition(":")
    return kind == "key" or (kind == "citizen" and thai.citizen_checksum_holds(number))


def learner_id(alias: str, key: str) -> int:
    """Number of a new learner: 63 bits of a hash of her first alias, keyed so that ids cannot be guessed back."""
    digest = hashlib.blake2b(alias.encode(), digest_size=8, key=key.encode()).digest()
    return int.from_bytes(digest, "big") >> 1


def look_up(aliases: Mapping[str, int], *by: Iterable[object]) -> list[int | None]:
    """Learner of each row by the first of its aliases that is known; None where none is.

    Plain dictionary look-ups: pandas' map would turn the whole dictionary into an index for every small file.
    """
    return [next((aliases[a] for a in row if a in aliases), None) for row in zip(*by, strict=True)]
