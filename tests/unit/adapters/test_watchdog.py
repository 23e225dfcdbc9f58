"""The watch over streams: what counts as silence, what is told, and what is connected anew."""

from itertools import pairwise

import pytest

from adapters.watchdog import StreamWatch
from risk.events import VenueEventKind

SECOND = 1_000_000_000
T0 = 1_735_689_600 * SECOND
QUOTES, TRADES = "btcusdt@bookTicker", "btcusdt@aggTrade"
SILENT, LOST, BACK = (
    VenueEventKind.FEED_SILENT,
    VenueEventKind.FEED_LOST,
    VenueEventKind.FEED_BACK,
)


class Line:
    """A watch with a limit of 10 seconds, and the clock that it looks at."""

    def __init__(self, *streams: str) -> None:
        self.now = T0
        self.told = []
        self.watch = StreamWatch(
            "public", silence_sec_max=10, now_ns=lambda: self.now, tell=self.told.append
        )
        self.watch.want(streams)

    def after(self, seconds: float, *heard: str) -> str | None:
        """Let time pass and *heard* speak; return the stream that is to be connected anew."""
        self.now += int(seconds * SECOND)
        for stream in heard:
            self.watch.heard(stream)
        finding = self.watch.look()
        return None if finding is None else finding.stream

    def kinds(self) -> list[VenueEventKind]:
        return [event.kind for event in self.told]


def test_silence_up_to_the_limit_is_none_and_a_moment_longer_is_one():
    line = Line(QUOTES)

    assert line.after(10) is None
    assert line.after(1e-9) == "anything"
    assert line.kinds() == [SILENT, SILENT]


def test_the_alarm_names_stream_connection_and_age():
    line = Line(QUOTES, "btcusdt@markPrice@1s")

    line.after(11, "btcusdt@markPrice@1s")

    (event,) = line.told
    assert event.text == (
        "FEED_SILENT: observed=btcusdt@bookTicker on public silent for 11.0 s, limit=10 s"
    )


def test_one_steady_stream_that_is_silent_among_others_that_speak_is_found():
    line = Line(QUOTES, TRADES)

    assert line.after(11, TRADES) == QUOTES


@pytest.mark.parametrize("stream", [TRADES, "btcusdt@kline_1m"])
def test_trades_and_bars_may_rest_while_anything_else_speaks(stream):
    line = Line(QUOTES, stream)

    assert line.after(1_000, QUOTES) is None
    assert line.told == []


def test_a_connection_on_which_only_trades_are_wanted_is_still_watched():
    line = Line(TRADES)

    assert line.after(11) == "anything"


def test_a_silence_is_told_once_and_three_times_as_long_it_is_told_as_lost():
    line = Line(QUOTES)
    for _ in range(30):
        line.after(1)
    assert line.kinds() == [SILENT, SILENT]

    line.after(1)

    assert line.kinds() == [SILENT, SILENT, LOST, LOST]
    assert "limit=30 s" in line.told[-1].text


def test_a_stream_that_speaks_again_is_told_to_be_back_and_may_fall_silent_anew():
    line = Line(QUOTES)
    line.after(11)

    line.after(1, QUOTES)
    line.after(11)

    assert line.kinds() == [SILENT, SILENT, BACK, BACK, SILENT, SILENT]


def test_connections_are_renewed_ever_further_apart_while_nothing_helps():
    line = Line(QUOTES, TRADES)
    renewed = [i for i in range(400) if line.after(1, TRADES)]

    gaps = [b - a for a, b in pairwise(renewed)]
    assert gaps == [10, 20, 40, 80, 100, 100]


def test_a_new_subscription_has_the_whole_limit_before_it():
    line = Line(QUOTES)
    line.after(9, QUOTES)

    line.watch.want([QUOTES, "ethusdt@bookTicker"])

    assert line.after(9, QUOTES) is None
    assert line.after(2, QUOTES) == "ethusdt@bookTicker"


def test_what_is_wanted_no_more_may_rest():
    line = Line(QUOTES, TRADES)

    line.watch.want([TRADES])

    assert line.after(11, TRADES) is None


def test_nothing_is_watched_before_anything_is_wanted():
    line = Line()

    assert line.after(1_000) is None
    assert line.told == []


def test_a_book_counts_under_whatever_speed_it_was_asked_for():
    line = Line("btcusdt@depth@100ms")

    line.after(9, "btcusdt@depth")

    assert line.watch.ages_sec() == {"btcusdt@depth": 0}
