"""The pages lead where they say: files, sections and commands that they name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
MODULE = re.compile(r"\bpython -m ([a-z_]+(?:\.[a-z_]+)*)")
TARGET = re.compile(r"(?:^|`|&& )make ([a-z]+)\b", re.MULTILINE)
SCRIPT = re.compile(r"\bpython (run_[a-z_]+\.py)|`(run_[a-z_]+\.py)")
PROFILE = re.compile(r"\bconfigs/profiles/[\w.-]+\.toml")
TEST_FILE = re.compile(r"`(test_[a-z_]+\.py)`")
# In a line that names a test file, a word as long as a sentence is one of its tests.
TEST_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+){3,}\b(?!\.py)")
# Folders of one machine; what is installed for everybody may stand in an example.
HOME = re.compile(r"(?:^|[\s`\"'(=])(/(?:home|Users|work|root|mnt)/\S*)", re.MULTILINE)
FOREIGN_MODULES = {"pip", "uv", "pytest", "ruff", "mypy", "venv", "http"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def slug(heading: str) -> str:
    """Return the anchor that a heading has on a page of a forge."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {slug(heading.strip()) for heading in HEADING.findall(text)}


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):(?!=)", text, re.MULTILINE))


def missing_in(page: Path) -> list[str]:
    """Return what a page names and what is not there."""
    text = page.read_text(encoding="utf-8")
    found = [f"link {link}" for link in LINK.findall(text) if not leads_somewhere(page, link)]
    found += [
        f"python -m {name}" for name in MODULE.findall(text)
        if name.split(".")[0] not in FOREIGN_MODULES and not is_module(name)
    ]  # fmt: skip
    found += [f"make {name}" for name in TARGET.findall(text) if name not in make_targets()]
    scripts = {a or b for a, b in SCRIPT.findall(text)}
    named = scripts | set(PROFILE.findall(text))
    return found + [name for name in sorted(named) if not (ROOT / name).is_file()]


def leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True  # Another host: nobody is asked in a test.
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


@pages
def test_what_a_page_links_to_or_tells_to_run_is_there(page):
    assert missing_in(page) == []


def named_tests(line: str) -> set[str]:
    """Return the test files and test functions that a line names."""
    files = set(TEST_FILE.findall(line))
    names = TEST_NAME.findall(line.replace("`", " ")) if files else []
    return files | {f"test_{name}" for name in names if not name.startswith("test_")}


@pages
def test_the_tests_that_a_page_names_are_there(page):
    paths = list((ROOT / "tests").rglob("test_*.py"))
    there = {path.name for path in paths}
    for path in paths:
        there |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))
    named = {
        name for line in page.read_text(encoding="utf-8").splitlines() for name in named_tests(line)
    }

    assert sorted(named - there) == []


@pages
def test_a_page_names_no_path_of_a_machine(page):
    assert HOME.findall(page.read_text(encoding="utf-8")) == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            waiting += sorted(target.glob("*.md")) if target.is_dir() else []
            waiting += [target] if target.suffix == ".md" and target.is_file() else []

    assert set(PAGES) - reached == set()


def test_a_command_that_is_not_there_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "`make nothing`, `python -m risk.nothing`, [gone](gone.md), [no](page.md#section),\n"
        "python run_nothing.py --profile configs/profiles/nothing.toml\n"
    )

    found = missing_in(page)

    assert sorted(found) == [
        "configs/profiles/nothing.toml", "link gone.md", "link page.md#section", "make nothing",
        "python -m risk.nothing", "run_nothing.py",
    ]  # fmt: skip


def test_a_line_names_tests_when_it_names_their_file():
    assert named_tests("| `test_docs.py` a_page_of_some_kind, `test_tidy.py` | both |") == {
        "test_docs.py", "test_a_page_of_some_kind", "test_tidy.py",
    }  # fmt: skip
    assert named_tests("| order_notional_usdt_max | a cap |") == set()
