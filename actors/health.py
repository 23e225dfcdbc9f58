"""Ask a node's clients how the venue is; what nobody measures stays unknown."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from nautilus_trader.common.component import MessageBus
from nautilus_trader.system.kernel import NautilusKernel

from actors.notices import Notice
from actors.snapshot import ClientHealth, FeedHealth, Health, VenueNote

EVENTS_KEPT = 20
VENUE_TOPIC = "events.venue"


class HealthProbe:
    """
    Reads connections, budgets and clocks off the clients of one kernel.

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

    def subscribe(self, msgbus: MessageBus, tell: Callable[[Notice], None]) -> None:
        """Listen to what the venue tells; each event becomes a notice."""

        def on_event(event: Any) -> None:
            note = VenueNote(event.ts_event, event.kind.code, str(event.observed), str(event.limit))
            self._events.appendleft(note)
            text = f"{note.kind}: observed={note.observed}, limit={note.limit}"
            tell(Notice(note.ts_ns, "VENUE", text, is_bad=True))

        msgbus.subscribe(VENUE_TOPIC, on_event)

    def unresolved(self) -> frozenset[str]:
        """Return the client order ids of which nobody knows what became of them."""
        return frozenset()

    def health(self, feeds: tuple[FeedHealth, ...]) -> Health:
        """Return the health of the venue as its clients see it."""
        clients = [ClientHealth(str(c.id), "data", c.is_connected) for c in self._datas]
        clients += [ClientHealth(str(c.id), "exec", c.is_connected) for c in self._execs]
        return Health(clients=tuple(clients), feeds=feeds, events=tuple(self._events))
