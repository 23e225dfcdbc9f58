"""User data to the account it belongs to, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from venue.wire.connection import Connection


@dataclass(eq=False, slots=True)
class UserStream:
    """A private connection: the keys it was opened with, and the events it wants (empty: all)."""

    connection: Connection
    keys: dict[str, str]  # listen key -> account, keys that have died removed
    events: frozenset[str]
    wrapped: bool


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

    def end_key(self, account: str, key: str, now_ms: int) -> None:
        """Tell whoever listens with *key* that it has expired; nothing more comes after it."""
        expired = {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}
        raw = msgspec.json.encode(expired)
        for stream in self.streams:
            if stream.keys.get(key) == account:
                del stream.keys[key]
                stream.connection.send(_message(raw, key, wrapped=stream.wrapped))

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
