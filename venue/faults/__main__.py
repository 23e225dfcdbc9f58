"""Print all faults as a Markdown table: ``python -m venue.faults``."""

from venue.faults.registry import table

print(table(), end="")
