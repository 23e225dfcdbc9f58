"""Entry point: ``python -m catalog COMMAND``."""

import argparse
import importlib
import os
import sys
from pathlib import Path

_EX_CONFIG, _EX_INTERRUPTED = 78, 130
_CATALOG = Path("data/catalog")
_COMMANDS = ("ingest", "download", "instruments", "list", "check", "demo")
_MODULES = {"list": "listing"}


def main(argv: list[str] | None = None) -> int:
    """
    Run one command.

    Returns
    -------
    int
        0 fine, 1 done but something is bad, 78 bad usage or bad input, 130 interrupted.

    """
    try:
        return _run(argv)
    except (ValueError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        return _EX_CONFIG
    except KeyboardInterrupt:
        # Files that were done before are in, and a commit that was cut off has been finished.
        print("interrupted; nothing half-written is in the catalog", file=sys.stderr)
        return _EX_INTERRUPTED


def _run(argv: list[str] | None) -> int:
    args = _parser().parse_args(argv)
    args.catalog = args.catalog or args.catalog_default
    _check_is_folder(args.catalog)
    code: int = args.func(args)
    return code


def _check_is_folder(catalog: Path) -> None:
    nearest = next(place for place in (catalog, *catalog.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise ValueError(f"--catalog {catalog}: {nearest} is a file, not a folder")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override] - it exits too
        self.print_usage(sys.stderr)
        self.exit(_EX_CONFIG, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m catalog",
        description="Market data and instruments in a NautilusTrader Parquet catalog.",
        epilog="exit codes: 0 fine, 1 done but something is bad, 78 bad usage or bad input, "
        "130 interrupted",
    )
    parser.set_defaults(catalog_default=_CATALOG)
    _add_catalog_option(parser, None, _CATALOG)
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in _COMMANDS:
        module = importlib.import_module(f"catalog.{_MODULES.get(name, name)}")
        module.register(subparsers)
    for command in subparsers.choices.values():
        # Unset here, so that the option counts on either side of the command's name.
        place = command.get_default("catalog_default") or _CATALOG
        _add_catalog_option(command, argparse.SUPPRESS, place)
    return parser


def _add_catalog_option(parser: argparse.ArgumentParser, default: str | None, place: Path) -> None:
    text = f"the folder of the catalog (default: {place})"
    parser.add_argument("--catalog", type=Path, default=default, metavar="DIR", help=text)


if __name__ == "__main__":
    exit_code = main()
    if exit_code == _EX_INTERRUPTED:
        # A thread that waits for a silent server must not hold up who pressed Ctrl-C.
        sys.stdout.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
