"""Split recorded websocket lines by their event and parse each group at once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, json

from catalog.blocks import LineError, first_failure
from catalog.encode import EncodeError
from catalog.layout import Stamps
from catalog.parts import millis_to_nanos

SNAPSHOT = "depth snapshot"

_INT, _TEXT = pa.int64(), pa.string()
_LEVELS = pa.list_(pa.list_(_TEXT))
_TIMES = {"s": _TEXT, "E": _INT, "T": _INT}

# The fields that are read of each event (names as in the venue's documentation).
_FIELDS: dict[str, dict[str, pa.DataType]] = {
    "trade": {**_TIMES, "t": _INT, "p": _TEXT, "q": _TEXT, "X": _TEXT, "m": pa.bool_()},
    "bookTicker": {**_TIMES, "b": _TEXT, "B": _TEXT, "a": _TEXT, "A": _TEXT},
    "markPriceUpdate": {"s": _TEXT, "E": _INT, "p": _TEXT},
    "depthUpdate": {**_TIMES, "u": _INT, "pu": _INT, "b": _LEVELS, "a": _LEVELS},
    SNAPSHOT: {"lastUpdateId": _INT, "E": _INT, "T": _INT, "bids": _LEVELS, "asks": _LEVELS},
}
_MAY_BE_ABSENT = ("T", "E")


@dataclass(frozen=True)
class Events:
    """Messages of one kind: ``lines`` says where each row stands in the file."""

    rows: pa.Table
    lines: Stamps

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.rows[name]

    def filter(self, mask: "np.ndarray | pa.ChunkedArray") -> "Events":  # type: ignore[type-arg] - bools
        """Return the events where the mask is true."""
        keep = np.asarray(mask)
        return Events(self.rows.filter(pa.array(keep)), self.lines[keep])

    def stamps(self, *names: str) -> Stamps:
        """Return the first of some fields that is there, in nanoseconds."""
        millis = pc.coalesce(*(self.rows[name] for name in names))
        if millis.null_count:
            row = int(np.argmax(millis.is_null().to_numpy()))
            raise self.refuse(row, f"{' and '.join(names)} are missing")
        with self.naming_lines():
            return millis_to_nanos(millis, names[0])

    def refuse(self, row: int, rule: str) -> LineError:
        """Return the error that names the line of a row."""
        return LineError(int(self.lines[row]), rule)

    @contextmanager
    def naming_lines(self, rows: Stamps | None = None) -> Iterator[None]:
        """Name the line where the block names a row; ``rows`` maps what it counts to ours."""
        try:
            yield
        except EncodeError as e:
            row = e.row if rows is None else int(rows[e.row])
            raise self.refuse(row, e.rule) from None


def split(
    blocks: Iterable[bytes],
    symbol: str,
    skipped: Counter[str],
) -> Iterator[dict[str, Events]]:
    """
    Yield the events of each block by kind; kinds nobody asked for are counted as skipped.

    Raises
    ------
    LineError
        If a line is not ``LOCAL_TIME JSON``, misses a field, or is of another symbol.

    """
    first_line = 1
    for block in blocks:
        texts = _texts(block, first_line)
        kinds = _kinds(texts)
        known = {}
        for kind in pc.unique(kinds).to_pylist():
            index = np.flatnonzero(pc.equal(kinds, kind).to_numpy(zero_copy_only=False))
            if kind in _FIELDS:
                known[kind] = _parse(kind, texts.take(pa.array(index)), first_line + index)
                _check(known[kind], kind, symbol)
            else:
                skipped[f"{kind} message"] += len(index)
        first_line += len(texts)
        yield known


def _texts(block: bytes, first_line: int) -> pa.Array:
    # One column whose separator never occurs: the fastest way to cut bytes into lines.
    table = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=["line"], block_size=len(block) + 1),
        csv.ParseOptions(delimiter="\x1f", quote_char=False, ignore_empty_lines=False),
        csv.ConvertOptions(column_types={"line": _TEXT}, null_values=[]),
    )
    lines = table["line"].combine_chunks()
    # Microseconds (sixteen digits) or nanoseconds (nineteen).
    is_good = pc.match_substring_regex(lines, r"^\d{16}(\d{3})? \{.*\}$")
    if not pc.all(is_good).as_py():
        row = pc.index(is_good, value=False).as_py()
        shown = repr(lines[row].as_py()[:60])
        raise LineError(first_line + row, f"not LOCAL_TIME and JSON: {shown}")
    return pc.replace_substring_regex(lines, r"^\d+ ", "")


def _kinds(texts: pa.Array) -> pa.Array:
    events = pc.struct_field(pc.extract_regex(texts, r'"e":"(?P<e>\w+)"'), "e")
    is_snapshot = pc.match_substring(texts, '"lastUpdateId":')
    return pc.if_else(pc.is_valid(events), events, pc.if_else(is_snapshot, SNAPSHOT, "other"))


def _parse(kind: str, texts: pa.Array, lines: Stamps) -> Events:
    fields = list(_FIELDS[kind].items())
    schema = pa.schema(fields if kind == SNAPSHOT else [("data", pa.struct(fields))])

    def attempt(start: int, end: int) -> pa.Table:
        offsets = pa.array([0, end - start], pa.int32())
        joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts[start:end]), "\n")
        buffer = joined[0].as_buffer()
        return json.read_json(
            pa.BufferReader(buffer),
            json.ReadOptions(block_size=buffer.size + 1),
            json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )

    try:
        table = attempt(0, len(texts))
    except pa.ArrowInvalid:
        row = first_failure(len(texts), attempt)
        shown = repr(texts[row].as_py()[:60])
        raise LineError(int(lines[row]), f"not the JSON of a {kind}: {shown}") from None
    if kind != SNAPSHOT:
        table = pa.Table.from_struct_array(table["data"])
    return Events(table, lines)


def _check(events: Events, kind: str, symbol: str) -> None:
    for name in _FIELDS[kind]:
        column = events[name]
        if column.null_count and name not in _MAY_BE_ABSENT:
            row = int(np.argmax(column.is_null().to_numpy()))
            raise events.refuse(row, f"{kind} without {name}")
    if kind != SNAPSHOT:
        is_ours = pc.equal(events["s"], symbol)
        if not pc.all(is_ours).as_py():
            row = pc.index(is_ours, value=False).as_py()
            found = events["s"][row].as_py()
            raise events.refuse(row, f"symbol {found} in a recording of {symbol}")
