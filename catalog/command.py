"""What the commands have in common: reading a day, opening a catalog, telling a number."""

import argparse
from datetime import date
from pathlib import Path

from catalog.store import Store

# Within the nanosecond stamps of the catalog, with room for the day after.
_DAY_MIN, _DAY_MAX = date(1970, 1, 1), date(2261, 12, 31)


class CatalogPathError(ValueError):
    """A place where there is no catalog."""


def parse_day(text: str) -> date:
    """
    Return the day that an option names, for argparse.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no date, or lies outside of 1970 to 2261.

    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be a date such as 2026-01-10") from None
    if not _DAY_MIN <= found <= _DAY_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} must lie from {_DAY_MIN} to {_DAY_MAX}")
    return found


def existing_store(path: Path) -> Store:
    """
    Open a catalog to read it.

    Raises
    ------
    CatalogPathError
        If there is none.

    """
    if not path.is_dir():
        raise CatalogPathError(f"no catalog at {path}")
    return Store(path)


def counted(number: int, noun: str) -> str:
    """Return *number* and *noun*, with an s where it belongs: ``1 file``, ``1,234 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
