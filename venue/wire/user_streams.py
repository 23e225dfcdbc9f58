"""User data to the account it belongs to, in the order in which it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from venue.wire.connection import Connection


class UserStream:
    """
    A private connection: the keys it listens with, and the events it wants.

    A key that is unknown is taken into the list, and nothing ever comes on it.

    Parameters
    ----------
    connection : Connection
        The line.
    owner : callable
        Whose living key this is, None for nobody's.
    events : frozenset of str
        The event types that are sent; all when empty.
    wrapped : bool
        Whether payloads are wrapped with the key as the stream's name.

    """

    def __init__(
        self,
        connection: Connection,
        owner: Callable[[str], str | None],
        events: frozenset[str],
        *,
        wrapped: bool,
    ) -> None:
        self.connection = connection
        self.events = events
        self.wrapped = wrapped
        self.streams: list[str] = []
        self.keys: dict[str, str] = {}  # living listen key -> account
        self._owner = owner

    def subscribe(self, streams: list[str]) -> bool:
        """Listen with more keys."""
        for key in streams:
            if key not in self.streams:
                self.streams.append(key)
            account = self._owner(key)
            if account is not None:
                self.keys[key] = account
        return True

    def unsubscribe(self, streams: list[str]) -> None:
        """Listen no more with these keys."""
        self.streams = [key for key in self.streams if key not in streams]
        for key in streams:
            self.keys.pop(key, None)


class UserStreams:
    """All private connections."""

    def __init__(self) -> None:
        self.streams: set[UserStream] = set()

    def open_keys(self) -> set[str]:
        """Return the living keys that somebody listens with."""
        return {key for stream in self.streams for key in stream.keys}

    def publish(self, account: str, payload: dict[str, Any]) -> bool:
        """Queue *payload* for the account's connections; return whether there was one."""
        raw = msgspec.json.encode(payload)
        sent = False
        for stream in self.streams:
            if stream.events and payload["e"] not in stream.events:
                continue
            for key, owner in stream.keys.items():
                if owner == account:
                    sent |= stream.connection.send(_message(raw, key, wrapped=stream.wrapped))
        return sent

    def end_key(self, account: str, key: str, now_ms: int) -> bool:
        """Tell whoever listens with *key* that it has expired; nothing more comes after it."""
        expired = {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}
        raw = msgspec.json.encode(expired)
        sent = False
        for stream in self.streams:
            if stream.keys.get(key) == account:
                del stream.keys[key]
                sent |= stream.connection.send(_message(raw, key, wrapped=stream.wrapped))
        return sent

    def close_key(self, key: str) -> None:
        """End the connections of a key that its owner has closed."""
        for stream in list(self.streams):
            if key in stream.keys:
                stream.connection.drop("listen key closed")

    def drop(self, account: str | None = None) -> int:
        """Break the connections of one account, or of all; return how many."""
        hit = [s for s in self.streams if account is None or account in s.keys.values()]
        for stream in hit:
            stream.connection.drop("dropped by the venue")
        return len(hit)


def _message(raw: bytes, key: str, *, wrapped: bool) -> bytes:
    return b'{"stream":"%b","data":%b}' % (key.encode(), raw) if wrapped else raw
