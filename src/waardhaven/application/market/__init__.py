"""Bringing market data in, and reading it."""

from waardhaven.application.market.assets import ListActions, ListAssets, ListSymbols, ViewAsset
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.data_quality import ReadDataQuality, ReviewFlag
from waardhaven.application.market.enter_action import EnterAction
from waardhaven.application.market.import_prices import (
    CheckImport,
    CommitImport,
    ListImports,
    ReadImport,
    UndoImport,
    UploadPrices,
)
from waardhaven.application.market.live_quotes import ReadLiveQuotes
from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.market.manage_assets import ArchiveAsset, ChangeAsset, CreateAsset
from waardhaven.application.market.match_listings import MatchListings
from waardhaven.application.market.providers import ReadProviders, TryRefresh
from waardhaven.application.market.quotes import FindAssets, ReadQuotes
from waardhaven.application.market.read_prices import ReadPrices
from waardhaven.application.market.refresh_prices import RefreshPrices
from waardhaven.application.market.refresh_rates import RefreshRates
from waardhaven.application.market.refresh_status import ReadRefreshStatus
from waardhaven.application.market.seed_universe import SeedUniverse
from waardhaven.application.market.write_bars import WriteBars

USE_CASES = (
    ArchiveAsset,
    ChangeAsset,
    CheckImport,
    CheckQuality,
    CommitImport,
    CreateAsset,
    EnterAction,
    FindAssets,
    ListActions,
    ListAssets,
    ListImports,
    ListSymbols,
    LoadMarket,
    MatchListings,
    ReadDataQuality,
    ReadImport,
    ReadLiveQuotes,
    ReadPrices,
    ReadProviders,
    ReadQuotes,
    ReadRefreshStatus,
    RefreshPrices,
    RefreshRates,
    ReviewFlag,
    SeedUniverse,
    TryRefresh,
    UndoImport,
    UploadPrices,
    ViewAsset,
    WriteBars,
)
