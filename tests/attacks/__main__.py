"""Write docs/attacks.md anew."""

from pathlib import Path

from tests.attacks.table import page

DOCS = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"

if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")
    print(f"{DOCS.name}: written")
