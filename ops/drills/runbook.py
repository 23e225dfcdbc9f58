"""The commands of a runbook page, as a drill runs them: what a page says is what is tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "runbooks"
_BLOCK = re.compile(r"^```bash drill(?: +(\S+))? *\n(.*?)^``` *$", re.DOTALL | re.MULTILINE)
_PRINTS, _EXITS = "# prints: ", "# exits: "


class RunbookError(ValueError):
    """A page that cannot be run; the text names the page, the line and the rule."""


class Command(NamedTuple):
    """A command of a page, what its output must hold, and the exit code that it must have."""

    text: str
    prints: tuple[str, ...]
    exits: int


class Runbook:
    """
    A page whose fenced blocks ``bash drill NAME`` are commands.

    Under a command stand ``# prints: TEXT``, as often as needed, and ``# exits: CODE`` (0 without).

    Parameters
    ----------
    path : Path
        The page.

    Raises
    ------
    RunbookError
        If a block has no name, one that is taken, no command, or a code that is no number.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: dict[str, tuple[Command, ...]] = {}
        for match in _BLOCK.finditer(path.read_text(encoding="utf-8")):
            name, text = match.groups()
            if name is None or name in self._waiting:
                raise RunbookError(f"{path.name}: block name = {name!r} must be there, and once")
            self._waiting[name] = self._commands(name, text)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Return the blocks that nobody has taken yet, in their order."""
        return tuple(self._waiting)

    def take(self, name: str) -> tuple[Command, ...]:
        """
        Return a block's commands, once.

        Raises
        ------
        RunbookError
            If the page has no such block, or it was taken before.

        """
        try:
            return self._waiting.pop(name)
        except KeyError:
            left = ", ".join(self._waiting) or "none"
            raise RunbookError(f"{self.path.name}: no block {name!r} is left, but {left}") from None

    def _commands(self, name: str, text: str) -> tuple[Command, ...]:
        found: list[Command] = []
        for line in text.replace("\\\n", " ").splitlines():
            if not line.startswith(("# ", "#\n")) and line.strip():
                found.append(Command(line.strip(), (), 0))
            elif line.startswith((_PRINTS, _EXITS)):
                if not found:
                    raise RunbookError(f"{self.path.name}, {name}: {line!r} is under no command")
                found[-1] = self._with(found[-1], line, name)
        if not found:
            raise RunbookError(f"{self.path.name}, {name}: the block has no command")
        return tuple(found)

    def _with(self, command: Command, line: str, name: str) -> Command:
        if line.startswith(_PRINTS):
            return command._replace(prints=(*command.prints, line.removeprefix(_PRINTS).strip()))
        code = line.removeprefix(_EXITS).strip()
        if not code.isdecimal():
            raise RunbookError(f"{self.path.name}, {name}: exits = {code!r} must be a number")
        return command._replace(exits=int(code))
