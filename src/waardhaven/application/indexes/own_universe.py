"""The universe that belongs to one index: its list of members, kept with the past of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.universe import own_universe
from waardhaven.domain.types import AssetId

ALWAYS = date(1800, 1, 1)
"""Since when the first members of a list are members: before every selection day there can be."""
Memberships = dict[AssetId, tuple[date, date | None]]


@dataclass(frozen=True, slots=True)
class OwnUniverse:
    """Plans and writes the members of the universe of one index.

    Before anything is published the list has no past: its members always were. Afterwards who joins or
    leaves does so on the last official day, so that the next review sees it and no review before does. A
    name that comes back counts as if it had never left.
    """

    reference: ReferenceStore
    builds: BuildStore
    facts: MarketFacts

    async def planned(
        self, definition: IndexDefinition, members: Sequence[AssetId] | None, index: IndexRecord | None
    ) -> Memberships | None:
        """Return the memberships to write, None where the universe is not the index's own.

        ``members`` None: those there are now stay. ``index`` is what is stored, None: nothing yet.
        """
        if definition.universe != own_universe(definition.slug):
            return None
        known = {
            asset: (since, until)
            for asset, since, until in await self.reference.universe(definition.universe)
        }
        wanted = [one for one, (_, until) in known.items() if until is None] if members is None else members
        covered = {} if index is None else await self.builds.coverage([index.id])
        if index is None or index.id not in covered:
            return dict.fromkeys(wanted, (ALWAYS, None))
        turn = covered[index.id][1]
        return _ended(known, wanted, turn) | {
            one: (known[one][0] if one in known else turn, None) for one in wanted
        }

    async def write(self, definition: IndexDefinition, members: Memberships | None) -> None:
        """Write what was planned; equal memberships change nothing."""
        if members is not None:
            await self.facts.write_universe(definition.universe, definition.name, members)


def _ended(
    known: Mapping[AssetId, tuple[date, date | None]], wanted: Sequence[AssetId], turn: date
) -> Memberships:
    """Return who leaves on ``turn`` or left before; who had not begun by then was never a member."""
    stays = set(wanted)
    return {
        asset: (since, min(until or turn, turn))
        for asset, (since, until) in known.items()
        if asset not in stays and since < turn
    }
