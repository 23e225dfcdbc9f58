"""Under which id an order stands at the venue: its own, or that of the order that replaced it."""

from __future__ import annotations

CLIENT_ID_LENGTH_MAX = 36
"""Binance: New Order, ``newClientOrderId``."""
SEPARATOR = ":"


def base_of(client_id: str) -> str:
    """Return the id of the order that *client_id* stands for: ``base`` of ``base:n``."""
    base, separator, serial = client_id.rpartition(SEPARATOR)
    return base if separator and base and serial.isdecimal() else client_id


def serial_of(client_id: str) -> int:
    """Return the ``n`` of ``base:n``, 0 for an order that replaces none."""
    serial = client_id[len(base_of(client_id)) + 1 :]
    return int(serial) if serial else 0


def with_serial(base: str, serial: int) -> str:
    """
    Return the id of the *serial*-th replacement of *base*.

    Raises
    ------
    ValueError
        If the venue takes no id that long.

    """
    client_id = f"{base}{SEPARATOR}{serial}" if serial else base
    if len(client_id) > CLIENT_ID_LENGTH_MAX:
        raise ValueError(
            f"client order id {client_id!r} has {len(client_id)} characters, "
            f"the venue takes {CLIENT_ID_LENGTH_MAX}"
        )
    return client_id


class OrderIds:
    """Remembers which replacement of an order is the one in force."""

    def __init__(self) -> None:
        self._current: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def current(self, base: str) -> str:
        """Return the id in force at the venue."""
        return with_serial(base, self._current.get(base, 0))

    def is_current(self, client_id: str) -> bool:
        """Return whether *client_id* is in force, and not replaced or about to replace."""
        return self.current(base_of(client_id)) == client_id

    def new(self, base: str) -> str:
        """Return an id that no order had yet; it is not in force before `adopt`."""
        serial = self._last.get(base, 0) + 1
        client_id = with_serial(base, serial)
        self._last[base] = serial
        return client_id

    def adopt(self, client_id: str) -> None:
        """Put an id in force."""
        base, serial = base_of(client_id), serial_of(client_id)
        self._current[base] = serial
        self._last[base] = max(self._last.get(base, 0), serial)
