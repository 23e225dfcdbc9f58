"""A Redis of the drill's own, on this machine, with a password, that may be killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

START_SEC_MAX = 10.0
LOOK_SEC = 0.05


def has_redis() -> bool:
    """Return whether a Redis can be started here."""
    return shutil.which("redis-server") is not None and shutil.which("redis-cli") is not None


class DrillRedis:
    """
    A redis-server with an append-only file.

    Parameters
    ----------
    folder : Path
        Where its file lies.

    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.password = secrets.token_hex(16)
        self._folder = folder
        self._process: Process | None = None

    async def start(self) -> None:
        """
        Start it, and wait until it answers.

        Raises
        ------
        TimeoutError
            If it does not.

        """
        config = self._folder / "redis.conf"  # No password in a command line.
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self._folder}\nsave \"\"\n"
            f"requirepass {self.password}\nappendonly yes\nappendfsync always\n"
        )  # fmt: skip
        with (self._folder / "redis.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "redis-server", str(config), stdout=log, stderr=log
            )
        end = time.monotonic() + START_SEC_MAX
        while await self.cli("PING") != "PONG":
            if time.monotonic() > end:
                raise TimeoutError(f"redis-server does not answer within {START_SEC_MAX:g} s")
            await asyncio.sleep(LOOK_SEC)

    async def cli(self, *words: str) -> str:
        """Say something by ``redis-cli``, as a person would, and return the answer."""
        process = await asyncio.create_subprocess_exec(
            "redis-cli", "-p", str(self.port), *words,
            stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
            env={**os.environ, "REDISCLI_AUTH": self.password},
        )  # fmt: skip
        out, _ = await process.communicate()
        return out.decode().strip()

    async def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
