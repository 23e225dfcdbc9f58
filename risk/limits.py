"""Every limit that the gate enforces: typed, in named units, without a single default."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)


def _number(value: object, info: ValidationInfo) -> object:
    """
    Let a whole TOML number stand for a Decimal, and the text that a Decimal becomes in JSON.

    Anything else is judged by pydantic.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if info.mode == "json" and isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


Number = Annotated[Decimal, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0)]
Ratio = Annotated[Number, Field(gt=0, le=1)]

OrderTypeName = Literal[
    "MARKET",
    "LIMIT",
    "STOP_MARKET",
    "STOP_LIMIT",
    "MARKET_IF_TOUCHED",
    "LIMIT_IF_TOUCHED",
    "TRAILING_STOP_MARKET",
]
SideName = Literal["BUY", "SELL"]


def limit(description: str, *, control: int, where: str, **bounds: Any) -> Any:
    """Declare a limit with what it means, the control it serves and where it is enforced."""
    return Field(
        description=description, json_schema_extra={"control": control, "where": where}, **bounds
    )


class Strict(BaseModel):
    """A table of a profile: unknown keys, missing keys and coerced types are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SymbolLimits(Strict):
    """What one symbol may do. A symbol that is not listed may not trade at all (control 2)."""

    sides: tuple[SideName, ...] = limit(
        "sides on which a position may be opened",
        control=2, where="gate", min_length=1,
    )  # fmt: skip
    order_qty_max: Positive = limit(
        "largest quantity of one order, base units", control=3, where="gate"
    )
    order_notional_usdt_max: Positive = limit(
        "largest worst-case value of one order, USDT", control=4, where="gate"
    )
    position_notional_usdt_max: Positive = limit(
        "largest worst-case position (position + working + in flight + unresolved), "
        "long and short side apart, USDT",
        control=8, where="gate",
    )  # fmt: skip


class OrderLimits(Strict):
    """What an order may look like."""

    entry_types: tuple[OrderTypeName, ...] = limit(
        "order types that may open or add to a position", control=2, where="gate", min_length=1
    )
    list_notional_usdt_max: Positive = limit(
        "largest summed worst-case value of the entries of one order list, USDT",
        control=4, where="gate",
    )  # fmt: skip
    price_deviation_bps_max: Positive = limit(
        "furthest that a limit or trigger price of an entry may lie from the reference price, "
        "basis points",
        control=6, where="gate",
    )  # fmt: skip
    slippage_bps_max: Positive = limit(
        "largest expected slippage of a market order against the mid price, from the book or the "
        "best bid and ask, basis points; also the mark-up of its worst-case price",
        control=6, where="gate",
    )  # fmt: skip
    stop_distance_bps_max: Annotated[Positive, Field(lt=10_000)] = limit(
        "furthest that a protective stop may lie from the entry price, basis points",
        control=18, where="gate",
    )  # fmt: skip


class MarketDataLimits(Strict):
    """When a price is good enough to take new risk on. Exits never depend on these."""

    price_source: Literal["quote", "bar"] = limit(
        "'quote': best bid and ask; 'bar': last close (backtests on bars only)",
        control=16, where="gate",
    )  # fmt: skip
    price_age_ms_max: Annotated[int, Field(gt=0)] = limit(
        "oldest price on which new risk may be taken, milliseconds", control=16, where="gate"
    )
    spread_bps_max: Positive = limit(
        "widest bid-ask spread on which new risk may be taken, basis points of the mid price",
        control=16, where="gate",
    )  # fmt: skip
    mark_divergence_bps_max: Positive = limit(
        "furthest that mark price and mid price may lie apart for new risk, basis points",
        control=16, where="gate",
    )  # fmt: skip


class PortfolioLimits(Strict):
    """What all symbols together may do."""

    gross_notional_usdt_max: Positive = limit(
        "largest sum over symbols of the worst-case position, USDT", control=9, where="gate"
    )
    net_notional_usdt_max: Positive = limit(
        "largest worst-case net position over all symbols, either sign, USDT",
        control=9, where="gate",
    )  # fmt: skip
    leverage_max: Positive = limit(
        "largest worst-case gross exposure divided by equity", control=9, where="gate"
    )


class RateLimits(Strict):
    """How often one may speak to the venue."""

    messages_per_sec_max: Annotated[int, Field(gt=0)] = limit(
        "new orders, amends and cancels in any second; resting exits and amendments of exits "
        "may use all of it, cancels, market exits and missing stops pass beyond it",
        control=12,
        where="gate",
    )
    messages_per_min_max: Annotated[int, Field(gt=0)] = limit(
        "new orders, amends and cancels in any 60 seconds; cancels and exits pass beyond it",
        control=12,
        where="gate",
    )
    exit_reserve_ratio: Annotated[Number, Field(ge=0, lt=1)] = limit(
        "share of both rates that entries may not use", control=12, where="gate"
    )
    repeated_entries_max: Annotated[int, Field(gt=0)] = limit(
        "entries of one strategy on one side of one symbol within the window; one more halts "
        "trading until a person resumes it",
        control=13, where="gate",
    )  # fmt: skip
    repeated_entries_window_sec: Annotated[int, Field(gt=0)] = limit(
        "window of the repeated-execution control, seconds", control=13, where="gate"
    )

    @cached_property
    def entries_per_sec_max(self) -> int:
        """Return the messages of any second that entries may use."""
        return int(self.messages_per_sec_max * (1 - self.exit_reserve_ratio))

    @cached_property
    def entries_per_min_max(self) -> int:
        """Return the messages of any 60 seconds that entries may use."""
        return int(self.messages_per_min_max * (1 - self.exit_reserve_ratio))


class LossLimits(Strict):
    """When losing ends taking new risk. Each trips REDUCING, latched, until a person resumes."""

    unrealized_loss_ratio_alarm: Ratio = limit(
        "unrealized loss as a share of equity that raises an alarm", control=20, where="breaker"
    )
    unrealized_loss_ratio_max: Ratio = limit(
        "unrealized loss as a share of equity that trips REDUCING", control=20, where="breaker"
    )
    daily_loss_ratio_max: Ratio = limit(
        "loss of the UTC day (realized, unrealized, fees and funding) as a share of the equity at "
        "the day's start that trips REDUCING",
        control=20, where="breaker",
    )  # fmt: skip
    drawdown_ratio_max: Ratio = limit(
        "fall of equity below its peak, as a share of the peak, that trips REDUCING",
        control=21, where="breaker",
    )  # fmt: skip

    @model_validator(mode="after")
    def _alarm_comes_first(self) -> LossLimits:
        if self.unrealized_loss_ratio_alarm > self.unrealized_loss_ratio_max:
            raise ValueError(
                f"unrealized_loss_ratio_alarm = {self.unrealized_loss_ratio_alarm} must not be "
                f"above unrealized_loss_ratio_max = {self.unrealized_loss_ratio_max}"
            )
        return self


class ShockLimits(Strict):
    """When the market itself ends taking new risk."""

    price_move_bps_max: Positive = limit(
        "largest move between any two prices of a symbol within the window, basis points of the "
        "earlier one; more trips REDUCING",
        control=22, where="breaker",
    )  # fmt: skip
    price_move_window_sec: Annotated[int, Field(gt=0)] = limit(
        "window of the price-shock breaker, seconds", control=22, where="breaker"
    )


class ProtectionLimits(Strict):
    """When an open position is no longer left to its stop (control 18). Not in a backtest."""

    unprotected_ms_max: Annotated[int, Field(ge=100, le=60_000)] = limit(
        "longest time that any part of a position may be without a stop resting at the venue, "
        "milliseconds; after it that part is closed at market",
        control=18, where="monitor",
    )  # fmt: skip
    stop_grace_ms_max: Annotated[int, Field(ge=100, le=60_000)] = limit(
        "longest time that the price may be through a stop which the venue has not acted on, "
        "milliseconds; after it the position is closed at market",
        control=18, where="monitor",
    )  # fmt: skip
    verify_ms: Annotated[int, Field(ge=100, le=60_000)] = limit(
        "how often the venue is asked for the stops of each open position, milliseconds",
        control=18, where="monitor",
    )  # fmt: skip
    liquidation_distance_bps_min: Annotated[Number, Field(gt=0, lt=10_000)] = limit(
        "nearest that the mark price may come to the liquidation price of a position, basis points "
        "of the mark price; nearer closes the position and trips REDUCING",
        control=10, where="monitor",
    )  # fmt: skip
    margin_ratio_max: Annotated[Number, Field(gt=0, lt=1)] = limit(
        "largest maintenance margin of the account as a share of its margin balance; more closes "
        "the largest position and trips REDUCING",
        control=10, where="monitor",
    )  # fmt: skip


class StormLimits(Strict):
    """When refusals that come in numbers end taking new risk. Not in a backtest."""

    denials_max: Annotated[int, Field(gt=0)] = limit(
        "denials by the gate within the window; one more trips REDUCING",
        control=13, where="breaker",
    )  # fmt: skip
    rejects_max: Annotated[int, Field(gt=0)] = limit(
        "rejections by the venue within the window; one more trips REDUCING",
        control=13, where="breaker",
    )  # fmt: skip
    window_sec: Annotated[int, Field(gt=0)] = limit(
        "window of both, seconds", control=13, where="breaker"
    )


class RiskLimits(Strict):
    """
    All limits of a run.

    Nothing here has a default: a limit that is not written refuses to start, because an unset
    limit must never mean "unlimited" (SEC Rule 15c3-5, ESMA RTS 6). Every mode but a backtest needs
    ``protection`` and ``storms``; a backtest has no use for them.

    """

    symbols: dict[str, SymbolLimits] = Field(min_length=1)
    orders: OrderLimits
    market_data: MarketDataLimits
    portfolio: PortfolioLimits
    rates: RateLimits
    losses: LossLimits
    shock: ShockLimits
    protection: ProtectionLimits | None = None
    storms: StormLimits | None = None

    def describe(self) -> Iterator[tuple[str, object, int, str, str]]:
        """Yield ``(key, value, control, where, meaning)`` of every limit, in profile order."""
        for symbol, table in self.symbols.items():
            yield from _describe(f"symbols.{symbol}", table)
        for name in (n for n in type(self).model_fields if n != "symbols"):
            table = getattr(self, name)
            if table is not None:
                yield from _describe(name, table)


def _describe(prefix: str, table: Strict) -> Iterator[tuple[str, object, int, str, str]]:
    for name, field in type(table).model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"Invariant: {prefix}.{name} is declared with limit()"
        value = getattr(table, name)
        yield (
            f"{prefix}.{name}",
            value,
            int(str(extra["control"])),
            str(extra["where"]),
            str(field.description),
        )
