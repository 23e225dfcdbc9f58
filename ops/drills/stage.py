"""The stage of a drill: a venue and a node in processes of their own, judged from the outside."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from configs.local_venue import ACCOUNT, LocalVenue, local_venue
from configs.profile import Profile
from ops.drills.redis import DrillRedis
from ops.drills.report import DrillLog
from ops.drills.runbook import ROOT, Command, Runbook
from ops.drills.truth import Truth
from ops.node_files import NodeFiles, read_node, read_table
from risk.latch import Latch, LatchError, LatchView
from risk.state_dir import StateDir

LOOK_SEC = 0.02
COMMAND_SEC_MAX = 60.0
END_SEC_MAX = 60.0

Look = Callable[[], Awaitable[tuple[bool, str]]]
"""Tells whether something is as expected by now, and what is seen."""


class Stage:
    """
    A venue, a node if it was started, and everything that a drill does to them and asks of them.

    Parameters
    ----------
    folder : Path
        The drill's folder: profile, wire log, state, output.
    profile : Profile
        The node's.
    venue : LocalVenue
        The venue, which runs.
    log : DrillLog
        Where each step is written down.
    http : aiohttp.ClientSession
        The way to the control address.
    redis : DrillRedis, optional
        The node's Redis, which runs.

    """

    def __init__(
        self, folder: Path, profile: Profile, venue: LocalVenue, log: DrillLog,
        http: aiohttp.ClientSession, redis: DrillRedis | None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.profile = profile
        self.venue = venue
        self.log = log
        self.redis = redis
        self.state = StateDir(folder / "state" / profile.trader_id)
        self.node: Process | None = None
        self._http = http
        self._children: list[Process] = []

    # -- do ------------------------------------------------------------------------------------------

    async def start_node(self) -> None:
        """Start ``run_live.py`` on the venue, as a person would."""
        words = ("run_live.py", "--profile", str(self.folder / "profile.toml"),
                 "--venue", self.venue.rest_url, "--keys", str(self.venue.keys),
                 "--out", str(self.folder / "runs"), "--state", str(self.folder / "state"))  # fmt: skip
        self.node = await self.start(*words, output="node.out")
        self.log.did(f"a node was started, process {self.node.pid}")

    async def start(self, *words: str, output: str) -> Process:
        """Start a Python program of the project, whose output goes to a file of the folder."""
        with (self.folder / output).open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, cwd=ROOT, stdin=DEVNULL, stdout=file, stderr=STDOUT,
                env=self._environment(), start_new_session=True,  # Ctrl-C is for the drill.
            )  # fmt: skip
        self._children.append(process)
        return process

    async def fault(self, name: str, **keys: Any) -> int:
        """Arm a fault of the venue (``docs/faults.md``); return its number."""
        number = (await self._control("fault", {"name": name, **keys}))["done"]
        told = ", ".join(f"{key}={value}" for key, value in keys.items())
        self.log.did(f"fault {name}" + (f": {told}" if told else ""))
        return int(number)

    async def end_fault(self, number: int) -> None:
        """End a fault that was armed."""
        told = await self._control("end_fault", {"number": number})
        self.log.did(f"fault {told['over']} is over")

    def signal(self, number: signal.Signals) -> None:
        """Send the node a signal."""
        assert self.node is not None, "Invariant: a node was started"
        self.node.send_signal(number)
        self.log.did(f"the node was sent {number.name}")

    async def ops(self, *words: str, exits: int = 0, prints: tuple[str, ...] = ()) -> str:
        """Run ``python -m ops`` with *words* and the node's state folder; return what it printed."""
        words = ("python", "-m", "ops", *words, "--state", str(self.state.path))
        return await self.shell(Command(shlex.join(words), prints, exits))

    async def follow(self, page: Runbook, block: str) -> None:
        """Run the commands of a block of a runbook."""
        for command in page.take(block):
            await self.shell(command)

    async def shell(self, command: Command) -> str:
        """Run a command as a person would; what it prints and its exit code must be as expected."""
        since_ms = self.log.at_ms
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command.text, cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
            env=self._environment(),
        )  # fmt: skip
        self._children.append(process)
        try:
            async with asyncio.timeout(COMMAND_SEC_MAX):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            out = f"no end within {COMMAND_SEC_MAX:g} s".encode()
        text, code = out.decode(errors="replace"), process.returncode
        plain = " ".join(text.split())
        lacking = [words for words in command.prints if words not in plain]
        expected = f"`{self._short(command.text)}` exits {command.exits}" + "".join(
            f", prints {words!r}" for words in command.prints
        )
        seen = f"exit {code}\n{self._short(text)}"
        self.log.saw(expected, seen, since_ms, is_ok=code == command.exits and not lacking)
        return text

    # -- ask -----------------------------------------------------------------------------------------

    async def truth(self) -> Truth:
        """Ask the venue what the account really holds."""
        told = await self._control(f"truth?account={ACCOUNT}")
        return Truth.of(told[ACCOUNT])

    async def wire_line(self) -> int:
        """Return how many lines the venue's wire log has."""
        return int((await self._control("state"))["log_lines"])

    async def orders_since(self, line: int) -> list[Mapping[str, Any]]:
        """Return the requests for new orders after a line of the wire log."""
        rows = await self._control("log?tail=100000")
        return [
            row for row in rows
            if row["kind"] == "request" and row["n"] > line and row["method"] == "POST"
            and row["path"].endswith(("/order", "/algoOrder", "/batchOrders"))
        ]  # fmt: skip

    def files(self) -> NodeFiles:
        """Return what the node's state folder tells."""
        return read_node(self.state.path)

    def status(self) -> Mapping[str, Any]:
        """Return the node's newest status, empty when there is none."""
        return read_table(self.state.status)

    def latch(self) -> LatchView | None:
        """Return the latch, None where it cannot be read."""
        try:
            return Latch(self.state.latch).read()
        except LatchError:
            return None

    def records(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the journal's records of a type, in their order."""
        return [row for row in rows_of(self.state.journal) if row["type"] == kind]

    async def expect(self, expected: str, look: Look, within_sec: float) -> int:
        """
        Wait until *look* says yes, and return how long it took, milliseconds.

        Raises
        ------
        DrillFailed
            If it does not within so many seconds.

        """
        since_ms, end = self.log.at_ms, time.monotonic() + within_sec
        while True:
            is_ok, seen = await look()
            if is_ok or time.monotonic() > end:
                break
            await asyncio.sleep(LOOK_SEC)
        took_ms = self.log.at_ms - since_ms
        self.log.saw(f"{expected}, within {within_sec:g} s", seen, since_ms, is_ok=is_ok)
        return took_ms

    async def stays(self, expected: str, look: Look, for_sec: float) -> None:
        """
        Look again and again for so many seconds: *look* must say yes each time.

        Raises
        ------
        DrillFailed
            When it says no.

        """
        since_ms, end = self.log.at_ms, time.monotonic() + for_sec
        is_ok, seen = await look()
        while is_ok and time.monotonic() < end:
            await asyncio.sleep(LOOK_SEC)
            is_ok, seen = await look()
        self.log.saw(f"{expected}, for {for_sec:g} s", seen, since_ms, is_ok=is_ok)

    async def ends(self, *codes: int, prints: str = "", within_sec: float = END_SEC_MAX) -> None:
        """Wait until the node has ended, with one of the exit codes, and has said *prints*."""
        node = self.node
        assert node is not None, "Invariant: a node was started"

        async def look() -> tuple[bool, str]:
            is_ok = node.returncode in codes and prints in " ".join(self._said().split())
            return is_ok, self.last_words()

        told = " or ".join(map(str, codes)) + (f", says {prints!r}" if prints else "")
        await self.expect(f"the node ends with {told}", look, within_sec)

    @property
    def has_ended(self) -> bool:
        """Return whether the node's process has ended."""
        return self.node is not None and self.node.returncode is not None

    def last_words(self) -> str:
        """Return the node's exit code and the end of what it printed."""
        code = None if self.node is None else self.node.returncode
        last = "\n".join(self._said().splitlines()[-4:])
        return f"exit {code}\n{self._short(last)}"

    # -- inside --------------------------------------------------------------------------------------

    async def _control(self, name: str, body: Mapping[str, Any] | None = None) -> Any:
        url = f"{self.venue.control_url}/{name}"
        method = "GET" if body is None else "POST"
        async with self._http.request(method, url, json=body) as answer:
            told = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"the venue's control address refuses {name}: {told}")
            return told

    def _environment(self) -> dict[str, str]:
        """Return the variables that commands of a runbook use."""
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1",
            "STATE": str(self.state.path), "KEYS": str(self.venue.keys),
            "VENUE": self.venue.rest_url, "PROFILE": str(self.folder / "profile.toml"),
            "RUNS": str(self.folder / "runs"), "STATES": str(self.folder / "state"),
        }  # fmt: skip
        return {**os.environ, **own}

    def _said(self) -> str:
        return (self.folder / "node.out").read_text(encoding="utf-8", errors="replace")

    def _short(self, text: str) -> str:
        return text.replace(str(self.folder), "DRILL").replace(f"{ROOT}{os.sep}", "")

    async def close(self) -> None:
        """End every process that was started here and still runs."""
        for process in self._children:
            if process.returncode is None:
                process.kill()  # Also wakes one that was stopped.
                await process.wait()


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return a file's JSON lines; the last may still be being written."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return []
    return [json.loads(line) for line in lines if line.endswith("\n")]


@asynccontextmanager
async def staged(
    folder: Path, profile: Profile, log: DrillLog, redis: DrillRedis | None
) -> AsyncIterator[Stage]:
    """Run a venue and yield a stage on it; everything that was started ends with the block."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        local_venue(profile, folder) as venue,
        aiohttp.ClientSession(timeout=timeout) as http,
    ):
        if redis is not None:
            with venue.keys.open("a") as file:
                file.write(f"QUANTMIND_REDIS_PASSWORD={redis.password}\n")
        stage = Stage(folder, profile, venue, log, http, redis)
        log.did(f"a venue was started, {venue.rest_url}, control {venue.control_url}")
        try:
            yield stage
        finally:
            await stage.close()
