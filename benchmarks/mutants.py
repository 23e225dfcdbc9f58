"""
Break the risk core and the last hop on purpose, one line at a time: each must turn a test red.

Every mutant is applied to a temporary copy of the tree, and the unit tests of its room run there.
A mutant that survives is a rule that no test holds.

    python -m benchmarks.mutants [--only TEXT] [--jobs N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from risk.rulebook import ENTRY_RULES

ROOT = Path(__file__).parents[1]
CORE_TESTS = ("tests/unit/risk",)
HOP_TESTS = tuple(
    f"tests/unit/adapters/test_{name}.py"
    for name in ("last_hop", "budget", "watchdog", "books", "clock")
)
NEEDED = (
    "risk", "adapters", "actors", "configs", "ops", "tests/unit/risk", *HOP_TESTS,
    "tests/risk_builders.py", "tests/conftest.py",
)  # fmt: skip


class Mutant(NamedTuple):
    """One break: *old* stands once in *file* (of ``risk/`` unless it says so) and becomes *new*."""

    file: str
    old: str
    new: str

    @property
    def is_core(self) -> bool:
        """Return whether the tests of the risk core must find it."""
        return "/" not in self.file

    @property
    def path(self) -> str:
        """Return the file's path in the tree."""
        return f"risk/{self.file}.py" if self.is_core else f"{self.file}.py"


LAST_LINE = "    except InvalidOperation:\n        return False"

BY_HAND = (
    # limits: at the limit, and one step over it
    Mutant("rulebook", "if observed > limit:", "if observed >= limit:"),
    Mutant("rulebook", "if observed > limit:", "if False:"),
    Mutant("breakers", "return self.observed > self.limit", "return self.observed >= self.limit"),
    Mutant("breakers", "loss > self._alarm_ratio * equity", "loss >= self._alarm_ratio * equity"),
    Mutant("judge", "if entries <= most:", "if entries < most:"),
    Mutant("exits", "if messages_sec > messages_per_sec_max:", "if messages_sec >= messages_per_sec_max:"),
    Mutant("exits", "if order.qty > reducible:", "if order.qty >= reducible:"),
    Mutant("exits", "in_flight + order.qty > reducible:", "in_flight + order.qty >= reducible:"),
    Mutant("windows", "times[0] <= horizon", "times[0] < horizon"),
    Mutant("windows", "highs[0][0] <= horizon", "highs[0][0] < horizon"),
    Mutant("windows", "lows[0][0] <= horizon", "lows[0][0] < horizon"),
    Mutant("rules", "stop.qty < order.qty and", "stop.qty <= order.qty and"),
    Mutant("rules", "(entry - trigger) * case.order.side > 0", "(entry - trigger) * 1 > 0"),
    Mutant("rules", "case.order.side > 0:", "case.order.side >= 0:"),
    Mutant("rules", "(reach - resting) * order.side >= 0", "(reach - resting) * order.side > 0"),
    Mutant("rules", "-(-age_ns // NS_PER_MS)", "age_ns // NS_PER_MS"),
    Mutant("rules", "market.bid >= market.ask and", "market.bid > market.ask and"),
    Mutant("rules", "equity is None or equity <= 0", "equity is None or equity < 0"),
    Mutant("filters", "qty < filters.min_qty", "qty <= filters.min_qty"),
    Mutant("filters", "qty > qty_max", "qty >= qty_max"),
    Mutant("filters", "order.qty * price < least", "order.qty * price <= least"),
    Mutant("filters", "if order.price > bound", "if order.price >= bound"),
    Mutant("filters", "if order.price < bound", "if order.price <= bound"),
    Mutant("filters", "wanted > most", "wanted >= most"),
    # reservations
    Mutant("book", "side.count(pending, pending.leaves_qty)\n        side.cover", "side.cover"),
    Mutant("book", "side.count(pending, -pending.leaves_qty)\n        side.cover", "side.cover"),
    Mutant("book", "pending.is_in_doubt = True\n", "pass\n"),
    Mutant("book", "self.side(pending.side).count(pending, -taken)\n", "pass\n"),
    Mutant("book", "side.cover_qty -= pending.cover_qty\n", "pass\n"),
    Mutant("book", "side.entry_prices.drop(client_order_id)\n", "pass\n"),
    Mutant("book", "side.resting.drop(client_order_id)\n", "pass\n"),
    Mutant("book", "if pending.leaves_qty == 0:\n", "if False:\n"),
    Mutant("judge", "            book.add(pending)\n            self._seen_ids", "            self._seen_ids"),
    Mutant("judge", "            self._seen_ids.add(order.client_order_id)\n            if", "            if"),
    Mutant("judge", "self._entry_window(order).take_back()", "pass"),
    Mutant("judge", "        except Exception:\n            self._take_back(reserved)\n", "        except Exception:\n"),  # noqa: E501 - a table
    Mutant("judge", "leaves_qty=max(leaves, pending.leaves_qty)", "leaves_qty=leaves"),
    Mutant("judge", "price=max(px, pending.price)", "price=px"),
    Mutant("judge", "pending.amends += 1", "pass"),
    # worst case
    Mutant("book", "shrink = self.side(side).exit_qty", "shrink = ZERO"),
    Mutant("book", "worst = position + self.side(side).entry_qty", "worst = position"),
    Mutant("book", "self.ref_px is not None and self.ref_px > entry", "False"),
    Mutant("rules", "max(order.price, reference) if order.side < 0 else order.price", "order.price"),
    Mutant("rules", "order.trigger_price * markup", "order.trigger_price"),
    Mutant("rules", "gross += max(long_side, short_side)", "gross += long_side"),
    # protective stops
    Mutant("lists", "and order.side == -entry.side\n", "\n"),
    Mutant("lists", "and order.instrument_id == entry.instrument_id\n", "\n"),
    Mutant("lists", "order.parent_id == entry.client_order_id\n            and", ""),
    Mutant("lists", "and order.order_type == PROTECTIVE_TYPE\n", "\n"),
    Mutant("lists", "and order.trigger_price is not None\n", "\n"),
    Mutant("lists", "and not order.is_emulated\n", "\n"),
    Mutant("lists", "and not order.is_quote_qty\n", "\n"),
    Mutant("judge", "hangs = order.client_order_id in stops", "hangs = True"),
    Mutant("judge", "pending.is_canceling = True", "pass"),
    Mutant("watch", "pending.is_accepted = True", "pass"),
    Mutant("exits", "* stop.side > 0 and needed > 0", "* stop.side > 0 and False"),
    Mutant("judge", "book.set_cover(pending, min(pending.cover_qty, leaves))", "pass"),
    Mutant("book", "(other.is_accepted or other.parent_id in self.pending)", "True"),
    Mutant("book", "(other.parent_id is not None or not is_looser(other, stop.trigger_price))", "True"),
    Mutant("book", "if stop.is_canceling:", "if False:"),
    Mutant("rules", "needed += order.qty", "pass"),
    # state, losses, journal, latch, approvals
    Mutant("state_machine", "max(state, self.state)", "state"),
    Mutant("state_machine", "if not by.strip() or not reason.strip():", "if False:"),
    Mutant("judge", "self.trip(TradingState.HALTED, denial.text, now_ns)", "pass"),
    Mutant("watch", "self._losses.rebase(pnl)", "pass"),
    Mutant("watch", "            self._losses.roll(self.account, now_ns)\n", "            pass\n"),
    Mutant("breakers", "- account.fees", ""),
    Mutant("breakers", "+ account.funding", ""),
    Mutant("breakers", "self._peak_pnl is None or pnl > self._peak_pnl", "self._peak_pnl is None"),
    Mutant("breakers", "return loss / equity if equity > 0 else 1 + loss", "return loss / equity"),
    Mutant("journal", "_seal(msgspec.json.encode(record))[0] != line", "False"),
    Mutant("journal", "if chained != (seq, prev):", "if False:"),
    Mutant("journal", "if self._failure is not None:", "if False:"),
    Mutant("latch", "part.replace(self.path)", "self.path.write_text(part.read_text())"),
    Mutant("approvals", "    known.remove(terms)\n", ""),
    Mutant("approvals", "if known is None or terms not in known:", "if known is None:"),
    Mutant("approvals", "self._claimed.pop(key, None)", "pass"),
    # stops watched: what is found, and when something is done about it
    Mutant("protection", "covered < open_qty", "covered <= open_qty"),
    Mutant("protection", "if covered > 0 else Fault.MISSING", "if covered >= 0 else Fault.MISSING"),
    Mutant("protection", "        if stop.is_resting\n        and", "        if"),
    Mutant("protection", "        and stop.is_reduce_only\n", ""),
    Mutant("protection", "        and stop.side == -position.side\n", ""),
    Mutant("protection", "        and not _is_too_far(stop, position, stop_distance_bps_max)\n", ""),
    Mutant("protection", "distance > stop_distance_bps_max", "distance >= stop_distance_bps_max"),
    Mutant("protection", "not stop.is_own and distance", "distance"),
    Mutant("protection", "for s in resting if s.is_reduce_only", "for s in resting"),
    Mutant("protection", "stop.leaves_qty <= spare_qty and", "stop.leaves_qty < spare_qty and"),
    Mutant("protection", "left_qty >= held_qty", "left_qty > held_qty"),
    Mutant("protection", "(s.is_own, -_loss(s, position))", "(s.is_own, _loss(s, position))"),
    Mutant("protection", "* stop.side >= 0 for price", "* stop.side > 0 for price"),
    Mutant("protection", "bool(passed) and all(passed)", "bool(passed) and any(passed)"),
    Mutant("protection", "bool(passed) and all(passed)", "all(passed)"),
    Mutant("protection", "abs(price.age_ms) <= age_ms_max", "abs(price.age_ms) < age_ms_max"),
    Mutant("protection", "price.value.is_finite() and price.value > 0 and", ""),
    Mutant("protection", "fresh.ask if stop.side < 0 else fresh.bid", "fresh.bid if stop.side < 0 else fresh.ask"),
    Mutant("protection", "distance >= distance_bps_min", "distance > distance_bps_min"),
    Mutant("protection", "<= margin_balance * margin_ratio_max", "< margin_balance * margin_ratio_max"),
    Mutant("protection", "maintenance_margin <= 0 or ", ""),
    Mutant("mending", "or not bare.is_heard ", ""),
    Mutant("mending", "bare.turn_ms < retry_ms", "bare.turn_ms <= retry_ms"),
    Mutant("mending", "- bare.exits_qty", ""),
    Mutant("mending", ">= unprotected_ms_max * CLOSE_SHARE", "> unprotected_ms_max * CLOSE_SHARE"),
    Mutant("mending", "(is_late and has_had_its_turn)", "is_late"),
    Mutant("mending", "bare.is_asked or bare.known_ms", "bare.known_ms"),
    Mutant("mending", "bare.is_through or bare.turn", "bare.turn"),
    Mutant("mending", "or (overdue and bare.turn == 0)", ""),
    Mutant("mending", "abs(position.signed_qty)) - exits_qty", "abs(position.signed_qty))"),
    Mutant("mending", ">= SETTLES[finding.fault]", "> SETTLES[finding.fault]"),
    Mutant("mending", "finding.fault in {Fault.MISSING, Fault.TOO_SMALL} for", "False for"),
    # kills and storms
    Mutant("kills", "return self.name == instrument_id", "return True"),
    Mutant("kills", "return self.name == strategy_id", "return True"),
    Mutant("kills", "if said in NOT_PULLED:", "if False:"),
    Mutant("kills", "if len(found) == 1 else None", "if found else None"),
    Mutant("storms", "now_ns - ts_ns >= self._window_ns", "now_ns - ts_ns > self._window_ns"),
    Mutant("storms", "if denial.reason in CLOSED_DOOR:", "if False:"),
    # the last hop, the venue's limits, the watch over streams
    Mutant("adapters/last_hop", "            approvals.use(key, terms)\n", ""),
    Mutant("adapters/last_hop", "not is_replaced and not approvals.use(key, ())", "not is_replaced and not approvals.claimed(key)"),  # noqa: E501 - a table
    Mutant("adapters/last_hop", "if difference is None:", "if True:"),
    Mutant("adapters/last_hop", "(expected.keys() | params.keys())", "expected.keys()"),
    Mutant("adapters/last_hop", "set()) - {client_id})", "set()))"),
    Mutant("adapters/last_hop", "is_replaced = path == ALGO_PATH and", "is_replaced ="),
    Mutant("adapters/last_hop", "        if extra:\n", "        if False:\n"),
    Mutant("adapters/last_hop", "and path == ALGO_PATH and serial_of(client_id):", "and serial_of(client_id):"),
    Mutant("adapters/last_hop", "if (method, path) in FREE:", "if method != 'GET' and path not in ID_KEYS:"),
    Mutant("adapters/last_hop", "if approvals is None:", "if False:"),
    Mutant("adapters/last_hop", "return expected if terms.order_type == OrderType.LIMIT else None", "return expected"),
    Mutant("adapters/last_hop", "if home != path or terms.is_quote_quantity:", "if terms.is_quote_quantity:"),
    Mutant("adapters/last_hop", '"GTX" if terms.is_post_only else', '"GTC" if terms.is_post_only else'),
    Mutant("adapters/last_hop", LAST_LINE, "    except InvalidOperation:\n        return True"),
    Mutant("adapters/budget", "> m.most * (1 - kept)", "> m.most"),
    Mutant("adapters/budget", "cost > m.most * (1 - kept)", "cost >= m.most * (1 - kept)"),
    Mutant("adapters/budget", "CARE_SHARE if passed.errand is Errand.CARE else 1", "CARE_SHARE"),
    Mutant("adapters/budget", "m.used(now) + cost > m.most", "m.used(now) + cost >= m.most"),
    Mutant("adapters/budget", "if passed.errand is Errand.EXIT:", "if False:"),
    Mutant("adapters/budget", "return told + self.on_its_way", "return told"),
    Mutant("adapters/budget", "max(used, self._used) if interval", "used if interval"),
    Mutant("adapters/budget", "self._is_ban and self._is_end_told and now", "self._is_ban and now"),
    Mutant("adapters/watchdog", "if age_ns <= self._max_ns:", "if age_ns < self._max_ns:"),
    Mutant("adapters/watchdog", "age_ns > LOST_AFTER * self._max_ns", "age_ns >= LOST_AFTER * self._max_ns"),
    Mutant("adapters/watchdog", "if line.reported is not kind:", "if True:"),
    Mutant("adapters/watchdog", 'lines = [("anything", self._all)]', "lines = []"),
    Mutant("adapters/books", "if not follows:", "if False:"),
    Mutant("adapters/books", "if diff.u >= last_update_id]", "]"),
    Mutant("adapters/clock", "min(samples, key=lambda s: s.round_trip_ns)", "samples[0]"),
    Mutant("adapters/clock", "// 2 > self._offset_ns_max", "// 2 >= self._offset_ns_max"),
    Mutant("limits", 'strict=True, extra="forbid"', 'strict=True, extra="ignore"'),
    Mutant("limits", "strict=True, extra", "strict=False, extra"),
    Mutant("limits", "if self.unrealized_loss_ratio_alarm > self", "if self.unrealized_loss_ratio_alarm >= self"),
)  # fmt: skip


def mutants() -> list[Mutant]:
    """Return the breaks by hand, and for each rule the book of rules without it."""
    text = (ROOT / "risk" / "rulebook.py").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if line.startswith("    Rule(")]
    assert len(lines) == len(ENTRY_RULES), "each rule stands on a line of its own"
    return [*(Mutant("rulebook", line, "") for line in lines), *BY_HAND]


def run(mutant: Mutant) -> str:
    """Return 'killed' or 'survived'."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for needed in NEEDED:
            source, target = ROOT / needed, tree / needed
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        shutil.copy(ROOT / "pyproject.toml", tree)
        path = tree / mutant.path
        text = path.read_text(encoding="utf-8")
        assert text.count(mutant.old) == 1, f"{mutant} does not stand once in its file"
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        command = [
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
            *(CORE_TESTS if mutant.is_core else HOP_TESTS),
            # These look at the whole tree, or at the text of the code.
            "--deselect", "tests/unit/risk/test_decision.py",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tree, capture_output=True, check=False)
        return "survived" if done.returncode == 0 else "killed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose file or text holds this")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    args = parser.parse_args()
    chosen = [m for m in mutants() if args.only in m.file + m.old]
    began = time.perf_counter()
    rule = mutants()[0].old
    same = (Mutant("rulebook", rule, rule), Mutant("adapters/last_hop", LAST_LINE, LAST_LINE))
    if any(run(mutant) != "survived" for mutant in same):
        parser.error("the tests fail on the unbroken tree: no mutant would prove anything")
    with ThreadPoolExecutor(args.jobs) as pool:
        fates = list(pool.map(run, chosen))
    rows = [{**m._asdict(), "fate": fate} for m, fate in zip(chosen, fates, strict=True)]
    for row in rows:
        print(f"{row['fate']:10} {row['file']:14} {' '.join(row['old'].split())[:90]}")
    alive = sum(fate != "killed" for fate in fates)
    print(f"{len(rows)} mutants, {alive} not killed, {time.perf_counter() - began:.0f} s")
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
