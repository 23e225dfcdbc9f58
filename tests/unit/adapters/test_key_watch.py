"""A key that the venue refuses is told once; a refusal that is answered by a success is not."""

import pytest

from adapters.key_watch import KeyWatch
from risk.events import Reaction, VenueEventKind


@pytest.fixture
def told():
    return []


@pytest.fixture
def watch(told):
    return KeyWatch(lambda: 7, told.append)


@pytest.mark.parametrize("code", [-1002, -1022, -2014, -2015])
def test_the_third_refusal_in_a_row_is_told_and_no_other(watch, told, code):
    counts = []
    for _ in range(5):
        watch.answered(code)
        counts.append(len(told))

    assert counts == [0, 0, 1, 1, 1]
    assert (told[0].kind, told[0].ts_event) == (VenueEventKind.KEY_REFUSED, 7)
    assert told[0].text == f"KEY_REFUSED: observed={code} for 3 requests, limit=a key that is taken"


@pytest.mark.parametrize("between", [None, -2019, -1021, -1003])
def test_an_answer_to_a_key_that_was_taken_begins_the_count_again(watch, told, between):
    for code in (-2015, -2015, between, -2015, -2015):
        watch.answered(code)

    assert told == []


def test_a_key_that_is_refused_again_after_it_was_taken_is_told_again(watch, told):
    for code in (-2015, -2015, -2015, None, -2015, -2015, -2015):
        watch.answered(code)

    assert len(told) == 2


def test_a_refused_key_halts_trading():
    assert VenueEventKind.KEY_REFUSED.reaction is Reaction.HALTED
