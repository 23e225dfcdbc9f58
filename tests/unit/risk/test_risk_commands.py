"""`python -m risk`: what can be said of a journal."""

import json

from risk.__main__ import main
from risk.journal import Journal


def test_verify_counts_the_records_and_names_the_line_that_was_changed(tmp_path, capsys):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, sync="flush")
    for number in range(3):
        journal.append("denied", number, {"n": number})
    journal.close()
    assert main(["verify", str(path)]) == 0
    assert "3 records, the chain holds" in capsys.readouterr().out

    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"ts": 99}, separators=(",", ":"))
    path.write_text("\n".join(lines) + "\n")

    assert main(["verify", str(path)]) == 1
    assert "line 2: was changed" in capsys.readouterr().err


def test_verify_sees_records_cut_off_when_it_is_told_the_last_hash(tmp_path, capsys):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, sync="flush")
    for number in range(3):
        journal.append("denied", number, {"n": number})
    journal.close()
    assert main(["verify", str(path), "--expect", journal.last_hash]) == 0

    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
    assert main(["verify", str(path)]) == 1
    assert "journal.jsonl: ends with record 2, the last one was 3" in capsys.readouterr().err

    path.with_suffix(".end").unlink()  # a copy of the journal alone
    assert main(["verify", str(path)]) == 0
    assert main(["verify", str(path), "--expect", journal.last_hash]) == 1
    assert "records are missing" in capsys.readouterr().err


def test_verify_of_nothing_is_no_proof(tmp_path, capsys):
    (tmp_path / "empty.jsonl").touch()

    assert main(["verify", str(tmp_path / "empty.jsonl")]) == 1
    assert main(["verify", str(tmp_path / "none.jsonl")]) == 78
    assert "No such file" in capsys.readouterr().err
