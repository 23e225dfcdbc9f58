"""The watchdog's own eyes at the venue, and its hand on the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from configs.secrets import Credentials
from ops.direct.client import DirectClient, VenueError
from ops.direct.command import find_keys, find_redis
from ops.direct.look import Held, Look, look_at_positions, take_look, weight_of
from ops.direct.report import DirectReport
from ops.direct.run import run_direct
from ops.direct.where import Where
from ops.watchdog.verdict import naked
from risk.kills import ACCOUNT, KillLevel, Scope

if TYPE_CHECKING:
    from actors.redis_link import RedisLink

NAKED_LOOKS = 2
"""So many looks in a row must show a position without its stop: between two a stop is replaced."""


class VenueWatch:
    """
    Looks at the account of one node.

    Parameters
    ----------
    where : Where
        The node's venue.
    keys : Credentials, optional
        The account's keys; None for a paper node, whose account is nowhere but in the node.
    say : Callable
        Told lines of a running kill.

    """

    def __init__(self, where: Where, keys: Credentials | None, say: Callable[[str], None]) -> None:
        self.where = where
        self._keys = keys
        self._say = say
        self._naked: dict[tuple[str, str], int] = {}
        self.look_weight = 0
        """What the last look for `unprotected` has cost."""

    async def unprotected(self) -> list[Held]:
        """
        Return positions that had no stop for their full size in as many looks as `NAKED_LOOKS`.

        Raises
        ------
        VenueError
            If the venue does not tell.

        """
        if self._keys is None:
            return []
        async with DirectClient(self.where.rest_url, self._keys, self._say) as client:
            look = await look_at_positions(client)
        self.look_weight = weight_of(look)
        if look.unseen:
            raise VenueError("; ".join(look.unseen))
        found = {(held.symbol, held.position_side): held for held in naked(look)}
        self._naked = {key: self._naked.get(key, 0) + 1 for key in found}
        return [found[key] for key, looks in self._naked.items() if looks >= NAKED_LOOKS]

    async def naked_now(self, symbol: str | None) -> list[Held]:
        """
        Return the node's positions without stops at this moment, of one symbol or of all.

        Raises
        ------
        VenueError
            If the venue does not tell.

        """
        look = await self.look(symbol)
        if look.unseen:
            raise VenueError("; ".join(look.unseen))
        return [held for held in naked(look) if self.is_of_node(held.symbol)]

    async def look(self, symbol: str | None = None) -> Look:
        """Return all that is there, or all of a symbol; what the venue did not tell is named in it."""
        if self._keys is None:
            return Look()
        async with DirectClient(self.where.rest_url, self._keys, self._say) as client:
            return await take_look(client, symbol)

    async def kill(self, level: KillLevel, reason: str, symbol: str | None = None) -> DirectReport:
        """Pull the switch for the account, or for one of the venue's symbols."""
        scope = ACCOUNT if symbol is None else Scope("symbol", self._instrument(symbol))

        def say(text: str) -> None:
            self._say(f"{scope}: {text}")  # Several run side by side.

        return await run_direct(
            self.where, self._keys, level, scope, by="watchdog", reason=reason, source="watchdog",
            say=say,
        )  # fmt: skip

    @property
    def empty_words(self) -> str:
        """Return what it means that a look has shown nothing."""
        if self._keys is None:
            return "the account was simulated in the node: nothing is at a venue"
        return "no position and no order is there"

    def is_of_node(self, symbol: str) -> bool:
        """Return whether the node trades a symbol; others are a person's business."""
        return self._instrument(symbol) != symbol

    def _instrument(self, symbol: str) -> str:
        return next((key for key in self.where.symbols if key.startswith(f"{symbol}-")), symbol)


class KeyRing:
    """Loads a node's keys once for each place: reading variables takes them out of the environment."""

    def __init__(self, named: Path | None) -> None:
        self._named = named
        self._loaded: dict[object, tuple[Credentials | None, RedisLink | None]] = {}

    def open(self, where: Where) -> tuple[Where, Credentials | None]:
        """
        Return a node with its Redis, and its keys (None for a paper node).

        Raises
        ------
        SecretsError
            If there are no keys, or they are badly kept.

        """
        place = where.is_paper, where.environment, where.keys, where.redis_url
        if place not in self._loaded:
            self._loaded[place] = find_keys(where, self._named), find_redis(where, self._named)
        keys, redis = self._loaded[place]
        return where._replace(redis=redis), keys
