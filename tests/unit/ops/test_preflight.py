"""Each item of the pre-flight alone refuses the start, and passes when it should."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from catalog.instruments import builtin_instruments
from configs.nodes import venue_settings
from configs.profile import load_profile
from ops.checks.item import Facts, Item
from ops.checks.symbols import loaded_filters
from ops.errors import RefusedError
from ops.live_run import Options, _refuse_unconfirmed
from ops.preflight import AT_A_VENUE, EVERYWHERE, confirmation, preflight, refuse_failed
from ops.questions import Answers, ClockOffset, UnansweredError
from risk.journal import Journal
from risk.latch import Latch
from risk.trading_state import TradingState

PROFILES = Path(__file__).parents[3] / "configs" / "profiles"
SYMBOL = "BTCUSDT"
KEY_RIGHTS = "/sapi/v1/account/apiRestrictions"
INFO = "/fapi/v1/exchangeInfo"
CONFIG = "/fapi/v1/accountConfig"
FORBIDDEN = (
    "enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer", "enableMargin",
    "enableVanillaOptions", "enablePortfolioMarginTrading", "enableSpotAndMarginTrading",
)  # fmt: skip
NEEDED = ("ipRestrict", "enableReading", "enableFutures")


def answers() -> dict[str, Any]:
    """Return what Binance would say of an account that fits the live profile."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "4529764"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
        {"filterType": "MIN_NOTIONAL", "notional": "50"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95"},
    ]
    return {
        KEY_RIGHTS: dict.fromkeys(NEEDED, True) | dict.fromkeys(FORBIDDEN, False),
        INFO: {"symbols": [{"symbol": SYMBOL, "status": "TRADING", "filters": filters}]},
        CONFIG: {"canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False},
        "/fapi/v1/symbolConfig": [{"symbol": SYMBOL, "marginType": "CROSSED", "leverage": 2}],
        "/fapi/v1/leverageBracket": [
            {"symbol": SYMBOL, "brackets": [{"notionalCap": 500, "initialLeverage": 2},
                                            {"notionalCap": 9_000, "initialLeverage": 1}]}
        ],
        "/fapi/v3/account": {"assets": [{"asset": "USDT", "walletBalance": "2000.00000000"}]},
        "/fapi/v3/positionRisk": [{"symbol": SYMBOL, "positionAmt": "0.000"}],
        "/fapi/v1/openOrders": [],
        "/fapi/v1/openAlgoOrders": [],
        "/fapi/v1/apiTradingStatus": {
            "indicators": {SYMBOL: [{"indicator": "UFR", "isLocked": False}]}
        },
        "/fapi/v1/rateLimit/order": [
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 300},
        ],
        "/fapi/v1/feeBurn": {"feeBurn": False},
    }  # fmt: skip


Change = Callable[[dict[str, Any]], Any]


def facts(
    folder: Path, change: Change = lambda _: None, *, mode: str = "live", offset_ms: float = 0.0
) -> Facts:
    told = answers()
    change(told)
    profile = load_profile(PROFILES / f"{mode}.toml")
    settings = (
        venue_settings(profile, rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1")
        if mode in ("rehearsal", "paper")
        else venue_settings(profile)
    )
    return Facts(
        profile, settings, Answers(told, ClockOffset(offset_ms, 10.0)), folder / "state", ()
    )


def failed(judged: Facts) -> list[str]:
    return [item.name for item in preflight(judged) if not item.is_ok]


def put(path: str, *keys: Any, value: Any) -> Change:
    def change(told: dict[str, Any]) -> None:
        table = told[path]
        for key in keys[:-1]:
            table = table[key]
        if value is KeyError:
            del table[keys[-1]]
        else:
            table[keys[-1]] = value

    return change


def replaced(path: str, value: Any) -> Change:
    return lambda told: told.__setitem__(path, value)


FILTERS = ("symbols", 0, "filters")
BREAKS: list[tuple[str, Change]] = [
    *(("key rights", put(KEY_RIGHTS, key, value=True)) for key in FORBIDDEN),
    *(("key rights", put(KEY_RIGHTS, key, value=False)) for key in NEEDED),
    *(("key rights", put(KEY_RIGHTS, key, value=KeyError)) for key in (*FORBIDDEN, *NEEDED)),
    *(("key rights", put(KEY_RIGHTS, key, value="false")) for key in FORBIDDEN),
    ("key rights", put(KEY_RIGHTS, "ipRestrict", value=1)),
    ("account", put(CONFIG, "canTrade", value=False)),
    ("account", put(CONFIG, "canTrade", value=KeyError)),
    ("position mode", put(CONFIG, "dualSidePosition", value=True)),
    ("asset mode", put(CONFIG, "multiAssetsMargin", value=True)),
    ("fee asset", put("/fapi/v1/feeBurn", "feeBurn", value=True)),
    ("trading lock", put("/fapi/v1/apiTradingStatus", "indicators", SYMBOL, 0, "isLocked", value=True)),
    ("trading lock", put("/fapi/v1/apiTradingStatus", "indicators", SYMBOL, 0, "isLocked", value=KeyError)),
    ("order rate", put("/fapi/v1/rateLimit/order", 0, "limit", value=99)),
    ("order rate", put("/fapi/v1/rateLimit/order", 1, "limit", value=299)),
    ("order rate", put("/fapi/v1/rateLimit/order", 0, value=KeyError)),
    ("margin type", put("/fapi/v1/symbolConfig", 0, "marginType", value="ISOLATED")),
    ("leverage", put("/fapi/v1/symbolConfig", 0, "leverage", value=3)),
    ("leverage", put("/fapi/v1/symbolConfig", 0, "leverage", value=KeyError)),
    ("brackets", put("/fapi/v1/leverageBracket", 0, "brackets", 0, "initialLeverage", value=1)),
    ("brackets", put("/fapi/v1/leverageBracket", 0, "brackets", 0, "notionalCap", value=499)),
    ("brackets", replaced("/fapi/v1/leverageBracket", [])),
    ("filters", put(INFO, "symbols", 0, "status", value="TRADING_HALT")),
    ("filters", put(INFO, *FILTERS, 4, value=KeyError)),
    ("smallest order", put(INFO, *FILTERS, 1, "minQty", value="0.011")),
    ("smallest order", put(INFO, *FILTERS, 3, "notional", value="500.1")),
    ("balance", put("/fapi/v3/account", "assets", 0, "walletBalance", value="0")),
    ("balance", put("/fapi/v3/account", "assets", 0, "walletBalance", value="2000.01")),
    ("balance", put("/fapi/v3/account", "assets", 0, "asset", value="USDC")),
    ("foreign positions", put("/fapi/v3/positionRisk", 0, "positionAmt", value="-0.001")),
    ("foreign positions", replaced("/fapi/v3/positionRisk", [{"symbol": "XRPUSDT", "positionAmt": "1"}])),
    ("foreign orders", replaced("/fapi/v1/openOrders", [{"symbol": SYMBOL, "clientOrderId": "web_1"}])),
    ("foreign orders", replaced("/fapi/v1/openAlgoOrders", [{"symbol": SYMBOL, "clientAlgoId": "x"}])),
]  # fmt: skip


def test_an_account_that_fits_passes_every_item(tmp_path: Path) -> None:
    items = preflight(facts(tmp_path))

    assert [item.name for item in items] == [name for name, _ in (*EVERYWHERE, *AT_A_VENUE)]
    assert [item for item in items if not item.is_ok] == []


@pytest.mark.parametrize(
    ("name", "change"), BREAKS, ids=[f"{i}-{n}" for i, (n, _) in enumerate(BREAKS)]
)
def test_an_item_alone_refuses_the_start(tmp_path: Path, name: str, change: Change) -> None:
    judged = facts(tmp_path, change)

    assert failed(judged) == [name]
    with pytest.raises(RefusedError, match=f"(?s)the pre-flight failed:\n  {name}: "):
        refuse_failed(preflight(judged))


@pytest.mark.parametrize("path", sorted(set(answers()) - {INFO}))
def test_what_the_venue_does_not_answer_fails(tmp_path: Path, path: str) -> None:
    refused = UnansweredError(f"{path}: code -1000: no")

    names = failed(facts(tmp_path, replaced(path, refused)))

    assert names
    assert failed(facts(tmp_path, lambda told: told.pop(path))) == names


def test_a_symbol_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    assert failed(facts(tmp_path, put(INFO, "symbols", 0, "symbol", value="XRPUSDT"))) == [
        "filters", "smallest order",
    ]  # fmt: skip


def test_the_demo_does_not_tell_of_rights_and_says_so(tmp_path: Path) -> None:
    judged = facts(tmp_path, lambda told: told.pop(KEY_RIGHTS), mode="demo")

    item = next(item for item in preflight(judged) if item.name == "key rights")

    assert (item.is_ok, item.observed) == (True, "the demo does not tell")


def test_paper_asks_nothing_of_an_account(tmp_path: Path) -> None:
    judged = facts(tmp_path, mode="paper")

    assert [item.name for item in preflight(judged)] == [name for name, _ in EVERYWHERE]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_clock_is_judged_by_the_worst_that_the_samples_allow(tmp_path: Path, sign: int) -> None:
    assert failed(facts(tmp_path, offset_ms=sign * 240.0)) == []  # 240 + 10 wrong = 250
    assert failed(facts(tmp_path, offset_ms=sign * 240.1)) == ["clock offset"]


# -- what stands there already ---------------------------------------------------------------------


def write_journal(folder: Path, *records: tuple[str, dict[str, Any]]) -> None:
    journal = Journal(folder / "state" / "journal.jsonl", sync="flush")
    for kind, data in records:
        journal.append(kind, 1, data)
    journal.close()


def approved(order_id: str, side: str, quantity: str) -> tuple[str, dict[str, Any]]:
    order = {"client_order_id": order_id, "instrument_id": "BTCUSDT-PERP.BINANCE", "side": side}
    return "approved", {"command": "SubmitOrder", "orders": [order | {"quantity": quantity}]}


def fill(order_id: str, side: str, quantity: str, trade: str) -> tuple[str, dict[str, Any]]:
    return "fill", {
        "client_order_id": order_id, "trade_id": trade, "instrument_id": "BTCUSDT-PERP.BINANCE", "side": side,
        "quantity": quantity,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("position", "is_ours"),
    [("0.003", True), ("0.002", True), ("0.000", True), ("0.005", True), ("0.0051", False),
     ("-0.001", False)],
)  # fmt: skip
def test_a_position_is_ours_when_the_journal_explains_it(
    tmp_path: Path, position: str, *, is_ours: bool
) -> None:
    # 0.003 bought, of which 0.001 was written down twice by a restart; a stop over it may have
    # filled, and an entry over 0.002 more.
    write_journal(
        tmp_path, approved("E-1", "BUY", "0.003"), fill("E-1", "BUY", "0.002", "1"),
        fill("E-1", "BUY", "0.001", "2"), fill("E-1", "BUY", "0.001", "2"),
        approved("S-1", "SELL", "0.003"), approved("E-2", "BUY", "0.002"),
    )  # fmt: skip
    change = put("/fapi/v3/positionRisk", 0, "positionAmt", value=position)

    assert failed(facts(tmp_path, change)) == ([] if is_ours else ["foreign positions"])


@pytest.mark.parametrize(
    ("position", "is_ours"), [("0.004", True), ("0.0041", False), ("-0.001", False)]
)
def test_what_a_node_found_at_its_start_and_what_has_ended_is_known(
    tmp_path: Path, position: str, *, is_ours: bool
) -> None:
    # 0.003 was found, which no fill explains; the old entry over 0.002 has ended, and so has the stop.
    found = {"instrument_id": "BTCUSDT-PERP.BINANCE", "quantity": "0.003"}
    write_journal(
        tmp_path, approved("E-1", "BUY", "0.002"), approved("S-1", "SELL", "0.1"),
        ("ended", {"client_order_id": "E-1"}), ("opened", {"positions": [found]}),
        ("ended", {"client_order_id": "S-1"}),
        approved("E-2", "BUY", "0.001"), fill("E-2", "BUY", "0.001", "7"),
    )  # fmt: skip
    change = put("/fapi/v3/positionRisk", 0, "positionAmt", value=position)

    assert failed(facts(tmp_path, change)) == ([] if is_ours else ["foreign positions"])


@pytest.mark.parametrize("venue_id", ["S-1", "S-1:2"])
def test_an_order_is_ours_when_the_journal_approved_it(tmp_path: Path, venue_id: str) -> None:
    write_journal(tmp_path, approved("S-1", "SELL", "0.003"))
    change = replaced("/fapi/v1/openAlgoOrders", [{"symbol": SYMBOL, "clientAlgoId": venue_id}])

    assert failed(facts(tmp_path, change)) == []


# -- this machine ----------------------------------------------------------------------------------


def test_a_journal_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_journal(tmp_path, approved("E-1", "BUY", "0.003"))
    path = tmp_path / "state" / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.003", b"0.004"))

    assert failed(facts(tmp_path)) == ["journal"]


def test_a_state_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")

    assert failed(facts(tmp_path)) == ["journal", "kill", "disk"]


def test_a_latch_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "latch.json").write_text("{}")

    assert failed(facts(tmp_path)) == ["kill"]


def test_a_halted_node_may_start_and_the_item_says_that_it_is_halted(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "state" / "latch.json")
    latch.write(TradingState.HALTED, ["X: observed=1, limit=0"], by="me", reason="y", ts_ns=1)

    item = next(item for item in preflight(facts(tmp_path)) if item.name == "kill")

    assert item.is_ok
    assert item.observed.startswith("HALTED, ")


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.checks.machine.DISK_BYTES_MIN", 10**18)

    assert failed(facts(tmp_path)) == ["disk"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.touch(mode=0o600)
    judged = facts(tmp_path)._replace(key_files=(path,))
    assert failed(judged) == []

    path.chmod(0o644)

    assert failed(judged) == ["key files"]


# -- the node's own instruments, and the last word -------------------------------------------------


def test_the_nodes_instruments_must_be_those_that_the_venue_told(tmp_path: Path) -> None:
    own = {SYMBOL: builtin_instruments()["BTCUSDT-PERP.BINANCE"]}

    assert loaded_filters(facts(tmp_path), own).is_ok
    for index, key, value in (
        (0, "tickSize", "0.01"), (1, "stepSize", "0.01"), (1, "minQty", "0.002"),
        (1, "maxQty", "999"), (3, "notional", "51"),
    ):  # fmt: skip
        changed = facts(tmp_path, put(INFO, *FILTERS, index, key, value=value))
        assert not loaded_filters(changed, own).is_ok, key
    assert not loaded_filters(facts(tmp_path), {}).is_ok


def test_real_money_needs_a_word_that_names_account_and_limits(tmp_path: Path) -> None:
    judged = facts(tmp_path)
    word = confirmation(judged)
    assert word.startswith("LIVE-001 ")
    options = Options(out=tmp_path, state=tmp_path)

    for given in (None, "", "yes", word[:-1], word.lower()):
        with pytest.raises(RefusedError, match=f"needs --confirm '{word}'"):
            _refuse_unconfirmed(judged, options._replace(confirm=given), Console())
    _refuse_unconfirmed(judged, options._replace(confirm=word), Console())


def test_the_word_changes_with_any_limit(tmp_path: Path) -> None:
    judged = facts(tmp_path)
    orders = judged.profile.limits.orders.model_copy(update={"slippage_bps_max": Decimal(51)})
    limits = judged.profile.limits.model_copy(update={"orders": orders})
    looser = judged.profile.model_copy(update={"limits": limits})

    assert confirmation(judged._replace(profile=looser)) != confirmation(judged)


def test_no_other_mode_asks_for_a_word(tmp_path: Path) -> None:
    options = Options(out=tmp_path, state=tmp_path)

    _refuse_unconfirmed(facts(tmp_path, mode="rehearsal"), options, Console())


def test_only_failed_items_are_told(tmp_path: Path) -> None:
    good, bad = Item("a", is_ok=True, observed="b", required="c"), Item("d", False, "e", "f")

    with pytest.raises(RefusedError) as caught:
        refuse_failed([good, bad])

    assert str(caught.value) == "the pre-flight failed:\n  d: e (required: f)"
