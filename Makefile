# Septet: `make demo` shows it, `make test` proves it, `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SEED ?= 1
MEMBERS := contracts experiments readers services/client services/kit tuning services/guardrails services/cache services/retrieval services/generation \
           services/eval services/feedback services/judge services/gateway infra/native cli
PACKAGES := septet_contracts septet_experiments septet_readers septet_client septet_kit septet_tuning septet_guardrails septet_cache septet_retrieval septet_generation \
            septet_eval septet_feedback septet_judge septet_gateway septet_native septet_cli

FAST := $(BIN)/python -m pytest -q -m "not servers and not slow" --ignore=tests/integration --ignore=tests/e2e --ignore=tests/trace

EXPORT := --quiet --all-packages --no-emit-workspace --format requirements-txt --no-header --no-annotate

.PHONY: help setup setup-dev setup-tuning demo test test-fast chaos chaos-short bench chart test-chart test-clients stack test-stack stack-down lint audit format up doctor lock vendor contracts clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Install everything that runs into .venv and fetch Kafka's jars

setup-dev: $(VENV)/.ready-dev ## Install the tools of tests and lint, too

$(VENV)/.ready: requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Septet needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 setup" >&2; exit 1; }
	@echo "setup: creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: installing packages from requirements.lock (about 600 MB on a new machine)"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --no-deps --require-hashes \
	  -r requirements.lock | awk -v total=$$(grep -c '==' requirements.lock) \
	  '/^(Collecting|Requirement already)/ {printf "\r  package %d of about %d  ", ++n, total; fflush()} END {print ""}'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@$(BIN)/python -m septet_native.prepare
	@touch $@

setup-tuning: $(VENV)/.ready-tuning ## Install JAX, which tunes language models on a CPU, into .venv, too

$(VENV)/.ready-tuning: $(VENV)/.ready requirements-tuning.lock
	@echo "setup: installing JAX from requirements-tuning.lock (about 150 MB on a new machine)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off --no-deps --require-hashes \
	  -r requirements-tuning.lock
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-tuning requirements-dev.lock
	@echo "setup: installing the tools of tests and lint from requirements-dev.lock (about 70 MB on a new machine)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off --no-deps --require-hashes \
	  -r requirements-dev.lock
	@touch $@

demo: setup ## Start everything, ingest a corpus and show the main job
	@$(BIN)/septet demo

# A test must not compile or download anything: clients of registries fail here instead.
# One process for each core of a small machine; the first one's output follows that of the second.
test-fast: setup-dev ## Run the quick tests, which start no server (a few minutes)
	@log=$$(mktemp); $(FAST) contracts experiments readers services tuning > $$log 2>&1 & first=$$!; \
	  $(FAST) infra cli tests; second=$$?; wait $$first; first=$$?; cat $$log; rm $$log; exit $$((first || second))

test: setup-dev ## Run the whole test suite
	@GOPROXY=off PIP_NO_INDEX=1 npm_config_offline=true $(BIN)/python -m pytest

chaos: setup-dev ## Kill, freeze and starve a whole Septet: SEED=n, ROWS=3,4 for some rows (hours)
	@$(BIN)/python -m tests.chaos --seed $(SEED) --rows $(or $(ROWS),all --proofs) --json tests/chaos/results/seed-$(SEED).json; \
	  status=$$?; $(BIN)/python docs/generate/reliability_page.py && exit $$status

chaos-short: setup-dev ## A small part of it, as continuous integration runs it (minutes)
	@SEPTET_TEST_CHAOS=$(SEED) $(BIN)/python -m pytest tests/chaos/test_chaos_short.py

chart: setup-dev ## Prepare the tools of the chart's tests: Helm, compiled once (needs Go)
	@$(BIN)/python infra/k8s/prepare.py

test-chart: chart ## Lint and render the Helm chart, check each manifest against its schema
	@$(BIN)/python -m pytest tests/contract/test_chart.py

test-clients: setup-dev ## Run the openai package's tests, LangChain's and others against a gateway
	@$(BIN)/python -m tests.clients.environment
	@$(BIN)/python -m benchmarks.peers.environment || echo "test-clients: LlamaIndex could not be installed and is left out" >&2
	@$(BIN)/python -m pytest -rA tests/clients

stack: setup ## Start Kafka with ACLs, OpenSearch, PostgreSQL, Jaeger and all services in the background
	@$(BIN)/septet stack up

test-stack: setup-dev stack ## Run the integration, end-to-end and trace tests on that stack (WHOLE=1: those that other servers do not change, too)
	@url=$$($(BIN)/septet stack address opensearch); if [ -z "$$url" ]; then echo "OpenSearch is left out: see septet stack status" >&2; \
	  else SEPTET_OPENSEARCH_URL=$$url $(BIN)/python -m pytest services/retrieval/tests -k "opensearch or lexical or reindex or outage"; fi
	@SEPTET_TEST_STACK=native $(BIN)/python -m pytest tests/integration tests/e2e tests/trace $(if $(WHOLE),,-m "not embedded")

bench: setup ## Overhead against the raw log and against peers (28 minutes): JSON=file to write it, QUICK=1 to try it
	@$(BIN)/python -m benchmarks.peers.environment || echo "bench: the peers could not be installed and are left out" >&2
	@$(BIN)/python -m benchmarks.overhead $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

stack-down: setup ## Stop exactly what `make stack` started
	@$(BIN)/septet stack down

lint: setup-dev ## Style, types, import rules and contract compatibility
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES:%=-p %) -p benchmarks
	@$(BIN)/lint-imports
	@$(BIN)/python -m septet_contracts check
	@$(BIN)/python docs/generate/openapi_page.py --check
	@$(BIN)/python infra/vendor/vendor.py --check

audit: setup-dev ## Check locks, hashes and licences of dependencies; write dist/sbom.json
	@mkdir -p dist
	@$(BIN)/python infra/audit/audit.py --sbom dist/sbom.json

format: setup-dev ## Apply the house style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

up: setup ## Start the embedded stack and all services in the foreground
	@$(BIN)/septet up

doctor: setup ## Say what is missing or misconfigured, and how to fix it
	@$(BIN)/septet doctor

contracts: setup-dev ## Freeze changed contracts and regenerate the reference made from them
	@$(BIN)/python -m septet_contracts freeze
	@$(BIN)/python -m septet_contracts asyncapi --write
	@$(BIN)/python docs/generate/openapi_page.py
	@$(BIN)/python docs/generate/settings_page.py
	@$(BIN)/python docs/generate/rail_rates_page.py
	@$(BIN)/python docs/generate/metrics_page.py

lock: ## Resolve dependencies anew (needs uv) and export them without index addresses
	uv lock --quiet --upgrade
	uv export $(EXPORT) --no-dev --group build > requirements.lock
	uv export $(EXPORT) --only-group dev > requirements-dev.lock
	uv export $(EXPORT) --only-group tuning > requirements-tuning.lock
	uv export $(EXPORT) --only-group bench > requirements-bench.lock
	uv export $(EXPORT) --only-group clients > requirements-clients.lock

vendor: setup-dev ## Fetch the console's libraries by their lock (needs npm) and verify them
	@$(BIN)/python infra/vendor/vendor.py

clean: ## Remove caches and the data of the embedded stack (not .venv)
	rm -rf .septet .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
