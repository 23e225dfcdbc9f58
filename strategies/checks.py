"""Refuse a bad parameter with its key, its value and the rule it broke."""

from decimal import Decimal


def require(key: str, value: object, rule: str, *, holds: bool) -> None:
    """
    Raise unless the rule *holds* for the value of *key*.

    Raises
    ------
    ValueError
        Naming the key, the value and the rule.

    """
    if not holds:
        raise ValueError(f"{key}: was {value}, must be {rule}")


def require_positive(key: str, value: Decimal | int | None) -> None:
    """
    Raise unless *value* is a finite number above zero; ``None`` (not set) passes.

    Raises
    ------
    ValueError
        Naming the key, the value and the rule.

    """
    if value is None:
        return
    finite = Decimal(value).is_finite()
    require(key, value, "a finite number > 0", holds=finite and value > 0)
