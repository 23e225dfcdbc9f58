"""Open what a file is packed in, check it, and cut it into blocks of whole lines."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 1 << 23


class SourceError(ValueError):
    """A file that cannot be taken as it is; nothing of it is written."""


class LineError(SourceError):
    """
    One line that breaks a rule.

    Attributes
    ----------
    line : int
        The line in the file, counted from one.

    """

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(f"line {line}: {rule}")
        self.line = line


def verify_checksum(path: Path) -> None:
    """
    Compare a file with the ``.CHECKSUM`` beside it, if there is one.

    Raises
    ------
    SourceError
        If the SHA-256 differs, or the checksum file does not speak of this file.

    """
    beside = path.with_name(path.name + ".CHECKSUM")
    if not beside.exists():
        return
    words = beside.read_text("utf-8").split()
    if len(words) != 2 or words[1].lstrip("*") != path.name:
        raise SourceError(f"{beside.name} does not state the checksum of {path.name}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != words[0].lower():
        raise SourceError(f"the checksum is {found}, {beside.name} says {words[0]}")


def blocks(path: Path, advance: Callable[[int], None]) -> Generator[bytes]:
    """
    Yield a zip (of one file), gzip or plain text file in blocks of whole lines.

    ``advance`` is told how many bytes of the file itself have been read.

    Raises
    ------
    SourceError
        If the file cannot be unpacked.

    """
    told = 0
    with path.open("rb") as packed, _unpacked(path, packed) as file:
        while True:
            try:
                block = file.read(BLOCK_BYTES) + file.readline()
            except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as e:
                raise SourceError(f"damaged {path.suffix[1:]} file: {e}") from None
            advance(packed.tell() - told)
            told = packed.tell()
            if not block:
                break
            yield block


@contextmanager
def _unpacked(path: Path, packed: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        with gzip.open(packed) as file:
            yield file
    elif path.suffix == ".zip":
        try:
            archive = zipfile.ZipFile(packed)
        except zipfile.BadZipFile as e:
            raise SourceError(f"not a zip archive: {e}") from None
        with archive:
            names = archive.namelist()
            if len(names) != 1:
                raise SourceError(f"the archive holds {len(names)} files, expected one")
            with archive.open(names[0]) as file:
                yield file
    else:
        yield packed


def first_failure(count: int, attempt: Callable[[int, int], object]) -> int:
    """
    Return the first row at which ``attempt(start, end)`` fails with a ValueError.

    Halves the range, so that a broken line among millions is found in a moment. The caller
    knows that the whole range fails.
    """
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        try:
            attempt(low, middle)
        except ValueError:
            high = middle
        else:
            low = middle
    return low
