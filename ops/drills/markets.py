"""Drills of stops that vanish, feeds that fall silent, prices that fall, and a venue that is away."""

from __future__ import annotations

from adapters.watchdog import LOST_AFTER
from ops.drills import looks
from ops.drills.kills import BTC, ETH, SOL, VENUE, begin, stop
from ops.drills.stage import Stage


async def vanished_stop(stage: Stage) -> None:
    """Take stops away, silently and told; refuse new ones: mended in time, or closed."""
    await begin(stage)
    limits = stage.profile.limits.protection
    assert limits is not None, "Invariant: a rehearsal has them"
    sec = (limits.unprotected_ms_max + limits.verify_ms) / 1_000 + 1
    before = await stage.truth()
    await stage.fault("stop_canceled_silently", args={"symbol": BTC})
    await stage.expect(
        f"{BTC} has a new full stop and keeps its position", looks.mended(stage, before, BTC), sec
    )
    await stage.fault("stop_expired", args={"symbol": ETH})
    await stage.expect(
        f"{ETH} has a new full stop and keeps its position", looks.mended(stage, before, ETH), sec
    )
    await stage.fault("refused", on=f"algo:{SOL}", args={"code": -2010, "text": "refused"})
    await stage.fault("stop_canceled_silently", args={"symbol": SOL})
    await stage.expect(
        f"{SOL} is closed, because no stop can stand", looks.empty(stage, SOL), sec + 2
    )
    await stage.expect(
        "the journal tells for how long it was without",
        looks.measured(stage, f"{SOL}{VENUE}", limits.unprotected_ms_max + limits.verify_ms), 2,
    )  # fmt: skip
    await stage.expect(
        "the others keep position and stop", looks.untouched(stage, before, BTC, ETH), 1
    )
    await stage.expect(
        "the journal tells why", looks.journaled(stage, "alarm", "STOP_NOT_PLACED"), 2
    )
    await stop(stage, 0)


async def dead_feed(stage: Stage) -> None:
    """Silence one symbol's market data: new risk waits, its position keeps its stop."""
    await begin(stage)
    before, silence_sec = await stage.truth(), silence_sec_of(stage)
    number = await stage.fault("stream_stalled", on=f"stream:{BTC.lower()}")
    await stage.expect(
        "the journal tells of silence", looks.journaled(stage, "venue", "FEED_SILENT"),
        silence_sec + 5,
    )  # fmt: skip
    await stage.expect(
        "the heartbeat tells the age of its prices",
        looks.feed_is_old(stage, f"{BTC}{VENUE}", silence_sec * 1_000), 5,
    )  # fmt: skip
    await stage.expect(
        "trading is REDUCING", looks.state(stage, "REDUCING", "FEED_LOST"),
        LOST_AFTER * silence_sec + 5,
    )  # fmt: skip
    await stage.expect("every position keeps its stop", looks.same_positions(stage, before), 1)
    await stage.end_fault(number)
    await stage.expect("the prices are back", looks.journaled(stage, "venue", "FEED_BACK"), 10)
    await stage.stays("it stays REDUCING", looks.state(stage, "REDUCING", "FEED_LOST"), 1)
    await stage.ops("resume", "--by", "drill", "--reason", "prices are back", "--yes",
                    prints=("resumed: everything; the node is ACTIVE",))  # fmt: skip
    await stop(stage, 0)


def silence_sec_of(stage: Stage) -> int:
    """Return the longest silence of a stream that the profile allows, seconds."""
    assert stage.profile.venue is not None, "Invariant: a rehearsal has one"
    return stage.profile.venue.data_silence_sec_max
