"""The venue's own books: money is moved here, never made. And the ids it gives out."""

from collections import defaultdict
from decimal import Decimal
from random import Random

from venue.engine.numbers import ZERO, money


class Ledger:
    """
    What stands against the accounts: deposits, fees, the insurance fund, the market outside.

    For each margin asset, at any time: sum over accounts of wallet - open cost, plus
    ``outside_cash``, ``fees`` and ``insurance_fund``, equals ``deposits``.
    """

    def __init__(self, insurance_fund: Decimal) -> None:
        self.deposits: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self.deposits["USDT"] = insurance_fund
        self.fees: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self.insurance_fund = insurance_fund
        self.outside_cash = ZERO
        self.outside_amt: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)

    def add_fee(self, asset: str, amount: Decimal) -> None:
        self.fees[asset] += amount

    def pay_outside(self, symbol: str, signed_qty: Decimal, price: Decimal) -> None:
        """Book the market's side of an account's fill of ``signed_qty`` at ``price``."""
        self.outside_cash += money(signed_qty * price)
        self.outside_amt[symbol] -= signed_qty


class Ids:
    """Order, algo, trade and transfer ids: rising, with seeded gaps, in spaces of their own."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - ids, no secret
        self._order = 22_542_000_000
        self._algo = 4_000_000_230_000_000
        self._trade = 700_000_000
        self._transfer = 9_000_000_000

    def next_order(self) -> int:
        self._order += self._random.randint(1, 40)
        return self._order

    def next_algo(self) -> int:
        self._algo += self._random.randint(1, 40)
        return self._algo

    def next_trade(self) -> int:
        self._trade += 1
        return self._trade

    def next_transfer(self) -> int:
        self._transfer += 1
        return self._transfer

    def client_id(self) -> str:
        """Return a client order id for an order that came without one."""
        return f"{self._random.getrandbits(100):022x}"[:22]
