"""What the two benchmarks of the kill switch share: their options, and the table that they print."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks._spread import cell

HEAD = "way      symbols  orders  runs  |  last cancel ms p50/p99/worst  |  flat ms p50/p99/worst"


def parse(about: str, runs: int) -> argparse.Namespace:
    """Read the command line: how many *runs*, how many resting orders, where the JSON goes."""
    parser = argparse.ArgumentParser(description=about.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=runs, help="(default %(default)s)")
    parser.add_argument("--orders", type=int, default=100, help="(default %(default)s)")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def show(lines: list[dict[str, Any]], cancel: str, flat: str, out: Path | None) -> None:
    """Print the lines, whose spreads have the names *cancel* and *flat*, and write them to *out*."""
    print(HEAD)
    for line in lines:
        print(
            f"{line['way']:8} {line['symbols']:7} {line['orders']:7} {line['runs']:5}  |  "
            f"{cell(line[cancel]):>28}  |  {cell(line[flat]):>21}"
        )
    if out is not None:
        out.write_text(json.dumps(lines, indent=1))
