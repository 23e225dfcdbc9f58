"""A profile is judged as a whole before anything starts, and every broken rule is named."""

from __future__ import annotations

import copy
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from configs.profile import ProfileError, load_profile, parse_profile, to_ns

PROFILES = sorted((Path(__file__).parents[3] / "configs" / "profiles").glob("*.toml"))
DEMO = next(path for path in PROFILES if path.name == "backtest.toml")
NODE_MODES = ("paper", "rehearsal", "demo", "live")


def table(mode: str = "backtest") -> dict[str, Any]:
    """Return the shipped profile of a mode; each is named after it."""
    path = DEMO.with_name(f"{mode}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def changed(mode: str = "backtest", **sections: dict[str, Any] | None) -> dict[str, Any]:
    """Return a profile with some keys of its sections changed; None removes a section."""
    result = table(mode)
    for name, change in sections.items():
        if change is None:
            del result[name]
        else:
            result[name] |= change
    return result


def refusal(broken: dict[str, Any]) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_profile(broken, source="test.toml")
    return str(caught.value)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.name)
def test_every_shipped_profile_is_valid(path: Path) -> None:
    assert load_profile(path).limits.symbols


def test_the_shipped_defaults_are_the_agreed_figures() -> None:
    limits = load_profile(DEMO).limits

    assert {s.position_notional_usdt_max for s in limits.symbols.values()} == {10_000}
    assert limits.losses.unrealized_loss_ratio_max == Decimal("0.10")
    assert limits.losses.unrealized_loss_ratio_alarm == Decimal("0.05")
    assert (limits.shock.price_move_bps_max, limits.shock.price_move_window_sec) == (500, 60)


@pytest.mark.parametrize(
    "key", ["name", "mode", "trader_id", "seed", "account", "limits", "journal"]
)
def test_a_missing_key_is_named(key: str) -> None:
    broken = table()
    del broken[key]

    assert f"{key}: is missing" in refusal(broken)


@pytest.mark.parametrize(
    ("section", "change", "line"),
    [
        ("data", {"catalogue": "x"}, "data.catalogue = 'x': unknown key"),
        ("data", {"types": ["bars", "news"]}, "data.types.1 = 'news'"),
        ("data", {"types": []}, "data.types = ()"),
        ("account", {"leverage": 126}, "account.leverage = 126"),
        ("account", {"leverage": "5"}, "account.leverage = '5'"),
        (
            "account",
            {"starting_balance_usdt": Decimal("NaN")},
            "account.starting_balance_usdt = NaN",
        ),
        ("account", {"starting_balance_usdt": True}, "account.starting_balance_usdt = True"),
        ("simulation", {"latency_ms": Decimal("1.5")}, "simulation.latency_ms = 1.5"),
        ("simulation", {"liquidation": 1}, "simulation.liquidation = 1"),
        ("simulation", {"slippage_probability": 2}, "simulation.slippage_probability = 2"),
        ("journal", {"sync": "often"}, "journal.sync = 'often'"),
    ],
)
def test_a_broken_rule_is_told_with_its_key_and_value(
    section: str, change: dict[str, Any], line: str
) -> None:
    assert line in refusal(changed(**{section: change}))


def test_every_broken_rule_is_told_at_once() -> None:
    text = refusal(changed(account={"leverage": 0}, journal={"sync": "often"}))

    assert text.startswith("test.toml: 2 broken rule(s)\n")
    assert "account.leverage" in text
    assert "journal.sync" in text


@pytest.mark.parametrize("key", ["start", "end"])
def test_a_moment_without_a_time_zone_is_refused(key: str) -> None:
    naive = datetime(2025, 5, 1)  # noqa: DTZ001 - that is the mistake

    assert f"{key} = 2025-05-01 00:00:00 must carry a time zone" in refusal(
        changed(data={key: naive})
    )


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    day = datetime(2025, 5, 1, tzinfo=UTC)

    assert "must be before end" in refusal(changed(data={"start": day, "end": day}))


@pytest.mark.parametrize(
    ("mode", "section"),
    [
        ("backtest", "data"),
        ("backtest", "simulation"),
        ("paper", "simulation"),
        ("paper", "rehearsal"),
        ("rehearsal", "rehearsal"),
        *((mode, "venue") for mode in NODE_MODES),
    ],
)
def test_a_mode_needs_the_sections_that_it_has_a_use_for(mode: str, section: str) -> None:
    assert f"{section} is missing: mode = {mode!r}" in refusal(changed(mode, **{section: None}))


@pytest.mark.parametrize(
    ("mode", "section", "lender"),
    [
        ("backtest", "venue", "live"),
        ("backtest", "rehearsal", "rehearsal"),
        ("rehearsal", "simulation", "paper"),
        ("demo", "simulation", "paper"),
        ("live", "rehearsal", "rehearsal"),
        *((mode, "data", "backtest") for mode in NODE_MODES),
    ],
)
def test_a_mode_takes_no_section_that_it_has_no_use_for(
    mode: str, section: str, lender: str
) -> None:
    broken = table(mode) | {section: table(lender)[section]}

    assert f"{section} must not be set: mode = {mode!r}" in refusal(broken)


@pytest.mark.parametrize(
    ("mode", "environment"),
    [("rehearsal", "demo"), ("rehearsal", "live"), ("demo", "live"), ("live", "demo")],
)
def test_an_environment_that_does_not_fit_the_mode_is_refused(mode: str, environment: str) -> None:
    text = refusal(
        changed(mode, venue={"environment": environment}, rehearsal=None)
        if mode == "rehearsal"
        else changed(mode, venue={"environment": environment})
    )

    assert f"venue.environment = {environment!r}: mode = {mode!r} must have" in text


@pytest.mark.parametrize("environment", ["demo", "live"])
def test_paper_may_take_its_prices_from_any_venue(environment: str) -> None:
    profile = changed("paper", venue={"environment": environment}, rehearsal=None)

    assert parse_profile(profile, source="test.toml").mode == "paper"


@pytest.mark.parametrize("mode", ["backtest", "paper", "rehearsal"])
def test_an_account_that_is_opened_for_the_run_needs_its_money(mode: str) -> None:
    broken = table(mode)
    del broken["account"]["starting_balance_usdt"]

    assert f"account.starting_balance_usdt is missing: mode = {mode!r}" in refusal(broken)


@pytest.mark.parametrize("mode", ["demo", "live"])
def test_an_account_that_is_there_already_is_not_given_money(mode: str) -> None:
    broken = changed(mode, account={"starting_balance_usdt": 1})

    assert "account.starting_balance_usdt must not be set" in refusal(broken)


@pytest.mark.parametrize(
    ("section", "change", "line"),
    [
        ("venue", {"recv_window_ms": 60_001}, "venue.recv_window_ms = 60001"),
        ("venue", {"recv_window_ms": 0}, "venue.recv_window_ms = 0"),
        ("venue", {"clock_offset_ms_max": 1_001}, "venue.clock_offset_ms_max = 1001"),
        ("venue", {"clock_offset_ms_max": 0}, "venue.clock_offset_ms_max = 0"),
        ("venue", {"http_timeout_sec": 61}, "venue.http_timeout_sec = 61"),
        ("venue", {"data_silence_sec_max": 0}, "venue.data_silence_sec_max = 0"),
        ("venue", {"reconcile_sec": 0}, "venue.reconcile_sec = 0"),
        ("venue", {"margin_type": "CROSS"}, "venue.margin_type = 'CROSS'"),
        ("venue", {"wallet_usdt_max": 0}, "venue.wallet_usdt_max = 0"),
        ("venue", {"rest_url": "http://127.0.0.1:1"}, "venue.rest_url = 'http://127.0.0.1:1': un"),
        ("rehearsal", {"market": "catalog"}, "rehearsal.market = 'catalog'"),
        ("rehearsal", {"market": "catalog:"}, "rehearsal.market = 'catalog:'"),
        ("rehearsal", {"speed": -1}, "rehearsal.speed = -1"),
        ("rehearsal", {"scenario": ""}, "rehearsal.scenario = ''"),
        ("rehearsal", {"end": date(2026, 1, 2)}, "end must not be set: a generated market"),
    ],
)
def test_a_broken_rule_of_a_node_is_told_with_its_key_and_value(
    section: str, change: dict[str, Any], line: str
) -> None:
    assert line in refusal(changed("rehearsal", **{section: change}))


@pytest.mark.parametrize("mode", NODE_MODES)
def test_only_a_backtest_may_price_by_bars_or_keep_its_journal_in_memory(mode: str) -> None:
    broken = table(mode)
    broken["limits"]["market_data"]["price_source"] = "bar"
    assert "limits.market_data.price_source = 'bar' is for backtests only" in refusal(broken)

    assert "journal.sync = 'none' is for backtests only" in refusal(
        changed(mode, journal={"sync": "none"})
    )


def test_a_waiver_needs_a_reason_worth_reading() -> None:
    waived = [{"symbol": "BTCUSDT-PERP.BINANCE", "day": date(2025, 5, 1), "reason": "ok"}]

    assert "data.waived_days.0.reason = 'ok'" in refusal(changed(data={"waived_days": waived}))


def test_a_file_that_is_not_there_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"absent\.toml: cannot be read"):
        load_profile(tmp_path / "absent.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_an_error_with_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)

    with pytest.raises(ProfileError, match=r"broken\.toml: is not TOML"):
        load_profile(path)


def test_equal_profiles_have_equal_hashes_and_any_change_another() -> None:
    first = parse_profile(table(), source="a")
    again = parse_profile(copy.deepcopy(table()), source="b")
    other = parse_profile(table() | {"seed": 8}, source="c")

    assert first.hash == again.hash
    assert first.hash != other.hash


def test_strategy_parameters_are_handed_on_as_they_are_written() -> None:
    raw = table()
    raw["strategies"][0]["params"] = {"levels": [1, 2], "deep": {"list": ["a"]}}

    assert parse_profile(raw, source="a").strategies[0].params == {
        "levels": [1, 2],
        "deep": {"list": ["a"]},
    }


def test_a_moment_is_told_in_nanoseconds_of_utc() -> None:
    assert to_ns(datetime.fromisoformat("1970-01-02T01:00:00.000001+01:00")) == (86_400_000_001_000)
