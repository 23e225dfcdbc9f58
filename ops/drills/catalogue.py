"""The drills by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ops.drills import kills, markets, pages, processes
from ops.drills.run import Drill

_ALL = (
    Drill("kill", "pull the kill switch in every way, level by level, and resume", kills.kill,
          redis="if it is there"),
    Drill("kill-direct", "flatten with the key alone while the node hangs; it wakes killed",
          kills.kill_direct),
    Drill("vanished-stop", "stops vanish, expire and are refused: placed anew, or closed",
          markets.vanished_stop),
    Drill("dead-feed", "a symbol's prices fall silent: no new risk, stops stay",
          markets.dead_feed),
    Drill("hung-node", "the node hangs: the watchdog flattens after its grace",
          processes.hung_node),
    Drill("killed-process", "kill -9 with open positions, restart: nothing lost or doubled",
          processes.killed_process),
    Drill("unauthorized-trading", "orders that nobody approved: the runbook, line by line",
          pages.unauthorized_trading),
    Drill("revoked-key", "the venue refuses the key: the runbook, line by line",
          pages.revoked_key),
    Drill("flash-crash", "a price falls by a tenth in two seconds: the runbook, line by line",
          pages.flash_crash),
    Drill("venue-outage", "every connection breaks: the runbook, line by line",
          pages.venue_outage),
    Drill("lost-redis", "Redis dies: new risk waits, what was killed stays so, also over a restart",
          kills.lost_redis, redis="needed"),
)  # fmt: skip
DRILLS: Mapping[str, Drill] = MappingProxyType({drill.name: drill for drill in _ALL})
