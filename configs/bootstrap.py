"""The composition root: the one place that knows every concrete part of a run."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.config import msgspec_decoding_hook
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from backtest.engine import build_engine
from backtest.feed import FeedError, FeedSummary, add_data
from backtest.operator import SimulatedOperator
from catalog.quality import bad_days
from catalog.store import Store
from configs.profile import DataSection, Profile, ProfileError, StrategySection
from risk.install import Guard, assert_guarded, install_guard

BAD_DAYS_SHOWN = 10


class Backtest(NamedTuple):
    """A backtest that is ready to run: engine, data, and the guard (None: unguarded)."""

    engine: BacktestEngine
    feed: FeedSummary
    guard: Guard | None


def build_backtest(profile: Profile, run_dir: Path, *, is_guarded: bool) -> Backtest:
    """
    Put a backtest together.

    Parameters
    ----------
    profile : Profile
        A profile of mode ``backtest``.
    run_dir : Path
        Where journal and latch are kept.
    is_guarded : bool
        False leaves the stock risk engine in place, for comparison only.

    Raises
    ------
    ProfileError
        If the profile asks for what is not there, or for data that failed the quality check.
    GuardError
        If the gate could not be put in.

    """
    if profile.mode != "backtest":
        raise ProfileError(f"mode = {profile.mode!r}: run_backtest.py runs mode = 'backtest' only")
    assert profile.data is not None, "Invariant: a backtest profile has data"
    if not Path(profile.data.catalog).is_dir():
        raise ProfileError(f"data.catalog = {profile.data.catalog!r}: no such folder")
    store = Store(Path(profile.data.catalog))
    instruments = [_instrument(store, key) for key in profile.limits.symbols]
    strategies = build_strategies(profile)
    _refuse_bad_days(profile, profile.data, store)
    engine = build_engine(profile, instruments)
    try:
        feed = add_data(engine, profile, store)
    except FeedError as e:
        raise ProfileError(str(e)) from e
    _refuse_missing_bars(strategies, feed)
    guard = _guard(engine, profile, run_dir) if is_guarded else None
    engine.add_strategies(strategies)
    return Backtest(engine, feed, guard)


def _guard(engine: BacktestEngine, profile: Profile, run_dir: Path) -> Guard:
    guard = install_guard(
        engine.kernel,
        profile.limits,
        state_dir=run_dir,
        sync=profile.journal.sync,
        profile=profile.model_dump(mode="json"),
        profile_hash=profile.hash,
    )
    assert_guarded(engine.kernel, guard)
    assert profile.simulation is not None, "Invariant: a backtest profile has a simulation"
    if profile.simulation.operator_resumes_after_min:
        engine.add_actor(
            SimulatedOperator(
                guard.gate.judge.resume, profile.simulation.operator_resumes_after_min
            )
        )
    return guard


def _instrument(store: Store, key: str) -> Any:
    try:
        instrument_id = InstrumentId.from_str(key)
    except ValueError as e:
        raise ProfileError(f"limits.symbols.{key}: is no instrument id: {e}") from e
    instrument = store.instrument(instrument_id)
    if instrument is None:
        raise ProfileError(
            f"limits.symbols.{key}: the catalog {store.path} has no such instrument "
            f"(see: python -m catalog list --catalog {store.path})"
        )
    return instrument


def _refuse_bad_days(profile: Profile, data: DataSection, store: Store) -> None:
    """Refuse days that failed the quality check, unless the profile waives them by name."""
    ids = [InstrumentId.from_str(key) for key in profile.limits.symbols]
    waived = {(w.symbol, w.day) for w in data.waived_days}
    bad = [
        day
        for day in bad_days(store, ids, data.start, data.end, data.types)
        if (day.instrument_id, day.day) not in waived
    ]
    if bad:
        head = (
            f"data.catalog = {data.catalog!r}: {len(bad)} bad day(s); mend the data, or "
            "waive each in [[data.waived_days]] with symbol, day and reason"
        )
        shown = [f"  {day}" for day in bad[:BAD_DAYS_SHOWN]]
        if len(bad) > BAD_DAYS_SHOWN:
            shown.append(
                f"  and {len(bad) - BAD_DAYS_SHOWN} more; data.start and data.end set the window"
            )
        raise ProfileError("\n".join([head, *shown]))


def build_strategies(profile: Profile) -> list[Strategy]:
    """
    Build the profile's strategies.

    Raises
    ------
    ProfileError
        If a class is not there, or its config class refuses the parameters.

    """
    strategies = [_build_strategy(profile, index) for index in range(len(profile.strategies))]
    _refuse_shared_instruments(strategies)
    return strategies


def _build_strategy(profile: Profile, index: int) -> Strategy:
    section, where = profile.strategies[index], f"strategies.{index}"
    strategy_class, config_class = _classes(section, where)
    params = {"order_id_tag": f"{index:03d}"} | section.params
    try:
        config = msgspec.convert(params, config_class, dec_hook=msgspec_decoding_hook)
    except (msgspec.ValidationError, ValueError, TypeError) as e:
        known = ", ".join(field.name for field in msgspec.structs.fields(config_class))
        raise ProfileError(f"{where}.params: {e} (known: {known})") from e
    instrument_id = getattr(config, "instrument_id", None)
    if instrument_id is not None and str(instrument_id) not in profile.limits.symbols:
        raise ProfileError(
            f"{where}.params.instrument_id = {str(instrument_id)!r}: has no limits; add "
            f'[limits.symbols."{instrument_id}"] or trade another'
        )
    if profile.mode != "backtest" and instrument_id is not None:
        # What a previous run left at the venue is this strategy's again.
        config = msgspec.structs.replace(config, external_order_claims=[instrument_id])
    return strategy_class(config)


def _refuse_shared_instruments(strategies: list[Strategy]) -> None:
    """Refuse two strategies on one instrument: their positions net, and so would their stops."""
    traders: dict[str, int] = {}
    for index, strategy in enumerate(strategies):
        instrument_id = getattr(strategy.config, "instrument_id", None)
        if instrument_id is None:
            continue
        first = traders.setdefault(str(instrument_id), index)
        if first != index:
            raise ProfileError(
                f"strategies.{index}.params.instrument_id = {str(instrument_id)!r}: is traded by "
                f"strategies.{first} already; one strategy an instrument"
            )


def _classes(section: StrategySection, where: str) -> tuple[Any, Any]:
    """Return a strategy class and its config class, which stands beside it: ``NameConfig``."""
    module_name, class_name = section.path.split(":")
    try:
        module = importlib.import_module(module_name)
        strategy_class = getattr(module, class_name)
        config_class = getattr(module, f"{class_name}Config")
    except (ImportError, AttributeError, SyntaxError) as e:
        raise ProfileError(f"{where}.path = {section.path!r}: {e}") from e
    if not (isinstance(strategy_class, type) and issubclass(strategy_class, Strategy)):
        raise ProfileError(f"{where}.path = {section.path!r}: is no Strategy class")
    return strategy_class, config_class


def _refuse_missing_bars(strategies: list[Strategy], feed: FeedSummary) -> None:
    """Refuse a strategy whose bars nobody will ever send: its run would prove nothing."""
    fed = {count.identifier for count in feed.counts if count.kind == "bars"}
    for index, strategy in enumerate(strategies):
        bar_type = getattr(strategy.config, "bar_type", None)
        if bar_type is None:
            continue
        source = bar_type.composite() if bar_type.is_composite() else bar_type
        if source.is_externally_aggregated() and str(source) not in fed:
            raise ProfileError(
                f"strategies.{index}.params: needs the bars {source}, which neither data.types nor "
                "the catalog give it in this window"
            )
