"""Denials carry their evidence, and every promise of the core is kept by some test."""

from __future__ import annotations

import ast
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from risk.decision import Denial, DenyReason, plain
from risk.limits import RiskLimits
from risk.rulebook import ENTRY_RULES, OTHER_CONTROLS
from tests.risk_builders import D, make_limits

ROOT = Path(__file__).parents[3]
CORE = (
    "approvals", "book", "breakers", "decision", "filters", "intent", "journal", "judge", "latch",
    "limits", "rulebook", "rules", "trading_state", "windows",
)  # fmt: skip
PURE = tuple(sorted(set(CORE) - {"journal", "latch"}))


def tree_of(module: str) -> ast.Module:
    return ast.parse((ROOT / "risk" / f"{module}.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("1.50"), "1.5"),
        (D("1E+3"), "1000"),
        (D("0.123456789"), "0.12345679"),
        (D("1E-9"), "0"),
        (D("-1E-9"), "0"),
        (D("-0"), "0"),
        (D("NaN"), "NaN"),
        (D(100), "100"),
        (7, "7"),
        ("none", "none"),
    ],
)
def test_a_number_is_shown_without_exponent_and_without_idle_zeros(
    value: object, text: str
) -> None:
    assert plain(value) == text


def test_a_denial_says_what_was_seen_and_what_is_allowed() -> None:
    denial = Denial(DenyReason.POSITION_EXCEEDS_MAX, D("10000.10"), D(10_000))

    assert denial.text == "POSITION_EXCEEDS_MAX: observed=10000.1, limit=10000"


def test_a_reason_has_the_code_of_its_name_and_a_control() -> None:
    assert all(reason.code == reason.name and reason.control > 0 for reason in DenyReason)


@pytest.mark.parametrize("reason", [reason.name for reason in DenyReason])
def test_every_reason_is_given_by_the_product_and_met_by_a_test(reason: str) -> None:
    product = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "risk").glob("*.py")
        if path.name != "decision.py"
    )
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))

    assert f".{reason}" in product
    assert f'"{reason}"' in tests or f".{reason}" in tests


def test_every_limit_is_read_by_exactly_one_module_of_the_core() -> None:
    modules = ("rules", "filters", "breakers", "judge", "limits")
    read_by: dict[str, set[str]] = {name: set() for name in limit_names()}
    for module in modules:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Attribute) and node.attr in read_by:
                read_by[node.attr].add(module)
    # The profile's choice of price is made where prices come in. Exits have the second's whole
    # rate (judge), entries the share that the limits themselves work out. The alarm is compared
    # with the limit when the profile is read. A market order's slippage is a bound and also the
    # mark-up of its worst case, both in rules.
    shared = {
        "messages_per_sec_max": {"judge", "limits"},
        "unrealized_loss_ratio_alarm": {"breakers", "limits"},
        "unrealized_loss_ratio_max": {"breakers", "limits"},
    }

    odd = {name: homes for name, homes in read_by.items() if len(homes) != 1}

    assert odd == shared


def limit_names() -> list[str]:
    return [row[0].rsplit(".", 1)[1] for row in make_limits().describe()]


def test_every_limit_names_its_unit_or_is_a_word() -> None:
    units = {"qty", "usdt", "bps", "ms", "sec", "min", "ratio", "entries", "leverage"}
    words = {"sides", "entry_types", "price_source"}

    plainly_named = [n for n in limit_names() if n not in words and not units & set(n.split("_"))]

    assert plainly_named == []


def test_every_control_has_one_tally() -> None:
    keys = Counter([rule.key for rule in ENTRY_RULES] + [key for key, _, _ in OTHER_CONTROLS])

    assert [key for key, count in keys.items() if count > 1] == []


def test_a_rule_denies_for_a_reason_of_its_own_control() -> None:
    assert [rule.key for rule in ENTRY_RULES if rule.reason.control != rule.control] in (
        [],
        ["others_known"],  # a price that is missing (16) keeps the sum (9) from being known
    )


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_no_engine(module: str) -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert [name for name in imported if name.startswith("nautilus_trader")] == []


@pytest.mark.parametrize("module", PURE)
def test_the_pure_core_touches_no_clock_and_no_file(module: str) -> None:
    names = {
        node.names[0].name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "")
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert not names & {"os", "pathlib", "time", "datetime", "random", "logging", "io"}


@pytest.mark.parametrize("module", PURE)
def test_money_never_becomes_a_float(module: str) -> None:
    """Reports may: `Tally.row` hands plain values to a page."""
    calls = [
        node
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
    ]

    assert len(calls) == (1 if module == "rulebook" else 0)


def test_limits_survive_being_written_down() -> None:
    limits = make_limits()
    restored = RiskLimits.model_validate(limits.model_dump())

    assert restored == limits
    assert isinstance(restored.portfolio.leverage_max, Decimal)
