"""`python -m risk`: verify a journal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from risk.journal import JournalError, verify

OK, REFUSED, BAD_CONFIGURATION = 0, 1, 78


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _parse(argv)
    try:
        return int(args.func(args))
    except JournalError as e:
        print(e, file=sys.stderr)
        return REFUSED
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return BAD_CONFIGURATION


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m risk", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("verify", help="check the hash chain of a journal")
    check.add_argument("journal", type=Path)
    check.add_argument(
        "--expect", metavar="HASH", help="last hash, as the report of the run gives it"
    )
    check.set_defaults(func=_verify)
    return parser.parse_args(argv)


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
