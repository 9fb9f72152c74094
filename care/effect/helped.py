"""The guard for training: a child who was helped and stayed is not a false alarm.

What would have become of her without the help nobody knows. Her row is marked, and the model is judged with and without
marked rows. If the two differ much, the figures with them measure the visits more than the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.evaluate import Places, figures
from models.judge import at_capacity


def helped(contacts: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Whether anybody had contact with the child of each row from its as-of date to the day before its horizon,
    (rows,).

    contacts: a row a contact; learner_id, day. rows: learner_id, as_of, by (the horizon). Contacts before the list
    count for nothing here: the model could know what they led to.
    """
    days = contacts.assign(day=pd.to_datetime(contacts["day"])).groupby("learner_id")["day"]
    known = {learner: np.sort(each.to_numpy()) for learner, each in days}
    none = np.array([], dtype="datetime64[ns]")
    as_of, by = pd.to_datetime(rows["as_of"]).to_numpy(), pd.to_datetime(rows["by"]).to_numpy()
    return np.array([
        np.searchsorted(of := known.get(learner, none), start) < np.searchsorted(of, end)
        for learner, start, end in zip(rows["learner_id"], as_of, by, strict=True)
    ], dtype=bool)  # fmt: skip


def with_and_without(left: np.ndarray, chance: np.ndarray, chosen: Places, marked: np.ndarray) -> dict[str, Any]:
    """Figures of a judged year twice: `all` rows, and `without_helped`; and `helped`, how many rows were marked,
    listed, and of these stayed.

    left (rows,) 0 or 1; chance (rows,); chosen: the lists of all rows (`models.evaluate.places`); marked (rows,) as
    `helped` gives it. Lists stay as they were: who was helped leaves a gap and nobody moves up.
    """
    listed = chosen.share > 0.5
    return {
        "all": _judged(left, chance, chosen, np.ones(len(left), bool)),
        "without_helped": _judged(left, chance, chosen, ~marked),
        "helped": {
            "rows": int(marked.sum()),
            "listed": int((marked & listed).sum()),
            "listed_and_stayed": int((marked & listed & (left == 0)).sum()),
        },
    }


def _judged(left: np.ndarray, chance: np.ndarray, chosen: Places, at: np.ndarray) -> dict[str, Any]:
    lists = Places(chosen.above[at], chosen.tied[at], chosen.fits[at], chosen.of[at])
    of = at_capacity(left[at], lists)
    return {
        **figures(left[at], chance[at]),
        "at_capacity": {name: of[name] for name in ("listed", "precision", "recall")},
    }
