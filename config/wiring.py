"""Who reacts to what, on one page: events, commands, and the columns that keys protect."""

from kernel.keys.columns import BlindIndex, SealedColumn

# Role of the node → event → handlers `(event) -> None`, each run once in effect; one that takes several
# events at once has `together`. Every event that is recorded stands here, also one that nobody reacts to yet.
HANDLERS: dict[str, dict[str, list[str]]] = {
    "province": {
        "registration.recorded": ["registry.persons.handlers.link_registration"],
        "registration.changed": ["registry.persons.handlers.link_registration"],
        "records.received": [],
        "copy.reloaded": ["registry.persons.handlers.end_dangling_links"],
        "schedule.published": [],
        "schedule.stopped": [],
        "appointment.booked": [],
        "appointment.cancelled": [],
        "emergency_access.opened": ["registry.emergency_access.handlers.tell_person"],
    },
    "city": {
        "identity.linked": [],
    },
}

# Command → service `(*, body, by) -> dict`; its answer is stored with its effect.
COMMANDS: dict[str, str] = {
    "keys.share": "kernel.keys.services.take_over_keys",
    "appointments.book": "appointment_pool.booking.taken",
    "appointments.cancel": "appointment_pool.booking.cancelled",
}

# Command that only reads → service of the same form; nothing is stored, nobody retries.
QUERIES: dict[str, str] = {
    "documents.fetch": "health_records.documents.fetch",
}

# What a city asks the hub for one of its staff, of the same form; the hub decides by what it knows itself.
HUB_QUERIES: dict[str, str] = {
    "records.joined": "health_records.charts.joined",
}

SEALED_COLUMNS: list[SealedColumn] = [
    SealedColumn("commands.CommandSent", "body"),
    SealedColumn("commands.CommandSent", "answer"),
    SealedColumn("commands.CommandReceived", "answer"),
    SealedColumn("accounts.SecondFactor", "sealed"),
    SealedColumn("patients.PatientRegistration", "sealed"),
    SealedColumn(
        "patients.RegistrationVersion",
        "sealed",
        context="registry.patients.sealing.context_of",
        bound_to="registration_id",
    ),
    SealedColumn("persons.PersonDemographics", "sealed"),
    SealedColumn("persons.PersonIdentifier", "sealed"),
    SealedColumn("sms.TextMessage", "sealed"),
    SealedColumn("residents.AccountPhone", "sealed"),
    SealedColumn("emergency_access.EmergencyAccess", "sealed"),
    SealedColumn("health_records.ResourceVersion", "sealed"),
    SealedColumn("health_records.DocumentContent", "content", batch=50),
    SealedColumn("health_records.Message", "raw", batch=20),
    SealedColumn("health_records.Message", "answer", batch=100),
    SealedColumn("health_records.Message", "request", batch=500),
]

BLIND_INDEXES: list[BlindIndex] = [
    BlindIndex(
        "patients.PatientRegistration",
        "identity_index",
        "identity",
        "registry.patients.sealing.identity_to_index",
    ),
    BlindIndex(
        "patients.PatientRegistration",
        "phone_index",
        "phone",
        "registry.patients.sealing.phone_to_index",
    ),
    BlindIndex(
        "patients.PatientRegistration",
        "number_indexes",
        "number",
        "registry.patients.sealing.numbers_to_index",
    ),
    BlindIndex(
        "persons.PersonIdentifier",
        "index",
        "person-identifier",
        "registry.persons.sealing.identifier_to_index",
    ),
    BlindIndex(
        "residents.AccountPhone",
        "index",
        "account-phone",
        "registry.residents.sealing.phone_of",
    ),
]
