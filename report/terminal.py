"""The few lines about a run that a person wants to see in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from report.artifacts import RESULT_FILE, read_result
from report.formats import count, moment, money, percent, ratio, signed, signed_percent
from report.strategies import sent_nothing
from report.tables import read_rows

_REASONS_MAX = 5
_COLUMNS = 80
_LABEL_COLUMNS = 10
_UNGUARDED_DIR = "unguarded"
_RULES = {
    "position_notional_usdt_max": "position caps",
    "gross_notional_usdt_max": "the gross cap",
    "stop_delay_ms_max": "the stop rule",
}

Line = tuple[str, Text]


def summary(run_dir: Path) -> RenderableType:
    """
    Return what came of the run in *run_dir*, for a rich console.

    A run without the gate in its folder ``unguarded`` gets a line of its own. No line but the
    path of the report is longer than 80 columns.

    Raises
    ------
    FileNotFoundError
        If it is not a complete run folder.

    """
    run = read_result(run_dir)
    lines = [
        Text.assemble((label.ljust(_LABEL_COLUMNS), "dim"), value)
        for label, value in _lines(run, run_dir)
    ]
    return Group(_title(run), *lines)


def _title(run: Mapping[str, Any]) -> Text:
    guard = ("guarded", "green") if run["guarded"] else ("UNGUARDED", "bold yellow")
    start, end = run["span_ns"]
    window = f"  {moment(start)} to {moment(end)} UTC"
    return Text.assemble((run["name"], "bold"), "  ", guard, (window, "dim"))


def _lines(run: Mapping[str, Any], run_dir: Path) -> list[Line]:
    figures = run["statistics"]
    drawdown = figures["max_drawdown"]
    return [
        ("equity", _toned(figures)),
        *_unguarded(figures, run_dir / _UNGUARDED_DIR),
        ("drawdown", Text(percent(drawdown["ratio"] if drawdown else 0.0))),
        ("trades", Text(_trades(figures))),
        *_strategies(run["strategies"]),
        ("costs", Text(_costs(figures))),
        *_denied(figures, run_dir),
        *_verdict(run),
        ("result", Text(run["result_hash"])),
        ("report", Text(str(run_dir / "report.html"))),
    ]


def _toned(figures: Mapping[str, Any]) -> Text:
    change = f"{signed(figures['net_pnl_usdt'])}, {signed_percent(figures['return_ratio'])}"
    style = "green" if figures["net_pnl_usdt"] >= 0 else "red"
    return Text.assemble(f"{money(figures['final_equity_usdt'])} USDT (", (change, style), ")")


def _unguarded(figures: Mapping[str, Any], other_dir: Path) -> list[Line]:
    """Say what the gate made of the result, when the run without it lies in *other_dir*."""
    if not (other_dir / RESULT_FILE).is_file():
        return []
    other = read_result(other_dir)
    equity = other["statistics"]["final_equity_usdt"]
    gate = signed(figures["final_equity_usdt"] - equity)
    rules = Counter(breach["rule"] for breach in other["check"]["breaches"])
    broken = [f"{_RULES[rule]} {_many(n, 'time')}" for rule, n in rules.most_common()]
    text = f"{money(equity)} USDT (gate: {gate}); broke {', '.join(broken) or 'no cap'}"
    return _wrapped(_UNGUARDED_DIR, text)


def _trades(figures: Mapping[str, Any]) -> str:
    if not figures["trades"]:
        return "none"
    won, factor = percent(figures["win_ratio"]), ratio(figures["profit_factor"])
    return f"{count(figures['trades'])}, {won} won, profit factor {factor}"


def _strategies(strategies: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return a line for each strategy under that of the trades, its figures below each other."""
    cells = [
        (s["strategy_id"], count(s["trades"]), signed(s["net_pnl_usdt"]), count(s["denials"]))
        for s in strategies
    ]
    name, trades, net, denied = (
        max((len(row[column]) for row in cells), default=0) for column in range(4)
    )
    return [
        ("", Text.assemble(row[0].ljust(name + 2), ("sent nothing", "bold yellow")))
        if sent_nothing(strategy)
        else (
            "",
            Text(
                f"{row[0]:<{name}}  {row[1]:>{trades}} trades  {row[2]:>{net}} USDT  "
                f"{row[3]:>{denied}} denied"
            ),
        )
        for strategy, row in zip(strategies, cells, strict=True)
    ]


def _costs(figures: Mapping[str, Any]) -> str:
    return f"fees {money(figures['fees_usdt'])}, funding {signed(figures['funding_usdt'])} USDT"


def _denied(figures: Mapping[str, Any], run_dir: Path) -> list[Line]:
    reasons = Counter(str(row["reason"]) for row in read_rows(run_dir, "denials"))
    if not reasons:
        return [("denied", Text("nothing"))]
    total, orders = reasons.total(), figures["orders_denied"]
    stops = f" ({count(orders)} orders with their stops)" if orders > total else ""
    rest = len(reasons) - _REASONS_MAX
    named = _counted(reasons.most_common(_REASONS_MAX)) + (f", {rest} more" if rest > 0 else "")
    return [("denied", Text(f"{_many(total, 'request')}{stops}")), *_wrapped("", named)]


def _verdict(run: Mapping[str, Any]) -> list[Line]:
    breaches = run["check"]["breaches"]
    if breaches:
        rules = Counter(breach["rule"] for breach in breaches)
        return _wrapped("check", f"BREACHED: {_counted(rules.most_common())}", "bold red")
    if not run["statistics"]["fills"]:
        return [("check", Text("nothing was filled, nothing to check"))]
    checked = run["check"]
    closest = percent(max(checked["closest_position_ratio"], checked["closest_gross_ratio"]))
    return [("check", Text(f"caps kept (closest {closest}), every position with its stop"))]


def _many(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    """Join names and counts; a name and its count stay on one line when wrapped."""
    return ", ".join(f"{name}\u00a0{count(n)}" for name, n in counts)


def _wrapped(label: str, text: str, style: str = "") -> list[Line]:
    lines = wrap(text, _COLUMNS - _LABEL_COLUMNS, break_long_words=False)
    labels = [label, *[""] * (len(lines) - 1)]
    values = (Text(line.replace("\u00a0", " "), style) for line in lines)
    return list(zip(labels, values, strict=True))
