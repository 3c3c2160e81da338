"""Who may see or change one thing: its owner, those it is shared with, everybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from waardhaven.domain.errors import Forbidden, WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import UserId


class Visibility(StrEnum):
    """``private``: the owner alone. ``shared``: also those named. ``public``: everybody may read."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"


class Right(StrEnum):
    """What somebody a thing is shared with may do; who may edit may read."""

    READ = "read"
    EDIT = "edit"


class NotYours(Forbidden):
    """The caller may see the thing and not do this to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access rules of one thing. ``owner`` None: the system's, kept by administrators."""

    owner: UserId | None
    visibility: Visibility
    shared_with: Mapping[UserId, Right] = field(default_factory=dict)

    def may_read(self, by: Principal) -> bool:
        """Tell whether the caller may know that the thing exists."""
        return self.visibility is Visibility.PUBLIC or self._right(by) is not None

    def may_edit(self, by: Principal) -> bool:
        """Tell whether the caller may change the thing."""
        return self._right(by) is Right.EDIT

    def may_manage(self, by: Principal) -> bool:
        """Tell whether the caller may share the thing, or delete it."""
        return self._governs(by) or (by.user is not None and by.user == self.owner)

    def require_read(self, by: Principal, unknown: WaardhavenError) -> None:
        """Raise ``unknown`` unless the caller may read: what is hidden looks like what is not there."""
        if not self.may_read(by):
            raise unknown

    def require_edit(self, by: Principal, unknown: WaardhavenError) -> None:
        """Raise ``unknown`` or NotYours unless the caller may change the thing."""
        self.require_read(by, unknown)
        if not self.may_edit(by):
            raise NotYours("You may read this, not change it.")

    def require_manage(self, by: Principal, unknown: WaardhavenError) -> None:
        """Raise ``unknown`` or NotYours unless the caller may share or delete the thing."""
        self.require_read(by, unknown)
        if not self.may_manage(by):
            raise NotYours("Only its owner may do this.")

    def _right(self, by: Principal) -> Right | None:
        if self.may_manage(by):
            return Right.EDIT
        if by.user is None or self.visibility is Visibility.PRIVATE:
            return None
        return self.shared_with.get(by.user)

    def _governs(self, by: Principal) -> bool:
        return by.may(Permission.OPERATE)
