"""``python -m venue``: a Binance USD-M Futures venue on this machine, for any Binance client."""

import asyncio
import signal
import sys

from venue.cli import BAD_CONFIGURATION, Arguments, announce, read_arguments
from venue.config import ConfigError
from venue.server import Venue


async def _parent_gone() -> None:
    """Return when standard input is closed: whoever started the venue is no more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1 << 10):
        pass


async def _serve(arguments: Arguments) -> None:
    venue = Venue(arguments.config)
    await venue.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, venue.stopping.set)
    orphan: asyncio.Task[None] | None = None
    if arguments.exit_with_parent:
        orphan = asyncio.create_task(_parent_gone())
        orphan.add_done_callback(lambda _: venue.stopping.set())
    try:
        print(announce(venue, arguments.announce), flush=True)
        await venue.stopping.wait()
    finally:
        if orphan is not None:
            orphan.cancel()
        await venue.stop()


def main() -> int:
    """Run the venue until it is told to end."""
    arguments = read_arguments(sys.argv[1:])
    try:
        asyncio.run(_serve(arguments))
    except ConfigError as error:
        print(f"python -m venue: {error}", file=sys.stderr)
        return BAD_CONFIGURATION
    except OSError as error:
        print(f"python -m venue: {error}", file=sys.stderr)
        return BAD_CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
