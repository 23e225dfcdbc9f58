"""Floors that only the venue can tell of: liquidation, margin, and positions that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from nautilus_trader.model.identifiers import InstrumentId

from risk.limits import ProtectionLimits
from risk.protection import ZERO, Fault, Finding, liquidation_finding, margin_finding

LOOKS = 2
"""So often in a row a look must show it: one odd answer does nothing."""


class Fact(Protocol):
    """A position as the venue shows it; its prices are of one moment."""

    @property
    def amount(self) -> Decimal: ...
    @property
    def entry_price(self) -> Decimal: ...
    @property
    def liquidation_price(self) -> Decimal | None: ...
    @property
    def mark_price(self) -> Decimal | None: ...
    @property
    def maintenance_margin(self) -> Decimal | None: ...


class VenueFloors:
    """
    Compares what the venue says of positions with the limits, one look after another.

    Parameters
    ----------
    limits : ProtectionLimits
        The floors.

    """

    def __init__(self, limits: ProtectionLimits) -> None:
        self._limits = limits
        self._seen: dict[tuple[InstrumentId, Fault], int] = {}
        self._differing: set[InstrumentId] = set()

    @property
    def is_suspicious(self) -> bool:
        """Return whether the last look has shown something that the next one must confirm."""
        return bool(self._seen or self._differing)

    def differ(
        self, facts: Mapping[InstrumentId, Fact], here: Mapping[InstrumentId, Decimal]
    ) -> bool:
        """Return whether a position was another than here in two looks in a row."""
        differing = {
            key for key, qty in here.items() if qty != (facts[key].amount if key in facts else ZERO)
        }
        confirmed = differing & self._differing
        self._differing = differing - confirmed
        return bool(confirmed)

    def look(
        self, facts: Mapping[InstrumentId, Fact], balance: Decimal | None
    ) -> Iterator[tuple[InstrumentId, Finding]]:
        """
        Yield what must be closed: findings that this look and the one before have shown.

        Parameters
        ----------
        balance : Decimal, optional
            The wallet balance of the account, USDT.

        """
        found = dict(self._found(facts, balance))
        self._seen = {key: self._seen.get(key, 0) + 1 for key in found}
        for (instrument_id, fault), finding in found.items():
            if self._seen[instrument_id, fault] >= LOOKS:
                yield instrument_id, finding

    def _found(
        self, facts: Mapping[InstrumentId, Fact], balance: Decimal | None
    ) -> Iterator[tuple[tuple[InstrumentId, Fault], Finding]]:
        for key, fact in facts.items():
            near = liquidation_finding(
                fact.amount, fact.liquidation_price, fact.mark_price,
                self._limits.liquidation_distance_bps_min,
            )  # fmt: skip
            if near is not None:
                yield (key, near.fault), near
        priced = {key: fact for key, fact in facts.items() if fact.mark_price is not None}
        if len(priced) < len(facts) or not facts:
            return  # A sum with a part missing says nothing.
        needed = sum((fact.maintenance_margin or ZERO for fact in facts.values()), ZERO)
        unrealized = sum(
            ((f.mark_price or ZERO) - f.entry_price) * f.amount for f in facts.values()
        )
        worth = None if balance is None else balance + unrealized
        margin = margin_finding(needed, worth, self._limits.margin_ratio_max)
        if margin is not None:
            largest = max(
                facts, key=lambda key: abs(facts[key].amount * (facts[key].mark_price or ZERO))
            )
            yield (
                (largest, margin.fault), margin._replace(qty=abs(facts[largest].amount)),
            )  # fmt: skip
