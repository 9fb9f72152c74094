"""Settings: data, frozen once read. An unknown key is an error.

They come from `raksa.toml` in the data folder and from environment variables (`RAKSA_HOME`, `RAKSA_DATABASE_URL`,
`RAKSA_SEED`, …), the environment winning. Every setting is listed in docs/settings.md; a test compares the two.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
    key_file: str = Field(
        "", description="file with the key that secrets of second factors are closed with; empty = people.key in home"
    )
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
    public_host: str = Field(
        "", description="names people reach the page by, separated by spaces; others are refused (localhost is not)"
    )
    processes: int = Field(1, ge=1, le=64, description="server processes, on the ports from `port` on, behind a proxy")
    log: str = Field(
        "text", pattern="^(text|json|off)$", description="a line for each request, without names: text, json or off"
    )
    first_password_days: int = Field(
        14, ge=1, description="a first password nobody has used runs out after so many days"
    )
    session_idle_minutes: int = Field(60, ge=1, description="sign-in ends after so long without a click")
    session_hours: int = Field(12, ge=1, description="sign-in ends after so long in any case")
    map_style_url: str = Field(
        "", description="map beneath the schools: whole address of a style.json on this host, by an own tile server"
    )
    public_url: str = Field(
        "http://127.0.0.1:8501", description="address people reach the page by, for links in mails and codes on paper"
    )
    smtp_host: str = Field("", description="mail server that takes the weekly digests; empty = none")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: str = Field(
        "starttls",
        pattern="^(starttls|tls|none)$",
        description="starttls, tls from the first byte, or none (on this machine)",
    )
    smtp_user: str = Field("", description="account on the mail server; empty = it asks for none")
    smtp_password: str = Field("", repr=False, description="its password; best in the environment")
    mail_from: str = Field("raksa@localhost", description="address mails come from")
    webhook_url: str = Field("", description="where messages are posted instead, where there is no mail server")
    webhook_secret: str = Field("", repr=False, description="secret the webhook's signature is made with")
    second_factor: str = Field(
        "optional",
        pattern="^(off|optional|required_for_admins|required)$",
        description="code of an authenticator app at sign-in: off = not asked, optional = for who turned it on",
    )
    oidc_issuer: str = Field(
        "", description="address of the identity provider (OpenID Connect), https://…; empty = none"
    )
    oidc_client_id: str = Field("", description="name the provider knows Raksa by")
    oidc_client_secret: str = Field(
        "", repr=False, description="secret shared with the provider; best in the environment"
    )
    oidc_name: str = Field("", description="name of the provider on the sign-in form's button; empty = its host")
    oidc_match: str = Field(
        "preferred_username", min_length=1, description="claim that holds the account name: also email, or sub"
    )
    oidc_role_claim: str = Field(
        "", description="claim that holds the role; empty = the role given to the account here"
    )
    oidc_scopes_claim: str = Field(
        "", description="claim that lists scopes such as school:10000001; empty = those given to the account here"
    )

    @field_validator("year_start", "horizon", "panel_days", "census_days")
    @classmethod
    def _days_of_a_year(cls, days: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for day in (days,) if isinstance(days, str) else days:
            try:
                date.fromisoformat(f"2024-{day}")  # a leap year: 02-29 is a day
            except ValueError:
                raise ValueError(f"{day!r} is no day of the year; write month-day, such as 06-10") from None
        return days

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_over_tls(cls, issuer: str) -> str:
        host = urlsplit(issuer).hostname
        if issuer and not (issuer.startswith("https://") or host in ("localhost", "127.0.0.1", "::1")):
            raise ValueError(f"{issuer!r} is no https address; tokens must not travel in the open")
        return issuer.rstrip("/")

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
