"""Draw a market that behaves like perpetual futures do, from a seed and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MINUTE_NS = 60_000_000_000
STEPS = 12  # five-second steps: a minute's high and low are then not its open and close
STEP_NS = MINUTE_NS // STEPS
FUNDING_MINUTES = 480  # the venue's usual eight hours

# GARCH(1,1) on minutes. alpha + beta near 1 keeps a burst alive for about an hour.
GARCH_ALPHA, GARCH_BETA = 0.08, 0.90
SHOCK_FREEDOM = 4.0  # Student t: the fat tails of one-minute returns
SHOCK_SIGMAS_MAX = 10.0
FACTOR_SIGMA = 0.00042  # of one minute's log return, common to all contracts

# The crash minute: share of the full fall at the end of each five-second step.
CRASH_SHAPE = np.array([0, 0.05, 0.15, 0.35, 0.6, 0.85, 1, 0.97, 0.93, 0.95, 0.91, 0.9])
CRASH_KEPT = 0.45  # share of the fall that never comes back
CRASH_RECOVERY_MINUTES = 8.0


@dataclass(frozen=True, kw_only=True)
class Contract:
    """
    What tells one drawn contract from another.

    Prices are in quote currency, quantities in base units; ``beta`` scales the common
    factor, ``own_sigma`` is the standard deviation of the contract's own log return in a
    minute, and ``crash_depth`` is the fall, as a share of the price, at the crash's low.
    """

    symbol: str
    price_start: float
    price_tick: Decimal
    quantity_step: Decimal
    quantity_per_minute: float
    beta: float
    own_sigma: float
    crash_depth: float


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When things happen, in whole minutes from ``start_ns`` (Unix nanoseconds, UTC)."""

    start_ns: int
    minutes: int
    crash_minute: int
    outage_minute: int
    outage_minutes: int
    ticks_minute: int
    ticks_minutes: int

    @property
    def open_ns(self) -> NDArray[np.int64]:
        """Return the opening time of every minute, those of the outage included."""
        return self.start_ns + np.arange(self.minutes, dtype=np.int64) * MINUTE_NS

    @property
    def is_recorded(self) -> NDArray[np.bool_]:
        """Return for every minute whether anybody recorded it (False in the outage)."""
        recorded = np.ones(self.minutes, dtype=bool)
        recorded[self.outage_minute : self.outage_minute + self.outage_minutes] = False
        return recorded


@dataclass(frozen=True, kw_only=True)
class Path:
    """
    One contract's course before anybody looked at it.

    ``mid`` has one row a minute and ``STEPS`` columns; ``sigma`` is each minute's standard
    deviation of log returns and ``quantity`` what changed hands in it, in base units.
    """

    mid: Floats
    sigma: Floats
    quantity: Floats


@dataclass(frozen=True, kw_only=True)
class Bars:
    """One-minute bars; ``open_ns`` is the opening time, prices lie on the tick."""

    open_ns: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def draw_paths(
    contracts: tuple[Contract, ...], timeline: Timeline, rng: np.random.Generator
) -> dict[str, Path]:
    """Return the course of every contract: one common factor, one own shock each, one crash."""
    n = timeline.minutes
    pace = _session_pace(n) * _daily_pace(n, rng)
    alarm = 1 + 4 * _after(timeline, minutes=45.0)
    factor_sigma = FACTOR_SIGMA * pace * alarm * np.sqrt(_garch(shocks := _shocks(n, rng)))
    factor = _steps(shocks, factor_sigma, rng) + _trend(n, rng)
    paths = {}
    for contract in contracts:
        own_shocks = _shocks(n, rng)
        own_sigma = contract.own_sigma * pace * alarm * np.sqrt(_garch(own_shocks))
        steps = contract.beta * factor + _steps(own_shocks, own_sigma, rng)
        log_mid = np.cumsum(steps.ravel()).reshape(n, STEPS) + _crash(contract, timeline)
        sigma = np.hypot(contract.beta * factor_sigma, own_sigma)
        usual_sigma = np.hypot(contract.beta * FACTOR_SIGMA, contract.own_sigma)
        rush = (sigma / usual_sigma) * (1 + 12 * _after(timeline, minutes=6.0))
        quantity = contract.quantity_per_minute * rush * rng.lognormal(-0.1, 0.45, n)
        paths[contract.symbol] = Path(
            mid=contract.price_start * np.exp(log_mid), sigma=sigma, quantity=quantity
        )
    return paths


def bars_of_path(contract: Contract, path: Path, timeline: Timeline) -> Bars:
    """Return every minute's bar, each opening where the minute before it closed."""
    opens = np.concatenate(([contract.price_start], path.mid[:-1, -1]))
    prices = on_grid(np.column_stack((opens, path.mid)), contract.price_tick)
    return Bars(
        open_ns=timeline.open_ns,
        open=prices[:, 0],
        high=prices.max(axis=1),
        low=prices.min(axis=1),
        close=prices[:, -1],
        volume=on_grid(path.quantity, contract.quantity_step),
    )


def draw_mark_prices(contract: Contract, path: Path, rng: np.random.Generator) -> Floats:
    """
    Return the mark price at the close of every minute.

    The venue's mark price follows an index and a moving basis, so it is calmer than the last
    price: here half of it is the minute's mean, and a slow basis of a few hundredths of a
    percent lies on top.
    """
    n = len(path.mid)
    calm = 0.5 * path.mid[:, -1] + 0.5 * path.mid.mean(axis=1)
    basis = _autoregression(rng.normal(0, 0.00001, n), memory=0.995)
    return on_grid(calm * np.exp(basis), contract.price_tick)


def draw_funding(path: Path, timeline: Timeline, rng: np.random.Generator) -> tuple:
    """
    Return ``(settlement times, rates)``; a positive rate is paid by longs to shorts.

    The times carry the few milliseconds of jitter that the venue's own do. The rate is the
    venue's usual 0.01 % plus a premium that follows the last eight hours' trend.
    """
    every = np.arange(0, timeline.minutes, FUNDING_MINUTES)
    jitter_ns = rng.integers(0, 12, len(every)) * 1_000_000
    before = np.maximum(every - FUNDING_MINUTES, 0)
    trend = np.log(path.mid[every, 0] / path.mid[before, 0])
    rates = 0.0001 + 0.004 * trend + rng.normal(0, 0.00003, len(every))
    return timeline.open_ns[every] + jitter_ns, np.round(np.clip(rates, -0.003, 0.003), 8)


def on_grid(values: Floats, step: Decimal) -> Floats:
    """Return *values* moved to the nearest whole multiple of *step*, at least one step."""
    decimals = -int(step.normalize().as_tuple().exponent)
    return np.round(np.maximum(np.round(values / float(step)), 1) * float(step), max(decimals, 0))


def _shocks(n: int, rng: np.random.Generator) -> Floats:
    shocks = rng.standard_t(SHOCK_FREEDOM, n) / np.sqrt(SHOCK_FREEDOM / (SHOCK_FREEDOM - 2))
    return np.clip(shocks, -SHOCK_SIGMAS_MAX, SHOCK_SIGMAS_MAX)


def _garch(shocks: Floats) -> Floats:
    """Return the variance of every minute, with mean near 1 (Bollerslev 1986, order 1, 1)."""
    omega = 1 - GARCH_ALPHA - GARCH_BETA
    gains = GARCH_ALPHA * shocks[:-1] ** 2 + GARCH_BETA
    variance = accumulate(gains, lambda last, gain: omega + gain * last, initial=1.0)
    return np.minimum(np.fromiter(variance, float, len(shocks)), 25.0)


def _steps(shocks: Floats, sigma: Floats, rng: np.random.Generator) -> Floats:
    """Return the returns of each five-second step; a minute's twelve add up to its shock."""
    noise = rng.normal(0, 1 / np.sqrt(STEPS), (len(shocks), STEPS))
    bridge = noise - noise.mean(axis=1, keepdims=True)
    return sigma[:, None] * (bridge + shocks[:, None] / STEPS)


def _trend(n: int, rng: np.random.Generator) -> Floats:
    """Return the drift of each step: spells of some hours that lead up, down or nowhere."""
    drift = np.empty(n)
    minute, direction = 0, 0
    while minute < n:
        direction = int(rng.choice([side for side in (-1, 0, 1) if side != direction]))
        spell = 180 + int(rng.exponential(420))
        drift[minute : minute + spell] = direction * rng.uniform(0.00001, 0.00002)
        minute += spell
    return np.repeat(drift[:, None] / STEPS, STEPS, axis=1)


def _session_pace(n: int) -> Floats:
    """Return how lively each minute of the day is: Europe's morning, America's open, midnight."""
    hour = (np.arange(n) % 1440) / 60
    bumps = ((0.3, 0.25, 1.0), (8.0, 0.3, 2.0), (14.5, 0.7, 2.5))
    pace = 0.75 + sum(height * np.exp(-(((hour - at) / width) ** 2)) for at, height, width in bumps)
    return pace / np.sqrt(np.mean(pace**2))


def _daily_pace(n: int, rng: np.random.Generator) -> Floats:
    """Return a slow tide over the days, so that a calm week can follow a wild one."""
    days = n // 1440 + 2
    tide = np.exp(_autoregression(rng.normal(0, 0.18, days), memory=0.7))
    return np.interp(np.arange(n) / 1440, np.arange(days), tide)


def _autoregression(noise: Floats, *, memory: float) -> Floats:
    return np.fromiter(accumulate(noise, lambda last, x: memory * last + x), float, len(noise))


def _after(timeline: Timeline, *, minutes: float) -> Floats:
    """Return 1 in the crash minute, 0 before it, and a decay of *minutes* after it."""
    age = np.arange(timeline.minutes) - timeline.crash_minute
    return np.where(age >= 0, np.exp(-np.maximum(age, 0) / minutes), 0.0)


def _crash(contract: Contract, timeline: Timeline) -> Floats:
    """Return the crash's displacement of the log price at every step."""
    depth = np.log1p(-contract.crash_depth)
    is_after = np.arange(timeline.minutes) >= timeline.crash_minute
    recovery = (CRASH_SHAPE[-1] - CRASH_KEPT) * _after(timeline, minutes=CRASH_RECOVERY_MINUTES)
    shape = np.where(is_after, CRASH_KEPT + recovery, 0.0)
    steps = np.repeat(shape[:, None], STEPS, axis=1)
    steps[timeline.crash_minute] = CRASH_SHAPE
    return depth * steps
