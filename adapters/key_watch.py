"""Whether the venue still takes the key: a node whose key is refused must not look as if it traded."""

from __future__ import annotations

from collections.abc import Callable

from risk.events import VenueEvent, VenueEventKind

KEY_REFUSED = frozenset({-1002, -1022, -2014, -2015})
"""Binance: Error Codes; unauthorized, bad signature, bad key format, rejected key."""
REFUSALS_MAX = 2
"""So many in a row may be the venue's mistake."""


class KeyWatch:
    """
    Counts refusals of the key, and tells once when there are too many in a row.

    Parameters
    ----------
    now_ns : Callable
        The time, Unix nanoseconds.
    tell : Callable
        Told ``KEY_REFUSED``, again only after the key was taken in between.

    """

    def __init__(self, now_ns: Callable[[], int], tell: Callable[[VenueEvent], None]) -> None:
        self._now_ns = now_ns
        self._tell = tell
        self._refusals = 0

    def answered(self, code: object = None) -> None:
        """Take the answer to a signed request: the venue's error code, None when it was carried out."""
        if code not in KEY_REFUSED:
            self._refusals = 0  # Whatever else is wrong with a request, its key was read and taken.
            return
        self._refusals += 1
        if self._refusals == REFUSALS_MAX + 1:
            observed, limit = f"{code} for {self._refusals} requests", "a key that is taken"
            self._tell(VenueEvent(VenueEventKind.KEY_REFUSED, observed, limit, self._now_ns()))
