"""Every setting, read from the environment once when the process starts, then handed down."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from f1graph.clock import Clock, clock_started_at, system_clock
from f1graph.errors import SettingsError


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, such as 2024-12-05T12:00Z")
    return moment.astimezone(UTC)


def _networks(text: str) -> str:
    for part in listed(text):
        ip_network(part)
    return text


def listed(text: str) -> list[str]:
    """The parts of a setting that are separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


_URL = "^https?://"


def _cores() -> int:
    # Containers limit the affinity or the quota, not the machine's count (pytorch#16894).
    quota = Path("/sys/fs/cgroup/cpu.max")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if quota.is_file():
        allowed, period = quota.read_text().split()
        if allowed != "max":
            available = min(available, max(1, int(allowed) // int(period)))
    return available


class Settings(BaseSettings):
    """All of f1graph's settings. Each is `F1GRAPH_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="F1GRAPH_", frozen=True, extra="forbid")

    _clock: Clock = PrivateAttr()

    data_dir: Path = Field(
        Path(".f1graph"), description="Folder for the database file, model bundles and downloads."
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy URL of SQLite or Postgres; empty: SQLite in the data folder. "
        "`:memory:` is refused.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections a process keeps open.")
    database_timeout: timedelta = Field(
        timedelta(seconds=5), gt=timedelta(0), description="How long to wait for a lock or a free connection."
    )
    statement_timeout: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        description="Postgres ends a query of the API that takes longer.",
    )
    redis_url: str = Field(
        "",
        description="Redis or Valkey for the worker's queue and to count requests in; empty: `f1graph up` "
        "starts an embedded one.",
    )
    f1db: str = Field(
        "", description="Path or URL of an F1DB CSV release zip; empty: the newest is downloaded."
    )
    fastf1: bool = Field(
        True,
        description="Follow the running season session by session with FastF1; false: only F1DB's releases.",
    )
    fastf1_cache: Path | None = Field(
        None, description="FastF1's cache folder, disposable; empty: `fastf1-cache` in the data folder."
    )
    fastf1_deadline: timedelta = Field(
        timedelta(minutes=3), gt=timedelta(0), description="A fetch of one session is given up after this."
    )
    live_timing_url: str = Field(
        "https://livetiming.formula1.com",
        pattern=_URL,
        description="Where the F1 live-timing archive answers.",
    )
    live_timing_calls_per_hour: int = Field(
        400, ge=1, description="Calls that all processes together make to it in any hour."
    )
    live_timing_calls_per_second: float = Field(2, gt=0, le=4, description="And in a second.")
    live_timing_mirror_url: str = Field(
        "https://livetiming-mirror.fastf1.dev",
        pattern=_URL,
        description="Who is asked where the archive refuses: it blocks cloud addresses.",
    )
    live_timing_mirror_calls_per_hour: int = Field(
        400, ge=1, description="Calls that all processes together make to it in any hour."
    )
    live_timing_mirror_calls_per_second: float = Field(2, gt=0, le=4, description="And in a second.")
    schedule_url: str = Field(
        "https://raw.githubusercontent.com/theOehrly/f1schedule/master/",
        pattern=_URL,
        description="Folder of FastF1's season schedules.",
    )
    schedule_calls_per_hour: int = Field(
        400, ge=1, description="Calls that all processes together make to it in any hour."
    )
    schedule_calls_per_second: float = Field(2, gt=0, le=4, description="And in a second.")
    ergast_url: str = Field(
        "https://api.jolpi.ca/ergast/f1", pattern=_URL, description="Where Jolpica (Ergast) answers."
    )
    ergast_calls_per_hour: int = Field(
        150, ge=1, description="Calls that all processes together make to it in any hour; it allows 200."
    )
    ergast_calls_per_second: float = Field(2, gt=0, le=4, description="And in a second; it allows 4.")
    weather_forecast: bool = Field(
        False,
        description="Ask Open-Meteo for the weather to come at race weekends (its free service is not for "
        "commercial use). Shown, not yet used by models.",
    )
    open_meteo_url: str = Field(
        "https://api.open-meteo.com", pattern=_URL, description="Where Open-Meteo answers."
    )
    open_meteo_calls_per_hour: int = Field(
        20, ge=1, description="Calls that all processes together make to it in any hour; it allows 5000."
    )
    invented_seed: int = Field(2024, ge=0, description="Seed of the invented championship.")
    invented_seasons: int = Field(6, ge=1, le=200, description="Seasons of the invented championship.")
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on; 0: any free one.")
    now: Annotated[datetime, AfterValidator(_in_utc)] | None = Field(
        None,
        description="Start the clock at this time, e.g. `2024-12-05T12:00Z`, to live a past weekend again.",
    )
    cors_origins: str = Field(
        "*",
        description="Web pages of which origins may ask the API in a browser, by HTTP and WebSocket, "
        "separated by commas; `*`: any (it is public and knows no cookies); empty: none but its own.",
    )
    rate_limit: int = Field(
        600,
        ge=0,
        description="Requests to the graph a minute, from one address or with one key; 0: any number.",
    )
    rate_limit_raised: int = Field(
        6_000, ge=0, description="The same with a key that has the scope `limits:raised`; 0: any number."
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Addresses or networks of the proxies whose `X-Forwarded-For` is believed, separated by "
        "commas; empty: nobody's.",
    )
    hsts: timedelta = Field(
        timedelta(0),
        ge=timedelta(0),
        description="How long browsers shall come by HTTPS only (HSTS), such as `P365D`; set it only where "
        "HTTPS is spoken. 0: they are not told.",
    )
    graphiql: bool = Field(True, description="Serve GraphiQL at `/graphiql`.")
    body_limit: int = Field(100_000, ge=1_000, description="Largest accepted request body, in bytes.")
    token_limit: int = Field(
        800, ge=300, description="Words and signs that the text of a document may have; lines too."
    )
    depth_limit: int = Field(20, ge=13, le=50, description="Fields within fields that a document may have.")
    field_limit: int = Field(
        1_000, ge=100, description="Fields that a document may have, its fragments followed."
    )
    root_field_limit: int = Field(30, ge=1, description="Fields that a document may have at its root.")
    alias_limit: int = Field(
        100, ge=1, description="Fields under another name that a document may have, its fragments followed."
    )
    directive_limit: int = Field(
        50, ge=1, description="Uses of directives that a document may have, its fragments followed."
    )
    operation_limit: int = Field(10, ge=1, description="Operations that a document may have.")
    comparison_limit: int = Field(
        500,
        ge=100,
        description="Pairs of fields with the same name, or of fragments, that may have to be compared.",
    )
    list_limit: int = Field(
        2_000, ge=100, description="Largest `first` of any list; that of most lists is 100 in any case."
    )
    cost_limit: int = Field(
        25_000, ge=1_000, description="What a request may cost: about the number of values in the answer."
    )
    variable_depth_limit: int = Field(20, ge=1, le=100, description="How deep variables may be nested.")
    introspection: bool = Field(True, description="Tell the schema to who asks for it.")
    suggestions: bool = Field(True, description="Answer an unknown name with names that are alike.")
    persisted_documents: Path | None = Field(
        None,
        description="Registered documents: a JSON file `{hash: document}`, or a folder of `.graphql` files.",
    )
    only_persisted_documents: bool = Field(False, description="Run registered documents only.")
    automatic_documents: int = Field(
        1_000,
        ge=0,
        le=10_000,
        description="Automatic persisted queries that each process remembers; 0: they are off.",
    )
    response_cache_entries: int = Field(
        1_000,
        ge=0,
        description="Answers that are kept to be given again until something is committed; 0: none.",
    )
    response_cache_bytes: int = Field(
        64_000_000, ge=0, description="How large all answers that are kept may be together, in bytes."
    )
    response_cache_age: timedelta = Field(
        timedelta(seconds=2),
        gt=timedelta(0),
        description="How long a kept answer is given again at most: `service { now }` may be that old, facts "
        "and forecasts never are.",
    )
    memory_records: int = Field(
        200_000,
        ge=0,
        description="Records that an API process remembers to answer from until something is committed; with "
        "more it reads them again; 0: none.",
    )
    request_timeout: timedelta = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        description="An API request that takes longer is answered with an error.",
    )
    stream_limit: int = Field(
        1_000,
        ge=1,
        description="WebSockets and event streams that an API process keeps open; more are refused with 503.",
    )
    subscriptions_per_connection: int = Field(
        20, ge=1, description="Operations that go on over one WebSocket or one event stream at a time."
    )
    websocket_message_limit: int = Field(
        100_000, ge=1_000, description="Largest accepted message of a WebSocket, in bytes."
    )
    websocket_idle: timedelta = Field(
        timedelta(minutes=2),
        gt=timedelta(0),
        description="A WebSocket over which nothing is subscribed to is closed after this.",
    )
    subscriber_patience: timedelta = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        description="A subscriber who does not take a message within this is dropped.",
    )
    model: str = Field(
        "ultra",
        pattern="^(ultra|rating)$",
        description="Whose forecasts are served: `ultra`, the ensemble, which is trained in the background "
        "and until then leaves it to the rating; or the `rating` alone.",
    )
    threads: int = Field(
        default_factory=_cores, ge=1, le=256, description="CPU threads for torch; default: the CPU quota."
    )
    train_from: int = Field(1994, ge=1950, description="First season that models learn from.")
    tick: timedelta = Field(
        timedelta(minutes=3),
        gt=timedelta(0),
        description="How often the worker looks for what a session's end makes due.",
    )
    job_timeout: timedelta = Field(
        timedelta(minutes=30), gt=timedelta(0), description="Longest time one job may take."
    )
    train_timeout: timedelta = Field(
        timedelta(hours=2),
        gt=timedelta(0),
        description="Longest time that models are trained in one go; what is not finished goes on later.",
    )
    log_format: str = Field(
        "text", pattern="^(text|json)$", description="`text` for people, `json` for machines."
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged."
    )

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'f1graph.db').absolute()}"

    @property
    def calls_per_hour(self) -> dict[str, int]:
        """The budget of each host that is asked."""
        weather = {"open_meteo": self.open_meteo_calls_per_hour} if self.weather_forecast else {}
        if not self.fastf1:
            return weather
        return {
            "live_timing": self.live_timing_calls_per_hour,
            "live_timing_mirror": self.live_timing_mirror_calls_per_hour,
            "schedule": self.schedule_calls_per_hour,
            "ergast": self.ergast_calls_per_hour,
            **weather,
        }

    @property
    def fastf1_cache_dir(self) -> Path:
        return self.fastf1_cache or self.data_dir / "fastf1-cache"

    @property
    def bundles_dir(self) -> Path:
        return self.data_dir / "bundles"

    @property
    def fits_dir(self) -> Path:
        """Finished parts of trainings, so that one that was stopped goes on; disposable."""
        return self.data_dir / "training"

    def as_environment(self) -> dict[str, str]:
        """The settings that are not the defaults, for a child process."""
        given = self.model_dump(mode="json", include=self.model_fields_set, exclude_none=True)
        return {f"F1GRAPH_{name.upper()}": _as_text(value) for name, value in given.items()}

    def model_post_init(self, context: object, /) -> None:
        # Once per process: a clock that is started again with every use would stand still.
        self._clock = system_clock if self.now is None else clock_started_at(self.now)

    def clock(self) -> Clock:
        """The process' clock: the system's, or the one that was started at `now`."""
        return self._clock


def read_settings(**given: object) -> Settings:
    """The settings from the environment.

    Args:
        given: Settings that take the place of the environment's.

    Raises:
        SettingsError: A value cannot be used; the text names the variable and the value.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        problems = "; ".join(_in_words(problem) for problem in error.errors())
        raise SettingsError(problems) from error


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_words(problem: ErrorDetails) -> str:
    name = f"F1GRAPH_{str(problem['loc'][0]).upper()}"
    # As it was written: pydantic shows a duration that is too short as Python has parsed it.
    return f"{name}={os.environ.get(name, problem['input'])!r}: {problem['msg']}"
