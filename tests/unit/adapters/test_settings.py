"""Where the adapter may go: a venue's own hosts, and nowhere else."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.adapters.binance.common.enums import BinanceAccountType, BinanceEnvironment
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId
from pydantic import ValidationError

from adapters.config import data_client_config, exec_client_config
from adapters.factories import VenueLink, make_factories
from adapters.settings import VenueSettings
from tests.hop_kit import Keys

LOCAL = ("local", "http://127.0.0.1:8000", "ws://127.0.0.1:8001")
DEMO = ("demo", "https://demo-fapi.binance.com", "wss://fstream.binancefuture.com")
LIVE = ("live", "https://fapi.binance.com", "wss://fstream.binance.com")
IDS = [InstrumentId.from_str("BTCUSDT-PERP.BINANCE")]
ED25519 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"


def settings(where: tuple[str, str, str] = LOCAL, **changed: Any) -> VenueSettings:
    table = {
        "environment": where[0], "rest_url": where[1], "ws_url": where[2], "recv_window_ms": 5_000,
        "http_timeout_sec": 10, "clock_offset_ms_max": 500, "data_silence_sec_max": 10,
        "exit_reserve_ratio": Decimal("0.2"),
    }  # fmt: skip
    return VenueSettings(**table | changed)


@pytest.mark.parametrize("where", [LOCAL, DEMO, LIVE], ids=lambda w: w[0])
def test_each_environment_takes_its_own_hosts(where):
    assert settings(where).rest_url == where[1]


@pytest.mark.parametrize(
    ("environment", "key", "url"),
    [
        ("local", "rest_url", "http://localhost:8000"),
        ("local", "rest_url", "http://192.168.0.1:8000"),
        ("local", "rest_url", "https://fapi.binance.com"),
        ("local", "rest_url", "http://127.0.0.1:8000/"),
        ("local", "rest_url", "http://user@127.0.0.1:8000"),
        ("local", "rest_url", "ftp://127.0.0.1:8000"),
        ("local", "ws_url", "ws://127.0.0.1:8001/private"),
        ("local", "ws_url", "http://127.0.0.1:8001"),
        ("demo", "rest_url", "https://fapi.binance.com"),
        ("demo", "rest_url", "http://demo-fapi.binance.com"),
        ("demo", "ws_url", "wss://fstream.binance.com"),
        ("live", "rest_url", "https://demo-fapi.binance.com"),
        ("live", "rest_url", "https://fapi.binance.com.evil.example"),
        ("live", "rest_url", "https://fapi.binance.com:8443"),
        ("live", "ws_url", "ws://fstream.binance.com"),
        ("live", "rest_url", "http://127.0.0.1:8000"),
    ],
)
def test_no_environment_takes_another_host_and_the_error_names_key_and_value(environment, key, url):
    where = {"local": LOCAL, "demo": DEMO, "live": LIVE}[environment]

    with pytest.raises(ValidationError) as refusal:
        settings(where, **{key: url})

    assert f"{key} = '{url}'" in str(refusal.value)


@pytest.mark.parametrize(
    ("where", "environment"),
    [(LOCAL, "DEMO"), (DEMO, "DEMO"), (LIVE, "LIVE")],
    ids=["local", "demo", "live"],
)
def test_environment_and_account_type_are_always_said_and_no_key_ever(where, environment):
    for config in (
        data_client_config(settings(where), IDS),
        exec_client_config(settings(where), IDS),
    ):
        assert config.environment is BinanceEnvironment[environment]
        assert config.account_type is BinanceAccountType.USDT_FUTURES
        assert config.base_url_http == where[1]
        assert (config.api_key, config.api_secret) == (None, None)


def test_nothing_is_retried_and_positions_have_no_ids():
    config = exec_client_config(settings(), IDS)

    assert (config.max_retries, config.use_position_ids, config.use_reduce_only) == (
        None, False, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_key", "k"),
        ("api_secret", "s"),
        ("environment", BinanceEnvironment.LIVE),
        ("account_type", BinanceAccountType.SPOT),
        ("base_url_http", "http://127.0.0.1:9"),
        ("base_url_ws_stream", "ws://127.0.0.1:9/private"),
        ("max_retries", 3),
        ("use_position_ids", True),
        ("use_reduce_only", False),
        ("proxy_url", "http://127.0.0.1:9"),
    ],
)
def test_a_config_that_says_anything_else_builds_no_client(key, value):
    link = VenueLink(settings(), Keys("k", "s"))
    default = exec_client_config(settings(), IDS)
    fields = {name: getattr(default, name) for name in default.__struct_fields__}
    config = type(default)(**fields | {key: value})

    with pytest.raises(ValueError, match=r"must not carry keys|must be"):
        link.exec_client(None, "BINANCE", config, None, None, None)


def test_a_config_may_choose_its_instruments():
    default = data_client_config(settings(), IDS)

    assert default.instrument_provider.load_ids == frozenset(IDS)
    assert isinstance(default.instrument_provider, InstrumentProviderConfig)


def test_an_ed25519_key_is_refused_because_it_can_trade_over_a_websocket():
    with pytest.raises(ValueError, match="must be an HMAC key") as refusal:
        make_factories(Keys("k", ED25519), settings())

    assert ED25519 not in str(refusal.value)


def test_there_is_no_execution_client_without_keys():
    link = VenueLink(settings(), None)

    with pytest.raises(ValueError, match="needs the account's keys"):
        link.exec_client(None, "BINANCE", exec_client_config(settings(), IDS), None, None, None)
