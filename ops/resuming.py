"""What stands in the way of a resume, what it takes back, and what it allows again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from actors.redis_link import RedisLink
from ops import redis_pull
from ops.node_files import NodeFiles, read_kills, read_table
from risk.breakers import LOSSES_OF_BEFORE
from risk.journal import JournalError, verify
from risk.kills import ACCOUNT, Kill, KillLevel, Scope, aimed, parse_kill
from risk.latch import Latch, LatchError, LatchView
from risk.trading_state import TradingState

STATUS_NS_MAX = 5_000_000_000
"""Oldest status by which a running node is judged."""
UNREADABLE = LatchView(TradingState.HALTED, ("LATCH_UNREADABLE",))
"""What a latch counts as that is none."""
NOT_JUDGED = (
    "no node runs: losses, positions and the venue were not judged; the next start judges them"
)


class Tripped(NamedTuple):
    """What there is to resume: the latch, and the switches that are still pulled."""

    view: LatchView
    file: Kill | None
    redis: dict[str, Kill]

    def kills(self) -> list[Kill]:
        """Return all kills: those of the latch first, then the switches that are pulled."""
        return [*self.view.kills, *self.redis.values(), *([self.file] if self.file else [])]

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


async def look(
    node: NodeFiles, link: RedisLink | None, *, unreadable: bool
) -> tuple[Tripped, list[str]]:
    """
    Return what is tripped, and what hinders a resume by itself.

    Raises
    ------
    LatchError
        If the latch cannot be read, and nobody has said (*unreadable*) that this is understood.

    """
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
    return Tripped(view, _file_kill(node), redis), causes


def _file_kill(node: NodeFiles) -> Kill | None:
    try:
        text = node.folder.kill.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as e:
        text = f"cannot be read: {e.strerror}"
    kill = parse_kill(
        text.strip() or "1", default=KillLevel.HALT, source="file", by="file KILL", ts_ns=0
    )
    symbols, strategies = node.node.get("symbols") or (), node.node.get("strategies") or {}
    return kill and (aimed(kill, symbols, strategies) or kill)


def open_causes(node: NodeFiles, view: LatchView, *, takes_losses: bool) -> Iterator[str]:
    """
    Yield what is still open, by the running node's own word, else by what the files tell.

    With *takes_losses* those of the day and from the peak are taken as given.

    """
    if node.is_process_there:
        if node.trouble is not None:
            yield f"NODE_SILENT: observed={node.trouble}, limit=a node that says how it is"
        status = read_table(node.folder.status)
        age_ns = time.time_ns() - int(status.get("ts_ns", 0))
        if age_ns > STATUS_NS_MAX:
            limit = STATUS_NS_MAX // 1_000_000
            yield f"STATUS_OLD: observed={age_ns // 1_000_000} ms, limit={limit} ms"
        told = [str(cause) for cause in status.get("open_causes", ())]
        yield from (c for c in told if not (takes_losses and c.startswith(LOSSES_OF_BEFORE)))
        return
    yield from (c for c in view.causes if c.startswith(LOSSES_OF_BEFORE) and not takes_losses)
    try:
        verify(node.folder.journal)
        node.folder.journal.open("ab").close()
    except (JournalError, OSError) as e:
        yield f"JOURNAL: observed={e}, limit=a journal that is whole and can be written"
    done = {(line.scope, line.ts_ns) for line in read_kills(node.folder) if line.flat_ns}
    for kill in view.kills:
        if kill.flattens and (str(kill.scope), kill.ts_ns) not in done:
            yield (
                f"FLATTEN_UNFINISHED: observed=nobody has verified {kill.scope}, limit=flat and no "
                "orders (start the node, it goes on; or python -m ops kill --direct)"
            )


def allowed(profile: dict[str, Any], scope: Scope | None, strategies: dict[str, str]) -> list[str]:
    """Return what may be traded again, a line a symbol, with its caps from the profile."""
    limits = profile.get("limits") or {}
    only = None
    if scope is not None and scope.name:
        only = scope.name if scope.kind == "symbol" else strategies.get(scope.name)
    lines = [
        f"{key}: {'/'.join(caps['sides'])}, an order to {_plain(caps['order_notional_usdt_max'])} "
        f"USDT ({_plain(caps['order_qty_max'])}), the position to "
        f"{_plain(caps['position_notional_usdt_max'])} USDT"
        for key, caps in (limits.get("symbols") or {}).items()
        if only is None or key == only
    ]
    portfolio = limits.get("portfolio") or {}
    if portfolio:
        lines.append(
            f"all together: gross {_plain(portfolio['gross_notional_usdt_max'])} USDT, net "
            f"{_plain(portfolio['net_notional_usdt_max'])} USDT, leverage "
            f"{_plain(portfolio['leverage_max'])}"
        )
    return lines


def _plain(value: Any) -> str:
    return json.dumps(value).strip('"')
