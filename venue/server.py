"""The venue as a whole: exchange, market, wire and faults on one event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from venue.config import VenueConfig
from venue.engine.exchange import Exchange
from venue.faults.book import FaultBook
from venue.faults.fault import Stage
from venue.faults.registry import FAULTS
from venue.faults.scenario import load_scenario
from venue.market.market import Market
from venue.sources import open_source
from venue.wire.clock import VenueClock
from venue.wire.control import Control
from venue.wire.keys import KeyRing
from venue.wire.listener import Listener
from venue.wire.log import WireLog
from venue.wire.player import Player
from venue.wire.reel import Reel
from venue.wire.wire import Wire

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from venue.market.events import Source


class Venue:
    """
    A Binance USD-M Futures venue on this machine.

    Parameters
    ----------
    config : VenueConfig
        What it is made of.
    source : Source, optional
        A market of the caller's own, in place of ``config.market``.

    Raises
    ------
    ConfigError
        If the market, a symbol or the scenario cannot be had.

    """

    def __init__(self, config: VenueConfig, source: Source | None = None) -> None:
        self.config = config
        self.clock = VenueClock(config.speed)
        self.log = WireLog(config.wire_log, self.clock.market_ms)
        self.keys = KeyRing(self.account_names, config.seed)
        self.market = Market(source or open_source(config), config.intervals)
        reel = Reel(self.market, self.clock)
        self.exchange = Exchange(
            self.market.symbols, now_ms=self.clock.market_ms(), seed=config.seed or 0,
            rate_limits=config.limits.told(),
        )  # fmt: skip
        for account in config.accounts:
            self.exchange.open_account(
                account.name,
                wallet=account.wallet,
                leverage=account.leverage,
                margin_type=account.margin_type,
                dual_side=account.dual_side,
            )
        self.faults = _open_faults(config)
        self.wire = Wire(config, self.exchange, self.clock, self.log, self.keys, self.faults)
        self.player = Player(reel, self.wire)
        self.symbol_names = tuple(spec.symbol for spec in self.market.symbols)
        self.stopping = asyncio.Event()
        self.key_files: dict[str, Path] = {}
        self._listener = Listener(self.wire)
        self._control = Control(self)
        self._playing: asyncio.Task[None] | None = None
        self._port = 0
        self._control_port = 0

    @property
    def account_names(self) -> list[str]:
        return [account.name for account in self.config.accounts]

    @property
    def rest_url(self) -> str:
        return f"http://{self.config.host}:{self._port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket address without a route; clients append /public, /market or /private."""
        return f"ws://{self.config.host}:{self._port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self._control_port}/control"

    async def start(self) -> None:
        """Write the key files, listen, and begin to play."""
        if self.config.keys_dir is not None:
            self.key_files = self.keys.write(self.config.keys_dir)
        stage = Stage(self.wire, self.exchange, self.market)
        self.faults.bind(stage, self.clock.market_ms())
        if not self.clock.stepped:
            self.player.catch_up()
        self._port = await self._listener.start(self.config.host, self.config.port)
        self._control_port = await self._control.start()
        self.wire.tell_truth()
        self._playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        try:
            await self.player.run()
        except Exception as error:  # noqa: BLE001 - stop() raises it
            self.wire.fail(error)
            self.stopping.set()

    async def stop(self) -> None:
        """
        Tell the truth once more, close every connection and the log.

        Raises
        ------
        Exception
            The first defect of the venue itself that showed while it ran.

        """
        self.stopping.set()
        playing, self._playing = self._playing, None
        if playing is None:
            return
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await self._listener.stop()
        await self._control.stop()
        self.wire.tell_truth()
        self.log.close()
        if self.wire.failures:
            raise self.wire.failures[0]

    async def step(self, events: int = 1) -> int:
        """Play the next *events* events of a stepped venue; return how many there were."""
        return await self.player.step(events)

    async def play_until(self, ts_ms: int) -> int:
        """Play a stepped venue up to *ts_ms*; return how many events there were."""
        return await self.player.play_until(ts_ms)

    def move(self, symbol: str, price: Decimal) -> None:
        """Let *symbol* jump to *price*; its market goes on from there."""
        self.wire.note("move", f"{symbol} to {price}")
        self.player.jump(symbol, price)

    def fault(self, name: str, arguments: dict[str, Any]) -> int:
        """Arm the fault *name* with the keys of a scenario's entry; return its number."""
        return self.faults.add(name, arguments)

    def end_fault(self, number: int) -> str:
        """End an armed fault by its number; return its name."""
        return self.faults.end(number)

    def fault_names(self) -> dict[str, Any]:
        """Return the faults this venue knows, and those that are armed."""
        return {"known": list(FAULTS), "armed": self.faults.listing()}

    def state(self) -> dict[str, Any]:
        """Return where the venue stands, for the control address."""
        return {
            "market_ms": self.clock.market_ms(),
            "wire_ms": self.clock.wire_ms(),
            "speed": self.clock.speed,
            "played": self.player.played,
            "next_ms": self.player.next_ms,
            "prices": self.wire.tape.prices(),
            "accounts": self.account_names,
            "market_connections": len(self.wire.market_streams.subscribers),
            "user_connections": len(self.wire.user_streams.streams),
            "log_lines": self.log.lines,
        }


def _open_faults(config: VenueConfig) -> FaultBook:
    seed = config.seed or 0
    return FaultBook(seed) if config.scenario is None else load_scenario(config.scenario, seed)
