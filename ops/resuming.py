"""What stands in the way of a resume, what it takes back, and what it allows again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from actors.redis_link import RedisLink
from ops import redis_pull
from ops.node_files import NS_PER_MS, NodeFiles, read_kills, read_node, read_table
from ops.pulled_file import PulledFile, read_pulled
from risk.breakers import LOSSES_OF_BEFORE
from risk.journal import JournalError, verify
from risk.kills import ACCOUNT, Kill, KillLevel, Scope, aimed
from risk.latch import Latch, LatchError, LatchView
from risk.trading_state import TradingState

STATUS_NS_MAX = 5_000_000_000
"""Oldest status by which a running node is judged."""
TOLD_SEC_MAX = 3.0
"""So long a running node has to tell of what was tripped just now: it does so once a second."""
LOOK_SEC = 0.1
UNFINISHED = "FLATTEN_UNFINISHED"
UNREADABLE = LatchView(TradingState.HALTED, ("LATCH_UNREADABLE",))
"""What a latch counts as that is none."""
NOT_JUDGED = (
    "no node runs: losses, positions and the venue were not judged; the next start judges them"
)


class Tripped(NamedTuple):
    """What there is to resume: the latch, and the switches that are still pulled."""

    view: LatchView
    file: PulledFile | None
    redis: dict[str, Kill]

    def kills(self) -> list[Kill]:
        """Return all kills: those of the latch first, then the switches that are pulled."""
        return [*self.view.kills, *self._switches()]

    def _switches(self) -> list[Kill]:
        return [*self.redis.values(), *([self.file.kill] if self.file else [])]

    def untaken(self) -> list[Kill]:
        """Return the switches that ask for more than the latch holds."""
        return [
            pull
            for pull in self._switches()
            if not any(k.scope == pull.scope and k.level >= pull.level for k in self.view.kills)
        ]

    def left(self, scope: Scope | None) -> list[Kill]:
        """Return what stays killed when *scope* (None: everything) is taken back."""
        kills = (*self.view.kills, *self.untaken())
        return [kill for kill in kills if scope not in (None, kill.scope)]

    def aim(self, scope: Scope, node: NodeFiles) -> Scope:
        """Return a scope as it is called here; a symbol may be written as the venue does."""
        known = {"symbol": {*(node.node.get("symbols") or ())},
                 "strategy": {*(node.node.get("strategies") or {})}}  # fmt: skip
        for kind, name in (kill.scope for kill in self.kills()):
            known.get(kind, set()).add(name)
        pull = Kill(KillLevel.HALT, scope, "", "", "", 0)
        found = aimed(pull, known["symbol"], known["strategy"])
        return scope if found is None else found.scope

    def is_open(self, scope: Scope | None) -> bool:
        """Return whether there is something of *scope* (None: anything) to take back."""
        is_tripped = scope in (None, ACCOUNT) and self.view.state is not TradingState.ACTIVE
        return is_tripped or any(scope in (None, kill.scope) for kill in self.kills())

    def switches(self, scope: Scope | None) -> dict[str, Kill]:
        """Return the switches in Redis that go with *scope* (None: all of them), by key."""
        return {k: v for k, v in self.redis.items() if scope in (None, v.scope)}

    def resumed(self, scope: Scope | None) -> LatchView:
        """
        Return the latch as it is once *scope* (None: everything) is taken back, without who.

        With the account goes whatever has tripped it, a kill or a breaker; kills of symbols and
        strategies stand beside it.

        """
        view = self.view._replace(
            kills=tuple(kill for kill in self.view.kills if scope not in (None, kill.scope)),
            was=self.view.state.name,
        )
        if scope is None:
            scopes = {str(kill.scope) for kill in self.kills()} - {str(ACCOUNT)}
            view = view._replace(resumed=(str(ACCOUNT), *sorted(scopes)))
        else:
            view = view._replace(resumed=(str(scope),))
        if scope in (None, ACCOUNT):
            view = view._replace(state=TradingState.ACTIVE, causes=())
        return view


class Look(NamedTuple):
    """What a look has found: the node, what is tripped, and what hinders a resume."""

    node: NodeFiles
    tripped: Tripped
    causes: list[str]


async def look(
    state: Path, link: RedisLink | None, *, unreadable: bool, takes_losses: bool
) -> Look:
    """
    Look at a node; for one that runs, wait a little until it has told of all that is tripped.

    Raises
    ------
    LatchError
        If the latch cannot be read, and nobody has said (*unreadable*) that this is understood.

    """
    until = time.monotonic() + TOLD_SEC_MAX
    while True:
        node = read_node(state)
        tripped, causes = await _tripped(node, link, unreadable=unreadable)
        status = read_table(node.folder.status)
        late = list(_not_told(tripped, status)) if node.is_process_there else []
        if not late or node.trouble is not None or time.monotonic() > until:
            break
        await asyncio.sleep(LOOK_SEC)
    if node.is_process_there:
        causes += [*late, *_by_the_node(node, tripped.view, status, takes_losses=takes_losses)]
    else:
        causes += _by_the_files(node, tripped.view, takes_losses=takes_losses)
    return Look(node, tripped, causes)


async def _tripped(
    node: NodeFiles, link: RedisLink | None, *, unreadable: bool
) -> tuple[Tripped, list[str]]:
    causes: list[str] = []
    try:
        view = Latch(node.folder.latch).read()
    except LatchError:
        if not unreadable:
            raise
        view = UNREADABLE
    redis: dict[str, Kill] = {}
    try:
        redis = await redis_pull.pulled(node, link)
    except redis_pull.FAILURES as e:
        causes.append(f"REDIS_LOST: observed={e}, limit=a Redis that answers")
    return Tripped(view, read_pulled(node, view.kills), redis), causes


def changes(before: Tripped, now: Tripped) -> Iterator[str]:
    """Yield what has been pulled, tripped or taken back between two looks, for a person."""
    if now == before:
        return
    known = {*before.kills(), *before.view.causes}
    news = [kill for kill in now.kills() if kill not in known]
    gone = [kill for kill in before.kills() if kill not in now.kills()]
    yield from (f"pulled: {words(kill)}" for kill in news)
    yield from (
        f"tripped: {cause}"
        for cause in now.view.causes
        if cause not in known and cause not in {kill.cause for kill in news}
    )
    scopes = {kill.scope for kill in news}
    yield from (f"gone: {words(kill)}" for kill in gone if kill.scope not in scopes)
    if not news and now.file != before.file:
        yield "the file KILL was pulled again" if now.file else "the file KILL is gone"
    if not news and now.view.ts_ns != before.view.ts_ns:
        yield f"the latch was written by {now.view.by}: {now.view.reason}"


def words(kill: Kill) -> str:
    """Return who stops what, and why."""
    return f"{kill.level.name} of {kill.scope} by {kill.by}: {kill.reason}"


def _not_told(tripped: Tripped, status: dict[str, Any]) -> Iterator[str]:
    """Yield why a running node has not told yet how it stands with all that is tripped."""
    ts_ns = int(status.get("ts_ns", 0))
    age_ns = time.time_ns() - ts_ns
    if age_ns > STATUS_NS_MAX:
        limit = STATUS_NS_MAX // NS_PER_MS
        yield f"STATUS_OLD: observed={age_ns // NS_PER_MS} ms, limit={limit} ms"
    elif ts_ns <= max([tripped.view.ts_ns, *(kill.ts_ns for kill in tripped.view.kills)]):
        yield "STATUS_OLD: observed=of before the last kill or cause, limit=a newer one"
    for kill in tripped.untaken():
        yield (
            f"NOT_TAKEN: observed={kill.level.name} of {kill.scope} by {kill.by}, limit=taken by the "
            "node (pull it again)"
        )


def _by_the_node(
    node: NodeFiles, view: LatchView, status: dict[str, Any], *, takes_losses: bool
) -> Iterator[str]:
    if node.trouble is not None:
        yield f"NODE_SILENT: observed={node.trouble}, limit=a node that says how it is"
    told = [str(cause) for cause in status.get("open_causes", ())]
    yield from (c for c in told if not (takes_losses and c.startswith(LOSSES_OF_BEFORE)))
    if not any(cause.startswith(UNFINISHED) for cause in told):
        for kill in _unfinished(node, view):
            yield f"{UNFINISHED}: observed=not verified, limit=flat and no orders in {kill.scope}"


def _by_the_files(node: NodeFiles, view: LatchView, *, takes_losses: bool) -> Iterator[str]:
    yield from (c for c in view.causes if c.startswith(LOSSES_OF_BEFORE) and not takes_losses)
    try:
        verify(node.folder.journal)
        node.folder.journal.open("ab").close()
    except (JournalError, OSError) as e:
        yield f"JOURNAL: observed={e}, limit=a journal that is whole and can be written"
    for kill in _unfinished(node, view):
        yield (
            f"{UNFINISHED}: observed=nobody has verified {kill.scope}, limit=flat and no orders "
            "(start the node, it goes on; or python -m ops kill --direct)"
        )


def _unfinished(node: NodeFiles, view: LatchView) -> list[Kill]:
    """Return what the newest word on kills does not call flat."""
    done = {(line.scope, line.ts_ns) for line in read_kills(node.folder) if line.flat_ns}
    return [k for k in view.kills if k.flattens and (str(k.scope), k.ts_ns) not in done]
