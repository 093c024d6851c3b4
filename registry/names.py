"""Personal names, made comparable."""

import unicodedata

MIDDLE_DOTS = dict.fromkeys(map(ord, "·•．.‧・∙⋅"), None)


def normalise_name(name: str) -> str:
    """The name without blanks, middle dots and differences of width or case.

    Names of minorities carry a middle dot that every system types differently (handbook 2.2).
    """
    plain = unicodedata.normalize("NFKC", name).translate(MIDDLE_DOTS)
    return "".join(plain.split()).casefold()
