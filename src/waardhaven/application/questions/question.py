"""The base of every question."""

import msgspec


class Question(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """What a caller asks of a model, in JSON's own types; a field it does not have is refused.

    Its annotations say the shape and the bounds of each field, for the reader and for the document alike;
    what depends on several fields is checked where the question is answered.
    """
