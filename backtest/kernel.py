"""Put our caches and analyzer into Nautilus, which offers no place to pass them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nautilus_trader.portfolio import portfolio
from nautilus_trader.system import kernel
from nautilus_trader.system.kernel import NautilusKernel

from backtest.analyzer import LinearPortfolioAnalyzer
from backtest.cache import BacktestCache, VenueCache


@contextmanager
def linear_kernel() -> Iterator[None]:
    """
    Let kernels built inside the context have costs that grow with the trades, not their square.

    The kernel makes its cache and its portfolio (which makes its analyzer) by class name. The
    names are put back on leaving, so that no other kernel is touched.
    """
    cache, analyzer = kernel.Cache, portfolio.PortfolioAnalyzer
    kernel.Cache, portfolio.PortfolioAnalyzer = BacktestCache, LinearPortfolioAnalyzer
    try:
        yield
    finally:
        kernel.Cache, portfolio.PortfolioAnalyzer = cache, analyzer


@contextmanager
def linear_venue(built: NautilusKernel) -> Iterator[None]:
    """Let venues added inside the context see the kernel's cache through a `VenueCache`."""
    cache = built._cache
    built._cache = VenueCache(cache)
    try:
        yield
    finally:
        built._cache = cache
