"""The lines of `ops status`: breakers with their closest approach, and whether a watchdog looks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.snapshot import BreakerLine
from ops.node_files import read_node
from ops.status_screen import status_lines
from ops.words import breaker_label
from tests.ops_kit import breaker, snapshot

ACTIVE: dict[str, Any] = {"state": "ACTIVE", "causes": [], "kills": []}


def line(folder: Path, title: str, *breakers: BreakerLine) -> str:
    """Return the one line of the screen that begins with *title*."""
    status = msgspec.to_builtins(snapshot(breakers=breakers))
    lines = [text.plain for text in status_lines(read_node(folder), status, ACTIVE)]
    (found,) = [text for text in lines if text.startswith(title)]
    return found


def test_breakers_are_shown_with_what_they_see_allow_and_came_closest_to(tmp_path: Path) -> None:
    shown = line(
        tmp_path, "breakers",
        breaker("drawdown", "0.15", "0.0125", "0.045"), breaker("price_shock", 500, "12.3", 47),
        breaker("reject_storm", 5, 6, is_tripped=True),
    )  # fmt: skip

    assert shown == (
        "breakers  drawdown 1.25% of 15.00% (closest 4.50%), "
        "price shock 12 bps of 500 bps (closest 47 bps), "
        "reject storm 6 of 5 (closest 6) TRIPPED"
    )


def test_every_breaker_of_a_node_is_shown(tmp_path: Path) -> None:
    lines = snapshot().breakers

    shown = line(tmp_path, "breakers", *lines)

    assert all(f"{breaker_label(each)} " in shown for each in lines)
    assert shown.count("(closest ") == len(lines) == 7


def test_what_is_not_known_of_a_breaker_is_said_to_be_unknown(tmp_path: Path) -> None:
    unknown = breaker("drawdown", "0.15", None)

    assert "drawdown unknown of 15.00% (closest unknown)" in line(tmp_path, "breakers", unknown)
    assert line(tmp_path, "breakers") == "breakers  unknown"


def test_a_watchdog_is_shown_with_its_verdict_and_age(tmp_path: Path) -> None:
    seen = {"pid": 1, "mono_ns": time.monotonic_ns(), "ts_ns": 1, "verdict": "ALIVE"}
    (tmp_path / "watchdog.json").write_text(json.dumps(seen))

    shown = line(tmp_path, "watchdog")

    assert shown.startswith("watchdog  ALIVE, ")
    assert shown.endswith(" ms ago")


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"mono_ns": "1"}', '{"mono_ns": 1e30}'])
def test_a_node_without_a_watchdog_is_said_to_be_alone(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "watchdog.json").write_text(text)

    assert line(tmp_path, "watchdog").startswith("watchdog  none has looked")
