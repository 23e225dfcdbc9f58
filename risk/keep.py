"""The figures that outlive a run, on disk beside the latch."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from risk.breakers import LossMarks
from risk.figures import Figures


class KeepError(RuntimeError):
    """A file of figures that cannot be read or written; the text names the file and the rule."""


class Keep:
    """
    One JSON file, replaced as a whole.

    It is not forced onto the disk: when the power fails it may be torn, which is found out and
    halts.

    Parameters
    ----------
    path : Path
        The file. A missing one means that there are no figures yet.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: Figures | None = None

    def read(self) -> Figures | None:
        """
        Return the figures, or None when a run ended before there were any.

        Raises
        ------
        KeepError
            If the file is there and holds no figures; losses must then count as unknown.

        """
        try:
            table = msgspec.json.decode(self.path.read_bytes(), type=_Table)
        except (OSError, msgspec.DecodeError) as e:
            raise KeepError(f"{self.path}: holds no figures of an earlier run: {e}") from e
        if table.figures is None:
            return None
        entries = {(s, i, side): tuple(times) for s, i, side, times in table.entries}
        return Figures(*table.figures, entries)

    def write(self, figures: Figures | None) -> None:
        """
        Replace the file, when there is something new.

        Raises
        ------
        KeepError
            If it cannot be written.

        """
        if figures is not None and figures == self._written:
            return
        table = _Table()
        if figures is not None:
            entries = [(*key, list(times)) for key, times in figures.entries.items()]
            table = _Table(figures[:-1], entries)
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(table))
            part.replace(self.path)
        except OSError as e:
            raise KeepError(f"{self.path}: cannot be written: {e.strerror}") from e
        self._written = figures


class _Table(msgspec.Struct):
    figures: tuple[LossMarks, Decimal, Decimal, bool] | None = None
    entries: list[tuple[str, str, int, list[int]]] = []
