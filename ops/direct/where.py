"""Where the venue is and what is known about the node: from node.json, or from the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from adapters.addresses import REST_HOSTS, REST_URLS, VenueEnvironment, judge_url
from risk.kills import Kill, Scope, aimed, nothing_here, venue_symbol
from risk.state_dir import StateDir

if TYPE_CHECKING:
    from actors.redis_link import RedisLink


class WhereError(ValueError):
    """An address or a node.json that cannot be used; the text names it, its value and the rule."""


class NothingHereError(WhereError):
    """A scope that names nothing: nothing was stopped, and nothing latched."""


class Where(NamedTuple):
    """
    A venue, and the node that trades there if one is known.

    ``symbols`` are the node's instrument ids, ``strategies`` maps strategy ids to them, and ``keys``
    is the file that the node was given.

    """

    environment: VenueEnvironment
    rest_url: str
    state_dir: Path | None = None
    trader_id: str = ""
    mode: str = ""
    pid: int | None = None
    symbols: tuple[str, ...] = ()
    strategies: Mapping[str, str] = {}
    profile: Mapping[str, Any] = {}
    keys: Path | None = None
    redis: RedisLink | None = None
    """Where its kill switch lies in Redis; node.json knows no password, so whoever has it sets this."""

    @property
    def is_paper(self) -> bool:
        """Whether the account is simulated in the node, so that no key and no venue is needed."""
        return self.mode == "paper"

    @property
    def redis_url(self) -> str | None:
        """Return where the node's kill switch lies in Redis, if it does."""
        return (self.profile.get("kill") or {}).get("redis_url")

    def knows(self, scope: Scope) -> bool:
        """Return whether it can be told here what a scope names: only the venue knows all symbols."""
        return scope.kind != "symbol" or bool(self.symbols)

    def aim(self, kill: Kill) -> Kill:
        """
        Return the kill with its scope as the node calls it; a symbol stays where no node is known.

        Raises
        ------
        NothingHereError
            If it names nothing that the node knows.

        """
        if not self.knows(kill.scope):
            return kill
        aim = aimed(kill, self.symbols, self.strategies)
        if aim is None:
            raise NothingHereError(nothing_here(kill.scope, self.symbols, self.strategies))
        return aim

    def symbol_of(self, scope: Scope) -> str | None:
        """Return the venue's symbol of an aimed scope, None for the whole account."""
        if not scope.name:
            return None
        instrument = self.strategies[scope.name] if scope.kind == "strategy" else scope.name
        return venue_symbol(instrument)


def from_node(state_dir: Path) -> Where:
    """
    Return what the node of a state folder wrote down when it started.

    Raises
    ------
    WhereError
        If there is no node.json, or it names no venue that keys may go to.

    """
    path = StateDir(state_dir).node
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        environment, url = table["environment"], table["rest_url"]
        keys, pid = table.get("keys"), table.get("pid")
        where = Where(
            environment, url, state_dir, str(table["trader_id"]), str(table["mode"]), None if pid is None else int(pid),
            tuple(table["symbols"]), dict(table["strategies"]), dict(table["profile"]),
            None if keys is None else Path(keys),
        )  # fmt: skip
    except OSError as e:
        raise WhereError(f"{path}: cannot be read: {e.strerror}") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise WhereError(f"{path}: is no node.json: {e!r}") from e
    _judge(environment, url)
    return where


def from_options(environment: str | None, venue_url: str | None, state_dir: Path | None) -> Where:
    """
    Return the venue that the command line names: an environment, or a local venue's address.

    Raises
    ------
    WhereError
        If it names none, or one that keys may not go to.

    """
    if venue_url is not None:
        _judge("local", venue_url)
        return Where("local", venue_url, state_dir)
    if environment not in REST_URLS:
        raise WhereError(f"environment = {environment!r} must be {' or '.join(REST_URLS)}")
    return Where(environment, REST_URLS[environment], state_dir)


def _judge(environment: str, url: str) -> None:
    """Let keys go to the hosts of their environment alone, whatever a file says."""
    if environment not in get_args(VenueEnvironment):
        raise WhereError(f"environment = {environment!r} must be {get_args(VenueEnvironment)}")
    try:
        hosts = REST_HOSTS.get(environment)
        judge_url("rest_url", url, ("http", "https"), environment, hosts)
    except ValueError as e:
        raise WhereError(str(e)) from None
