"""Ask the venue again and again, and know whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from nautilus_trader.common.component import Clock
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

NS_PER_MS = 1_000_000
HEARD_MS = 400
"""So old the last answer may be while the venue counts as answering; or twice as old as an answer
takes, where the way is long."""
BRING_IN_NS = 10_000 * NS_PER_MS
"""How often the reason of a difference is asked for at most; it costs a few hundred of the weight."""
LOST_LOOKS = 2
"""So often in a row the venue must neither show nor find a stop before it counts as gone: right after
it took one, it may not find it."""


class VenueWatch:
    """
    The questions of the monitor to one execution client, each at most once at a time.

    A client that cannot be asked, as that of a paper node, is the venue itself: it always answers.

    Parameters
    ----------
    client : ExecutionClient
        Whose account it is.
    clock : Clock
        Of the node.
    tell : Callable
        Told in words when questions begin to fail, and when they are answered again.
    on_verified : Callable
        Told when the stops of an instrument were compared.
    on_positions : Callable
        Told the positions at the venue.

    """

    def __init__(
        self,
        client: Any,
        clock: Clock,
        *,
        tell: Callable[[str], None],
        on_verified: Callable[[InstrumentId], None],
        on_positions: Callable[[tuple[Any, ...]], None],
    ) -> None:
        self.can_ask = hasattr(client, "verify_stops")
        self.lost: dict[InstrumentId, frozenset[ClientOrderId]] = {}
        """Stops that the venue has denied repeatedly while they work here."""
        self._client = client
        self._clock = clock
        self._tell = tell
        self._on_verified = on_verified
        self._on_positions = on_positions
        self._denied: dict[InstrumentId, dict[ClientOrderId, int]] = {}
        self._started_ns: dict[InstrumentId, int] = {}
        self._verified_ns: dict[InstrumentId, int] = {}
        self._answered_ns = 0
        self._took_ns = 0
        self._positions_ns = 0
        self._brought_in_ns = 0
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._failing: set[str] = set()

    # -- what is known ------------------------------------------------------------------------------

    def is_heard(self) -> bool:
        """Return whether the venue answers questions; one that must not be asked may well."""
        if not self.can_ask or self._is_gagged():
            return True
        age_ns = self._clock.timestamp_ns() - self._answered_ns
        return age_ns <= max(HEARD_MS * NS_PER_MS, 2 * self._took_ns)

    def has_compared_since(self, instrument_id: InstrumentId, since_ns: int) -> bool:
        """Return whether stops were compared by a question that was asked after *since_ns*."""
        if not self.can_ask or self._is_gagged():
            return True
        return self.verified_ns(instrument_id) > since_ns

    def verified_ns(self, instrument_id: InstrumentId) -> int:
        """Return when the newest question was asked whose answer the stops were compared with; 0: none."""
        return self._verified_ns.get(instrument_id, 0)

    def _is_gagged(self) -> bool:
        """Return whether the venue's limits keep questions back, which exits need not care for."""
        budget = getattr(getattr(self._client, "_http_client", None), "budget", None)
        if budget is None:
            return False
        used = budget.snapshot()
        return bool(used.blocked_until_ns or used.weight_1m + 1 > used.weight_1m_care_max)

    # -- questions ----------------------------------------------------------------------------------

    def verify(self, instrument_id: InstrumentId, every_ns: int) -> None:
        """Compare the stops of an instrument, unless that was begun less than *every_ns* ago."""
        now_ns = self._clock.timestamp_ns()
        if self.can_ask and now_ns - self._started_ns.get(instrument_id, 0) >= every_ns:
            self._begin(instrument_id, self._verify(instrument_id), now_ns)

    def look_at_positions(self, every_ns: int) -> None:
        """Ask for the positions, unless that was begun less than *every_ns* ago."""
        now_ns = self._clock.timestamp_ns()
        if self.can_ask and now_ns - self._positions_ns >= every_ns:
            self._begin("positions", self._positions(), now_ns)

    def bring_in_positions(self) -> None:
        """Let the client find out why the venue's positions are others than those here."""
        now_ns = self._clock.timestamp_ns()
        if self.can_ask and now_ns - self._brought_in_ns >= BRING_IN_NS:
            self._brought_in_ns = now_ns
            self._begin("differing positions", self._client.bring_in_positions(), now_ns)

    def stop(self) -> None:
        """Ask nothing more."""
        for task in self._tasks.values():
            task.cancel()

    def _begin(self, key: object, question: Coroutine[Any, Any, None], now_ns: int) -> None:
        if key in self._tasks:
            question.close()
            return
        if isinstance(key, InstrumentId):
            self._started_ns[key] = now_ns
        elif key == "positions":
            self._positions_ns = now_ns
        self._tasks[key] = asyncio.get_running_loop().create_task(self._ask(key, question))

    async def _ask(self, key: object, question: Coroutine[Any, Any, None]) -> None:
        begun_ns, name = self._clock.timestamp_ns(), f"{key}"
        try:
            await question
        except Exception as e:  # noqa: BLE001 - asked again; what was not answered is told
            if getattr(e, "status", None) is not None:
                self._hear(begun_ns)  # A refusal is an answer.
            if name not in self._failing:
                self._failing.add(name)
                self._tell(f"VENUE_LOOK_FAILED: observed={name}: {e!r}, limit=an answer")
        else:
            self._hear(begun_ns)
            if name in self._failing:
                self._failing.discard(name)
                self._tell(f"VENUE_LOOK_BACK: observed={name} is answered, limit=an answer")
        finally:
            self._tasks.pop(key, None)

    def _hear(self, begun_ns: int) -> None:
        self._answered_ns = self._clock.timestamp_ns()
        self._took_ns = self._answered_ns - begun_ns

    async def _verify(self, instrument_id: InstrumentId) -> None:
        begun_ns = self._clock.timestamp_ns()
        denied = await self._client.verify_stops(instrument_id)
        before = self._denied.get(instrument_id, {})
        # What was shown in between begins anew.
        counts = self._denied[instrument_id] = {key: before.get(key, 0) + 1 for key in denied}
        self.lost[instrument_id] = frozenset(k for k, n in counts.items() if n >= LOST_LOOKS)
        self._verified_ns[instrument_id] = begun_ns
        self._on_verified(instrument_id)

    async def _positions(self) -> None:
        self._on_positions(await self._client.look_at_positions())
