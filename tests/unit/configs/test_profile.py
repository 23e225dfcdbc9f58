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


def table() -> dict[str, Any]:
    return tomllib.loads(DEMO.read_text(encoding="utf-8"), parse_float=Decimal)


def changed(**sections: dict[str, Any] | None) -> dict[str, Any]:
    """Return the demo profile with some keys of its sections changed; None removes a section."""
    result = table()
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


@pytest.mark.parametrize("key", ["name", "mode", "trader_id", "seed", "data", "limits", "journal"])
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


@pytest.mark.parametrize("mode", ["backtest", "paper"])
def test_a_simulated_venue_needs_its_simulation(mode: str) -> None:
    broken = changed(simulation=None) | {"mode": mode}

    assert f"simulation is missing: mode = '{mode}'" in refusal(broken)


@pytest.mark.parametrize("mode", ["rehearsal", "demo", "live"])
def test_a_real_venue_takes_no_simulation(mode: str) -> None:
    assert "simulation must not be set" in refusal(table() | {"mode": mode})


@pytest.mark.parametrize("mode", ["paper", "rehearsal", "demo", "live"])
def test_only_a_backtest_may_price_by_bars_or_keep_its_journal_in_memory(mode: str) -> None:
    broken = table() | {"mode": mode}
    if mode != "paper":
        del broken["simulation"]
    assert "limits.market_data.price_source = 'bar' is for backtests only" in refusal(broken)

    broken["limits"]["market_data"]["price_source"] = "quote"
    assert "journal.sync = 'none' is for backtests only" in refusal(broken)

    broken["journal"]["sync"] = "fsync"
    assert parse_profile(broken, source="test.toml").mode == mode


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
