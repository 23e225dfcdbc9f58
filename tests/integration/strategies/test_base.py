"""The base of every strategy: entries carry stops, exits clean up, nothing gets stuck."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TradingState
from nautilus_trader.model.identifiers import InstrumentId

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig


class Scripted(ProtectedStrategy):
    """Do what the script says at the n-th quote."""

    def __init__(self, script: dict[int, Callable[[Any], Any]], **params: Any) -> None:
        super().__init__(
            ProtectedStrategyConfig(
                instrument_id=InstrumentId.from_str("BTCUSDT-PERP.BINANCE"),
                **{"trade_risk_usdt": Decimal(50), "trade_notional_usdt_max": Decimal(5_000)}
                | params,
            ),
        )
        self.script = script
        self.market: Any = None
        self.quotes = 0
        self.flats = 0
        self.returned: list[Any] = []

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.quotes += 1
        if self.quotes in self.script:
            self.returned.append(self.script[self.quotes](self))

    def on_flat(self) -> None:
        self.flats += 1


def buy(strategy: Scripted) -> bool:
    return strategy.enter(OrderSide.BUY, Decimal(50_000), Decimal(500), Decimal(1_000))


def sell(strategy: Scripted) -> bool:
    return strategy.enter(OrderSide.SELL, Decimal(50_000), Decimal(500), Decimal(1_000))


def set_state(state: TradingState) -> Callable[[Scripted], None]:
    def act(strategy: Scripted) -> None:
        strategy.market.engine.kernel.risk_engine.set_trading_state(state)

    return act


def both(*actions: Callable[[Scripted], Any]) -> Callable[[Scripted], list[Any]]:
    return lambda strategy: [action(strategy) for action in actions]


def tighten(trigger: int) -> Callable[[Scripted], bool]:
    return lambda strategy: strategy.tighten_stop(Decimal(trigger))


def working_stop(market: Any) -> Any:
    (stop,) = (order for order in market.cache.orders_open() if order.tags == ["STOP_LOSS"])
    return stop


def leave(strategy: Scripted) -> None:
    strategy.exit()


def test_an_entry_is_filled_with_its_stop_and_target_working(market, make_quotes):
    strategy = Scripted({1: buy}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 3))

    (position,) = market.cache.positions_open()
    stop = working_stop(market)
    (target,) = (order for order in market.cache.orders_open() if order is not stop)
    assert position.quantity == stop.quantity == target.quantity
    assert str(position.quantity) == "0.100"
    assert (str(stop.trigger_price), str(target.price)) == ("49500.0", "51000.0")
    assert stop.is_reduce_only
    assert target.is_reduce_only
    market.assert_always_protected()


@pytest.mark.parametrize(
    ("entry", "mids", "closer"),
    [
        (buy, [50_000.0, 50_000.0, 49_400.0, 49_400.0], "STOP_LOSS"),
        (buy, [50_000.0, 50_000.0, 51_100.0, 51_100.0], "TAKE_PROFIT"),
        (sell, [50_000.0, 50_000.0, 50_600.0, 50_600.0], "STOP_LOSS"),
        (sell, [50_000.0, 50_000.0, 48_900.0, 48_900.0], "TAKE_PROFIT"),
    ],
)
def test_the_stop_or_the_target_ends_the_trade_and_the_other_is_canceled(
    market, make_quotes, entry, mids, closer
):
    strategy = Scripted({1: entry})

    market.run(strategy, make_quotes(mids))

    assert market.filled() == ["ENTRY", closer]
    assert strategy.flats == 1
    market.assert_settled()


def test_an_exit_closes_reduce_only_before_the_leftovers_are_canceled(market, make_quotes):
    strategy = Scripted({1: buy, 3: leave})

    market.run(strategy, make_quotes([50_000.0] * 5))

    names = market.names()
    assert market.filled() == ["ENTRY", "EXIT"]
    assert names.index("OrderFilled:EXIT") < names.index("OrderCanceled:STOP_LOSS")
    assert "OrderCancelRejected:STOP_LOSS" not in names
    assert strategy.is_idle
    assert strategy.flats == 1
    market.assert_settled()


def test_stopping_closes_the_position_and_leaves_nothing(market, make_quotes):
    strategy = Scripted({1: buy})

    market.run(strategy, make_quotes([50_000.0] * 3))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_stopping_may_leave_the_position_with_its_stop_resting(market, make_quotes):
    strategy = Scripted({1: buy}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 3))

    (position,) = market.cache.positions_open()
    assert working_stop(market).leaves_qty == position.quantity


def test_an_entry_that_fills_in_parts_is_covered_in_full(market, make_quotes):
    strategy = Scripted({1: buy}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 3, ask_size=0.04))

    (position,) = market.cache.positions_open()
    assert market.filled() == ["ENTRY", "ENTRY"]
    assert str(position.quantity) == "0.100"
    assert working_stop(market).leaves_qty == position.quantity


def test_a_second_entry_is_not_sent_while_one_is_in_progress(market, make_quotes):
    strategy = Scripted({1: both(buy, buy), 2: buy})

    market.run(strategy, make_quotes([50_000.0] * 4))

    assert strategy.returned == [[True, False], False]
    assert market.filled() == ["ENTRY", "EXIT"]


def test_answers_that_come_late_change_nothing(slow_market, make_quotes):
    script = {1: buy, 2: buy, 5: both(leave, sell), 6: sell, 10: sell, 14: leave}
    strategy = Scripted(script)

    slow_market.run(strategy, make_quotes([50_000.0] * 20))

    assert strategy.returned[1] is False  # the first is on its way
    assert strategy.returned[3] is False  # the exit is on its way
    assert slow_market.filled() == ["ENTRY", "EXIT", "ENTRY", "EXIT"]
    slow_market.assert_always_protected()
    slow_market.assert_settled()


def test_an_entry_without_an_answer_is_canceled_by_an_exit(slow_market, make_quotes):
    strategy = Scripted({1: both(buy, leave)})

    slow_market.run(strategy, make_quotes([50_000.0] * 10))

    assert strategy.is_idle
    slow_market.assert_settled()


def test_a_denied_entry_leaves_the_strategy_ready_for_the_next(market, make_quotes):
    halt, resume = set_state(TradingState.HALTED), set_state(TradingState.ACTIVE)
    script = {1: both(halt, buy), 2: buy, 3: both(resume, buy)}
    strategy = Scripted(script)
    strategy.market = market

    market.run(strategy, make_quotes([50_000.0] * 5))

    assert market.names().count("OrderDenied:ENTRY") == 2
    assert market.filled() == ["ENTRY", "EXIT"]
    assert sum(strategy.denials.values()) == 6  # two lists of three orders
    assert len(strategy.denials) == 1
    market.assert_settled()


def test_a_denied_exit_is_tried_again_until_it_is_granted(market, make_quotes):
    halt, resume = set_state(TradingState.HALTED), set_state(TradingState.ACTIVE)
    strategy = Scripted({1: buy, 3: both(halt, leave), 6: resume})
    strategy.market = market

    market.run(strategy, make_quotes([50_000.0] * 9))

    assert 3 <= market.names().count("OrderDenied:EXIT") <= 4  # once a second, no storm
    assert market.filled() == ["ENTRY", "EXIT"]
    assert strategy.is_idle
    market.assert_settled()


def test_a_position_whose_stop_is_rejected_is_closed(market, make_quotes):
    def buy_far_below(strategy: Scripted) -> bool:
        # The market has fallen through the stop before the order gets there.
        return strategy.enter(OrderSide.BUY, Decimal(50_600), Decimal(500))

    strategy = Scripted({1: buy_far_below})

    market.run(strategy, make_quotes([50_000.0] * 4))

    assert "OrderRejected:STOP_LOSS" in market.names()
    assert set(strategy.denials) == {"OrderRejected"}  # a venue's own words carry prices
    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_a_position_whose_stop_is_canceled_from_outside_is_closed(market, make_quotes):
    def lose_stop(strategy: Scripted) -> None:
        strategy.cancel_order(working_stop(strategy.market))

    strategy = Scripted({1: buy, 3: lose_stop}, flatten_on_stop=False)
    strategy.market = market

    market.run(strategy, make_quotes([50_000.0] * 6))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_a_size_the_instrument_would_not_take_is_refused_and_counted(market, make_quotes):
    strategy = Scripted({1: buy, 2: buy}, trade_risk_usdt=Decimal("0.4"))

    market.run(strategy, make_quotes([50_000.0] * 4))

    assert strategy.returned == [False, False]
    assert strategy.denials == {"QUANTITY_BELOW_STEP": 2}
    assert market.events == []


def test_a_stop_or_target_that_is_no_price_is_refused(market, make_quotes):
    def stop_below_zero(strategy: Scripted) -> bool:
        return strategy.enter(OrderSide.BUY, Decimal(50_000), Decimal(50_000))

    def target_below_zero(strategy: Scripted) -> bool:
        return strategy.enter(OrderSide.SELL, Decimal(50_000), Decimal(500), Decimal(50_000))

    strategy = Scripted({1: stop_below_zero, 2: target_below_zero})

    market.run(strategy, make_quotes([50_000.0] * 4))

    assert strategy.returned == [False, False]
    assert strategy.denials == {"STOP_NOT_POSITIVE": 1, "TARGET_NOT_POSITIVE": 1}


def test_a_tighter_stop_is_accepted_before_the_old_one_is_canceled(market, make_quotes):
    strategy = Scripted({1: buy, 3: tighten(49_800)})

    market.run(strategy, make_quotes([50_000.0] * 5 + [49_790.0] * 2))

    names = market.names()
    first = names.index("OrderAccepted:STOP_LOSS")
    second = names.index("OrderAccepted:STOP_LOSS", first + 1)
    assert second < names.index("OrderCanceled:STOP_LOSS")
    assert "OrderCanceled:TAKE_PROFIT" not in names[: names.index("OrderFilled:STOP_LOSS")]
    assert market.filled() == ["ENTRY", "STOP_LOSS"]
    market.assert_settled()


@pytest.mark.parametrize(
    ("entry", "trigger", "is_sent"),
    [
        (buy, 49_499, False),
        (buy, 49_500, False),
        (buy, 49_501, True),
        (sell, 50_501, False),
        (sell, 50_500, False),
        (sell, 50_499, True),
    ],
)
def test_a_stop_is_only_ever_tightened(market, make_quotes, entry, trigger, is_sent):
    strategy = Scripted({1: entry, 3: tighten(trigger)}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 6))

    assert strategy.returned[1] is is_sent
    assert working_stop(market).is_reduce_only
    expected = trigger if is_sent else {buy: 49_500, sell: 50_500}[entry]
    assert working_stop(market).trigger_price == Decimal(expected)


def test_a_replacement_that_is_denied_leaves_the_old_stop_working(market, make_quotes):
    halt, resume = set_state(TradingState.HALTED), set_state(TradingState.ACTIVE)
    script = {1: buy, 3: both(halt, tighten(49_800)), 4: both(resume, tighten(49_700))}
    strategy = Scripted(script, flatten_on_stop=False)
    strategy.market = market

    market.run(strategy, make_quotes([50_000.0] * 6))

    assert strategy.returned[2] == [None, True]
    assert working_stop(market).trigger_price == Decimal(49_700)
    assert market.filled() == ["ENTRY"]


def test_one_replacement_of_the_stop_is_on_its_way_at_a_time(market, make_quotes):
    strategy = Scripted({1: buy, 3: both(tighten(49_800), tighten(49_900))}, flatten_on_stop=False)

    market.run(strategy, make_quotes([50_000.0] * 6))

    assert strategy.returned[1] == [True, False]
    assert working_stop(market).trigger_price == Decimal(49_800)


def test_the_stop_is_left_alone_while_the_exit_is_on_its_way(slow_market, make_quotes):
    strategy = Scripted({1: buy, 5: both(leave, tighten(49_900))})

    slow_market.run(strategy, make_quotes([50_000.0] * 10))

    assert strategy.returned[1] == [None, False]
    slow_market.assert_settled()


def test_leftovers_that_the_venue_keeps_are_canceled_after_the_close(untidy_market, make_quotes):
    strategy = Scripted({1: buy, 3: leave, 5: sell})

    untidy_market.run(strategy, make_quotes([50_000.0] * 8), end=False)

    names = untidy_market.names()
    closed, canceled = names.index("PositionClosed"), names.index("OrderPendingCancel:STOP_LOSS")
    assert closed < canceled
    assert names.count("OrderCanceled:STOP_LOSS") == names.count("OrderCanceled:TAKE_PROFIT") == 1
    assert strategy.returned[2] is True
    untidy_market.assert_always_protected()


def test_leftovers_are_canceled_by_a_stop_that_comes_right_after_the_close(
    untidy_market, make_quotes
):
    strategy = Scripted({1: buy, 3: leave})
    untidy_market.run(strategy, make_quotes([50_000.0] * 3), end=False)
    assert len(untidy_market.cache.orders_open()) == 2

    strategy.stop()
    untidy_market.run(strategy, make_quotes([50_000.0], first_second=4))

    untidy_market.assert_settled()


def test_leftovers_of_an_exit_at_the_stop_are_canceled_although_stopped(untidy_market, make_quotes):
    strategy = Scripted({1: buy})
    untidy_market.run(strategy, make_quotes([50_000.0] * 3), end=False)

    strategy.stop()
    untidy_market.run(strategy, make_quotes([50_000.0] * 4, first_second=4))

    assert untidy_market.filled() == ["ENTRY", "EXIT"]
    untidy_market.assert_settled()


def test_a_resume_does_not_wait_for_a_retry_that_the_stop_has_canceled(market, make_quotes):
    halt, resume = set_state(TradingState.HALTED), set_state(TradingState.ACTIVE)
    script = {1: buy, 3: both(halt, leave), 4: both(resume, leave)}
    strategy = Scripted(script, flatten_on_stop=False, retry_secs=60)
    strategy.market = market
    market.run(strategy, make_quotes([50_000.0] * 3), end=False)

    strategy.stop()
    strategy.resume()
    market.run(strategy, make_quotes([50_000.0] * 3, first_second=4))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def restart(strategy: Scripted) -> None:
    """Do what a new process does: forget everything but what the cache holds."""
    strategy.stop()
    strategy.reset()
    strategy.start()


def test_a_restart_takes_over_the_position_and_its_orders(market, make_quotes):
    strategy = Scripted({1: buy, 7: leave}, flatten_on_stop=False)
    market.run(strategy, make_quotes([50_000.0] * 3), end=False)

    restart(strategy)
    assert not strategy.is_idle
    assert strategy.side == OrderSide.BUY
    market.run(strategy, make_quotes([50_000.0] * 6, first_second=4))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_a_restart_can_go_on_tightening_the_stop_it_found(market, make_quotes):
    strategy = Scripted({1: buy, 5: tighten(49_900)}, flatten_on_stop=False)
    market.run(strategy, make_quotes([50_000.0] * 3), end=False)

    restart(strategy)
    market.run(strategy, make_quotes([50_000.0] * 4, first_second=4))

    assert strategy.returned == [True, True]
    assert working_stop(market).trigger_price == Decimal(49_900)


def test_a_restart_closes_a_position_that_it_finds_without_a_stop(market, make_quotes):
    strategy = Scripted({1: buy}, flatten_on_stop=False)
    market.run(strategy, make_quotes([50_000.0] * 3), end=False)
    strategy.stop()
    market.events.clear()
    stop = working_stop(market)
    market.engine.kernel.msgbus.unsubscribe(
        f"events.order.{strategy.id}", strategy._handle_own_event
    )
    strategy.cancel_order(stop)
    market.run(strategy, make_quotes([50_000.0] * 2, first_second=4), end=False)

    strategy.reset()
    strategy.start()
    market.run(strategy, make_quotes([50_000.0] * 3, first_second=6))

    assert market.filled() == ["EXIT"]
    market.assert_settled()


def test_a_stop_and_resume_keeps_the_trade_in_hand(market, make_quotes):
    strategy = Scripted({1: buy, 6: leave}, flatten_on_stop=False)
    market.run(strategy, make_quotes([50_000.0] * 3), end=False)

    strategy.stop()
    strategy.resume()
    market.run(strategy, make_quotes([50_000.0] * 6, first_second=4))

    assert market.filled() == ["ENTRY", "EXIT"]
    market.assert_settled()


def test_an_instrument_that_is_not_loaded_refuses_the_start(market, make_quotes):
    config = ProtectedStrategyConfig(
        instrument_id=InstrumentId.from_str("NOPE-PERP.BINANCE"),
        trade_risk_usdt=Decimal(50),
        trade_notional_usdt_max=Decimal(5_000),
    )

    with pytest.raises(
        ValueError, match=r"instrument_id: was NOPE-PERP\.BINANCE, must be a loaded"
    ):
        market.run(ProtectedStrategy(config), make_quotes([50_000.0]))
