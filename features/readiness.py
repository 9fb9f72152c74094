"""Whether a learner can be scored at all.

Missing is not safe: who cannot be scored is shown as such, with the reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from raksa.settings import Settings
from register.quality import marks_stopped


def cannot_score(rows: pd.DataFrame, settings: Settings) -> pd.Series:
    """For each row of `features.build.build`: a code of raksa.tables.WHY_NOT_SCORED, or None where a score has meaning.

    Marks that stopped show as too small a share of the school days of the last four weeks recorded
    (`settings.readiness_share`). In the weeks after a long holiday there are no such days to judge by: then any mark
    this year will do.
    """
    return pd.Series(
        np.select(
            [
                rows["floating"].to_numpy(),
                ~(rows["grade_level"] >= 1).to_numpy(),
                rows["last_mark"].isna().to_numpy(),
                marks_stopped(rows["recorded_share_28d"], settings),
            ],
            ["floating", "not_modelled", "no_attendance", "attendance_stopped"],
            default="",
        ),
        index=rows.index,
    ).replace("", None)
