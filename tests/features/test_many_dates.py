"""Many dates in one pass, few or many buckets, one process or two, in memory or through files: the same to the bit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from small_register import SETTINGS
from village import DATES, FLOOD, village

from features.build import build, build_files, build_many, read_files
from raksa.settings import Settings
from raksa.store import Store

# Of two academic years, in no order; the first two of the second year stand beside each other.
TWELVE = [date(2023, 9, 14), date(2024, 1, 18), date(2023, 6, 12), date(2023, 11, 16), FLOOD[0], *DATES]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return village(tmp_path_factory.mktemp("village"))


@pytest.fixture(scope="module")
def one_by_one(store: Store) -> dict[date, pd.DataFrame]:
    return {as_of: build(store, SETTINGS, as_of) for as_of in TWELVE}


def the_same(found: dict[date, pd.DataFrame], expected: dict[date, pd.DataFrame]) -> None:
    assert sorted(found) == sorted(expected)
    for as_of, rows in expected.items():
        pd.testing.assert_frame_equal(found[as_of], rows, check_exact=True, obj=str(as_of))


def test_twelve_dates_in_one_pass_are_twelve_builds(store: Store, one_by_one: dict[date, pd.DataFrame]) -> None:
    assert len(set(TWELVE)) == 12
    assert [len(rows) > 0 for rows in one_by_one.values()] == [True] * 12
    the_same(build_many(store, SETTINGS, TWELVE), one_by_one)


@pytest.mark.parametrize("buckets", [1, 8])
def test_how_the_learners_are_spread_changes_nothing(
    tmp_path: Path, buckets: int, one_by_one: dict[date, pd.DataFrame]
) -> None:
    the_same(build_many(village(tmp_path, buckets=buckets), SETTINGS, TWELVE), one_by_one)


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_written_by_one_process_or_two_hold_the_same(
    tmp_path: Path, jobs: int, store: Store, one_by_one: dict[date, pd.DataFrame]
) -> None:
    the_same(through_files(store, SETTINGS.model_copy(update={"jobs": jobs}), TWELVE, tmp_path), one_by_one)


def test_the_demo_s_files_hold_what_is_built_in_memory(tmp_path: Path, demo_settings: Settings) -> None:
    """A thousand learners of eight schools, whose classes and schools are put together from several files."""
    store, dates = Store(demo_settings.home), [date(2025, 9, 14), date(2026, 11, 16)]
    the_same(through_files(store, demo_settings, dates, tmp_path), build_many(store, demo_settings, dates))


def through_files(store: Store, settings: Settings, dates: list[date], folder: Path) -> dict[date, pd.DataFrame]:
    build_files(store, settings, dates, folder)
    buckets = range(store.identity.buckets)
    found = {as_of: pd.concat([read_files(folder, as_of, bucket) for bucket in buckets]) for as_of in dates}
    return {as_of: rows.sort_values("learner_id", ignore_index=True) for as_of, rows in found.items()}
