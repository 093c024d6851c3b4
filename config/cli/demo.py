"""`jianqiao demo`: what `make demo` runs; a province with data in it, and a tour of it."""

import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from config.cli.demo_access import (
    demo_hospitals,
    hub_of,
    make_clients,
    make_users,
    resident_phone,
)
from config.cli.demo_tour import give_tour
from config.cli.demo_traffic import traffic
from config.cli.failures import NotRunning, SignInRefused, StepFailed
from config.cli.home import Home, read_json, write_json
from config.cli.hospital_client import HospitalClient, client_of
from config.cli.input_files import find_inputs
from config.cli.language import said, tell
from config.cli.node_process import manage
from config.cli.push import push_files
from config.cli.push_reports import UNANSWERED, show, summary
from config.cli.seed import DAYS, SEED, seed_province, seeding_of
from config.cli.up import Wishes, run, run_detached
from config.model_province.schedules import schedules_of
from config.model_province.sources import SAMPLES, Hospital
from config.model_province.write_samples import two_hospitals

RESIDENTS = 3_000
CLIENT_KNOWN_WITHIN = 20.0
DAYS_OPEN = 8
"""Today and the seven days that may be booked ahead."""


@click.group(
    invoke_without_command=True,
    help=said(
        "启动省平台并导入示例数据，然后演示一遍主要功能。Ctrl-C 停止全部。",
        "Start a province, put sample data in it and give a tour. Ctrl-C stops all.",
    ),
)
@click.option("--cities", type=click.IntRange(min=2), help=said("市州数量。", "How many cities."))
@click.option(
    "--port-base", type=click.IntRange(1024, 65000), help=said("起始端口。", "First port.")
)
@click.option(
    "--residents",
    type=click.IntRange(min=0),
    default=RESIDENTS,
    show_default=True,
    help=said("首次生成的居民数。", "Residents seeded the first time."),
)
@click.option(
    "--no-wait",
    is_flag=True,
    help=said("演示后返回，省平台留在后台。", "Return after the tour; the province goes on."),
)
@click.pass_context
def demo(
    ctx: click.Context,
    cities: int | None,
    port_base: int | None,
    residents: int,
    no_wait: bool,
) -> None:
    """Without a subcommand: everything."""
    if ctx.invoked_subcommand is not None:
        return
    home: Home = ctx.obj
    wishes = Wishes(cities=cities, port_base=port_base)
    if no_wait:
        if not home.is_held():
            run_detached(home, wishes)
        fill_and_show(home, residents)
        return

    run(home, wishes, beside=["demo", "--no-wait", "--residents", str(residents)])


@demo.command(help=said("输出一家医院的访问令牌。", "Print an access token of a hospital."))
@click.argument("hospital")
@click.pass_obj
def token(home: Home, hospital: str) -> None:
    """For use with curl."""
    click.echo(client_of(home, hospital).token())


demo.add_command(traffic)


def fill_and_show(home: Home, residents: int) -> None:
    """Put data in, say who may sign in, give the tour."""
    hospitals = demo_hospitals(home)
    if len(hospitals) < 2:
        wanted = " ".join(hospital.node for hospital in two_hospitals())
        raise NotRunning(
            f"演示需要市州 {wanted}；请检查 topology.toml 和 --cities。",
            f"The demo needs the cities {wanted}; look at topology.toml and --cities.",
        )
    person = fill(home, hospitals, residents)
    show_access(home)
    give_tour(home, hospitals, person)


def fill(home: Home, hospitals: Sequence[Hospital], residents: int) -> str:
    """Registers, credentials, samples and residents; the id of the resident who signs in.

    What was done before is not done again, save the push: it shows that a repeat changes nothing.
    """
    done = _remembered(home)
    registry = _registry_fingerprint()
    if done.get("registry") != registry:
        _say("导入机构、人员、科室、诊断与区划", "Loading institutions, staff and code tables")
        manage(home, hub_of(home)["code"], "load_registry", str(SAMPLES / "registry"))
        _note(home, registry=registry)
    codes = [hospital.code for hospital in hospitals]
    if done.get("clients") != codes:
        _say("登记两家医院的信息系统", "Registering the systems of two hospitals")
        make_clients(home)
        _note(home, clients=codes)
    push_samples(home, hospitals)
    open_schedules(home, hospitals)
    person = done.get("person")
    if person is None or not home.endpoints()["users"]:
        _say("建立演示账号", "Making demo accounts")
        person = make_users(home)
        _note(home, person=person)
    if residents and "residents" not in done:
        _say(f"生成 {residents} 名居民及其就诊", f"Seeding {residents} residents and their visits")
        seed_province(home, seeding_of(residents, DAYS, SEED))
        _note(home, residents=residents)
    return str(person)


def push_samples(home: Home, hospitals: Sequence[Hospital]) -> None:
    """The samples of each hospital through its public door, and real Synthea patients."""
    for number, hospital in enumerate(hospitals):
        _say(f"{hospital.name} 推送病历", f"{hospital.name} pushes records")
        client = client_of(home, hospital.code)
        _wait_until_known(client)
        folders = [SAMPLES / "fhir/gansu" / hospital.code]
        folders += [SAMPLES / "fhir/synthea"] if number == 0 else []
        began = time.monotonic()
        reports = list(push_files(client, find_inputs(folders)))
        show(reports, summary(reports, time.monotonic() - began))
        if any(report.status == UNANSWERED for report in reports):
            raise StepFailed(
                "有文件没有应答，演示中断。", "Some files got no answer; the demo stops."
            )


def open_schedules(home: Home, hospitals: Sequence[Hospital]) -> None:
    """Numbers of the next days at each hospital; what is open already stays as it is."""
    today = datetime.fromtimestamp(time.time(), ZoneInfo("Asia/Shanghai")).date()
    for hospital in hospitals:
        _say(f"{hospital.name} 发布号源", f"{hospital.name} opens numbers")
        client = client_of(home, hospital.code)
        for key, plan in schedules_of(hospital, today, DAYS_OPEN):
            path = f"/organisations/{hospital.code}/schedules/{key}"
            answer = client.call("PUT", path, orjson.dumps(plan))
            if not answer.ok:
                raise StepFailed(
                    f"号源 {key} 未能发布（{answer.status}）：{answer.body}",
                    f"Schedule {key} was not taken ({answer.status}): {answer.body}",
                )


def show_access(home: Home) -> None:
    """Addresses, sign-ins and hospital systems."""
    endpoints = home.endpoints()
    click.echo()
    click.secho(said("地址与账号", "Addresses and sign-ins"), bold=True)
    phone, hub = resident_phone(), hub_of(home)["url"]
    tell(
        f"  居民        {hub}/   手机 {phone}，验证码见 {hub}/dev/mailbox",
        f"  residents   {hub}/   phone {phone}, its code in {hub}/dev/mailbox",
    )
    for row in endpoints["nodes"]:
        if row["role"] == "city":
            tell(
                f"  医生工作台  {row['url']}/workbench/   {row['code']} {row['name']}",
                f"  workbench   {row['url']}/workbench/   {row['code']} {row['name']}",
            )
    tell(f"  卫生健康委  {hub}/commission/", f"  commission  {hub}/commission/")
    tell(f"  接口说明    {hub}/api/v1/docs", f"  API         {hub}/api/v1/docs")
    for row in endpoints["users"]:
        click.echo(f"  {row['role']:<20} {row['login']:<10} {row['secret']}   {row['url']}")
    tell(
        "  医务与管理账号还须动态验证码：jianqiao totp 账号",
        "  Staff also give a one-time code: jianqiao totp LOGIN",
    )
    for row in endpoints["clients"]:
        click.echo(f"  {row['hospital']}   client_id={row['client_id']}")
        click.echo(f"    {row['private_key_path']}")
    tell(
        f"  账号、密钥和节点地址均在 {home.endpoints_file}",
        f"  Sign-ins, keys and addresses of nodes are in {home.endpoints_file}",
    )
    tell("  让页面动起来：jianqiao demo traffic", "  To make the pages move: jianqiao demo traffic")


def _wait_until_known(client: HospitalClient) -> None:
    """A registered client reaches its city by replication, a moment after the hub knows it."""
    until = time.monotonic() + CLIENT_KNOWN_WITHIN
    while True:
        try:
            client.token()
        except SignInRefused:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _remembered(home: Home) -> dict[str, Any]:
    """What was done to this very province: another one in the same home has other keys."""
    memory = read_json(home.demo_file)
    return memory if memory.get("province") == _province(home) else {}


def _note(home: Home, **facts: Any) -> None:
    """Remember what was done, for the next start."""
    memory = {**_remembered(home), "province": _province(home), **facts}
    write_json(home.demo_file, memory)


def _province(home: Home) -> str:
    key = home.node(hub_of(home)["code"]).keys / "node.pem"
    return sha256(key.read_bytes()).hexdigest()[:16]


def _registry_fingerprint() -> str:
    digest = sha256()
    for path in sorted((SAMPLES / "registry").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _say(zh: str, en: str) -> None:
    click.echo(click.style("→ ", fg="green", bold=True) + said(zh, en))
