"""The document about faults is the one that the code prints."""

from pathlib import Path

from venue.faults.registry import table

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "faults.md"


def test_the_document_is_printed_from_the_faults():
    assert DOCUMENT.read_text("utf-8") == table(), "run `python -m venue.faults > docs/faults.md`"
