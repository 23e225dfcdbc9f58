"""The kill switch as facts: how much it stops, of what, and who pulled it why."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from enum import IntEnum
from typing import Any, NamedTuple

from risk.trading_state import TradingState

NOT_PULLED = ("", "0")
"""What a switch holds that nobody has pulled."""
DIRECT_ORDER_PREFIX = "qmkill-"
"""How client order ids of closing orders begin that a kill from outside the node has sent."""


TEXT_LENGTH_MAX = 4_096
"""What of a switch is read."""
WORDS_LENGTH_MAX = 500
"""So much is kept of a reason, and of a name: both fit into a switch."""


class KillLevel(IntEnum):
    """
    How much is stopped.

    REDUCE: no new risk, and working entries are canceled. HALT: nothing but cancels and exits; stops
    stay. FLATTEN: as HALT, and every position is closed, the stops last.

    """

    REDUCE = 1
    HALT = 2
    FLATTEN = 3

    @property
    def state(self) -> TradingState:
        """Return the trading state that the level trips."""
        return TradingState.REDUCING if self is KillLevel.REDUCE else TradingState.HALTED


class KillError(ValueError):
    """A kill that cannot be understood; the text names the part, its value and the rule."""


class Scope(NamedTuple):
    """
    What is stopped: the whole account, one symbol, or one strategy.

    ``kind`` is ``account``, ``symbol`` (``name`` is the instrument id) or ``strategy`` (``name`` is
    the strategy id).

    """

    kind: str = "account"
    name: str = ""

    @staticmethod
    def parse(text: str) -> Scope:
        """
        Return the scope that a text names: ``account``, ``symbol:ID`` or ``strategy:ID``.

        Raises
        ------
        KillError
            If it names none.

        """
        kind, _, name = text.strip().partition(":")
        if kind == "account" and not name:
            return ACCOUNT
        if kind in ("symbol", "strategy") and name:
            return Scope(kind, name)
        raise KillError(f"scope = {text!r} must be account, symbol:ID or strategy:ID")

    def covers(self, instrument_id: str, strategy_id: str) -> bool:
        """Return whether an order of this symbol and strategy falls under it."""
        match self.kind:
            case "symbol":
                return self.name == instrument_id
            case "strategy":
                return self.name == strategy_id
            case _:
                return True

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


ACCOUNT = Scope()


class Kill(NamedTuple):
    """
    One pull of the switch.

    Parameters
    ----------
    level : KillLevel
        How much is stopped.
    scope : Scope
        Of what.
    by, reason, source : str
        Who pulled it, why, and which way it came (``redis``, ``file``, ``signal``, ...).
    ts_ns : int
        When it was taken note of, Unix nanoseconds.

    """

    level: KillLevel
    scope: Scope
    by: str
    reason: str
    source: str
    ts_ns: int

    @property
    def cause(self) -> str:
        """Return ``KILLED: observed=..., limit=...``, the cause that it leaves in the latch."""
        return (
            f"{self.cause_name}: observed={self.level.name} by {self.by} over {self.source}: "
            f"{self.reason}, limit=no pull of the kill switch"
        )

    @property
    def flattens(self) -> bool:
        """Return whether positions are closed."""
        return self.level is KillLevel.FLATTEN

    @property
    def cause_name(self) -> str:
        """Return the name that tells this kill's cause from others."""
        return f"KILLED_{self.level.name}" + (f"_{self.scope}" if self.scope.name else "")

    def row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return self._asdict() | {"level": self.level.name, "scope": str(self.scope)}

    @staticmethod
    def from_row(row: dict[str, Any]) -> Kill:
        """
        Return the kill that `row` made these values of.

        Raises
        ------
        ValueError, KeyError, TypeError
            If they are of no kill.

        """
        return Kill(
            KillLevel[row["level"]], Scope.parse(row["scope"]), plain_words(str(row["by"])),
            plain_words(str(row["reason"])), str(row["source"]), int(row["ts_ns"]),
        )  # fmt: skip


def aimed(kill: Kill, symbols: Collection[str], strategies: Collection[str]) -> Kill | None:
    """
    Return the kill with its scope as it is called here; None when it names nothing here.

    A symbol may be written as the venue does (``symbol:BTCUSDT``).

    Parameters
    ----------
    symbols, strategies : Collection[str]
        The instrument ids and strategy ids that are known.

    """
    kind, name = kill.scope
    if not name or name in (symbols if kind == "symbol" else strategies):
        return kill
    found = [key for key in symbols if kind == "symbol" and venue_symbol(key) == venue_symbol(name)]
    return kill._replace(scope=Scope(kind, found[0])) if len(found) == 1 else None


def nothing_here(scope: Scope, symbols: Collection[str], strategies: Collection[str]) -> str:
    """Return why a kill of what `aimed` does not find is refused, for a person."""
    known = (*(f"symbol:{s}" for s in symbols), *(f"strategy:{s}" for s in strategies))
    return (
        f"scope = {scope}: names nothing here, NOTHING IS STOPPED; known are "
        f"{', '.join(known) or 'none: give --state'}"
    )


def at_account(kill: Kill) -> Kill:
    """Return the kill for the whole account, because what it names is nothing here."""
    return kill._replace(scope=ACCOUNT, reason=f"{kill.reason} ({kill.scope} is nothing here)")


def switch_text(kill: Kill, trader_id: str) -> str:
    """Return what pulls a switch for one trader: `parse_kill` reads it back."""
    return json.dumps(kill.row() | {"trader_id": trader_id}, ensure_ascii=False)


def venue_symbol(name: str) -> str:
    """Return the venue's symbol of an instrument id, or of a symbol written as the venue does."""
    return name.partition(".")[0].partition("-")[0].upper()


def plain_words(text: str) -> str:
    """Return a text on one line that can be written down anywhere, cut to `WORDS_LENGTH_MAX`."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:WORDS_LENGTH_MAX]


def parse_kill(
    text: str | None, *, default: KillLevel, source: str, by: str, ts_ns: int
) -> Kill | None:
    """
    Return what the contents of a switch ask for; None when nobody has pulled it.

    ``0`` and nothing: not pulled. ``1``: *default*. ``LEVEL``, ``LEVEL reason``, and a JSON object
    with any of ``level``, ``scope``, ``by`` and ``reason``: as they say; a scope that is none is the
    account. Anything else pulls *default* for the account too, with the text as its reason: whoever
    writes into a kill switch in a hurry means it.

    Parameters
    ----------
    text : str, optional
        The contents; None when there is no switch. What goes beyond `TEXT_LENGTH_MAX` is cut off.
    default : KillLevel
        What a bare pull means.
    source, by : str
        Which way it came, and who it counts as when the contents do not say.
    ts_ns : int
        Now, Unix nanoseconds.

    """
    said = " ".join((text or "")[:TEXT_LENGTH_MAX].split())
    if said in NOT_PULLED:
        return None
    told = "no reason given" if said == "1" else plain_words(said)
    whole = Kill(default, ACCOUNT, by, told, source, ts_ns)
    if said == "1":
        return whole
    try:
        if said.startswith("{"):
            return _from_table(json.loads(said), whole)
    except (ValueError, TypeError, RecursionError):
        return whole
    word, _, reason = said.partition(" ")
    if re.sub(r"\W+$", "", word).upper() in KillLevel.__members__:
        level = KillLevel[re.sub(r"\W+$", "", word).upper()]
        return whole._replace(level=level, reason=plain_words(reason) or "no reason given")
    return whole


def _from_table(table: dict[str, Any], whole: Kill) -> Kill:
    """Return the kill that a JSON object asks for; a level that is none is the default one."""
    name = str(table.get("level", whole.level.name)).upper()
    aim = plain_words(str(table.get("scope", "account")))
    reason = plain_words(str(table.get("reason") or "no reason given"))
    try:
        scope = Scope.parse(aim)
    except KillError:
        scope, reason = ACCOUNT, f"{reason} (scope: {aim})"
    return whole._replace(
        level=KillLevel.__members__.get(name, whole.level),
        scope=scope,
        by=plain_words(str(table.get("by") or whole.by)),
        reason=reason,
    )
