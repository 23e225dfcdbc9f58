"""What a venue is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from venue.wire.connection import SocketOptions
from venue.wire.limits import LimitOptions

if TYPE_CHECKING:
    from pathlib import Path

MARGIN_TYPES = ("CROSSED", "ISOLATED")
UNROUTED = ("public", "all")
ASSETS = ("USDT", "USDC", "BNB")


class ConfigError(ValueError):
    """A setting that cannot be, named with its value and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """
    One account of the venue.

    Attributes
    ----------
    name : str
        What logs, checkers and key files call it.
    wallet : Mapping[str, Decimal]
        Balance by asset at the start.
    leverage : int
        Of every symbol at the start, 1 to 125.
    margin_type : str
        CROSSED or ISOLATED, of every symbol at the start.
    dual_side : bool
        Whether the account is in hedge mode.

    """

    name: str = "main"
    wallet: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(100_000)})
    leverage: int = 5
    margin_type: str = "CROSSED"
    dual_side: bool = False

    def __post_init__(self) -> None:
        if not (self.name.isascii() and self.name.replace("_", "").replace("-", "").isalnum()):
            raise ConfigError(f"account name {self.name!r}: letters, digits, _ and - alone")
        for asset, balance in self.wallet.items():
            if not (balance.is_finite() and balance >= 0):
                raise ConfigError(f"account {self.name}: {asset}={balance} is not 0 or above")
        if not 1 <= self.leverage <= 125:
            raise ConfigError(f"account {self.name}: leverage={self.leverage} is not in 1..125")
        if self.margin_type not in MARGIN_TYPES:
            raise ConfigError(
                f"account {self.name}: margin={self.margin_type}, not one of {MARGIN_TYPES}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueConfig:
    """
    A venue.

    Attributes
    ----------
    host, port : str, int
        Where it listens; port 0 lets the system choose. The control address is always 127.0.0.1.
    market : str
        ``generated``, ``still`` (moves by hand alone), ``catalog:PATH`` or
        ``recording:PATH[,PATH]``.
    symbols : tuple of str
        The symbols that trade.
    intervals : tuple of str
        The bars that can be subscribed to.
    start_ms, end_ms : int, optional
        The part of a catalog or recording that is played, or when a generated market begins.
    speed : float
        Market seconds for each second; 0 for a venue that is stepped.
    bar_rest_ms : int
        How long a market that is played faster rests after a bar has closed, milliseconds, so that
        whoever decides on bars can act at the price that they closed at.
    seed : int, optional
        Of the market, the engine and the keys; without one the keys come from the system.
    accounts : tuple of AccountConfig
        At least one.
    keys_dir, wire_log, scenario : Path, optional
        Where key files are put, the log is written and faults are read from.
    unrouted : str
        What connections without a route get: ``public`` (as since 2026-04-23) or ``all``.
    listen_key_secs : float
        Life of a listen key.
    limits, sockets : LimitOptions, SocketOptions
        Rate limits, and the habits of WebSockets.

    """

    host: str = "127.0.0.1"
    port: int = 0
    market: str = "generated"
    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    intervals: tuple[str, ...] = ("1m", "5m", "15m", "1h")
    start_ms: int | None = None
    end_ms: int | None = None
    speed: float = 1.0
    bar_rest_ms: int = 0
    seed: int | None = None
    accounts: tuple[AccountConfig, ...] = (AccountConfig(),)
    keys_dir: Path | None = None
    wire_log: Path | None = None
    scenario: Path | None = None
    unrouted: str = "public"
    listen_key_secs: float = 3_600.0
    limits: LimitOptions = field(default_factory=LimitOptions)
    sockets: SocketOptions = field(default_factory=SocketOptions)

    def __post_init__(self) -> None:
        names = [account.name for account in self.accounts]
        if not names or len(set(names)) != len(names):
            raise ConfigError(f"accounts {names}: at least one, and no name twice")
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ConfigError(f"symbols {list(self.symbols)}: at least one, and none twice")
        if self.unrouted not in UNROUTED:
            raise ConfigError(f"unrouted={self.unrouted}: not one of {UNROUTED}")
        if not 0 <= self.speed <= 10_000:
            raise ConfigError(f"speed={self.speed}: not in 0 (stepped) to 10000")
        if not 0 <= self.bar_rest_ms <= 60_000:
            raise ConfigError(f"bar_rest_ms={self.bar_rest_ms}: not in 0..60000")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port={self.port}: not in 0..65535")


def parse_account(text: str) -> AccountConfig:
    """
    Return the account that *text* describes.

    The form is ``NAME[:KEY=VALUE]...`` with a balance for each asset, ``leverage=5``,
    ``margin=CROSSED`` and ``hedge=yes``, as in ``main:usdt=100000:leverage=5``.

    Raises
    ------
    ConfigError
        If a key is unknown or a value is not what the key takes.

    """
    name, *parts = text.split(":")
    wallet: dict[str, Decimal] = {}
    leverage, margin_type, dual_side = 5, "CROSSED", False
    for part in parts:
        key, _, value = part.partition("=")
        if key.upper() in ASSETS:
            wallet[key.upper()] = _decimal(name, key, value)
        elif key == "leverage" and value.isdigit():
            leverage = int(value)
        elif key == "margin":
            margin_type = value.upper()
        elif key == "hedge" and value in ("yes", "no"):
            dual_side = value == "yes"
        else:
            raise ConfigError(
                f"account {name}: {part!r} is none of "
                f"{'|'.join(ASSETS).lower()}=AMOUNT, leverage=1..125, margin=CROSSED|ISOLATED, "
                "hedge=yes|no"
            )
    return AccountConfig(
        name=name,
        wallet=wallet or {"USDT": Decimal(100_000)},
        leverage=leverage,
        margin_type=margin_type,
        dual_side=dual_side,
    )


def _decimal(name: str, key: str, value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ConfigError(f"account {name}: {key}={value!r} is not a number") from None
