"""Every position had its stop, for all of it, in time."""

from dataclasses import dataclass
from decimal import Decimal

from venue.checkers.log import Breach
from venue.checkers.replay import Book, replay
from venue.checkers.run import Run, Verdict


@dataclass(slots=True)
class Episode:
    """
    A position from its first fill to its last; times in milliseconds.

    ``bare_ms`` is how long it was not covered in all, ``bare_ms_max`` how long at once.
    """

    symbol: str
    line: int
    start_ms: int
    bare_since_ms: int | None
    bare_ms: int = 0
    bare_ms_max: int = 0

    def cover(self, now_ms: int) -> None:
        """End a time without cover, if there is one."""
        if self.bare_since_ms is not None:
            bare_ms = now_ms - self.bare_since_ms
            self.bare_ms += bare_ms
            self.bare_ms_max = max(self.bare_ms_max, bare_ms)
            self.bare_since_ms = None


def check_protection(run: Run) -> Verdict:
    """Measure for each position how long its reduce-only stops did not cover all of it."""
    episodes = episodes_of(run)
    breaches = [
        Breach(
            episode.line,
            f"{episode.symbol}: without a full stop for {episode.bare_ms_max / 1000:.3f} s at once, "
            f"{episode.bare_ms / 1000:.3f} s in all, limit {run.unprotected_ms_max / 1000:g} s",
        )
        for episode in episodes
        if episode.bare_ms_max > run.unprotected_ms_max
    ]
    longest = max((episode.bare_ms_max for episode in episodes), default=0)
    in_all = sum(episode.bare_ms for episode in episodes)
    figures = {
        "positions": str(len(episodes)),
        "unprotected longest": f"{longest / 1000:.3f} s",
        "unprotected in all": f"{in_all / 1000:.3f} s",
    }
    return Verdict(breaches, figures)


def episodes_of(run: Run) -> list[Episode]:
    """Return the positions of a run, in the order in which they began."""
    found: list[Episode] = []
    open_now: dict[str, Episode] = {}
    now_ms = 0
    for line, book in replay(run.log):
        now_ms = max(now_ms, line["ts"])
        for symbol in list(book.positions):
            _follow(symbol, book, line["n"], now_ms, open_now, found)
    for episode in open_now.values():
        episode.cover(now_ms)
    return found


def _follow(
    symbol: str,
    book: Book,
    number: int,
    now_ms: int,
    open_now: dict[str, Episode],
    found: list[Episode],
) -> None:
    amt, episode = book.amt(symbol), open_now.get(symbol)
    if amt == 0:
        if episode is not None:
            episode.cover(now_ms)
            del open_now[symbol]
        return
    if episode is None:
        episode = open_now[symbol] = Episode(symbol, number, now_ms, None)
        found.append(episode)
    if _is_covered(book, symbol, amt):
        episode.cover(now_ms)
    elif episode.bare_since_ms is None:
        episode.bare_since_ms = now_ms


def _is_covered(book: Book, symbol: str, amt: Decimal) -> bool:
    return book.covered_qty(symbol) >= abs(amt)
