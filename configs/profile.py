"""One strict TOML file describes a run: data, account, simulation, limits and strategies."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from risk.limits import Number, Positive, RiskLimits, Strict

Mode = Literal["backtest", "paper", "rehearsal", "demo", "live"]
Environment = Literal["local", "demo", "live"]

ENVIRONMENTS: dict[Mode, tuple[Environment, ...]] = {
    "backtest": (),
    "paper": ("local", "demo", "live"),
    "rehearsal": ("local",),
    "demo": ("demo",),
    "live": ("live",),
}
"""Where each mode gets its market, and (paper apart) its executions from."""


def _midnight(value: object) -> object:
    """Let a TOML date stand for its first moment in UTC, and take what a journal wrote as text."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value  # refused below, by its rule
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


Moment = Annotated[datetime, BeforeValidator(_midnight)]


class ProfileError(ValueError):
    """A profile that must not start a run; the text names each key, its value and the rule."""


PLAIN_RULES = {
    "Input should be an instance of Decimal": "Must be a number",
    "Input should be a valid tuple": "Must be a list",
    "Input should be a valid datetime": "Must be a moment such as 2026-01-10T00:00:00Z",
}
"""What pydantic says in Python's words, in those of a profile."""


def _judge_window(start: datetime | None, end: datetime | None) -> None:
    for name, moment in (("start", start), ("end", end)):
        if moment is not None and moment.utcoffset() is None:
            raise ValueError(f"{name} = {moment} must carry a time zone, for example ...T00:00:00Z")
    if start and end and start >= end:
        raise ValueError(f"start = {start} must be before end = {end}")


class WaivedDay(Strict):
    """A day that the quality check calls bad and a person accepts all the same."""

    symbol: str
    day: date
    reason: str = Field(min_length=8)


class DataSection(Strict):
    """Which market data drive the run."""

    catalog: str = Field(min_length=1)
    types: tuple[Literal["bars", "quotes", "trades", "book", "mark_prices", "funding"], ...] = (
        Field(min_length=1)
    )
    start: Moment | None = None
    end: Moment | None = None
    waived_days: tuple[WaivedDay, ...] = ()

    @model_validator(mode="after")
    def _is_a_window_in_utc(self) -> DataSection:
        _judge_window(self.start, self.end)
        return self


class AccountSection(Strict):
    """The margin account, in one-way mode."""

    starting_balance_usdt: Positive | None = None
    """The wallet that a simulated account, or one of a local venue, starts with."""
    leverage: Annotated[Number, Field(ge=1, le=125)]


class SimulationSection(Strict):
    """How the simulated venue behaves (backtest and paper)."""

    maker_fee_bps: Number
    taker_fee_bps: Annotated[Number, Field(ge=0)]
    latency_ms: Annotated[int, Field(ge=0)]
    limit_fill_probability: Annotated[Number, Field(ge=0, le=1)]
    slippage_probability: Annotated[Number, Field(ge=0, le=1)]
    liquidation: bool
    funding: bool
    operator_resumes_after_min: Annotated[int, Field(ge=0)]
    """Minutes after which a simulated operator resumes from REDUCING; 0: never."""


class JournalSection(Strict):
    """How hard each journal record is pushed to the disk before an order leaves."""

    sync: Literal["none", "flush", "fsync"]


class VenueSection(Strict):
    """The venue that a node talks to, and how patient one is with it; never an address or a key."""

    environment: Environment
    margin_type: Literal["CROSSED", "ISOLATED"]
    recv_window_ms: Annotated[int, Field(ge=1, le=60_000)]
    """Age at which the venue refuses a signed request (Binance: recvWindow)."""
    http_timeout_sec: Annotated[int, Field(ge=1, le=60)]
    """Longest wait for an answer; after it the outcome is unknown."""
    clock_offset_ms_max: Annotated[int, Field(ge=1, le=1_000)]
    """Furthest the local clock may be from the venue's, which takes nothing from later than 1 s."""
    data_silence_sec_max: Annotated[int, Field(ge=1)]
    """Longest silence of a subscribed market-data stream."""
    reconcile_sec: Annotated[int, Field(ge=1, le=3_600)]
    """How often orders and positions are compared with the venue's."""
    wallet_usdt_max: Positive | None = None
    """Most money that may lie at the venue, USDT: what its failure could cost. Optional."""


class RehearsalSection(Strict):
    """What the local venue plays to the node; only where ``venue.environment = "local"``."""

    market: str = Field(pattern=r"^(generated|(catalog|recording):.+)$")
    speed: Annotated[Number, Field(ge=0, le=10_000)] = Decimal(1)
    """Recorded seconds a second; 0: the market moves over the venue's control address alone."""
    bar_rest_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    """Rest of a faster market after each closed bar, so that bars can be acted on as they close."""
    start: Moment | None = None
    end: Moment | None = None
    scenario: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_a_window_that_exists(self) -> RehearsalSection:
        _judge_window(self.start, self.end)
        if self.market == "generated" and self.end is not None:
            raise ValueError("end must not be set: a generated market has no end")
        return self


class KillSection(Strict):
    """The kill switch, and the Redis that it can be pulled over as well."""

    level: Literal["REDUCE", "HALT", "FLATTEN"]
    """What a bare pull means: an empty file, or ``SET KILL_SWITCH 1``."""
    redis_url: str | None = Field(default=None, pattern=r"^(rediss?|unix)://[^@]+$")
    """Where Redis is, without a password (that is a key; see ``configs.secrets``)."""
    redis_loss: Literal["HOLD", "IGNORE"] | None = None
    """What losing Redis does to new risk: held back until it is there again, or nothing."""

    @model_validator(mode="after")
    def _says_what_losing_redis_does(self) -> KillSection:
        if (self.redis_url is None) != (self.redis_loss is None):
            raise ValueError(
                f"redis_loss = {self.redis_loss!r} must be set if and only if redis_url is "
                f"(redis_url = {self.redis_url!r})"
            )
        return self


class DeadManSection(Strict):
    """The venue's own countdown: working entries die there when the node falls silent."""

    countdown_sec: Annotated[int, Field(ge=5, le=600)]
    """After so long without a word the venue cancels a symbol's working orders."""
    rearm_sec: Annotated[int, Field(ge=1, le=300)]
    """How often the countdown is started anew."""

    @model_validator(mode="after")
    def _is_rearmed_in_time(self) -> DeadManSection:
        if self.rearm_sec * 2 > self.countdown_sec:
            raise ValueError(
                f"rearm_sec = {self.rearm_sec} must be at most half of countdown_sec = "
                f"{self.countdown_sec}: one lost request must not cancel anything"
            )
        return self


COUNTDOWN_WEIGHT = 10
VENUE_WEIGHT_1M_MAX = 2_400
"""What renewing one symbol's countdown costs, and what the venue takes in a minute (Binance:
Auto-Cancel All Open Orders; General Info, Limits)."""
COUNTDOWN_SHARE_MAX = Decimal("0.2")
"""Share of it that renewing the countdowns of all symbols may cost."""


class WatchdogSection(Strict):
    """What a second process does about a node that is dead, hung or blind."""

    heartbeat_ms_max: Annotated[int, Field(ge=500, le=600_000)]
    """Longest time without a heartbeat; after it the watchdog raises the alarm."""
    grace_sec: Annotated[int, Field(ge=0, le=3_600)]
    """How long after the alarm it pulls the kill switch."""
    level: Literal["REDUCE", "HALT", "FLATTEN"]
    """At which level it pulls it."""


class StrategySection(Strict):
    """One strategy: its class and its own parameters, judged by the strategy's config class."""

    path: str = Field(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")
    params: dict[str, Any]


class Profile(Strict):
    """Everything that decides a run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    mode: Mode
    trader_id: str = Field(pattern=r"^[A-Z0-9]+-[0-9]+$")
    seed: Annotated[int, Field(ge=0)]
    data: DataSection | None = None
    account: AccountSection
    simulation: SimulationSection | None = None
    venue: VenueSection | None = None
    rehearsal: RehearsalSection | None = None
    kill: KillSection | None = None
    dead_man: DeadManSection | None = None
    watchdog: WatchdogSection | None = None
    journal: JournalSection
    limits: RiskLimits
    strategies: tuple[StrategySection, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_the_sections_of_its_mode(self) -> Profile:
        is_backtest, is_local = self.mode == "backtest", self._is_local
        simulated = self.mode in ("backtest", "paper")
        self._judge_section("data", is_backtest, "a backtest, and nothing else, replays a catalog")
        self._judge_section("venue", not is_backtest, "every mode but a backtest has a venue")
        for name in ("kill", "dead_man", "watchdog"):
            self._judge_section(name, not is_backtest, "every mode but a backtest can be killed")
        for name in ("protection", "storms"):
            self._judge_limits(name, not is_backtest)
        self._judge_section("simulation", simulated, "backtest and paper simulate executions")
        self._judge_section("rehearsal", is_local, "it says what a local venue plays")
        if not is_backtest and self.venue is not None:
            allowed = ENVIRONMENTS[self.mode]
            if self.venue.environment not in allowed:
                raise ValueError(
                    f"venue.environment = {self.venue.environment!r}: mode = {self.mode!r} "
                    f"must have {' or '.join(map(repr, allowed))}"
                )
        return self

    @model_validator(mode="after")
    def _knows_its_money(self) -> Profile:
        is_ours = self.mode in ("backtest", "paper", "rehearsal")
        is_set = self.account.starting_balance_usdt is not None
        if is_ours and not is_set:
            raise ValueError(
                f"account.starting_balance_usdt is missing: mode = {self.mode!r} opens an account"
            )
        if is_set and not is_ours:
            raise ValueError(
                f"account.starting_balance_usdt must not be set: mode = {self.mode!r} has a wallet"
            )
        return self

    @model_validator(mode="after")
    def _is_as_strict_as_its_mode_asks(self) -> Profile:
        if self.mode != "backtest" and self.limits.market_data.price_source == "bar":
            raise ValueError(
                "limits.market_data.price_source = 'bar' is for backtests only: "
                f"mode = {self.mode!r} must judge orders by the best bid and ask"
            )
        if self.mode != "backtest" and self.journal.sync == "none":
            raise ValueError(
                f"journal.sync = 'none' is for backtests only: mode = {self.mode!r} must write "
                "each decision down before an order leaves"
            )
        return self

    @model_validator(mode="after")
    def _can_renew_its_countdowns(self) -> Profile:
        if self.dead_man is None or self.mode == "paper":
            return self  # nothing stands at a venue
        symbols = len(self.limits.symbols)
        cost = Decimal(symbols * COUNTDOWN_WEIGHT * 60) / self.dead_man.rearm_sec
        most = COUNTDOWN_SHARE_MAX * VENUE_WEIGHT_1M_MAX
        if cost > most:
            raise ValueError(
                f"dead_man.rearm_sec = {self.dead_man.rearm_sec} with {symbols} limits.symbols costs "
                f"weight {cost:.0f} a minute ({COUNTDOWN_WEIGHT} each time and symbol), must be at "
                f"most {most:.0f}: renew less often, or trade fewer symbols"
            )
        return self

    @property
    def _is_local(self) -> bool:
        return self.venue is not None and self.venue.environment == "local"

    def _judge_section(self, name: str, is_due: bool, why: str) -> None:  # noqa: FBT001 - private
        is_set = getattr(self, name) is not None
        if is_due and not is_set:
            raise ValueError(f"{name} is missing: mode = {self.mode!r} needs it ({why})")
        if is_set and not is_due:
            raise ValueError(
                f"{name} must not be set: mode = {self.mode!r} has no use for it ({why})"
            )

    def _judge_limits(self, name: str, is_due: bool) -> None:  # noqa: FBT001 - private
        if (getattr(self.limits, name) is not None) != is_due:
            word = "is missing: every mode but a backtest" if is_due else "must not be set: only"
            tail = "needs it" if is_due else "a node at a venue has use for it"
            raise ValueError(f"limits.{name} {word} {tail} (mode = {self.mode!r})")

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the resolved profile, hexadecimal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def load_profile(path: Path, *, data: dict[str, Any] | None = None) -> Profile:
    """
    Read and judge a profile.

    Parameters
    ----------
    path : Path
        The TOML file.
    data : dict[str, Any], optional
        Keys of the ``[data]`` table that the command line sets instead; never a limit.

    Raises
    ------
    ProfileError
        If the file cannot be read, is not TOML, or breaks a rule; every broken rule is named
        with its key and value.

    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as e:
        raise ProfileError(f"{path}: cannot be read: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ProfileError(f"{path}: is not TOML: {e}") from e
    if data and isinstance(table.get("data"), dict):
        table["data"].update(data)
    return parse_profile(table, source=str(path))


def parse_profile(table: dict[str, Any], *, source: str) -> Profile:
    """
    Judge a profile that is already a table; *source* names it in errors.

    Raises
    ------
    ProfileError
        If a rule is broken.

    """
    try:
        return Profile.model_validate(_tuples(table))
    except ValidationError as e:
        lines = [f"{source}: {e.error_count()} broken rule(s)"]
        lines += [_error_line(error) for error in e.errors()]
        raise ProfileError("\n".join(lines)) from e


def _tuples(value: Any) -> Any:
    """TOML has arrays where the frozen tables hold tuples; strategy parameters stay as they are."""
    if isinstance(value, dict):
        return {k: v if k == "params" else _tuples(v) for k, v in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value


def _error_line(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "profile"
    rule = error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "missing":
            return f"  {key}: is missing"
        case "extra_forbidden":
            return f"  {key} = {error['input']!r}: unknown key"
        case "value_error":
            return f"  {key}: {rule}"
        case _:
            pass
    rule = PLAIN_RULES.get(rule, rule)
    shown = str(error["input"]) if isinstance(error["input"], Decimal) else repr(error["input"])
    return f"  {key} = {shown}: {rule[0].lower()}{rule[1:]}"


def to_ns(moment: datetime) -> int:
    """Return *moment* as Unix nanoseconds."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1_000
