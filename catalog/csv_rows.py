"""Parse blocks of CSV whose columns are known, and name the line and the rule if one is corrupt."""

from collections.abc import Mapping

import pyarrow as pa
from pyarrow import csv

from catalog.blocks import LineError, first_failure

_DECIMAL = pa.decimal128(1, 0).id
_KINDS = {pa.int64().id: "a whole number", pa.bool_().id: "true or false", _DECIMAL: "a number"}


class CsvRows:
    """
    The rows of one file, with or without a header.

    Parameters
    ----------
    types : Mapping[str, pa.DataType | None]
        Every column in order; those without a type are not converted.

    Attributes
    ----------
    count : int
        How many rows have been parsed.

    """

    def __init__(self, types: Mapping[str, pa.DataType | None]) -> None:
        self.count = 0
        self._names = list(types)
        self._wanted = {name: kind for name, kind in types.items() if kind is not None}
        self._line = 1

    def parse(self, text: bytes) -> tuple[pa.Table, int]:
        """
        Return the rows of the next block of whole lines, and the line of the first.

        Raises
        ------
        LineError
            Naming the first line that cannot be parsed.

        """
        body = pa.py_buffer(text)
        if self._line == 1 and text[:1].isalpha():
            body = body.slice(self._header_bytes(text))
            self._line = 2
        try:
            rows = self._read(body)
        except pa.ArrowInvalid:
            raise self._first_bad_line(body.to_pybytes()) from None
        first_line = self._line
        self._line += rows.num_rows
        self.count += rows.num_rows
        return rows, first_line

    def _header_bytes(self, text: bytes) -> int:
        end = text.find(b"\n") + 1 or len(text)
        found = text[:end].decode("utf-8", "replace").strip().split(",")
        if found != self._names:
            expected = ",".join(self._names)
            raise LineError(1, f"the header is {','.join(found)}, expected {expected}")
        return end

    def _read(self, body: pa.Buffer) -> pa.Table:
        if not body.size:
            return pa.table({n: pa.array([], kind) for n, kind in self._wanted.items()})
        return _read_csv(body, self._names, self._wanted)

    def _first_bad_line(self, body: bytes) -> LineError:
        lines = body.splitlines(keepends=True)
        row = first_failure(
            len(lines),
            lambda start, end: self._read(pa.py_buffer(b"".join(lines[start:end]))),
        )
        return LineError(self._line + row, self._rule(lines[row].rstrip(b"\r\n")))

    def _rule(self, line: bytes) -> str:
        fields = line.split(b",")
        if len(fields) != len(self._names):
            return f"{len(fields)} fields, expected {len(self._names)}: {_shown(line)}"
        for name, kind in self._wanted.items():
            field = fields[self._names.index(name)]
            try:
                _read_csv(pa.py_buffer(field + b"\n"), [name], {name: kind})
            except pa.ArrowInvalid:
                decimals = f" of at most {kind.scale} decimals" if kind.id == _DECIMAL else ""
                return f"{name}={_shown(field)} is not {_KINDS[kind.id]}{decimals}"
        return f"not readable: {_shown(line)}"


def _read_csv(body: pa.Buffer, names: list[str], wanted: dict[str, pa.DataType]) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(body),
        csv.ReadOptions(column_names=names),
        csv.ParseOptions(ignore_empty_lines=False, quote_char=False),
        csv.ConvertOptions(
            column_types=wanted,
            include_columns=list(wanted),
            null_values=[],
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
        ),
    )


def _shown(text: bytes) -> str:
    return repr(text[:80].decode("utf-8", "replace"))
