"""Chance at the simulated venue, drawn from the profile's seed and from nothing else."""

from __future__ import annotations

import random

from nautilus_trader.backtest.models import FillModel


class SeededFillModel(FillModel):
    """
    Nautilus's fill model with a random generator of its own.

    The stock one (1.231) seeds and draws from Python's global generator, so that a strategy or
    a library that draws from it too changes which orders fill.

    Parameters
    ----------
    limit_fill_probability : float
        That a limit order is filled when the market only touches its price, 0 to 1.
    slippage_probability : float
        That a fill of an order that takes liquidity is one tick worse, 0 to 1.
    seed : int
        Of the generator.

    """

    def __init__(
        self, limit_fill_probability: float, slippage_probability: float, seed: int
    ) -> None:
        global_state = random.getstate()
        super().__init__(limit_fill_probability, slippage_probability, seed)
        random.setstate(global_state)
        self._random = random.Random(seed)  # noqa: S311 - a simulation, not a secret

    def is_limit_filled(self) -> bool:
        """Draw whether a touched limit order is filled."""
        return self._random.random() < self.prob_fill_on_limit

    def is_slipped(self) -> bool:
        """Draw whether a fill is one tick worse."""
        return self._random.random() < self.prob_slippage
