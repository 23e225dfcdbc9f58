"""A real browser draws the page from file:// without an error and without a network."""

import re
import shutil
import subprocess
from decimal import Decimal

import pytest

from report.page import render
from tests.report_kit import bracket_run, guard_report
from tests.watched_kit import WatchedScene, trade

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=20000",
)  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


def _open(page, profile_dir, *flags):
    """Return the document as the browser has it after its scripts ran, and its console."""
    done = subprocess.run(
        [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile_dir}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    denied = bracket_run(root / "guarded", halted_minutes=200)
    bracket_run(root / "guarded", halted_minutes=200, guard=guard_report(denied))
    bracket_run(root / "unguarded", trade_size=Decimal("0.25"))
    return render(root / "guarded", root / "unguarded")


@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_the_browser_draws_every_chart_and_its_console_stays_empty(page, tmp_path, scheme):
    document, console = _open(page, tmp_path, f"--blink-settings=preferredColorScheme={scheme}")

    assert console == []
    assert 'data-charts="2"' in document
    body = document.split("</style>")[-1].split("<script")[0]
    assert body.count('class="main-svg"') >= 2
    # A line, the fills and the stops are really there, not only the empty axes.
    assert len(re.findall(r'class="js-line"', document)) >= 6
    assert len(re.findall(r'<path class="point"', document)) >= 20


def test_the_browser_draws_the_page_of_a_nodes_run_too(tmp_path):
    scene = WatchedScene(tmp_path)
    trade(scene)
    scene.report()
    scene.close()

    document, console = _open(scene.run_dir / "report.html", tmp_path / "browser")

    assert console == []
    assert 'data-charts="3"' in document
    assert "What the venue told" in document
    assert len(re.findall(r'<path class="point"', document)) >= 3


def test_a_script_that_came_in_with_data_would_not_run(page, tmp_path):
    """The second line of defense: even unescaped, its hash is not among the allowed ones."""
    hostile = tmp_path / "hostile.html"
    text = page.read_text(encoding="utf-8")
    hostile.write_text(text.replace("<footer>", "<script>document.title='owned'</script><footer>"))

    document, console = _open(hostile, tmp_path / "browser")

    assert "<title>owned" not in document
    assert any("Content Security Policy" in line for line in console)
