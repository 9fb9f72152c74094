"""Settings: data, frozen once read. An unknown key is an error.

They come from `raksa.toml` in the data folder and from environment variables (`RAKSA_HOME`, `RAKSA_DATABASE_URL`,
`RAKSA_SEED`, …), the environment winning. Every setting is listed in docs/settings.md; a test compares the two.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from raksa.errors import RaksaError


class Term(BaseModel):
    """One term of the academic year, by month and day. A term that starts before the year's first day lies in the next
    calendar year: with a year from 05-16, a last day of 03-31 is in the following March."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int
    first_day: str
    last_day: str


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RAKSA_", frozen=True, extra="forbid", env_nested_delimiter="__")

    home: Path = Field(Path("raksa-data"), description="folder that holds everything")
    database_url: str = Field("", description="people database; empty = SQLite file raksa.db in the data folder")
    language: str = Field("th", pattern="^(th|en)$", description="language of pages and lists until a person chooses")

    # Regulation of 2549 on opening and closing dates; other agencies shift by days or weeks (DOMAIN 7.1).
    year_start: str = Field("05-16", description="first day of the academic year, month-day")
    terms: tuple[Term, ...] = Field(
        (
            Term(number=1, first_day="05-16", last_day="10-10"),
            Term(number=2, first_day="11-01", last_day="03-31"),
        ),
        description="terms of the year; days outside them are no school days",
    )
    school_weekdays: tuple[int, ...] = Field((0, 1, 2, 3, 4), description="days of the week with school, Monday = 0")
    horizon: str = Field(
        "06-10", description="census day up to which leaving is foreseen: the next one after the as-of date"
    )
    outcome: str = Field(
        "left",
        pattern="^(left|in_year|not_arrived)$",
        description="what is foreseen: left = gone by the census, in_year = gone during the year, not_arrived = not at "
        "the next level",
    )
    panel_days: tuple[str, ...] = Field(
        ("08-03", "09-14", "11-16", "01-18"), description="days of each past year the model learns from, month-day"
    )
    census_days: tuple[str, ...] = Field(("06-10", "11-10", "03-31"), description="days on which lists are certified")
    results_known_days: int = Field(14, ge=0, description="days after a term's end until its results are known")

    buckets: int = Field(
        8, ge=1, le=4096, description="pieces the learners are spread over; fixed when the store is made"
    )
    jobs: int = Field(-1, description="processes to work with; -1 = all cores")
    seed: int = Field(0, ge=0, description="seed of everything drawn at random")

    capacity_share: float = Field(0.05, gt=0, le=1, description="learners a school can see to, as a share of its roll")
    capacity_least: int = Field(3, ge=1, description="learners any school can see to")
    readiness_share: float = Field(
        0.5, gt=0, le=1, description="share of the school days of the last four weeks that must be recorded"
    )

    unusual_share: float = Field(
        0.10,
        gt=0,
        le=1,
        description="an import that changes or drops more than this share of a school's rows asks first",
    )
    unusual_least: int = Field(5, ge=1, description="fewer rows of a school than this are never unusual")

    host: str = Field("127.0.0.1", description="address the page is served on")
    port: int = Field(8501, ge=1, le=65535, description="port the page is served on")
    session_idle_minutes: int = Field(60, ge=1, description="sign-in ends after so long without a click")
    session_hours: int = Field(12, ge=1, description="sign-in ends after so long in any case")

    @field_validator("year_start", "horizon", "panel_days", "census_days")
    @classmethod
    def _days_of_a_year(cls, days: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for day in (days,) if isinstance(days, str) else days:
            try:
                date.fromisoformat(f"2024-{day}")  # a leap year: 02-29 is a day
            except ValueError:
                raise ValueError(f"{day!r} is no day of the year; write month-day, such as 06-10") from None
        return days

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # What raksa.toml says arrives as init values; the environment stands before it.
        return env_settings, init_settings


def load(home: Path | None = None) -> Settings:
    """Settings for the data folder `home` (default: RAKSA_HOME, else raksa-data/).

    Raises RaksaError naming the key and the file when a value does not fit or a key is unknown.
    """
    import os

    folder = Path(home or os.environ.get("RAKSA_HOME") or "raksa-data")
    file = folder / "raksa.toml"
    values: dict[str, Any] = {}
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as wrong:
            raise RaksaError(f"{file}: not valid TOML ({wrong}). Correct that line.") from None
    try:
        return Settings(**values).model_copy(update={"home": folder})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = ", ".join(sorted(Settings.model_fields))
        variable = f"RAKSA_{key.upper()}"
        where = f"Environment variable {variable}" if variable in os.environ else f"{file}: setting {key!r}"
        raise RaksaError(f"{where}: {first['msg']}. Known settings: {known}.") from None
