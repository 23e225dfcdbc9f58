"""Run a named drill, and write its report."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from configs.local_venue import VenueStartError
from configs.profile import Profile, ProfileError, load_profile
from ops.drills.redis import DrillRedis, has_redis
from ops.drills.report import DrillFailed, DrillLog, DrillReport, Verdict, code_facts
from ops.drills.runbook import ROOT, RunbookError
from ops.drills.stage import Stage, staged

PROFILE = ROOT / "configs" / "profiles" / "drill.toml"
DRILL_SEC_MAX = 120.0
KILL_TABLE = "[kill]\n"


class Drill(NamedTuple):
    """
    A drill by name.

    ``about`` says in one sentence what is done and what must come of it; ``redis`` whether a Redis
    is part of it, and whether it can go without.

    """

    name: str
    about: str
    play: Callable[[Stage], Awaitable[None]]
    redis: Literal["no", "if it is there", "needed"] = "no"


def run_drill(
    drill: Drill, out: Path, profile_path: Path, say: Callable[[str], None]
) -> tuple[DrillReport, Path]:
    """
    Run a drill; return its report and the folder that it lies in.

    Raises
    ------
    ProfileError
        If the profile cannot be used for a rehearsal.

    """
    profile = load_profile(profile_path)
    if profile.mode != "rehearsal":
        raise ProfileError(
            f"{profile_path}: mode must be 'rehearsal', because a drill trades at a local venue"
        )
    folder, log = _new_folder(out, drill.name), DrillLog(say)
    if drill.redis == "needed" and not has_redis():
        reason = "redis-server and redis-cli are not installed"
        return _report(drill, log, profile, "not run", reason, folder), folder
    redis = DrillRedis(folder / "redis") if drill.redis != "no" and has_redis() else None
    profile = _write_profile(profile_path, folder / "profile.toml", redis)
    verdict, reason = asyncio.run(_play(drill, folder, profile, log, redis))
    return _report(drill, log, profile, verdict, reason, folder), folder


async def _play(
    drill: Drill, folder: Path, profile: Profile, log: DrillLog, redis: DrillRedis | None
) -> tuple[Verdict, str]:
    task = asyncio.current_task()
    assert task is not None, "Invariant: runs in a task"
    # As Ctrl-C: what was started ends with the drill.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with (
            asyncio.timeout(DRILL_SEC_MAX),
            _running(redis),
            staged(folder, profile, log, redis) as stage,
        ):
            await drill.play(stage)
    except (DrillFailed, RunbookError) as e:
        return "failed", str(e)
    except TimeoutError as e:
        return "failed", str(e) or f"not over within {DRILL_SEC_MAX:g} s"
    except VenueStartError as e:
        return "not run", str(e)
    return "passed", ""


@asynccontextmanager
async def _running(redis: DrillRedis | None) -> AsyncIterator[None]:
    if redis is None:
        yield
        return
    await redis.start()
    try:
        yield
    finally:
        await redis.kill()


def _report(
    drill: Drill, log: DrillLog, profile: Profile, verdict: Verdict, reason: str, folder: Path
) -> DrillReport:
    report = DrillReport(
        drill.name, drill.about, verdict, reason, log.started_ns, log.at_ms, tuple(log.steps),
        profile.hash, code_facts(ROOT),
    )  # fmt: skip
    report.write(folder)
    return report


def _write_profile(source: Path, path: Path, redis: DrillRedis | None) -> Profile:
    """Write the profile that the node is given, with the drill's Redis in it, and judge it."""
    text = source.read_text(encoding="utf-8")
    if redis is not None:
        if KILL_TABLE not in text or "redis_url" in text:
            raise ProfileError(f"{source}: must have a table [kill] without redis_url for a drill")
        own = f'{KILL_TABLE}redis_url = "{redis.url}"\nredis_loss = "HOLD"\n'
        text = text.replace(KILL_TABLE, own)
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def _new_folder(out: Path, name: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")  # noqa: TID251 - names a folder, no result
    for attempt in _attempts():
        folder = out.absolute() / f"{stamp}-{name}{attempt}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("Invariant: attempts do not end")


def _attempts() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield f"-{number}"
        number += 1
