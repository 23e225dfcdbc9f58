"""Every position had its stop, for all of it, in time."""

from dataclasses import dataclass

from venue.checkers.log import Breach, Line
from venue.checkers.replay import replay
from venue.checkers.run import Run, Verdict

# What the venue does while nobody can place a stop or close a position; of one symbol or of all.
_CLOSED = frozenset({"freeze", "outage", "orders_forbidden"})
_CLOSED_SYMBOL = frozenset({"trading_halt", "market_unfilled"})
_REDUCING_ALONE = "-4087"  # forbids nothing that protects


@dataclass(slots=True)
class Episode:
    """
    A position from its first fill to its last; times in milliseconds.

    ``bare_ms`` is how long it was not covered in all, ``bare_ms_max`` how long at once; times when
    the venue was closed do not count.
    """

    symbol: str
    line: int
    start_ms: int
    seen_ms: int
    is_bare: bool = False
    excused_until_ms: int = 0
    untold: int = 0  # the line that took the cover away and was not told
    bare_now_ms: int = 0
    bare_ms: int = 0
    bare_ms_max: int = 0

    def wait(self, now_ms: int, *, is_closed: bool) -> None:
        """Let time pass."""
        since_ms = max(self.seen_ms, min(self.excused_until_ms, now_ms))
        if self.is_bare and not is_closed:
            self.bare_now_ms += now_ms - since_ms
            self.bare_ms += now_ms - since_ms
            self.bare_ms_max = max(self.bare_ms_max, self.bare_now_ms)
        self.seen_ms = now_ms

    def judge(self, line: Line, *, is_bare: bool, reconcile_ms: int) -> None:
        """Take whether it is covered from now on, and whether the node can know it."""
        if is_bare and not self.is_bare and not _is_told(line):
            self.untold, self.excused_until_ms = line["n"], self.seen_ms + reconcile_ms
        elif line["kind"] == "delivery" and line["of"] == self.untold and line["sent"]:
            self.excused_until_ms = min(self.excused_until_ms, self.seen_ms)
        self.is_bare = is_bare
        if not is_bare:
            self.bare_now_ms = 0


class _Closures:
    """When the venue takes no order at all, as the log tells its faults."""

    def __init__(self) -> None:
        self._lasting: list[tuple[str, str]] = []  # fault, symbol (empty: all)

    def take(self, line: Line) -> None:
        if line["kind"] != "fault" or line["name"] not in _CLOSED | _CLOSED_SYMBOL:
            return
        name, detail = line["name"], line["detail"]
        if detail == "over":
            first = next((lasting for lasting in self._lasting if lasting[0] == name), None)
            if first is not None:
                self._lasting.remove(first)
        elif name in _CLOSED_SYMBOL:
            self._lasting.append((name, detail.partition(":")[0]))
        elif not detail.endswith(_REDUCING_ALONE) and detail not in ("True", "False"):
            self._lasting.append((name, ""))

    def hold(self, symbol: str) -> bool:
        return any(lasting in ("", symbol) for _, lasting in self._lasting)


def check_protection(run: Run) -> Verdict:
    """
    Measure for each position how long its reduce-only stops did not cover all of it.

    While the venue answers nobody, or refuses stops and exits alike, nobody can do anything about it:
    that time does not count, and what was left of the time allowed goes on afterwards. A fill or the
    end of a stop that the venue did not tell is found when the node next compares itself with it.
    """
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
    spells = sorted(episode.bare_ms_max for episode in episodes)
    figures = {
        "positions": str(len(episodes)),
        "unprotected p50": f"{_percentile(spells, 50) / 1000:.3f} s",
        "unprotected p99": f"{_percentile(spells, 99) / 1000:.3f} s",
        "unprotected longest": f"{longest / 1000:.3f} s",
        "unprotected in all": f"{in_all / 1000:.3f} s",
    }
    return Verdict(breaches, figures)


def _percentile(ordered: list[int], percent: int) -> int:
    """Return the smallest value that at least *percent* of them do not pass (nearest rank); 0: none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0


def episodes_of(run: Run) -> list[Episode]:
    """Return the positions of a run, in the order in which they began."""
    found: list[Episode] = []
    open_now: dict[str, Episode] = {}
    closures, now_ms = _Closures(), 0
    for line, book in replay(run.log):
        now_ms = max(now_ms, line["ts"])
        for episode in open_now.values():
            episode.wait(now_ms, is_closed=closures.hold(episode.symbol))
        closures.take(line)
        for symbol in list(book.positions):
            amt = book.amt(symbol)
            if amt == 0:
                open_now.pop(symbol, None)
                continue
            if symbol not in open_now:
                open_now[symbol] = Episode(symbol, line["n"], now_ms, now_ms)
                found.append(open_now[symbol])
            open_now[symbol].judge(
                line,
                is_bare=book.covered_qty(symbol) < abs(amt),
                reconcile_ms=run.reconcile_ms,
            )
    return found


def _is_told(line: Line) -> bool:
    """Return whether a line tells the node: neither the venue's word in the log nor a lost event does."""
    return line["kind"] == "event" and bool(line.get("sent", True))
