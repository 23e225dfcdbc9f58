"""The order of the rules: the first one that denies, answers; and the tally that each one keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from risk import rules as r
from risk.decision import Denial, DenyReason, plain
from risk.filters import venue_accepts
from risk.rules import Case, Rule

D = DenyReason

ENTRY_RULES: tuple[Rule, ...] = (
    Rule("side", 2, "Sides allowed", D.SIDE_NOT_ALLOWED, r.side_is_allowed),
    Rule("order_type", 2, "Order types allowed for entries", D.ORDER_TYPE_NOT_ALLOWED, r.type_is_allowed),
    Rule("emulated", 2, "No emulated entries", D.EMULATED_ENTRY_NOT_ALLOWED, r.entry_is_not_emulated),
    Rule("unit", 4, "Quantities in base units", D.QUOTE_QUANTITY_NOT_ALLOWED, r.unit_is_base),
    Rule("settlement", 4, "Settled in USDT", D.SETTLEMENT_CURRENCY_NOT_ALLOWED, r.settlement_is_usdt),
    Rule("price_known", 16, "Price known", D.PRICE_MISSING, r.price_is_known),
    Rule("price_age", 16, "Price age (ms)", D.PRICE_STALE, r.price_age_ms),
    Rule("price_crossed", 16, "Bid below ask", D.PRICE_CROSSED, r.market_is_not_crossed),
    Rule("spread", 16, "Bid-ask spread (bps)", D.SPREAD_EXCEEDS_MAX, r.spread_bps),
    Rule("mark_divergence", 16, "Mark near mid price (bps)", D.MARK_DIVERGENCE_EXCEEDS_MAX, r.mark_divergence_bps),
    Rule("order_qty", 3, "Maximum order quantity (base units)", D.QUANTITY_EXCEEDS_MAX_PER_ORDER, r.order_qty),
    Rule("order_notional", 4, "Maximum order notional (USDT)", D.NOTIONAL_EXCEEDS_MAX_PER_ORDER, r.order_notional),
    Rule("list_notional", 4, "Maximum list notional (USDT)", D.NOTIONAL_EXCEEDS_MAX_PER_LIST, r.list_notional),
    Rule("flip", 19, "One direction at a time", D.POSITION_FLIP, r.no_flip),
    Rule("stop_present", 18, "Protective stop required", D.STOP_LOSS_REQUIRED, r.stop_is_present),
    Rule("stop_side", 18, "Stop on the right side", D.STOP_LOSS_WRONG_SIDE, r.stop_is_on_the_right_side),
    Rule("stop_distance", 18, "Maximum stop distance (bps)", D.STOP_LOSS_TOO_FAR, r.stop_distance_bps),
    Rule("venue_filters", 5, "Venue filters", D.PRICE_OFF_TICK, venue_accepts),
    Rule("price_collar", 6, "Price collar (bps)", D.PRICE_OUTSIDE_COLLAR, r.price_deviation_bps),
    Rule("slippage", 6, "Expected slippage (bps)", D.SLIPPAGE_EXCEEDS_MAX, r.slippage_bps),
    Rule("position", 8, "Maximum position, worst case (USDT)", D.POSITION_EXCEEDS_MAX, r.position_notional),
    Rule("others_known", 9, "Other positions can be valued", D.PRICE_MISSING, r.others_are_known),
    Rule("gross", 9, "Maximum gross exposure (USDT)", D.GROSS_EXPOSURE_EXCEEDS_MAX, r.gross_notional),
    Rule("net", 9, "Maximum net exposure (USDT)", D.NET_EXPOSURE_EXCEEDS_MAX, r.net_notional),
    Rule("leverage", 9, "Maximum leverage", D.LEVERAGE_EXCEEDS_MAX, r.leverage),
    Rule("self_match", 15, "Self-match prevention", D.SELF_MATCH, r.no_self_match),
    Rule("rate_sec", 12, "Message throttle, 1 s", D.MESSAGE_RATE_EXCEEDS_MAX, r.messages_per_sec),
    Rule("rate_min", 12, "Message throttle, 60 s", D.MESSAGE_RATE_EXCEEDS_MAX, r.messages_per_min),
)  # fmt: skip

OTHER_CONTROLS: tuple[tuple[str, int, str], ...] = (
    ("choke_point", 1, "Single choke point"),
    ("symbol", 2, "Symbols allowed"),
    ("order_id", 14, "Order ids used once"),
    ("repeated", 13, "Repeated-execution throttle (entries in the window)"),
    ("exit_qty", 19, "Exits within the position"),
    ("stop_kept", 18, "Protective stop kept"),
    ("state", 23, "Trading state"),
    ("journal", 31, "Journal writable"),
    ("venue", 12, "Venue not limiting, its streams alive"),
    ("unrealized_loss", 20, "Unrealized loss (share of equity)"),
    ("daily_loss", 20, "Daily loss (share of equity)"),
    ("drawdown", 21, "Drawdown (share of peak equity)"),
    ("price_shock", 22, "Price shock (bps within the window)"),
)
"""``(key, control, name)`` of what is judged outside the rules for entries."""
STORMS: tuple[tuple[str, int, str], ...] = (
    ("denial_storm", 13, "Denials within the window"),
    ("reject_storm", 13, "Rejections by the venue within the window"),
)
"""The same, where the limits have ``storms``."""


class Tally:
    """How often a control was evaluated, how often it denied, and how close it came."""

    __slots__ = (
        "closest",
        "control",
        "denied",
        "evaluated",
        "first_ns",
        "key",
        "last_ns",
        "name",
    )

    def __init__(self, key: str, control: int, name: str) -> None:
        self.key = key
        self.control = control
        self.name = name
        self.evaluated = 0
        self.denied = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.closest: tuple[Decimal | int, Decimal | int, str, int] | None = None

    def approach(
        self, observed: Decimal | int, limit: Decimal | int, instrument_id: str, ts_ns: int
    ) -> None:
        """Remember the closest approach to the limit."""
        if self.closest is not None:
            before, bound = self.closest[:2]
            # Most decisions end here: the same limit, and not closer. No division on this path.
            if observed <= before if limit is bound else observed * bound <= before * limit:
                return
        self.closest = (observed, limit, instrument_id, ts_ns)

    def deny(self, ts_ns: int) -> None:
        """Count a denial (or, for a breaker, a trip)."""
        self.denied += 1
        self.first_ns = self.first_ns or ts_ns
        self.last_ns = ts_ns

    def row(self) -> dict[str, Any]:
        """Return the tally as plain values for a report."""
        closest = None
        if self.closest is not None:
            observed, limit, instrument_id, ts_ns = self.closest
            closest = {
                "ratio": float(Decimal(observed) / limit if limit else observed),
                "observed": plain(observed),
                "limit": plain(limit),
                "instrument_id": instrument_id,
                "ts": ts_ns,
            }
        return {
            "key": self.key, "control": self.control, "name": self.name,
            "evaluated": self.evaluated, "denied": self.denied, "closest": closest,
            "first_denied_ns": self.first_ns, "last_denied_ns": self.last_ns,
        }  # fmt: skip


class Rulebook:
    """Runs the rules for entries over a case and keeps the tallies of every control."""

    def __init__(self, *, has_storms: bool = False) -> None:
        named = [(rule.key, rule.control, rule.name) for rule in ENTRY_RULES]
        others = (*OTHER_CONTROLS, *(STORMS if has_storms else ()))
        self.tallies = {key: Tally(key, control, name) for key, control, name in (*named, *others)}
        self._entries = 0
        self._steps = tuple((rule, rule.measure, self.tallies[rule.key]) for rule in ENTRY_RULES)

    def judge_entry(self, case: Case) -> Denial | None:
        """Return the first denial, or None when every rule lets the entry pass."""
        self._entries += 1
        for rule, measure, tally in self._steps:
            verdict = measure(case)
            if verdict is None:
                continue
            if len(verdict) == 3:  # a Denial; what was measured has two parts
                tally.deny(case.now_ns)
                return verdict
            observed, limit = verdict
            closest = tally.closest
            if closest is None or limit is not closest[1] or observed > closest[0]:
                tally.approach(observed, limit, case.order.instrument_id, case.now_ns)
            if observed > limit:
                tally.deny(case.now_ns)
                return Denial(rule.reason, observed, limit)
        return None

    def report(self) -> list[dict[str, Any]]:
        """
        Return every control's tally.

        A rule was evaluated for every entry that no rule before it denied.

        """
        left = self._entries
        for _, _, tally in self._steps:
            tally.evaluated, left = left, left - tally.denied
        return [tally.row() for tally in self.tallies.values()]

    def judged(self, key: str, denial: Denial | None, now_ns: int) -> Denial | None:
        """Count the verdict of a control that is judged elsewhere, and hand it on."""
        tally = self.tallies[key]
        tally.evaluated += 1
        if denial is not None:
            tally.deny(now_ns)
        return denial
