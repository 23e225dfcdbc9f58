"""A page's commands are read as they stand, and a page that cannot be run is refused."""

import pytest

from ops.drills.catalogue import DRILLS
from ops.drills.runbook import FOLDER, Command, Runbook, RunbookError

PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def page(folder, text):
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_block_is_its_commands_with_what_they_must_print(tmp_path):
    runbook = Runbook(page(tmp_path, (
        "# Title\n\n```bash drill notice\npython -m ops status --state $STATE\n# prints: HALTED\n"
        "# prints: because of it\n# exits: 70\n\ntrue\n```\n\ntext\n"
    )))  # fmt: skip

    assert runbook.take("notice") == (
        Command("python -m ops status --state $STATE", ("HALTED", "because of it"), 70),
        Command("true", (), 0),
    )


def test_a_command_may_go_over_lines(tmp_path):
    runbook = Runbook(
        page(tmp_path, "```bash drill a\necho one \\\n  two\n# prints: one two\n```\n")
    )

    (command,) = runbook.take("a")

    assert command.text.split() == ["echo", "one", "two"]
    assert command.prints == ("one two",)


def test_other_fences_and_other_comments_are_no_commands(tmp_path):
    runbook = Runbook(page(tmp_path, (
        "```bash\nrm -rf everything\n```\n```bash drill a\n# a word before\ntrue\n```\n"
        "```text\nno\n```\n"
    )))  # fmt: skip

    assert runbook.waiting == ("a",)
    assert runbook.take("a") == (Command("true", (), 0),)


def test_a_block_is_taken_once_and_what_is_left_is_told(tmp_path):
    runbook = Runbook(page(tmp_path, "```bash drill a\ntrue\n```\n```bash drill b\ntrue\n```\n"))

    runbook.take("a")

    assert runbook.waiting == ("b",)
    with pytest.raises(RunbookError, match=r"page\.md: no block 'a' is left, but b"):
        runbook.take("a")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("```bash drill\ntrue\n```\n", "block name = None"),
        ("```bash drill a\ntrue\n```\n```bash drill a\ntrue\n```\n", "block name = 'a'"),
        ("```bash drill a\n```\n", "has no command"),
        ("```bash drill a\n# a word\n```\n", "has no command"),
        ("```bash drill a\n# prints: it\ntrue\n```\n", "'# prints: it' is under no command"),
        ("```bash drill a\ntrue\n# exits: seventy\n```\n", "exits = 'seventy' must be a number"),
    ],
)
def test_a_page_that_cannot_be_run_is_refused(tmp_path, text, rule):
    with pytest.raises(RunbookError, match=rule):
        Runbook(page(tmp_path, text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_runbook_has_a_drill_of_its_name_and_commands(path):
    assert path.stem in DRILLS
    assert Runbook(path).waiting


def test_the_four_incidents_have_a_page():
    assert {path.stem for path in PAGES} == {
        "unauthorized-trading", "revoked-key", "flash-crash", "venue-outage",
    }  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_runbook_says_how_to_notice_come_back_and_what_to_write_down(path):
    text = path.read_text(encoding="utf-8")

    assert "**You notice**" in text
    assert "```bash drill resume\n" in text
    assert "**Write down**" in text
    assert text.count("\n") <= 90  # One page.
