"""What became of pushed files: by file, in sum, for programs and for people."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from config.cli.language import said, tell
from config.cli.read_back import Checked

ACCEPTED, PARTIAL, REJECTED, UNANSWERED = "accepted", "partial", "rejected", "unanswered"
COUNTS = ("resources", "stored", "refused")
SHOWN_ISSUES = 5


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong, where, by which rule."""

    path: str
    rule: str
    text: str


@dataclass(slots=True)
class FileReport:
    """What became of one file."""

    file: str
    status: str
    resources: int = 0
    stored: int = 0
    refused: int = 0
    issues: list[Issue] = field(default_factory=list)
    alone: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    stored_kinds: Counter[str] = field(default_factory=Counter)
    checked: Checked | None = None

    def as_line(self) -> dict[str, Any]:
        """The line of `--json`."""
        line = {name: getattr(self, name) for name in ("file", "status", *COUNTS)}
        line["issues"] = [asdict(issue) for issue in self.issues]
        if self.checked is not None:
            line |= asdict(self.checked)
        return line


def summary(reports: Iterable[FileReport], seconds: float) -> dict[str, Any]:
    """Totals over all files, and by resource type; what was compared, where that was asked for."""
    reports = list(reports)
    compared = [report.checked for report in reports if report.checked is not None]
    kinds: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    for report in reports:
        kinds += report.kinds
        stored += report.stored_kinds
    return {
        "files": len(reports),
        "resources": sum(report.resources for report in reports),
        "stored": sum(report.stored for report in reports),
        "refused": sum(report.refused for report in reports),
        **(
            {
                "checked": sum(one.checked for one in compared),
                "different": sum(one.different for one in compared),
            }
            if compared
            else {}
        ),
        "by_type": {
            kind: {"resources": count, "stored": stored[kind], "refused": count - stored[kind]}
            for kind, count in sorted(kinds.items())
        },
        "seconds": round(seconds, 3),
    }


def show(reports: Sequence[FileReport], totals: dict[str, Any]) -> None:
    """The summary for people."""
    for report in reports:
        if report.status != ACCEPTED:
            click.secho(f"{_word(report.status)}  {report.file}", fg="red")
            for issue in report.issues[:SHOWN_ISSUES]:
                click.echo(f"    {issue.path or '-'}  [{issue.rule}]  {issue.text}")
            if len(report.issues) > SHOWN_ISSUES:
                more = len(report.issues) - SHOWN_ISSUES
                tell(f"    …另有 {more} 条", f"    … and {more} more")
    for report in reports:
        if report.checked and report.checked.different:
            word = said("读回不同", "reads back otherwise")
            click.secho(f"{word}  {report.file}", fg="red")
            for one in report.checked.differences[:SHOWN_ISSUES]:
                click.echo(f"    {one.path}  {one.sent} → {one.came_back}")
    width = max((len(kind) for kind in totals["by_type"]), default=0)
    for kind, count in totals["by_type"].items():
        tell(
            f"  {kind:<{width}}  {count['stored']:>7} 已存  {count['refused']:>5} 拒收",
            f"  {kind:<{width}}  {count['stored']:>7} stored  {count['refused']:>5} refused",
        )
    accepted = sum(report.status == ACCEPTED for report in reports)
    tell(
        f"{totals['files']} 个文件，{accepted} 个全部接收；{totals['resources']} 个资源，"
        f"{totals['stored']} 个已存，{totals['refused']} 个拒收；{totals['seconds']:.1f} 秒。",
        f"{totals['files']} files, {accepted} accepted whole; {totals['resources']} resources, "
        f"{totals['stored']} stored, {totals['refused']} refused; {totals['seconds']:.1f} s.",
    )
    if "checked" in totals:
        tell(
            f"{totals['checked']} 个资源已读回比较，{totals['different']} 个不同。",
            f"{totals['checked']} resources read back and compared, {totals['different']} differ.",
        )


def _word(status: str) -> str:
    words = {
        PARTIAL: said("部分接收", "partial"),
        REJECTED: said("拒收", "rejected"),
        UNANSWERED: said("无应答", "no answer"),
    }
    return words.get(status, status)
