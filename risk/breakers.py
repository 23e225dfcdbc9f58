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


class LossBreakers:
    """
    Unrealized loss, daily loss and drawdown, as shares of equity.

    Trading results are taken from the account's own books, never from the wallet: a deposit is no
    profit and a withdrawal no loss.

    """

    def __init__(self, limits: LossLimits) -> None:
        self._limits = limits
        self._day: int | None = None
        self._day_pnl = Decimal(0)
        self._day_equity = Decimal(0)
        self._peak_pnl: Decimal | None = None
        self.is_alarmed = False

    def look(self, account: AccountBook, now_ns: int) -> list[Reading] | None:
        """
        Return the three readings, or None when equity cannot be known (which counts as broken).

        The day is the UTC day; its first look sets what the day's loss is measured from.

        """
        unrealized, balance = account.unrealized(), account.balance
        if unrealized is None or balance is None:
            return None
        pnl = account.realized - account.fees + account.funding + unrealized
        equity = balance + unrealized
        self._roll(now_ns // NS_PER_DAY, pnl, equity)
        assert self._peak_pnl is not None, "Invariant: the roll sets the first peak"
        self._peak_pnl = max(self._peak_pnl, pnl)
        # What equity would be at the peak of trading results with today's deposits and withdrawals.
        peak_equity = equity + (self._peak_pnl - pnl)
        limits = self._limits
        unrealized_loss = _share(-unrealized, equity)
        daily_loss = _share(self._day_pnl - pnl, self._day_equity)
        drawdown = _share(self._peak_pnl - pnl, peak_equity)
        return [
            Reading(
                "unrealized_loss",
                "UNREALIZED_LOSS",
                unrealized_loss,
                limits.unrealized_loss_ratio_max,
            ),
            Reading("daily_loss", "DAILY_LOSS", daily_loss, limits.daily_loss_ratio_max),
            Reading("drawdown", "DRAWDOWN", drawdown, limits.drawdown_ratio_max),
        ]

    def _roll(self, day: int, pnl: Decimal, equity: Decimal) -> None:
        if self._peak_pnl is None:
            self._peak_pnl = pnl
        if day != self._day:
            self._day, self._day_pnl, self._day_equity = day, pnl, equity

    def rebase(self, pnl: Decimal) -> None:
        """Measure drawdown and daily loss from here: a person resumed and took the loss as given."""
        self._peak_pnl = pnl
        self._day = None

    def alarm(self, unrealized_loss: Reading) -> str | None:
        """Return an alarm once when the unrealized loss passes its alarm level from below."""
        level = self._limits.unrealized_loss_ratio_alarm
        was, self.is_alarmed = self.is_alarmed, unrealized_loss.observed > level
        if self.is_alarmed and not was:
            return f"UNREALIZED_LOSS_ALARM: observed={plain(unrealized_loss.observed)}, limit={plain(level)}"
        return None


def _share(loss: Decimal, equity: Decimal) -> Decimal:
    """Return the loss as a share of equity; any loss on no equity is a total one."""
    if loss <= 0:
        return Decimal(0)
    return loss / equity if equity > 0 else Decimal(1) + loss


class ShockBreaker:
    """Moves of a symbol's price within a short window."""

    def __init__(self, limits: ShockLimits) -> None:
        self._limits = limits
        self._windows: dict[str, PriceWindow] = {}

    def look(self, instrument_id: str, ts_ns: int, low: Decimal, high: Decimal) -> Reading:
        """Add a price range and return the largest move, basis points, that ends in it."""
        window = self._windows.get(instrument_id)
        if window is None:
            window = PriceWindow(self._limits.price_move_window_sec * NS_PER_SEC)
            self._windows[instrument_id] = window
        move = window.move_bps(ts_ns, low, high)
        return Reading(
            "price_shock", "PRICE_SHOCK", move, self._limits.price_move_bps_max, instrument_id
        )
