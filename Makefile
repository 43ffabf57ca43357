PYTHON ?= python3
ARGS ?=
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ASSETS := app/web/static/vendor/.built
PRINT_PACKAGES := libpangoft2-1.0-0 libharfbuzz-subset0 fonts-nanum
BROWSER_PACKAGES := chromium $(PRINT_PACKAGES)
TRANSLATIONS := $(patsubst %.po,%.mo,$(wildcard app/translations/*/LC_MESSAGES/*.po))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PIP_PROGRESS_BAR := off

.DEFAULT_GOAL := help
.PHONY: help install run test lint format lock bench bench-full soak chaos fuzz coverage clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) $(TRANSLATIONS) $(ASSETS) ## Make .venv with everything locked, and fetch what browser tests need
	@scripts/apt.sh "Browser tests and PDF" $(BROWSER_PACKAGES)

run: $(INSTALLED) $(TRANSLATIONS) $(ASSETS) ## Serve a demo on 127.0.0.1:8000 until Ctrl-C (DEMO=full: the whole district, 20 million discharges)
	@scripts/apt.sh "PDF statements" $(PRINT_PACKAGES)
	@exec $(BIN)/jongnyang demo run $(DEMO:%=--%) $(ARGS)

test: install lint ## Lint, then test on SQLite and PostgreSQL (ARGS="-k word" narrows, WORKERS=0 for one process)
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

lint: $(INSTALLED) ## Check style, format, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: ## Lock the dependencies of setup.cfg anew (ARGS=--upgrade takes newer releases)
	@PYTHON="$(PYTHON)" scripts/lock.sh $(ARGS)

bench: $(INSTALLED) ## Measure ingest, volumes and the idle gateway against their floors, in at most 17 minutes
	$(BIN)/python -m scripts.bench $(ARGS)

bench-full: $(INSTALLED) ## The same in nine rounds and over 16 million discharges (resumes; 11 GB of disk)
	$(BIN)/python -m scripts.bench --full $(ARGS)

soak: $(INSTALLED) ## 50 simulated meters and every fault for 10 minutes (SOAK_SECONDS=60 shortens it), then the tests that take minutes
	$(BIN)/python -m scripts.soak $(ARGS)
	$(BIN)/pytest -n 0 -m soak

chaos: $(INSTALLED) ## Kill simulated gateways at every commit and call, 200 times, and compare the books
	$(BIN)/python -m scripts.chaos $(ARGS)

fuzz: $(INSTALLED) ## Throw 200,000 damaged inputs at each serial parser (FUZZ_SECONDS=600 lengthens it, FUZZ_SEED repeats it)
	$(BIN)/python -m scripts.fuzz

coverage: $(INSTALLED) ## Measure that the readable cases of tests/billing take every branch of billing/
	$(BIN)/pytest -n 0 -s tests/billing/test_coverage.py

clean: ## Remove caches and builds; var/ (the data) and .venv stay
	rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(ASSETS): package.json package-lock.json app/web/krds.scss scripts/assets.sh | $(INSTALLED)
	@scripts/assets.sh
	@touch $@

%.mo: %.po | $(INSTALLED)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale ko

# The stamp holds the checkout's folder: an environment that was moved or copied still runs the programs of the old one.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

$(INSTALLED): requirements-dev.lock setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Jongnyang needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)."; \
	    echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make virtual environments. On Debian: sudo apt-get install python3-venv"; exit 1; }
	@test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" && $(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked packages into $(VENV) …"
	@$(BIN)/pip install --quiet --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" >$@
