"""Ask a node's clients how the venue is; what nobody measures stays unknown."""

from __future__ import annotations

from collections import deque
from typing import Any

from nautilus_trader.system.kernel import NautilusKernel

from actors.snapshot import ClientHealth, FeedHealth, Health, VenueNote
from risk.events import VenueEvent

EVENTS_KEPT = 20


class HealthProbe:
    """
    Reads connections, doubts, budgets and clocks off the clients of one kernel.

    Not every client measures everything: a simulated one has no user stream and no rate limit. It
    is asked by name, and what it does not have is unknown.

    Parameters
    ----------
    kernel : NautilusKernel
        Whose clients are asked; they must have been added.

    """

    def __init__(self, kernel: NautilusKernel) -> None:
        self._execs = list(kernel.exec_engine._clients.values())
        self._datas = list(kernel.data_engine._clients.values())
        self._events: deque[VenueNote] = deque(maxlen=EVENTS_KEPT)

    @property
    def venue(self) -> str:
        """Return the name of the venue that orders go to."""
        return ", ".join(str(client.id) for client in self._execs)

    def note(self, event: VenueEvent) -> VenueNote:
        """Keep what the venue told, newest first, and return it."""
        note = VenueNote(event.ts_event, event.kind.code, event.observed, event.limit)
        self._events.appendleft(note)
        return note

    def has_told(self, ts_ns: int, text: str) -> bool:
        """Return whether an alarm only repeats what the venue told."""
        return any(note.ts_ns == ts_ns and note.text == text for note in self._events)

    def unresolved(self) -> frozenset[str]:
        """Return the client order ids of which nobody knows what became of them."""
        return frozenset(
            case.order.client_order_id.value
            for client in self._execs
            for case in getattr(client, "unresolved", ())
        )

    @property
    def is_user_stream_up(self) -> bool | None:
        """Return whether what happens to orders is told as it happens; None: nobody measures it."""
        streams = [getattr(client, "is_user_stream_up", None) for client in self._execs]
        return None if None in streams or not streams else all(streams)

    def health(self, feeds: tuple[FeedHealth, ...]) -> Health:
        """Return the health of the venue as its clients see it."""
        clients = [ClientHealth(str(c.id), "data", c.is_connected) for c in self._datas]
        clients += [ClientHealth(str(c.id), "exec", c.is_connected) for c in self._execs]
        return Health(
            clients=tuple(clients),
            feeds=feeds,
            is_user_stream_up=self.is_user_stream_up,
            events=tuple(self._events),
            **self._of_the_wire(),
        )

    def _of_the_wire(self) -> dict[str, Any]:
        """Return what the HTTP client knows, which all clients of a node share."""
        clients = [*self._execs, *self._datas]
        found = (getattr(client, "_http_client", None) for client in clients)
        http = next((client for client in found if hasattr(client, "budget")), None)
        if http is None:
            return {}
        budget = http.budget.snapshot()
        return {
            "clock_offset_ms": http.venue_clock.offset_ms,
            "used_weight": (budget.weight_1m, budget.weight_1m_max),
            "order_counts": {
                "10s": (budget.orders_10s, budget.orders_10s_max),
                "1m": (budget.orders_1m, budget.orders_1m_max),
            },
            "refused_until_ns": budget.blocked_until_ns,
            "is_banned": budget.is_banned,
        }
