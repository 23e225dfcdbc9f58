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


def _midnight(value: object) -> object:
    """Let a TOML date stand for its first moment in UTC."""
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
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment is not None and moment.utcoffset() is None:
                raise ValueError(
                    f"{name} = {moment} must carry a time zone, for example ...T00:00:00Z"
                )
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start = {self.start} must be before end = {self.end}")
        return self


class AccountSection(Strict):
    """The margin account, in one-way mode."""

    starting_balance_usdt: Positive
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
    data: DataSection
    account: AccountSection
    simulation: SimulationSection | None = None
    journal: JournalSection
    limits: RiskLimits
    strategies: tuple[StrategySection, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_its_mode(self) -> Profile:
        simulated = self.mode in ("backtest", "paper")
        if simulated and self.simulation is None:
            raise ValueError(f"simulation is missing: mode = {self.mode!r} has a simulated venue")
        if not simulated and self.simulation is not None:
            raise ValueError(f"simulation must not be set: mode = {self.mode!r} has a real venue")
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
