"""The page on breakers names all there are, with a limit that is in the profile and tests for both."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from risk.events import VenueEventKind
from risk.protection import Fault
from tests.risk_builders import T0, make_judge

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "breakers.md").read_text(encoding="utf-8")
CAUSE = re.compile(r"([A-Z]+(?:_[A-Z]+)*): ")
LIMIT = re.compile(r"`((?:losses|shock|protection|rates|storms|venue)\.[a-z_]+)`")
TEST = re.compile(r"`test_[a-z_]+\.py` \w+|\]\(attacks\.md\)|^the same, |^every other run$")
ROOMS = ("risk", "actors", "adapters", "configs", "ops")
STORMS = {"denials_max": 1, "rejects_max": 1, "window_sec": 1}
BY_KEY = {"REPEATED": "REPEATED_EXECUTION"}
NO_BREAKERS = {"LATCHED", "KILL_OF_NOTHING"}
"""What only repeats a state of before, and an alarm about a kill."""


def table(*headings: str) -> dict[str, dict[str, str]]:
    """Return the rows of all tables with these headings, by the first of them."""
    found: dict[str, dict[str, str]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        names, _, *lines = (
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        )
        if set(headings) <= set(names):
            rows = [dict(zip(names, cells, strict=True)) for cells in lines]
            found |= {row[headings[0]].strip("`"): row for row in rows}
    return found


def functions_that_trip(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
        names = {f.attr for f in calls if isinstance(f, ast.Attribute)}
        if isinstance(node, ast.FunctionDef) and names & {"trip", "kill"}:
            yield node


def causes_in_code() -> set[str]:
    """Return every cause that is written out where something trips."""
    found: set[str] = set()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for function in functions_that_trip(ast.parse(path.read_text(encoding="utf-8"))):
            texts = (n.value for n in ast.walk(function) if isinstance(n, ast.Constant))
            matches = (CAUSE.match(text) for text in texts if isinstance(text, str))
            found |= {match[1] for match in matches if match}
    return found - NO_BREAKERS


def causes() -> set[str]:
    """Return every cause that trips trading by itself."""
    judge = make_judge(storms=STORMS)
    measured = {BY_KEY.get(b.key.upper(), b.key.upper()) for b in judge.breakers(T0)}
    told = {kind.code for kind in VenueEventKind if kind.reaction.trips is not None}
    floors = {Fault.NEAR_LIQUIDATION.name, Fault.MARGIN_RATIO.name}
    return measured | told | floors | causes_in_code()


def test_every_breaker_is_on_the_page_and_nothing_else() -> None:
    assert set(table("cause", "limit", "trips")) == causes()


def test_a_venue_event_trips_what_the_page_says() -> None:
    page = table("cause", "limit", "trips")

    told = {kind.code: kind.reaction.name for kind in VenueEventKind if kind.reaction.trips}

    assert {cause: page[cause]["trips"] for cause in told} == told


def test_each_limit_that_the_page_names_is_in_the_live_profile() -> None:
    profile = tomllib.loads((ROOT / "configs/profiles/live.toml").read_text(encoding="utf-8"))
    sections = profile["limits"] | {"venue": profile["venue"]}
    named = {
        name for row in table("cause", "limit").values() for name in LIMIT.findall(row["limit"])
    }

    assert len(named) > 12
    assert [n for n in sorted(named) if n.split(".")[1] not in sections[n.split(".")[0]]] == []


def test_every_figure_with_which_something_is_measured_is_on_the_page() -> None:
    """A limit of the profile whose control is a breaker belongs to a breaker."""
    limits = make_judge(storms=STORMS).limits
    measured = {name for name, _, _, where, _ in limits.describe() if where == "breaker"}
    named = {
        name for row in table("cause", "limit").values() for name in LIMIT.findall(row["limit"])
    }

    assert measured - named == {"losses.unrealized_loss_ratio_alarm"}


def test_every_breaker_has_a_test_in_which_it_acts_and_one_in_which_it_stays_quiet() -> None:
    tests = table("cause", "acts", "stays quiet")

    assert set(tests) == causes()
    assert [c for c, row in tests.items() if not TEST.search(row["acts"])] == []
    assert [c for c, row in tests.items() if not TEST.search(row["stays quiet"])] == []


def test_every_finding_of_the_monitor_has_both_as_well() -> None:
    tests = table("finding", "acts", "stays quiet")

    assert set(tests) == {fault.name for fault in Fault}
    assert [c for c, row in tests.items() if not TEST.search(row["acts"])] == []
    assert [c for c, row in tests.items() if not TEST.search(row["stays quiet"])] == []
