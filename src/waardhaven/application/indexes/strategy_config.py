"""Change the strategy configuration of the default index, and tell how it changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise

from waardhaven.application.answers import Page, cursor_number
from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.queries import DEFAULT_SLUG
from waardhaven.application.indexes.rule_queries import changed
from waardhaven.application.indexes.rule_views import ChangeView, VersionView
from waardhaven.application.indexes.strategy_queries import config_view
from waardhaven.application.indexes.views import StrategyConfigView
from waardhaven.application.indexes.visible import editable, readable
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.autoindex import InvalidConfiguration, NotConfigurable, StrategyConfiguration
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.validation import validated


@dataclass(frozen=True, slots=True)
class ChangeStrategyConfig:
    """Merge the parameters given into the stored configuration, check the whole, keep it as a new version.

    It holds from the next build on; what is published stays. Equal parameters change nothing. Only those
    who may change the default index may.
    """

    indexes: IndexStore
    builds: BuildStore

    async def __call__(
        self, by: Principal, *, changes: Mapping[str, object], reason: str | None = None
    ) -> StrategyConfigView:
        """Return the configuration in force; raise UnknownIndex, NotYours, InvalidConfiguration."""
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, DEFAULT_SLUG)
        known = {one.name for one in fields(StrategyConfiguration)}
        unknown = [FieldError(field=name, rule="is not known here") for name in changes if name not in known]
        if unknown:
            raise InvalidConfiguration("The strategy configuration is not valid.", errors=unknown)
        configuration = replace(StrategyConfiguration.of(index.definition), **changes)  # type: ignore[arg-type]
        definition = index.definition
        if configuration != StrategyConfiguration.of(definition):
            definition = validated(configuration.applied_to(definition))
        return await config_view(self.builds, await self.indexes.define(definition, by=by, reason=reason))


@dataclass(frozen=True, slots=True)
class ListStrategyChanges:
    """Every version of the configuration of the default index, newest first: who, when, why, from and to."""

    indexes: IndexStore
    authors: Authors

    async def __call__(
        self, by: Principal, *, limit: int = 50, cursor: str | None = None
    ) -> Page[VersionView]:
        """Return a page; a version that changed other rules alone is there without changes."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, DEFAULT_SLUG)
        found = await self.indexes.versions(index.id, limit=limit + 1, before=cursor_number(cursor))
        names = await self.authors.names(by, found[:limit])
        states = [_parameters(one) for one in found]
        changes: list[tuple[ChangeView, ...]] = [changed(old, new) for new, old in pairwise(states)]
        items = [
            VersionView(
                version=one.version,
                defined_at=one.defined_at,
                author=None if one.author is None else names.get(one.author),
                reason=one.reason,
                changes=what,
            )
            for one, what in zip(found[:limit], [*changes, ()], strict=False)
        ]
        more = len(found) > limit
        return Page(items=tuple(items), next_cursor=str(found[limit - 1].version) if more else None)


def _parameters(index: IndexRecord) -> dict[str, object]:
    """Return the ten parameters of a version, nothing where it was no such blend."""
    try:
        return asdict(StrategyConfiguration.of(index.definition))
    except NotConfigurable:
        return {}
