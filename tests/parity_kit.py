"""Run the parity command on recorded files and read what it tells."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parity(profile: Path, files: list[Path], folder: Path, *options: str) -> dict[str, list[int]]:
    """Return each strategy's requests in the three modes; the command must call them the same."""
    catalog = folder / "catalog"
    run("-m", "catalog", "ingest", *map(str, files), "--catalog", str(catalog))
    told = run(
        "-m", "ops.parity", "--profile", str(profile), "--catalog", str(catalog),
        "--out", str(folder / "runs"), *options,
    )  # fmt: skip
    assert "all requests: the same" in told
    rows = re.findall(r"^(\w+-\d{3}) +([\d,]+) +([\d,]+) +([\d,]+)$", told, re.MULTILINE)
    return {name: [int(count.replace(",", "")) for count in counts] for name, *counts in rows}


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
