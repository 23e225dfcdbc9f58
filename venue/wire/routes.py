"""Which stream travels on which route of the WebSocket host."""

from __future__ import annotations

import re

PUBLIC, MARKET, PRIVATE, UNROUTED = "public", "market", "private", ""

_PUBLIC = re.compile(
    r"(!bookTicker|[a-z0-9_]+@(bookTicker|(depth|rpiDepth)\d*(@\d+ms)?))", re.IGNORECASE
)


def route_of(stream: str) -> str:
    """Return the route that carries *stream*: books are public, everything else is market."""
    return PUBLIC if _PUBLIC.fullmatch(stream) else MARKET


def carries(route: str, stream: str, *, unrouted_all: bool) -> bool:
    """
    Return whether a connection on *route* gets *stream*.

    Since 2026-04-23 a connection without a route gets public streams alone; *unrouted_all* is the
    venue as it was before, for clients that were written then.

    """
    if route == UNROUTED:
        return unrouted_all or route_of(stream) == PUBLIC
    return route == route_of(stream)
