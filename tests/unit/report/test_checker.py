"""The checker judges fills, at exact boundaries, and knows no gate."""

from decimal import Decimal

from report.checker import check
from tests.report_kit import profile

BTC, ETH, SOL = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE", "SOLUSDT-PERP.BINANCE"
MS = 1_000_000


def _limits():
    """Return the demo's limits with the caps that these tests count on, USDT."""
    limits = profile().limits
    symbol = limits.symbols[BTC].model_copy(update={"position_notional_usdt_max": Decimal(10_000)})
    symbols = dict.fromkeys((BTC, ETH, SOL), symbol)
    portfolio = limits.portfolio.model_copy(update={"gross_notional_usdt_max": Decimal(25_000)})
    return limits.model_copy(update={"symbols": symbols, "portfolio": portfolio})


LIMITS = _limits()


class Story:
    """Rows of the tables, told as what happens at each millisecond."""

    def __init__(self):
        self.rows = {"opening": [], "fills": [], "orders": [], "order_events": [], "equity": []}

    def order(
        self, order_id, side, order_type="MARKET", *, symbol=BTC, is_reduce_only=False, tags=None
    ):
        self.rows["orders"].append({
            "client_order_id": order_id, "side": side, "order_type": order_type,
            "instrument_id": symbol, "is_reduce_only": is_reduce_only,
            "tags": tags,
        })  # fmt: skip
        return self

    def event(self, ms, order_id, name, qty="0"):
        self.rows["order_events"].append({
            "ts_event": ms * MS, "client_order_id": order_id, "event": name,
            "quantity": Decimal(qty),
        })  # fmt: skip
        return self

    def fill(self, ms, order_id, qty, px):
        order = next(o for o in self.rows["orders"] if o["client_order_id"] == order_id)
        self.rows["fills"].append({
            "ts_event": ms * MS, "client_order_id": order_id, "side": order["side"],
            "instrument_id": order["instrument_id"], "last_qty": Decimal(qty),
            "last_px": Decimal(px),
        })  # fmt: skip
        return self.event(ms, order_id, "OrderFilled", qty)

    def trade(self, ms, side, qty, px, symbol=BTC):
        """Fill an order of its own, without a stop."""
        order_id = f"O-{len(self.rows['orders'])}"
        return self.order(order_id, side, symbol=symbol).fill(ms, order_id, qty, px)

    def ends(self, ms):
        self.rows["equity"].append({"ts_event": ms * MS})
        return self

    def breaches(self, rule, **options):
        report = check(self.rows, LIMITS, **options)
        return [breach for breach in report.breaches if breach.rule == rule]


CAP, GROSS, STOP = "position_notional_usdt_max", "gross_notional_usdt_max", "stop_delay_ms_max"


def test_a_position_at_its_cap_is_within_it():
    assert not Story().trade(1, "BUY", "0.2", "50000").breaches(CAP)


def test_a_position_one_step_over_its_cap_is_a_breach_with_its_evidence():
    (breach,) = Story().trade(1, "BUY", "0.2", "50000.1").breaches(CAP)

    assert (breach.observed, breach.limit) == ("10000.02", "10000")
    assert (breach.instrument_id, breach.ts_event) == (BTC, 1 * MS)


def test_a_short_position_has_the_same_cap():
    assert Story().trade(1, "SELL", "0.3", "50000").breaches(CAP)


def test_many_small_fills_add_up():
    story = Story()
    for ms in range(5):
        story.trade(ms, "BUY", "0.05", "50000")

    assert len(story.breaches(CAP)) == 1


def test_the_whole_position_is_valued_at_the_price_of_the_fill():
    story = Story().trade(1, "BUY", "0.1", "50000").trade(2, "BUY", "0.09", "60000")

    (breach,) = story.breaches(CAP)

    assert breach.observed == "11400"


def test_a_reduction_is_never_a_breach_however_high_the_price():
    story = Story().trade(1, "BUY", "0.2", "50000").trade(2, "SELL", "0.01", "99000")

    assert not story.breaches(CAP)


def test_a_flip_is_judged_by_what_it_leaves():
    story = Story().trade(1, "BUY", "0.2", "50000").trade(2, "SELL", "0.45", "50000")

    (breach,) = story.breaches(CAP)

    assert breach.observed == "12500"


def test_a_liquidation_position_by_position_is_no_breach():
    """Two strategies on one symbol: closing the long one first leaves the short one bare."""
    story = Story().trade(1, "BUY", "0.2", "50000").trade(2, "SELL", "0.2", "50000")
    story.order("L-1", "SELL", tags="LIQUIDATION").fill(3, "L-1", "0.25", "50000")

    assert not story.breaches(CAP)


def test_a_symbol_without_limits_may_hold_nothing():
    (breach,) = Story().trade(1, "BUY", "1", "1", symbol="XRPUSDT-PERP.BINANCE").breaches(CAP)

    assert breach.limit == "0"


def test_the_symbols_together_keep_the_gross_cap():
    story = Story()
    for symbol in (BTC, ETH, SOL):
        story.trade(1, "BUY", "0.16667", "50000", symbol=symbol)

    assert (
        not Story()
        .trade(1, "BUY", "0.2", "50000")
        .trade(1, "SELL", "3", "5000", ETH)
        .breaches(GROSS)
    )
    (breach,) = story.breaches(GROSS)
    assert breach.observed == "25000.5"


def test_the_drift_of_a_resting_position_is_no_gross_breach():
    story = Story().trade(1, "BUY", "0.2", "50000").trade(2, "SELL", "0.001", "99000")

    assert not story.trade(3, "BUY", "3", "5000", ETH).breaches(GROSS)


def _bracket(story, accepted_ms, qty="0.1"):
    story.order("E", "BUY").fill(100, "E", "0.1", "50000")
    story.order("S", "SELL", "STOP_MARKET", is_reduce_only=True)
    return story.event(accepted_ms, "S", "OrderAccepted", qty)


def test_a_stop_that_rests_within_the_delay_is_in_time():
    assert not _bracket(Story(), 100 + 5_000).ends(99_999).breaches(STOP)


def test_a_stop_that_rests_later_than_the_delay_is_a_breach():
    (breach,) = _bracket(Story(), 100 + 5_001).ends(99_999).breaches(STOP)

    assert (breach.observed, breach.limit, breach.client_order_id) == ("5001", "5000", "E")


def test_a_stop_for_less_than_the_position_is_a_breach():
    assert _bracket(Story(), 100, qty="0.099").ends(99_999).breaches(STOP)


def test_a_position_that_is_naked_to_the_end_of_the_run_is_a_breach():
    story = Story().trade(100, "BUY", "0.1", "50000")

    assert not story.breaches(STOP)
    assert story.ends(100 + 5_001).breaches(STOP)


def test_a_stop_on_the_wrong_side_or_without_reduce_only_covers_nothing():
    for side, is_reduce_only in (("BUY", True), ("SELL", False)):
        story = Story().trade(100, "BUY", "0.1", "50000")
        story.order("S", side, "STOP_MARKET", is_reduce_only=is_reduce_only)
        story.event(100, "S", "OrderAccepted", "0.1")

        assert story.ends(9_999).breaches(STOP)


def test_a_target_is_not_a_stop():
    story = Story().trade(100, "BUY", "0.1", "50000")
    story.order("T", "SELL", "LIMIT", is_reduce_only=True).event(100, "T", "OrderAccepted", "0.1")

    assert story.ends(9_999).breaches(STOP)


def test_canceling_the_stop_of_an_open_position_is_a_breach():
    story = _bracket(Story(), 100).event(200, "S", "OrderCanceled")

    (breach,) = story.ends(9_999).breaches(STOP)

    assert breach.ts_event == 200 * MS


def test_shrinking_the_stop_of_an_open_position_is_a_breach():
    assert _bracket(Story(), 100).event(200, "S", "OrderUpdated", "0.05").ends(9_999).breaches(STOP)


def test_the_stop_that_fills_leaves_nothing_naked():
    story = _bracket(Story(), 100).fill(300, "S", "0.04", "49000").fill(900, "S", "0.06", "49000")

    assert not story.ends(99_999).breaches(STOP)


def test_the_report_says_how_close_it_was():
    report = check(Story().trade(1, "BUY", "0.15", "50000").rows, LIMITS)

    assert (report.opening_fills, report.closest_position_ratio) == (1, 0.75)
    assert report.closest_gross_ratio == 0.3
