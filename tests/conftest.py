"""What all tests share: one small demo, built once by the same call as `raksa demo`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from raksa.demo import run
from raksa.settings import Settings
from tests.cast import MORNING
from tests.people_database import people, people_settings, postgres

__all__ = ["people", "people_settings", "postgres"]

hypothesis.register_profile("raksa", deadline=None)  # a busy machine is no failure
hypothesis.load_profile("raksa")


@pytest.fixture(scope="session")
def demo_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a demo of 8 schools and 1,200 learners, up to a published run. Read it, never write to it."""
    settings = Settings(home=tmp_path_factory.mktemp("demo"), buckets=2)
    run(settings, schools=8, learners=1200, years=3, seed=0, now=MORNING, progress=lambda _: None)
    return settings


@pytest.fixture(scope="session")
def demo_home(demo_settings: Settings) -> Path:
    return demo_settings.home
