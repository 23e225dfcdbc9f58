"""Faults of the market data streams; the exchange itself sees the market as it is."""

from dataclasses import dataclass
from typing import ClassVar

from venue.faults.arguments import arg
from venue.faults.fault import Fault, Moment
from venue.wire.hooks import Deliveries, Payload


@dataclass(kw_only=True)
class StreamStalled(Fault):
    """A stream goes silent while its connection lives and others go on."""

    name: ClassVar[str] = "stream_stalled"
    source: ClassVar[str] = "risk analysis, RISK-005: market data stops during a trade"
    default_on: ClassVar[str] = "stream"

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        return []


@dataclass(kw_only=True)
class StaleMark(StreamStalled):
    """No mark prices come, though quotes do: stops by mark price trigger unseen."""

    name: ClassVar[str] = "stale_mark"
    default_on: ClassVar[str] = "stream:markPrice"


@dataclass(kw_only=True)
class StalledBook(StreamStalled):
    """No quotes come, though trades and marks do."""

    name: ClassVar[str] = "stalled_book"
    default_on: ClassVar[str] = "stream:bookTicker"


@dataclass(kw_only=True)
class DepthGap(StreamStalled):
    """A change of the book is lost: the next one's pu is not the last one's u."""

    name: ClassVar[str] = "depth_gap"
    source: ClassVar[str] = "Binance: how to manage a local order book correctly"
    default_on: ClassVar[str] = "stream:depth"


@dataclass(kw_only=True)
class CrossedBook(Fault):
    """A quote whose bid is above its ask."""

    name: ClassVar[str] = "crossed_book"
    source: ClassVar[str] = "no document promises that a book is never crossed"
    default_on: ClassVar[str] = "stream:bookTicker"

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        crossed = dict(payload)
        crossed["b"], crossed["a"] = payload["a"], payload["b"]
        return [(0, crossed)]


@dataclass(kw_only=True)
class EmptyBook(Fault):
    """A quote without a size on one side, or both: nobody stands there."""

    name: ClassVar[str] = "empty_book"
    source: ClassVar[str] = "no document promises a book with two sides"
    default_on: ClassVar[str] = "stream:bookTicker"

    sides: str = arg("both", "which sides are empty", choices=("bid", "ask", "both"))

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        empty = dict(payload)
        for side, (price, qty) in {"bid": ("b", "B"), "ask": ("a", "A")}.items():
            if self.sides in (side, "both"):
                empty[price], empty[qty] = _zero(payload[price]), _zero(payload[qty])
        return [(0, empty)]


@dataclass(kw_only=True)
class StreamDelayed(Fault):
    """Market data come late, in their order."""

    name: ClassVar[str] = "stream_delayed"
    source: ClassVar[str] = "risk analysis, load test: latency under load"
    default_on: ClassVar[str] = "stream"

    by_ms: int = arg(2_000, "how long", low=1, high=600_000)

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:  # noqa: ARG002 - protocol
        return [(self.by_ms, payload)]


STREAM_FAULTS: tuple[type[Fault], ...] = (
    StreamStalled, StaleMark, StalledBook, DepthGap, CrossedBook, EmptyBook, StreamDelayed,
)  # fmt: skip


def _zero(text: str) -> str:
    """Return zero with the decimals of a text."""
    return f"{0:.{len(text.partition('.')[2])}f}"
