"""Defining, building, publishing, verifying and reading indices."""

from waardhaven.application.indexes.access import ChangeAccess, ViewAccess
from waardhaven.application.indexes.archive_index import ArchiveIndex
from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.backtest import Backtest
from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.build_many import BuildIndices
from waardhaven.application.indexes.buildable import CheckBuildable
from waardhaven.application.indexes.change_index import ChangeIndex, CreateIndex, ImportRules, KeepRules
from waardhaven.application.indexes.compare_benchmark import CompareBenchmark, ReadBenchmark
from waardhaven.application.indexes.compare_history import (
    CompareHistory,
    ListRevisions,
    ReadKnownNow,
    RecomputeHistory,
)
from waardhaven.application.indexes.composition_file import ReadCompositionFile
from waardhaven.application.indexes.compositions import ListCompositions, ListRebalances
from waardhaven.application.indexes.contribution import ReadContributions
from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.explain import Explain
from waardhaven.application.indexes.force_review import ForceReview
from waardhaven.application.indexes.measure_publications import MeasurePublications
from waardhaven.application.indexes.methodology import ReadMethodology
from waardhaven.application.indexes.own_universe import OwnUniverse
from waardhaven.application.indexes.preview import PreviewIndex
from waardhaven.application.indexes.pro_forma import ReadProForma
from waardhaven.application.indexes.provenance import ReadProvenance
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
from waardhaven.application.indexes.read_benchmark_levels import ReadBenchmarkLevels, ReadLevels
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.recompute_session import RecomputeSession
from waardhaven.application.indexes.risk_history import ListRiskMetrics
from waardhaven.application.indexes.risk_metrics import ReadMeasurable, ReadRiskMetrics
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_queries import ExportRules, ListVersions, ReadRules
from waardhaven.application.indexes.run_build import RunBuild
from waardhaven.application.indexes.simulate import Simulate
from waardhaven.application.indexes.strategy_config import ChangeStrategyConfig, ListStrategyChanges
from waardhaven.application.indexes.strategy_queries import ListStrategies, ReadStrategyConfig
from waardhaven.application.indexes.target_units import TargetUnits
from waardhaven.application.indexes.update_index import UpdateIndex, UpdateIndices
from waardhaven.application.indexes.verify_index import VerifyIndex

__all__ = ["DEFAULT_SLUG", "SERVICES", "USE_CASES"]

SERVICES = (Authors, OwnUniverse, RuleDocuments)
"""What several use cases share."""
USE_CASES = (
    ArchiveIndex,
    Backtest,
    BuildIndex,
    BuildIndices,
    ChangeAccess,
    ChangeIndex,
    ChangeStrategyConfig,
    CheckBuildable,
    CompareBenchmark,
    CompareHistory,
    CreateIndex,
    DefineIndex,
    Explain,
    ExportRules,
    ForceReview,
    ImportRules,
    KeepRules,
    ListBuilds,
    ListCompositions,
    ListCurrencies,
    ListIndices,
    ListRebalances,
    ListRevisions,
    ListStrategies,
    ListStrategyChanges,
    ListVersions,
    PreviewIndex,
    PublishBuild,
    ReadAssetHistory,
    ReadBenchmark,
    ReadBenchmarkLevels,
    ReadCompositionFile,
    ReadContributions,
    ReadCurrent,
    ReadEvents,
    ReadHistory,
    ReadInputs,
    ReadKnownNow,
    ReadLevels,
    ReadProForma,
    ReadProvenance,
    ReadMethodology,
    ReadMeasurable,
    ReadRiskMetrics,
    ListRiskMetrics,
    MeasurePublications,
    ReadRules,
    ReadStrategyConfig,
    RecomputeHistory,
    RecomputeSession,
    RunBuild,
    Simulate,
    TargetUnits,
    UpdateIndex,
    UpdateIndices,
    VerifyIndex,
    ViewAccess,
    ViewIndex,
)
