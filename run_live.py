"""Run a profile against a venue: paper, rehearsal, demo or live, behind the risk gate."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path

from configs.cli import (
    BAD_CONFIGURATION,
    BROKEN_INVARIANT,
    INTERRUPTED,
    NOT_WRITTEN,
    TEMPORARY,
    Parser,
    say,
)
from ops.kill_signals import KillSignals
from ops.output import Output, safe_output

EPILOG = """\
exit codes:
  0   the node ran and ended in order
  70  a promise was broken or trading is HALTED: a person looks before anything runs again
  74  the results could not be written (a full disk)
  75  the venue is away or has locked us out for a while: start the same command again later
  78  profile, keys or an argument cannot be used, or a pre-flight item failed; the text says which
  130 stopped before it came up, or ended at once by a second signal: nothing was closed, stops keep
      resting at the venue

examples:
  run_live.py --profile configs/profiles/rehearsal.toml --duration 120
  run_live.py --profile configs/profiles/demo.toml --check
  run_live.py --profile configs/profiles/live.toml --confirm "LIVE-001 3f2a9c0b11d4"

The first Ctrl-C (or SIGTERM) stops in order: strategies close or leave their position with its stop,
as their flatten_on_stop says, and the report is written. The second ends at once.
"""


def main(argv: list[str] | None = None) -> int:
    """Run and return the exit code."""
    kill_signals = KillSignals()  # Before all that takes time.
    _let_signals_interrupt()
    args = _parse(argv)
    with safe_output() as output:
        code = _run(args, kill_signals, output)
        return _killed(kill_signals) if kill_signals.noted else code


def _let_signals_interrupt() -> None:
    """Let what a supervisor or a terminal sends end a start as Ctrl-C does: what is begun is undone."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # Not so under nohup.
            with suppress(ValueError):  # Not in the main thread: then nobody can send any.
                signal.signal(number, signal.default_int_handler)


def _killed(kill_signals: KillSignals) -> int:
    """Say that a start was killed and came to nothing; no supervisor may make it again."""
    names = ", ".join(kill.by for kill in kill_signals.noted)
    path = kill_signals.latched_in
    is_kept = path is not None and path.exists()
    kept = f"latched in {path}" if is_kept else "NOT LATCHED, the next start knows nothing of it"
    return _say(BROKEN_INVARIANT, f"{names} came while it started, which has ended: {kept}")


def _run(args: argparse.Namespace, kill_signals: KillSignals, output: Output) -> int:
    # Imported late so that --help and a wrong argument answer at once.
    from configs.local_venue import VenueStartError
    from configs.nodes import VenueAnswerError
    from configs.profile import ProfileError, load_profile
    from configs.runner import InvariantError
    from configs.secrets import SecretsError
    from ops.errors import RefusedError, TemporaryError
    from ops.live_run import Options, run_live
    from ops.terminal import console_of
    from risk.folder_lock import LockError
    from risk.install import GuardError
    from risk.journal import JournalError

    options = Options(
        out=args.out,
        state=args.state,
        duration_sec=args.duration,
        is_check=args.check,
        venue_url=args.venue,
        keys=args.keys,
        confirm=args.confirm,
        kill_signals=kill_signals,
        lost_lines=lambda: output.lost_lines,
    )
    try:
        return asyncio.run(run_live(load_profile(args.profile), options, console_of(output)))
    except (ProfileError, SecretsError, JournalError, LockError, RefusedError) as e:
        return _say(BAD_CONFIGURATION, f"bad configuration: {e}")
    except (TemporaryError, VenueAnswerError, VenueStartError) as e:
        return _say(TEMPORARY, f"not now: {e}")
    except (InvariantError, GuardError, AssertionError) as e:
        return _say(BROKEN_INVARIANT, f"BROKEN INVARIANT: {e}")
    except OSError as e:
        return _say(NOT_WRITTEN, f"the results cannot be written: {e}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        if not kill_signals.has_node:
            return _say(INTERRUPTED, "stopped before it came up: nothing was sent")
        return _say(INTERRUPTED, "interrupted: look at the venue for what is open")


def _say(code: int, text: str) -> int:
    say(text, is_error=True)
    return code


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="run_live.py",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--profile", type=Path, required=True, help="TOML profile of mode paper to live")
    add("--check", action="store_true", help="build all, run the pre-flight, trade nothing")
    add("--duration", type=_seconds, metavar="SECONDS", help="stop in order after so long")
    add("--venue", metavar="URL", help="a local venue that runs already (http://127.0.0.1:PORT)")
    add("--keys", type=Path, metavar="FILE", help="key file, mode 0600 (see docs/live.md)")
    add("--confirm", metavar="TEXT", help="mode live: the text that --check prints")
    add("--out", type=Path, default=Path("runs"), help="folder for run folders (default: runs)")
    add("--state", type=Path, default=Path("state"), help="journals and latches (default: state)")
    return parser.parse_args(argv)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds > 0")
    return value


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="Timestamp.utcnow is deprecated")
    sys.exit(main())
