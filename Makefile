# Thin on purpose: each target is what CI runs. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install demo test check functions requirements clean

SHELL := /bin/bash -eu -o pipefail
PYTHON ?= python3.11
WORKERS ?= -n 2
# New releases wait a week; DELAY= for a package index that does not tell upload times.
DELAY ?= P7D
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE ?= 1

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 16

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python 3.11 is needed (Debian 12: apt install python3.11 python3.11-venv; elsewhere: make PYTHON=/path/to/python3.11)."; \
	  echo "需要 Python 3.11（Debian 12：apt install python3.11 python3.11-venv；其他系统：make PYTHON=/路径/python3.11）。"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "The module venv is missing: apt install python3.11-venv. / 缺少 venv 模块：apt install python3.11-venv。"; exit 1; }
	$(PYTHON) -m venv .venv

# The demo needs the local set only, the tests and checks the development set; each is installed once per lock file.
.venv/local.stamp: requirements/local.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/local.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: .venv/local.stamp ## make .venv/ with the command .venv/bin/jianqiao

demo: install ## start hub and two cities, push samples/, print a tour; Ctrl-C stops all
	exec jianqiao demo

test: .venv/dev.stamp ## the whole suite: as hub, as city, then the system tests; then coverage
	coverage erase
	@failed=0; \
	for part in "--node hub --ignore tests/system" "--node city --ignore tests/system" "--dist loadfile tests/system"; do \
	  pytest $(WORKERS) --hypothesis-profile=ci --cov --cov-append --cov-report= $$part || failed=1; \
	done; \
	python -m tests.coverage_floor || failed=1; \
	exit $$failed

check: .venv/dev.stamp ## format, lint, types, layers, migrations: everything static
	PRE_COMMIT_HOME=$(CURDIR)/.venv/pre-commit pre-commit run --all-files

functions: .venv/dev.stamp ## which numbered functions of docs/functions.md are proven by tests
	python -m tests.functions

requirements: .venv/dev.stamp ## compile pyproject.toml to requirements/*.txt (UPGRADE=--upgrade for newer versions)
	for set in "runtime" "local --extra=local" "dev --extra=local --extra=dev"; do \
	  name=$${set%% *}; extras=$${set#$$name}; \
	  CUSTOM_COMPILE_COMMAND="make requirements" pip-compile --quiet $(UPGRADE) $$extras --allow-unsafe --strip-extras \
	    --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
	    $(if $(DELAY),--pip-args="--uploaded-prior-to=$(DELAY)") --output-file=requirements/$$name.txt pyproject.toml; \
	done

clean: ## remove what the tools cache; the province's data (var/) and .venv/ stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build dist
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
