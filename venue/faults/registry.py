"""All faults by name, and the table of them."""

from collections.abc import Mapping
from dataclasses import fields
from inspect import cleandoc
from types import MappingProxyType

from venue.faults.events import EVENT_FAULTS
from venue.faults.exchange import EXCHANGE_FAULTS
from venue.faults.fault import Fault
from venue.faults.requests import REQUEST_FAULTS
from venue.faults.streams import STREAM_FAULTS
from venue.faults.transport import TRANSPORT_FAULTS

_GROUPS: Mapping[str, tuple[type[Fault], ...]] = MappingProxyType(
    {
        "Answers": REQUEST_FAULTS,
        "User events": EVENT_FAULTS,
        "Market data": STREAM_FAULTS,
        "Connections and clocks": TRANSPORT_FAULTS,
        "The exchange itself": EXCHANGE_FAULTS,
    },
)
FAULTS: Mapping[str, type[Fault]] = MappingProxyType(
    {fault.name: fault for group in _GROUPS.values() for fault in group},
)


def table() -> str:
    """Return all faults as a Markdown document."""
    parts = ["# Faults of the local venue", ""]
    parts += [
        "Printed by `python -m venue.faults`. How to use them: see a scenario's keys below.",
        "",
    ]
    parts += [_KEYS_TEXT, ""]
    for title, group in _GROUPS.items():
        parts += [f"## {title}", "", "| name | what happens | hits | arguments | known from |"]
        parts += ["| --- | --- | --- | --- | --- |"]
        parts += [_row(fault) for fault in group]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


_KEYS_TEXT = """\
A scenario is a TOML file of `[[fault]]` tables; over the control address the same keys are JSON.
`name`; `at` (such as `"30s"`, from the start of the venue); `for` (how long it is in force, or until
an action is undone); `every` (an action again and again); `on` (what it hits or what sets it off:
`order:BUY:BTCUSDT`, `algo`, `cancel`, `query`, `any`, `event:TRADE`, `stream:bookTicker`; words are
values of the request's parameters or of the event, parts of a stream's name); `probability` (of each
time, from the scenario's `seed`); `count`; `account`; and the table `args`."""


def _row(fault: type[Fault]) -> str:
    doc = " ".join(cleandoc(fault.__doc__ or "").split())
    declared = [f for f in fields(fault) if f.init]
    args = [f"`{f.name}` = {_shown(f.default)}: {f.metadata['doc']}" for f in declared]
    hits = fault.default_on or "a time, or `on`"
    if fault.default_on:
        hits = f"`{fault.default_on}`"
    cells = [f"`{fault.name}`", doc, hits, "<br>".join(args) or "none", fault.source]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None or value == "" else str(value)
