"""The moments at which a node is killed: the bad ones, each found from outside."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from benchmarks._recovery_scene import ROOT, Life, Scene, held, pause

WAIT_SEC = 6.0
"""So long a moment is waited for; then the node is killed where it stands."""
RESUME_SEC_MAX = 30.0
Moment = Callable[[Scene, Life, random.Random], str]
"""Kills the node and returns what it was doing."""


def anytime(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it at any time of its first seconds."""
    pause(rng.uniform(0.0, 2.5))
    return _kill(scene, life, "anytime")


def starting(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it while it connects, reconciles and takes over, or (one in four) before."""
    if rng.random() < 0.25:
        pause(rng.uniform(0.0, 5.0))
    else:
        scene.wait(life, lambda: scene.record(life), 60)
        pause(rng.uniform(0.0, 0.25))
    return _kill(scene, life, "starting")


def entry(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it within milliseconds of an entry: before or after the fill, the stop on its way."""
    return _at_request(scene, life, "entry", delay=rng.uniform(0.0, 0.012), reduces=False)


def bare(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it between the fill and its stop for certain: the request for the stop gets lost."""
    del rng
    lost = {"on": "algo", "count": 1, "args": {"is_executed": False}}
    since = scene.newest_line()
    scene.ask("fault", {"name": "reply_lost", **lost})
    sent = scene.wait(
        life, lambda: any("algo" in row["path"] for row in scene.requests(since)), WAIT_SEC
    )
    return _kill(scene, life, "entry, stop lost" if sent else "no entry came")


def partial(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it while an entry is filled in part and the rest still works."""

    def is_partial() -> bool:
        rows = scene.truth()["open_orders"]
        return any(0 < Decimal(r["executed_qty"]) < Decimal(r["qty"]) for r in rows)

    found = scene.wait(life, is_partial, WAIT_SEC)
    pause(rng.choice((0.0, 0.0, rng.uniform(0.0, 0.3))))
    return _kill(scene, life, "partial fill" if found else "no partial fill came")


def leaving(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it within milliseconds of an exit."""
    return _at_request(scene, life, "exit", delay=rng.uniform(0.0, 0.012), reduces=True)


def flatten(scene: Scene, life: Life, rng: random.Random) -> str:
    """Pull the switch while there is something to flatten, and kill the node in it."""
    scene.wait(life, lambda: held(scene.truth()), WAIT_SEC)
    scene.pull("FLATTEN")
    pause(rng.uniform(0.0, 0.35))
    return _kill(scene, life, "flatten")


def latch(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it while a kill is being written into the latch."""
    path = scene.state.latch
    before = path.stat().st_mtime_ns
    scene.pull(rng.choice(("HALT", "REDUCE", "FLATTEN")))
    part = path.with_suffix(f".{life.pid}.part")
    end = time.monotonic() + WAIT_SEC
    while not part.exists() and path.stat().st_mtime_ns == before and time.monotonic() < end:
        pass  # no pause: the file is there for a millisecond
    pause(rng.choice((0.0, rng.uniform(0.0, 0.004))))
    return _kill(scene, life, "latch written")


def resume(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it in a resume, and (one in four) the command that resumes, too."""
    scene.pull("FLATTEN")
    if scene.wait(life, scene.is_flattened, 15) is None:
        life.wrong.append("a FLATTEN was not done and verified within 15 s")
        return _kill(scene, life, "flatten")
    before = scene.state.latch.stat().st_mtime_ns
    scene.begin_resume()
    command = resuming(scene)
    end = time.monotonic() + WAIT_SEC
    while time.monotonic() < end and command.poll() is None:
        is_taken_back = not scene.state.kill.exists()
        if is_taken_back or scene.state.latch.stat().st_mtime_ns != before:
            break
    pause(rng.choice((0.0, rng.uniform(0.0, 0.02), rng.uniform(0.0, 0.3))))
    if rng.random() < 0.25:
        command.kill()
    done = _kill(scene, life, "resume")
    command.kill()  # it may wait for the dead node: what it has written is written
    command.wait()
    return done


def ending(scene: Scene, life: Life, rng: random.Random) -> str:
    """Kill it while it ends in order."""
    life.process.send_signal(signal.SIGTERM)
    pause(rng.uniform(0.0, 0.8))
    return _kill(scene, life, "ending")


MOMENTS: dict[str, tuple[int, Moment]] = {
    "anytime": (10, anytime), "starting": (15, starting), "entry": (15, entry),
    "bare": (10, bare), "partial": (15, partial), "leaving": (8, leaving),
    "flatten": (12, flatten), "latch": (6, latch), "resume": (6, resume), "ending": (3, ending),
}  # fmt: skip
"""By name, with how often out of a hundred."""
EARLY = frozenset({"starting"})
"""Moments that come before the node is up."""


def draw(rng: random.Random) -> str:
    """Return the name of a moment."""
    weights = [weight for weight, _ in MOMENTS.values()]
    return rng.choices(list(MOMENTS), weights)[0]


def resuming(scene: Scene) -> subprocess.Popen[bytes]:
    """Start the command by which a person resumes."""
    with (scene.folder / "resume.txt").open("wb") as output:
        return subprocess.Popen(
            [
                sys.executable, "-m", "ops", "resume", "--state", str(scene.state.path),
                "--by", "benchmark", "--reason", "the next life is to trade", "--yes",
            ], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def let_it_trade(scene: Scene, life: Life) -> None:
    """Resume a node that came up killed, as a person would: again until nothing is open."""
    end = time.monotonic() + RESUME_SEC_MAX
    while scene.is_killed():
        scene.begin_resume()
        code = resuming(scene).wait()
        if code == 0:
            return
        if time.monotonic() > end or life.process.poll() is not None:
            said = (scene.folder / "resume.txt").read_text().strip().replace("\n", "; ")
            life.wrong.append(f"cannot be resumed within {RESUME_SEC_MAX:.0f} s: {said}")
            return


def _at_request(scene: Scene, life: Life, what: str, *, delay: float, reduces: bool) -> str:
    since = scene.newest_line()

    def is_sent() -> bool:
        return any(
            row["path"].endswith("/order")
            and (row["params"].get("reduceOnly") == "true") is reduces
            for row in scene.requests(since)
        )

    sent = scene.wait(life, is_sent, WAIT_SEC)
    pause(delay)
    return _kill(scene, life, what if sent else f"no {what} came")


def _kill(scene: Scene, life: Life, moment: str) -> str:
    scene.kill(life, moment)
    return moment
