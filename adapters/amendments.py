"""Amendments of one order that are asked for while others of it are under way."""

from __future__ import annotations

from collections import defaultdict

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.identifiers import ClientOrderId


class Amendments:
    """
    Knows which amendment holds for an order that is no more when its turn comes.

    An amendment is approved with all terms that the order then has, also those that it leaves out.
    When one that is under way changes such a term, the approved terms are not what anybody wants:
    a stop that grows and is moved at once would shrink back.

    """

    def __init__(self) -> None:
        self._under_way: dict[ClientOrderId, list[ModifyOrder]] = defaultdict(list)
        self._overtaken: set[UUID4] = set()

    def ask(self, command: ModifyOrder) -> None:
        """Take note of an amendment that waits for its turn."""
        under_way = self._under_way[command.client_order_id]
        if any(_named(other) - _named(command) for other in under_way):
            self._overtaken.add(command.id)
        under_way.append(command)

    def is_overtaken(self, command: ModifyOrder) -> bool:
        """Return whether one before it names a term that it leaves out."""
        return command.id in self._overtaken

    def end(self, command: ModifyOrder) -> None:
        """Forget an amendment that was sent, or will not be."""
        self._overtaken.discard(command.id)
        under_way = self._under_way[command.client_order_id]
        if command in under_way:
            under_way.remove(command)
        if not under_way:
            del self._under_way[command.client_order_id]


def _named(command: ModifyOrder) -> set[str]:
    return {
        name
        for name in ("quantity", "price", "trigger_price")
        if getattr(command, name) is not None
    }
