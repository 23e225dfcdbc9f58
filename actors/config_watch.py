"""Watch how the account is set: what pre-flight has accepted must stay so while the node trades."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig

from risk.events import VENUE_TOPIC, VenueEvent, VenueEventKind, publish_venue_event
from risk.judge import Judge

INTERVAL_SEC = 60.0
CONFIRM_SEC = 1.0
"""A difference is believed when it is seen again after so long."""
FAILURES_MAX = 5
"""After so many questions in a row without an answer somebody should look."""

Settings = Mapping[str, Any]


class ConfigWatch(Actor):  # type: ignore[misc]
    """
    Ask every minute, and when the user stream is back, and tell what differs as ``CONFIG_CHANGED``.

    The venue tells changes of leverage and of the asset mode by events; of position mode and margin
    type nobody tells.

    Parameters
    ----------
    ask : Callable
        Returns how the account is set now.
    expected : Mapping[str, Any]
        How it was accepted.
    judge : Judge
        Knows what is tripped already, and takes alarms.
    interval_sec, confirm_sec : float
        Between two looks, and between seeing a difference and believing it, seconds (> 0).

    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Settings]],
        expected: Settings,
        judge: Judge,
        *,
        interval_sec: float = INTERVAL_SEC,
        confirm_sec: float = CONFIRM_SEC,
    ) -> None:
        super().__init__(ActorConfig(component_id="ConfigWatch"))
        self.failures = 0
        """How many questions in a row were not answered."""
        self.looks = 0
        """How many were."""
        self._ask = ask
        self._expected = expected
        self._judge = judge
        self._interval_sec = interval_sec
        self._confirm_sec = confirm_sec
        self._told = ""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        """Begin to ask, on the node's loop."""
        self.msgbus.subscribe(VENUE_TOPIC, self._on_venue_event)
        self._task = asyncio.get_running_loop().create_task(self._look_on())

    def on_stop(self) -> None:
        """Ask no more."""
        self.msgbus.unsubscribe(VENUE_TOPIC, self._on_venue_event)
        if self._task is not None:
            self._task.cancel()

    def _on_venue_event(self, event: VenueEvent) -> None:
        if event.kind is VenueEventKind.USER_STREAM_BACK:
            self._wake.set()

    async def _look_on(self) -> None:
        while True:
            await self._look()
            try:
                async with asyncio.timeout(self._interval_sec):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _look(self) -> None:
        try:
            seen = self._differing(await self._ask())
            if seen:
                await asyncio.sleep(self._confirm_sec)
                again = self._differing(await self._ask())
                seen = {key: value for key, value in seen.items() if again.get(key) == value}
            if seen:
                self._tell(seen)
        except Exception as e:  # noqa: BLE001 - no answer is no change
            self._failed(e)
            return
        self.failures, self.looks = 0, self.looks + 1

    def _differing(self, told: Settings) -> dict[str, str]:
        """Return what is set otherwise than it was accepted; a setting that is not told is, too."""
        return {
            key: str(told.get(key))
            for key, value in self._expected.items()
            if told.get(key) != value or type(told.get(key)) is not type(value)
        }

    def _tell(self, seen: Mapping[str, str]) -> None:
        observed = ", ".join(f"{key} = {value}" for key, value in seen.items())
        is_open = any(cause.startswith("CONFIG_CHANGED:") for cause in self._judge.state.causes)
        if is_open and observed == self._told:
            return  # A person who resumed without setting it right is told again.
        self._told = observed
        limit = ", ".join(f"{key} = {self._expected[key]}" for key in seen)
        event = VenueEvent(
            VenueEventKind.CONFIG_CHANGED, observed, limit, self.clock.timestamp_ns()
        )
        publish_venue_event(self.msgbus, event)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.log.warning(f"Cannot ask how the account is set: {error!r}")
        if self.failures == FAILURES_MAX:
            seen = f"{self.failures} questions without an answer, the last one {error!r}"
            text = (
                f"CONFIG_UNKNOWN: observed={seen}, limit=an answer every {self._interval_sec:g} s"
            )
            self._judge.alarm(text, self.clock.timestamp_ns())
