"""Run every benchmark, one after the other: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOT_TIMED = {"__init__", "__main__", "chaos", "mutants", "recovery"}


def main() -> int:
    """Run each in a process of its own, and return the first exit code that is not 0."""
    worst = 0
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in NOT_TIMED or path.stem.startswith("_"):
            continue
        print(f"\n== benchmarks.{path.stem}", flush=True)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"benchmarks.{path.stem}"], check=False
        )
        worst = worst or done.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
