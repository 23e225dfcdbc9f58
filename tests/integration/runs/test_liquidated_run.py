"""A run without the guard that bets the account: the venue closes it, and the report says so."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from catalog.demo import CRASH_AT
from configs.profile import StrategySection, load_profile
from configs.runner import UNGUARDED, run_backtest
from report.artifacts import read_result
from report.checker import check_run
from report.tables import read_rows

PROFILE = Path(__file__).resolve().parents[3] / "configs/profiles/backtest.toml"
BTC = "BTCUSDT-PERP.BINANCE"
MINUTE_NS = 60_000_000_000
CRASH_NS = int(CRASH_AT.timestamp()) * 1_000_000_000


class HolderConfig(StrategyConfig, frozen=True):
    """Signed quantity to hold, in base units."""

    market: InstrumentId  # not "instrument_id": two on one instrument are refused by that name
    held_qty: Decimal


class Holder(Strategy):
    """Opens its position at the first bar, without a stop, and never closes it."""

    def __init__(self, config: HolderConfig) -> None:
        super().__init__(config)
        self.is_done = False

    def on_start(self) -> None:
        self.subscribe_bars(BarType.from_str(f"{self.config.market}-1-MINUTE-LAST-EXTERNAL"))

    def on_bar(self, bar: Bar) -> None:
        if self.is_done:
            return
        self.is_done = True
        held = self.config.held_qty
        instrument = self.cache.instrument(self.config.market)
        side = OrderSide.BUY if held > 0 else OrderSide.SELL
        order = self.order_factory.market(instrument.id, side, instrument.make_qty(abs(held)))
        self.submit_order(order)


def holder(held_qty: str) -> StrategySection:
    params = {"market": BTC, "held_qty": held_qty}
    return StrategySection(path=f"{__name__}:Holder", params=params)


@pytest.fixture(scope="module")
def profile(demo_catalog):
    """Return the demo's crash day at 20 times the account, held by two strategies against each other."""
    window = {"start": CRASH_AT - timedelta(hours=1), "end": CRASH_AT + timedelta(hours=2)}
    base = load_profile(PROFILE, data={"catalog": str(demo_catalog), **window})
    account = base.account.model_copy(update={"leverage": Decimal(50)})
    changes = {"account": account, "strategies": (holder("24"), holder("-4"))}
    return base.model_copy(update=changes)


@pytest.fixture(scope="module")
def run_dir(profile, tmp_path_factory):
    path = tmp_path_factory.mktemp("liquidated")
    run_backtest(profile, path, compare=True)
    return path


@pytest.fixture
def unguarded(run_dir):
    return run_dir / UNGUARDED


def test_the_venue_closes_every_position_of_the_unguarded_run_in_the_crash(unguarded):
    positions = read_rows(unguarded, "positions")

    assert [(p["side"], p["peak_qty"]) for p in positions] == [("LONG", 24), ("SHORT", 4)]
    for position in positions:
        assert position["exit_reason"] == "liquidation"
        assert CRASH_NS < position["ts_closed"] <= CRASH_NS + 5 * MINUTE_NS


def test_the_result_tells_what_the_liquidation_took(unguarded):
    result = read_result(unguarded)
    statistics, [told] = result["statistics"], result["liquidations"]

    assert (statistics["liquidations"], statistics["final_equity_usdt"]) == (2, 0.0)
    assert statistics["max_drawdown"]["ratio"] == 1.0, "a wallet that is topped up was never less"
    assert told["instrument_ids"] == [BTC]
    assert Decimal(told["margin_balance_usdt"]) < Decimal(told["maintenance_margin_usdt"])
    assert float(told["insurance_usdt"]) == statistics["unexplained_usdt"] > 0


def test_the_page_of_the_unguarded_run_says_that_it_was_liquidated(unguarded):
    page = (unguarded / "report.html").read_text(encoding="utf-8")

    assert "2 position(s) were liquidated by the venue." in page


def test_the_checker_blames_the_entries_and_not_the_venue(unguarded, profile):
    """The long is closed first: for a moment the short of the other strategy is bare."""
    fills = read_rows(unguarded, "fills")
    position = sum(f["last_qty"] if f["side"] == "BUY" else -f["last_qty"] for f in fills[:3])
    assert position == -4

    breaches = check_run(unguarded, profile.limits).breaches

    assert {breach.rule for breach in breaches} == {
        "position_notional_usdt_max", "gross_notional_usdt_max", "stop_delay_ms_max",
    }  # fmt: skip
    assert {breach.client_order_id for breach in breaches} == {fills[0]["client_order_id"]}


def test_behind_the_guard_neither_of_the_two_opens_anything(run_dir):
    denied = [row["reason"] for row in read_rows(run_dir, "denials")]

    assert denied == ["QUANTITY_EXCEEDS_MAX_PER_ORDER"] * 2
    assert read_rows(run_dir, "fills") == []
    assert read_result(run_dir)["statistics"]["final_equity_usdt"] == 100_000
