"""Binance's own Python client trades on the venue: an independent judge of what it answers."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_common.errors import BadRequestError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from tests.venue_kit import local_venue, until

BTC = "BTCUSDT"
# Every read that a trading client makes: the client's models must accept the answers.
READS = {
    "exchange_information": {},
    "check_server_time": {},
    "order_book": {"symbol": BTC, "limit": 5},
    "recent_trades_list": {"symbol": BTC},
    "compressed_aggregate_trades_list": {"symbol": BTC},
    "kline_candlestick_data": {"symbol": BTC, "interval": "1m"},
    "mark_price": {"symbol": BTC},
    "symbol_price_ticker_v2": {"symbol": BTC},
    "symbol_order_book_ticker": {"symbol": BTC},
    "ticker24hr_price_change_statistics": {"symbol": BTC},
    "get_funding_rate_history": {"symbol": BTC},
    "account_information_v2": {},
    "account_information_v3": {},
    "futures_account_balance_v3": {},
    "futures_account_configuration": {},
    "symbol_configuration": {},
    "notional_and_leverage_brackets": {},
    "user_commission_rate": {"symbol": BTC},
    "get_current_position_mode": {},
    "get_current_multi_assets_mode": {},
    "get_income_history": {},
    "query_user_rate_limit": {},
    "position_information_v2": {},
    "position_information_v3": {},
    "account_trade_list": {"symbol": BTC},
    "all_orders": {"symbol": BTC},
    "current_all_open_orders": {},
    "current_all_algo_open_orders": {},
    "query_all_algo_orders": {"symbol": BTC},
    "users_force_orders": {},
    "position_adl_quantile_estimation": {},
}


class Client:
    """The official client with its blocking calls in a thread."""

    def __init__(self, venue, secret: str | None = None) -> None:
        own = venue.keys.of("main")
        self.venue = venue
        self.api = DerivativesTradingUsdsFutures(
            config_rest_api=ConfigurationRestAPI(
                api_key=own.key,
                api_secret=secret or own.secret,
                base_path=venue.rest_url,
                retries=0,
                timeout=10_000,
            ),
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=venue.ws_url),
        )

    async def call(self, name: str, **params):
        answer = await asyncio.to_thread(getattr(self.api.rest_api, name), **params)
        return answer.data()


@asynccontextmanager
async def official(**settings):
    async with local_venue(**settings) as venue:
        yield Client(venue)


async def buy(client: Client, quantity: float = 0.05):
    return await client.call("new_order", symbol=BTC, side="BUY", type="MARKET", quantity=quantity)


async def protect(client: Client, kind: str, trigger: int, name: str):
    return await client.call(
        "new_algo_order", algo_type="CONDITIONAL", symbol=BTC, side="SELL", type=kind,
        quantity=0.05, trigger_price=trigger, reduce_only="true", client_algo_id=name,
    )  # fmt: skip


def test_an_order_is_placed_amended_found_and_canceled():
    async def scene():
        async with official() as client:
            placed = await client.call(
                "new_order", symbol=BTC, side="BUY", type="LIMIT", time_in_force="GTC",
                quantity=0.01, price=63_000, new_client_order_id="mine:1",
            )  # fmt: skip
            await client.call(
                "modify_order", symbol=BTC, side="BUY", quantity=0.02, price=62_000,
                order_id=placed.order_id,
            )  # fmt: skip
            found = await client.call("query_order", symbol=BTC, orig_client_order_id="mine:1")
            ended = await client.call("cancel_order", symbol=BTC, order_id=placed.order_id)

            assert placed.status == "NEW"
            assert (found.orig_qty, Decimal(found.price)) == ("0.020", 62_000)
            assert ended.status == "CANCELED"
            assert await client.call("current_all_open_orders") == []

    asyncio.run(scene())


def test_a_position_is_bracketed_by_algo_orders_and_stopped_out():
    async def scene():
        async with official() as client:
            await buy(client)
            await protect(client, "STOP_MARKET", 60_000, "stop")
            await protect(client, "TAKE_PROFIT_MARKET", 70_000, "target")
            (position,) = await client.call("position_information_v3")
            assert Decimal(position.position_amt) == Decimal("0.05")

            client.venue.move(BTC, Decimal(59_000))
            await until(lambda: not client.venue.exchange.truth("main")["positions"])
            resting = await client.call("current_all_algo_open_orders", symbol=BTC)
            stop = await client.call("query_algo_order", client_algo_id="stop")
            trades = await client.call("account_trade_list", symbol=BTC)
            await client.call("cancel_algo_order", client_algo_id="target")

            assert [order.client_algo_id for order in resting] == ["target"]
            assert stop.algo_status in ("TRIGGERED", "FINISHED")
            assert [(trade.side, trade.qty) for trade in trades] == [
                ("BUY", "0.050"),
                ("SELL", "0.050"),
            ]
            assert await client.call("current_all_algo_open_orders") == []

    asyncio.run(scene())


def test_its_streams_carry_the_market_and_the_account():
    async def scene():
        async with official() as client:
            key = (await client.call("start_user_data_stream")).listen_key
            streams = await client.api.websocket_streams.create_connection()
            try:
                heard: dict[str, list] = {"user": [], "quote": [], "trade": []}
                user = await streams.user_data(key)
                quote = await streams.individual_symbol_book_ticker_streams(symbol="btcusdt")
                trade = await streams.aggregate_trade_streams(symbol="btcusdt")
                for name, stream in (("user", user), ("quote", quote), ("trade", trade)):
                    stream.on("message", heard[name].append)
                await until(lambda: key in client.venue.wire.user_streams.open_keys())
                await until(lambda: len(client.venue.wire.market_streams.wanted) == 2)
                await buy(client)
                client.venue.move(BTC, Decimal(65_000))
                await until(lambda: heard["quote"] and heard["trade"])
                await until(lambda: "OrderTradeUpdate" in kinds(heard["user"]))
                await until(lambda: "AccountUpdate" in kinds(heard["user"]))

                assert heard["quote"][0].a == "65000.00"
            finally:
                await streams.close_connection(close_session=True)

    asyncio.run(scene())


def kinds(events) -> set[str]:
    return {type(event.actual_instance).__name__ for event in events}


@pytest.mark.parametrize("name", READS)
def test_its_models_accept_every_answer(name):
    async def scene():
        async with official(market="generated") as client:
            await buy(client)
            await protect(client, "STOP_MARKET", 50_000, "stop")
            await client.call(name, **READS[name])

    asyncio.run(scene())


def test_refusals_carry_the_code_of_the_venue():
    async def scene():
        async with official() as client:
            with pytest.raises(BadRequestError) as caught:
                await client.call("query_order", symbol=BTC, orig_client_order_id="nobody")
            assert caught.value.status_code == -2013
            wrong = Client(client.venue, secret="x" * 64)
            with pytest.raises(BadRequestError) as caught:
                await wrong.call("account_information_v3")
            assert caught.value.status_code == -1022

    asyncio.run(scene())
