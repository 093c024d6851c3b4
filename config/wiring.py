"""Who reacts to what, on one page: events, commands, and the columns that keys protect."""

from kernel.keys.columns import BlindIndex, SealedColumn

# Role of the node → event → handlers `(event) -> None`, each run once in effect.
HANDLERS: dict[str, dict[str, list[str]]] = {
    "province": {},
    "city": {},
}

# Command → service `(*, body, by) -> dict`; its answer is stored with its effect.
COMMANDS: dict[str, str] = {
    "keys.share": "kernel.keys.services.take_over_keys",
}

# Command that only reads → service of the same form; nothing is stored, nobody retries.
QUERIES: dict[str, str] = {}

SEALED_COLUMNS: list[SealedColumn] = [
    SealedColumn("commands.CommandSent", "body"),
    SealedColumn("commands.CommandSent", "answer"),
    SealedColumn("commands.CommandReceived", "answer"),
]

BLIND_INDEXES: list[BlindIndex] = []
