"""The faults that are armed, and where they reach into the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from venue.engine.errors import VenueError
from venue.faults.arguments import FaultError
from venue.faults.fault import Moment, Stage
from venue.faults.plan import Plan, parse_plan
from venue.wire.hooks import Deliveries, Payload, Reaction, RequestInfo

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(eq=False, slots=True)
class _Armed:
    """A plan under way."""

    plan: Plan
    rng: Random
    from_ms: int
    hits: int = 0
    next_ms: int = 0  # when a timed action is due
    until_ms: int | None = None  # when what was done is undone
    is_lasting: bool = False
    is_over: bool = False  # ended by hand

    def is_open(self, now_ms: int) -> bool:
        """Return whether it may meet something now."""
        plan = self.plan
        if (
            self.is_over
            or now_ms < self.from_ms
            or (plan.count is not None and self.hits >= plan.count)
        ):
            return False
        if plan.fault.is_action or plan.for_ms is None:
            return True
        return now_ms < self.from_ms + plan.for_ms

    def is_for(self, account: str | None) -> bool:
        return self.plan.account is None or self.plan.account == account

    def has_luck(self) -> bool:
        """Roll the dice; a certain fault does not, so that its chance costs no number."""
        return self.plan.probability >= 1 or self.rng.random() < self.plan.probability


class FaultBook:
    """
    What the wire asks about every request, event, payload and connection.

    The same seed, plans and traffic meet the same faults: each plan has random numbers of its own.

    Parameters
    ----------
    seed : int
        Of all chances.

    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._stage: Stage | None = None
        self._armed: list[_Armed] = []
        self._now_ms = 0
        self._set_off: list[_Armed] = []

    def bind(self, stage: Stage, now_ms: int) -> None:
        """
        Give the faults what they reach; times of plans armed before count from now.

        Raises
        ------
        FaultError
            If one is of an account or a symbol that this venue has not.

        """
        self._stage = stage
        for armed in self._armed:
            _check_names(armed.plan, stage)
            armed.from_ms += now_ms
            armed.next_ms += now_ms
        self._now_ms = now_ms

    def arm(self, plan: Plan) -> int:
        """Put a plan into force from now on; return its number (errors as of ``bind``)."""
        if self._stage is not None:
            _check_names(plan, self._stage)
        number = len(self._armed) + 1
        rng = Random(f"{self._seed} {number} {plan.fault.name}")  # noqa: S311 - no secret
        from_ms = self._now_ms + plan.at_ms
        self._armed.append(_Armed(plan, rng, from_ms, next_ms=from_ms))
        return number

    def add(self, name: str, arguments: Mapping[str, Any]) -> int:
        """
        Arm a fault by its name and the keys of a scenario's entry; return its number.

        Raises
        ------
        FaultError
            Naming what is wrong.

        """
        return self.arm(parse_plan({"name": name} | dict(arguments)))

    def end(self, number: int) -> str:
        """
        End an armed fault now, and undo what it lasts by; return its name. Twice does no harm.

        Raises
        ------
        FaultError
            If none has that number.

        """
        if not 1 <= number <= len(self._armed):
            raise FaultError(f"number={number} must be 1 to {len(self._armed)}: an armed fault's")
        armed = self._armed[number - 1]
        armed.is_over = True
        if armed.is_lasting:
            self._end(armed)
        return armed.plan.fault.name

    def listing(self) -> list[dict[str, Any]]:
        """Return the armed faults: name, how often each has struck, whether it still may."""
        return [
            {
                "name": armed.plan.fault.name,
                "hits": armed.hits,
                "open": armed.is_open(self._now_ms),
                "lasting": armed.is_lasting,
            }
            for armed in self._armed
        ]

    # -- what the wire calls -------------------------------------------------------------------

    def advance(self, now_ms: int) -> None:
        """Do what is due, and undo what is over."""
        self._now_ms = max(self._now_ms, now_ms)
        for armed in self._armed:
            if armed.is_lasting and armed.until_ms is not None and now_ms >= armed.until_ms:
                self._end(armed)
        set_off, self._set_off = self._set_off, []
        for armed in set_off:
            self._do(armed)
        for armed in self._armed:
            plan = armed.plan
            if not plan.fault.is_action or plan.on is not None or now_ms < armed.next_ms:
                continue
            if armed.is_open(now_ms) and not armed.is_lasting:
                armed.next_ms = now_ms + (plan.every_ms or 0)
                if armed.has_luck():
                    self._do(armed)
                elif plan.every_ms is None:
                    armed.hits = plan.count or 0  # its one chance is gone

    def on_request(self, request: RequestInfo) -> Reaction | None:
        """Return what happens to a request; the first fault that hits it decides."""
        found: Reaction | None = None
        for armed in self._armed:
            plan = armed.plan
            plan.fault.watch(request, self._now_ms)
            if plan.on is None or not armed.is_open(self._now_ms):
                continue
            if not (armed.is_for(request.account) and plan.on.fits_request(request)):
                continue
            if plan.fault.is_action:
                self._may_set_off(armed)
            elif found is None and armed.has_luck():
                found = plan.fault.react(request, self._moment(armed))
                if found is not None:
                    self._struck(armed, f"{request.method} {request.path}")
        return found

    def on_user_event(self, account: str, payload: Payload) -> Deliveries:
        """Return what is sent in place of an event; every fault that hits it has its say."""
        deliveries: Deliveries = [(0, payload)]
        for armed in self._hit_by_event(account, payload):
            if armed.plan.fault.is_action:
                self._may_set_off(armed)
            elif armed.has_luck():
                self._struck(armed, str(payload.get("e")))
                deliveries = self._changed(armed, deliveries)
        return deliveries

    def on_market(self, stream: str, payload: Payload) -> Deliveries:
        """Return what is sent in place of a payload of a market stream."""
        deliveries: Deliveries = [(0, payload)]
        for armed in self._armed:
            on = armed.plan.on
            if on is None or not on.fits_stream(stream) or not armed.is_open(self._now_ms):
                continue
            if armed.has_luck():
                self._struck(armed, stream if armed.hits == 0 else None)
                deliveries = self._changed(armed, deliveries)
        return deliveries

    def on_connect(self, kind: str) -> VenueError | None:
        """Return why a connection is refused."""
        lasting = (armed.plan.fault for armed in self._armed if armed.is_lasting)
        return next((error for fault in lasting if (error := fault.refuses(kind))), None)

    # -- how -----------------------------------------------------------------------------------

    def _hit_by_event(self, account: str, payload: Payload) -> "Iterator[_Armed]":
        for armed in self._armed:
            on = armed.plan.on
            if on is None or not (armed.is_open(self._now_ms) and armed.is_for(account)):
                continue
            if on.fits_event(payload):
                yield armed

    def _changed(self, armed: _Armed, deliveries: Deliveries) -> Deliveries:
        moment, fault = self._moment(armed), armed.plan.fault
        return [
            (delay_ms + more_ms, sent)
            for delay_ms, payload in deliveries
            for more_ms, sent in fault.deliver(payload, moment)
        ]

    def _may_set_off(self, armed: _Armed) -> None:
        """Let an action follow what sets it off, once the exchange has dealt with that."""
        if not armed.is_lasting and armed not in self._set_off and armed.has_luck():
            self._set_off.append(armed)

    def _do(self, armed: _Armed) -> None:
        fault = armed.plan.fault
        try:
            detail = fault.start(self._moment(armed))
        except VenueError as error:
            detail = f"the exchange refused: {error}"
        self._struck(armed, detail)
        if armed.plan.for_ms is not None:
            armed.is_lasting = True
            armed.until_ms = self._now_ms + armed.plan.for_ms

    def _end(self, armed: _Armed) -> None:
        armed.is_lasting, armed.until_ms = False, None
        armed.plan.fault.end(self._moment(armed))
        self._note(armed, "over")

    def _struck(self, armed: _Armed, detail: str | None) -> None:
        armed.hits += 1
        if detail is not None:
            self._note(armed, detail)

    def _note(self, armed: _Armed, detail: str) -> None:
        assert self._stage is not None
        self._stage.wire.note(armed.plan.fault.name, detail)

    def _moment(self, armed: _Armed) -> Moment:
        assert self._stage is not None, "bind() comes before the first request"
        return Moment(self._now_ms, armed.rng, self._stage)


def _check_names(plan: Plan, stage: Stage) -> None:
    """Refuse what this venue has not; an empty name means everybody."""
    named = {
        "account": (stage.exchange.accounts, {plan.account, getattr(plan.fault, "account", None)}),
        "symbol": (stage.exchange.symbols, {getattr(plan.fault, "symbol", None)}),
    }
    for key, (known, names) in named.items():
        for name in names - {None, ""}:
            if name not in known:
                where = f"fault {plan.fault.name}: {key} is {name!r}"
                raise FaultError(f"{where}, this venue has {', '.join(known)}")
