"""The table of the attacks, as it stands in docs/attacks.md."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

from itertools import chain

from tests.attacks.attack import BACKTEST, LIVE, Attack
from tests.attacks.exposure import exposure
from tests.attacks.paths import paths
from tests.attacks.state import state
from tests.attacks.stops import stops

CHAPTERS = (paths, stops, exposure, state)
ATTACKS: tuple[Attack, ...] = tuple(chain.from_iterable(c.attacks for c in CHAPTERS))

HEAD = """# The attack suite

{summary}

This page is written by `python -m tests.attacks`; a test fails when it is out of date. Each line is
a test: `pytest tests/attacks`.

- **Stock** is the same kernel of NautilusTrader 1.231 without the guard; **backtest** and **live**
  are kernels with `risk.install_guard`. The live kernel has its own event loop and queues before
  a sandbox venue in the same process; nothing goes over a network.
- The verdict is read from the venue's answers and from what arrived at the client, never from the
  gate's books.
- For each attack its legitimate twin must pass: the last column.
"""

OPEN = """
## What no gate in this process can stop

Whoever runs code in the process can also reach its memory. These stay open here, on purpose, and
are answered elsewhere:

| What | Answered by |
| --- | --- |
| Forged answers of the venue (`ExecEngine.process`, `Portfolio.update_account`, made-up quotes): the cache itself is lied to | comparison with the venue's own state; limits at the venue |
| Calling the venue client's inner methods, its HTTP client or the simulated exchange directly | for live, the check where a request is signed; for backtests nothing is at stake |
| Writing to the gate's own objects (`gate.judge`, `gate.approvals`), to its journal or to the whole state directory | review, file permissions, the journal's hash chain |
| Writing a complete latch with a name and a reason: it is what `resume` does | file permissions; the journal names who and why |
| The simulated venue cancels the stop (OTO) when the rest of a partly filled entry is canceled; the gate lets every entry be canceled | closing what has no stop; the real venue knows no such link |
"""


def summary() -> str:
    """Return the paragraph on top of the page."""
    stock = sum(not attack.stock_stops for attack in ATTACKS)
    still = [attack.name for attack in ATTACKS if attack.open_on]
    rest = f"Still open: {', '.join(still)}." if still else "None gets through the guard."
    return (
        f"{len(ATTACKS)} attacks try to get an order past the limits, a position without its stop "
        f"or trading resumed without a person. {stock} of them get through stock NautilusTrader "
        f"1.231. {rest}"
    )


def page() -> str:
    """Return the whole page."""
    lines = [HEAD.format(summary=summary())]
    for chapter in CHAPTERS:
        lines += [
            f"\n## {chapter.title}\n",
            "| Attack | What it tries | Stock | Backtest | Live | Answer | The twin that passes |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(_row(attack) for attack in chapter.attacks),
        ]
    lines.append(OPEN)
    return "\n".join(lines).rstrip() + "\n"


def _row(attack: Attack) -> str:
    stock = "stopped" if attack.stock_stops else "**gets through**"
    twin = " ".join((attack.twin.__doc__ or "").split())
    cells = (
        attack.name.capitalize(), attack.tries, stock, _guarded(attack, BACKTEST),
        _guarded(attack, LIVE), f"`{attack.answer}`" if attack.answer else "comes to nothing", twin,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _guarded(attack: Attack, kernel: str) -> str:
    if kernel not in attack.kernels:
        return "does not exist there"
    return "**gets through**" if kernel in attack.open_on else "denied"
