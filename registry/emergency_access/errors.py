"""What can be wrong with an emergency access."""

from kernel.problems import DomainError


class WordsMissing(DomainError):
    """The reason was chosen and not explained."""

    status, code = 422, "emergency-words-missing"
    title = {
        "zh": "请用至少 5 个字写明紧急情况",
        "en": "Say in at least five characters what the emergency is",
    }
