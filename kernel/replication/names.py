"""Names of roles, publications, subscriptions and slots."""

OWNER_ROLE = "jianqiao_owner"
APP_ROLE = "jianqiao_app"
PROVINCE_PUBLICATION = "province"
CITY_PUBLICATION = "city"
NODE_PUBLICATION = "node"


def replication_role(peer: str) -> str:
    """Login by which a peer node reads the published tables of this one."""
    return f"jianqiao_repl_{peer}"


def hub_publications(city: str) -> list[str]:
    """What the hub publishes for one city."""
    return [PROVINCE_PUBLICATION, f"personal_{city}", f"node_{city}"]


def city_publications() -> list[str]:
    """What a city publishes for the hub."""
    return [CITY_PUBLICATION, NODE_PUBLICATION]


def subscription(publisher: str) -> str:
    """Subscription to everything that a node publishes for us."""
    return f"from_{publisher}"


def slot(subscriber: str, epoch: int) -> str:
    """Slot of a subscriber on the publisher's cluster; a new epoch takes a new slot."""
    return f"to_{subscriber}_e{epoch}"
