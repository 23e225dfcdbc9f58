"""Collect what a run left behind and write it down as a run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.portfolio.base import PortfolioFacade
from nautilus_trader.trading.trader import Trader

from actors.recorder import BalanceSample, Entry, Recorder
from configs.profile import Profile
from report.checker import CheckReport, check
from report.cycles import Cycle
from report.excursions import Excursions
from report.replay import Replay
from report.statistics import finite, statistics
from report.strategies import by_strategy
from report.tables import SCHEMAS, Rows, to_table, write_table
from risk.events import Liquidation

RESULT_FILE = "result.json"
_DENIAL_FIELDS = tuple(SCHEMAS["denials"].names)


class Engine(Protocol):
    """What a backtest engine and a trading node have in common."""

    @property
    def cache(self) -> CacheFacade: ...

    @property
    def portfolio(self) -> PortfolioFacade: ...

    @property
    def trader(self) -> Trader: ...


@dataclass(frozen=True, slots=True)
class Run:
    """
    All artifacts of a run.

    Parameters
    ----------
    result : dict[str, Any]
        What becomes ``result.json``.
    tables : dict[str, pyarrow.Table]
        One table a Parquet file, by name.
    check : CheckReport
        What the independent checker says about the fills.

    """

    result: dict[str, Any]
    tables: dict[str, pa.Table]
    check: CheckReport


def collect(
    engine: Engine,
    recorder: Recorder,
    profile: Profile,
    guard_report: Mapping[str, Any] | None,
    *,
    data: Mapping[str, Any],
    run_sec: float,
) -> Run:
    """
    Gather the artifacts of a run that has ended.

    Parameters
    ----------
    engine : Engine
        The engine that ran; its account, its analyzer and the names of its strategies are read.
    recorder : Recorder
        The recorder that watched the run.
    profile : Profile
        What the run was told to do.
    guard_report : Mapping[str, Any], optional
        What the gate tells about itself; None for an unguarded run.
    data : Mapping[str, Any]
        Summary of the data that were fed, for JSON.
    run_sec : float
        How long the run took, seconds; the only figure that is not reproducible.

    Raises
    ------
    ValueError
        If the recorder saw no account.

    """
    recorder.finish()
    return assemble(
        recorder.entries,
        profile,
        guard_report,
        balances=_balances(engine),
        strategy_ids=map(str, engine.trader.strategy_ids()),
        nautilus_statistics=_nautilus_statistics(engine),
        data=data,
        run_sec=run_sec,
    )


def assemble(
    entries: Sequence[Entry],
    profile: Profile,
    guard_report: Mapping[str, Any] | None,
    *,
    balances: Mapping[str, str],
    strategy_ids: Iterable[str],
    nautilus_statistics: Mapping[str, Any],
    data: Mapping[str, Any],
    run_sec: float,
    live: Callable[[Replay], dict[str, Any]] | None = None,
) -> Run:
    """
    Make the artifacts of a run from what was recorded of it.

    Parameters
    ----------
    entries : Sequence[Entry]
        What the recorder kept.
    profile, guard_report, data, run_sec
        As for `collect`.
    balances : Mapping[str, str]
        The last balances, by account and currency.
    strategy_ids : Iterable[str]
        The strategies that ran.
    nautilus_statistics : Mapping[str, Any]
        The engine's own figures, empty where it has none.
    live : Callable[[Replay], dict[str, Any]], optional
        Tells what only a run against a venue has (see `report.live`).

    Raises
    ------
    ValueError
        If no balance was recorded.

    """
    starting = next((entry for entry in entries if isinstance(entry, BalanceSample)), None)
    if starting is None:
        raise ValueError("no account balance was recorded: was the recorder added before the run?")
    replay = Replay.of(entries)
    rows = {name: replay.rows[name] for name in SCHEMAS}
    rows["positions"] = _position_rows(replay.book.cycles, rows["prices"])
    rows["denials"] = _denial_rows(rows, guard_report)
    checked = check(rows, profile.limits)
    result = {
        "name": profile.name,
        "mode": profile.mode,
        "guarded": guard_report is not None,
        "result_hash": result_hash(rows, balances),
        "profile_hash": profile.hash,
        "seed": profile.seed,
        "run_sec": run_sec,
        "span_ns": [rows["equity"][0]["ts_event"], rows["equity"][-1]["ts_event"]],
        "data": data,
        "balances": balances,
        "statistics": statistics(rows, replay.book.cycles, float(starting.total)),
        "strategies": by_strategy(strategy_ids, rows),
        "nautilus_statistics": nautilus_statistics,
        "liquidations": [_liquidation(event) for event in replay.liquidations],
        "check": checked.as_dict(),
        "guard": guard_report,
        "profile": profile.model_dump(mode="json"),
        "live": None if live is None else live(replay),
    }
    return Run(
        result=finite(result),
        tables={name: to_table(name, rows[name]) for name in SCHEMAS},
        check=checked,
    )


def write(run: Run, run_dir: Path) -> None:
    """
    Write *run* into *run_dir*, whose name becomes the run's id.

    ``result.json`` is written last: a folder that has one is complete.

    """
    run_dir.mkdir(parents=True, exist_ok=True)
    for name, table in run.tables.items():
        write_table(run_dir, name, table)
    text = json.dumps({"run_id": run_dir.name, **run.result}, indent=1, allow_nan=False)
    (run_dir / RESULT_FILE).write_text(text + "\n", encoding="utf-8")


def read_result(run_dir: Path) -> dict[str, Any]:
    """
    Read ``result.json`` of a run folder.

    Raises
    ------
    FileNotFoundError
        If *run_dir* is not a complete run folder.

    """
    path = run_dir / RESULT_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{run_dir} is not a run folder: it has no {RESULT_FILE}")
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def result_hash(rows: Mapping[str, Rows], balances: Mapping[str, str]) -> str:
    """
    Return the SHA-256 of what a run did, hexadecimal.

    It covers every fill, every order's final state, every position's PnL, every denial and the
    final balances; no random identifier (event, venue order, trade) and no wall time.

    """
    digest = hashlib.sha256()
    for name in ("fills", "orders", "positions", "denials"):
        for row in rows[name]:
            digest.update(_canonical({"table": name, **row}))
    digest.update(_canonical(balances))
    return digest.hexdigest()


def _canonical(row: Mapping[str, Any]) -> bytes:
    exact = {
        key: format(value.normalize(), "f") if isinstance(value, Decimal) else value
        for key, value in row.items()
        if not isinstance(value, float)  # sampled, so it depends on how finely
    }
    return json.dumps(exact, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _position_rows(cycles: Iterable[Cycle], prices: Rows) -> Rows:
    excursions = Excursions(prices)
    rows = []
    for cycle in cycles:
        adverse, favorable = excursions.of(cycle)
        rows.append({**cycle.row(), "adverse_bps": adverse, "favorable_bps": favorable})
    return rows


def _denial_rows(rows: Mapping[str, Rows], guard_report: Mapping[str, Any] | None) -> Rows:
    """Return the gate's denials; without a gate, those of the stock engine, from their events."""
    if guard_report is not None:
        return [
            {"ts_event": denial["ts"], **{k: denial.get(k) for k in _DENIAL_FIELDS[1:]}}
            for denial in guard_report["denials"]
        ]
    denied = [row for row in rows["orders"] if row["status"] == "DENIED"]
    return [
        {
            **dict.fromkeys(_DENIAL_FIELDS),
            "ts_event": order["ts_closed"],
            "reason": order["reason"].split(":")[0],
            "text": order["reason"],
            "command": "SubmitOrder",
            "quantity": str(order["quantity"]),
            "price": None if order["price"] is None else str(order["price"]),
            **{
                key: order[key]
                for key in (
                    "client_order_id", "strategy_id", "instrument_id", "side", "order_type",
                )
            },
        }
        for order in denied
    ]  # fmt: skip


def _liquidation(event: Liquidation) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Decimal) else v for k, v in event._asdict().items()}


def _balances(engine: Engine) -> dict[str, str]:
    return {
        f"{account.id}.{currency.code}": str(money.as_decimal())
        for account in engine.cache.accounts()
        for currency, money in sorted(account.balances_total().items(), key=lambda i: i[0].code)
    }


def _nautilus_statistics(engine: Engine) -> dict[str, Any]:
    analyzer = engine.portfolio.analyzer
    return {
        "pnls": {
            currency.code: analyzer.get_performance_stats_pnls(currency)
            for currency in analyzer.currencies
        },
        "returns": analyzer.get_performance_stats_returns(),
        "general": analyzer.get_performance_stats_general(),
    }
