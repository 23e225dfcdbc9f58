"""Start a venue on this machine, in a process of its own, and learn where it listens."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from configs.profile import Profile, ProfileError

ACCOUNT = "main"
ANNOUNCEMENT_SEC_MAX = 600
END_SEC_MAX = 10


class VenueStartError(RuntimeError):
    """A local venue that did not come up; the text holds its own last words."""


class LocalVenue(NamedTuple):
    """Where a local venue listens, and the file of the account's keys."""

    rest_url: str
    ws_url: str
    control_url: str
    keys: Path
    process: Process


@asynccontextmanager
async def local_venue(profile: Profile, folder: Path) -> AsyncIterator[LocalVenue]:
    """
    Run the venue that the profile describes until the block is left.

    Parameters
    ----------
    profile : Profile
        A profile whose ``venue.environment`` is ``local``.
    folder : Path
        Where key file, wire log and the venue's own log go.

    Raises
    ------
    ProfileError
        If the venue says that it cannot play what the profile asks for.
    VenueStartError
        If it does not come up.

    """
    with (folder / "venue.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "venue", *_arguments(profile, folder),
            stdin=PIPE, stdout=PIPE, stderr=log,
            start_new_session=True,  # Ctrl-C is for the node; the venue outlives its last orders.
        )  # fmt: skip
    try:
        told = await _announcement(process, folder)
        yield LocalVenue(
            told["rest_url"], told["ws_url"], told["control_url"],
            Path(told["accounts"][ACCOUNT]), process,
        )  # fmt: skip
    finally:
        await _end(process)


def _arguments(profile: Profile, folder: Path) -> list[str]:
    played, venue, account = profile.rehearsal, profile.venue, profile.account
    assert played is not None, "Invariant: a local venue has its section"
    assert venue is not None, "Invariant: a local venue has its section"
    symbols = ",".join(key.split("-")[0] for key in profile.limits.symbols)
    arguments = {
        "--port": "0",
        "--market": played.market,
        "--symbols": symbols,
        "--speed": f"{played.speed}" if played.speed else "step",
        "--bar-rest-ms": f"{played.bar_rest_ms}",
        "--seed": f"{profile.seed}",
        "--account": f"{ACCOUNT}:usdt={account.starting_balance_usdt}"
        f":leverage={account.leverage}:margin={venue.margin_type}",
        "--keys-dir": f"{folder}",
        "--wire-log": f"{folder / 'wire.jsonl'}",
        "--announce": "json",
    }
    for name in ("start", "end"):
        moment = getattr(played, name)
        if moment is not None:
            arguments[f"--{name}"] = moment.isoformat()
    if played.scenario is not None:
        arguments["--scenario"] = played.scenario
    pairs = [text for pair in arguments.items() for text in pair]
    return [*pairs, "--exit-with-parent"]


async def _announcement(process: Process, folder: Path) -> dict[str, Any]:
    assert process.stdout is not None, "Invariant: started with a pipe"
    try:
        async with asyncio.timeout(ANNOUNCEMENT_SEC_MAX):
            line = await process.stdout.readline()
    except TimeoutError:
        raise VenueStartError(f"the local venue said nothing in {ANNOUNCEMENT_SEC_MAX} s") from None
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        code = await process.wait()
        words = (folder / "venue.log").read_text(encoding="utf-8", errors="replace").strip()
        reason = words.splitlines()[-1] if words else f"exit code {code}"
        text = f"the local venue did not start: {reason}"
        if code == os.EX_CONFIG:
            raise ProfileError(text) from None
        raise VenueStartError(text) from None
    return told


async def _end(process: Process) -> None:
    """Let the venue end by itself, which closes its logs; kill it when it does not."""
    assert process.stdin is not None, "Invariant: started with a pipe"
    process.stdin.close()
    try:
        async with asyncio.timeout(END_SEC_MAX):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
