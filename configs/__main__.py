"""`python -m configs`: judge a profile and print each limit, where it is enforced, its meaning."""

from __future__ import annotations

import sys
from pathlib import Path

from configs.cli import BAD_CONFIGURATION, Parser
from configs.profile import Profile, ProfileError, load_profile


def main(argv: list[str] | None = None) -> int:
    """Print the limits of a profile and return the exit code."""
    parser = Parser(prog="python -m configs", description=__doc__)
    parser.add_argument("--profile", type=Path, required=True, help="TOML profile")
    try:
        profile = load_profile(parser.parse_args(argv).profile)
    except ProfileError as e:
        print(f"bad configuration: {e}", file=sys.stderr)
        return BAD_CONFIGURATION
    _print(profile)
    return 0


def _print(profile: Profile) -> None:
    print(f"{profile.name} ({profile.mode}), profile hash {profile.hash}\n")
    group = ""
    for key, value, control, where, meaning in profile.limits.describe():
        table, name = key.rsplit(".", 1)
        if table != group:
            group = table
            print(f"[limits.{table}]")
        shown = ", ".join(value) if isinstance(value, tuple) else f"{value}"
        print(f"  {name:<32} {shown:>14}   control {control}, {where}")
        print(f"      {meaning}")


if __name__ == "__main__":
    sys.exit(main())
