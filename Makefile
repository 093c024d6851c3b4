# Thin on purpose: each target is what CI runs. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install demo dev test check functions states openapi screenshots requirements clean

SHELL := /bin/bash -eu -o pipefail
# The distribution's own first: built with profile-guided optimisation, it takes a third less time than most that
# were compiled by hand.
PYTHON ?= $(firstword $(foreach one,/usr/bin/python3.11 python3.11,\
  $(shell $(one) -c 'import ensurepip' 2>/dev/null && echo $(one))) python3.11)
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

# Node comes as a wheel with the local set; npm takes the packages of the lock file and runs nothing they bring.
web/node_modules/.package-lock.json: web/package-lock.json web/.npmrc .venv/local.stamp
	cd web && npm ci --loglevel=error
	@touch $@

PAGES := $(shell find web/src web/*.html web/*.json web/*.ts -type f 2>/dev/null)
web/dist/manifest.json: web/node_modules/.package-lock.json $(PAGES)
	cd web && npm run --silent build -- --logLevel warn
	@touch $@

install: .venv/local.stamp web/dist/manifest.json ## make .venv/ with the command .venv/bin/jianqiao, and build the pages

demo: install ## start hub and two cities, push samples/, print a tour; Ctrl-C stops all
	exec jianqiao demo

dev: install ## the pages with reloading, beside a running province (jianqiao up); NODE_URL names its hub
	cd web && npm run dev

test: .venv/dev.stamp web/dist/manifest.json ## the whole suite: as hub, as city, then the system tests; then coverage
	coverage erase
	@failed=0; \
	(cd web && npm run --silent test) || failed=1; \
	for part in "--node hub --ignore tests/system" "--node city --ignore tests/system" "--dist loadfile tests/system"; do \
	  pytest $(WORKERS) --hypothesis-profile=ci --cov --cov-append --cov-report= $$part || failed=1; \
	done; \
	python -m tests.coverage_floor || failed=1; \
	exit $$failed

check: .venv/dev.stamp web/dist/manifest.json ## format, lint, types, layers, migrations: everything static
	PRE_COMMIT_HOME=$(CURDIR)/.venv/pre-commit pre-commit run --all-files

functions: .venv/dev.stamp ## which numbered functions of docs/functions.md are proven by tests
	python -m tests.functions

states: .venv/dev.stamp ## draw docs/states/ from the transition tables
	DJANGO_SETTINGS_MODULE=config.settings .ci/as-hub python -m tests.state_diagrams

openapi: .venv/dev.stamp web/node_modules/.package-lock.json ## write the API's description and the types that pages take from it
	.ci/as-hub python manage.py export_openapi_schema --api config.api.api --indent 2 --sorted --output docs/openapi/platform.json
	cd web && npm run --silent types

screenshots: .venv/dev.stamp web/dist/manifest.json ## pictures of every page and state in var/screenshots/
	python -m tests.pages.screenshots

requirements: .venv/dev.stamp ## compile pyproject.toml to requirements/*.txt (UPGRADE=--upgrade for newer versions)
	for set in "runtime" "local --extra=local" "dev --extra=local --extra=dev"; do \
	  name=$${set%% *}; extras=$${set#$$name}; \
	  CUSTOM_COMPILE_COMMAND="make requirements" pip-compile --quiet $(UPGRADE) $$extras --allow-unsafe --strip-extras \
	    --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
	    $(if $(DELAY),--pip-args="--uploaded-prior-to=$(DELAY)") --output-file=requirements/$$name.txt pyproject.toml; \
	done

clean: ## remove what the tools cache; the province's data (var/) and .venv/ stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build dist web/dist web/node_modules
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
