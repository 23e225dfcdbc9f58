"""Rate limits: weight per address, orders per account; 429 for the impatient, 418 for the deaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from venue.engine.errors import VenueError

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
BAN_MAX_MS = 3 * 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOptions:
    """
    How much a client may ask for.

    Attributes
    ----------
    weight_1m_max : int
        REQUEST_WEIGHT of one address in a minute.
    orders_10s_max, orders_1m_max : int
        New orders and amendments of one account.
    refusals_before_ban : int
        Answers 429 in one window after which the address is banned with 418. Binance does not
        publish its number.
    ban_first_ms : int
        Length of the first ban; each further ban is twice as long, up to three days.

    """

    weight_1m_max: int = 2_400
    orders_10s_max: int = 300
    orders_1m_max: int = 1_200
    refusals_before_ban: int = 10
    ban_first_ms: int = 120_000

    def told(self) -> list[dict[str, Any]]:
        """Return the limits as exchangeInfo tells them."""
        rows = (
            ("REQUEST_WEIGHT", "MINUTE", 1, self.weight_1m_max),
            ("ORDERS", "MINUTE", 1, self.orders_1m_max),
            ("ORDERS", "SECOND", 10, self.orders_10s_max),
        )
        keys = ("rateLimitType", "interval", "intervalNum", "limit")
        return [dict(zip(keys, row, strict=True)) for row in rows]


class Window:
    """Uses counted in windows that begin at whole multiples of their length."""

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.used = 0
        self._index = -1

    def roll(self, now_ms: int) -> None:
        """Forget the uses of an earlier window."""
        index = now_ms // self.length_ms
        if index != self._index:
            self._index = index
            self.used = 0

    def seconds_left(self, now_ms: int) -> int:
        """Return the whole seconds, at least 1, until the window ends."""
        return max(1, -(-(self.length_ms - now_ms % self.length_ms) // 1_000))


class AddressLimit:
    """The weight that one address has used, and its bans."""

    def __init__(self, address: str, options: LimitOptions) -> None:
        self._address = address
        self._options = options
        self._window = Window(MINUTE_MS)
        self._refusals = 0
        self._bans = 0
        self._banned_until_ms = 0

    def used(self, now_ms: int) -> int:
        """Return the weight used in the running minute."""
        self._window.roll(now_ms)
        return self._window.used

    def take(self, weight: int, now_ms: int) -> None:
        """Use *weight*, or raise -1003 with status 429 (over the limit) or 418 (banned)."""
        if now_ms < self._banned_until_ms:
            raise self._banned(now_ms)
        if self.used(now_ms) == 0:
            self._refusals = 0
        self._window.used += weight
        if self._window.used <= self._options.weight_1m_max:
            return
        self._refusals += 1
        if self._refusals > self._options.refusals_before_ban:
            length_ms = min(self._options.ban_first_ms << self._bans, BAN_MAX_MS)
            self._bans += 1
            self._refusals = 0
            self._banned_until_ms = now_ms + length_ms
            raise self._banned(now_ms)
        raise VenueError(
            -1003,
            f"Too many requests; current limit of IP({self._address}) is "
            f"{self._options.weight_1m_max} requests per minute. Please use the websocket for live "
            "updates to avoid polling the API.",
            429,
        )

    def _banned(self, now_ms: int) -> VenueError:  # noqa: ARG002 - one signature for both texts
        return VenueError(
            -1003,
            f"Way too many requests; IP({self._address}) banned until {self._banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            418,
        )

    def retry_after_secs(self, now_ms: int) -> int:
        """Return the seconds until a request may succeed again."""
        if now_ms < self._banned_until_ms:
            return -(-(self._banned_until_ms - now_ms) // 1_000)
        return self._window.seconds_left(now_ms)


class AccountLimit:
    """The orders that one account has sent in 10 seconds and in a minute."""

    def __init__(self, options: LimitOptions) -> None:
        self._options = options
        self._ten_seconds = Window(TEN_SECONDS_MS)
        self._minute = Window(MINUTE_MS)

    def counts(self, now_ms: int) -> tuple[int, int]:
        """Return the uses in the running 10 seconds and the running minute."""
        self._ten_seconds.roll(now_ms)
        self._minute.roll(now_ms)
        return self._ten_seconds.used, self._minute.used

    def take(self, per_10s: int, per_1m: int, now_ms: int) -> None:
        """Use both buckets, or raise -1015 with status 429 and use none."""
        used_10s, used_1m = self.counts(now_ms)
        if used_10s + per_10s > self._options.orders_10s_max:
            raise _too_many(self._options.orders_10s_max, "TEN_SECONDS")
        if used_1m + per_1m > self._options.orders_1m_max:
            raise _too_many(self._options.orders_1m_max, "MINUTE")
        self._ten_seconds.used += per_10s
        self._minute.used += per_1m

    def retry_after_secs(self, now_ms: int) -> int:
        """Return the seconds until the fuller bucket is empty again."""
        _, used_1m = self.counts(now_ms)
        full = used_1m >= self._options.orders_1m_max
        return (self._minute if full else self._ten_seconds).seconds_left(now_ms)


def _too_many(limit: int, interval: str) -> VenueError:
    return VenueError(
        -1015, f"Too many new orders; current limit is {limit} orders per {interval}.", 429
    )
