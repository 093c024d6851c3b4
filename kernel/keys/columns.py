"""What `config/wiring.py` says about encrypted columns, so that keys can be changed under them."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.module_loading import import_string

from kernel import crypto


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values: `model` as "app.Model".

    `context` is the dotted path of `(id: UUID) -> bytes`; without it `crypto.context_of` is meant.
    `bound_to` is the column that gives the id, where it is not the row's own.
    """

    model: str
    column: str
    context: str | None = None
    bound_to: str = "id"
    batch: int = 500

    def context_of(self, bound_id: UUID) -> bytes:
        """What a row's value is bound to."""
        if self.context is None:
            return crypto.context_of(f"{self.model}.{self.column}", bound_id)
        made: bytes = import_string(self.context)(bound_id)
        return made


@dataclass(frozen=True)
class BlindIndex:
    """A pair of columns, `column` and `column_next`, holding the keyed hash of a value.

    Where the column is in a unique rule, the same rule must be there for `column_next`.
    `value` is the dotted path of `(row) -> str | None`, which reads the value from the row's sealed
    column; None where there is nothing to index. A column of several hashes has `-> list[str]`.
    """

    model: str
    column: str
    kind: str
    value: str
    batch: int = 500

    @property
    def column_next(self) -> str:
        """The second column."""
        return f"{self.column}_next"
