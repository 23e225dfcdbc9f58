"""
Judge a run by its fills: was any cap exceeded, was any position without its stop.

It reads fills and order events only, never the gate's own books, so that prevention and detection
are two code paths for one property.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from report.cycles import is_liquidation
from report.tables import Rows, read_rows
from risk.limits import RiskLimits

TABLES = ("opening", "fills", "orders", "order_events", "equity")
"""What the checker reads; of the equity table only when the run ended."""

STOP_DELAY_MS_MAX = 5_000
"""How long a position may be without a full stop, from the fill to the stop's acceptance."""

_STOP_TYPES = frozenset(
    {"STOP_MARKET", "STOP_LIMIT", "TRAILING_STOP_MARKET", "TRAILING_STOP_LIMIT"}
)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule: *observed* against *limit*, both in the unit that *rule* names."""

    rule: str
    ts_event: int
    instrument_id: str
    observed: str
    limit: str
    client_order_id: str | None


@dataclass(slots=True)
class CheckReport:
    """What the checker looked at and what it found; *breaches* is empty for a clean run."""

    opening_fills: int = 0
    closest_position_ratio: float = 0.0
    closest_gross_ratio: float = 0.0
    longest_without_stop_ms: float = 0.0
    breaches: list[Breach] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return asdict(self)


def check_run(run_dir: Path, limits: RiskLimits) -> CheckReport:
    """Check the run folder *run_dir* against *limits*."""
    return check({name: read_rows(run_dir, name) for name in TABLES}, limits)


def check(
    rows: Mapping[str, Rows], limits: RiskLimits, *, stop_delay_ms_max: int = STOP_DELAY_MS_MAX
) -> CheckReport:
    """
    Say whether a run kept its caps and its stops.

    Three rules, for every fill that makes a symbol's net position larger:

    - ``position_notional_usdt_max``: the whole position after it, at the fill's price, is within
      the symbol's cap (a symbol without limits has a cap of zero);
    - ``gross_notional_usdt_max``: the sum over symbols is within the portfolio's cap, the other
      symbols at the lower of their latest fill price and the price of their last increase;
    - ``stop_delay_ms_max``: at no time is the position larger than what accepted reduce-only
      stops on the other side cover, for longer than the delay.

    A price that drifts while a position rests moves its value and is no breach: nobody sent an
    order then. Only fills that increase a position are judged, and not those of a liquidation.

    Parameters
    ----------
    rows : Mapping[str, Rows]
        The rows of `TABLES`, in the order in which they happened.
    limits : RiskLimits
        What the run had to keep.
    stop_delay_ms_max : int
        See above, milliseconds.

    """
    report = CheckReport()
    _check_caps(rows, limits, report)
    _check_stops(rows, stop_delay_ms_max, report)
    return report


def _check_caps(rows: Mapping[str, Rows], limits: RiskLimits, report: CheckReport) -> None:
    forced = {
        order["client_order_id"]
        for order in rows["orders"]
        if is_liquidation(order["tags"])  # the venue's own order, position by position
    }
    position: dict[str, Decimal] = defaultdict(Decimal)
    last_px: dict[str, Decimal] = {}
    for opening in rows["opening"]:
        position[opening["instrument_id"]] += opening["signed_qty"]
        last_px[opening["instrument_id"]] = opening["avg_px"]
    increase_px: dict[str, Decimal] = {}
    for fill in rows["fills"]:
        symbol, price = fill["instrument_id"], fill["last_px"]
        before = position[symbol]
        position[symbol] += fill["last_qty"] if fill["side"] == "BUY" else -fill["last_qty"]
        last_px[symbol] = price
        if fill["client_order_id"] in forced or not _increases(before, position[symbol]):
            continue
        increase_px[symbol] = price
        report.opening_fills += 1
        caps = limits.symbols.get(symbol)
        cap = caps.position_notional_usdt_max if caps else _ZERO
        notional = abs(position[symbol]) * price
        report.closest_position_ratio = _closer(report.closest_position_ratio, notional, cap)
        if notional > cap:
            report.breaches.append(_breach("position_notional_usdt_max", fill, notional, cap))
        gross = notional + sum(
            abs(qty) * min(last_px[other], increase_px.get(other, last_px[other]))
            for other, qty in position.items()
            if other != symbol and qty
        )
        cap = limits.portfolio.gross_notional_usdt_max
        report.closest_gross_ratio = _closer(report.closest_gross_ratio, gross, cap)
        if gross > cap:
            report.breaches.append(_breach("gross_notional_usdt_max", fill, gross, cap))


def _increases(before: Decimal, after: Decimal) -> bool:
    """Whether a fill left more risk on one side than there was: growing, or through flat."""
    return abs(after) > abs(before) if before * after >= 0 else True


def _closer(so_far: float, observed: Decimal, limit: Decimal) -> float:
    return max(so_far, float(observed / limit)) if limit else so_far


def _breach(rule: str, fill: Mapping[str, Any], observed: Decimal, limit: Decimal) -> Breach:
    return Breach(
        rule=rule,
        ts_event=fill["ts_event"],
        instrument_id=fill["instrument_id"],
        observed=_plain(observed),
        limit=_plain(limit),
        client_order_id=fill["client_order_id"],
    )


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


@dataclass(slots=True)
class _Cover:
    """The position of one symbol and the stops that rest against it."""

    position: Decimal = _ZERO
    stops: dict[str, tuple[str, Decimal]] = field(default_factory=dict)
    bare_since: int | None = None
    bare_by: str | None = None

    def uncovered_qty(self) -> Decimal:
        side = "SELL" if self.position > 0 else "BUY"
        covered = sum((qty for stop, qty in self.stops.values() if stop == side), _ZERO)
        return max(_ZERO, abs(self.position) - covered)


def _check_stops(rows: Mapping[str, Rows], delay_ms_max: int, report: CheckReport) -> None:
    order_of = {order["client_order_id"]: order for order in rows["orders"]}
    filled: dict[str, Decimal] = defaultdict(Decimal)
    covers: dict[str, _Cover] = defaultdict(_Cover)
    for opening in rows["opening"]:  # Its stop, where there is one, is among the events.
        cover = covers[opening["instrument_id"]]
        cover.position += opening["signed_qty"]
        cover.bare_since = opening["ts_event"]
    now_ns = 0
    for event in rows["order_events"]:
        now_ns = max(now_ns, event["ts_event"])
        order = order_of[event["client_order_id"]]
        cover = covers[order["instrument_id"]]
        _move(cover, event, order, filled)
        if not cover.uncovered_qty():
            _end_bare(cover, order["instrument_id"], now_ns, delay_ms_max, report)
        elif cover.bare_since is None:
            cover.bare_since, cover.bare_by = now_ns, order["client_order_id"]
    now_ns = max([now_ns, *(sample["ts_event"] for sample in rows["equity"][-1:])])
    for instrument_id, cover in covers.items():
        _end_bare(cover, instrument_id, now_ns, delay_ms_max, report)


def _move(
    cover: _Cover,
    event: Mapping[str, Any],
    order: Mapping[str, Any],
    filled: dict[str, Decimal],
) -> None:
    order_id, kind = order["client_order_id"], event["event"]
    if kind in ("OrderFilled", "OpeningOrder"):
        filled[order_id] += event["quantity"]
    if kind == "OrderFilled":
        cover.position += event["quantity"] if order["side"] == "BUY" else -event["quantity"]
    if not order["is_reduce_only"] or order["order_type"] not in _STOP_TYPES:
        return
    if kind in ("OrderAccepted", "OrderUpdated"):
        cover.stops[order_id] = (order["side"], event["quantity"] - filled[order_id])
    elif kind in ("OrderFilled", "OpeningOrder") and order_id in cover.stops:
        side, qty = cover.stops[order_id]
        cover.stops[order_id] = (side, qty - event["quantity"])
    elif kind in ("OrderCanceled", "OrderExpired", "OrderRejected", "OrderDenied"):
        cover.stops.pop(order_id, None)


def _end_bare(
    cover: _Cover, instrument_id: str, now_ns: int, delay_ms_max: int, report: CheckReport
) -> None:
    if cover.bare_since is None:
        return
    bare_ms = (now_ns - cover.bare_since) / 1e6
    report.longest_without_stop_ms = max(report.longest_without_stop_ms, bare_ms)
    if bare_ms > delay_ms_max:
        report.breaches.append(
            Breach(
                rule="stop_delay_ms_max",
                ts_event=cover.bare_since,
                instrument_id=instrument_id,
                observed=_plain(Decimal(now_ns - cover.bare_since) / 1_000_000),
                limit=str(delay_ms_max),
                client_order_id=cover.bare_by,
            )
        )
    cover.bare_since = cover.bare_by = None
