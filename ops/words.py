"""How the parts of a snapshot are said in a few words; what is unknown is said to be unknown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from actors.snapshot import BreakerLine, Health, PositionLine, ProtectionLine, Snapshot, Use
from report.formats import symbol

UNKNOWN = "unknown"
NEAR_SHARE = 0.8
"""From here on a use of a limit is pointed out."""

LOSSES = frozenset({"unrealized_loss", "daily_loss", "drawdown"})
"""Breakers that measure a share of equity."""
_LABELS = {
    "gross_notional_usdt_max": "gross",
    "net_notional_usdt_max": "net",
    "leverage_max": "leverage",
    "messages_per_sec_max": "messages / s",
    "messages_per_min_max": "messages / min",
    "unrealized_loss_ratio_max": "unrealized loss",
    "daily_loss_ratio_max": "daily loss",
    "drawdown_ratio_max": "drawdown",
}


def clock_time(ts_ns: int) -> str:
    """Write Unix nanoseconds as the time of day, UTC."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, tz=UTC).strftime("%H:%M:%S")


def span(seconds: float) -> str:
    """Write a span of seconds in a few characters: 3.2s, 45s, 12m, 3h05, 2d04h."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"


def number(value: Decimal | None, digits: int = 2) -> str:
    """Write an amount with separators, or that it is unknown."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def exact(value: Decimal | None) -> str:
    """Write a price or quantity with all its digits, or that it is unknown."""
    return UNKNOWN if value is None else f"{value.normalize():,f}"


def significant(value: Decimal | None, digits: int = 7) -> str:
    """Write a price with at most so many digits, and no separators."""
    if value is None:
        return UNKNOWN
    return format(Decimal(f"{value:.{digits}g}").normalize(), "f")


def short_symbol(instrument_id: str) -> str:
    """Return the symbol of a perpetual as the venue writes it."""
    return symbol(instrument_id).removesuffix("-PERP")


def use_label(use: Use) -> str:
    """Return what a person calls a limit."""
    return short_symbol(use.instrument_id) if use.instrument_id else _LABELS[use.key]


def use_figures(use: Use) -> str:
    """Write what is used and what is allowed, in the limit's unit."""
    if use.key.endswith("_ratio_max"):
        observed = UNKNOWN if use.observed is None else f"{use.observed:.2%}"
        return f"{observed} of {use.limit:.2%}"
    digits = 2 if use.key == "leverage_max" else 0
    return f"{number(use.observed, digits)} of {exact(use.limit)}"


def breaker_words(line: BreakerLine) -> str:
    """Say what a breaker sees, what it allows, and the closest that the run has come to that."""
    now, limit, closest = (
        _breaker_figure(line.key, value) for value in (line.observed, line.limit, line.closest)
    )
    return f"{breaker_label(line)} {now} of {limit} (closest {closest})"


def breaker_label(line: BreakerLine) -> str:
    """Return what a person calls a breaker."""
    return "repeated entries" if line.key == "repeated" else line.key.replace("_", " ")


def _breaker_figure(key: str, value: Decimal | None) -> str:
    """Write what a breaker measures in its unit: a share of equity, basis points, or a count."""
    if value is None:
        return UNKNOWN
    if key in LOSSES:
        return f"{value:.2%}"
    return f"{value:.0f} bps" if key == "price_shock" else exact(value)


def nearest_breaker(lines: Iterable[BreakerLine]) -> BreakerLine | None:
    """Return a breaker that has tripped, else the one that is nearest to its limit; None: unknown."""
    known = [line for line in lines if line.is_tripped or line.observed is not None]
    return max(
        known, key=lambda line: (line.is_tripped, (line.observed or 0) / line.limit), default=None
    )


def use_words(use: Use) -> str:
    """Write how much of a limit is used."""
    share = UNKNOWN if use.share is None else f"{use.share:.0%}"
    return f"{use_label(use)} {share} of its cap"


def protection_words(line: ProtectionLine | None) -> str:
    """Say how long positions of the run were without their full stop; nothing where none was."""
    if line is None or not line.positions:
        return ""
    mends = f", {line.mends} mended" if line.mends else ""
    return f": {line.longest_ms / 1000:.2f}s without a full stop at most{mends}"


def cover_words(position: PositionLine) -> str:
    """Say whether a position is protected, and for how long it, or which part of it, is not."""
    if position.is_covered:
        return "covered"
    bare = 1 - position.covered_qty / abs(position.signed_qty)
    part = "" if bare == 1 else f"{bare:.0%} "
    return f"{part}NAKED for {span(position.unprotected_sec)}"


def position_words(position: PositionLine) -> str:
    """Say what a position is and whether it is protected."""
    pnl = "PnL unknown"
    if position.unrealized_usdt is not None:
        pnl = f"{position.unrealized_usdt:+,.2f} USDT"
    words = f"{short_symbol(position.instrument_id)} {position.signed_qty.normalize():+f} {pnl}"
    return f"{words} {cover_words(position)}"


def connection_words(health: Health) -> str:
    """Say which clients are connected."""
    down = [client for client in health.clients if not client.is_connected]
    if not health.clients:
        return f"connection {UNKNOWN}"
    if down:
        return "DOWN: " + ", ".join(f"{client.kind} {client.name}" for client in down)
    count = len(health.clients)
    return f"{count} connection{'' if count == 1 else 's'} up"


def feed_words(health: Health) -> str:
    """Say how old the oldest price is, and of which symbols there is none."""
    missing = [short_symbol(feed.instrument_id) for feed in health.feeds if feed.age_ms is None]
    if missing:
        return f"no price of {', '.join(missing)}"
    if not health.feeds:
        return f"prices {UNKNOWN}"
    oldest = max(health.feeds, key=lambda feed: abs(feed.age_ms or 0))
    stale = "" if oldest.is_fresh else "STALE "
    return f"{stale}oldest price {span((oldest.age_ms or 0) / 1_000)}"


def health_words(snapshot: Snapshot) -> str:
    """Say in a few words how the venue is."""
    return f"{connection_words(snapshot.health)}, {feed_words(snapshot.health)}"
