"""What people said and did goes back to the model's figures, and never into the model.

Two things are known of a judged year that the register does not hold: whom teachers named, which makes two more ways of
choosing to compare with (`care.opinions.ways`), and who was helped before the outcome, which makes a right warning look
like a false alarm (`care.effect.helped`).

    train(store, settings, beside=said_and_done(settings))
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from care import opinions
from care.effect.gather import contacts
from care.effect.helped import helped, with_and_without
from models.baselines import school_lists
from models.evaluate import places
from models.panel import horizon
from models.train import Beside
from raksa.people import open_people
from raksa.settings import Settings


def said_and_done(settings: Settings) -> Callable[[pd.DataFrame, np.ndarray], Beside] | None:
    """What to give `models.train.train` as `beside`; None for a home where nobody has written anything yet.

    `ways` holds the nominated, and the nominated before the model's list, once somebody was nominated before a judged
    day. `figures` holds `helped` (how many judged rows had a contact between list and outcome, how many of them were
    listed, and of these stayed) and `without_helped` (the model's figures without those rows), once there are any.
    """
    if not settings.database_url and not (settings.home / "raksa.db").is_file():
        return None

    def beside(held: pd.DataFrame, chance: np.ndarray) -> Beside:
        as_of = held["as_of"].dt.date
        year = int(held["academic_year"].iloc[0])
        by = as_of.map({day: horizon(day, settings, year) for day in as_of.unique()})
        people = open_people(settings)
        try:
            named = opinions.ever(people, None)
            met = contacts(people, None, as_of.min(), by.max())
        finally:
            people.dispose()
        marked = helped(met, held.assign(by=by))
        if not marked.any():
            return Beside(opinions.ways(named, held, chance))
        found = with_and_without(held["left"].to_numpy(), chance, places(chance, *school_lists(held, settings)), marked)
        return Beside(
            opinions.ways(named, held, chance),
            {"helped": found["helped"], "without_helped": found["without_helped"]},
        )

    return beside
