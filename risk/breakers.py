"""Breakers: what happens to money and prices by itself, and when that ends taking new risk."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from risk.book import AccountBook
from risk.decision import plain
from risk.limits import LossLimits, ShockLimits
from risk.windows import PriceWindow

NS_PER_SEC = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SEC
LOSSES_OF_BEFORE = ("DAILY_LOSS", "DRAWDOWN")
"""Losses that a resume measures anew: they are open until a person takes them as given."""
ALARM = "alarm"
"""The key of a reading that only raises an alarm."""


class Reading(NamedTuple):
    """One look of a breaker: how much was seen, how much is allowed."""

    key: str
    condition: str
    observed: Decimal
    limit: Decimal
    instrument_id: str = ""

    @property
    def is_tripped(self) -> bool:
        """Return whether the limit was passed; at the limit it was not."""
        return self.observed > self.limit

    @property
    def text(self) -> str:
        """Return ``CONDITION: observed=..., limit=...``."""
        where = f", instrument={self.instrument_id}" if self.instrument_id else ""
        return (
            f"{self.condition}: observed={plain(self.observed)}, limit={plain(self.limit)}{where}"
        )


class Breaker(NamedTuple):
    """
    A breaker as it stands.

    ``observed`` is None when it cannot be known; ``closest`` is the closest approach of the run as a
    reading, None before the first; ``is_open`` says that it has tripped and nobody has resumed since.

    """

    key: str
    observed: Decimal | None
    limit: Decimal
    closest: Decimal | None
    is_open: bool


class LossMarks(NamedTuple):
    """What losses are measured from: PnL and equity in USDT, the UTC day as days since 1970."""

    day: int
    day_pnl: Decimal
    day_equity: Decimal
    peak_pnl: Decimal


class LossBreakers:
    """
    Unrealized loss, daily loss and drawdown, as shares of equity.

    Trading results are taken from the account's own books, never from the wallet: a deposit is no
    profit and a withdrawal no loss. A look tells what passed a limit, and what came closer to one
    than anything before; it is called with every price, so the rest is left unsaid.

    """

    def __init__(self, limits: LossLimits) -> None:
        self._alarm_ratio = limits.unrealized_loss_ratio_alarm
        self.limits = {
            "unrealized_loss": limits.unrealized_loss_ratio_max,
            "daily_loss": limits.daily_loss_ratio_max,
            "drawdown": limits.drawdown_ratio_max,
        }
        self._closest = dict.fromkeys(self.limits, Decimal(-1))
        self._day: int | None = None
        self._day_pnl = Decimal(0)
        self._day_equity = Decimal(0)
        self._peak_pnl: Decimal | None = None
        self._is_alarmed = False

    def look(self, account: AccountBook, now_ns: int) -> list[Reading] | None:
        """
        Return what is worth telling, or None when equity cannot be known (which counts as broken).

        The day is the UTC day; its first look sets what the day's loss is measured from.

        """
        unrealized, balance = account.unrealized(), account.balance
        if unrealized is None or balance is None:
            return None
        pnl = account.carried + account.realized - account.fees + account.funding + unrealized
        equity = balance + unrealized
        if self._peak_pnl is None or pnl > self._peak_pnl:
            self._peak_pnl = pnl
        if self._is_new_day(now_ns):
            self._begin_day(now_ns, pnl, equity)
        told: list[Reading] = []
        for key, loss, base in self._losses(self._peak_pnl, pnl, unrealized, equity):
            self._compare(told, key, loss, base)
        self._watch_alarm(told, -unrealized, equity)
        return told

    def _losses(
        self, peak_pnl: Decimal, pnl: Decimal, unrealized: Decimal, equity: Decimal
    ) -> tuple[tuple[str, Decimal, Decimal], ...]:
        """Return ``(key, loss, what it is a share of)`` of each, USDT; a gain is below zero."""
        below_peak = peak_pnl - pnl
        return (
            ("unrealized_loss", -unrealized, equity),
            ("daily_loss", self._day_pnl - pnl, self._day_equity),
            # The peak in today's money: deposits and withdrawals since then move both alike.
            ("drawdown", below_peak, equity + below_peak),
        )

    def readings(self, account: AccountBook) -> list[Reading] | None:
        """
        Return every loss as it stands, for display; nothing is remembered and nothing trips.

        A gain is a loss of zero. None when equity cannot be known; before the first look at a day
        its loss is zero.

        """
        unrealized, pnl, equity = account.unrealized(), account.pnl(), account.equity()
        if unrealized is None or pnl is None or equity is None:
            return None
        peak_pnl = pnl if self._peak_pnl is None else max(self._peak_pnl, pnl)
        day_is_open = self._day is not None
        return [
            Reading(
                key,
                key.upper(),
                _share(loss, base) if day_is_open or key != "daily_loss" else Decimal(0),
                self.limits[key],
            )
            for key, loss, base in self._losses(peak_pnl, pnl, unrealized, equity)
        ]

    def _compare(self, told: list[Reading], key: str, loss: Decimal, equity: Decimal) -> None:
        limit, closest = self.limits[key], self._closest[key]
        if loss <= 0 or (loss <= limit * equity and loss <= closest * equity):
            return
        share = _share(loss, equity)
        self._closest[key] = max(closest, share)
        told.append(Reading(key, key.upper(), share, limit))

    def _watch_alarm(self, told: list[Reading], loss: Decimal, equity: Decimal) -> None:
        """Tell once when the unrealized loss passes its alarm level from below."""
        was, self._is_alarmed = self._is_alarmed, loss > self._alarm_ratio * equity
        if self._is_alarmed and not was:
            told.append(
                Reading(ALARM, "UNREALIZED_LOSS_ALARM", _share(loss, equity), self._alarm_ratio)
            )

    def roll(self, account: AccountBook, now_ns: int) -> None:
        """Begin a new day, if it is one, with the equity before what comes next."""
        if not self._is_new_day(now_ns):
            return
        pnl, equity = account.pnl(), account.equity()
        if pnl is not None and equity is not None:
            self._begin_day(now_ns, pnl, equity)

    def _is_new_day(self, now_ns: int) -> bool:
        """Return whether a day begins; what is told late about an earlier one begins none."""
        return self._day is None or now_ns // NS_PER_DAY > self._day

    def _begin_day(self, now_ns: int, pnl: Decimal, equity: Decimal) -> None:
        self._day, self._day_pnl, self._day_equity = now_ns // NS_PER_DAY, pnl, equity

    @property
    def marks(self) -> LossMarks | None:
        """What losses are measured from; None before the first look of a day."""
        if self._day is None or self._peak_pnl is None:
            return None
        return LossMarks(self._day, self._day_pnl, self._day_equity, self._peak_pnl)

    def restore(self, marks: LossMarks) -> None:
        """Measure from where an earlier run did."""
        self._day, self._day_pnl, self._day_equity, self._peak_pnl = marks

    def rebase(self, pnl: Decimal) -> None:
        """Measure drawdown and daily loss from here: a person resumed and took the loss as given."""
        self._peak_pnl = pnl
        self._day = None


def _share(loss: Decimal, equity: Decimal) -> Decimal:
    """Return a loss as a share of equity, a gain as zero; any loss on no equity is a total one."""
    if loss <= 0:
        return Decimal(0)
    return loss / equity if equity > 0 else 1 + loss


class ShockBreaker:
    """Moves of a symbol's price within a short window."""

    def __init__(self, limits: ShockLimits) -> None:
        self._limits = limits
        self._windows: dict[str, PriceWindow] = {}
        self._bps, self._unit = (limits.price_move_bps_max / 10_000).as_integer_ratio()
        self._largest = (-1, 1)

    def look(self, instrument_id: str, ts_ns: int, low: int, high: int) -> Reading | None:
        """
        Add a price range; return the largest move that ends in it when it is worth telling.

        Told is a move above the limit, and one that is larger than any before. *low* and *high*
        are whole numbers of one unit, as in `PriceWindow.move`.

        """
        window = self._windows.get(instrument_id)
        if window is None:
            window = PriceWindow(self._limits.price_move_window_sec * NS_PER_SEC)
            self._windows[instrument_id] = window
        distance, start = window.move(ts_ns, low, high)
        is_largest = distance * self._largest[1] > self._largest[0] * start
        if not is_largest and distance * self._unit <= self._bps * start:
            return None
        if is_largest:
            self._largest = (distance, start)
        return self._reading(instrument_id, distance, start)

    def reading(self, now_ns: int) -> Reading | None:
        """Return the largest newest move of all symbols; None when no price is younger than the window."""
        moves = [(key, window.newest(now_ns)) for key, window in self._windows.items()]
        readings = [self._reading(key, *move) for key, move in moves if move is not None]
        return max(readings, key=lambda reading: reading.observed, default=None)

    def _reading(self, instrument_id: str, distance: int, start: int) -> Reading:
        move_bps = Decimal(distance * 10_000) / start
        return Reading(
            "price_shock", "PRICE_SHOCK", move_bps, self._limits.price_move_bps_max, instrument_id
        )
