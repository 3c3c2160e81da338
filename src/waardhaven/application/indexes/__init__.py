"""Defining, building, publishing, verifying and reading indices."""

from waardhaven.application.indexes.access import ChangeAccess, ViewAccess
from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.compare_history import (
    CompareHistory,
    ListRevisions,
    ReadKnownNow,
    RecomputeHistory,
)
from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.queries import (
    DEFAULT_SLUG,
    ListBuilds,
    ListCurrencies,
    ListIndices,
    ReadAssetHistory,
    ReadCurrent,
    ReadHistory,
    ViewIndex,
)
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.run_build import RunBuild
from waardhaven.application.indexes.simulate import Simulate
from waardhaven.application.indexes.strategy_queries import ListStrategies, ReadStrategyConfig
from waardhaven.application.indexes.target_units import TargetUnits
from waardhaven.application.indexes.update_index import UpdateIndex
from waardhaven.application.indexes.verify_index import VerifyIndex

__all__ = ["DEFAULT_SLUG", "USE_CASES"]

USE_CASES = (
    BuildIndex,
    ChangeAccess,
    CompareHistory,
    DefineIndex,
    ListBuilds,
    ListCurrencies,
    ListIndices,
    ListRevisions,
    ListStrategies,
    PublishBuild,
    ReadAssetHistory,
    ReadCurrent,
    ReadEvents,
    ReadHistory,
    ReadInputs,
    ReadKnownNow,
    ReadStrategyConfig,
    RecomputeHistory,
    RunBuild,
    Simulate,
    TargetUnits,
    UpdateIndex,
    VerifyIndex,
    ViewAccess,
    ViewIndex,
)
