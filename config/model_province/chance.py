"""The only source of randomness of the model province."""

from random import Random


def chance_of(*key: object) -> Random:
    """A stream of its own for a key: one resident's luck does not depend on another's."""
    return Random(":".join(str(part) for part in key))  # noqa: S311  a model, not a secret
