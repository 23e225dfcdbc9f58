"""What a drill did, expected and saw, with the times of it: for a person and for a machine."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from configs.cli import BAD_CONFIGURATION, BROKEN_INVARIANT, OK

Verdict = Literal["passed", "failed", "not run"]
EXIT_CODES: Mapping[Verdict, int] = {
    "passed": OK,
    "failed": BROKEN_INVARIANT,
    "not run": BAD_CONFIGURATION,
}
SEEN_CHARS_MAX = 1_500
PACKAGES = ("nautilus_trader", "aiohttp", "pydantic")


class DrillFailed(AssertionError):  # noqa: N818 - a verdict, not an accident
    """Something was not as it was expected: the drill has failed, and ends here."""


@dataclass(frozen=True)
class Step:
    """
    One line of a drill: something done (``is_as_expected`` is None), or something expected and seen.

    ``ts_ms`` is Unix milliseconds, ``at_ms`` milliseconds since the start, when it was over;
    ``took_ms`` how long it was waited for.

    """

    ts_ms: int
    at_ms: int
    took_ms: int
    text: str
    seen: str = ""
    is_as_expected: bool | None = None


@dataclass
class DrillLog:
    """
    The steps of a drill as they happen.

    Parameters
    ----------
    say : Callable
        Told a line for each.

    """

    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    started_ns: int = field(default_factory=time.time_ns)
    _started: float = field(default_factory=time.monotonic)

    @property
    def at_ms(self) -> int:
        """Return the milliseconds since the start."""
        return round((time.monotonic() - self._started) * 1_000)

    def did(self, text: str) -> None:
        """Note that something was done."""
        self._add(Step(time.time_ns() // 1_000_000, self.at_ms, 0, text))

    def saw(self, expected: str, seen: str, since_ms: int, *, is_ok: bool) -> None:
        """
        Note what was seen where something was expected.

        Raises
        ------
        DrillFailed
            If it was not that.

        """
        at_ms = self.at_ms
        text = seen if len(seen) <= SEEN_CHARS_MAX else f"...{seen[-SEEN_CHARS_MAX:]}"
        ts_ms = time.time_ns() // 1_000_000
        self._add(Step(ts_ms, at_ms, at_ms - since_ms, expected, text, is_ok))
        if not is_ok:
            raise DrillFailed(f"{expected}: {text}")

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        mark = {None: "did ", True: "ok  ", False: "FAIL"}[step.is_as_expected]
        seen = "" if step.is_as_expected is not False else f"\n{step.seen}"
        self.say(f"+{step.at_ms / 1_000:7.3f} s  {mark}  {step.text}{seen}")


@dataclass(frozen=True)
class DrillReport:
    """A drill that is over."""

    name: str
    about: str
    verdict: Verdict
    reason: str
    started_ns: int
    took_ms: int
    steps: tuple[Step, ...]
    profile_hash: str
    code: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        """Return 0 when it has passed, 70 when not, 78 when it could not be run here."""
        return EXIT_CODES[self.verdict]

    def row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        own = {key: value for key, value in vars(self).items() if key != "steps"}
        return own | {"code": dict(self.code), "steps": [vars(step) for step in self.steps]}

    def write(self, folder: Path) -> None:
        """Write ``report.json`` and ``report.md``."""
        text = json.dumps(self.row(), indent=1)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.md").write_text(self.page(), encoding="utf-8")

    def page(self) -> str:
        """Return the report as Markdown."""
        lines = [
            f"# Drill {self.name}: {self.verdict.upper()}", "", self.about, "",
            f"- began {_utc(self.started_ns // 1_000_000)}, took {self.took_ms / 1_000:.1f} s",
            f"- profile {self.profile_hash}",
            *(f"- {key} {value}" for key, value in self.code.items()),
        ]  # fmt: skip
        lines += [f"- because {_cell(self.reason)}"] if self.reason else []
        lines += ["", "| UTC | ms | what | seen | |", "|---|---:|---|---|---|"]
        return "\n".join([*lines, *map(_row, self.steps)]) + "\n"


def _row(step: Step) -> str:
    mark = {None: "done", True: "as expected", False: "**NOT AS EXPECTED**"}[step.is_as_expected]
    seen = _cell(step.seen) + (f" ({step.took_ms} ms)" if step.is_as_expected is not None else "")
    return f"| {_utc(step.ts_ms)} | {step.at_ms} | {_cell(step.text)} | {seen} | {mark} |"


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("\n", "<br>")


def _utc(ts_ms: int) -> str:
    moment = datetime.fromtimestamp(ts_ms / 1_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts_ms % 1_000:03d} UTC"


def code_facts(root: Path) -> dict[str, str]:
    """Return what ran: commit (and whether files differ from it), Python, and the packages."""
    facts = {"commit": _git(root, "rev-parse", "HEAD") or "unknown: no git here"}
    if _git(root, "status", "--porcelain", "--untracked-files=no"):
        facts["commit"] += ", with changes"
    facts["python"] = platform.python_version()
    return facts | {name: version(name) for name in PACKAGES}


def _git(root: Path, *words: str) -> str:
    try:
        asked = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *words],  # noqa: S607 - whichever git is there
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()
