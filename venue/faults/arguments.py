"""Arguments of faults: declared beside the fault, checked with the name of what is wrong."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from venue.config import ConfigError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


class FaultError(ConfigError):
    """A fault that cannot be armed as asked; the text names the key, the value and the rule."""


def arg(
    default: Any,
    doc: str,
    *,
    low: Any = None,
    high: Any = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """
    Declare an argument of a fault.

    Parameters
    ----------
    default : object
        What it is when not given; its type is the argument's. ``MISSING`` for one that must be
        given (a text).
    doc : str
        What it means, with its unit.
    low, high : object, optional
        Bounds, both allowed.
    choices : tuple[str, ...]
        The only values there are.

    """
    metadata = {"doc": doc, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


def number(default: str, doc: str, *, low: str = "0", high: str = "1000000000") -> Any:
    """Declare an argument that is an exact number; bounds as in ``arg``."""
    return arg(Decimal(default), doc, low=Decimal(low), high=Decimal(high))


def build[T](cls: type[T], where: str, given: Mapping[str, Any]) -> T:
    """
    Return an instance of a dataclass of arguments.

    Raises
    ------
    FaultError
        If an argument is unknown, missing, of the wrong type or out of bounds.

    """
    known = {f.name: f for f in fields(cls) if f.init}  # type: ignore[arg-type] - a dataclass
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise FaultError(f"{where}: no argument {name!r}; there are: {allowed}")
    values = {}
    for name, declared in known.items():
        if name in given:
            values[name] = _checked(where, declared, given[name])
        elif declared.default is MISSING:
            raise FaultError(f"{where}: {name} is missing")
    return cls(**values)


def duration_ms(where: str, name: str, value: Any) -> int:
    """
    Return a duration: a whole number of milliseconds, or text such as ``500ms``, ``30s``, ``2m``.

    Raises
    ------
    FaultError
        If it is neither, or negative.

    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise FaultError(f"{where}: {name} is {value!r}, not a duration such as 500ms, 30s or 2m")
    return round(float(match[1]) * _UNITS_MS[match[2]])


def _checked(where: str, declared: "Field[Any]", value: Any) -> Any:
    name, rules = declared.name, declared.metadata
    if name.endswith("_ms"):
        if value is None and declared.default is None:
            return None
        found: Any = _signed_ms(where, name, value, rules["low"])
    else:
        found = _typed(where, declared, value)
    low, high = rules["low"], rules["high"]
    if (low is not None and found < low) or (high is not None and found > high):
        bounds = f"{'' if low is None else low}..{'' if high is None else high}"
        raise FaultError(f"{where}: {name} is {value}, not in {bounds}")
    if rules["choices"] and found not in rules["choices"]:
        raise FaultError(f"{where}: {name} is {value!r}, not one of {', '.join(rules['choices'])}")
    return found


def _signed_ms(where: str, name: str, value: Any, low: Any) -> int:
    """Return a duration, below zero where the bound is: a clock may also run behind."""
    if low is not None and low < 0:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.startswith("-"):
            return -duration_ms(where, name, value[1:])
    return duration_ms(where, name, value)


def _typed(where: str, declared: "Field[Any]", value: Any) -> Any:
    name, default = declared.name, declared.default
    if isinstance(default, bool):
        is_right, kind = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        is_right, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif isinstance(default, Decimal):
        return _decimal(where, name, value)
    else:
        is_right, kind = isinstance(value, str) and bool(value), "a text"
    if not is_right:
        raise FaultError(f"{where}: {name} is {value!r}, not {kind}")
    return value


def _decimal(where: str, name: str, value: Any) -> Decimal:
    try:
        found = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise FaultError(f"{where}: {name} is {value!r}, not a number")
    return found
