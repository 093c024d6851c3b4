"""Commits that wait for no disk, for what a crash may lose because it is done again or found again."""

ASK = "SELECT set_config('synchronous_commit', 'off', true)"

LAZILY = f"({ASK}) AS lazily"
"""In the FROM of an UPDATE, or the USING of a DELETE, that is a transaction of its own."""

ALL_LAZILY = (ASK, ())
"""The statement for a transaction of several."""
