"""The venue's rate limits as its answers tell them, with a part kept for cancels and exits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.last_hop import COUNTDOWN_PATH, Errand, Passed
from risk.events import VenueEvent, VenueEventKind

NS_PER_SEC = 1_000_000_000
NS_PER_MS = 1_000_000
USED_WEIGHT_HEADER = "x-mbx-used-weight-1m"
ORDERS_10S_HEADER = "x-mbx-order-count-10s"
ORDERS_1M_HEADER = "x-mbx-order-count-1m"
RETRY_AFTER_HEADER = "retry-after"
WEIGHT_1M_MAX, ORDERS_10S_MAX, ORDERS_1M_MAX = 2_400, 300, 1_200
"""Until exchangeInfo has told its own (Binance: General Info, Limits)."""
TOO_MANY_REQUESTS, TOO_MANY_ORDERS = -1003, -1015
CARE_SHARE = Decimal("0.5")
"""Of the reserve: so much is left to cancels and exits by questions about protection, too."""
BAN_SEC = 120
"""The shortest ban (Binance: General Info), when an answer does not say how long it lasts."""
_BANNED_UNTIL = re.compile(r"until (\d{13})")

WEIGHTS: Mapping[str, tuple[int, int]] = {
    "/fapi/v1/openOrders": (1, 40), "/fapi/v1/openAlgoOrders": (1, 40),
    "/fapi/v1/allOrders": (5, 5), "/fapi/v1/userTrades": (5, 5), "/fapi/v1/allAlgoOrders": (5, 5),
    "/fapi/v2/account": (5, 5), "/fapi/v3/account": (5, 5), "/fapi/v3/balance": (5, 5),
    "/fapi/v2/positionRisk": (5, 5), "/fapi/v3/positionRisk": (5, 5),
    "/fapi/v1/symbolConfig": (5, 5), "/fapi/v1/accountConfig": (5, 5),
    "/fapi/v1/commissionRate": (20, 20), "/fapi/v1/income": (30, 30),
    "/fapi/v1/positionSide/dual": (30, 30), "/fapi/v1/multiAssetsMargin": (30, 30),
    "/fapi/v1/depth": (20, 20), "/fapi/v1/klines": (10, 10), "/fapi/v1/aggTrades": (20, 20),
    "/fapi/v1/trades": (5, 5), "/fapi/v1/premiumIndex": (1, 10),
    COUNTDOWN_PATH: (10, 10),
}  # fmt: skip
"""Weight of a request with a symbol and without (Binance: the page of each endpoint); others 1."""


def weight_of(method: str, path: str, params: Mapping[str, Any]) -> int:
    """Return what a request costs of the weight limit, at most."""
    if method != "GET" and path != COUNTDOWN_PATH:
        return 0 if method in {"POST", "PUT"} and "listenKey" not in path else 1
    with_symbol, without = WEIGHTS.get(path, (1, 1))
    return with_symbol if "symbol" in params else without


class BudgetSnapshot(NamedTuple):
    """
    How much of the venue's patience is used.

    Counts are those of the running interval; what is on its way counts. ``blocked_until_ns`` is 0
    when the venue takes requests; ``weight_1m_care_max`` is how far questions about the protection
    of positions may go.

    """

    weight_1m: int
    weight_1m_max: int
    weight_1m_care_max: int
    orders_10s: int
    orders_10s_max: int
    orders_1m: int
    orders_1m_max: int
    blocked_until_ns: int
    is_banned: bool


class Meter:
    """
    One limit of the venue: what it has counted in the running interval, and what is on its way.

    The venue counts all that comes from this address or account, other programs' requests too.

    """

    def __init__(self, interval_sec: int, most: int) -> None:
        self.interval_ns = interval_sec * NS_PER_SEC
        self.most = most
        self.on_its_way = 0
        self._used = 0
        self._interval = -1

    def used(self, now_ns: int) -> int:
        """Return what is used, as far as is known."""
        told = self._used if now_ns // self.interval_ns == self._interval else 0
        return told + self.on_its_way

    def told(self, used: int, now_ns: int) -> None:
        """Take what an answer says was used."""
        interval = now_ns // self.interval_ns
        # Answers overtake one another: within an interval the count only grows.
        self._used = max(used, self._used) if interval == self._interval else used
        self._interval = interval

    def next_ns(self, now_ns: int) -> int:
        """Return when the venue begins to count anew."""
        return (now_ns // self.interval_ns + 1) * self.interval_ns


class RateBudget:
    """
    Decides who may send now, who waits and who does not get through.

    Queries and entries leave the reserve alone, but for questions about the protection of positions,
    which may use half of it. While the venue refuses (429) entries are refused
    and queries wait; exits go, unless the venue has said until when it hears nobody (418).

    Parameters
    ----------
    exit_reserve_ratio : Decimal
        Share of each limit that only cancels and exits may use.
    now_ns : Callable
        Unix nanoseconds, in the venue's time.
    tell : Callable
        Told of every refusal by the venue.

    """

    def __init__(
        self,
        exit_reserve_ratio: Decimal,
        *,
        now_ns: Callable[[], int],
        tell: Callable[[VenueEvent], None],
    ) -> None:
        self._reserve = exit_reserve_ratio
        self._now_ns = now_ns
        self._tell = tell
        self._weight = Meter(60, WEIGHT_1M_MAX)
        self._orders_10s = Meter(10, ORDERS_10S_MAX)
        self._orders_1m = Meter(60, ORDERS_1M_MAX)
        self._blocked_ns = 0
        self._entries_blocked_ns = 0
        self._is_ban = False
        self._is_end_told = False

    def snapshot(self) -> BudgetSnapshot:
        """Return what is used and what is blocked, now."""
        now = self._now_ns()
        blocked = self._blocked_ns if now < self._blocked_ns else 0
        return BudgetSnapshot(
            self._weight.used(now), self._weight.most,
            int(self._weight.most * (1 - self._reserve * CARE_SHARE)),
            self._orders_10s.used(now), self._orders_10s.most,
            self._orders_1m.used(now), self._orders_1m.most,
            blocked, bool(blocked) and self._is_ban,
        )  # fmt: skip

    def learn(self, rate_limits: list[dict[str, Any]]) -> None:
        """Take the limits of this venue, as exchangeInfo gives them."""
        meters = {
            ("REQUEST_WEIGHT", 60): self._weight,
            ("ORDERS", 10): self._orders_10s,
            ("ORDERS", 60): self._orders_1m,
        }
        seconds = {"SECOND": 1, "MINUTE": 60}
        for limit in rate_limits:
            interval_sec = seconds.get(limit["interval"], 0) * int(limit["intervalNum"])
            meter = meters.get((limit["rateLimitType"], interval_sec))
            if meter is not None:
                meter.most = int(limit["limit"])

    # -- before a request -------------------------------------------------------------------------

    def free_ns(self, passed: Passed, weight: int) -> int:
        """
        Return when a request may leave, Unix nanoseconds; 0: now.

        An entry is worth nothing later: whoever is told to wait with one refuses it.

        """
        now = self._now_ns()
        if passed.errand is Errand.EXIT:
            is_hopeless = self._is_ban and self._is_end_told and now < self._blocked_ns
            return self._blocked_ns if is_hopeless else 0
        if now < self._blocked_ns:
            return self._blocked_ns
        if passed.errand is Errand.ENTRY and now < self._entries_blocked_ns:
            return self._entries_blocked_ns
        costs = [(self._weight, weight)]
        if passed.orders:
            costs += [(self._orders_10s, passed.orders), (self._orders_1m, passed.orders)]
        kept = self._reserve * (CARE_SHARE if passed.errand is Errand.CARE else 1)
        full = [m for m, cost in costs if m.used(now) + cost > m.most * (1 - kept)]
        return max((meter.next_ns(now) for meter in full), default=0)

    def sent(self, weight: int, orders: int) -> None:
        """Count a request that leaves."""
        self._on_its_way(weight, orders)

    def ended(self, weight: int, orders: int) -> None:
        """Count it no more: it was answered, or nobody will ever know."""
        self._on_its_way(-weight, -orders)

    def _on_its_way(self, weight: int, orders: int) -> None:
        self._weight.on_its_way += weight
        self._orders_10s.on_its_way += orders
        self._orders_1m.on_its_way += orders

    # -- after an answer --------------------------------------------------------------------------

    def answered(self, status: int, headers: Mapping[str, str], error: Mapping[str, Any]) -> None:
        """Take what an answer says: its counts, and whether the venue has had enough."""
        now = self._now_ns()
        for header, meter in (
            (USED_WEIGHT_HEADER, self._weight),
            (ORDERS_10S_HEADER, self._orders_10s),
            (ORDERS_1M_HEADER, self._orders_1m),
        ):
            if (value := _whole(headers.get(header))) is not None:
                meter.told(value, now)
        code = error.get("code")
        if code == TOO_MANY_ORDERS:
            self._entries_blocked_ns = self._orders_10s.next_ns(now)
            self._report(VenueEventKind.RATE_LIMITED, f"{status} {code}", self._entries_blocked_ns)
        elif status in {418, 429} or code == TOO_MANY_REQUESTS:
            self._refused(status, headers, error, now)

    def _refused(
        self, status: int, headers: Mapping[str, str], error: Mapping[str, Any], now: int
    ) -> None:
        wait_sec = _whole(headers.get(RETRY_AFTER_HEADER))
        said = _BANNED_UNTIL.search(str(error.get("msg", "")))
        self._is_ban = status == 418 or said is not None
        self._is_end_told = wait_sec is not None or said is not None
        if said is not None:
            until = int(said[1]) * NS_PER_MS
        elif wait_sec is not None:
            until = now + wait_sec * NS_PER_SEC
        else:
            until = now + BAN_SEC * NS_PER_SEC if self._is_ban else self._weight.next_ns(now)
        is_news = until > self._blocked_ns
        self._blocked_ns = max(self._blocked_ns, until)
        if self._is_ban:
            self._report(VenueEventKind.BANNED, f"{status} {error.get('code')}", until)
        elif is_news:
            self._report(VenueEventKind.RATE_LIMITED, f"{status} {error.get('code')}", until)

    def _report(self, kind: VenueEventKind, observed: str, until_ns: int) -> None:
        now = self._now_ns()
        weight = self._weight.used(now)
        text = f"HTTP {observed}, weight {weight}, for {(until_ns - now) / NS_PER_SEC:.0f} s"
        self._tell(VenueEvent(kind, text, f"weight {self._weight.most}", now, until_ns))


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() else None
