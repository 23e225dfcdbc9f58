"""The market that a venue was asked to play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from catalog.blocks import SourceError
from venue.config import ConfigError, VenueConfig
from venue.engine.symbols import builtin
from venue.market.catalog import CatalogMarket, Span
from venue.market.generated import GeneratedMarket, MarketError
from venue.market.recording import RecordedMarket
from venue.still import StillMarket
from venue.wire.clock import wall_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from venue.engine.symbols import SymbolSpec
    from venue.market.events import Source

STEPPED_START_MS = 1_767_225_600_000  # 2026-01-01: where a stepped market of a seed begins
KINDS = "generated, still, catalog:PATH, recording:PATH[,PATH]"


def open_source(config: VenueConfig) -> Source:
    """
    Return the source that ``config.market`` names.

    Raises
    ------
    ConfigError
        If there is none of that kind, or it cannot be had as asked.

    """
    kind, _, rest = config.market.partition(":")
    try:
        if kind == "catalog" and rest:
            return CatalogMarket(Path(rest), config.symbols, _span(config))
        specs = _builtin(config.symbols)
        if kind == "recording" and rest:
            paths = [Path(path) for path in rest.split(",")]
            return RecordedMarket(specs, paths)
        if kind in ("generated", "still") and not rest:
            return _made(config, kind, specs)
    except (SourceError, MarketError) as error:
        raise ConfigError(f"market={config.market}: {error}") from None
    raise ConfigError(f"market={config.market!r}: not one of {KINDS}")


def _made(config: VenueConfig, kind: str, specs: Sequence[SymbolSpec]) -> Source:
    start_ms = config.start_ms
    if start_ms is None:
        start_ms = wall_ms() if config.speed else STEPPED_START_MS
    if kind == "still":
        return StillMarket(specs, start_ms=start_ms)
    seed = config.seed or 0
    return GeneratedMarket(specs, start_ms=start_ms, seed=seed, end_ms=config.end_ms)


def _builtin(symbols: Sequence[str]) -> list[SymbolSpec]:
    try:
        return builtin(*symbols)
    except KeyError as error:
        raise ConfigError(
            f"symbols={','.join(symbols)}: no rules are known of {error.args[0]}"
        ) from None


def _span(config: VenueConfig) -> Span:
    start, end = (None if ms is None else ms * 1_000_000 for ms in (config.start_ms, config.end_ms))
    return Span(start, end)
