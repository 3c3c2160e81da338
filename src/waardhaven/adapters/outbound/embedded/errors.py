"""What the embedded servers say when something cannot be done."""


class EmbeddedServerError(Exception):
    """One line for a person: what happened, to what, and what to do about it."""
