"""House rules that a linter cannot say: import directions, purity, lengths, nothing forgotten."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "actors", "adapters", "backtest", "benchmarks", "catalog", "configs", "ops", "report",
    "risk", "strategies", "venue",
)  # fmt: skip
MAY_IMPORT = {
    "risk": {"risk"},
    "strategies": {"strategies"},
    "catalog": {"catalog"},
    "actors": {"actors", "risk"},
    "adapters": {"adapters", "risk"},
    "backtest": {"backtest", "catalog", "configs.profile", "risk"},
    "ops": {"actors", "adapters", "configs", "ops", "report", "risk", "strategies"},
    "venue": {"venue", "catalog"},
    "report": {"report", "actors", "configs.profile", "risk"},
    "configs": {
        "actors",
        "adapters",
        "backtest",
        "catalog",
        "configs",
        "ops",
        "report",
        "risk",
        "strategies",
    },
}
CORE = (
    "book", "breakers", "decision", "events", "exits", "figures", "filters", "holds",
    "intent", "judge", "kills", "limits", "lists", "mending", "protection", "rulebook", "rules",
    "state_machine", "storms", "trading_state", "watch", "windows",
)  # fmt: skip
CORE_MAY_IMPORT = {"pydantic", "risk", *sys.stdlib_module_names} - {"asyncio", "os", "socket"}
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere but under ``if TYPE_CHECKING``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(room):
    allowed = MAY_IMPORT[room]
    for path in sources(room):
        for module in imports(path):
            top = module.split(".")[0]
            if top not in ROOMS and top != "tests":
                continue
            names = {top, ".".join(module.split(".")[:2])}
            assert names & allowed, f"{path.relative_to(ROOT)} must not import {module}"


@pytest.mark.parametrize("name", CORE)
def test_the_risk_core_imports_no_engine_and_no_input_or_output(name):
    path = ROOT / "risk" / f"{name}.py"

    foreign = {m for m in imports(path) if m.split(".")[0] not in CORE_MAY_IMPORT}

    assert foreign == set()


def test_the_judges_of_a_run_share_no_code_with_the_venue_that_made_it():
    for path in sources("venue/checkers"):
        own = {m for m in imports(path) if m.split(".")[0] == "venue"}

        assert all(m.startswith("venue.checkers") for m in own), path.name


def test_the_risk_core_runs_where_nautilus_is_not_installed():
    modules = ", ".join(f"risk.{name}" for name in CORE)
    code = f"import sys; sys.modules['nautilus_trader'] = None; import {modules}"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_float_decides_about_money():
    for path in sources("risk"):
        if path.name == "rulebook.py":
            continue  # a ratio for the report, after the decision
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        names = {n.func.id for n in calls if isinstance(n.func, ast.Name)}
        assert "float" not in names, f"{path.name} calls float()"


def test_files_and_functions_stay_small():
    for path in sources(*ROOMS, "tests"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= FILE_LINES_MAX, f"{path.relative_to(ROOT)} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                assert lines <= FUNCTION_LINES_MAX, f"{where} has {lines} lines"


def test_profiles_hold_no_secret():
    for path in (ROOT / "configs" / "profiles").glob("*.toml"):
        text = path.read_text(encoding="utf-8").lower()
        assert not re.search(r"api_?key|secret|password|token", text), path.name
