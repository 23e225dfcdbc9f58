"""What was sent, and whether the gate had said yes."""

from collections.abc import Iterator

from venue.checkers.ids import base_of
from venue.checkers.log import Breach, Line
from venue.checkers.papers import Permits, Terms, sent_orders
from venue.checkers.run import Run, Verdict

_CREATES = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder", "/fapi/v1/batchOrders"})
# Settings that a node must never change by itself: nothing of the gate approves them.
_SETTINGS = frozenset(
    {
        "/fapi/v1/leverage",
        "/fapi/v1/marginType",
        "/fapi/v1/positionSide/dual",
        "/fapi/v1/multiAssetsMargin",
        "/fapi/v1/positionMargin",
    },
)
_NS_PER_MS = 1_000_000


def check_approved(run: Run) -> Verdict:
    """Hold every order that was sent or amended against the approvals, each used once."""
    assert run.journal is not None
    permits, breaches, sent = Permits(run.journal), list[Breach](), 0
    for line in run.log.of("request"):
        if line["method"] == "POST" and line["path"] in _SETTINGS:
            breaches.append(Breach(line["n"], f"POST {line['path']}: nothing approves it"))
        if line["path"] not in _CREATES or line["method"] not in ("POST", "PUT"):
            continue
        for client_id, terms in sent_orders(line):
            sent += 1
            rule = permits.use(client_id, terms, is_amend=line["method"] == "PUT")
            if rule is not None:
                breaches.append(Breach(line["n"], f"{client_id} {terms}: {rule}"))
    return Verdict(breaches, {"orders sent": str(sent), "approvals unused": str(permits.unused())})


def check_halted(run: Run) -> Verdict:
    """In HALTED nothing goes out but cancels and exits; in REDUCING no new risk."""
    assert run.journal is not None
    breaches, sent = list[Breach](), 0
    exits = {base_of(i) for i, terms in _all_sent(run) if terms.is_reduce_only}
    for line in run.log.of("request"):
        if line["path"] not in _CREATES or line["method"] not in ("POST", "PUT"):
            continue
        state, since_ms = _state_at(run.journal, _sent_ms(line) - run.tolerance_ms)
        resumed, _ = _state_at(run.journal, _sent_ms(line) + 1)  # written before it takes effect
        if "ACTIVE" in (state, resumed):
            continue
        for client_id, terms in sent_orders(line):
            sent += 1
            is_exit = terms.is_reduce_only or base_of(client_id) in exits
            if not is_exit:
                after = _sent_ms(line) - since_ms
                verb = "amended" if line["method"] == "PUT" else "sent"
                text = f"{client_id} {terms}: {verb} {after} ms after {state}"
                breaches.append(Breach(line["n"], text))
    halts = sum(r["type"] == "state" and r["data"]["state"] == "HALTED" for r in run.journal)
    return Verdict(breaches, {"halts": str(halts), "orders while not ACTIVE": str(sent)})


def _all_sent(run: Run) -> Iterator[tuple[str, Terms]]:
    for line in run.log.of("request"):
        if line["path"] in _CREATES and line["method"] == "POST":
            yield from sent_orders(line)


def _sent_ms(line: Line) -> int:
    """Return when a request was sent by the node's own clock, which stamps its journal, too."""
    return int(line["params"].get("timestamp", line["ts"]))


def _state_at(journal: list[Line], at_ms: int) -> tuple[str, int]:
    """Return the trading state that the journal tells for a time, and since when."""
    state, since_ms = "ACTIVE", 0
    for record in journal:
        if record["type"] == "state" and record["ts"] // _NS_PER_MS < at_ms:
            state, since_ms = record["data"]["state"], record["ts"] // _NS_PER_MS
    return state, since_ms
