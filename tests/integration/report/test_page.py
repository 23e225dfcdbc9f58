"""The page stands alone, escapes what it shows and says what the run folder says."""

import base64
import hashlib
import json
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from report import formats
from report.artifacts import read_result, write
from report.charts import symbol_charts
from report.page import render
from tests.report_kit import (
    BTC,
    ETH,
    BracketerConfig,
    bracket_run,
    collected,
    guard_report,
    minute_bars,
    run_backtest,
)

# Attributes through which HTML loads something by itself.
_LOADS = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping"}


class Page(HTMLParser):
    """The elements, texts and scripts of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.cells, self._open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag in ("td", "th", "code"):
            self.cells.append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif self.cells:
            self.cells[-1] += data


def _page(run_dir, compare_dir=None):
    return Page(render(run_dir, compare_dir).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def guarded_dir(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "guarded"
    denied = bracket_run(run_dir, halted_minutes=200)
    bracket_run(run_dir, halted_minutes=200, guard=guard_report(denied))
    return run_dir


@pytest.fixture(scope="module")
def unguarded_dir(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "unguarded"
    bracket_run(run_dir)
    return run_dir


def test_the_page_loads_nothing(guarded_dir):
    page = _page(guarded_dir)

    for tag, attrs in page.elements:
        assert not _LOADS & attrs.keys(), (tag, attrs)
        assert tag not in ("iframe", "object", "embed", "base", "form", "img"), tag
        href = attrs.get("href")
        assert href is None or href.startswith("#") or href == "data:,", (tag, href)
    style = (guarded_dir / "report.html").read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_forbids_the_browser_to_load_anything(guarded_dir):
    page = _page(guarded_dir)

    (policy,) = [a["content"] for _, a in page.elements if "http-equiv" in a]

    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|\*|'self'|unsafe-eval", policy)


def test_only_the_pages_own_scripts_may_run(guarded_dir):
    page = _page(guarded_dir)
    (policy,) = [a["content"] for _, a in page.elements if "http-equiv" in a]

    allowed = re.findall(r"'(sha256-[^']+)'", policy.split("script-src")[1])

    run = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    assert allowed == [
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in run
    ]
    assert "'unsafe-inline'" not in policy.split("script-src")[1]


EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&\"'"


def test_whatever_comes_from_data_is_escaped(tmp_path):
    run = bracket_run(tmp_path, guard=guard_report(text=EVIL))
    run.result["name"] = EVIL
    run.result["guard"]["controls"][0]["name"] = EVIL
    run.result["guard"]["states"][0]["cause"] = EVIL
    run.result["guard"]["alarms"][0]["text"] = EVIL
    for name in ("fills", "positions", "denials"):
        table = run.tables[name]
        column = table.schema.get_field_index("strategy_id")
        evil = [EVIL] * table.num_rows
        run.tables[name] = table.set_column(column, table.schema.field(column), [evil])
    write(run, tmp_path)

    page = _page(tmp_path, tmp_path)

    assert [tag for tag, _ in page.elements].count("script") == 3
    assert "img" not in [tag for tag, _ in page.elements]
    assert any(EVIL in cell for cell in page.cells)
    (data,) = [text for attrs, text in page.scripts if attrs.get("id") == "data"]
    assert EVIL in json.loads(data)["symbols"][0]["fills"]["text"][0]


def test_every_control_stands_on_the_page_with_its_figures(guarded_dir):
    cells = [cell.strip() for cell in _page(guarded_dir).cells]
    report = read_result(guarded_dir)["guard"]

    for control in report["controls"]:
        at = cells.index(control["name"])
        assert cells[at - 1 : at + 4] == [
            str(control["control"]),
            control["name"],
            control["limit"],
            f"{control['evaluated']:,}",
            "2 trips" if control["control"] == 22 else f"{control['denied']:,}",
        ]
    joined = "\n".join(cells)
    assert "9,800 of 10,000" in joined
    assert "2025-01-01 00:30:00" in joined
    assert "PRICE_SHOCK: observed=612, limit=500" in joined


def test_every_strategy_has_a_row_with_its_figures(guarded_dir):
    cells = [cell.strip() for cell in _page(guarded_dir).cells]

    at = cells.index("Bracketer-000")
    assert cells[at + 1 : at + 6] == ["BTCUSDT-PERP", "61", "28", "14", "+12.86"]
    assert cells[at + 6].split()[0] == "18"


def test_a_strategy_that_sent_nothing_is_called_so(tmp_path):
    bracket_run(tmp_path, minutes=5)

    text = render(tmp_path).read_text(encoding="utf-8")

    assert "sent nothing" in text
    assert "Nothing was filled, so there was nothing to check" in text


@pytest.mark.parametrize(("days", "shown"), [(19, formats.NONE), (20, "1.23")])
def test_a_sharpe_ratio_of_few_days_is_not_shown(tmp_path, days, shown):
    run = bracket_run(tmp_path, minutes=5)
    run.result["statistics"]["daily_returns"] = [["2025-01-01", 0.01]] * days
    run.result["statistics"]["sharpe_ratio"] = 1.23
    write(run, tmp_path)

    text = render(tmp_path).read_text(encoding="utf-8")

    assert f'<span>Sharpe, from {days} days</span><b class="">{shown}</b>' in text


def test_the_charts_keep_the_order_of_the_profile(tmp_path):
    busy = BracketerConfig(instrument_id=BTC.id, trade_size=Decimal("0.1"))
    bars = minute_bars(BTC, 100, base=50_000) + minute_bars(ETH, 100, base=3_000)
    engine, recorder = run_backtest(
        [busy], sorted(bars, key=lambda bar: bar.ts_init), instruments=(BTC, ETH)
    )
    write(collected(engine, recorder), tmp_path)
    engine.dispose()

    charts = symbol_charts(tmp_path, {str(ETH.id): 10_000, str(BTC.id): 10_000})

    assert [chart["symbol"] for chart in charts] == [str(ETH.id), str(BTC.id)]


def test_a_page_is_made_from_the_run_folder_alone(guarded_dir, tmp_path):
    moved = tmp_path / "elsewhere"
    guarded_dir.rename(moved)
    try:
        path = render(moved)
    finally:
        moved.rename(guarded_dir)

    assert path.parent == moved


def test_an_unguarded_run_says_so(unguarded_dir):
    text = render(unguarded_dir).read_text(encoding="utf-8")

    assert "This run had no gate." in text
    assert ">unguarded<" in text


def test_the_comparison_shows_the_refused_orders_and_what_they_did(guarded_dir, unguarded_dir):
    page = render(guarded_dir, unguarded_dir).read_text(encoding="utf-8")

    assert 'id="comparison"' in page
    assert "opened a position, closed by stop" in page
    (data,) = [text for attrs, text in Page(page).scripts if attrs.get("id") == "data"]
    assert json.loads(data)["other"]["equity"]


def test_a_caps_breach_stands_on_the_page_with_its_evidence(tmp_path):
    bracket_run(tmp_path, trade_size=Decimal("0.25"))

    page = _page(tmp_path)

    assert "position_notional_usdt_max" in page.cells
    assert str(BTC.id) in page.cells
