"""What can be wrong when a text message is handed over."""


class NotTaken(Exception):
    """The message was not taken and may be tried again; the text names neither phone nor content."""
