"""Every endpoint of the venue: security, weight, cost (Binance: the page of each endpoint), and the way in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from venue.api import account, algo, market, trade
from venue.api.endpoint import Endpoint, Handler, Weight, weighs, with_symbol
from venue.engine.errors import VenueError, refusal
from venue.engine.exchange import Exchange

ONE_ORDER, BATCH = (1, 1), (5, 1)


def _depth_weight(params: Mapping[str, str]) -> int:
    limit = _number(params, "limit", 500)
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


def _klines_weight(params: Mapping[str, str]) -> int:
    limit = _number(params, "limit", 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def _number(params: Mapping[str, str], key: str, default: int) -> int:
    value = params.get(key, "")
    return int(value) if value.isascii() and value.isdigit() else default


def _public(handler: Handler, weight: Weight) -> Endpoint:
    return Endpoint(handler, "NONE", weight)


def _user(handler: Handler, weight: Weight) -> Endpoint:
    return Endpoint(handler, "USER_DATA", weight)


def _trade(handler: Handler, weight: int, order_cost: tuple[int, int] = (0, 0)) -> Endpoint:
    return Endpoint(handler, "TRADE", weighs(weight), order_cost)


_TRADE = {
    ("POST", "/fapi/v1/order"): _trade(trade.place, 0, ONE_ORDER),
    ("POST", "/fapi/v1/order/test"): _trade(trade.test_order, 0),
    ("PUT", "/fapi/v1/order"): _trade(trade.amend, 0, ONE_ORDER),
    ("DELETE", "/fapi/v1/order"): _trade(trade.cancel, 1),
    ("POST", "/fapi/v1/batchOrders"): _trade(trade.place_batch, 5, BATCH),
    ("PUT", "/fapi/v1/batchOrders"): _trade(trade.amend_batch, 5, BATCH),
    ("DELETE", "/fapi/v1/batchOrders"): _trade(trade.cancel_batch, 1),
    ("DELETE", "/fapi/v1/allOpenOrders"): _trade(trade.cancel_all, 1),
    ("POST", "/fapi/v1/countdownCancelAll"): _trade(trade.count_down, 10),
    ("GET", "/fapi/v1/order"): _user(trade.query, weighs(1)),
    ("GET", "/fapi/v1/openOrder"): _user(trade.query_open, weighs(1)),
    ("GET", "/fapi/v1/openOrders"): _user(trade.open_orders, with_symbol(1, 40)),
    ("GET", "/fapi/v1/allOrders"): _user(trade.all_orders, weighs(5)),
    ("GET", "/fapi/v1/userTrades"): _user(trade.user_trades, weighs(5)),
    ("GET", "/fapi/v1/orderAmendment"): _user(trade.amendments, weighs(1)),
    ("GET", "/fapi/v1/forceOrders"): _user(account.force_orders, with_symbol(20, 50)),
    ("POST", "/fapi/v1/algoOrder"): _trade(algo.place, 0, ONE_ORDER),
    ("DELETE", "/fapi/v1/algoOrder"): _trade(algo.cancel, 1),
    ("DELETE", "/fapi/v1/algoOpenOrders"): _trade(algo.cancel_all, 1),
    ("GET", "/fapi/v1/algoOrder"): _user(algo.query, weighs(1)),
    ("GET", "/fapi/v1/openAlgoOrders"): _user(algo.open_algos, with_symbol(1, 40)),
    ("GET", "/fapi/v1/allAlgoOrders"): _user(algo.all_algos, weighs(5)),
}
_ACCOUNT = {
    ("GET", "/fapi/v2/account"): _user(account.account_v2, weighs(5)),
    ("GET", "/fapi/v3/account"): _user(account.account_v3, weighs(5)),
    ("GET", "/fapi/v2/balance"): _user(account.balance, weighs(5)),
    ("GET", "/fapi/v3/balance"): _user(account.balance, weighs(5)),
    ("GET", "/fapi/v2/positionRisk"): _user(account.position_risk_v2, weighs(5)),
    ("GET", "/fapi/v3/positionRisk"): _user(account.position_risk_v3, weighs(5)),
    ("GET", "/fapi/v1/accountConfig"): _user(account.config, weighs(5)),
    ("GET", "/fapi/v1/symbolConfig"): _user(account.symbol_config, weighs(5)),
    ("GET", "/fapi/v1/leverageBracket"): _user(account.leverage_bracket, weighs(1)),
    ("GET", "/fapi/v1/commissionRate"): _user(account.commission_rate, weighs(20)),
    ("GET", "/fapi/v1/income"): _user(account.income, weighs(30)),
    ("GET", "/fapi/v1/positionSide/dual"): _user(account.get_dual, weighs(30)),
    ("POST", "/fapi/v1/positionSide/dual"): _trade(account.set_dual, 1),
    ("GET", "/fapi/v1/multiAssetsMargin"): _user(account.get_multi_assets, weighs(30)),
    ("POST", "/fapi/v1/multiAssetsMargin"): _trade(account.set_multi_assets, 1),
    ("POST", "/fapi/v1/leverage"): _trade(account.set_leverage, 1),
    ("POST", "/fapi/v1/marginType"): _trade(account.set_margin_type, 1),
    ("POST", "/fapi/v1/positionMargin"): _trade(account.set_position_margin, 1),
    ("GET", "/fapi/v1/positionMargin/history"): _user(account.position_margin_history, weighs(1)),
    ("GET", "/fapi/v1/feeBurn"): _user(account.get_fee_burn, weighs(30)),
    ("POST", "/fapi/v1/feeBurn"): _trade(account.set_fee_burn, 1),
    ("GET", "/fapi/v1/apiTradingStatus"): _user(account.api_trading_status, with_symbol(1, 10)),
    ("GET", "/fapi/v1/adlQuantile"): _user(account.adl_quantiles, weighs(5)),
    ("GET", "/fapi/v1/rateLimit/order"): _user(account.order_rate_limits, weighs(1)),
    ("GET", "/sapi/v1/account/apiRestrictions"): _user(account.api_restrictions, weighs(1)),
}
_MARKET = {
    ("GET", "/fapi/v1/ping"): _public(market.ping, weighs(1)),
    ("GET", "/fapi/v1/time"): _public(market.time, weighs(1)),
    ("GET", "/fapi/v1/exchangeInfo"): _public(market.exchange_info, weighs(1)),
    ("GET", "/fapi/v1/depth"): _public(market.depth, _depth_weight),
    ("GET", "/fapi/v1/trades"): _public(market.trades, weighs(5)),
    ("GET", "/fapi/v1/historicalTrades"): Endpoint(market.trades, "MARKET_DATA", weighs(20)),
    ("GET", "/fapi/v1/aggTrades"): _public(market.agg_trades, weighs(20)),
    ("GET", "/fapi/v1/klines"): _public(market.klines, _klines_weight),
    ("GET", "/fapi/v1/premiumIndex"): _public(market.premium_index, with_symbol(1, 10)),
    ("GET", "/fapi/v1/fundingRate"): _public(market.funding_rate, weighs(0)),
    ("GET", "/fapi/v1/fundingInfo"): _public(market.funding_info, weighs(0)),
    ("GET", "/fapi/v1/ticker/24hr"): _public(market.ticker_24hr, with_symbol(1, 40)),
    ("GET", "/fapi/v1/ticker/price"): _public(market.ticker_price, with_symbol(1, 2)),
    ("GET", "/fapi/v2/ticker/price"): _public(market.ticker_price, with_symbol(1, 2)),
    ("GET", "/fapi/v1/ticker/bookTicker"): _public(market.book_ticker, with_symbol(2, 5)),
    ("GET", "/fapi/v1/openInterest"): _public(market.open_interest, weighs(1)),
    ("GET", "/fapi/v1/symbolAdlRisk"): _public(market.symbol_adl_risk, weighs(1)),
    ("GET", "/fapi/v1/insuranceBalance"): _public(market.insurance_balance, weighs(1)),
}
ENDPOINTS: Mapping[tuple[str, str], Endpoint] = MappingProxyType({**_TRADE, **_ACCOUNT, **_MARKET})


def handle(
    exchange: Exchange,
    account: str | None,
    method: str,
    path: str,
    params: Mapping[str, str],
) -> Any:
    """
    Answer one REST request.

    Parameters
    ----------
    account : str or None
        Whose key signed it; None for public requests.
    params : Mapping[str, str]
        Query and body together; timestamp, recvWindow and signature are the wire's and ignored.

    Raises
    ------
    VenueError
        The venue's refusal; -5000 (HTTP 404) for an unknown path.

    """
    endpoint = ENDPOINTS.get((method, path))
    if endpoint is None:
        raise VenueError(-5000, http_status=404, details=(path, method))
    if endpoint.is_private and account is None:
        raise VenueError(-2014, http_status=401)
    holder = None if account is None else exchange.accounts.get(account)
    if endpoint.is_private and holder is None:
        raise refusal(-2014)
    return endpoint.run(exchange, holder, params)
