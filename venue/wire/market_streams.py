"""Market data to whoever subscribed: encoded once for a stream, queued for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from venue.wire.routes import carries

if TYPE_CHECKING:
    from venue.wire.connection import Connection


class MarketStreams:
    """
    All market connections by the streams that they asked for.

    Parameters
    ----------
    streams_max : int
        Streams of one connection.
    unrouted_all : bool
        Whether connections without a route get every stream, as before 2026-04-23.

    """

    def __init__(self, streams_max: int, *, unrouted_all: bool) -> None:
        self.streams_max = streams_max
        self.unrouted_all = unrouted_all
        self.wanted: dict[str, list[Subscriber]] = {}
        self.subscribers: set[Subscriber] = set()

    def publish(self, stream: str, payload: dict[str, Any]) -> None:
        """Queue *payload* for every connection that listens to *stream*."""
        listeners = self.wanted.get(stream)
        if not listeners:
            return
        raw = msgspec.json.encode(payload)
        wrapped = b'{"stream":"%b","data":%b}' % (stream.encode(), raw)
        for subscriber in listeners:
            subscriber.connection.send(wrapped if subscriber.wrapped else raw)


class Subscriber:
    """
    A market connection: its route, whether payloads are wrapped, and its streams.

    A stream of another route is taken into the list, and nothing ever comes on it.

    """

    def __init__(
        self, hub: MarketStreams, connection: Connection, route: str, *, wrapped: bool
    ) -> None:
        self._hub = hub
        self._route = route
        self.connection = connection
        self.wrapped = wrapped
        self.streams: list[str] = []

    def subscribe(self, streams: list[str]) -> bool:
        """Add *streams*; return False, and add none, when the connection would have too many."""
        added = [s for s in dict.fromkeys(streams) if s not in self.streams]
        if len(self.streams) + len(added) > self._hub.streams_max:
            return False
        self.streams += added
        for stream in added:
            if carries(self._route, stream, unrouted_all=self._hub.unrouted_all):
                self._hub.wanted.setdefault(stream, []).append(self)
        return True

    def unsubscribe(self, streams: list[str]) -> None:
        """Remove *streams*, those that are there."""
        for stream in streams:
            if stream not in self.streams:
                continue
            self.streams.remove(stream)
            listeners = self._hub.wanted.get(stream, [])
            if self in listeners:
                listeners.remove(self)
            if not listeners:
                self._hub.wanted.pop(stream, None)

    def leave(self) -> None:
        """Forget everything: the connection is over."""
        self.unsubscribe(list(self.streams))
        self._hub.subscribers.discard(self)
