"""
What it costs a node to be watched: a snapshot, a screen and a recorded sample, with orders open.

Each happens on the node's event loop, a snapshot and a screen once a second, a sample once in five.

    python -m benchmarks.watching [--open N ...] [--count N] [--out FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ops.events import EventLog
from ops.screen import screen
from tests.attacks.scene import BUY
from tests.watched_kit import WatchedScene

SIZES = ((80, 24), (160, 50))


def measure(do: Callable[[], object], count: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of *do*, microseconds."""
    took = []
    for _ in range(count):
        begun = time.perf_counter_ns()
        do()
        took.append((time.perf_counter_ns() - begun) / 1_000)
    took.sort()
    return took[count // 2], took[count * 99 // 100]


def draw(scene: WatchedScene, console: Console, events: EventLog) -> None:
    console.print(screen(scene.status.snapshot, events, *console.size))


def figures(open_orders: int, count: int) -> dict[str, tuple[float, float]]:
    """Measure everything with so many working entries, each with its held stop and target."""
    with tempfile.TemporaryDirectory() as folder:
        scene = WatchedScene(Path(folder))
        for number in range(open_orders // 3):
            price = f"{49_900 - number}.0"
            scene.submit(scene.bracket(BUY, "0.001", stop="49000.0", price=price))
        scene.status.take()
        events = EventLog()
        for notice in scene.status.take_notices():
            events.add(notice)
        found = {"snapshot": measure(scene.status.take, count)}
        for width, height in SIZES:
            console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
            found[f"screen {width} x {height}"] = measure(
                lambda console=console: draw(scene, console, events), count // 10
            )
        found["sample"] = measure(scene.sample, count)
        scene.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, nargs="+", default=[0, 15], metavar="N")
    parser.add_argument("--count", type=int, default=1_000, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE")
    options = parser.parse_args()
    results = {}
    print(f"{'orders open':>11}  {'what':<16} {'median us':>10} {'p99 us':>10} {'of a core':>10}")
    for open_orders in options.open:
        results[open_orders] = found = figures(open_orders, options.count)
        for name, (median, late) in found.items():
            every_sec = 5 if name == "sample" else 1
            share = f"{median / 1e6 / every_sec:.3%}"
            print(f"{open_orders:>11}  {name:<16} {median:>10.1f} {late:>10.1f} {share:>10}")
    if options.out is not None:
        options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
