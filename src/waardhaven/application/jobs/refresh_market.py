"""The job that brings market data in."""

import json
from dataclasses import asdict, dataclass
from datetime import date

from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.params import choice
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.fates import SymbolFate
from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.market.refresh_prices import RefreshPrices
from waardhaven.application.market.refresh_rates import RatesFate, RefreshRates
from waardhaven.application.market.refresh_rules import RefreshMode
from waardhaven.application.market.seed_universe import SeedUniverse
from waardhaven.application.ports.job_run import Follower, JobRun, Outcome
from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.domain.identity.roles import Permission, Principal

MODES = tuple(str(one) for one in RefreshMode)
MOST_FATES = 500
"""Symbols named in the result of a job; a report of more stands in its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshParams:
    """What to bring in, and what follows."""

    mode: str = choice(
        "auto",
        options=MODES,
        doc="`full`: everything from the start of history. `smart`: what is missing or may be revised. "
        "`minimal`: a few symbols, a few days. `cached`: ask nobody. `auto`: as the provider's plan says.",
    )
    then: str = choice(
        "compute", options=("compute", "nothing"), doc="Bring the default index up to date afterwards."
    )


@dataclass(frozen=True, slots=True)
class RefreshMarket:
    """Bring market data up to date, look at its quality, then have the default index computed.

    With a provider set up the configured universe is refreshed; without one the sample market is. Nothing
    is ever deleted, what is there already is left alone, and a run that was interrupted anywhere is simply
    run again: what it brought is marked as done when all that follows from it is written. Symbols that fail
    are named in the result and fail no other; the job that computes is submitted in the transaction that
    makes this one succeed.
    """

    setup: MarketSetup
    seed: SeedUniverse
    load: LoadMarket
    rates: RefreshRates
    refresh: RefreshPrices
    check: CheckQuality

    async def __call__(self, by: Principal, params: RefreshParams, run: JobRun) -> Outcome:
        """Return what became of each symbol."""
        by.require(Permission.OPERATE)
        mode = self._resolved(params.mode)
        if mode is RefreshMode.CACHED:
            result: dict[str, object] = {"status": "ok", "symbols": []}
        elif not self.setup.keyed and mode is RefreshMode.FULL:
            result = await self._whole_package(by, run)
        else:
            result = await self._from_sources(by, mode, run)
        follow = Follower(type=JobName.COMPUTE, params={"index": DEFAULT_SLUG})
        return Outcome(
            result={"mode": str(mode), **result}, then=(follow,) if params.then == "compute" else ()
        )

    def _resolved(self, mode: str) -> RefreshMode:
        asked = RefreshMode(mode)
        return RefreshMode(self.setup.refresh_mode) if asked is RefreshMode.AUTO else asked

    async def _whole_package(self, by: Principal, run: JobRun) -> dict[str, object]:
        report = await self.load(by, progress=run.progress)
        run.progress("quality", 0, 1)
        findings = await self.check(by, assets=report.known)
        counts = {name: getattr(report, name) for name in ("assets", "inserted", "changed", "unchanged")}
        return {"status": "ok", **counts, "findings": findings}

    async def _from_sources(self, by: Principal, mode: RefreshMode, run: JobRun) -> dict[str, object]:
        unknown: dict[str, str] = {}
        if self.setup.keyed:
            run.progress("universe", 0, 1)
            unknown = (await self.seed(by)).unknown
        run.progress("exchange rates", 0, 1)
        rates = await self.rates(by, mode=mode)
        report = await self.refresh(by, mode=mode, progress=run.progress)
        run.progress("quality", 0, 1)
        findings = await self.check(by, assets=report.judged, since=report.since)
        await self.refresh.finish(by, report)
        symbols = [_plain(one) for one in report.symbols]
        if len(symbols) > MOST_FATES:
            await run.keep("symbols.json", "application/json", json.dumps(symbols).encode())
        return {
            "status": report.status if not unknown else ("partial" if report.symbols else "failed"),
            "assets": len(report.symbols),
            "inserted": report.inserted,
            "changed": report.changed,
            "unchanged": report.unchanged,
            "actions": report.actions,
            "findings": findings,
            "rates": [_plain(one) for one in rates],
            "unknown": unknown,
            "symbols": symbols[:MOST_FATES],
        }


def _plain(fate: SymbolFate | RatesFate) -> dict[str, object]:
    """Return a fate as JSON knows it, without what is not there."""
    values = asdict(fate)
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value is not None
    }
