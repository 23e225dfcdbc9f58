"""Entry point: ``python -m catalog COMMAND``."""

import argparse
import importlib
import sys
from pathlib import Path

_EX_CONFIG = 78
_CATALOG = Path("data/catalog")
_COMMANDS = ("ingest", "download", "instruments", "list", "check", "demo")
_MODULES = {"list": "listing"}


def main(argv: list[str] | None = None) -> int:
    """
    Run one command.

    Returns
    -------
    int
        0 fine, 1 done but something is bad, 78 bad usage or bad input.

    """
    args = _parser().parse_args(argv)
    try:
        code: int = args.func(args)
    except (ValueError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        return _EX_CONFIG
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override] - it exits too
        self.print_usage(sys.stderr)
        self.exit(_EX_CONFIG, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m catalog",
        description="Market data and instruments in a NautilusTrader Parquet catalog.",
        epilog="exit codes: 0 fine, 1 done but something is bad, 78 bad usage or bad input",
    )
    _add_catalog_option(parser, _CATALOG)
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in _COMMANDS:
        module = importlib.import_module(f"catalog.{_MODULES.get(name, name)}")
        module.register(subparsers)
    for command in subparsers.choices.values():
        # Unset here, so that the option counts on either side of the command's name.
        _add_catalog_option(command, argparse.SUPPRESS)
    return parser


def _add_catalog_option(parser: argparse.ArgumentParser, default: Path | str) -> None:
    text = f"the folder of the catalog (default: {_CATALOG})"
    parser.add_argument("--catalog", type=Path, default=default, metavar="DIR", help=text)


if __name__ == "__main__":
    sys.exit(main())
