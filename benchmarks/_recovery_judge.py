"""What the wire log and the files say of a scene in which nodes were killed."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._recovery_scene import Life, Scene
from venue.checkers.checks import judge
from venue.checkers.log import WireLog, read_journal, read_limits, read_log, read_state
from venue.checkers.papers import sent_orders
from venue.checkers.replay import replay
from venue.checkers.run import Run

DEAD_MS_MAX = 600_000
"""The checker of stops is told not to judge how long nobody lived; that is done here."""
CREATES = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder"})


class Bare(NamedTuple):
    """A time in which a position was not covered in full, Unix seconds."""

    symbol: str
    start: float
    end: float


class Bared(NamedTuple):
    """Of one such time, seconds while no node was up, and longest at once while one was."""

    span: Bare
    dead: float
    alive: float
    life: Life | None


def bare_spans(log: WireLog) -> list[Bare]:
    """Return by the venue's truth when positions were not covered by reduce-only stops."""
    found: list[Bare] = []
    since: dict[str, float] = {}
    now = 0.0
    for line, book in replay(log):
        now = max(now, line["ts"] / 1e3)
        for symbol in book.positions:
            is_bare = book.covered_qty(symbol) < abs(book.amt(symbol))
            if is_bare:
                since.setdefault(symbol, now)
            elif symbol in since:
                found.append(Bare(symbol, since.pop(symbol), now))
    found += [Bare(symbol, start, now) for symbol, start in since.items()]
    return found


def shared_out(span: Bare, lives: list[Life]) -> Bared:
    """Share a time out between dead and living nodes; *life* is the one that let it last longest."""
    worst, who, alive_all = 0.0, None, 0.0
    for life in lives:
        if life.up is None:
            continue
        alive = min(span.end, life.dead or span.end) - max(span.start, life.up)
        if alive > 0:
            alive_all += alive
            if alive > worst:
                worst, who = alive, life
    return Bared(span, max(span.end - span.start - alive_all, 0.0), worst, who)


def told_of(lives: list[Life], moment: float) -> Life:
    """Return the life in which something happened."""
    return lives[max(bisect_right([life.started for life in lives], moment) - 1, 0)]


def doubled(log: WireLog) -> Iterator[tuple[float, str]]:
    """Yield every client order id that the venue took more than once."""
    answers = log.answers()
    taken: Counter[str] = Counter()
    for line in log.of("request"):
        if line["method"] != "POST" or line["path"] not in CREATES:
            continue
        answer = answers.get(line["n"])
        if answer is None or answer["status"] != 200:
            continue
        if not answer["sent"] and not answer["body"]:
            continue  # The request was lost on its way: the exchange has told nothing.
        for client_id, _ in sent_orders(line):
            taken[client_id] += 1
            if taken[client_id] > 1:
                yield line["ts"] / 1e3, f"{client_id} was taken {taken[client_id]} times"


def sent_while_killed(
    log: WireLog, spans: list[tuple[float, float]]
) -> Iterator[tuple[float, str]]:
    """Yield every order that opens and was sent while new risk was not allowed."""
    for line in log.of("request"):
        if line["method"] not in ("POST", "PUT") or line["path"] not in CREATES:
            continue
        sent = int(line["params"].get("timestamp", line["ts"])) / 1e3
        for client_id, terms in sent_orders(line):
            opens = line["method"] == "POST" and not terms.is_reduce_only
            if opens and any(start <= sent < end for start, end in spans):
                yield sent, f"{client_id} {terms} was sent while killed"


def judge_scene(scene: Scene, last_run: Path | None) -> dict[str, Any]:
    """Judge the whole, blame each life for what it did wrong, and return figures and breaches."""
    log = read_log(scene.wire)
    lives = scene.lives
    limit_sec = tomllib.loads(scene.profile.read_text())["limits"]["protection"]
    limit_sec = limit_sec["unprotected_ms_max"] / 1e3
    bared = [shared_out(span, lives) for span in bare_spans(log)]
    for each in bared:
        if each.alive > limit_sec and each.life is not None:
            text = f"{each.span.symbol} was without its stop for {each.alive:.3f} s while up"
            each.life.wrong.append(f"{text}, limit {limit_sec} s")
    for at, text in [*doubled(log), *sent_while_killed(log, scene.killed_spans)]:
        told_of(lives, at).wrong.append(text)
    run = Run(
        log=log, journal=read_journal(scene.state.journal),
        state=None if last_run is None else read_state(last_run / "final_state.json"),
        limits=read_limits(scene.profile),
        unprotected_ms_max=DEAD_MS_MAX,
    )  # fmt: skip
    verdicts = judge(run)
    breaches = {
        name: [f"line {b.line}: {b.text}" for b in verdict.breaches]
        for name, verdict in verdicts.items()
        if verdict is not None and verdict.breaches
    }
    figures = {
        f"{name}: {key}": value
        for name, verdict in verdicts.items() if verdict is not None
        for key, value in verdict.figures.items()
    }  # fmt: skip
    return {"bared": bared, "breaches": breaches, "figures": figures}
