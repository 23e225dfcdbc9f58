"""What the documents leave open, as switches."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    Behaviour that Binance does not document; the defaults are the best evidence at hand.

    Attributes
    ----------
    algo_step_ms : int
        Time between the steps TRIGGERING, TRIGGERED and FINISHED of an algo order.
    algo_events_late : bool
        Whether the child's ORDER_TRADE_UPDATEs are told before the ALGO_UPDATE TRIGGERED, and
        FINISHED without the step's delay. The order across event types is not guaranteed.
    child_keeps_client_id : bool
        Whether the child's client order id equals ``clientAlgoId``.
    account_update_first : bool
        Whether a fill's ACCOUNT_UPDATE comes before its ORDER_TRADE_UPDATE.
    trade_lite : bool
        Whether fills are also told as TRADE_LITE, before the two others.
    countdown_cancels_algo : bool
        Whether a fired countdown cancels the symbol's algo orders, too.
    margin_call_ratio : Decimal
        Maintenance margin over margin balance at which MARGIN_CALL is sent.
    insurance_fund_usdt : Decimal
        What the insurance fund holds at the start.
    bnb_price_usdt : Decimal
        Price of BNB for fees paid in BNB.
    bnb_discount : Decimal
        Fraction taken off fees that are paid in BNB.

    """

    algo_step_ms: int = 10
    algo_events_late: bool = False
    child_keeps_client_id: bool = True
    account_update_first: bool = True
    trade_lite: bool = True
    countdown_cancels_algo: bool = False
    margin_call_ratio: Decimal = Decimal("0.8")
    insurance_fund_usdt: Decimal = Decimal(1_000_000)
    bnb_price_usdt: Decimal = Decimal(600)
    bnb_discount: Decimal = Decimal("0.1")
