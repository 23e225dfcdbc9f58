"""Market data to whoever subscribed: encoded once for a stream, queued for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from venue.wire.routes import carries

if TYPE_CHECKING:
    from venue.wire.connection import Connection

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_UNKNOWN = f"Invalid request: unknown variant %s, expected one of {', '.join(METHODS)}"


class Subscriber:
    """A market connection: its route, whether payloads are wrapped, and its streams."""

    def __init__(self, connection: Connection, route: str, *, wrapped: bool) -> None:
        self.connection = connection
        self.route = route
        self.wrapped = wrapped
        self.streams: list[str] = []


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
        self._streams_max = streams_max
        self._unrouted_all = unrouted_all
        self._listeners: dict[str, list[Subscriber]] = {}
        self.subscribers: set[Subscriber] = set()

    @property
    def wanted(self) -> dict[str, list[Subscriber]]:
        """The streams that somebody listens to."""
        return self._listeners

    def publish(self, stream: str, payload: dict[str, Any]) -> None:
        """Queue *payload* for every connection that listens to *stream*."""
        listeners = self._listeners.get(stream)
        if not listeners:
            return
        raw = msgspec.json.encode(payload)
        wrapped = b'{"stream":"%b","data":%b}' % (stream.encode(), raw)
        for subscriber in listeners:
            subscriber.connection.send(wrapped if subscriber.wrapped else raw)

    def subscribe(self, subscriber: Subscriber, streams: list[str]) -> bool:
        """Add *streams*; return False, and add none, when the connection would have too many."""
        added = [s for s in dict.fromkeys(streams) if s not in subscriber.streams]
        if len(subscriber.streams) + len(added) > self._streams_max:
            return False
        subscriber.streams += added
        for stream in added:
            if carries(subscriber.route, stream, unrouted_all=self._unrouted_all):
                self._listeners.setdefault(stream, []).append(subscriber)
        return True

    def unsubscribe(self, subscriber: Subscriber, streams: list[str]) -> None:
        """Remove *streams*, those that are there."""
        for stream in streams:
            if stream not in subscriber.streams:
                continue
            subscriber.streams.remove(stream)
            listeners = self._listeners.get(stream, [])
            if subscriber in listeners:
                listeners.remove(subscriber)
            if not listeners:
                self._listeners.pop(stream, None)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a connection that is over."""
        self.unsubscribe(subscriber, list(subscriber.streams))
        self.subscribers.discard(subscriber)

    def command(self, subscriber: Subscriber, text: str) -> None:
        """Carry out a client's message and queue the reply."""
        subscriber.connection.send(msgspec.json.encode(self._reply(subscriber, text)))

    def _reply(self, subscriber: Subscriber, text: str) -> dict[str, Any]:
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return _error(3, "Invalid JSON: expected value at line 1 column 1")
        if not isinstance(message, dict) or "method" not in message:
            return _error(2, "Invalid request: missing field `method` at line 1 column 1")
        number = message.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return _error(2, "Invalid request: request ID must be an unsigned integer")
        method, params = message["method"], message.get("params", [])
        if method not in METHODS:
            return _error(2, _UNKNOWN % method, number)
        if not isinstance(params, list):
            return _error(2, "Invalid request: params must be a list", number)
        return self._carry_out(subscriber, method, params, number)

    def _carry_out(
        self, subscriber: Subscriber, method: str, params: list[Any], number: int
    ) -> dict[str, Any]:
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(subscriber, method, params, number)
        if not all(isinstance(stream, str) for stream in params):
            return _error(2, "Invalid request: stream name must be a string", number)
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(subscriber.streams), "id": number}
        if method == "UNSUBSCRIBE":
            self.unsubscribe(subscriber, params)
        elif not self.subscribe(subscriber, params):
            return _error(2, f"Invalid request: more than {self._streams_max} streams", number)
        return {"result": None, "id": number}

    @staticmethod
    def _property(
        subscriber: Subscriber, method: str, params: list[Any], number: int
    ) -> dict[str, Any]:
        if not params or params[0] != "combined":
            return _error(0, "Unknown property", number)
        if method == "GET_PROPERTY":
            return {"result": subscriber.wrapped, "id": number}
        if len(params) != 2 or not isinstance(params[1], bool):
            return _error(1, "Invalid value type: expected Boolean", number)
        subscriber.wrapped = params[1]
        return {"result": None, "id": number}


def _error(code: int, text: str, number: int | None = None) -> dict[str, Any]:
    reply: dict[str, Any] = {"error": {"code": code, "msg": text}}
    if number is not None:
        reply["id"] = number
    return reply
