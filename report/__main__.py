"""`python -m report RUN_DIR`: write the page of a run again, also of one whose process was killed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from actors.recording import RECORDING_FILE
from report.artifacts import RESULT_FILE
from report.live import LiveReportError, rebuild
from report.page import render
from report.terminal import summary

BAD_CONFIGURATION = 78


def main(argv: list[str] | None = None) -> int:
    """Write the page and return the exit code: 0 written, 78 no run folder."""
    parser = argparse.ArgumentParser(prog="python -m report", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder of a run, under runs/")
    parser.add_argument("--journal", type=Path, help="its journal, when that has been moved")
    options = parser.parse_args(argv)
    try:
        _write(options.run_dir, options.journal)
    except LiveReportError as e:
        print(f"no report: {e}", file=sys.stderr)
        return BAD_CONFIGURATION
    Console().print(summary(options.run_dir))
    return 0


def _write(run_dir: Path, journal: Path | None) -> None:
    if (run_dir / RECORDING_FILE).is_file():
        rebuild(run_dir, journal=journal)
    elif (run_dir / RESULT_FILE).is_file():
        render(run_dir)
    else:
        raise LiveReportError(f"{run_dir}: has neither {RECORDING_FILE} nor {RESULT_FILE}")


if __name__ == "__main__":
    sys.exit(main())
