"""A child that is held can neither be sent, amended nor taken away behind the gate's back."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, ModifyOrder, QueryOrder, SubmitOrder
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order

from risk.gate import ENDPOINT
from tests.attacks.scene import BUY
from tests.bracket_rig import SECOND_NS, TRADER, Rig

FULL = Decimal("0.100")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An entry that the venue has accepted and not filled, and its children."""
    rig = Rig(tmp_path)
    rig.enter(BUY, target=True)
    rig.serve()
    rig.hear()
    yield rig
    rig.close()


def orders(rig: Rig) -> list[Order]:
    return sorted(rig.cache.orders(), key=lambda order: order.client_order_id.value)


def head(order: Order) -> dict:
    return {
        "trader_id": TRADER,
        "strategy_id": order.strategy_id,
        "command_id": UUID4(),
        "ts_init": 0,
    }


def name(order: Order) -> dict:
    return {
        "instrument_id": order.instrument_id, "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
    }  # fmt: skip


def denials(rig: Rig) -> list[str]:
    return [row["reason"] for row in rig.record.denials]


def test_the_venue_is_told_of_the_entry_alone(rig: Rig) -> None:
    entry, stop, target = orders(rig)

    assert list(rig.orders) == [entry.client_order_id.value]
    assert stop.status == target.status == OrderStatus.INITIALIZED


def test_a_held_stop_that_is_sent_by_hand_stays_held(rig: Rig) -> None:
    _, stop, _ = orders(rig)

    rig.bus.send(ENDPOINT, SubmitOrder(order=stop, **head(stop)))

    assert not rig.client.asked
    assert denials(rig) == ["ORDER_ID_DUPLICATE"]
    assert stop.status == OrderStatus.INITIALIZED


def test_a_held_stop_cannot_be_amended(rig: Rig) -> None:
    _, stop, _ = orders(rig)
    looser = Price.from_str("1.0")

    rig.bus.send(
        ENDPOINT,
        ModifyOrder(quantity=None, price=None, trigger_price=looser, **head(stop), **name(stop)),
    )

    assert not rig.client.asked
    assert denials(rig) == ["ORDER_HELD"]


def test_a_held_stop_cannot_be_canceled_while_its_entry_works(rig: Rig) -> None:
    _, stop, _ = orders(rig)

    rig.bus.send(ENDPOINT, CancelOrder(**head(stop), **name(stop)))

    assert denials(rig) == ["STOP_LOSS_REQUIRED"]
    assert stop.status == OrderStatus.INITIALIZED


def test_a_held_target_is_canceled_here(rig: Rig) -> None:
    _, _, target = orders(rig)

    rig.bus.send(ENDPOINT, CancelOrder(**head(target), **name(target)))

    assert not rig.client.asked
    assert target.status == OrderStatus.CANCELED


def test_a_held_order_is_not_asked_for_at_the_venue(rig: Rig) -> None:
    _, stop, _ = orders(rig)

    rig.bus.send(ENDPOINT, QueryOrder(**head(stop), **name(stop)))

    assert not rig.client.asked


def pass_time(rig: Rig, ns: int) -> None:
    rig.clock.set_time(rig.clock.timestamp_ns() + ns)
    rig.gate.brackets.on_tick()


def test_the_stop_of_an_entry_of_which_nothing_is_heard_for_a_second_goes_out(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)  # and nobody tells
    pass_time(rig, SECOND_NS - 1)
    assert not rig.client.asked

    pass_time(rig, 1)
    rig.serve()

    assert [stop.leaves for stop in rig.stops] == [FULL]
    assert rig.targets == []


def test_such_a_stop_covers_what_is_told_late(rig: Rig) -> None:
    rig.fill(rig.entries[0], FULL)
    pass_time(rig, SECOND_NS)
    rig.settle()

    assert [stop.leaves for stop in rig.stops] == [FULL]
    assert [target.leaves for target in rig.targets] == [FULL]


def test_such_a_stop_goes_with_an_entry_that_never_filled(rig: Rig) -> None:
    pass_time(rig, SECOND_NS)
    rig.end(rig.entries[0])
    rig.settle()

    assert rig.unclosed() == []
    assert rig.strategy.is_idle


def test_one_that_was_refused_then_is_placed_anew_when_the_fill_is_told(rig: Rig) -> None:
    pass_time(rig, SECOND_NS)
    rig.answer_all()  # the venue takes no stop for no position
    assert rig.stops == []

    rig.fill(rig.entries[0], FULL)
    rig.answer_all()

    assert [stop.leaves for stop in rig.stops] == [FULL]


def test_an_entry_of_which_something_was_heard_gets_a_stop_for_that_alone(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.040"))
    rig.answer_all()
    pass_time(rig, SECOND_NS)
    rig.answer_all()

    assert [stop.leaves for stop in rig.stops] == [Decimal("0.040")]


def test_children_end_with_an_entry_that_never_filled(rig: Rig) -> None:
    rig.end(rig.entries[0])

    rig.answer_all()

    assert {order.status for order in orders(rig)} == {OrderStatus.CANCELED}
    assert rig.strategy.is_idle
    assert rig.strategy.rests == 1


def test_children_end_with_an_entry_that_is_rejected(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.enter(BUY, target=True)

    rig.serve(refuse=True)
    rig.settle()

    assert [order.status for order in orders(rig)] == [
        OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.CANCELED,
    ]  # fmt: skip
    assert rig.strategy.is_idle
    rig.close()


def test_children_cover_what_was_filled_before_the_entry_was_canceled(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.040"))
    rig.end(rig.entries[0])

    rig.settle()

    assert [o.qty for o in (*rig.stops, *rig.targets)] == [Decimal("0.040")] * 2


def test_fills_that_come_while_the_stop_is_on_its_way_are_added_at_once(rig: Rig) -> None:
    entry = rig.entries[0]
    for _ in range(3):
        rig.fill(entry, Decimal("0.010"))
    for _ in range(3):
        rig.hear()

    sent = [command.order.quantity for command in rig.client.asked]
    rig.settle()

    assert sent == [Decimal("0.010")]
    (stop,) = rig.stops
    assert stop.qty == Decimal("0.030")


def test_a_stop_that_is_refused_is_tried_again_under_another_id(rig: Rig) -> None:
    _, first, _ = orders(rig)
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.hear()

    rig.serve(refuse=True)
    rig.settle()

    (stop,) = rig.stops
    assert stop.order.client_order_id.value == f"{first.client_order_id}r1"
    assert (stop.qty, stop.order.trigger_price) == (Decimal("0.100"), first.trigger_price)
    assert rig.position == Decimal("0.100")


def test_a_position_whose_stop_is_refused_three_times_is_closed(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.hear()

    for _ in range(3):
        rig.serve(refuse=True)
        rig.hear()
    rig.settle()

    assert rig.position == 0
    assert rig.strategy.is_idle
    alarms = [text for _, text in rig.gate.judge.alarms]
    assert len(alarms) == 1
    assert alarms[0].startswith("STOP_NOT_PLACED: observed=3 refusals for 0.100 of 0.100")


def test_a_stop_that_must_not_grow_gets_a_second_one_beside_it(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.040"))
    while rig.client.asked or rig.said:
        rig.serve()
        rig.hear()
    rig.fill(rig.entries[0], Decimal("0.060"))
    rig.hear()

    rig.serve(refuse=True)
    rig.settle()

    assert sorted(stop.qty for stop in rig.stops) == [Decimal("0.040"), Decimal("0.060")]
    assert rig.strategy.position is not None
    assert rig.strategy.denials == {"OrderModifyRejected": 1}


def test_a_stop_that_the_venue_takes_away_is_replaced(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.settle()

    rig.end(rig.stops[0])
    rig.settle()

    assert [stop.qty for stop in rig.stops] == [Decimal("0.100")]


def test_a_stop_that_is_not_answered_gets_a_second_one_beside_it(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.hear()
    lost = rig.client.asked.popleft()  # nobody will ever know

    placed = []
    for _ in range(8):
        rig.tick()
        placed.append(len(rig.client.asked))

    assert placed == [1, 1, 2, 2, 2, 2, 3, 3]  # after one second, two more, four more
    first = lost.order.client_order_id
    assert [command.order.client_order_id.value for command in rig.client.asked] == [
        f"{first}r{number}" for number in (1, 2, 3)
    ]
    assert {command.order.quantity.as_decimal() for command in rig.client.asked} == {
        Decimal("0.100")
    }


def test_of_two_stops_the_one_in_doubt_ends_with_the_position(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.hear()
    rig.serve()
    late = rig.said.popleft()  # taken, and its answer is on the way for long
    rig.tick()
    rig.answer_all()
    assert [stop.qty for stop in rig.stops] == [Decimal("0.100"), Decimal("0.100")]

    rig.said.append(late)
    rig.fill(rig.stops[0], Decimal("0.100"))
    rig.settle()

    assert (rig.position, rig.stops, rig.unclosed()) == (0, [], [])


def test_a_late_fill_of_a_canceled_entry_gets_a_stop(rig: Rig) -> None:
    entry = rig.entries[0]
    rig.end(entry)
    rig.settle()

    rig.fill(entry, Decimal("0.020"))
    rig.settle()

    assert [stop.qty for stop in rig.stops] == [Decimal("0.020")]


def test_what_is_left_is_canceled_before_time_passes(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.answer_all()

    rig.fill(rig.stops[0], Decimal("0.100"))
    rig.hear()

    (command,) = rig.client.asked
    assert command.client_order_id == rig.targets[0].order.client_order_id


def test_the_rest_of_an_entry_is_canceled_when_its_stop_is_used_up(rig: Rig) -> None:
    entry = rig.entries[0]
    rig.fill(entry, Decimal("0.040"))
    rig.answer_all()

    rig.fill(rig.stops[0], Decimal("0.040"))
    rig.answer_all()

    assert not entry.is_working
    assert rig.unclosed() == []


def test_the_stop_stays_while_the_target_has_filled_in_part(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.answer_all()

    rig.fill(rig.targets[0], Decimal("0.030"))
    rig.settle()

    assert rig.stops[0].leaves >= rig.position == Decimal("0.070")


def test_an_exit_that_overtakes_the_stop_leaves_nothing_behind(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.hear()
    rig.strategy.exit()

    assert [type(command).__name__ for command in rig.client.asked] == ["SubmitOrder"] * 2
    rig.settle()

    assert rig.position == 0
    assert rig.unclosed() == []


def test_a_refused_cancel_is_tried_again_a_second_later(rig: Rig) -> None:
    rig.fill(rig.entries[0], Decimal("0.100"))
    rig.answer_all()
    rig.fill(rig.stops[0], Decimal("0.100"))
    rig.hear()

    rig.serve(refuse=True)
    rig.hear()
    assert not rig.client.asked
    rig.gate.brackets.on_tick()

    assert len(rig.client.asked) == 1
