"""The symbol's filters, each with its code; bands are around the mark price."""

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from venue.engine.errors import refusal
from venue.engine.numbers import ZERO
from venue.engine.symbols import SymbolSpec

CLOSED_STATUSES = ("CLOSE", "DELIVERED", "DELIVERING", "SETTLING", "PENDING_TRADING")


def check_price(spec: SymbolSpec, price: Decimal) -> None:
    """Refuse a price that breaks PRICE_FILTER (-4001, -4013, -4002, -1111, -4014)."""
    if price < 0:
        raise refusal(-4001)
    if _decimals(price) > spec.price_decimals:
        raise refusal(-1111)
    if price < spec.min_price:
        raise refusal(-4013)
    if price > spec.max_price:
        raise refusal(-4002)
    if spec.tick_size and (price - spec.min_price) % spec.tick_size:
        raise refusal(-4014)


def check_qty(spec: SymbolSpec, qty: Decimal, *, is_market: bool) -> None:
    """Refuse a quantity that breaks LOT_SIZE or MARKET_LOT_SIZE (-4003 to -4005, -1111, -4023)."""
    if qty <= 0:
        raise refusal(-4003)
    if _decimals(qty) > spec.qty_decimals:
        raise refusal(-1111)
    if qty < spec.min_qty:
        raise refusal(-4004)
    if qty > (spec.market_max_qty if is_market else spec.max_qty):
        raise refusal(-4005)
    if spec.step_size and (qty - spec.min_qty) % spec.step_size:
        raise refusal(-4023)


def check_notional(spec: SymbolSpec, qty: Decimal, price: Decimal, *, code: int = -4164) -> None:
    """Refuse a notional below MIN_NOTIONAL; reduce-only orders are exempt, the caller knows."""
    if qty * price < spec.min_notional:
        raise refusal(code, f"{spec.min_notional:f}")


def check_percent_price(spec: SymbolSpec, side: str, price: Decimal, mark: Decimal) -> None:
    """Refuse a BUY above ``mark * up`` (-4016) and a SELL below ``mark * down`` (-4024)."""
    if side == "BUY" and price > mark * spec.multiplier_up:
        raise refusal(-4016, spec.price_text(_to_tick(spec, mark * spec.multiplier_up, ROUND_DOWN)))
    if side == "SELL" and price < mark * spec.multiplier_down:
        raise refusal(-4024, spec.price_text(_to_tick(spec, mark * spec.multiplier_down, ROUND_UP)))


def check_stop_band(spec: SymbolSpec, side: str, price: Decimal, trigger: Decimal) -> None:
    """Refuse a stop's limit price outside the band around its trigger (-4183, -4184)."""
    if side == "BUY" and price > trigger * spec.multiplier_up:
        cap = _to_tick(spec, trigger * spec.multiplier_up, ROUND_DOWN)
        raise refusal(-4183, spec.price_text(cap))
    if side == "SELL" and price < trigger * spec.multiplier_down:
        floor = _to_tick(spec, trigger * spec.multiplier_down, ROUND_UP)
        raise refusal(-4184, spec.price_text(floor))


def market_bound(spec: SymbolSpec, side: str, mark: Decimal) -> Decimal:
    """Return the worst price at which a MARKET order may execute."""
    bound = spec.market_take_bound
    return mark * (1 + bound) if side == "BUY" else mark * (1 - bound)


def check_market_best(spec: SymbolSpec, side: str, best: Decimal | None, mark: Decimal) -> None:
    """Refuse a MARKET order without a counterparty (-2020) or out of bounds (-4131)."""
    if best is None:
        raise refusal(-2020)
    bound = market_bound(spec, side, mark)
    if best > bound if side == "BUY" else best < bound:
        raise refusal(-4131)


def check_status(spec: SymbolSpec, *, is_reducing: bool) -> None:
    """Refuse orders on a symbol that is closed (-4141), or not open for opening (-4140)."""
    if spec.status in CLOSED_STATUSES:
        raise refusal(-4141)
    if spec.status != "TRADING":
        raise refusal(-4140 if not is_reducing else -1122)


def check_risk_control(spec: SymbolSpec, side: str, *, is_reducing: bool) -> None:
    """Refuse opening orders on a controlled side (-4105 both, -4106 buys, -4107 sells)."""
    code = {"BOTH": -4105, "BUY": -4106, "SELL": -4107}.get(spec.position_control_side)
    if code is not None and not is_reducing and spec.position_control_side in ("BOTH", side):
        raise refusal(code)


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent if value != ZERO else 0
    return max(-int(exponent), 0)


def _to_tick(spec: SymbolSpec, price: Decimal, rounding: str) -> Decimal:
    return (price / spec.tick_size).to_integral_value(rounding) * spec.tick_size
