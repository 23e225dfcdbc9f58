"""Plain lines: one an event, denials counted once a reason and minute, a heartbeat each 30 s."""

import io

import pytest
from rich.console import Console

from actors.notices import Notice
from ops.plain import PlainLines
from tests.ops_kit import SECOND, T0, health, naked, notice, position, snapshot, use


class Lines:
    """What a run prints, told second by second."""

    def __init__(self):
        self._file = io.StringIO()
        self._plain = PlainLines(Console(file=self._file, width=80))

    def show(self, *notices: Notice, at: int = 0, **more) -> list[str]:
        """Return the lines that a look *at* seconds after T0 adds."""
        shown = snapshot(ts_ns=T0 + at * SECOND, **more)
        return self._added(lambda: self._plain.show(shown, list(notices)))

    def finish(self, *notices: Notice, at: int = 0) -> list[str]:
        shown = snapshot(ts_ns=T0 + at * SECOND)
        return self._added(lambda: self._plain.finish(shown, list(notices)))

    def _added(self, act) -> list[str]:
        before = len(self._file.getvalue())
        act()
        return self._file.getvalue()[before:].splitlines()


@pytest.fixture
def lines():
    return Lines()


def denied(reason: str, at: float) -> Notice:
    return notice("DENIED", f"{reason}: observed=1, limit=0", at=at, group=reason)


def test_an_event_is_one_line_however_long(lines):
    lines.show()

    (line,) = lines.show(notice("FILL", "x" * 200, at=1.5), at=2)

    assert line == "12:00:01 FILL     " + "x" * 200


def test_markup_in_a_text_is_text(lines):
    lines.show()

    (line,) = lines.show(notice("REJECTED", "[red]no[/red] :smile:"), at=1)

    assert line.endswith("[red]no[/red] :smile:")


def test_denials_of_a_reason_are_written_once_a_minute_with_their_number(lines):
    assert len(lines.show(denied("A", 0), denied("A", 1), denied("B", 2))) == 3  # and a heartbeat
    assert lines.show(denied("A", 29.0), at=29) == []
    assert lines.show(denied("A", 59.9), at=59)[1:] == []

    over = lines.show(at=60)
    again = lines.show(denied("A", 61), at=61)

    assert [line.split(maxsplit=2)[2] for line in over if "DENIED" in line] == [
        "A: 3 more within the minute; last: A: observed=1, limit=0"
    ]
    assert [line.split()[:3] for line in again] == [["12:01:01", "DENIED", "A:"]]


def test_a_denial_just_when_the_minute_is_over_begins_a_new_one(lines):
    lines.show(denied("A", 0), denied("A", 1))

    told = lines.show(denied("A", 59.999), denied("A", 60), at=61)

    assert [line.split(maxsplit=2)[2] for line in told if "DENIED" in line] == [
        "A: 2 more within the minute; last: A: observed=1, limit=0",
        "A: observed=1, limit=0",
    ]


def test_a_heartbeat_is_written_every_thirty_seconds(lines):
    beats = [second for second in range(91) for line in lines.show(at=second) if "BEAT" in line]

    assert beats == [0, 30, 60, 90]


def test_a_heartbeat_says_what_matters(lines):
    (line,) = lines.show(positions=(position(), naked()), denials_total=4)

    assert line == (
        "12:00:00 BEAT     ACTIVE; equity 100,006.60 USDT; "
        "BTCUSDT +0.1 +6.60 USDT covered, BTCUSDT +0.1 +6.60 USDT NAKED for 3.2s; "
        "BTCUSDT 94% of its cap; 1 orders; 4 denied; 2 connections up, oldest price 0.8s"
    )


def test_a_heartbeat_that_knows_nothing_says_so(lines):
    (line,) = lines.show(
        equity_usdt=None,
        positions=(),
        exposure=(use("leverage_max", 1, None),),
        health=health(clients=()),
        error="ValueError('x')",
        hold="VENUE_RATE_LIMITED: observed=429, limit=200",
    )

    assert "ACTIVE; new risk waits: VENUE_RATE_LIMITED: observed=429, limit=200; equity" in line
    assert "equity unknown USDT; flat; caps unknown" in line
    assert "connection unknown" in line
    assert line.endswith("STATUS FAILED: ValueError('x')")


def test_the_end_writes_what_is_still_counted_and_a_last_heartbeat(lines):
    lines.show(denied("A", 0), denied("A", 1))

    left = lines.finish(notice("EXIT", "flat", at=2), at=3)

    assert [line.split()[1] for line in left] == ["EXIT", "BEAT", "DENIED"]
