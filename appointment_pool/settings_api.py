"""The numbers of the rules of booking: what holds in the province and at one hospital, set at the hub."""

from ninja import Router, Schema

from appointment_pool import selectors
from appointment_pool.errors import SettingUnknown
from appointment_pool.rules import BOUNDS, SETTINGS
from appointment_pool.services import settings as setting
from kernel.access.rules import ANYBODY_KNOWN
from kernel.access.services import authorise
from kernel.http import Code, SignedInRequest
from registry.organisations.models import Organisation
from registry.organisations.selectors import organisation_by_code

router = Router(tags=["rules of booking"])


class SettingOut(Schema):
    """A rule's number: what holds, the usual one, and what was set; within what bounds it may be set."""

    name: str
    value: int
    usual: int
    province: int | None
    hospital: int | None
    least: int
    most: int


class SettingsOut(Schema):
    """Every rule."""

    items: list[SettingOut]


class SettingIn(Schema):
    """The number a rule is to have, of one hospital if that is named; null takes back what was set."""

    value: int | None
    hospital: Code | None = None


@router.get("/booking-settings", response=SettingsOut)
def settings(request: SignedInRequest, hospital: Code | None = None) -> dict[str, object]:
    """The rules of booking in the province, or as they hold at a hospital."""
    authorise(
        request.auth, "booking_setting.read", facts=ANYBODY_KNOWN, resource_type="BookingSetting"
    )
    return {"items": _told(_named(hospital))}


@router.put("/booking-settings/{name}", response=SettingOut)
def set_rule(request: SignedInRequest, name: Code, wanted: SettingIn) -> dict[str, object]:
    """Set a rule's number at the hub, or take back what was set."""
    organisation = _named(wanted.hospital)
    if name not in SETTINGS:
        authorise(
            request.auth, "booking_setting.write", facts=ANYBODY_KNOWN,
            resource_type="BookingSetting",
        )  # fmt: skip
        raise SettingUnknown(facts={"name": name})
    setting.set_rule(name=name, value=wanted.value, organisation=organisation, by=request.auth)
    return next(one for one in _told(organisation) if one["name"] == name)


def _named(code: str | None) -> Organisation | None:
    return organisation_by_code(code) if code else None


def _told(organisation: Organisation | None) -> list[dict[str, object]]:
    province = selectors.set_for(None)
    hospital = selectors.set_for(organisation.id) if organisation else {}
    return [
        {
            "name": name,
            "value": hospital.get(name, province.get(name, usual)),
            "usual": usual,
            "province": province.get(name),
            "hospital": hospital.get(name),
            "least": BOUNDS[name][0],
            "most": BOUNDS[name][1],
        }
        for name, usual in SETTINGS.items()
    ]
