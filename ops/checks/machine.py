"""Pre-flight of this machine: clock, addresses, key files, journal, latch, disk."""

from __future__ import annotations

import json
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from configs.secrets import file_problem
from ops.checks.item import Facts, Item
from risk.journal import JournalError, verify
from risk.journal_end import end_path
from risk.latch import Latch, LatchError

DISK_BYTES_MIN = 1_000_000_000


def environment(facts: Facts) -> Item:
    """Say where orders would go; the addresses were judged when the settings were made."""
    wanted = facts.profile.venue and facts.profile.venue.environment
    is_ok = facts.settings.environment == wanted
    observed = f"{facts.settings.environment}, USD-M Futures, {facts.settings.rest_url}"
    return Item("environment", is_ok, observed, f"{wanted}")


def clock_offset(facts: Facts) -> Item:
    """Judge the worst offset that the samples allow."""
    offset_ms, error_ms = facts.answers.clock
    worst_ms, max_ms = abs(offset_ms) + error_ms, facts.settings.clock_offset_ms_max
    observed = f"{offset_ms:+.1f} ms, at most {error_ms:.1f} ms wrong"
    return Item("clock offset", worst_ms <= max_ms, observed, f"within {max_ms} ms")


def limits(facts: Facts) -> Item:
    """Say by which limits the gate will judge."""
    count = sum(1 for _ in facts.profile.limits.describe())
    return Item("limits", count > 0, f"{count}, hash {limits_hash(facts)}", "loaded")


def limits_hash(facts: Facts) -> str:
    """Return the first twelve digits of the SHA-256 of the limits: what a person confirms."""
    text = json.dumps(facts.profile.limits.model_dump(mode="json"), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:12]


def journal(facts: Facts) -> Item:
    """Judge whether the journal is whole and can be written."""
    required = "whole and writable"
    path = facts.state_dir / "journal.jsonl"
    try:
        was_there = path.exists() or end_path(path).exists()
        count = verify(path)[0] if was_there else 0
        with _probe(facts.state_dir, path):
            pass
    except JournalError as e:
        return Item("journal", is_ok=False, observed=str(e), required=required)
    except OSError as e:
        return Item("journal", is_ok=False, observed=_unwritable(path, e), required=required)
    return Item("journal", is_ok=True, observed=f"{count} records, {path}", required=required)


def kill(facts: Facts) -> Item:
    """Judge whether a person's command would reach the node: the latch can be read and replaced."""
    required = "`python -m ops kill` reaches the node"
    latch = Latch(facts.state_dir / "latch.json")
    try:
        state, *_ = latch.read()
        with _probe(facts.state_dir, latch.path):
            pass
    except LatchError as e:
        return Item("kill", is_ok=False, observed=str(e), required=required)
    except OSError as e:
        return Item("kill", is_ok=False, observed=_unwritable(latch.path, e), required=required)
    return Item("kill", is_ok=True, observed=f"{state.name}, {latch.path}", required=required)


def _unwritable(path: Path, error: OSError) -> str:
    return f"{path}: cannot be written: {error.strerror}"


def _probe(folder: Path, path: Path) -> tempfile._TemporaryFileWrapper[bytes]:
    """Write what a file in *folder* takes; raise OSError where the node could not."""
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.open("ab").close()
    probe = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
    probe.write(b"probe\n")
    probe.flush()
    return probe


def disk(facts: Facts) -> Item:
    """Judge the space that is left for journal and logs."""
    facts.state_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(facts.state_dir).free
    observed = f"{free / 1e9:.1f} GB free"
    return Item("disk", free >= DISK_BYTES_MIN, observed, f"{DISK_BYTES_MIN / 1e9:.0f} GB free")


def key_files(facts: Facts) -> Item:
    """Judge how every key file is kept."""
    problems = {path: file_problem(path) for path in facts.key_files}
    wrong = [f"{path} {problem}" for path, problem in problems.items() if problem is not None]
    observed = "; ".join(wrong) or ", ".join(map(str, problems)) or "none"
    return Item("key files", not wrong, observed, "mode 0600, yours, not tracked by git")
