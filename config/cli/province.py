"""The order in which a province starts and stops."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from config.cli import clusters, enrolment, given_servers, node_settings, readiness, redis_servers
from config.cli.failures import StepFailed
from config.cli.home import Home, NodeHome, write_json
from config.cli.leftovers import sweep
from config.cli.memory import Memory, fingerprint, schema_fingerprint
from config.cli.placement import Account, Programs, programs, server_account, server_root
from config.cli.ports import refuse_taken
from config.cli.processes import manage_spec, serving_specs
from config.cli.reporting import Reporter
from config.cli.supervision import Supervised, Supervisor
from config.cli.topology import Node

READY_SECONDS = 60.0
READY_SECONDS_PER_NODE = 15.0
SERVING = frozenset({"web", "worker", "consumer", "live"})
SERVERS = frozenset({"redis", "postgres"})


@dataclass(frozen=True)
class Ground:
    """What the servers stand on: where their data lie, their programs and their account."""

    root: Path
    programs: Programs | None
    account: Account | None


class Province:
    """Hub and cities of one home, started in order and stopped in reverse."""

    def __init__(
        self,
        home: Home,
        nodes: list[Node],
        memory: Memory,
        report: Reporter,
        supervisor: Supervisor,
    ) -> None:
        self.home, self.nodes, self.memory = home, nodes, memory
        self.report, self.supervisor = report, supervisor
        self.phase = "starting"
        self._since = time.time()
        self._writing: asyncio.TimerHandle | None = None
        self._cores = asyncio.Semaphore(max(2, os.cpu_count() or 2))
        supervisor.on_change = self._note

    async def start(self) -> None:
        """Bring every node up; returns when all are ready."""
        begun = time.monotonic()
        self._write_note()  # `down` can find us from now on
        self.home.log.mkdir(mode=0o700, exist_ok=True)
        if sweep(self.home):
            self.report.step("清理上次遗留的进程", "Stopped processes left over from last time")
        refuse_taken(self.nodes)
        ground = self._ground()
        await self._start_servers(ground)
        await self._prepare_logins()
        await self._stop_restored()
        for node in self.nodes:
            node_settings.write_env(node, self._home(node))
        migrated = await self._migrate()
        await self.enrol(again=migrated)
        await self._serve()
        self._publish_addresses()
        self.phase = "ready"
        self._write_note()  # whoever is told finds it so
        self.report.ready(self.home.endpoints()["nodes"], time.monotonic() - begun)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop what serves, then the servers; leave nothing behind."""
        self.phase = "stopping"
        await self.supervisor.stop(SERVING, hurry=hurry)
        await self.supervisor.stop(SERVERS, hurry=hurry)
        self.supervisor.on_change = lambda: None
        if self._writing:
            self._writing.cancel()
        self.home.run_file.unlink(missing_ok=True)

    def _ground(self) -> Ground:
        local = [node for node in self.nodes if node.given.database_url is None]
        needs_redis = any(node.given.redis_url is None for node in self.nodes)
        if not local and not needs_redis:
            return Ground(self.home.path, None, None)
        account = server_account()
        ground = Ground(server_root(self.home, account), programs(self.home, account), account)
        new = [node for node in local if not self.memory.node(node.code).initialised]
        clusters.refuse_full_disk(ground.root, new_nodes=len(new))
        return ground

    async def _start_servers(self, ground: Ground) -> None:
        self.report.step(
            f"启动 {len(self.nodes)} 个节点的数据库",
            f"Starting the databases of {len(self.nodes)} nodes",
        )
        for node in self.nodes:
            node_settings.make_keys(self._home(node))
        await self._each(lambda node: self._start_cluster(node, ground))
        await self._each(lambda node: self._start_redis(node, ground))

    async def _start_cluster(self, node: Node, ground: Ground) -> None:
        if node.given.database_url is not None:
            await asyncio.to_thread(given_servers.refuse_unfit, node)
            return
        assert ground.programs is not None  # noqa: S101  a local cluster has its programs
        memory, home = self.memory.node(node.code), self._home(node)
        async with self._cores:
            data = await asyncio.to_thread(
                clusters.make_cluster,
                node,
                home,
                ground.root,
                ground.programs,
                ground.account,
                had_data=memory.initialised,
            )
        memory.initialised = True
        self.memory.save(self.home)
        spec = clusters.postgres_spec(node, data, ground.programs, ground.account)
        watched = self.supervisor.start(spec)
        dsn = clusters.superuser_dsn(node, home)
        await self._until(watched, lambda: clusters.answers(dsn))

    async def _start_redis(self, node: Node, ground: Ground) -> None:
        if node.given.redis_url is not None:
            await asyncio.to_thread(given_servers.refuse_unfit_redis, node)
            return
        assert ground.programs is not None  # noqa: S101  a local Redis has its program
        home = self._home(node)
        spec = redis_servers.redis_spec(node, home, ground.root, ground.programs, ground.account)
        watched = self.supervisor.start(spec)
        await self._until(watched, lambda: redis_servers.pings(node, home))

    async def _prepare_logins(self) -> None:
        await self._each(self._prepare_node)

    async def _prepare_node(self, node: Node) -> None:
        memory, logins = self.memory.node(node.code), enrolment.logins(node, self._home(node))
        state = fingerprint(logins.owner_url, logins.app_url)
        if memory.prepared == state:
            return
        await asyncio.to_thread(enrolment.prepare, logins)
        memory.prepared = state
        self.memory.save(self.home)

    async def _stop_restored(self) -> None:
        """Before anybody writes: a restored node's log would grow past what its peers remember."""
        hub = self.nodes[0]
        for city in self.nodes[1:]:
            if not self.memory.node(city.code).enrolled:
                continue
            for code in await asyncio.to_thread(enrolment.stop_restored, hub, city, self.home):
                self.report.step(
                    f"{code} 曾从备份恢复：它与 {city.code if code == hub.code else hub.code} 之间的数据流"
                    f"已停止，请执行 jianqiao nodes reload {city.code}",
                    f"{code} was restored from a copy: its streams with "
                    f"{city.code if code == hub.code else hub.code} are stopped; run "
                    f"jianqiao nodes reload {city.code}",
                )

    async def _migrate(self) -> bool:
        schema = schema_fingerprint()
        behind = any(self.memory.node(node.code).schema != schema for node in self.nodes)
        if behind:
            self.report.step("建立或更新数据表", "Making or updating tables")
            await self.migrate()
            for node in self.nodes:
                self.memory.node(node.code).schema = schema
            self.memory.save(self.home)
        await self._each(self._make_data_keys)
        return behind

    async def migrate(self) -> None:
        """Both passes over all nodes: first what they receive, then what they write."""
        for phase in ("receive", "write"):
            await self._each(partial(self._run_pass, phase))

    async def _run_pass(self, phase: str, node: Node) -> None:
        await self._manage(node, "migrate", "--noinput", "--phase", phase)

    async def _make_data_keys(self, node: Node) -> None:
        memory = self.memory.node(node.code)
        if not memory.keyed:
            await self._manage(node, "make_keys")
            memory.keyed = True
            self.memory.save(self.home)

    async def enrol(self, *, again: bool) -> None:
        """Enrol new cities; after a migration all again, so that streams take up new tables."""
        hub, cities = self.nodes[0], self.nodes[1:]
        for city in cities:
            memory = self.memory.node(city.code)
            state = enrolment.state_of(hub, city, self.home)
            if memory.enrolled == state and not again:
                continue
            self.report.step(f"接入 {city.name}", f"Enrolling {city.code}")
            if memory.enrolled not in {"", state}:
                await asyncio.to_thread(enrolment.readdress, hub, city, self.home)
            ends = enrolment.both_ends(hub, city, self.home, known=bool(memory.enrolled))
            await self._manage(hub, "enrol_city", feed=ends)
            memory.enrolled = state
            self.memory.save(self.home)

    async def _serve(self) -> None:
        self.report.step("启动服务进程", "Starting the serving processes")
        await self._each(self._serve_node)

    async def _serve_node(self, node: Node) -> None:
        specs = serving_specs(self.home, node)
        for one in [self.supervisor.start(spec) for spec in specs]:
            await self._until(one, readiness.probe_of(one, node))

    def _publish_addresses(self) -> None:
        nodes = []
        for node in self.nodes:
            variables = self._home(node).variables()
            nodes.append(
                {
                    "code": node.code,
                    "name": node.name,
                    "role": node.role,
                    "url": node.url,
                    "database_url": variables["DATABASE_URL"],
                    "redis_url": variables["REDIS_URL"],
                }
            )
        self.home.write_endpoints(nodes=nodes)

    async def _manage(self, node: Node, *words: str, feed: str = "") -> None:
        spec = manage_spec(self.home, node, words)
        async with self._cores:
            code = await self.supervisor.run(spec, feed.encode())
        if code != 0:
            tail = self.supervisor.tail(spec.name)
            raise StepFailed(
                f"节点 {node.code}：{words[0]} 失败（退出码 {code}）。"
                f"{self.home.log / spec.name}.log 末尾：\n{tail}",
                f"Node {node.code}: {words[0]} failed (exit code {code}). "
                f"End of {self.home.log / spec.name}.log:\n{tail}",
            )

    async def _each(self, work: Callable[[Node], Coroutine[Any, Any, None]]) -> None:
        """Do the work for all nodes at once; the first failure ends the others."""
        async with asyncio.TaskGroup() as group:
            for node in self.nodes:
                group.create_task(work(node))

    async def _until(self, watched: Supervised, probe: Callable[[], bool]) -> None:
        within = READY_SECONDS + READY_SECONDS_PER_NODE * len(self.nodes)
        await self.supervisor.until_ready(watched, probe, within=within)

    def _home(self, node: Node) -> NodeHome:
        return self.home.node(node.code)

    def _note(self) -> None:
        """Write what runs to supervisor.json soon; many changes make one file."""
        if self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(0.05, self._write_note)

    def _write_note(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        processes: list[dict[str, Any]] = [
            {
                "node": one.spec.node,
                "process": one.spec.kind,
                "state": str(one.state),
                "pid": one.pid,
                "restarts": one.restarts,
                "since": one.since,
                "last_exit": one.last_exit,
            }
            for one in self.supervisor.processes.values()
        ]
        write_json(
            self.home.run_file,
            {
                "pid": os.getpid(),
                "phase": self.phase,
                "since": self._since,
                "nodes": [
                    {"code": node.code, "name": node.name, "url": node.url} for node in self.nodes
                ],
                "processes": processes,
            },
        )
