"""What a fault is, and what it may reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from venue.api import handle
from venue.wire.hooks import Deliveries, Payload, Reaction, RequestInfo

if TYPE_CHECKING:
    from venue.engine.errors import VenueError
    from venue.engine.exchange import Exchange
    from venue.market.shape import Bend


class WireActions(Protocol):
    """What faults do to the transport."""

    clock_skew_ms: int

    def drop_user_streams(self, account: str | None = None) -> int: ...
    def drop_market_streams(self) -> int: ...
    def expire_listen_keys(self) -> int: ...
    def refuse_listen_keys(self, error: "VenueError | None") -> None: ...
    def freeze(self, frozen: bool) -> None: ...  # noqa: FBT001 - the wire's own signature
    def outage(self, out: bool) -> None: ...  # noqa: FBT001 - the wire's own signature
    def note(self, name: str, detail: str = "") -> None: ...
    def tell_truth(self) -> None: ...


class Bendable(Protocol):
    """What faults do to the market."""

    def bend(self, symbol: str, bend: "Bend") -> None: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What faults can reach; ``rng`` is the fault's own."""

    wire: WireActions
    exchange: "Exchange"
    market: Bendable


@dataclass(frozen=True, slots=True)
class Moment:
    """When and with which chance a fault meets something."""

    now_ms: int
    rng: Random
    stage: Stage

    def ask(self, account: str | None, method: str, path: str, params: Mapping[str, str]) -> Any:
        """
        Do what another session of the account would: a request past the wire and its log.

        Raises
        ------
        VenueError
            If the exchange refuses it.

        """
        return handle(self.stage.exchange, account, method, path, dict(params))


@dataclass(kw_only=True)
class Fault:
    """
    One thing that goes wrong. A subclass is a dataclass whose fields are its arguments.

    Attributes
    ----------
    name : str
        What scenarios call it.
    source : str
        Where it is known from.
    default_on : str
        What it hits, or what sets it off, when the plan does not say.
    is_action : bool
        Whether it is done at a moment (``start``, and ``end`` when its time is over), or meets
        what passes.

    """

    name: ClassVar[str]
    source: ClassVar[str]
    default_on: ClassVar[str] = ""
    is_action: ClassVar[bool] = False

    def start(self, moment: Moment) -> str:
        """Do it; return what was done, for the log."""
        raise NotImplementedError

    def end(self, moment: Moment) -> None:
        """Undo it."""

    def watch(self, request: RequestInfo, now_ms: int) -> None:
        """See a request go by, whether the fault is in force or not."""

    def react(self, request: RequestInfo, moment: Moment) -> Reaction | None:
        """Return what happens to a request that it hits."""
        raise NotImplementedError

    def deliver(self, payload: Payload, moment: Moment) -> Deliveries:
        """Return what is sent in place of an event, or of a payload of a stream, that it hits."""
        raise NotImplementedError

    def refuses(self, kind: str) -> "VenueError | None":  # noqa: ARG002 - for subclasses
        """Return why it refuses a connection while it is in force."""
        return None


def copied(payload: Mapping[str, Any]) -> Payload:
    """Return a payload that can be changed, with its inner objects."""
    return {k: copied(v) if isinstance(v, dict) else v for k, v in payload.items()}
