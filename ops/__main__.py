"""`python -m ops`: see a node, stop it, and let it go on, from another terminal."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from types import ModuleType

import ops.commands
from configs.cli import Parser

EPILOG = """\
exit codes:
  0   done, and nothing is tripped
  70  not done in time, refused, or trading is tripped: the text says what is left
  75  no living node
  78  an argument or a file cannot be used
"""


def commands(named: str = "") -> dict[str, ModuleType]:
    """
    Return the commands by name: each module of `ops.commands`, or the one that is *named*.

    A command has ``HELP``, ``add_arguments(parser)`` and ``run(args)``, which returns the exit code.
    It imports what is heavy when it runs, so that a kill never waits for what it does not need.

    """
    found = sorted(info.name for info in pkgutil.iter_modules(ops.commands.__path__))
    names = {name.replace("_", "-"): f"ops.commands.{name}" for name in found}
    wanted = [named] if named in names else names
    return {name: importlib.import_module(names[name]) for name in wanted}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = Parser(
        prog="python -m ops",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for name, command in commands(argv[0] if argv else "").items():
        own = choices.add_parser(name, help=command.HELP, description=command.__doc__)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    args = parser.parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
