"""All checks, and the table of what they say."""

from rich.console import Console
from rich.table import Table

from venue.checkers.caps import check_caps
from venue.checkers.ending import check_ending, check_log
from venue.checkers.fills import check_commissions, check_fills
from venue.checkers.protection import check_protection
from venue.checkers.run import Check, Run, Verdict
from venue.checkers.sending import check_approved, check_halted

CHECKS = (
    Check("log", "the venue's positions are the sum of its fills", (), check_log),
    Check("ending", "the node ends with what the venue holds", ("state",), check_ending),
    Check("approved", "nothing unapproved was sent", ("journal",), check_approved),
    Check("caps", "no cap was passed by fills plus working orders", ("limits",), check_caps),
    Check("protection", "every position has its stop in time", (), check_protection),
    Check("halted", "HALTED means silence but for exits", ("journal",), check_halted),
    Check("fills", "each fill is counted once", ("journal",), check_fills),
    Check("commissions", "the fees are the venue's", ("state",), check_commissions),
)
_SHOWN_MAX = 20


def judge(run: Run) -> dict[str, Verdict | None]:
    """Return what each check says; None where a paper that it needs was not given."""
    return {
        check.name: None if any(getattr(run, paper) is None for paper in check.needs)
        else check.judge(run)
        for check in CHECKS
    }  # fmt: skip


def show(verdicts: dict[str, Verdict | None], console: Console) -> None:
    """Print a table of the verdicts, and the breaches below it."""
    table = Table("check", "rule", "verdict", "measured")
    for check in CHECKS:
        verdict = verdicts[check.name]
        if verdict is None:
            table.add_row(
                check.name, check.rule, "not judged", f"needs {' and '.join(check.needs)}"
            )
            continue
        word = f"{len(verdict.breaches)} breaches" if verdict.breaches else "kept"
        measured = ", ".join(f"{name} {value}" for name, value in verdict.figures.items())
        table.add_row(check.name, check.rule, word, measured)
    console.print(table)
    for name, verdict in verdicts.items():
        breaches = [] if verdict is None else verdict.breaches
        for breach in breaches[:_SHOWN_MAX]:
            where = f"line {breach.line}: " if breach.line else ""
            console.print(f"{name}: {where}{breach.text}", markup=False, soft_wrap=True)
        if len(breaches) > _SHOWN_MAX:
            console.print(f"{name}: and {len(breaches) - _SHOWN_MAX} more")
