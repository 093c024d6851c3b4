"""Why a record may be opened in an emergency."""

from django.db import models


class EmergencyReason(models.TextChoices):
    """The list a doctor chooses from (紧急调阅理由)."""

    LIFE_THREATENING = "life_threatening"
    UNCONSCIOUS = "unconscious"
    POISONING_OR_ALLERGY = "poisoning_or_allergy"
    MASS_CASUALTY = "mass_casualty"
    OTHER = "other"
