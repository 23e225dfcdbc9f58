"""When a fault is in force: from when, how long, on what, how often, with what chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from venue.faults.arguments import FaultError, build, duration_ms
from venue.faults.fault import Fault
from venue.faults.matching import Pattern
from venue.faults.registry import FAULTS

_KEYS = ("name", "at", "for", "every", "on", "probability", "count", "account", "args")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    A fault and when it is in force; times count from when it was armed.

    Attributes
    ----------
    at_ms : int
        From when (0: at once).
    for_ms : int or None
        How long it meets things, or how long until an action is undone; None for ever.
    every_ms : int or None
        How long until an action is done again.
    on : Pattern or None
        What it meets, or what sets an action off; None for an action of its time alone.
    probability : float
        The chance of each meeting, or of each doing, above 0 and up to 1.
    count : int or None
        How often at most; None without end.
    account : str or None
        Whose requests and events alone; None for everybody's.

    """

    fault: Fault
    at_ms: int = 0
    for_ms: int | None = None
    every_ms: int | None = None
    on: Pattern | None = None
    probability: float = 1.0
    count: int | None = None
    account: str | None = None


def parse_plan(entry: Mapping[str, Any], where: str = "fault") -> Plan:
    """
    Return the plan that an entry of a scenario, or of the control address, describes.

    The keys are ``name``, ``at``, ``for``, ``every``, ``on``, ``probability``, ``count``,
    ``account`` and the table ``args`` of the fault's own arguments.

    Raises
    ------
    FaultError
        If the fault or a key is unknown, or a value is not what the key takes.

    """
    name = entry.get("name")
    if name not in FAULTS:
        raise FaultError(f"{where}: no fault is called {name!r}; see `python -m venue.faults`")
    where = f"{where} {name}"
    unknown = sorted(set(entry) - set(_KEYS))
    if unknown:
        raise FaultError(f"{where}: no key {unknown[0]!r}; there are: {', '.join(_KEYS)}")
    args = entry.get("args", {})
    if not isinstance(args, Mapping):
        raise FaultError(f"{where}: args is {args!r}, not a table")
    cls = FAULTS[name]
    return Plan(
        fault=build(cls, where, args),
        at_ms=duration_ms(where, "at", entry.get("at", 0)),
        for_ms=_optional_ms(where, "for", entry),
        every_ms=_every_ms(where, entry, cls),
        on=_pattern(where, entry, cls),
        probability=_probability(where, entry.get("probability", 1.0)),
        count=_count(where, entry, cls),
        account=_account(where, entry.get("account")),
    )


def _optional_ms(where: str, name: str, entry: Mapping[str, Any]) -> int | None:
    if name not in entry:
        return None
    found = duration_ms(where, name, entry[name])
    if found == 0:
        raise FaultError(f"{where}: {name} is {entry[name]!r}, not above 0")
    return found


def _every_ms(where: str, entry: Mapping[str, Any], cls: type[Fault]) -> int | None:
    every_ms = _optional_ms(where, "every", entry)
    if every_ms is None:
        return None
    if not cls.is_action or "on" in entry:
        raise FaultError(f"{where}: every is for a fault that is done at a time, without on")
    lasting_ms = _optional_ms(where, "for", entry)
    if lasting_ms is not None and lasting_ms >= every_ms:
        raise FaultError(f"{where}: every is {entry['every']!r}, not above for")
    return every_ms


def _pattern(where: str, entry: Mapping[str, Any], cls: type[Fault]) -> Pattern | None:
    text = entry.get("on", cls.default_on)
    if not isinstance(text, str):
        raise FaultError(f"{where}: on is {text!r}, not a text such as {cls.default_on or 'order'}")
    if not text:
        return None
    pattern, usual = Pattern.parse(where, text), cls.default_on.partition(":")[0]
    if cls.is_action:
        if pattern.kind == "stream":
            raise FaultError(f"{where}: on is {text!r}; a stream sets nothing off")
    elif usual in ("event", "stream") and pattern.kind != usual:
        raise FaultError(f"{where}: on is {text!r}, not {usual}[:WORD...]")
    elif usual not in ("event", "stream") and not pattern.is_of_requests:
        raise FaultError(f"{where}: on is {text!r}, which is no request")
    return pattern


def _probability(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise FaultError(f"{where}: probability is {value!r}, not above 0 and up to 1")
    return float(value)


def _count(where: str, entry: Mapping[str, Any], cls: type[Fault]) -> int | None:
    if "count" not in entry:
        # A thing is done once unless told otherwise; what passes is met as long as it passes.
        return 1 if cls.is_action and "every" not in entry else None
    value = entry["count"]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FaultError(f"{where}: count is {value!r}, not a whole number from 1")
    return value


def _account(where: str, value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise FaultError(f"{where}: account is {value!r}, not the name of an account")
    return value
