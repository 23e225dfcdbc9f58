"""Backtest a profile behind the risk gate."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from configs.cli import BAD_CONFIGURATION, Parser

if TYPE_CHECKING:
    from configs.profile import Profile

OK, BROKEN_INVARIANT, NOT_WRITTEN, INTERRUPTED = 0, 70, 74, 130

EPILOG = """\
exit codes:
  0   the backtest ran
  70  a promise was broken (a cap was passed, a position stood without a stop): look before
      anything runs again
  74  the results could not be written (a full disk)
  78  the profile, its data or an argument cannot be used; the text names key, value and rule
  130 interrupted
  1   a strategy raised: the traceback ends with its line

examples:
  run_backtest.py                                        the demo: three perpetuals, 30 days
  run_backtest.py --profile my.toml --start 2025-05-10   from that day (UTC)
  run_backtest.py --unguarded                            also without the gate, and compare
  run_backtest.py --json | jq .statistics                for a script
"""


def main(argv: list[str] | None = None) -> int:
    """Run and return the exit code."""
    args = _parse(argv)
    # Imported late so that --help and a wrong argument answer at once.
    from configs.profile import ProfileError, load_profile
    from configs.runner import InvariantError, run_backtest
    from risk.install import GuardError
    from risk.journal import JournalError

    data = {key: getattr(args, key) for key in ("catalog", "start", "end") if getattr(args, key)}
    run_dir: Path | None = None
    try:
        profile = load_profile(args.profile, data=data)
        run_dir = _run_dir(args.out, profile)
        with _spinner(profile.name):
            result = run_backtest(profile, run_dir, compare=args.unguarded)
    except (ProfileError, JournalError) as e:
        if run_dir is not None:
            shutil.rmtree(run_dir)  # Nothing ran.
        print(f"bad configuration: {e}", file=sys.stderr)
        return BAD_CONFIGURATION
    except (InvariantError, GuardError, AssertionError) as e:
        print(f"BROKEN INVARIANT: {e}", file=sys.stderr)
        return BROKEN_INVARIANT
    except OSError as e:
        print(f"the results cannot be written: {e}", file=sys.stderr)
        return NOT_WRITTEN
    except KeyboardInterrupt:
        kept = "" if run_dir is None else f"; {run_dir} holds its journal and no result"
        print(f"interrupted{kept}", file=sys.stderr)
        return INTERRUPTED
    if args.json:
        print(json.dumps(result))
        return OK
    from rich.console import Console

    from report.terminal import summary

    Console().print(summary(args.out / result["run_id"]))
    return OK


def _run_dir(out: Path, profile: Profile) -> Path:
    from configs.profile import ProfileError
    from configs.runner import new_run_dir

    try:
        return new_run_dir(out, profile)
    except OSError as e:
        raise ProfileError(f"--out = {out}: cannot be written: {e.strerror}") from e


def _spinner(name: str) -> AbstractContextManager[object]:
    """Say that something goes on; silent when standard error is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    return console.status(f"running {name}") if console.is_terminal else nullcontext()


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="run_backtest.py",
        description="Backtest a profile behind the risk gate and write a report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    default = Path("configs/profiles/backtest.toml")
    add("--profile", type=Path, default=default, help="TOML profile (default: %(default)s)")
    add("--catalog", help="Parquet catalog to use instead of the profile's data.catalog")
    add("--start", type=_moment, help="first moment, ISO 8601, UTC unless it says otherwise")
    add("--end", type=_moment, help="last moment, likewise")
    add("--out", type=Path, default=Path("runs"), help="folder for run folders (default: runs)")
    add("--json", action="store_true", help="one JSON object on stdout, everything else on stderr")
    add(
        "--unguarded",
        action="store_true",
        help="run a second time without the gate and compare; for backtests only",
    )
    return parser.parse_args(argv)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"{text!r} must be ISO 8601, such as 2026-01-10") from e
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="Timestamp.utcnow is deprecated")
    sys.exit(main())
