"""The block that comes first: the kill goes into the latch, which a node obeys and a restart finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from risk.kills import Kill, switch_text
from risk.latch import Latch, LatchError
from risk.state_dir import StateDir

if TYPE_CHECKING:
    from actors.redis_link import RedisLink


class Block:
    """
    Keeps a kill in the latch of a state folder.

    Parameters
    ----------
    folder : Path, optional
        A node's state folder; None when the kill knows a key alone.
    kill : Kill
        What is written.

    """

    def __init__(self, folder: Path | None, kill: Kill) -> None:
        self._folder = folder
        self._kill = kill

    def ensure(self) -> str | None:
        """
        Write the kill unless it is there; return what hinders that, None when it is there.

        A node that writes its own latch at the same moment may undo ours: so it is asked for again
        before anything is called true.

        """
        if self._folder is None:
            return None
        if not self._folder.is_dir():
            return f"not latched: there is no state folder {self._folder}, so no node was told"
        try:
            Latch(StateDir(self._folder).latch).add_kill(self._kill)
        except LatchError as e:
            return f"not latched: {e}"
        return None

    def told(self) -> str:
        """Write the kill; return what came of that, for a person."""
        is_latched = "no state folder is known, so no latch" if self._folder is None else "latched"
        return self.ensure() or f"{self._kill.level.name} of {self._kill.scope}: {is_latched}"


async def tell_redis(
    link: RedisLink | None, trader_id: str, kill: Kill, say: Callable[[str], None]
) -> None:
    """
    Pull the switch in the node's Redis too, for this trader alone, and say what came of it.

    The latch file holds without it, so that a Redis that is away is told and no more.

    """
    if link is None:
        return
    try:
        # Imported late: only who has a Redis waits for its package.
        from actors.redis_link import pull_switch

        await pull_switch(link, trader_id, switch_text(kill, trader_id))
    except Exception as e:  # noqa: BLE001 - nothing about Redis hinders a kill
        say(f"NOT IN REDIS: {e!r}")
        return
    say("latched in Redis")
