"""A venue that hangs: everything waits here until it comes back."""

from __future__ import annotations

import asyncio


class Gate:
    """Open, or shut: whoever passes waits while it is shut."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_shut(self) -> bool:
        return not self._open.is_set()

    def shut(self, shut: bool) -> None:  # noqa: FBT001 - freeze(True) reads as the fault's name
        """Shut the gate or open it."""
        if shut:
            self._open.clear()
        else:
            self._open.set()

    async def passed(self) -> None:
        """Wait until the gate is open."""
        if not self._open.is_set():
            await self._open.wait()
