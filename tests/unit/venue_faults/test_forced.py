"""What the venue itself does to accounts, stops and symbols."""

from decimal import Decimal

import pytest

from tests.fault_kit import PRICE, bound
from venue.engine.errors import VenueError
from venue.faults.book import FaultBook

D = Decimal


@pytest.fixture
def scene():
    scene = bound(FaultBook(seed=3))
    scene.hold()
    return scene


def stops(scene):
    return [row["client_algo_id"] for row in scene.truth()["open_algos"]]


def held(scene):
    return [(row["symbol"], row["amt"]) for row in scene.truth()["positions"]]


def fall(scene, price, now_ms):
    """Let the price fall and time pass; return the events."""
    scene.trade_at(D(price))
    scene.wire.exchange.advance(now_ms)
    return [payload for _, payload in scene.wire.exchange.drain()]


def test_without_a_fault_the_stop_acts(scene):
    assert held(scene) == [("BTCUSDT", "0.5")]
    fall(scene, 59_000, 1_000)

    assert held(scene) == []


def test_a_stop_is_canceled_and_no_event_says_so_but_the_log_knows(scene):
    events = scene.fault("stop_canceled_silently")

    assert (events, stops(scene)) == ([], [])
    truth = scene.wire.log.tail(10)[-2]
    assert (truth["kind"], truth["body"]["open_algos"]) == ("truth", [])
    assert scene.notes() == [("stop_canceled_silently", "main: sl-1")]


def test_a_stop_expires_by_the_system(scene):
    [event] = scene.fault("stop_expired")

    assert (event["e"], event["o"]["X"], event["o"]["caid"]) == ("ALGO_UPDATE", "EXPIRED", "sl-1")


def test_stops_of_another_symbol_are_left_alone(scene):
    scene.fault("stop_canceled_silently", args={"symbol": "ETHUSDT"})

    assert stops(scene) == ["sl-1"]


def test_a_frozen_stop_does_not_act_until_it_thaws(scene):
    scene.fault("stop_frozen", **{"for": "10s"})

    fall(scene, 59_000, 5_000)
    assert held(scene) == [("BTCUSDT", "0.5")]

    scene.book.advance(10_000)
    fall(scene, 59_000, 10_100)
    assert held(scene) == []


def test_a_stop_that_triggers_while_orders_are_forbidden_is_rejected(scene):
    scene.fault("orders_forbidden", **{"for": "10s"})

    events = fall(scene, 59_000, 1_000)

    assert [e["o"]["X"] for e in events if e["e"] == "ALGO_UPDATE"] == ["TRIGGERING", "REJECTED"]
    assert held(scene) == [("BTCUSDT", "0.5")]
    scene.book.advance(10_000)
    scene.do("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET",
             quantity="0.5")  # fmt: skip
    assert held(scene) == []


def test_a_stop_triggers_and_stays_unfilled(scene):
    scene.fault("market_unfilled", **{"for": "10s"})

    fall(scene, 59_000, 1_000)

    assert (held(scene), stops(scene)) == ([("BTCUSDT", "0.5")], [])


def test_money_leaves_the_account(scene):
    [event] = scene.fault("transfer_out", args={"amount": "250.5"})

    assert (event["e"], event["a"]["m"]) == ("ACCOUNT_UPDATE", "WITHDRAW")
    assert event["a"]["B"][0]["bc"] == "-250.5"


def test_a_position_is_liquidated(scene):
    events = scene.fault("liquidated")

    orders = [e["o"] for e in events if e["e"] == "ORDER_TRADE_UPDATE"]
    assert held(scene) == []
    assert all(order["c"].startswith("autoclose-") for order in orders)


@pytest.mark.parametrize(("quantity", "left"), [("0", []), ("0.2", [("BTCUSDT", "0.3")])])
def test_a_position_is_deleveraged_in_part_or_whole(scene, quantity, left):
    events = scene.fault("deleveraged", args={"quantity": quantity})

    orders = [e["o"] for e in events if e["e"] == "ORDER_TRADE_UPDATE"]
    assert held(scene) == left
    assert {order["c"] for order in orders} == {"adl_autoclose"}


def test_a_halt_stops_orders_and_triggers_and_is_lifted(scene):
    scene.fault("trading_halt", **{"for": "10s"})

    fall(scene, 59_000, 1_000)
    assert held(scene) == [("BTCUSDT", "0.5")]
    info = scene.do("GET", "/fapi/v1/exchangeInfo")
    statuses = {row["symbol"]: row["status"] for row in info["symbols"]}
    assert statuses == {"BTCUSDT": "TRADING_HALT", "ETHUSDT": "TRADING"}

    scene.book.advance(10_000)
    fall(scene, 59_000, 11_000)
    assert held(scene) == []


def test_a_filter_changes_and_comes_back(scene):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
    scene.do("POST", "/fapi/v1/order", **order)

    scene.fault("filter_changed", **{"for": "10s"})

    with pytest.raises(VenueError, match="-4164"):
        scene.do("POST", "/fapi/v1/order", **order)
    scene.book.advance(10_000)
    scene.do("POST", "/fapi/v1/order", **order)


@pytest.mark.parametrize(
    ("name", "args", "lowest"), [("gap", {"to": "0.9"}, "0.9"), ("flash_crash", {}, "0.9")]
)
def test_prices_are_bent_on_their_way(scene, name, args, lowest):
    market = scene.book._stage.market
    scene.fault(name, args=args)

    prices = []
    for event in market.events():
        if event.symbol == "BTCUSDT" and hasattr(event, "bid"):
            prices.append(event.bid)
        if len(prices) == 20:
            break

    assert min(prices) == ((PRICE - D("0.1")) * D(lowest)).quantize(D("0.1"))
    assert (prices[-1] > 63_000) is (name == "flash_crash")
