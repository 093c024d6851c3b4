"""Decisions about emergency accesses over plain values."""

FEWEST_CHARACTERS = 5
MOST_CHARACTERS = 500


def is_explained(words: str) -> bool:
    """Whether somebody who reads it later can tell what the emergency was."""
    return len("".join(words.split())) >= FEWEST_CHARACTERS
