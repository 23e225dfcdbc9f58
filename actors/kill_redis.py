"""The kill switch over Redis: at once by messages, and by asking again and again behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nautilus_trader.common.component import Clock, Logger, MessageBus
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from actors.redis_link import (
    CHANNEL,
    RedisLink,
    addressee,
    latch_key,
    open_redis,
    switch_keys,
)
from risk.events import VenueEvent, VenueEventKind, publish_venue_event
from risk.judge import Judge
from risk.kills import Kill, KillLevel, at_account, parse_kill
from risk.latch import LatchView
from risk.trading_state import TradingState

POLL_SEC = 0.2
RETRY_SEC = 0.5
WANTED_EVENTS = "K$gxe"
"""Keyspace events (``K``) of strings, generic commands, expiry and eviction."""

type Aim = Callable[[Kill], Kill | None]


class RedisSwitch:
    """
    Listens to Redis for kills, and keeps the node's latch there.

    What is pulled is taken; what is deleted, expired or lost takes nothing back. Until Redis has
    answered for the first time, or was found to be away, new risk is held back.

    Parameters
    ----------
    link : RedisLink
        Where Redis is.
    default : KillLevel
        What ``SET KILL_SWITCH 1`` means.
    trader_id : str
        Whose latch is kept; messages for others are not heard.
    judge, msgbus, clock
        Those of the node.

    """

    def __init__(
        self,
        link: RedisLink,
        default: KillLevel,
        *,
        trader_id: str,
        judge: Judge,
        msgbus: MessageBus,
        clock: Clock,
    ) -> None:
        self._link = link
        self._default = default
        self._trader_id = trader_id
        self._judge = judge
        self._msgbus = msgbus
        self._clock = clock
        self._log = Logger("KillRedis")
        self._keys = switch_keys(trader_id)
        self._own_key = self._keys[1]
        self._aim: Aim = lambda kill: kill
        self._seen: dict[str, str | None] = {}
        self._is_first = True
        self._is_up: bool | None = None
        self._is_latch_due = True
        self._wakes = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Return whether Redis answered last time, the latch included."""
        return self._is_up is True

    def begin(self, aim: Aim) -> None:
        """
        Hold new risk back until it is known whether Redis holds a kill.

        *aim* returns a kill with its scope as it is called here, None when that names nothing here.

        """
        self._aim = aim
        self._judge.holds.take(self._event(VenueEventKind.REDIS_LOST, "not asked yet"))

    def note_latch(self) -> None:
        """Write the latch anew: the trading state has changed."""
        self._is_latch_due = True
        self._wakes.set()

    async def run(self) -> None:
        """Listen until canceled; whatever happens to Redis."""
        while True:
            try:
                async with open_redis(self._link) as client, asyncio.TaskGroup() as group:
                    group.create_task(self._poll(client))
                    group.create_task(self._listen(client))
            except* (RedisError, OSError, TimeoutError) as e:
                self._lost(_first(e))
            except* Exception as e:  # noqa: BLE001 - a switch that fails must not fail silently
                self._log.exception("The Redis switch failed", _first(e))
                self._lost(_first(e))
            await asyncio.sleep(RETRY_SEC)

    # -- asking -------------------------------------------------------------------------------------

    async def _poll(self, client: Redis) -> None:
        while True:
            self._wakes.clear()
            await self._ask(client)
            try:
                async with asyncio.timeout(POLL_SEC):
                    await self._wakes.wait()
            except TimeoutError:
                pass

    async def _ask(self, client: Redis) -> None:
        *texts, latch = await client.mget([*self._keys, latch_key(self._trader_id)])
        for key, text in zip(self._keys, texts, strict=True):
            if text != self._seen.get(key):
                self._seen[key] = text
                self._take(text, by=f"redis {key}", is_own=key == self._own_key)
        if self._is_first:
            self._obey(latch)
            self._is_first = False
        if self._is_latch_due or latch is None:  # It may have forgotten everything.
            self._is_latch_due = False
            try:
                await client.set(latch_key(self._trader_id), self._latch())
            except BaseException:
                self._is_latch_due = True
                raise
        self._back()

    def _latch(self) -> str:
        state = self._judge.state
        view = LatchView(
            state.state, tuple(state.causes), self._trader_id, "as the node has it",
            tuple(state.kills), ts_ns=self._clock.timestamp_ns(),
        )  # fmt: skip
        return view.encode()

    def _obey(self, latch: str | None) -> None:
        """Stay killed where an earlier run was, also on another disk."""
        if latch is None:
            return
        now_ns = self._clock.timestamp_ns()
        try:
            view = LatchView.decode(latch)
        except (ValueError, KeyError, TypeError) as e:
            cause = f"REDIS_LATCH_UNREADABLE: observed={e!r}, limit=a latch"
            self._judge.trip(TradingState.HALTED, cause, now_ns)
            return
        for kill in view.kills:
            self._judge.kill(kill)
        if view.state is TradingState.ACTIVE:
            return
        for cause in view.causes or (f"LATCHED: observed={view.state.name}, limit=ACTIVE",):
            self._judge.trip(view.state, cause, now_ns, by="redis latch")

    # -- listening ----------------------------------------------------------------------------------

    async def _listen(self, client: Redis) -> None:
        """Hear of a kill as it is pulled; where the server does not let us, asking has to do."""
        try:
            await self._ask_for_events(client)
        except ResponseError as e:
            self._log.warning(f"No keyspace events, the keys are asked for: {e}")
        database = client.connection_pool.connection_kwargs.get("db", 0)
        keyspace = [f"__keyspace@{database}__:{key}" for key in self._keys]
        async with client.pubsub() as channels:
            try:
                await channels.subscribe(CHANNEL, *keyspace)
            except ResponseError as e:
                self._log.warning(f"No messages, the keys are asked for: {e}")
                return
            while True:
                heard = await channels.get_message(ignore_subscribe_messages=True, timeout=POLL_SEC)
                if heard is None:
                    continue
                if heard["channel"] == CHANNEL:
                    self._take(heard["data"], by=f"redis {CHANNEL}")
                else:
                    self._wakes.set()

    async def _ask_for_events(self, client: Redis) -> None:
        told = (await client.config_get("notify-keyspace-events"))["notify-keyspace-events"]
        if "K" not in told or not set("$g") <= set(told.replace("A", "g$lshzxet")):
            flags = "".join(dict.fromkeys(told + WANTED_EVENTS))
            await client.config_set("notify-keyspace-events", flags)

    def _take(self, text: str | None, *, by: str, is_own: bool = False) -> None:
        """Take a pull; what is this trader's alone (*is_own*, or it says so) means something here."""
        named = None if is_own or text is None else addressee(text)
        if named not in (None, self._trader_id):
            return
        now_ns = self._clock.timestamp_ns()
        kill = parse_kill(text, default=self._default, source="redis", by=by, ts_ns=now_ns)
        if kill is None:
            return
        aim = self._aim(kill)
        if aim is None and (is_own or named is not None):
            aim = at_account(kill)
        if aim is None:  # It may be what another trader trades, and it may be mistyped.
            aim = kill
            self._judge.alarm(
                f"KILL_OF_NOTHING: observed={kill.level.name} of {kill.scope} by {by}, limit=a "
                "symbol or strategy of this trader: nothing is stopped here", now_ns,
            )  # fmt: skip
        self._judge.kill(aim)

    # -- lost and back ------------------------------------------------------------------------------

    def _lost(self, error: BaseException) -> None:
        if self._is_up is False:
            return
        self._is_up = False
        self._is_latch_due = True
        event = self._event(VenueEventKind.REDIS_LOST, str(error) or repr(error))
        if self._link.holds_when_lost:
            publish_venue_event(self._msgbus, event)
            return
        self._judge.holds.take(self._event(VenueEventKind.REDIS_BACK, "not needed"))
        self._judge.alarm(event.text, event.ts_event)

    def _back(self) -> None:
        if self._is_up is True:
            return
        was_lost, self._is_up = self._is_up is False, True
        event = self._event(VenueEventKind.REDIS_BACK, "answers, and holds the latch")
        if was_lost and self._link.holds_when_lost:
            publish_venue_event(self._msgbus, event)
            return
        self._judge.holds.take(event)
        if was_lost:
            self._judge.alarm(event.text, event.ts_event)

    def _event(self, kind: VenueEventKind, observed: str) -> VenueEvent:
        limit = "a Redis that answers and can be written"
        return VenueEvent(kind, observed, limit, self._clock.timestamp_ns())


def _first(group: BaseExceptionGroup[Any]) -> Exception:
    """Return the first error of a group."""
    error: Any = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception), "Invariant: only errors are caught"
    return error
