"""Market data and the exchange's own facts."""
# ruff: noqa: ARG001 - all handlers take the same arguments

from typing import Any

from venue.api.params import Params
from venue.engine.book import Bar, Book
from venue.engine.errors import refusal
from venue.engine.exchange import Exchange
from venue.engine.numbers import ZERO, plain
from venue.engine.symbols import SymbolSpec, exchange_info_entry

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
INTERVALS_MS = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS, "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS, "1d": DAY_MS, "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}  # fmt: skip
DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)


def ping(ex: Exchange, params: Params) -> dict[str, Any]:
    return {}


def time(ex: Exchange, params: Params) -> dict[str, Any]:
    return {"serverTime": ex.now_ms}


def exchange_info(ex: Exchange, params: Params) -> dict[str, Any]:
    """Return everything; a symbol parameter is ignored, as at the venue."""
    assets = sorted({spec.margin_asset for spec in ex.symbols.values()})
    return {
        "timezone": "UTC",
        "serverTime": ex.now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [dict(limit) for limit in ex.rate_limits],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in assets
        ],
        "symbols": [exchange_info_entry(spec) for spec in ex.symbols.values()],
    }


def depth(ex: Exchange, params: Params) -> dict[str, Any]:
    spec, book = _symbol(ex, params)
    limit = params.integer("limit") or 500
    if limit not in DEPTH_LIMITS:
        raise refusal(-1130, "limit")
    return {
        "lastUpdateId": book.update_id,
        "E": ex.now_ms,
        "T": book.update_ms,
        "bids": [[spec.price_text(p), spec.qty_text(q)] for p, q in book.bids[:limit]],
        "asks": [[spec.price_text(p), spec.qty_text(q)] for p, q in book.asks[:limit]],
    }


def trades(ex: Exchange, params: Params) -> list[dict[str, Any]]:
    spec, book = _symbol(ex, params)
    return [
        {
            "id": t.trade_id,
            "price": spec.price_text(t.price),
            "qty": spec.qty_text(t.qty),
            "quoteQty": plain(t.price * t.qty),
            "time": t.time_ms,
            "isBuyerMaker": t.is_buyer_maker,
        }
        for t in list(book.tape)[-params.limit(500, 1000) :]
    ]


def agg_trades(ex: Exchange, params: Params) -> list[dict[str, Any]]:
    """Return the tape's trades, one by one (each counts as its own aggregate)."""
    spec, book = _symbol(ex, params)
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    from_id = params.integer("fromId")
    found = [
        t
        for t in book.tape
        if (start_ms is None or t.time_ms >= start_ms)
        and (end_ms is None or t.time_ms <= end_ms)
        and (from_id is None or t.trade_id >= from_id)
    ]
    limit = params.limit(500, 1000)
    page = found[:limit] if from_id is not None or start_ms is not None else found[-limit:]
    return [
        {
            "a": t.trade_id,
            "p": spec.price_text(t.price),
            "q": spec.qty_text(t.qty),
            "nq": spec.qty_text(t.qty),
            "f": t.trade_id,
            "l": t.trade_id,
            "T": t.time_ms,
            "m": t.is_buyer_maker,
        }
        for t in page
    ]


def klines(ex: Exchange, params: Params) -> list[list[Any]]:
    """Return bars, oldest first; the last one may still be open."""
    spec, book = _symbol(ex, params)
    interval_ms = _interval(params)
    bars = _bars_within(book.merged_bars(interval_ms), params)
    return [_kline_row(bar, interval_ms, spec) for bar in bars]


def _interval(params: Params) -> int:
    interval = params.require("interval")
    if interval not in INTERVALS_MS:
        raise refusal(-1120)
    return INTERVALS_MS[interval]


def _bars_within(bars: list[Bar], params: Params) -> list[Bar]:
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    found = [
        bar
        for bar in bars
        if (start_ms is None or bar.open_ms >= start_ms)
        and (end_ms is None or bar.open_ms <= end_ms)
    ]
    limit = params.limit(500, 1500)
    return found[:limit] if start_ms is not None else found[-limit:]


def _kline_row(bar: Bar, interval_ms: int, spec: SymbolSpec) -> list[Any]:
    return [
        bar.open_ms,
        spec.price_text(bar.open),
        spec.price_text(bar.high),
        spec.price_text(bar.low),
        spec.price_text(bar.close),
        spec.qty_text(bar.volume),
        bar.open_ms + interval_ms - 1,
        plain(bar.quote_volume),
        bar.count,
        spec.qty_text(bar.taker_volume),
        plain(bar.taker_quote_volume),
        "0",
    ]


def premium_index(ex: Exchange, params: Params) -> Any:
    return _one_or_all(ex, params, _premium_row)


def _premium_row(ex: Exchange, spec: SymbolSpec, book: Book) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "markPrice": f"{book.mark_price:.8f}",
        "indexPrice": f"{book.index or book.mark_price:.8f}",
        "estimatedSettlePrice": f"{book.index or book.mark_price:.8f}",
        "lastFundingRate": f"{book.funding_rate:.8f}",
        "interestRate": "0.00010000",
        "nextFundingTime": book.next_funding_ms,
        "time": ex.now_ms,
    }


def funding_rate(ex: Exchange, params: Params) -> list[dict[str, Any]]:
    names = [ex.spec(params.text("symbol")).symbol] if "symbol" in params else list(ex.symbols)
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    found = [
        {
            "symbol": name,
            "fundingTime": time_ms,
            "fundingRate": f"{rate:.8f}",
            "markPrice": f"{mark:.8f}",
            "rateType": "Regular",
        }
        for name in names
        for time_ms, rate, mark in ex.book(name).funding_history
        if (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)
    ]
    found.sort(key=lambda row: row["fundingTime"])
    return found[-params.limit(100, 1000) :]


def funding_info(ex: Exchange, params: Params) -> list[dict[str, Any]]:
    return [
        {
            "symbol": spec.symbol,
            "adjustedFundingRateCap": "0.00300000",
            "adjustedFundingRateFloor": "-0.00300000",
            "fundingIntervalHours": spec.funding_interval_hours,
            "disclaimer": True,
        }
        for spec in ex.symbols.values()
    ]


def book_ticker(ex: Exchange, params: Params) -> Any:
    return _one_or_all(ex, params, _book_ticker_row)


def _book_ticker_row(ex: Exchange, spec: SymbolSpec, book: Book) -> dict[str, Any]:
    bid, ask = (book.bids or [(ZERO, ZERO)])[0], (book.asks or [(ZERO, ZERO)])[0]
    return {
        "lastUpdateId": book.update_id,
        "symbol": spec.symbol,
        "bidPrice": spec.price_text(bid[0]),
        "bidQty": spec.qty_text(bid[1]),
        "askPrice": spec.price_text(ask[0]),
        "askQty": spec.qty_text(ask[1]),
        "time": book.update_ms,
    }


def ticker_price(ex: Exchange, params: Params) -> Any:
    return _one_or_all(
        ex,
        params,
        lambda _, spec, book: {
            "symbol": spec.symbol,
            "price": spec.price_text(book.contract_price),
            "time": book.update_ms,
        },
    )


def ticker_24hr(ex: Exchange, params: Params) -> Any:
    return _one_or_all(ex, params, _ticker_row)


def _ticker_row(ex: Exchange, spec: SymbolSpec, book: Book) -> dict[str, Any]:
    bars = [bar for minute, bar in sorted(book.bars.items()) if minute > ex.now_ms - DAY_MS]
    last = book.contract_price
    first = bars[0].open if bars else last
    volume = sum((bar.volume for bar in bars), ZERO)
    quote_volume = sum((bar.quote_volume for bar in bars), ZERO)
    average = quote_volume / volume if volume else last
    change = (last - first) / first * 100 if first else ZERO
    return {
        "symbol": spec.symbol,
        "priceChange": spec.price_text(last - first),
        "priceChangePercent": f"{change:.3f}",
        "weightedAvgPrice": spec.price_text(average),
        "lastPrice": spec.price_text(last),
        "lastQty": spec.qty_text(book.tape[-1].qty) if book.tape else "0",
        "openPrice": spec.price_text(first),
        "highPrice": spec.price_text(max((bar.high for bar in bars), default=last)),
        "lowPrice": spec.price_text(min((bar.low for bar in bars), default=last)),
        "volume": spec.qty_text(volume),
        "quoteVolume": plain(quote_volume),
        "openTime": max(ex.now_ms - DAY_MS, bars[0].open_ms if bars else 0),
        "closeTime": ex.now_ms,
        "firstId": book.tape[0].trade_id if book.tape else -1,
        "lastId": book.tape[-1].trade_id if book.tape else -1,
        "count": sum(bar.count for bar in bars),
    }


def open_interest(ex: Exchange, params: Params) -> dict[str, Any]:
    """Return what the accounts hold together (longs alone, as at the venue)."""
    spec, _ = _symbol(ex, params)
    held = sum(
        (
            p.amt
            for account in ex.accounts.values()
            for p in account.open_positions(spec.symbol)
            if p.amt > 0
        ),
        ZERO,
    )
    return {"symbol": spec.symbol, "openInterest": spec.qty_text(held), "time": ex.now_ms}


def symbol_adl_risk(ex: Exchange, params: Params) -> Any:
    return _one_or_all(
        ex,
        params,
        lambda _, spec, book: {
            "symbol": spec.symbol,
            "adlRisk": "low" if ex.ledger.insurance_fund > 0 else "high",
            "updateTime": book.update_ms,
        },
    )


def insurance_balance(ex: Exchange, params: Params) -> dict[str, Any]:
    return {
        "symbols": list(ex.symbols),
        "assets": [
            {
                "asset": "USDT",
                "marginBalance": f"{ex.ledger.insurance_fund:.8f}",
                "updateTime": ex.now_ms,
            },
        ],
    }


def _symbol(ex: Exchange, params: Params) -> tuple[SymbolSpec, Book]:
    name = params.require("symbol")
    return ex.spec(name), ex.book(name)


def _one_or_all(ex: Exchange, params: Params, row: Any) -> Any:
    if "symbol" in params:
        return row(ex, *_symbol(ex, params))
    return [row(ex, ex.spec(name), ex.book(name)) for name in ex.symbols]
