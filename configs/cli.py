"""What the commands share."""

from __future__ import annotations

import argparse
from typing import NoReturn

BAD_CONFIGURATION = 78


class Parser(argparse.ArgumentParser):
    """An argument parser that answers bad usage with the documented exit code."""

    def error(self, message: str) -> NoReturn:
        """Print usage and *message*, and exit with 78."""
        self.print_usage()
        self.exit(BAD_CONFIGURATION, f"{self.prog}: {message}\n")
