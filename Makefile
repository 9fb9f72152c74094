# Two commands for a fresh machine with Python 3.11 or later, pip and make:
#
#   make demo            an invented area, from its agencies' files to the page (SERVE=0: all but serving)
#   make test            every test, the browser's included
#
# Also: make lint · make format · make bench · make clean
#       make kills     200 kills of an import and 200 of a publication
#       make fuzz      10,000 damaged files through all readers

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE ?= 1
# Two processes, each file whole in one of them: what a file's tests share is made once.
PYTEST_FLAGS ?= -n 2 --dist loadfile
ifeq ($(SERVE),0)
DEMO_FLAGS := --no-serve
endif

.PHONY: demo test lint format bench kills fuzz clean browser

demo: $(VENV)/.installed
	$(BIN)/raksa demo $(DEMO_FLAGS)

test: $(VENV)/.installed-dev browser
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.areas
	$(BIN)/python -m benchmarks.demo
	$(BIN)/python -m benchmarks.effect
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.hsls
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.linkage
	$(BIN)/python -m benchmarks.models
	$(BIN)/python -m benchmarks.oulad
	$(BIN)/python -m benchmarks.people_away
	$(BIN)/python -m benchmarks.planner
	$(BIN)/python -m benchmarks.proofs
	$(BIN)/python -m benchmarks.serve
	$(BIN)/python -m benchmarks.stability

kills: $(VENV)/.installed-dev
	KILLS=200 $(BIN)/python -m pytest -s tests/register/test_kill.py

fuzz: $(VENV)/.installed-dev
	FUZZ=10000 $(BIN)/python -m pytest -s tests/register/test_fuzz.py

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Raksa needs Python 3.11 or later; say which with make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(VENV)/.installed $@

# The browser tests drive a real Chromium. Debian's is taken where there is none; elsewhere Playwright's own is used.
browser: $(VENV)/.installed-dev
	@if $(BIN)/python -m tests.browser >/dev/null 2>&1; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; \
	else \
		echo "No Chromium found. Get one with: $(BIN)/python -m playwright install chromium"; \
		echo "(or, on Debian: sudo apt-get install chromium). Browser tests are skipped until then."; \
	fi

clean:
	rm -rf $(VENV) raksa-data .pytest_cache .mypy_cache .ruff_cache
