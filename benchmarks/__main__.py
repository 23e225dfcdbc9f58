"""
Run every benchmark, one after the other: `make bench`.

Each prints its table under what it measures and the command that repeats it. `chaos` and `mutants` judge without timing
anything, and have targets of their own.
"""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from pathlib import Path

NOT_TIMED = {"__init__", "__main__", "chaos", "mutants"}
SHORTER = {"recovery": ("--cycles", "20")}
"""Fewer rounds than by default, where those have a target of their own (`make recovery`)."""


def main() -> int:
    """Run each in a process of its own, and return the first exit code that is not 0."""
    worst, failed = 0, []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in NOT_TIMED or path.stem.startswith("_"):
            continue
        words = ["-m", f"benchmarks.{path.stem}", *SHORTER.get(path.stem, ())]
        print(f"\n== python {shlex.join(words)}\n{_about(path)}\n", flush=True)
        done = subprocess.run([sys.executable, "-W", "ignore", *words], check=False)
        if done.returncode:
            failed.append(f"{path.stem} ended with {done.returncode}")
        worst = worst or done.returncode
    print(f"\n{'; '.join(failed) or 'every benchmark ended with 0'}")
    return worst


def _about(path: Path) -> str:
    """Return the first paragraph of a file's docstring."""
    about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return about.split("\n\n")[0]


if __name__ == "__main__":
    sys.exit(main())
