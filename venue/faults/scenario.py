"""A file of faults."""

import tomllib
from pathlib import Path

from venue.faults.arguments import FaultError
from venue.faults.book import FaultBook
from venue.faults.plan import parse_plan

_KEYS = ("seed", "fault")


def load_scenario(path: Path, seed: int = 0) -> FaultBook:
    """
    Return the faults of a TOML file, armed in its order.

    The file has ``[[fault]]`` tables (see ``plan.parse_plan``) and, if it wants chances of its
    own, ``seed``.

    Parameters
    ----------
    path : Path
        The file.
    seed : int
        Of chances, where the file gives none.

    Raises
    ------
    FaultError
        If the file cannot be read or an entry is wrong; the text names file and entry.

    """
    try:
        text = path.read_text("utf-8")
        found = tomllib.loads(text)
    except OSError as e:
        raise FaultError(f"{path}: {e.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise FaultError(f"{path}: not TOML: {e}") from None
    unknown = sorted(set(found) - set(_KEYS))
    if unknown:
        raise FaultError(f"{path}: no key {unknown[0]!r}; there are: {', '.join(_KEYS)}")
    own_seed, entries = found.get("seed", seed), found.get("fault", [])
    if isinstance(own_seed, bool) or not isinstance(own_seed, int):
        raise FaultError(f"{path}: seed is {own_seed!r}, not a whole number")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FaultError(f"{path}: fault is not a list of tables: write [[fault]]")
    book = FaultBook(own_seed)
    for number, entry in enumerate(entries, start=1):
        book.arm(parse_plan(entry, f"{path}: fault {number}"))
    return book
