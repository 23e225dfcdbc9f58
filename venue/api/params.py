"""Reading a request's parameters, with the venue's code for each mistake."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal

from venue.engine.errors import refusal

_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?")
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


class Params:
    """
    The text parameters of one request.

    An empty text counts as not sent, as at the venue.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {key: value for key, value in values.items() if value != ""}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str = "") -> str:
        return self._values.get(key, default)

    def require(self, key: str) -> str:
        """Return a mandatory text (-1102)."""
        if key not in self._values:
            raise refusal(-1102, key)
        return self._values[key]

    def choice(self, key: str, choices: Collection[str], code: int, default: str = "") -> str:
        """Return one of the choices; refuse others with the code, a missing one with -1102."""
        value = self._values.get(key, default) or self.require(key)
        if value not in choices:
            raise refusal(code, key) if code == -1130 else refusal(code)
        return value

    def decimal(self, key: str) -> Decimal | None:
        """Return a number, None if it was not sent; refuse what is no number (-1102)."""
        value = self._values.get(key)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise refusal(-1102, key)
        return Decimal(value)

    def require_decimal(self, key: str) -> Decimal:
        self.require(key)
        value = self.decimal(key)
        assert value is not None
        return value

    def integer(self, key: str, *, low: int = 0, high: int | None = None) -> int | None:
        """Return a whole number within bounds (-1130), None if it was not sent."""
        value = self._values.get(key)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit():
            raise refusal(-1102, key)
        number = int(value)
        if number < low or (high is not None and number > high):
            raise refusal(-1130, key)
        return number

    def flag(self, key: str, *, default: bool = False, code: int = -1130) -> bool:
        """Return a boolean; the venue takes any case of true and false."""
        value = self._values.get(key)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise refusal(code, key) if code == -1130 else refusal(code)
        return value.lower() == "true"

    def client_id(self, key: str) -> str:
        """Return a client order id; refuse one that the venue's pattern does not match (-4015)."""
        value = self._values.get(key, "")
        if value and not _CLIENT_ID.fullmatch(value):
            raise refusal(-4015)
        return value

    def limit(self, default: int, most: int) -> int:
        """Return how many rows are asked for."""
        return self.integer("limit", low=1, high=most) or default
