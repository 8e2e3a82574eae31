# Everything runs from a virtual environment in .venv, which these targets make and keep current.

RUN := .venv/bin/python
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
# 3.11 first: requirements/*.txt are compiled with it.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
  $$python $(NEW_ENOUGH) 2>/dev/null && { echo $$python; break; }; done)

.DEFAULT_GOAL := help
CONSOLE := entrypoints/console_files/index.html
CONSOLE_SOURCES := $(shell find console -name node_modules -prune -o -type f -print)

.PHONY: help run introduction console console-test screenshots test coverage test-slow test-all test-unit lint prose types layers migrate livekit simulator \
  bench wheel image profile golden mutation faults security secrets-baseline deployment newcomer \
  test-requirements test-programs requirements clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

run: introduction .venv/.run-stamp $(CONSOLE) ## Start the service, with a local LiveKit unless LIVEKIT_URL is set
	@echo "[1/3] Python packages: installed in .venv."
	@exec $(RUN) -m entrypoints.dev $$PPID

introduction:
	@echo "Starting backend-livekit for development: its Python packages, a LiveKit, the service."
	@test -e .venv/.run-stamp && echo "This takes about 5 seconds." || \
	  echo "This takes about a minute the first time, and about 5 seconds after that."

test: .venv/.dev-stamp ## Run all tests but the slow ones (five minutes on two cores)
	@sh scripts/test.sh fast

coverage: .venv/.dev-stamp ## Run make test, and check which branches the unit tests cover
	@COVERAGE=1 sh scripts/test.sh fast

test-slow: .venv/.dev-stamp ## Run the slow tests (15 minutes)
	@sh scripts/test.sh slow

test-all: .venv/.dev-stamp ## Run every test: test and test-slow
	@sh scripts/test.sh fast
	@sh scripts/test.sh slow

test-unit: .venv/.dev-stamp ## Run the unit tests but the slow ones (seconds)
	@sh scripts/test.sh unit

lint: .venv/.dev-stamp ## Check style
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

prose: .venv/.dev-stamp ## Check spelling, and words that the style forbids
	@$(RUN) scripts/check_prose.py

types: .venv/.dev-stamp ## Check types
	@$(RUN) -m mypy

layers: .venv/.dev-stamp ## Check which layer imports which
	@.venv/bin/lint-imports --no-cache

golden: .venv/.dev-stamp ## Renew the golden files of what callers see (tests/golden)
	@$(RUN) -m tests.golden

mutation: .venv/.dev-stamp ## Change domain/ in small ways and see which its tests do not notice
	@$(RUN) -m tests.mutation $(FILES)

security: .venv/.dev-stamp ## Look for weaknesses in the code and for secrets in the files
	@.venv/bin/bandit --quiet --configfile pyproject.toml --recursive domain application adapters entrypoints alembic
	@$(RUN) scripts/check_secrets.py

secrets-baseline: .venv/.dev-stamp
	@$(RUN) scripts/check_secrets.py --update

migrate: .venv/.run-stamp ## Bring the database that DATABASE_URL names to this version's schema
	@$(RUN) -m entrypoints.cli migrate

livekit: ## Build a real LiveKit server into .cache/bin (needs Go)
	@sh scripts/install_livekit.sh

simulator: .venv/.run-stamp ## Start the LiveKit simulator alone
	@$(RUN) -m entrypoints.cli simulator

bench: .venv/.dev-stamp ## Measure speed and memory (SECTIONS="routes real …": some of it)
	@sh scripts/install_wrk.sh
	@$(RUN) -m tests.benchmarks $(SECTIONS)

profile: .venv/.dev-stamp ## Draw where a session's time goes: docs/session.svg
	@sh scripts/install_wrk.sh
	@$(RUN) -m tests.benchmarks.profile

# Two at a time cannot install Debian's packages.
deployment: .venv/.dev-stamp | $(filter test-programs,$(MAKECMDGOALS)) ## Carry out the Dockerfile's steps and run what comes of them
	@command -v systemd-analyze >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null; }
	@$(RUN) scripts/check_deployment.py

newcomer: ## Do what a newcomer does in a clean clone: make run, the line that it prints, Ctrl-C
	@scripts/check_newcomer.sh

console: ## Build the console that the service shows at /console (needs Node.js 20)
	@sh scripts/build_console.sh
	@echo "Console: built; a service of this checkout shows it at /console."

console-test: ## Check the console's style and types, and run its tests (needs Node.js 20)
	@sh scripts/build_console.sh
	@cd console && npm run --silent lint && npm run --silent types && npm run --silent test

screenshots: .venv/.dev-stamp ## Renew the pictures of the console in docs/images (needs chromium)
	@CONSOLE_SCREENSHOTS=1 $(RUN) -m pytest -n0 -q -m slow tests/browser/test_console_views.py -k picture

$(CONSOLE): $(CONSOLE_SOURCES)
	@sh scripts/build_console.sh optional

wheel: .venv/bin/pip console ## Build the wheel into dist/
	@rm -rf build dist # setuptools would also pack modules that have been removed since
	@$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

image: ## Build the container image backend-livekit
	docker build --tag backend-livekit .

faults: .venv/.dev-stamp ## Carry 600 calls and 120 sessions through every fault, print what came of it
	@$(RUN) -m tests.faults.run

test-requirements: .venv/.dev-stamp ## Install what tests and examples need

test-programs: ## Install what tests need of Debian's packages: PgBouncer, Redis, chromium
	@for program in pgbouncer redis browser; do sh scripts/install_$$program.sh || exit 1; done

requirements: .venv/.dev-stamp ## Compile requirements/*.txt anew from pyproject.toml
	@sh scripts/compile_requirements.sh

clean: ## Remove what these targets made, but not data/
	rm -rf console/node_modules entrypoints/console_files
	rm -rf build dist *.egg-info .venv .cache .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# pip is what venv makes last: where it is missing, venv did not finish.
.venv/bin/pip:
	@test -n "$(PYTHON)" && "$(PYTHON)" $(NEW_ENOUGH) || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ..."; exit 1; }
	@"$(PYTHON)" -m venv .venv

.venv/.run-stamp: requirements/run.txt | .venv/bin/pip
	@echo "[1/3] Python packages: installing what the service needs into .venv (once) ..."
	@$(RUN) scripts/install_packages.py $<
	@touch $@

.venv/.dev-stamp: requirements/dev.txt | .venv/bin/pip
	@echo "Installing what tests need into .venv (about a minute, once) ..."
	@$(RUN) scripts/install_packages.py $<
	@touch $@ .venv/.run-stamp
