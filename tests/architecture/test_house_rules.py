"""What import-linter can not see: fakes and suites of ports, listed use cases, a pure domain, small files."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from tests import fakes

import waardhaven
from waardhaven import application
from waardhaven.application import ports
from waardhaven.application.jobs import CHORES, JOBS
from waardhaven.application.jobs.params import describe, read_params
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.questions.question import Question
from waardhaven.bootstrap.container import USE_CASES
from waardhaven.domain.jobs.schedule import parse_rule

SOURCES = Path(waardhaven.__file__).parent
TESTS = Path(fakes.__path__[0]).parent
FILES = sorted(SOURCES.rglob("*.py"))
DOMAIN = sorted((SOURCES / "domain").rglob("*.py"))
REAL_IN_TESTS = {"AccessTokens": "signing needs no server: tests use the real one over a fake clock"}
AREAS = ("audit", "diagnostics", "identity", "indexes", "jobs", "market", "metrics", "pricing", "quant")
PURE = sys.stdlib_module_names | {"numpy", "waardhaven"}
IMPURE_STDLIB = {
    "asyncio",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
    "time",
    "urllib",
}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes(package: ModuleType) -> Iterator[type]:
    for module in modules(package):
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(SOURCES))) for path in paths]


PORTS = sorted(
    (one for one in classes(ports) if getattr(one, "_is_protocol", False)), key=lambda one: one.__name__
)


def test_ports_are_found():
    assert {"PriceStore", "Clock", "UnitOfWork", "Transaction", "Users"} <= {one.__name__ for one in PORTS}


@pytest.mark.parametrize("port", PORTS, ids=lambda one: one.__name__)
def test_every_port_has_a_fake_that_inherits_it(port: type):
    found = [one for one in classes(fakes) if port in one.__mro__]
    assert found or port.__name__ in REAL_IN_TESTS


@pytest.mark.parametrize("port", PORTS, ids=lambda one: one.__name__)
def test_every_port_has_a_contract_suite_that_names_it(port: type):
    word = re.compile(rf"{port.__name__}\b")
    suites = (TESTS / "contract").glob("test_*_contract.py")
    assert any(word.search(suite.read_text()) for suite in suites)


@pytest.mark.parametrize("port", PORTS, ids=lambda one: one.__name__)
def test_every_promise_of_a_port_is_abstract_and_documented(port: type):
    promises = [one for name, one in vars(port).items() if inspect.isfunction(one) and name[0] != "_"]
    promises += [one for name, one in vars(port).items() if name == "__call__"]
    for one in promises:
        assert one.__isabstractmethod__, one.__name__
        assert one.__doc__, one.__name__


@pytest.mark.parametrize("area", AREAS)
def test_every_use_case_is_listed_in_its_area_and_in_the_container(area: str):
    package = importlib.import_module(f"{application.__name__}.{area}")
    callable_ones = {one for one in classes(package) if is_dataclass(one) and "__call__" in vars(one)}
    assert callable_ones == set(package.USE_CASES)
    assert set(package.USE_CASES) <= set(USE_CASES)


def test_every_area_is_known_here():
    found = {one.name for one in pkgutil.iter_modules(application.__path__) if one.ispkg}
    assert found == {*AREAS, "ports", "questions"}


def described(params: type) -> list[str]:
    """Return what is said about each parameter, empty where nothing is."""
    if not issubclass(params, Question):
        return [one.doc for one in describe(params)]
    (schema,), components = msgspec.json.schema_components([params])
    fields = components[schema["$ref"].rpartition("/")[2]]["properties"]
    return [one.get("description", "") for one in fields.values()]


def test_every_job_runs_a_listed_use_case_with_parameters_that_all_have_defaults():
    for spec in JOBS:
        assert spec.use_case in USE_CASES
        assert list(inspect.signature(spec.use_case.__call__).parameters) == ["self", "by", "params", "run"]
        hints = typing.get_type_hints(spec.use_case.__call__)
        assert (hints["params"], hints["run"], hints["return"]) == (spec.params, JobRun, Outcome)
        assert read_params(spec.params, {}) == spec.params()
        assert all(described(spec.params)), spec.name
        assert spec.schedule is None or parse_rule(spec.schedule)


def test_every_chore_is_a_listed_use_case_that_needs_nothing_but_who_asks():
    for chore in CHORES:
        assert chore.use_case in USE_CASES
        assert list(inspect.signature(chore.use_case.__call__).parameters) == ["self", "by"]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            found.add(node.module or "")
    return found


def numerical(path: str) -> set[str]:
    """Return the libraries that a file of the domain may import on top: none but of the models."""
    scipy = {"scipy"} if path.startswith(("quant/", "trading/")) else set()
    return scipy | ({"piqp"} if path == "quant/qp.py" else set())


@pytest.mark.parametrize("path", named(DOMAIN))
def test_domain_imports_only_the_standard_library_numpy_and_itself(path: Path):
    names = imported(path)
    tops = {name.partition(".")[0] for name in names}
    assert tops <= PURE | numerical(path.relative_to(SOURCES / "domain").as_posix())
    assert not tops & IMPURE_STDLIB
    assert all(name.startswith("waardhaven.domain") for name in names if name.startswith("waardhaven"))


@pytest.mark.parametrize("path", named(DOMAIN))
def test_domain_asks_no_clock_and_draws_no_hidden_number(path: Path):
    calls = {
        ast.unparse(one.func) for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)
    }
    hidden = re.compile(r"(datetime\.now|datetime\.utcnow|date\.today|np\.random\..*|open|print|input)")
    assert [one for one in calls if hidden.fullmatch(one)] == []


@pytest.mark.parametrize("path", named(FILES))
def test_no_file_and_no_function_is_too_long(path: Path):
    source = path.read_text()
    assert len(source.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= LONGEST_FUNCTION, node.name
