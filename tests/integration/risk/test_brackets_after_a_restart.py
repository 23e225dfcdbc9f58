"""A node that was killed comes back to brackets as the venue has them, and covers what is open."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.attacks.scene import BUY
from tests.bracket_rig import Rig

FULL = Decimal("0.100")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """An entry that the venue has accepted and not filled, and its children."""
    rig = Rig(tmp_path)
    rig.enter(BUY, target=True)
    rig.serve()
    rig.hear()
    return rig


def protected(rig: Rig) -> tuple[list[Decimal], list[Decimal]]:
    return [stop.leaves for stop in rig.stops], [target.leaves for target in rig.targets]


def test_killed_before_the_entry_filled_it_holds_the_children_again(rig: Rig) -> None:
    stop_id = rig.strategy._trade.stop.client_order_id
    again = rig.kill()
    assert not again.client.asked

    again.fill(again.entries[0], FULL)
    again.settle()

    assert protected(again) == ([FULL], [FULL])
    assert again.stops[0].order.client_order_id == stop_id


def test_killed_between_the_fill_and_the_stop_it_sends_the_stop(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)

    again = rig.kill()
    again.settle()

    assert protected(again) == ([FULL], [FULL])
    assert again.position == FULL


def test_killed_after_the_stop_was_sent_and_lost_it_sends_another_one(rig: Rig) -> None:
    stop_id = rig.strategy._trade.stop.client_order_id
    rig.fill(rig.entries[0], FULL)
    rig.hear()

    again = rig.kill()
    again.settle()

    assert [stop.qty for stop in again.stops] == [FULL]
    assert again.stops[0].order.client_order_id.value == f"{stop_id}r1"


def test_killed_with_everything_in_place_it_leaves_it_so(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    rig.settle()

    again = rig.kill()
    asked = list(again.client.asked)
    again.settle()

    assert asked == []
    assert protected(again) == ([FULL], [FULL])
    assert not again.strategy.is_idle


def test_killed_half_filled_it_covers_what_filled_meanwhile(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.040"))
    rig.settle()
    rig.fill(rig.entries[0], Decimal("0.030"))

    again = rig.kill()
    again.settle()

    assert sum(stop.leaves for stop in again.stops) == again.position == Decimal("0.070")


def test_a_stop_that_filled_while_nobody_looked_ends_the_trade(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    rig.settle()
    rig.fill(rig.stops[0], FULL)

    again = rig.kill()
    again.settle()

    assert again.position == 0
    assert again.unclosed() == []
    assert again.strategy.is_idle


def test_a_second_stop_for_the_same_position_is_canceled(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    rig.settle()
    tighter = Decimal(49_700)
    assert rig.strategy.tighten_stop(tighter)
    rig.serve()
    assert len(rig.stops) == 2

    again = rig.kill()
    again.settle()

    (stop,) = again.stops
    assert (stop.leaves, stop.order.trigger_price.as_decimal()) == (FULL, tighter)


def test_a_stop_that_was_tightened_and_lost_comes_back_as_tight(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    rig.settle()
    tighter = Decimal(49_700)
    rig.strategy.tighten_stop(tighter)
    rig.settle()
    rig.end(rig.stops[0])

    again = rig.kill()
    again.settle()

    (stop,) = again.stops
    assert stop.order.trigger_price.as_decimal() == tighter


def test_a_second_restart_changes_nothing(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    again = rig.kill()
    again.settle()

    third = again.kill()
    third.settle()

    assert protected(third) == ([FULL], [FULL])


def test_a_position_that_the_journal_does_not_know_is_told_and_left_alone(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    rig.settle()
    (rig.folder / "journal.jsonl").unlink()
    rig.close()
    rig.record.journal.path.write_text("")
    for order in (*rig.stops, *rig.targets):
        order.is_working = False

    again = rig.kill()

    assert [text.split(":")[0] for _, text in again.gate.judge.alarms] == ["POSITION_UNKNOWN"]


@pytest.mark.parametrize("is_filled", [False, True])
def test_an_entry_that_never_filled_is_forgotten(rig: Rig, is_filled: bool) -> None:
    rig.end(rig.entries[0])
    rig.settle()
    rig.enter(BUY, target=False)
    rig.answer_all()
    if is_filled:
        rig.fill(rig.entries[0], FULL)

    again = rig.kill()
    again.settle()

    assert sum(stop.leaves for stop in again.stops) == again.position
    if not is_filled:
        again.end(again.entries[0])
        again.settle()
        assert again.unclosed() == []
