"""The few lines about a run that a person wants to see in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from report.artifacts import read_result
from report.formats import count, moment, money, percent, ratio, signed, signed_percent
from report.tables import read_rows

_REASONS_MAX = 5


def summary(run_dir: Path) -> RenderableType:
    """
    Return what came of the run in *run_dir*, for a rich console.

    Raises
    ------
    FileNotFoundError
        If it is not a complete run folder.

    """
    run = read_result(run_dir)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    for name, value in _lines(run, run_dir):
        table.add_row(name, value)
    return Group(_title(run), table)


def _title(run: Mapping[str, Any]) -> Text:
    guard = ("guarded", "green") if run["guarded"] else ("UNGUARDED", "bold yellow")
    start, end = run["span_ns"]
    window = f"  {moment(start)} to {moment(end)} UTC"
    return Text.assemble((run["name"], "bold"), "  ", guard, (window, "dim"))


def _lines(run: Mapping[str, Any], run_dir: Path) -> list[tuple[str, Text]]:
    figures = run["statistics"]
    drawdown = figures["max_drawdown"]
    trades = f"{count(figures['trades'])}, {percent(figures['win_ratio'])} won"
    return [
        ("equity", _toned(figures)),
        ("drawdown", Text(percent(drawdown["ratio"] if drawdown else 0.0))),
        ("trades", Text(f"{trades}, profit factor {ratio(figures['profit_factor'])}")),
        ("costs", Text(_costs(figures))),
        ("denied", _denied(run_dir)),
        ("check", _verdict(run["check"])),
        ("result", Text(run["result_hash"])),
        ("report", Text(str(run_dir / "report.html"))),
    ]


def _toned(figures: Mapping[str, Any]) -> Text:
    change = f"{signed(figures['net_pnl_usdt'])}, {signed_percent(figures['return_ratio'])}"
    style = "green" if figures["net_pnl_usdt"] >= 0 else "red"
    return Text.assemble(f"{money(figures['final_equity_usdt'])} USDT (", (change, style), ")")


def _costs(figures: Mapping[str, Any]) -> str:
    return f"fees {money(figures['fees_usdt'])}, funding {signed(figures['funding_usdt'])} USDT"


def _denied(run_dir: Path) -> Text:
    reasons = Counter(str(row["reason"]) for row in read_rows(run_dir, "denials"))
    if not reasons:
        return Text("nothing")
    named = ", ".join(f"{reason} {count(n)}" for reason, n in reasons.most_common(_REASONS_MAX))
    rest = len(reasons) - _REASONS_MAX
    return Text(f"{count(reasons.total())}: {named}" + (f", {rest} more" if rest > 0 else ""))


def _verdict(check: Mapping[str, Any]) -> Text:
    if check["breaches"]:
        rules = Counter(breach["rule"] for breach in check["breaches"])
        named = ", ".join(f"{rule} {count(n)}" for rule, n in rules.most_common())
        return Text(f"BREACHED: {named}", style="bold red")
    closest = percent(check["closest_position_ratio"])
    return Text(f"every fill within its cap (closest {closest}), every position with its stop")
