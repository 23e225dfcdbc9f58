"""A file that is written in place: no room is needed, and half of it is never believed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from risk.in_place import InPlaceFile, read_in_place

ROOT = Path(__file__).resolve().parents[3]
FULL = """
import os, sys
from pathlib import Path
from risk.in_place import InPlaceFile, read_in_place
from risk.state_dir import replace_file
folder, file = Path(sys.argv[1]), InPlaceFile()
file.write(folder / "beat.json", b'{"seq":1}')
with (folder / "filler").open("wb", buffering=0) as filler:
    try:
        while filler.write(b"x" * 512):
            pass
    except OSError as e:
        print(e.strerror)
try:
    replace_file(folder / "beat.json", b'{"seq":2}')
except OSError as e:
    print(e.strerror)
file.write(folder / "beat.json", b'{"seq":3,"more":"%s"}' % (b"y" * 500))
print(read_in_place(folder / "beat.json")["seq"])
"""


def encoded(**table):
    return json.dumps(table, separators=(",", ":")).encode()


@pytest.fixture
def file():
    file = InPlaceFile()
    yield file
    file.close()


def test_what_was_written_is_read_longer_or_shorter_than_before(tmp_path, file):
    path = tmp_path / "beat.json"

    for words in ("", "x" * 500, "y"):
        file.write(path, encoded(words=words))
        assert read_in_place(path) == {"words": words}
        assert json.loads(path.read_text())["words"] == words  # for whoever does not look closely


def test_it_stays_the_same_file_of_the_same_size_until_it_is_too_small(tmp_path, file):
    path = tmp_path / "beat.json"
    file.write(path, encoded(seq=1))
    first = path.stat()

    file.write(path, encoded(seq=2, words="x" * 3_000))
    same = path.stat()
    file.write(path, encoded(seq=3, words="x" * 5_000))
    larger = path.stat()

    assert (first.st_ino, first.st_size) == (same.st_ino, same.st_size)
    assert larger.st_size > same.st_size
    assert read_in_place(path)["seq"] == 3


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_somebody_took_away_is_made_anew(tmp_path, file, how):
    path = tmp_path / "beat.json"
    file.write(path, encoded(seq=1))
    path.unlink()
    if how == "replaced":
        path.write_text("{}")

    file.write(path, encoded(seq=2))

    assert read_in_place(path) == {"seq": 2}


def test_parts_of_two_are_nothing_wherever_the_cut_is(tmp_path, file):
    path = tmp_path / "beat.json"
    texts = []
    for seq, words in ((199, "x"), (200, "longer than before")):
        file.write(path, encoded(seq=seq, words=words, end=seq))
        texts.append(path.read_bytes())
    end = max(len(text.rstrip()) for text in texts) + 1

    for before, after in (texts, texts[::-1]):
        for cut in range(1, end):
            path.write_bytes(after[:cut] + before[cut:])
            assert read_in_place(path) in (
                {}, *({"seq": s, "words": w, "end": s}
                      for s, w in ((199, "x"), (200, "longer than before"))),
            )  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"crc32":"00000001","seq":1}', '{"seq":1'])
def test_what_is_no_object_or_has_another_checksum_is_nothing(tmp_path, text):
    path = tmp_path / "beat.json"
    path.write_text(text)

    assert read_in_place(path) == {}


def test_no_file_is_nothing(tmp_path):
    assert read_in_place(tmp_path / "beat.json") == {}


def test_a_disk_that_is_full_has_room_for_it(tmp_path):
    mount = f"mount -t tmpfs -o size=64k full {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    played = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", FULL,
         str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert played.stdout.splitlines() == ["No space left on device"] * 2 + ["3"]
