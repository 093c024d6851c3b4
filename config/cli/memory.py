"""What `up` remembers of a province from one start to the next (province.json)."""

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from config.cli.failures import HomeUnusable
from config.cli.home import PROJECT, Home, read_json, write_json

FORMAT = 1
DEFAULT_PORT_BASE = 7600
DEFAULT_CITIES = 2


@dataclass
class NodeMemory:
    """How far the preparation of a node has come."""

    initialised: bool = False
    prepared: str = ""  # fingerprint of logins
    schema: str = ""  # fingerprint of migrations
    keyed: bool = False
    enrolled: str = ""  # fingerprint of addresses


@dataclass
class Memory:
    """What the last start left behind."""

    port_base: int = DEFAULT_PORT_BASE
    cities: int = DEFAULT_CITIES
    topology: str = ""
    nodes: dict[str, NodeMemory] = field(default_factory=dict)

    def node(self, code: str) -> NodeMemory:
        """The memory of a node, empty at first."""
        return self.nodes.setdefault(code, NodeMemory())

    def save(self, home: Home) -> None:
        """Write it down at once; a half-finished start goes on where it stopped."""
        write_json(home.province_file, {"format": FORMAT, **asdict(self)})


def remember(home: Home) -> Memory:
    """Read what the last start left, or begin anew."""
    content = read_json(home.province_file)
    if not content:
        return Memory()
    if content.pop("format", None) != FORMAT:
        raise HomeUnusable(
            f"{home.province_file} 由另一版本写成，本版本不能识别。",
            f"{home.province_file} was written by another version and is not understood.",
        )
    try:
        nodes = {code: NodeMemory(**facts) for code, facts in content.pop("nodes").items()}
        return Memory(nodes=nodes, **content)
    except (KeyError, TypeError, AttributeError) as error:
        raise HomeUnusable(
            f"{home.province_file} 内容有误：{error}", f"{home.province_file} is damaged: {error}"
        ) from error


SHAPING = ("kernel/homes.py", "kernel/postgres/", "kernel/replication/", "config/wiring.py")


def shaping_files() -> list[Path]:
    """What shapes the databases: migrations, models, triggers, and what follows from homes."""
    return [
        file
        for package in PROJECT.glob("*/__init__.py")
        if package.parent.name not in {"tests", "benchmarks"}
        for file in package.parent.rglob("*.py")
        if file.parent.name == "migrations"
        or file.name in {"models.py", "triggers.py"}
        or file.relative_to(PROJECT).as_posix().startswith(SHAPING)
    ]


def schema_fingerprint() -> str:
    """Changes when anything that shapes the databases changes."""
    digest = sha256()
    for file in sorted(shaping_files()):
        digest.update(str(file.relative_to(PROJECT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def fingerprint(*facts: str) -> str:
    """A short digest of facts, to see whether they changed."""
    return sha256("\0".join(facts).encode()).hexdigest()[:16]
