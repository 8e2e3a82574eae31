# Everything runs from a virtual environment in .venv, which these targets make and keep current.

PYTHON ?= python3
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test lint types layers migrate livekit requirements footprint clean test-requirements

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

run: .venv/run ## Start the service, with a local LiveKit unless LIVEKIT_URL is set
	@$(RUN) -m entrypoints.dev

test: .venv/dev ## Run every tier of tests, with coverage
	@sh scripts/test.sh

lint: .venv/dev ## Check style
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: .venv/dev ## Check types
	@$(RUN) -m mypy

layers: .venv/dev ## Check which layer imports which
	@.venv/bin/lint-imports --no-cache

migrate: .venv/run ## Bring the database that DATABASE_URL names to this version's schema
	@$(RUN) -m entrypoints.cli migrate

livekit: ## Build a real LiveKit server into .cache/bin (needs Go)
	@scripts/install_livekit.sh

test-footprint: .venv/dev ## Measure start-up time and memory
	@$(RUN) -m tests.benchmarks.footprint

requirements: .venv/dev ## Install what tests and examples need

footprint: .venv/dev ## Measure start-up time and memory
	@$(RUN) -m tests.benchmarks.footprint

requirements: .venv/dev ## Compile requirements/*.txt anew from pyproject.toml
	@scripts/compile_requirements.sh

clean: ## Remove what these targets made, but not data/
	rm -rf .venv .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt | .venv/bin/python
	@echo "Installing what the service needs into .venv (about half a minute, once) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@touch $@

.venv/dev: requirements/dev.txt | .venv/bin/python
	@echo "Installing what tests need into .venv (about a minute, once) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@ .venv/run
