"""One item of the pre-flight: what was looked at, what was seen, what had to be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from adapters.settings import VenueSettings
from configs.profile import Profile
from ops.questions import Answers


class Item(NamedTuple):
    """A judged item; one that is not ok refuses the start all by itself."""

    name: str
    is_ok: bool
    observed: str
    required: str


class Facts(NamedTuple):
    """What the items are judged by."""

    profile: Profile
    settings: VenueSettings
    answers: Answers
    state_dir: Path
    key_files: tuple[Path, ...]

    @property
    def symbols(self) -> list[str]:
        """The venue's names of every symbol that has limits."""
        return [key.split("-")[0] for key in self.profile.limits.symbols]


def rows_by_symbol(rows: Any) -> dict[str, Any]:
    """Return a list of answers by their ``symbol``."""
    return {row["symbol"]: row for row in rows}


def flag(answer: dict[str, Any], key: str) -> bool:
    """
    Return a boolean of an answer.

    Raises
    ------
    ValueError
        If it is missing or no real boolean: a text "false" would count as true.

    """
    value = answer.get(key)
    if not isinstance(value, bool):
        raise ValueError(f"{key} = {value!r} is no boolean")  # noqa: TRY004 - an answer, not a call
    return value
