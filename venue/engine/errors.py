"""The venue's refusals: one exception, and the text that goes with each code."""

from collections.abc import Mapping
from types import MappingProxyType

# Texts are the documented ones or as captured in the wild; the venue says that only the code
# is stable. A `{}` is filled by whoever refuses.
MESSAGES: Mapping[int, str] = MappingProxyType(
    {
        -1102: "Mandatory parameter '{}' was not sent, was empty/null, or malformed.",
        -1106: "Parameter '{}' sent when not required.",
        -1111: "Precision is over the maximum defined for this asset.",
        -1115: "Invalid timeInForce.",
        -1116: "Invalid orderType.",
        -1117: "Invalid side.",
        -1120: "Invalid interval.",
        -1121: "Invalid symbol.",
        -1122: "Invalid symbol status.",
        -1128: "Combination of optional parameters invalid.",
        -1130: "Data sent for parameter '{}' is not valid.",
        -1136: "Invalid newOrderRespType",
        -2011: "Unknown order sent.",
        -2013: "Order does not exist.",
        -2014: "API-key format invalid.",
        -2018: "Balance is insufficient.",
        -2019: "Margin is insufficient.",
        -2020: "Unable to fill.",
        -2021: "Order would immediately trigger.",
        -2022: "ReduceOnly Order is rejected.",
        -2023: "User in liquidation mode now.",
        -2025: "Reach max open order limit.",
        -2026: "This OrderType is not supported when reduceOnly.",
        -2027: "Exceeded the maximum allowable position at current leverage.",
        -2028: "Leverage is smaller than permitted: insufficient margin balance.",
        -4001: "Price less than 0.",
        -4002: "Price greater than max price.",
        -4003: "Quantity less than or equal to zero.",
        -4004: "Quantity less than min quantity.",
        -4005: "Quantity greater than max quantity.",
        -4013: "Price less than min price.",
        -4014: "Price not increased by tick size.",
        -4015: "Client order id is not valid.",
        -4016: "Limit price can't be higher than {}.",
        -4023: "Quantity not increased by step size.",
        -4024: "Limit price can't be lower than {}.",
        -4028: "Leverage {} is not valid",
        -4044: "Balance Type is not valid.",
        -4045: "Reach max stop order limit.",
        -4046: "No need to change margin type.",
        -4047: "Margin type cannot be changed if there exists open orders.",
        -4048: "Margin type cannot be changed if there exists position.",
        -4050: "Cross balance insufficient.",
        -4051: "Isolated balance insufficient.",
        -4055: "Amount must be positive.",
        -4059: "No need to change position side.",
        -4060: "Invalid position side.",
        -4061: "Order's position side does not match user's setting.",
        -4062: "Invalid or improper reduceOnly value.",
        -4067: "Position side cannot be changed if there exists open orders.",
        -4068: "Position side cannot be changed if there exists position.",
        -4082: "Invalid number of batch place orders.",
        -4087: "User can only place reduce only order.",
        -4088: "User can not place order currently.",
        -4105: "Symbol is under risk control: only reduce-only orders are allowed.",
        -4106: "Symbol is under risk control: buy orders must be reduce-only.",
        -4107: "Symbol is under risk control: sell orders must be reduce-only.",
        -4116: "ClientOrderId is duplicated.",
        -4117: "Stop order is in triggering process, please try again later.",
        -4118: "ReduceOnly Order Failed. Please check your existing position and open orders",
        -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        -4130: "An open stop or take profit order with GTE and closePosition in the direction is existing.",
        -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
        -4135: "Invalid activation price",
        -4136: "Target strategy invalid for orderType {}, closePosition {}.",
        -4137: "Quantity must be zero with closePosition equals true",
        -4138: "Reduce only must be true",
        -4139: "Order type can not be market if it's unable to cancel",
        -4140: "Invalid symbol status for opening position",
        -4141: "Symbol is closed",
        -4142: "REJECT: take profit or stop order will be triggered immediately",
        -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
        -4164: "Order's notional must be no smaller than {} (unless you choose reduce only).",
        -4167: "Unable to adjust to Multi-Assets mode with symbols of USDS-M Futures under isolated-margin mode.",
        -4168: "Unable to adjust to isolated-margin mode under the Multi-Assets mode.",
        -4170: "Unable to adjust Multi-Assets Mode with open orders in USDS-M Futures",
        -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly",
        -4183: "Price is higher than stop price multiplier cap. Limit price can't be higher than {}.",
        -4184: "Price is lower than stop price multiplier floor. Limit price can't be lower than {}.",
        -4189: "Account is restricted to reduce-only on this symbol.",
        -4192: "Trade forbidden due to Cooling-off Period.",
        -4400: "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed.",
        -5000: "Path {}, Method {} is invalid",
        -5021: "Due to the order could not be filled immediately, the FOK order has been rejected.",
        -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
        -5024: "Symbol is not in trading status. Order amendment is not permitted.",
        -5025: "Only limit order is supported.",
        -5026: "Exceed maximum modify order limit.",
        -5027: "No need to modify the order.",
        -5029: "Order's notional must be no smaller than {}.",
        -5037: "Invalid price match",
        -5038: "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT",
        -5039: "Invalid self trade prevention mode",
        -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds "
        "and smaller than 253402300799000",
        -5041: "No depth matches this BBO order",
    },
)


class VenueError(Exception):
    """
    A refusal, as the venue words it.

    Parameters
    ----------
    code : int
        The venue's error code (negative).
    msg : str, optional
        The text; by default the table's, with ``details`` filled in.
    http_status : int, default 400
        The HTTP status that the wire answers with.
    details : tuple of object
        What fills the table's text.

    """

    def __init__(
        self,
        code: int,
        msg: str | None = None,
        http_status: int = 400,
        *,
        details: tuple[object, ...] = (),
    ) -> None:
        self.code = code
        self.msg = MESSAGES[code].format(*details) if msg is None else msg
        self.http_status = http_status
        super().__init__(f"{code}: {self.msg}")


def refusal(code: int, *details: object) -> VenueError:
    """Return the refusal with the table's text, its gaps filled by ``details``."""
    return VenueError(code, details=details)
