"""What a live kernel finds at the venue counts in the gate's books like what passed the gate."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.execution.reports import FillReport, OrderStatusReport
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderStatus,
    OrderType,
    TimeInForce,
    TriggerType,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from risk.trading_state import TradingState
from tests.attacks.live_scene import LiveScene
from tests.attacks.scene import BTC, BUY, SELL

FOREIGN = ClientOrderId("web-1")
BNB = Currency.from_str("BNB")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[LiveScene]:
    scene = LiveScene(tmp_path, guarded=True)
    yield scene
    scene.close()


def _head(scene: LiveScene) -> dict[str, Any]:
    now_ns = scene.kernel.clock.timestamp_ns()
    return {
        "account_id": AccountId("BINANCE-001"), "instrument_id": BTC.id, "report_id": UUID4(),
        "client_order_id": FOREIGN, "venue_order_id": VenueOrderId("V-77"), "ts_init": now_ns,
    }  # fmt: skip


def find_order(scene: LiveScene, **terms: Any) -> None:
    """Let the venue report an order that works there: a bid for 0.150 unless told otherwise."""
    now_ns = scene.kernel.clock.timestamp_ns()
    bid = {
        "order_side": BUY, "order_type": OrderType.LIMIT, "price": Price.from_str("49900.0"),
        "quantity": Quantity.from_str("0.150"), "filled_qty": Quantity.from_str("0.000"),
        "time_in_force": TimeInForce.GTC, "order_status": OrderStatus.ACCEPTED,
        "ts_accepted": now_ns, "ts_last": now_ns,
    }  # fmt: skip
    found = OrderStatusReport(**(_head(scene) | bid | terms))
    scene.send("ExecEngine.reconcile_execution_report", found)


def find_fill(scene: LiveScene, fee: Money) -> None:
    """Let the venue report that the foreign bid has filled."""
    filled = FillReport(
        **_head(scene), trade_id=TradeId("T-77"), order_side=BUY,
        last_qty=Quantity.from_str("0.150"), last_px=Price.from_str("49900.0"), commission=fee,
        liquidity_side=LiquiditySide.MAKER, ts_event=scene.kernel.clock.timestamp_ns(),
    )  # fmt: skip
    scene.send("ExecEngine.reconcile_execution_report", filled)


def denials(scene: LiveScene) -> set[str]:
    return {text.split(":", 1)[0] for text in scene.answers()}


def test_an_entry_found_at_the_venue_needs_a_stop_before_more_is_added(scene: LiveScene) -> None:
    find_order(scene)

    scene.submit(scene.bracket())

    assert scene.position() == 0
    assert denials(scene) == {"STOP_LOSS_REQUIRED"}


def test_a_stop_found_at_the_venue_stays_while_it_is_the_only_one(scene: LiveScene) -> None:
    find_order(scene)
    find_fill(scene, Money(1, USDT))
    find_order(
        scene, client_order_id=ClientOrderId("web-2"), venue_order_id=VenueOrderId("V-78"),
        order_side=SELL, order_type=OrderType.STOP_MARKET, price=None, reduce_only=True,
        trigger_price=Price.from_str("49600.0"), trigger_type=TriggerType.MARK_PRICE,
    )  # fmt: skip
    stop = scene.kernel.cache.order(ClientOrderId("web-2"))

    scene.send(
        "ExecEngine.execute",
        CancelOrder(
            trader_id=scene.kernel.trader_id, strategy_id=stop.strategy_id, instrument_id=BTC.id,
            client_order_id=stop.client_order_id, venue_order_id=stop.venue_order_id,
            command_id=UUID4(), ts_init=scene.kernel.clock.timestamp_ns(),
        ),
    )  # fmt: skip

    assert stop.is_open
    assert denials(scene) == {"STOP_LOSS_REQUIRED"}


def test_an_order_found_at_the_venue_is_let_go_of_when_it_fills(scene: LiveScene) -> None:
    find_order(scene)
    find_fill(scene, Money(1, USDT))

    book = scene.guard.gate.judge.account.symbol(str(BTC.id))
    assert (book.position_qty, book.pending) == (Decimal("0.150"), {})


def test_a_fee_in_another_currency_halts_and_leaves_the_exit_open(scene: LiveScene) -> None:
    find_order(scene)
    find_fill(scene, Money("0.01", BNB))
    assert scene.guard.gate.judge.state.state is TradingState.HALTED

    out = scene.submit(scene.market(SELL, "0.150", reduce_only=True))

    assert scene.client.received[-1].order is out


def test_extras_for_the_client_do_not_hold_up_an_exit(scene: LiveScene) -> None:
    scene.submit(scene.bracket())
    out = scene.market(SELL, "0.100", reduce_only=True)

    scene.strategy.submit_order(out, params={"price_match": "OPPONENT"})
    scene.settle()

    assert scene.position() == 0
