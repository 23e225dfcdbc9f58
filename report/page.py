"""Render a run folder as one self-contained HTML page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from report import formats
from report.artifacts import read_result
from report.charts import equity_chart, symbol_charts
from report.compare import compare
from report.simulation import flattering
from report.statistics import shown_sharpe_ratio
from report.strategies import sent_nothing
from report.tables import Rows, read_rows

ASSETS = Path(__file__).parent / "assets"
PAGE_FILE = "report.html"
TRADES_MAX = 500
DENIALS_MAX = 50
BREACHES_MAX = 50
VENUE_EVENTS_MAX = 100
PROTECTION_MAX = 50
BREAKERS = range(20, 23)
"""The controls that deny nothing themselves: they trip, and the trading state denies from then."""


def render(run_dir: Path, compare_dir: Path | None = None) -> Path:
    """
    Write ``report.html`` into a run folder, from that folder's files alone.

    Parameters
    ----------
    run_dir : Path
        A run folder with all its files.
    compare_dir : Path, optional
        The folder of a run without the gate, to lay beside it.

    Returns
    -------
    Path
        The page. It holds its own scripts, styles and data; its content security policy allows
        no other source, no network, and only the scripts whose hashes it names.

    Raises
    ------
    FileNotFoundError
        If a folder is not a complete run folder.

    """
    result = read_result(run_dir)
    comparison = None if compare_dir is None else compare(run_dir, compare_dir)
    data = _chart_data(run_dir, result, comparison)
    scripts = [get_plotlyjs(), (ASSETS / "page.js").read_text(encoding="utf-8")]
    context = {
        "run": result,
        "statistics": result["statistics"],
        "sharpe_ratio": shown_sharpe_ratio(result["statistics"]),
        "strategies": [{**s, "sent_nothing": sent_nothing(s)} for s in result["strategies"]],
        "comparison": comparison,
        "trades": _trades(read_rows(run_dir, "positions")),
        "trades_max": TRADES_MAX,
        "guard": _guard(result, read_rows(run_dir, "denials")),
        "breaches_max": BREACHES_MAX,
        "live": result.get("live"),  # older run folders have none
        "venue_events_max": VENUE_EVENTS_MAX,
        "protection_max": PROTECTION_MAX,
        "profile_rows": list(_flat(result["profile"])),
        "flattering": flattering(result["profile"]),
        "symbols": [chart["symbol"] for chart in data["symbols"]],
        "data": _script_json(data),
        "style": Markup((ASSETS / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        "scripts": [Markup(script) for script in scripts],  # noqa: S704 - ours and plotly's
        "script_hashes": [_csp_hash(script) for script in scripts],
    }
    path = run_dir / PAGE_FILE
    path.write_text(_environment().get_template("page.html.j2").render(context), encoding="utf-8")
    return path


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(formats.FILTERS)
    return environment


def _chart_data(
    run_dir: Path, result: Mapping[str, Any], comparison: Mapping[str, Any] | None
) -> dict[str, Any]:
    limits = result["profile"]["limits"]["symbols"]
    caps = {symbol: limits[symbol]["position_notional_usdt_max"] for symbol in limits}
    return {
        "equity": equity_chart(run_dir),
        "symbols": symbol_charts(run_dir, caps),
        "daily": result["statistics"]["daily_returns"],
        "other": None if comparison is None else comparison["curve"],
        "labels": {
            "this": "with the gate" if result["guarded"] else "without a gate",
            "other": "without the gate",
        },
    }


def _trades(positions: Rows) -> dict[str, Any]:
    """Keep the trades that moved the account most, in the order of time."""
    weightiest = sorted(positions, key=lambda row: -abs(row["net_pnl_usdt"]))[:TRADES_MAX]
    return {
        "rows": sorted(weightiest, key=lambda row: (row["ts_opened"], row["position_id"])),
        "total": len(positions),
    }


def _guard(result: Mapping[str, Any], denials: Rows) -> dict[str, Any]:
    report = result["guard"] or {"controls": [], "states": [], "alarms": []}
    data_start, data_end = _span(result, report)
    return {
        "controls": [{**c, "is_breaker": c["control"] in BREAKERS} for c in report["controls"]],
        "alarms": report["alarms"],
        "states": list(_state_spans(report["states"], data_start, data_end)),
        "reasons": _by_reason(denials),
        "denials": denials[-DENIALS_MAX:],
        "denials_total": len(denials),
    }


def _span(result: Mapping[str, Any], report: Mapping[str, Any]) -> tuple[int, int]:
    start, end = result["span_ns"]
    changes = [state["ts"] for state in report["states"]]
    return min([start, *changes]), max([end, *changes])


def _state_spans(
    states: Iterable[Mapping[str, Any]], start_ns: int, end_ns: int
) -> Iterable[dict[str, Any]]:
    """Yield the trading states one after another, each with its share of the run."""
    states = sorted(states, key=lambda state: state["ts"])
    first = states[0]["previous"] if states else "ACTIVE"
    begun = {"ts": start_ns, "state": first, "cause": "start of the run", "by": "start"}
    spans = [begun, *states]
    length = max(1, end_ns - start_ns)
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        until = end_ns if following is None else following["ts"]
        yield {**span, "until": until, "share": (until - span["ts"]) / length}


def _by_reason(denials: Rows) -> list[dict[str, Any]]:
    counts = Counter((denial["control"], denial["reason"]) for denial in denials)
    return [
        {
            "control": control,
            "reason": reason,
            "count": count,
            "first": min(times := _times(denials, control, reason)),
            "last": max(times),
        }
        for (control, reason), count in counts.most_common()
    ]


def _times(denials: Rows, control: int | None, reason: str | None) -> list[int]:
    return [d["ts_event"] for d in denials if (d["control"], d["reason"]) == (control, reason)]


def _flat(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield ``(dotted key, value)`` of nested tables."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{prefix}[{number}]")
    else:
        yield prefix, value


def _script_json(data: Any) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - every character that HTML could act on is escaped above


def _csp_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
