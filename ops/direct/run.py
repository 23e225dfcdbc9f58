"""Look, plan, act, and look again until it is true, or until the deadline says what is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ops.direct.act import INFO_PATH, Hands
from ops.direct.block import Block, tell_redis
from ops.direct.client import DirectClient, KeyPair
from ops.direct.look import Look, take_look
from ops.direct.options import Patience
from ops.direct.plan import Plan, Target, make_plan
from ops.direct.report import DirectReport, Steps
from ops.direct.where import NothingHereError, Where
from risk.kills import ACCOUNT, Kill, KillLevel, Scope, nothing_here, plain_words

QUIET_LOOKS = 3
PAUSE_FIRST_SEC, PAUSE_MAX_SEC = 0.02, 2.0
ROUNDS_EASY, WEIGHT_EASY, WEIGHT_CALM_SEC = 8, 1_200, 3.0
"""A kill that needs more rounds than usual keeps them apart above half of the minute's weight (2,400;
a look costs 85): no ban may stop it."""


async def run_direct(
    where: Where,
    keys: KeyPair | None,
    level: KillLevel,
    scope: Scope = ACCOUNT,
    *,
    by: str,
    reason: str,
    source: str = "direct",
    patience: Patience = Patience(),  # noqa: B008 - immutable
    say: Callable[[str], None] = print,
) -> DirectReport:
    """
    Pull the kill switch with a key alone.

    It blocks first (latch), then does what the level says at the venue, for as long as it takes. A
    symbol that no node knows is blocked after the first look: it may be none.

    Parameters
    ----------
    where : Where
        The venue's address, and what is known about the node; its Redis is told, too.
    keys : KeyPair, optional
        The account's keys; None for a paper node, whose account dies with it: it is only blocked.
    level : KillLevel
        REDUCE and HALT cancel entries and leave what only reduces; FLATTEN leaves nothing.
    scope : Scope
        Of what.
    by, reason, source : str
        For the latch.
    patience : Patience
        When to give up, and how long to stay.
    say : Callable
        Told a line for each step.

    Raises
    ------
    NothingHereError
        If the scope names nothing that the node knows; without a node, if it is a strategy, or a
        symbol that the venue does not trade and where nothing is open.

    """
    steps = Steps(say)
    pulled = Kill(level, scope, plain_words(by), plain_words(reason), source, time.time_ns())
    kill = where.aim(pulled)
    block = Block(where.state_dir, kill)
    is_known = where.knows(kill.scope)
    if is_known:
        steps.say(block.told())
    telling = asyncio.create_task(tell_redis(where.redis, where.trader_id, kill, steps.say))
    try:
        if keys is None:
            steps.say("the account is simulated in the node: nothing rests at a venue")
            trouble = block.ensure()
            return _report(kill, steps, (trouble,) if trouble else (), rounds=0, requests=0)
        async with DirectClient(where.rest_url, keys, steps.say) as client:
            target = Target(level, where.symbol_of(kill.scope))
            run = _Run(client, target, block, patience, steps, is_known=is_known)
            left = await run.to_the_end()
            if not left and kill.flattens and where.state_dir is not None:
                # Imported late: nothing before the last cancel waits for it.
                from ops.direct.flat import write_flat

                hindered = write_flat(where.state_dir, kill.scope, time.time_ns())
                steps.say(hindered or "noted as flat, for a resume")
            return _report(kill, steps, left, rounds=run.rounds, requests=client.requests)
    finally:
        await telling


class _Run:
    """The rounds of one kill; ``is_known``: that what it aims at is there to be stopped."""

    def __init__(
        self, client: DirectClient, target: Target, block: Block, patience: Patience, steps: Steps,
        *, is_known: bool,
    ) -> None:  # fmt: skip
        self._client = client
        self._target = target
        self._block = block
        self._patience = patience
        self._steps = steps
        self._look = Look(unseen=("nothing was seen yet",), is_flat_known=False)
        self._idle_rounds = 0
        self._is_known = is_known
        self._is_narrow = is_known  # A question about a symbol is refused where the venue has none.
        self.hands = Hands(client, steps)
        self.rounds = 0

    async def to_the_end(self) -> tuple[str, ...]:
        """Go on until it is true or the deadline has come; return what is left, and say it."""
        try:
            async with asyncio.timeout(self._patience.deadline_sec):
                await self._until_true()
        except TimeoutError:
            after = f"{self._patience.deadline_sec:g} s"
            self._steps.say(f"NOT DONE after {after}, left as of the last look:")
        finally:
            self.hands.stop()
        left = self._left()
        for item in left:
            self._steps.say(f"LEFT: {item}")
        return left

    async def _until_true(self) -> None:
        """Return once everything is as asked for, and still is after the quiet time."""
        while True:
            if await self._is_true():
                self._steps.verified()
                self._steps.say("verified: nothing is left")
                if await self._stays_true():
                    self._steps.confirmed_ms = self._steps.ms
                    self._steps.say("confirmed: nothing has come since")
                    return
                self._steps.disproved()
                self._steps.say("something has come since: somebody keeps sending")
            plan = make_plan(self._look, self._target, self.hands.tried)
            await self.hands.carry_out(plan)
            await self._rest(plan)

    def _left(self) -> tuple[str, ...]:
        """Return, item by item, what the last look showed, and what keeps it from being proved."""
        trouble = self._block.ensure()
        found = [str(item) for item in self._target.left(self._look)]
        found += self._look.unseen
        if not found and self._steps.confirmed_ms is None:
            found.append("nothing in the last look, and the quiet time was not over")
        return (*found, *((trouble,) if trouble else ()))

    async def _stays_true(self) -> bool:
        """Look again and again for the quiet time."""
        for _ in range(QUIET_LOOKS):
            await asyncio.sleep(self._patience.quiet_sec / QUIET_LOOKS)
            if not await self._is_true():
                return False
        return True

    async def _is_true(self) -> bool:
        self.rounds += 1
        before = self._target.left(self._look)
        symbol = self._target.symbol if self._is_narrow else None
        self._look = await take_look(self._client, symbol)
        self._is_narrow = self._is_narrow and not self._look.unseen
        if not self._is_known:
            await self._know(str(self._target.symbol))
        left = self._target.left(self._look)
        self._idle_rounds = self._idle_rounds + 1 if left == before else 0
        self._steps.say(_told(self._look, len(left)))
        if left or self._look.unseen:
            return False
        self._block.ensure()  # What hinders it is among what is left in the end.
        return True

    async def _know(self, symbol: str) -> None:
        """Find a symbol among what is open and what the venue trades; before, nothing is proved."""
        traded = await self.hands.sizes()
        seen = {item.symbol for item in (*self._look.orders, *self._look.positions)}
        self._is_known = symbol in seen or symbol in traded
        if traded and not self._is_known and not self._look.unseen:
            raise NothingHereError(nothing_here(Scope("symbol", symbol), (), ()))
        if not self._is_known:
            missed = f"whether there is a symbol {symbol}: {INFO_PATH} was not told"
            self._look = self._look._replace(unseen=(missed, *self._look.unseen))
        if self.rounds == 1:
            self._steps.say(self._block.told())

    async def _rest(self, plan: Plan) -> None:
        """Let the venue breathe: the more so the less the last rounds have changed."""
        pause = 0.0 if plan != Plan() and not self._idle_rounds else PAUSE_FIRST_SEC
        pause = min(PAUSE_MAX_SEC, pause * 2**self._idle_rounds)
        if self.rounds > ROUNDS_EASY and self._client.weight_used_1m > WEIGHT_EASY:
            pause = WEIGHT_CALM_SEC
        await asyncio.sleep(pause)


def _told(look: Look, left: int) -> str:
    stops = sum(order.is_stop for order in look.orders)
    text = (
        f"seen: {len(look.orders) - stops} orders, {stops} stops, {len(look.positions)} positions; "
        f"{left} of these are to go"
    )
    return "; ".join((text, *look.unseen))


def _report(
    kill: Kill, steps: Steps, left: tuple[str, ...], *, rounds: int, requests: int
) -> DirectReport:
    return DirectReport(
        ts_ns=kill.ts_ns, level=kill.level.name, scope=str(kill.scope), is_true=not left, left=left,
        last_cancel_ms=steps.last_cancel_ms, stops_canceled_ms=steps.stops_canceled_ms,
        verified_ms=steps.verified_ms, confirmed_ms=steps.confirmed_ms, rounds=rounds,
        requests=requests, steps=tuple(steps.told),
    )  # fmt: skip
