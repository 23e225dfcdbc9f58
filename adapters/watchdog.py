"""A watch over market-data streams: which are silent, since when, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from risk.events import VenueEvent, VenueEventKind

NS_PER_SEC = 1_000_000_000
STEADY = ("bookTicker", "depth", "markPrice")
"""Streams that never rest on a symbol that trades; trades and bars come when somebody trades."""
LOST_AFTER = 3
"""After so many times the longest silence new risk ends until a person resumes it."""
RENEWALS_APART_MAX = 10
"""A stream that stays silent has its connection renewed at most this many silences apart."""


def key_of(stream: str) -> str:
    """Return symbol and kind of a stream, ``btcusdt@depth`` for ``btcusdt@depth@100ms``."""
    symbol, _, rest = stream.partition("@")
    kind = rest.partition("@")[0]
    return f"{symbol}@{kind}"


def _is_steady(key: str) -> bool:
    return key.partition("@")[2].startswith(STEADY)


class _Line:
    """One stream that somebody wants to hear."""

    __slots__ = ("apart", "heard_ns", "next_ns", "reported")

    def __init__(self, now_ns: int) -> None:
        self.heard_ns = now_ns
        self.next_ns = 0
        self.apart = 1
        self.reported: VenueEventKind | None = None


class Finding(NamedTuple):
    """A stream that is silent and whose connection should be renewed."""

    stream: str
    age_sec: float


class StreamWatch:
    """
    Finds the streams of one connection that have fallen silent, also when the socket stays open.

    A silence is an alarm and a new connection. It trips nothing at first, because the gate denies
    new risk on old prices anyway; three times as long it trips REDUCING: then this is no hiccup,
    the venue or the line is in trouble, and prices that come back do not prove the end of it. A
    steady stream is judged by itself, all others by whether anything at all comes.

    Parameters
    ----------
    name : str
        Of the connection, for the alarms.
    silence_sec_max : int
        The longest silence (> 0).
    now_ns : Callable
        Unix nanoseconds.
    tell : Callable
        Told of silences, and of their end.

    """

    def __init__(
        self,
        name: str,
        *,
        silence_sec_max: int,
        now_ns: Callable[[], int],
        tell: Callable[[VenueEvent], None],
    ) -> None:
        self.name = name
        self._max_ns = silence_sec_max * NS_PER_SEC
        self._now_ns = now_ns
        self._tell = tell
        self._lines: dict[str, _Line] = {}
        self._line_of: dict[str, _Line | None] = {}
        self._all = _Line(0)

    def want(self, streams: Iterable[str]) -> None:
        """Take note of what is subscribed now."""
        now = self._now_ns()
        wanted = {key_of(stream) for stream in streams}
        if not self._lines:
            self._all = _Line(now)
        self._lines = {key: self._lines.get(key) or _Line(now) for key in sorted(wanted)}
        self._line_of.clear()

    def heard(self, stream: str) -> None:
        """Take note of a message."""
        now = self._now_ns()
        if stream not in self._line_of:
            self._line_of[stream] = self._lines.get(key_of(stream))
        line = self._line_of[stream]
        for spoken, what in ((self._all, "anything"), (line, stream)):
            if spoken is not None:
                if spoken.reported is not None:
                    self._back(spoken, what, now)
                spoken.heard_ns = now

    def ages_sec(self) -> dict[str, float]:
        """Return how long each steady stream has been silent, seconds."""
        now = self._now_ns()
        return {
            key: (now - line.heard_ns) / NS_PER_SEC
            for key, line in self._lines.items()
            if _is_steady(key)
        }

    def look(self) -> Finding | None:
        """Raise the alarms that are due; return a stream for which to renew the connection now."""
        if not self._lines:
            return None
        now = self._now_ns()
        lines = [("anything", self._all)]
        lines += [(key, line) for key, line in self._lines.items() if _is_steady(key)]
        findings = [self._look_at(key, line, now) for key, line in lines]
        return next((finding for finding in findings if finding is not None), None)

    def _look_at(self, stream: str, line: _Line, now: int) -> Finding | None:
        age_ns = now - line.heard_ns
        if age_ns <= self._max_ns:
            return None
        is_lost = age_ns > LOST_AFTER * self._max_ns
        kind = VenueEventKind.FEED_LOST if is_lost else VenueEventKind.FEED_SILENT
        if line.reported is not kind:
            line.reported = kind
            self._say(kind, stream, age_ns, now)
        if now < line.next_ns:
            return None
        line.next_ns = now + line.apart * self._max_ns
        line.apart = min(line.apart * 2, RENEWALS_APART_MAX)
        return Finding(stream, age_ns / NS_PER_SEC)

    def _back(self, line: _Line, stream: str, now: int) -> None:
        age_ns = now - line.heard_ns
        line.reported, line.next_ns, line.apart = None, 0, 1
        self._say(VenueEventKind.FEED_BACK, stream, age_ns, now)

    def _say(self, kind: VenueEventKind, stream: str, age_ns: int, now: int) -> None:
        observed = f"{stream} on {self.name} silent for {age_ns / NS_PER_SEC:.1f} s"
        factor = LOST_AFTER if kind is VenueEventKind.FEED_LOST else 1
        limit = f"{factor * self._max_ns / NS_PER_SEC:.0f} s"
        self._tell(VenueEvent(kind, observed, limit, now))
