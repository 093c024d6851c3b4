"""Who may sign in: people and hospital systems; tokens and failed attempts stay local."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.actor import Role
from kernel.homes import LocalModel, PersonalModel, ProvinceModel
from registry.accounts.states import AccountStatus, ClientStatus, RealNameLevel
from registry.organisations.models import Organisation

ROLES = [(role.value, role.value) for role in Role if role is not Role.NODE]


class Account(AbstractBaseUser, PersonalModel):
    """Somebody who signs in with a password, or as a resident with a phone (账号).

    A resident's account names a person, a member of staff's an organisation; the latter reaches that
    hospital's city, so that its staff can sign in while the hub is away.
    """

    login = models.TextField(unique=True)
    role = models.TextField(choices=ROLES)
    name = models.TextField(blank=True, default="")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, null=True, blank=True, related_name="+"
    )
    person_id = models.UUIDField(null=True, blank=True, db_index=True)
    real_name_level = models.TextField(
        choices=RealNameLevel,
        default=RealNameLevel.UNVERIFIED,
        db_default=RealNameLevel.UNVERIFIED.value,
    )
    status = models.TextField(choices=AccountStatus, default=AccountStatus.ACTIVE)
    last_login = None  # a sign-in writes nothing to a replicated row

    USERNAME_FIELD = "login"

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_status_known", condition=Q(status__in=AccountStatus.values)
            ),
            models.CheckConstraint(
                name="account_role_known", condition=Q(role__in=[value for value, _ in ROLES])
            ),
            models.CheckConstraint(
                name="account_real_name_level_known",
                condition=Q(real_name_level__in=RealNameLevel.values),
            ),
        ]

    def __str__(self) -> str:
        return self.login


class HospitalClient(ProvinceModel):
    """A hospital's system (医院信息系统接入), known by the public keys it registered (JWK set)."""

    client_id = models.TextField(unique=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="clients")
    public_keys = models.JSONField(default=list)
    status = models.TextField(choices=ClientStatus, default=ClientStatus.ACTIVE)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="hospital_client_status_known", condition=Q(status__in=ClientStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return self.client_id


class AccessToken(LocalModel):
    """A bearer token that was given out here; only its SHA-256 is kept."""

    digest = models.BinaryField(unique=True)
    account_id = models.UUIDField(null=True)
    client_id = models.UUIDField(null=True)
    scope = models.TextField(blank=True, default="")
    issued_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="access_token_of_one",
                condition=Q(account_id__isnull=True) ^ Q(client_id__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.id}"


class SecondFactor(LocalModel):
    """The secret of an account's one-time codes (RFC 6238), sealed; it counts once a code confirmed it."""

    account_id = models.UUIDField(unique=True)
    sealed = models.BinaryField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"second factor of {self.account_id}"


class UsedCode(LocalModel):
    """A step of time whose one-time code an account used here and may not use again (RFC 6238 §5.2)."""

    account_id = models.UUIDField()
    step = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="used_code_once", fields=["account_id", "step"]),
        ]

    def __str__(self) -> str:
        return f"step {self.step} of {self.account_id}"


class UsedAssertion(LocalModel):
    """A client assertion that was used here and may not be used again (RFC 7523 §3)."""

    client_id = models.UUIDField()
    jti = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="used_assertion_once", fields=["client_id", "jti"]),
        ]

    def __str__(self) -> str:
        return self.jti


class SignInFailures(LocalModel):
    """Failed attempts with a login since the last success; counted for unknown logins too."""

    login_digest = models.BinaryField(unique=True)
    count = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.count} failures"
