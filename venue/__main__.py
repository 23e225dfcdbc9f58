"""``python -m venue``: a Binance USD-M Futures venue on this machine, for any Binance client."""

import asyncio
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from venue.cli import BAD_CONFIGURATION, Arguments, announce, read_arguments
from venue.config import ConfigError, VenueConfig
from venue.server import Venue


async def _standard_input() -> asyncio.StreamReader:
    """Return standard input, whose end tells that whoever started the venue is no more."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (ValueError, OSError):
        raise ConfigError(
            "--exit-with-parent: standard input is no pipe that could close"
        ) from None
    return reader


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 10):
        pass


async def _serve(arguments: Arguments, config: VenueConfig) -> None:
    reader = await _standard_input() if arguments.exit_with_parent else None
    venue = Venue(config)
    orphaned: asyncio.Task[None] | None = None
    try:
        await venue.start()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, venue.stopping.set)
        if reader is not None:
            orphaned = asyncio.create_task(_drained(reader))
            orphaned.add_done_callback(lambda _: venue.stopping.set())
        print(announce(venue, arguments.announce), flush=True)
        await venue.stopping.wait()
    finally:
        if orphaned is not None:
            orphaned.cancel()
        await venue.stop()


def main() -> int:
    """Run the venue until it is told to end; return the exit code."""
    arguments = read_arguments(sys.argv[1:])
    try:
        with tempfile.TemporaryDirectory(prefix="venue-keys-") as folder:
            keys_dir = arguments.config.keys_dir or Path(folder)
            asyncio.run(_serve(arguments, replace(arguments.config, keys_dir=keys_dir)))
    except (ConfigError, OSError) as error:
        print(f"python -m venue: {error}", file=sys.stderr)
        return BAD_CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
