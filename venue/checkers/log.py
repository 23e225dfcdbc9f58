"""The wire log and the node's papers, read as they stand."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

Line = Mapping[str, Any]


class CheckError(ValueError):
    """A file that cannot be judged; the text names it, the line and the rule."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What was wrong, and at which line of the wire log (0: in no line of it)."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class WireLog:
    """The lines of a log that concern one account (market and fault lines concern all)."""

    account: str
    lines: tuple[Line, ...]

    def of(self, *kinds: str) -> Iterator[Line]:
        """Yield the lines of some kinds, in order."""
        return (line for line in self.lines if line["kind"] in kinds)

    def answers(self) -> dict[int, Line]:
        """Return the answer to each request, by the request's line."""
        return {line["to"]: line for line in self.of("answer")}

    def truths(self) -> list[Line]:
        """Return what the exchange held, whenever it was asked."""
        return list(self.of("truth"))


def read_log(path: Path, account: str | None = None) -> WireLog:
    """
    Return a wire log.

    Parameters
    ----------
    path : Path
        JSON lines, numbered from 1.
    account : str, optional
        Whose run is judged; by default the only account of the log.

    Raises
    ------
    CheckError
        If a line is no JSON object with ``n``, ``ts`` and ``kind``, a number is missing, or the
        account is not (the only one) in the log.

    """
    lines = list(_objects(path))
    for number, line in enumerate(lines, start=1):
        if not {"n", "ts", "kind"} <= set(line):
            raise CheckError(f"{path}: line {number}: without n, ts or kind")
        if line["n"] != number:
            raise CheckError(f"{path}: line {number}: its number is {line['n']}, lines are missing")
    names = sorted({line["account"] for line in lines if line["kind"] == "truth"})
    if account is None:
        if len(names) != 1:
            raise CheckError(f"{path}: accounts {', '.join(names) or 'none'}: say which to judge")
        [account] = names
    elif account not in names:
        raise CheckError(f"{path}: no account {account!r}; there are: {', '.join(names) or 'none'}")
    return WireLog(account, tuple(_concerning(lines, account)))


def read_journal(path: Path) -> list[Line]:
    """
    Return the records of a node's journal: ``seq``, ``ts`` (ns), ``type``, ``data``.

    Raises
    ------
    CheckError
        If a line is no such record.

    """
    records = list(_objects(path))
    for number, record in enumerate(records, start=1):
        if not {"ts", "type", "data"} <= set(record):
            raise CheckError(f"{path}: line {number}: without ts, type or data")
    return records


def read_state(path: Path) -> Line:
    """
    Return the final state that a node wrote.

    Raises
    ------
    CheckError
        If it is no JSON object with the keys that are compared.

    """
    try:
        state = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise CheckError(f"{path}: {e}") from None
    needed = ("positions", "open_orders", "balance_usdt", "commissions")
    missing = [name for name in needed if not isinstance(state, dict) or name not in state]
    if missing:
        raise CheckError(f"{path}: without {', '.join(missing)}")
    found: Line = state
    return found


def read_limits(path: Path) -> Line:
    """
    Return the table ``limits`` of a profile.

    Raises
    ------
    CheckError
        If the file has none.

    """
    try:
        limits = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal).get("limits")
    except (OSError, ValueError) as e:
        raise CheckError(f"{path}: {e}") from None
    if not isinstance(limits, dict):
        raise CheckError(f"{path}: no table [limits]")
    return limits


def _objects(path: Path) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    found = json.loads(text)
                except ValueError:
                    found = None
                if not isinstance(found, dict):
                    raise CheckError(f"{path}: line {number}: no JSON object")
                yield found
    except OSError as e:
        raise CheckError(f"{path}: {e.strerror}") from None


def _concerning(lines: list[Line], account: str) -> Iterator[Line]:
    ours: set[int] = set()
    for line in lines:
        if line["kind"] == "answer":
            if line["to"] in ours:
                yield line
        elif line.get("account", account) == account:
            if line["kind"] == "request":
                ours.add(line["n"])
            yield line
