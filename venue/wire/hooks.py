"""Where faults reach into the wire, and the wire without any fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from venue.engine.errors import VenueError

Payload = dict[str, Any]
Deliveries = list[tuple[int, Payload]]


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A request that passed the signature, the clock and the limits; never a key in it."""

    account: str | None
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """
    What happens to one request instead of the plain answer.

    ``refuse`` stops it before the engine. Otherwise the engine acts unless ``engine_acts`` is
    False; then ``answer`` (status, JSON body) replaces the engine's own answer when given, and
    ``rewrite`` may change either. The reply leaves after ``delay_ms``, or never when
    ``drop_reply``: the connection is reset.

    """

    refuse: VenueError | None = None
    engine_acts: bool = True
    answer: tuple[int, Any] | None = None
    rewrite: Callable[[int, Any], tuple[int, Any]] | None = None
    delay_ms: int = 0
    drop_reply: bool = False


class Hooks(Protocol):
    """What the wire asks before it acts; delays are in milliseconds of venue time."""

    def advance(self, now_ms: int) -> None:
        """Do what is due by *now_ms* of venue time; called at least every tick of the player."""
        ...

    def on_request(self, request: RequestInfo) -> Reaction | None:
        """Return what shall happen to *request*, None for nothing special."""
        ...

    def on_user_event(self, account: str, payload: Payload) -> Deliveries:
        """Return what is sent in place of *payload* and after which delay; empty drops it."""
        ...

    def on_market(self, stream: str, payload: Payload) -> Deliveries:
        """Return what is sent in place of *payload* and after which delay; empty drops it."""
        ...

    def on_connect(self, kind: str) -> VenueError | None:
        """Return why a WebSocket of *kind* (public, market, private) is refused, or None."""
        ...


class NoFaults:
    """A venue on its best behavior."""

    def advance(self, now_ms: int) -> None:
        """Have nothing to do."""

    def on_request(self, request: RequestInfo) -> Reaction | None:  # noqa: ARG002 - protocol
        return None

    def on_user_event(self, account: str, payload: Payload) -> Deliveries:  # noqa: ARG002 - protocol
        return [(0, payload)]

    def on_market(self, stream: str, payload: Payload) -> Deliveries:  # noqa: ARG002 - protocol
        return [(0, payload)]

    def on_connect(self, kind: str) -> VenueError | None:  # noqa: ARG002 - protocol
        return None
