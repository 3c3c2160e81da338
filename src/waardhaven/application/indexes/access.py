"""Who may see and change an index."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from waardhaven.application.indexes.visible import unknown_index
from waardhaven.application.ports.access_rules import Governed, Kind
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.events import IndexAccessChanged
from waardhaven.domain.identity.access import Access, Right, Visibility
from waardhaven.domain.identity.names import normalised
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import UserId

MOST_GRANTS = 100


class InvalidAccess(Invalid):
    """The new access rules can not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """Somebody an index is shared with, by username, and what they may do: read or edit."""

    username: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessView:
    """Who may see an index: private (its owner), shared (also those named), public (everybody)."""

    index: str
    owner: str | None
    visibility: str
    shared_with: tuple[GrantView, ...]


@dataclass(frozen=True, slots=True)
class ViewAccess:
    """The access rules of an index, for those who may change them."""

    uow: UnitOfWork

    async def __call__(self, by: Principal, *, slug: str) -> AccessView:
        """Raise UnknownIndex or NotYours."""
        by.require(Permission.READ_INDICES)
        async with self.uow() as tx:
            found = await _managed(tx, by, slug)
            return await _view(tx, slug, found.access)


@dataclass(frozen=True, slots=True)
class ChangeAccess:
    """Change who may see and edit an index, in effect at once.

    Those it is shared with are kept while it is private or public. An index of the system stays public.
    """

    uow: UnitOfWork

    async def __call__(
        self, by: Principal, *, slug: str, visibility: Visibility, shared_with: Mapping[str, Right]
    ) -> AccessView:
        """``shared_with`` is by username; raise UnknownIndex, NotYours or InvalidAccess."""
        by.require(Permission.READ_INDICES)
        async with self.uow() as tx:
            found = await _managed(tx, by, slug)
            grants = await _resolved(tx, shared_with)
            changed = replace(found.access, visibility=visibility, shared_with=grants)
            _check(changed)
            await tx.access.change(Kind.INDEX, found.id, changed, by=by.user)
            await tx.audit.record(
                "index.access_changed",
                by=by,
                target=f"index:{found.id}",
                before=_state(found.access),
                after=_state(changed),
                detail={"visibility": str(visibility), "shared_with": len(grants)},
            )
            await tx.emit(IndexAccessChanged(index=int(found.id)))
            view = await _view(tx, slug, changed)
            await tx.commit()
        return view


async def _managed(tx: Transaction, by: Principal, slug: str) -> Governed:
    found = await tx.access.find(Kind.INDEX, slug)
    if found is None:
        raise unknown_index(slug)
    found.access.require_manage(by, unknown_index(slug))
    return found


async def _resolved(tx: Transaction, shared_with: Mapping[str, Right]) -> dict[UserId, Right]:
    if len(shared_with) > MOST_GRANTS:
        rule = FieldError(field="shared_with", rule=f"must name at most {MOST_GRANTS} people")
        raise InvalidAccess("That are too many people.", errors=[rule])
    known = await tx.users.by_usernames([normalised(name) for name in shared_with])
    unknown = [name for name in shared_with if normalised(name) not in known]
    if unknown:
        errors = [
            FieldError(field="shared_with", rule=f"{name!r} is not a username here") for name in unknown
        ]
        raise InvalidAccess("Some usernames are unknown.", errors=errors)
    return {known[normalised(name)]: right for name, right in shared_with.items()}


def _check(access: Access) -> None:
    if access.owner is None and access.visibility is not Visibility.PUBLIC:
        rule = FieldError(field="visibility", rule="must be public: the index belongs to the system")
        raise InvalidAccess("An index of the system stays public.", errors=[rule])


def _state(access: Access) -> dict[str, object]:
    grants = {str(user): str(right) for user, right in sorted(access.shared_with.items())}
    return {"owner": str(access.owner), "visibility": str(access.visibility), "shared_with": grants}


async def _view(tx: Transaction, slug: str, access: Access) -> AccessView:
    people = [*access.shared_with, *([access.owner] if access.owner else [])]
    names = await tx.users.usernames(people)
    grants = sorted((names[user], str(right)) for user, right in access.shared_with.items() if user in names)
    return AccessView(
        index=slug,
        owner=names.get(access.owner) if access.owner else None,
        visibility=str(access.visibility),
        shared_with=tuple(GrantView(username=name, right=right) for name, right in grants),
    )
