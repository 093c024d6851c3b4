"""How residents prove that they are the ones with the phone."""

from django.db import models
from django.db.models.functions import Now

from kernel.homes import LocalModel
from registry.accounts.models import Account


class AccountPhone(LocalModel):
    """The phone of a resident's account, at the hub only."""

    account = models.OneToOneField(
        Account, models.CASCADE, db_constraint=False, related_name="phone"
    )
    sealed = models.BinaryField()
    index = models.BinaryField(unique=True)
    index_next = models.BinaryField(null=True, unique=True)

    def __str__(self) -> str:
        return f"phone of {self.account_id}"


class SignInCode(LocalModel):
    """The one-time code of a phone (验证码); without a `code_digest` tries of a phone that has none."""

    digest = models.BinaryField(unique=True)
    code_digest = models.BinaryField(default=bytes)
    tries = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"code, tried {self.tries} times"


class Attempt(LocalModel):
    """Something that is limited was done, by or about what the digest stands for."""

    digest = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(name="attempt_of", fields=["digest", "at"])]

    def __str__(self) -> str:
        return f"attempt at {self.at}"
