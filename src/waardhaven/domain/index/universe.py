"""Which assets belong to a universe on which days."""

import numpy as np

from waardhaven.domain.types import Days, Flags, Ids

OWN = "index-"
"""How the slugs of universes begin that belong to one index."""


def own_universe(slug: str) -> str:
    """Return the slug of the universe that belongs to the index ``slug`` alone: its list of members."""
    return f"{OWN}{slug}"


def membership(*, asset: Ids, start: Days, until: Days, assets: Ids, sessions: Days) -> Flags:
    """Return who is a member on each session, (n, k) over ``sessions`` and the increasing ``assets``.

    One row per membership: from ``start`` to ``until`` exclusive, NaT while it lasts. Memberships of
    other assets are left out; those of one asset must not overlap.
    """
    column = np.searchsorted(assets, asset)
    mine = column < len(assets)
    mine[mine] = assets[column[mine]] == asset[mine]
    change = np.zeros((len(sessions) + 1, len(assets)), dtype=np.int8)
    open_ended = np.where(np.isnat(until), np.datetime64("9999-12-31"), until)
    np.add.at(change, (np.searchsorted(sessions, start[mine]), column[mine]), 1)
    np.add.at(change, (np.searchsorted(sessions, open_ended[mine]), column[mine]), -1)
    return np.add.accumulate(change, axis=0)[:-1] > 0
