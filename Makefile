# The whole workflow. It needs only Python 3.11 or newer, pip and make; `make help` lists the targets.
# All paths are relative, so that a directory with a space in its name works, too.

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= data
SEED ?= 1
KILLS ?= 40
FUZZ_SECONDS ?= 600
CALLS ?= 20000
# Test processes at a time: they wait most of their time.
PROCESSES ?= 3
# one: a test of both versions of PostgreSQL runs with one of them, half of the tests with each. both: with both.
POSTGRES ?= one

SHELL := /bin/sh
# Images for containers often set it. Here programs start hundreds of times, and each would compile all of the code anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
# Ctrl-C ends pip and venv without a traceback, and nothing of them goes on.
INTERRUPTIBLE := $(PYTHON) -S tools/interruptible.py
# -qq: errors are shown, the rest is not. Every file is checked against the lock's hashes, wherever it came from.
PIP := $(INTERRUPTIBLE) $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
LOCK := build/lock/bin/python -m uv pip compile --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --quiet --upgrade --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast check format postman migration chaos seeded-bugs fuzz fuzz-api bench bench-quick chart lock sbom clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

# `exec` in a recipe: a signal to make reaches the program and not a shell around it.
demo: .venv/runtime.stamp ## start everything, load samples/movies.csv, show the result, stop
	@exec $(BIN)/imdb-ingest demo

up: .venv/runtime.stamp ## run everything in the foreground (PORT=8000 DATA_DIR=data)
	@exec $(BIN)/imdb-ingest up --port "$(PORT)" --data-dir "$(DATA_DIR)"

test: .venv/test.stamp ## the suite, against a real PostgreSQL, broker and Celery worker (ARGS= for pytest)
	@$(BIN)/python -m pytest -n $(PROCESSES) -m "not alone" --postgres=$(POSTGRES) $(ARGS); beside=$$?; \
	$(BIN)/python -m pytest -m alone $(ARGS); alone=$$?; \
	case "$$beside $$alone" in "0 0" | "0 5" | "5 0") ;; *) exit 1 ;; esac  # 5: ARGS chose none of these

test-fast: .venv/test.stamp ## the unit tests: no server, about two minutes on two cores (ARGS= for pytest)
	@exec $(BIN)/python -m pytest -n $(PROCESSES) tests/unit $(ARGS)

CHECKS := check-format check-style check-types check-imports check-security check-packages
.PHONY: $(CHECKS)

check: $(CHECKS) ## format, lint, types, imports, known weaknesses

check-format: .venv/test.stamp
	@$(BIN)/ruff format --check .

check-style: .venv/test.stamp
	@$(BIN)/ruff check .

check-types: .venv/test.stamp
	@$(BIN)/mypy

check-imports: .venv/test.stamp
	@$(BIN)/lint-imports --no-logo

check-security: .venv/test.stamp
	@$(BIN)/bandit -q -c pyproject.toml -r api worker shared cli stack migrations tools

check-packages: .venv/test.stamp
	@$(BIN)/python -m tools.audit

format: .venv/test.stamp ## format and repair what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

postman: .venv/runtime.stamp ## the Postman collection against a stack of its own (needs npm)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory newman; \
	else echo "make postman: skipped, npm is not installed"; fi

.PHONY: newman
newman: build/postman/newman.stamp
	@INGEST_PULL_HOSTS=data.invalid exec $(BIN)/python -m stack.command -- sh postman/run.sh

migration: .venv/test.stamp ## write the migration to what models and tables say now: NAME=what_it_does
	@$(BIN)/python -m tools.new_migration "$(NAME)"

chaos: .venv/test.stamp ## a crash storm with a checker of its own: SEED=1 KILLS=40 HOSTS=1 (see tests/chaos)
	@$(BIN)/python -m tests.chaos --seed "$(SEED)" --kills "$(KILLS)" $(if $(HOSTS),--hosts)

bench: .venv/test.stamp ## measure against psql \copy and others, an hour: writes bench/RESULTS.md (ARGS= for bench)
	@exec $(BIN)/python -m bench $(ARGS)

bench-quick: .venv/test.stamp ## the same with 100,000 rows, about five minutes, to the screen and build/bench
	@exec $(BIN)/python -m bench --quick $(ARGS)

seeded-bugs: .venv/chart.stamp ## deliberate mistakes in a copy of the code: the tests must catch each (ARGS=security or names)
	@$(BIN)/python -m tests.seeded_bugs $(ARGS)

fuzz: .venv/fuzz.stamp ## any bytes into the parts that read a file, guided by coverage: FUZZ_SECONDS=600 for each
	@for target in splitter reader sniffer gzip bzip2 xz zstandard zip; do \
		$(BIN)/python -m tests.fuzz $$target "$(FUZZ_SECONDS)" || exit 1; done
	@$(MAKE) --no-print-directory fuzz-api

fuzz-api: .venv/test.stamp ## the last part of it: CALLS=20000 of the API, from its OpenAPI document (SEED=1)
	@exec $(BIN)/python -m tests.fuzz.schema "$(CALLS)" "$(SEED)"

chart: .venv/chart.stamp ## render the Helm chart, lint it, run its commands (ARGS= for pytest)
	@exec $(BIN)/python -m pytest -n $(PROCESSES) tests/deploy/chart $(ARGS)

lock: ## resolve anew: requirements.txt (runtime and local servers), requirements-dev.txt (and tests), -fuzz, -chart
	@test -x build/lock/bin/python || $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check --no-input -qq install --upgrade uv
	@$(LOCK) pyproject.toml --extra local -o requirements.txt
	@$(LOCK) pyproject.toml --extra local --extra test -c requirements.txt -o requirements-dev.txt
	@$(LOCK) --group fuzz -o requirements-fuzz.txt
	@$(LOCK) --group chart -c requirements-dev.txt -o requirements-chart.txt

sbom: .venv/test.stamp ## what an installation consists of, as CycloneDX: writes build/sbom.json
	@mkdir -p build
	@$(BIN)/python -m tools.sbom >build/sbom.json

clean: ## remove everything that make made, but not data/
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew when a lock file changes: nothing is left over from before.
# setuptools is in the lock and builds the project without isolation, so that no unlocked package is ever fetched.
define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; point to one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making .venv from $(1) ..."
	@$(INTERRUPTIBLE) $(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes -r $(1)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch .venv/runtime.stamp
endef

.venv/runtime.stamp: requirements.txt
	$(call make_venv,requirements.txt)

.venv/test.stamp: requirements-dev.txt requirements.txt
	$(call make_venv,requirements-dev.txt)
	@touch .venv/test.stamp

# It goes into the same environment; nothing else needs it.
.venv/fuzz.stamp: .venv/test.stamp requirements-fuzz.txt
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-fuzz.txt || \
		{ echo "make fuzz: atheris cannot be installed: it has no wheel for this Python or this system" \
		"(it knows Linux on x86-64)" >&2; exit 1; }
	@touch $@

# The same; without it the tests of the chart skip.
.venv/chart.stamp: .venv/test.stamp requirements-chart.txt
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-chart.txt
	@touch $@

# npm works on a copy, so that the repository stays clean
build/azurite/azurite.stamp: $(wildcard tests/system/storage/azurite/package*.json)
	@echo "installing Azurite ..."
	@mkdir -p build/azurite && cp tests/system/storage/azurite/package*.json build/azurite/
	@cd build/azurite && npm ci --silent --no-audit --no-fund --ignore-scripts --cache .npm-cache
	@touch $@

build/postman/newman.stamp: postman/package.json postman/package-lock.json
	@echo "installing newman ..."
	@mkdir -p build/postman && cp postman/package.json postman/package-lock.json build/postman/
	@cd build/postman && npm ci --silent --no-audit --no-fund --ignore-scripts --cache .npm-cache
	@touch $@
