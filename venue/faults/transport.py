"""Faults of connections, listen keys and clocks."""

from dataclasses import dataclass
from typing import ClassVar

from venue.engine.errors import VenueError
from venue.faults.arguments import arg
from venue.faults.fault import Fault, Moment

_NOT_NOW = VenueError(-1016, "Service Unavailable.", 503)


@dataclass(kw_only=True)
class UserStreamDropped(Fault):
    """
    The user data connections break, and new ones are refused for the time of the fault.

    What happens meanwhile is not sent later: only a REST reconciliation finds it.
    """

    name: ClassVar[str] = "user_stream_dropped"
    source: ClassVar[str] = "Binance user data streams: events during the gap are lost"
    is_action: ClassVar[bool] = True

    account: str = arg("", "whose connections; empty for all")

    def start(self, moment: Moment) -> str:
        return f"{moment.stage.wire.drop_user_streams(self.account or None)} connections"

    def refuses(self, kind: str) -> VenueError | None:
        return _NOT_NOW if kind == "private" else None


@dataclass(kw_only=True)
class MarketStreamsDropped(Fault):
    """The market data connections break, and new ones are refused for the time of the fault."""

    name: ClassVar[str] = "market_streams_dropped"
    source: ClassVar[str] = "connections break"
    is_action: ClassVar[bool] = True

    def start(self, moment: Moment) -> str:
        return f"{moment.stage.wire.drop_market_streams()} connections"

    def refuses(self, kind: str) -> VenueError | None:
        return _NOT_NOW if kind != "private" else None


@dataclass(kw_only=True)
class DayDisconnect(Fault):
    """Every connection is closed at the end of its 24 hours; new ones are welcome at once."""

    name: ClassVar[str] = "day_disconnect"
    source: ClassVar[str] = "Binance websocket: a connection is valid for 24 hours"
    is_action: ClassVar[bool] = True

    def start(self, moment: Moment) -> str:
        wire = moment.stage.wire
        return f"{wire.drop_user_streams() + wire.drop_market_streams()} connections"


@dataclass(kw_only=True)
class ListenKeyExpired(Fault):
    """
    The listen keys die, told by listenKeyExpired.

    The sockets stay open and silent; nothing more comes until there is a new key.
    """

    name: ClassVar[str] = "listen_key_expired"
    source: ClassVar[str] = "Binance user data streams: listenKeyExpired"
    is_action: ClassVar[bool] = True

    def start(self, moment: Moment) -> str:
        return f"{moment.stage.wire.expire_listen_keys()} keys"


@dataclass(kw_only=True)
class ListenKeyRefused(Fault):
    """No listen key is given or extended (-1125) for the time of the fault."""

    name: ClassVar[str] = "listen_key_refused"
    source: ClassVar[str] = "Binance user data streams: -1125 on PUT; renewals fail in outages"
    is_action: ClassVar[bool] = True

    code: int = arg(-1125, "the error code", low=-9999, high=-1000)
    text: str = arg("This listenKey does not exist.", "the message")

    def start(self, moment: Moment) -> str:
        moment.stage.wire.refuse_listen_keys(VenueError(self.code, self.text))
        return f"{self.code}"

    def end(self, moment: Moment) -> None:
        moment.stage.wire.refuse_listen_keys(None)


@dataclass(kw_only=True)
class Freeze(Fault):
    """The venue hangs: connections stay, nothing is answered or sent until it is over."""

    name: ClassVar[str] = "freeze"
    source: ClassVar[str] = "risk analysis, incident 4: exchange downtime"
    is_action: ClassVar[bool] = True

    def start(self, moment: Moment) -> str:
        moment.stage.wire.freeze(True)  # noqa: FBT003 - the wire's own signature
        return "hangs"

    def end(self, moment: Moment) -> None:
        moment.stage.wire.freeze(False)  # noqa: FBT003 - the wire's own signature


@dataclass(kw_only=True)
class Outage(Fault):
    """Every connection breaks and new ones are reset until it is over; the market goes on."""

    name: ClassVar[str] = "outage"
    source: ClassVar[str] = "Binance outages of minutes to hours in fast markets"
    is_action: ClassVar[bool] = True

    def start(self, moment: Moment) -> str:
        moment.stage.wire.outage(True)  # noqa: FBT003 - the wire's own signature
        return "out"

    def end(self, moment: Moment) -> None:
        moment.stage.wire.outage(False)  # noqa: FBT003 - the wire's own signature


@dataclass(kw_only=True)
class ClockSkew(Fault):
    """The venue's clock runs ahead or behind: requests fail with -1021, stamps are off."""

    name: ClassVar[str] = "clock_skew"
    source: ClassVar[str] = "Binance general info: timestamp < serverTime + 1000, recvWindow"
    is_action: ClassVar[bool] = True

    skew_ms: int = arg(3_000, "ahead, below zero behind", low=-3_600_000, high=3_600_000)

    def start(self, moment: Moment) -> str:
        moment.stage.wire.clock_skew_ms = self.skew_ms
        return f"{self.skew_ms} ms"

    def end(self, moment: Moment) -> None:
        moment.stage.wire.clock_skew_ms = 0


TRANSPORT_FAULTS: tuple[type[Fault], ...] = (
    UserStreamDropped, MarketStreamsDropped, DayDisconnect, ListenKeyExpired, ListenKeyRefused,
    Freeze, Outage, ClockSkew,
)  # fmt: skip
