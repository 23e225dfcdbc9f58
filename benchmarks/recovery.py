"""
Kill a node with SIGKILL again and again, at the worst moments, and judge what comes back.

One local venue and one state folder. Each cycle starts ``run_live.py`` as a process, waits until it
has recovered (its trading state is known, its books are the venue's, every position is protected),
and kills it at a moment that is drawn: between entry and stop, in a partial fill, in a flatten, in a
resume, while the latch is written, while it starts, or any time. The next cycle is the restart.

Nothing of the node is asked but what anybody sees from outside: its files, and the venue's truth and
wire log. Wrong is: a restart that does not come up, or with another trading state than the files held;
books that are not the venue's; a position without its stop for longer than the profile's
``limits.protection.unprotected_ms_max`` while a node is up; a client order id taken twice by the venue;
an entry that leaves while killed; a killed state that nobody resumed and that is gone; and whatever
the checkers say at the end.

    python -m benchmarks.recovery [--cycles N] [--seed S] [--only MOMENT] [--out FILE]

Exit code 0: nothing was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks._recovery_judge import Bared, judge_scene
from benchmarks._recovery_moments import EARLY, MOMENTS, draw, let_it_trade
from benchmarks._recovery_scene import UP_SEC_MAX, Life, Scene, SceneError, bare, held
from benchmarks._spread import spread

AGREE_SEC_MAX = 5.0


def play(scene: Scene, cycles: int, rng: random.Random, only: str | None) -> Path | None:
    """
    Live and die *cycles* times, then once to an end in order; return the last run's folder.

    It is None when the last start came to nothing.

    """
    for number in range(1, cycles + 1):
        began = time.monotonic()
        name = only or draw(rng)
        life = scene.start()
        if name not in EARLY:
            _live(scene, life)
            if life.process.poll() is None:
                let_it_trade(scene, life)
        if life.process.poll() is None:
            MOMENTS[name][1](scene, life, rng)
        else:
            life.dead, life.moment = time.time(), "came to nothing"
            if number == 1:
                raise SceneError(f"the first start came to nothing: {scene.words(life)}")
        print(_shown(number, life, time.monotonic() - began), flush=True)
    life = scene.start()
    _live(scene, life)
    if life.up is None:
        return None
    let_it_trade(scene, life)
    code = scene.end(life)
    if code != 0:
        life.wrong.append(f"ended with exit code {code}: {scene.words(life)}")
    return sorted((scene.folder / "runs").iterdir())[-1]


def _live(scene: Scene, life: Life) -> None:
    """Watch it come up, and note what is not as it was left."""
    if scene.wait(life, lambda: scene.record(life), UP_SEC_MAX) is not None:
        life.recorded = time.time()
    beat = scene.wait(life, lambda: scene.beat(life), UP_SEC_MAX)
    if beat is None:
        life.wrong.append(f"did not come up: {scene.words(life)}")
        return
    life.up = beat["ts_ns"] / 1e9
    if (beat["state"] != "ACTIVE") is not life.must_be_killed:
        files = "killed" if life.must_be_killed else "ACTIVE"
        life.wrong.append(f"the files said {files}, it came up {beat['state']}")
    if scene.wait(life, lambda: not bare(scene.truth()), AGREE_SEC_MAX) is None:
        life.wrong.append(f"{', '.join(bare(scene.truth()))} unprotected {AGREE_SEC_MAX} s long")
        return
    life.recovered = max(time.time(), life.up)
    if scene.wait(life, lambda: _agrees(scene, life), AGREE_SEC_MAX) is None:
        told, truth = scene.beat(life).get("positions"), held(scene.truth())
        life.wrong.append(f"believes {told}, the venue holds {truth}")


def _agrees(scene: Scene, life: Life) -> bool:
    told = scene.beat(life).get("positions", {})
    truth = {f"{symbol}-PERP.BINANCE": amt for symbol, amt in held(scene.truth()).items()}
    return {key: float(qty) for key, qty in told.items()} == {k: float(v) for k, v in truth.items()}


def _shown(number: int, life: Life, took_sec: float) -> str:
    up = "never up" if life.up is None else f"up {life.up - life.started:5.2f} s"
    took = "" if life.recovered is None else f"recovered {life.recovered - life.started:5.2f} s"
    state = "killed" if life.must_be_killed else "ACTIVE"
    wrong = f"  WRONG: {'; '.join(life.wrong)}" if life.wrong else ""
    return f"{number:4} {state} {up:>10} {took:>17}  killed in: {life.moment:<22} {took_sec:5.1f} s{wrong}"


def counted(values: list[float]) -> dict[str, float]:
    """Return the count and, of any, the spread in seconds."""
    return {"count": len(values)} | (spread(values, 3) if values else {})


def result_of(scene: Scene, judged: dict[str, Any]) -> dict[str, Any]:
    """Return the figures and every wrong outcome, as plain values."""
    lives = scene.lives
    restarts = [life for life in lives[1:] if life.recovered is not None]
    bared: list[Bared] = judged["bared"]
    moments: defaultdict[str, int] = defaultdict(int)
    for life in lives:
        moments[life.moment] += 1
    wrong = [
        {"life": life.number, "after": lives[life.number - 2].moment, "text": text}
        for life in lives for text in life.wrong
    ]  # fmt: skip
    dead = [each.dead for each in bared if each.dead > 0]
    return {
        "cycles": len(lives) - 1,
        "killed_in": dict(sorted(moments.items())),
        "recovery_sec": counted([x.recovered - x.started for x in restarts if x.recovered]),
        "up_after_record_sec": counted(
            [x.recovered - x.recorded for x in restarts if x.recovered and x.recorded]
        ),
        "bare_while_up_sec": counted([each.alive for each in bared if each.alive > 0]),
        "bare_while_dead_sec": counted(dead),
        "positions_bare_while_dead": len(dead),
        "wrong": wrong,
        "breaches": judged["breaches"],
        "figures": judged["figures"],
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"\n| {'seconds':<38} | count |      p50 |      p99 |    worst |")
    print(f"|{'-' * 40}|------:|---------:|---------:|---------:|")
    rows = (
        ("recovery, from the process's start", "recovery_sec"),
        ("of it, from the end of the pre-flight", "up_after_record_sec"),
        ("bare by the venue, node up", "bare_while_up_sec"),
        ("bare by the venue, no node", "bare_while_dead_sec"),
    )
    for label, key in rows:
        row = result[key]
        cells = (
            f"{row[name]:8.3f}" if name in row else f"{'-':>8}" for name in ("p50", "p99", "worst")
        )
        print(f"| {label:<38} | {row['count']:>5} | {' | '.join(cells)} |")
    print("killed in: " + ", ".join(f"{k} {v}" for k, v in result["killed_in"].items()))
    for row in result["wrong"]:
        print(f"WRONG in life {row['life']} after {row['after']}: {row['text']}")
    for name, texts in result["breaches"].items():
        print("\n".join(f"WRONG by {name}: {text}" for text in texts[:10]))
    print(f"{len(result['wrong']) + sum(map(len, result['breaches'].values()))} wrong outcomes")


def main(argv: list[str] | None = None) -> int:
    """Run, print, write, and return the exit code."""
    args = _parse(argv)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)  # now, not half an hour later
    folder = args.folder or Path(tempfile.mkdtemp(prefix="recovery-"))
    scene = Scene(folder / f"seed-{args.seed}", args.seed)
    print(f"{args.cycles} cycles, seed {args.seed}, in {scene.folder}", flush=True)
    try:
        with scene.venue():
            last_run = play(scene, args.cycles, random.Random(args.seed), args.only)
    except SceneError as e:
        print(f"cannot be measured: {e}", file=sys.stderr)
        return 2
    result = result_of(scene, judge_scene(scene, last_run))
    show(result)
    if args.out:
        args.out.write_text(json.dumps(result | {"seed": args.seed}, indent=1))
    return 1 if result["wrong"] or result["breaches"] else 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Kill a node at the worst moments; judge restarts."
    )
    add = parser.add_argument
    add("--cycles", type=int, default=200, help="how many kills (default %(default)s)")
    add("--seed", type=int, default=1, help="of the market and the moments")
    add("--only", choices=list(MOMENTS), help="always this moment")
    add("--folder", type=Path, help="where everything goes (default: a temporary folder)")
    add("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
