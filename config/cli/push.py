"""`jianqiao push`: send files through a hospital's public API and say what became of each."""

import sys
import time
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import orjson

from config.cli.circles import as_transaction, circles_of
from config.cli.failures import NoAnswer, SignInRefused
from config.cli.home import Home
from config.cli.hospital_client import Answer, HospitalClient, client_of
from config.cli.input_files import InputFile, Unreadable, find_inputs
from config.cli.language import said
from config.cli.push_reports import (
    ACCEPTED,
    PARTIAL,
    REJECTED,
    UNANSWERED,
    FileReport,
    Issue,
    show,
    summary,
)
from config.cli.read_back import BASE, TOGETHER, Checked, ReadBack

KEPT_WHOLE = frozenset(
    {
        "document",
        "message",
        "collection",
        "searchset",
        "history",
        "transaction-response",
        "batch-response",
    }
)


@click.command(
    help=said(
        "以一家医院的身份，经公开接口发送文件或文件夹（FHIR JSON，可为 gz、bz2、zip）。",
        "Send files or folders as a hospital through the public API (FHIR JSON, also gz, bz2, zip).",
    )
)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@click.option(
    "--hospital", required=True, metavar="CODE", help=said("机构登记号。", "Registration number.")
)
@click.option(
    "--json", "as_json", is_flag=True, help="每个文件一行 JSON。 One line of JSON a file."
)
@click.option(
    "--check",
    is_flag=True,
    help=said(
        "逐一读回已存资源，与所发内容比较。",
        "Read every stored resource again and compare it with what was sent.",
    ),
)
@click.pass_obj
def push(home: Home, paths: tuple[Path, ...], hospital: str, as_json: bool, check: bool) -> None:
    """Send every file below the paths; exit 1 when one was not answered, or reads back otherwise."""
    client = client_of(home, hospital)
    files = find_inputs(paths)
    began = time.monotonic()
    reports = []
    pushing = push_files(client, files, ReadBack(client) if check else None)
    for report in _with_progress(pushing, len(files), quiet=as_json):
        reports.append(report)
        if as_json:
            click.echo(orjson.dumps(report.as_line()))
    totals = summary(reports, time.monotonic() - began)
    if as_json:
        click.echo(orjson.dumps(totals))
    else:
        show(reports, totals)
    unanswered = any(report.status == UNANSWERED for report in reports)
    sys.exit(1 if unanswered or totals.get("different") else 0)


def push_files(
    client: HospitalClient, files: Sequence[InputFile], read_back: ReadBack | None = None
) -> Iterator[FileReport]:
    """Send the files one after another, in their order.

    Resources that were refused only because what they refer to was not there yet are sent again after the
    others, pass by pass; those that refer to each other in a circle go together first. With `read_back`
    what was stored of each file is compared with what was sent.
    """
    waiting: list[InputFile] = []
    sent: set[str] = set()
    for file in files:
        report = push_file(client, file, read_back)
        if lacks_only_targets(report):
            waiting.append(file)
        else:
            yield report
    while waiting:
        reports = [(file, push_file(client, file, read_back)) for file in waiting]
        left = [file for file, report in reports if lacks_only_targets(report)]
        yield from (report for _, report in reports if not lacks_only_targets(report))
        if len(left) == len(waiting) and not push_circles(client, left, sent, read_back):
            yield from (report for _, report in reports)
            return
        waiting = left


def lacks_only_targets(report: FileReport) -> bool:
    """Whether a resource was refused for references that lead to nothing, and for nothing else."""
    rules = {issue.rule for issue in report.issues}
    return report.status == REJECTED and report.alone and rules == {"reference-resolves"}


def push_circles(
    client: HospitalClient,
    files: Sequence[InputFile],
    sent: set[str],
    read_back: ReadBack | None = None,
) -> bool:
    """Send resources that wait for each other in one transaction each, once; whether one was taken."""
    taken = False
    for circle in circles_of({file: _content(file.read()) for file in files}):
        body = as_transaction(circle)
        name = sha256(body).hexdigest()
        if name in sent:
            continue
        sent.add(name)
        with suppress(NoAnswer, SignInRefused):
            answer = client.post("/fhir/R4", body, message_id=name)
            taken = answer.ok or taken
            if read_back and answer.ok:
                read_back.learn(body, _locations(answer))
    return taken


def push_file(
    client: HospitalClient, file: InputFile, read_back: ReadBack | None = None
) -> FileReport:
    """Send one file as it is and count what the node says of it."""
    nothing = Checked() if read_back else None
    try:
        body = file.read()
    except Unreadable as error:
        issues = [Issue("", "unreadable", str(error))]
        return FileReport(file.label, UNANSWERED, issues=issues, checked=nothing)
    content = _content(body)
    kinds = _kinds(content)
    try:
        answer = client.post(_path(content), body, message_id=message_id(content, body))
    except (NoAnswer, SignInRefused) as error:
        rule = "no-answer" if isinstance(error, NoAnswer) else "sign-in-refused"
        return FileReport(
            file.label,
            UNANSWERED,
            resources=len(kinds),
            issues=[Issue("", rule, str(error))],
            kinds=Counter(kinds),
            checked=nothing,
        )
    report = _judged(file.label, kinds, answer, alone=content.get("resourceType") != "Bundle")
    if read_back:
        report.checked = read_back.check(body, _locations(answer))
    return report


def message_id(content: dict[str, Any], body: bytes) -> str:
    """As the node names it: the identifier of a bundle that acts, else the hash of the bytes."""
    identifier = content.get("identifier")
    if _path(content) == "/fhir/R4" and isinstance(identifier, dict):
        system, value = identifier.get("system"), identifier.get("value")
        prefix = f"{system}|" if isinstance(system, str) else ""
        if isinstance(value, str) and (prefix + value).isascii() and (prefix + value).isprintable():
            return prefix + value
    return sha256(body).hexdigest()


def _judged(label: str, kinds: Sequence[str], answer: Answer, *, alone: bool) -> FileReport:
    """Count the entries of a response bundle; an outcome alone speaks for the whole message."""
    if answer.ok:
        entries = _entries(answer.body) if _is_response(answer) else [{"response": {}}]
        good = [_is_good(entry) for entry in entries] if _is_response(answer) else [True]
        issues = [issue for entry in entries for issue in _issues(_outcome(entry))]
    else:
        good, issues = [False] * len(kinds), list(_issues(answer.body))
        issues = issues or [Issue("", f"http-{answer.status}", _problem(answer.body))]
    good = good[: len(kinds)] + [False] * (len(kinds) - len(good))
    stored = sum(good)
    status = ACCEPTED if answer.ok and stored == len(kinds) else PARTIAL if stored else REJECTED
    return FileReport(
        file=label,
        status=status,
        resources=len(kinds),
        stored=stored,
        refused=len(kinds) - stored,
        issues=issues,
        alone=alone,
        kinds=Counter(kinds),
        stored_kinds=Counter(kind for kind, ok in zip(kinds, good, strict=True) if ok),
    )


def _locations(answer: Answer) -> list[str]:
    """Where each resource of a message is, as `Type/id/_history/version`; "" where none was stored."""
    if answer.ok and _is_response(answer):
        return [
            str(entry["response"].get("location", "")) if _is_good(entry) else ""
            for entry in _entries(answer.body)
        ]
    return [answer.location.partition(BASE)[2]] if answer.ok else []


def _path(content: dict[str, Any]) -> str:
    """Bundles that act go to the base, everything else to its type; nonsense to the base too."""
    kind = content.get("resourceType")
    acts = kind == "Bundle" and content.get("type") not in KEPT_WHOLE
    return "/fhir/R4" if acts or not isinstance(kind, str) else f"/fhir/R4/{quote(kind, safe='')}"


def _content(body: bytes) -> dict[str, Any]:
    """The decoded resource; empty when it is none, which the node will tell better."""
    try:
        content = orjson.loads(body.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _kinds(content: dict[str, Any]) -> list[str]:
    """Types of the resources that count: the entries of a bundle that acts, else the resource."""
    if content.get("resourceType") == "Bundle" and content.get("type") in TOGETHER:
        return [
            str(resource.get("resourceType")) if isinstance(resource, dict) else "-"
            for resource in (entry.get("resource") for entry in _entries(content))
        ]
    kind = content.get("resourceType")
    return [str(kind)] if kind else []


def _entries(bundle: Any) -> list[dict[str, Any]]:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return [e if isinstance(e, dict) else {} for e in entries] if isinstance(entries, list) else []


def _is_response(answer: Answer) -> bool:
    """Whether it answers a bundle; a resource that has a place may be an old answer kept as it is."""
    is_bundle = isinstance(answer.body, dict) and not answer.location
    return is_bundle and str(answer.body.get("type", "")).endswith("-response")


def _is_good(entry: dict[str, Any]) -> bool:
    return str(entry.get("response", {}).get("status", "")).startswith("2")


def _outcome(entry: dict[str, Any]) -> Any:
    return None if _is_good(entry) else entry.get("response", {}).get("outcome")


def _issues(outcome: Any) -> Iterator[Issue]:
    """The issues of an OperationOutcome: path, rule and text."""
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return
    for issue in outcome.get("issue", []):
        details = issue.get("details", {})
        places = issue.get("expression") or issue.get("location") or [""]
        codings = details.get("coding") or [{}]
        yield Issue(
            path=places[0],
            rule=codings[0].get("code") or issue.get("code", ""),
            text=issue.get("diagnostics") or details.get("text", ""),
        )


def _problem(body: Any) -> str:
    """The text of an RFC 9457 body."""
    if not isinstance(body, dict):
        return ""
    return str(body.get("detail") or body.get("title") or body.get("error_description") or "")


def _with_progress(
    reports: Iterator[FileReport], length: int, *, quiet: bool
) -> Iterator[FileReport]:
    """A bar on standard error while a person watches."""
    if quiet or not sys.stderr.isatty():
        yield from reports
        return
    label = said("推送", "push")
    with click.progressbar(reports, length=length, label=label, file=sys.stderr) as bar:
        yield from bar
