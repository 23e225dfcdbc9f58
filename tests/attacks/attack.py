"""What an attack is: a function that returns whether it got through, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.scene import Scene

Move = Callable[[Scene], bool]
BACKTEST, LIVE = "backtest", "live"


@dataclass(frozen=True)
class Attack:
    """
    One attack with its legitimate twin.

    Parameters
    ----------
    group, name, tries : str
        Chapter, short name and what it tries, for the table.
    run : Callable
        Makes the attack; returns True when the venue shows that it got through.
    twin : Callable
        The legitimate counterpart; returns True when it did what it should.
    answer : str
        The reason code that the attacker, or the guard's log of causes, gets to see; empty when
        the attempt just comes to nothing.
    stock_stops : bool
        Whether the stock engine stops it as well.
    kernels, stock_kernels : tuple[str, ...]
        Where the attack exists, and where the stock engine can be shown it.
    open_on : tuple[str, ...]
        Kernels on which it still gets through, and must be answered elsewhere.

    """

    group: str
    name: str
    tries: str
    run: Move
    twin: Move
    answer: str
    stock_stops: bool
    kernels: tuple[str, ...]
    stock_kernels: tuple[str, ...]
    open_on: tuple[str, ...]


class Chapter:
    """Attacks of one kind."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.attacks: list[Attack] = []

    def attack(
        self,
        answer: str,
        *,
        twin: Move,
        stock_stops: bool = False,
        kernels: tuple[str, ...] = (BACKTEST, LIVE),
        stock_kernels: tuple[str, ...] | None = None,
        open_on: tuple[str, ...] = (),
    ) -> Callable[[Move], Move]:
        """Enter the decorated function as an attack; its docstring says what it tries."""

        def enter(run: Move) -> Move:
            assert run.__doc__, f"{run.__name__} must say what it tries"
            tries = " ".join(run.__doc__.split())
            name = run.__name__.replace("_", " ")
            self.attacks.append(
                Attack(
                    self.title, name, tries, run, twin, answer, stock_stops, kernels,
                    stock_kernels or kernels, open_on,
                )
            )  # fmt: skip
            return run

        return enter
