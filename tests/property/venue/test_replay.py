"""What the judges read from the log is what the exchange holds, whatever was traded."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.fault_kit import bound
from venue.checkers.log import read_log
from venue.checkers.replay import replay
from venue.engine.errors import VenueError
from venue.faults.book import FaultBook

SIDES = st.sampled_from(["BUY", "SELL"])
QTYS = st.sampled_from(["0.01", "0.05", "0.2"])
PRICES = st.sampled_from([63_000, 63_700, 64_000, 64_300, 65_000])
MOVE = st.tuples(st.just("move"), PRICES)
MARKET = st.tuples(st.just("market"), SIDES, QTYS, st.booleans())
LIMIT = st.tuples(st.just("limit"), SIDES, QTYS, PRICES, st.booleans())
STOP = st.tuples(st.just("stop"), SIDES, QTYS, PRICES)
CANCEL = st.tuples(st.just("cancel"))
SILENT = st.tuples(st.just("silent"))


def act(scene, step):
    """Do one step on the exchange, which may refuse it."""
    kind, *rest = step
    if kind == "move":
        scene.trade_at(Decimal(rest[0]))
    elif kind == "silent":
        scene.book.add("stop_canceled_silently", {})
    elif kind == "cancel":
        for path in ("allOpenOrders", "algoOpenOrders"):
            scene.do("DELETE", f"/fapi/v1/{path}", symbol="BTCUSDT")
    elif kind == "stop":
        side, qty, price = rest
        scene.do("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT",
                 side=side, type="STOP_MARKET", quantity=qty, triggerPrice=str(price),
                 reduceOnly="true")  # fmt: skip
    else:
        side, qty, *limit, reduces = rest
        terms = {"type": "MARKET"}
        if limit:
            terms = {"type": "LIMIT", "timeInForce": "GTC", "price": str(limit[0])}
        scene.do("POST", "/fapi/v1/order", symbol="BTCUSDT", side=side, quantity=qty,
                 reduceOnly=str(reduces).lower(), **terms)  # fmt: skip


@given(st.lists(st.one_of(MOVE, MARKET, LIMIT, STOP, CANCEL, SILENT), max_size=25))
def test_the_log_alone_tells_what_the_exchange_holds(tmp_path_factory, steps):
    scene = bound(FaultBook())
    scene.wire.tell_truth()
    scene.trade_at()
    for number, step in enumerate(steps, start=1):
        try:
            act(scene, step)
        except VenueError:
            continue
        finally:
            scene.wire.exchange.advance(number * 1_000)
            scene.wire.clock.set_market(number * 1_000)
            scene.wire.advance()

    path = tmp_path_factory.mktemp("log") / "wire.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in scene.wire.log.tail(2_000)))
    *_, (_, book) = replay(read_log(path))

    truth = scene.truth()
    held = {row["symbol"]: Decimal(row["amt"]) for row in truth["positions"]}
    assert {s: p.amt for s, p in book.positions.items() if p.amt} == held
    assert {o.client_id: o.qty for o in book.orders.values()} == {
        row["client_order_id"]: Decimal(row["qty"]) - Decimal(row["executed_qty"])
        for row in truth["open_orders"]
    }
    assert {(a.client_id, a.side, a.qty) for a in book.algos.values()} == {
        (row["client_algo_id"], row["side"], Decimal(row["qty"])) for row in truth["open_algos"]
    }
    assert book.wallet_usdt == Decimal(truth["wallets"]["USDT"])
    for row in truth["positions"]:
        cost = Decimal(row["amt"]) * Decimal(row["entry_price"])
        assert abs(book.positions[row["symbol"]].cost - cost) < Decimal("0.01")
