"""`python -m risk`: show, tighten and resume the trading state; verify a journal."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from risk.journal import JournalError, verify
from risk.latch import Latch, LatchError
from risk.trading_state import TradingState

OK, REFUSED, BAD_CONFIGURATION = 0, 1, 78


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _parse(argv)
    try:
        return int(args.func(args))
    except (LatchError, JournalError) as e:
        print(e, file=sys.stderr)
        return REFUSED
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return BAD_CONFIGURATION


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m risk", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    state = commands.add_parser("state", help="show the trading state and what caused it")
    resume = commands.add_parser("resume", help="loosen the trading state to ACTIVE")
    tighten = commands.add_parser("trip", help="tighten the trading state")
    for command in (state, resume, tighten):
        command.add_argument("--latch", type=Path, required=True, help="latch.json of the node")
    for command in (resume, tighten):
        command.add_argument("--by", required=True, help="who decides")
        command.add_argument("--reason", required=True, help="why")
    resume.add_argument(
        "--unreadable", action="store_true", help="the file is no latch, and that is understood"
    )
    tighten.add_argument("--state", choices=("REDUCING", "HALTED"), required=True)
    state.set_defaults(func=_state)
    resume.set_defaults(func=_resume)
    tighten.set_defaults(func=_trip)

    check = commands.add_parser("verify", help="check the hash chain of a journal")
    check.add_argument("journal", type=Path)
    check.add_argument(
        "--expect", metavar="HASH", help="last hash, as the report of the run gives it"
    )
    check.set_defaults(func=_verify)
    return parser.parse_args(argv)


def _open(path: Path) -> Latch:
    """
    Return the latch of a node that has run.

    Raises
    ------
    LatchError
        If there is none: a mistyped path must not look like a node that is well.

    """
    if not path.is_file():
        raise LatchError(f"no latch at {path.absolute()}: no node has written there")
    return Latch(path)


def _state(args: argparse.Namespace) -> int:
    view = _open(args.latch).read()
    state, causes, by = view.state, view.causes, view.by
    print(f"{state.name}" + (f" (by {by})" if by else "") + f", {args.latch.absolute()}")
    for cause in causes:
        print(f"  {cause}")
    return OK


def _resume(args: argparse.Namespace) -> int:
    if not args.by.strip() or not args.reason.strip():
        print("refused: --by and --reason must not be empty", file=sys.stderr)
        return BAD_CONFIGURATION
    latch = _open(args.latch)
    try:
        state, causes, *_ = latch.read()
    except LatchError:
        if not args.unreadable:
            raise
        # Only a person may say that a broken latch is understood; what was there is kept.
        state, causes = TradingState.HALTED, ("LATCH_UNREADABLE",)
        args.latch.rename(args.latch.with_suffix(f".bad-{time.time_ns()}"))
    if state is TradingState.ACTIVE:
        print("refused: trading is ACTIVE, nothing is tripped", file=sys.stderr)
        return REFUSED
    latch.write(TradingState.ACTIVE, [], by=args.by, reason=args.reason, ts_ns=time.time_ns())
    print(f"{state.name} -> ACTIVE, {args.latch.absolute()}; forgotten are:")
    for cause in causes:
        print(f"  {cause}")
    return OK


def _trip(args: argparse.Namespace) -> int:
    latch = _open(args.latch)
    state, causes, *_ = latch.read()
    wanted = TradingState[args.state]
    if wanted < state:
        print(f"refused: trading is {state.name}; only resume loosens it", file=sys.stderr)
        return REFUSED
    cause = f"TRIPPED_BY_PERSON: observed={args.reason}, limit=none"
    latch.write(wanted, [*causes, cause], by=args.by, reason=args.reason, ts_ns=time.time_ns())
    print(f"{state.name} -> {wanted.name}, {args.latch.absolute()}")
    return OK


def _verify(args: argparse.Namespace) -> int:
    count, digest = verify(args.journal)
    if count == 0:
        print(f"{args.journal}: is empty: not even the profile is in it", file=sys.stderr)
        return REFUSED
    print(f"{args.journal}: {count} records, the chain holds, last hash {digest}")
    if args.expect is None:
        print("records cut off at the end are only seen with --expect HASH (result.json has it)")
    elif args.expect != digest:
        print(
            f"--expect = {args.expect}: is not the last hash: records are missing", file=sys.stderr
        )
        return REFUSED
    return OK


if __name__ == "__main__":
    sys.exit(main())
