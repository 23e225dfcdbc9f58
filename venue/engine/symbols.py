"""What a symbol is: its filters, brackets and fees, as exchangeInfo and leverageBracket show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venue.engine.numbers import ONE, decimals_of, fixed, plain

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import CryptoPerpetual

BUILTIN = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass(frozen=True, slots=True)
class Bracket:
    """One step of the leverage table; money in the margin asset, ``cum`` in the same."""

    number: int
    initial_leverage: int
    notional_floor: Decimal
    notional_cap: Decimal
    maint_margin_ratio: Decimal
    cum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSpec:
    """
    A symbol's rules. Increments keep the decimals they are written with (tick ``0.10``).

    Prices are in the quote asset, quantities in the base asset; multipliers, take bound,
    trigger protection and fees are fractions (0.05 is 5 %).
    """

    symbol: str
    base_asset: str
    quote_asset: str = "USDT"
    margin_asset: str = "USDT"
    contract_type: str = "PERPETUAL"
    status: str = "TRADING"
    tick_size: Decimal
    min_price: Decimal
    max_price: Decimal
    step_size: Decimal
    min_qty: Decimal
    max_qty: Decimal
    market_max_qty: Decimal
    min_notional: Decimal
    multiplier_up: Decimal
    multiplier_down: Decimal
    max_num_orders: int = 200
    position_control_side: str = "NONE"
    trigger_protect: Decimal = Decimal("0.0500")
    liquidation_fee: Decimal = Decimal("0.012500")
    market_take_bound: Decimal = Decimal("0.05")
    funding_interval_hours: int = 8
    onboard_ms: int = 1_567_965_300_000
    brackets: tuple[Bracket, ...]

    @property
    def price_decimals(self) -> int:
        return decimals_of(self.tick_size)

    @property
    def qty_decimals(self) -> int:
        return decimals_of(self.step_size)

    def price_text(self, price: Decimal) -> str:
        """Return the price with the tick's decimals."""
        return fixed(price, self.price_decimals)

    def qty_text(self, qty: Decimal) -> str:
        """Return the quantity with the step's decimals."""
        return fixed(qty, self.qty_decimals)

    def bracket_of(self, notional: Decimal) -> Bracket:
        """Return the bracket of a position's absolute notional (the last one has no end)."""
        for bracket in self.brackets:
            if notional <= bracket.notional_cap:
                return bracket
        return self.brackets[-1]

    def max_notional(self, leverage: int) -> Decimal:
        """Return the greatest notional that this leverage may hold."""
        return max(b.notional_cap for b in self.brackets if b.initial_leverage >= leverage)

    @property
    def max_leverage(self) -> int:
        return self.brackets[0].initial_leverage


def brackets_from_rows(rows: Sequence[Sequence[str]]) -> tuple[Bracket, ...]:
    """Return brackets from rows of notional cap, leverage, maintenance ratio, cum (as text)."""
    brackets: list[Bracket] = []
    floor = Decimal(0)
    for number, (cap, leverage, ratio, cum) in enumerate(rows, start=1):
        bracket = Bracket(number, int(leverage), floor, Decimal(cap), Decimal(ratio), Decimal(cum))
        brackets.append(bracket)
        floor = bracket.notional_cap
    return tuple(brackets)


def from_instrument(instrument: "CryptoPerpetual") -> SymbolSpec:
    """Return the rules of a catalog instrument (see ``catalog.instruments`` for its ``info``)."""
    info = instrument.info
    return SymbolSpec(
        symbol=instrument.raw_symbol.value,
        base_asset=instrument.base_currency.code,
        quote_asset=instrument.quote_currency.code,
        margin_asset=instrument.settlement_currency.code,
        tick_size=Decimal(str(instrument.price_increment)),
        min_price=instrument.min_price.as_decimal(),
        max_price=instrument.max_price.as_decimal(),
        step_size=Decimal(str(instrument.size_increment)),
        min_qty=instrument.min_quantity.as_decimal(),
        max_qty=instrument.max_quantity.as_decimal(),
        market_max_qty=Decimal(info["market_max_qty"]),
        min_notional=instrument.min_notional.as_decimal(),
        multiplier_up=Decimal(info["percent_price_up"]),
        multiplier_down=Decimal(info["percent_price_down"]),
        max_num_orders=int(info["max_num_orders"]),
        brackets=brackets_from_rows(info["brackets"]),
    )


def builtin(*symbols: str) -> list[SymbolSpec]:
    """
    Return the named symbols of the catalog's dated table (by default BTC, ETH and SOL).

    Raises
    ------
    KeyError
        If the table does not know a symbol.

    """
    from catalog.instruments import builtin_instruments

    table = {i.raw_symbol.value: i for i in builtin_instruments().values()}
    return [from_instrument(table[symbol]) for symbol in symbols or BUILTIN]


def exchange_info_entry(spec: SymbolSpec) -> dict[str, Any]:
    """Return the symbol as one element of exchangeInfo's ``symbols``."""
    first = spec.brackets[0]
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": spec.contract_type,
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": spec.onboard_ms,
        "status": spec.status,
        "maintMarginPercent": fixed(first.maint_margin_ratio * 100, 4),
        "requiredMarginPercent": fixed(100 / Decimal(first.initial_leverage), 4),
        "baseAsset": spec.base_asset,
        "quoteAsset": spec.quote_asset,
        "marginAsset": spec.margin_asset,
        "pricePrecision": spec.price_decimals,
        "quantityPrecision": spec.qty_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["Crypto"],
        "triggerProtect": fixed(spec.trigger_protect, 4),
        "liquidationFee": fixed(spec.liquidation_fee, 6),
        "marketTakeBound": plain(spec.market_take_bound),
        "maxMoveOrderLimit": 10000,
        "filters": _filters(spec),
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY", "DCA", "PSB"],
    }


def _filters(spec: SymbolSpec) -> list[dict[str, Any]]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": spec.price_text(spec.min_price),
            "maxPrice": plain(spec.max_price),
            "tickSize": spec.price_text(spec.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": spec.qty_text(spec.min_qty),
            "maxQty": plain(spec.max_qty),
            "stepSize": spec.qty_text(spec.step_size),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": spec.qty_text(spec.min_qty),
            "maxQty": plain(spec.market_max_qty),
            "stepSize": spec.qty_text(spec.step_size),
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": spec.max_num_orders},
        {"filterType": "MIN_NOTIONAL", "notional": plain(spec.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": fixed(spec.multiplier_up, 4),
            "multiplierDown": fixed(spec.multiplier_down, 4),
            "multiplierDecimal": "4",
        },
        {
            "filterType": "POSITION_RISK_CONTROL",
            "positionControlSide": spec.position_control_side,
        },
    ]


def leverage_bracket_entry(spec: SymbolSpec) -> dict[str, Any]:
    """Return the symbol as one element of the leverageBracket answer (numbers, not text)."""
    return {
        "symbol": spec.symbol,
        "notionalCoef": float(ONE),
        "brackets": [
            {
                "bracket": b.number,
                "initialLeverage": b.initial_leverage,
                "notionalCap": int(b.notional_cap),
                "notionalFloor": int(b.notional_floor),
                "maintMarginRatio": float(b.maint_margin_ratio),
                "cum": float(b.cum),
            }
            for b in spec.brackets
        ],
    }
