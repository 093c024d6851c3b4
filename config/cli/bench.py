"""`jianqiao bench NAME`: the measured claims, against a province it starts and removes by itself."""

from importlib import import_module

import click
import orjson

from config.cli.language import said, tell

NAMES = (
    "replication", "idle", "validation", "ingest", "search", "read", "people", "live",
)  # fmt: skip


@click.command(
    help=said(
        "测量一项性能指标；最后一行是 JSON。",
        "Measure one claim; the last line is JSON.",
    )
)
@click.argument("name", type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help=said("一分钟内结束。", "End within a minute."))
@click.option(
    "--cities",
    type=click.IntRange(min=1),
    help=said(
        "市州数量（默认由各项指标决定）。", "How many cities (each claim has its own number)."
    ),
)
@click.option(
    "--port-base",
    type=int,
    default=8700,
    show_default=True,
    help=said("临时省平台的起始端口。", "First port of the province it starts."),
)
def bench(name: str, quick: bool, cities: int | None, port_base: int) -> None:
    """Run one benchmark and print its figures; exit 1 when one misses its target."""
    module = import_module(f"benchmarks.{name}")
    report = module.run(
        quick=quick,
        cities=cities or module.CITIES,
        port_base=port_base,
        say=lambda text: click.echo(text, err=True),
    )
    for figure in report.figures:
        tell(
            f"{figure.name:24} {figure.ours:10.3f} {figure.unit:8} 基准 {figure.reference:.3f}"
            f"（{figure.reference_is}） 目标 {figure.target} {'达到' if figure.holds else '未达到'}",
            f"{figure.name:24} {figure.ours:10.3f} {figure.unit:8} reference {figure.reference:.3f}"
            f" ({figure.reference_is}) target {figure.target} {'holds' if figure.holds else 'MISSED'}",
        )
    click.echo(orjson.dumps(report.as_line()))
    if not all(figure.holds for figure in report.figures):
        raise click.exceptions.Exit(1)
