"""Faults of the user data stream."""

from dataclasses import dataclass
from typing import ClassVar

from venue.faults.arguments import arg
from venue.faults.fault import Fault, Moment, copied
from venue.wire.hooks import Deliveries, Payload


@dataclass(kw_only=True)
class EventDropped(Fault):
    """An event never comes; nothing tells that it is missing."""

    name: ClassVar[str] = "event_dropped"
    source: ClassVar[str] = "Binance user data streams: no sequence numbers, no replay"
    default_on: ClassVar[str] = "event"

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        return []


@dataclass(kw_only=True)
class EventDuplicated(Fault):
    """An event comes twice. A fill counted twice is a position that does not exist."""

    name: ClassVar[str] = "event_duplicated"
    source: ClassVar[str] = "Binance user data streams: TRADE_LITE tells each fill once more"
    default_on: ClassVar[str] = "event"

    after_ms: int = arg(20, "how long after the first", low=0, high=600_000)

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        return [(0, payload), (self.after_ms, payload)]


@dataclass(kw_only=True)
class EventDelayed(Fault):
    """
    An event comes late, and so do those of its type behind it.

    Events of one type stay in order, as the venue promises; those of other types overtake.
    """

    name: ClassVar[str] = "event_delayed"
    source: ClassVar[str] = "Binance user data streams: no order across event types"
    default_on: ClassVar[str] = "event"

    by_ms: int = arg(500, "how long", low=1, high=600_000)

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        return [(self.by_ms, payload)]


@dataclass(kw_only=True)
class EventReordered(EventDelayed):
    """The ACCOUNT_UPDATE of a fill comes after its ORDER_TRADE_UPDATE, or the other way round."""

    name: ClassVar[str] = "event_reordered"
    default_on: ClassVar[str] = "event:ACCOUNT_UPDATE"

    by_ms: int = arg(30, "how long the event that is overtaken waits", low=1, high=600_000)


@dataclass(kw_only=True)
class TradeBeforeTriggered(EventDelayed):
    """The fill of a stop's order is told before the stop says that it has triggered."""

    name: ClassVar[str] = "trade_before_triggered"
    default_on: ClassVar[str] = "event:ALGO_UPDATE:TRIGGERED"

    by_ms: int = arg(200, "how long TRIGGERED waits", low=1, high=600_000)


@dataclass(kw_only=True)
class FinishedBeforeTrade(EventDelayed):
    """A stop says FINISHED before the fill of its order is told."""

    name: ClassVar[str] = "finished_before_trade"
    default_on: ClassVar[str] = "event:ORDER_TRADE_UPDATE:TRADE"

    by_ms: int = arg(200, "how long the fill waits", low=1, high=600_000)


@dataclass(kw_only=True)
class TradeLiteFirst(EventDelayed):
    """The brief TRADE_LITE of a fill comes long before its full event, which has the fee."""

    name: ClassVar[str] = "trade_lite_first"
    source: ClassVar[str] = "Binance TRADE_LITE: faster, same symbol and trade id"
    default_on: ClassVar[str] = "event:ORDER_TRADE_UPDATE:TRADE"

    by_ms: int = arg(100, "how long the full event waits", low=1, high=600_000)


@dataclass(kw_only=True)
class EventValueUnknown(Fault):
    """A value that no client of this year knows, in an event."""

    name: ClassVar[str] = "event_value_unknown"
    source: ClassVar[str] = "enums grow: er (2025-10-23), TRADE_PREVENTION, RPI (2025-11-18)"
    default_on: ClassVar[str] = "event:ORDER_TRADE_UPDATE"

    field_name: str = arg("er", "the field of the event's o (or of the event) to change")
    value: str = arg("99", "what it says")

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        changed = copied(payload)
        inner = changed.get("o")
        target = inner if isinstance(inner, dict) and self.field_name in inner else changed
        target[self.field_name] = self.value
        return [(0, changed)]


EVENT_FAULTS: tuple[type[Fault], ...] = (
    EventDropped, EventDuplicated, EventDelayed, EventReordered, TradeBeforeTriggered,
    FinishedBeforeTrade, TradeLiteFirst, EventValueUnknown,
)  # fmt: skip
