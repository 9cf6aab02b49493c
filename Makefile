# Everything that is done with this project from a shell. Needs Python 3.11 or later and make; the rest goes into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

VENV := .venv
INSTALLED := $(VENV)/.installed
# The first Python on the machine that is new enough and can make virtual environments; `make PYTHON=… install` names another.
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c '$(SUITABLE)' >/dev/null 2>&1 && { echo "$$python"; exit; }; done)

.PHONY: recovery help python install run test check fix real rows bench bench-large disclosure settlement faults safety openapi

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf 'make %-11s %s\n' "$$name" "$$text"; done

python: ## name the Python that .venv is made from
	@"$(PYTHON)" -c '$(SUITABLE)' 2>/dev/null || { echo 'Mainstem needs Python 3.11 or later with its venv module (on Debian and Ubuntu: the package python3-venv); none was found. "make PYTHON=/path/to/python3 …" names one.' >&2; exit 1; }
	@echo "python:  $(PYTHON), $$($(PYTHON) --version)"

install: $(INSTALLED) ## put the pinned requirements into .venv (the others do this first)

# Offline and instant unless the pinned requirements or the project's own description changed.
$(INSTALLED): requirements-dev.txt pyproject.toml
	@$(MAKE) --no-print-directory python
	@$(VENV)/bin/python -c '$(SUITABLE)' 2>/dev/null || { echo 'making $(VENV)'; "$(PYTHON)" -m venv --clear $(VENV); }
	@echo 'installing the pinned requirements (the first time takes a minute or two)'
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(VENV)/bin/python -m pip check --disable-pip-version-check
	@$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(INSTALLED) ## serve the demonstration on this machine, with keys to try it
	@$(VENV)/bin/mainstem run

# What was compiled is kept, whatever the shell says: three workers and the programs that they start need it some fifty times.
test: $(INSTALLED) ## run the whole suite
	@PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest --quiet --numprocesses 3 --dist loadscope --no-loadscope-reorder --durations 10 --durations-min 1

check: $(INSTALLED) ## verify format, lint, types, directions of import and the published contract; changes nothing
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/python -m tests.contract
	@$(VENV)/bin/python -m pytest --quiet tests/house/test_documents.py

fix: $(INSTALLED) ## format, and put right what the linter can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

real: $(INSTALLED) ## show the month on figures that NHS England published (about three minutes)
	@$(VENV)/bin/python -m tests.real

rows: $(INSTALLED) ## compute every row of the demonstration again from its sources alone (about three minutes)
	@$(VENV)/bin/python -m tests.reports.every_row

bench: $(INSTALLED) ## measure the promises on speed
	@$(VENV)/bin/python -m tests.bench

bench-large: $(INSTALLED) ## measure those about figures with 100 million cells of history (needs 40 GB of disk, and most of an hour)
	@$(VENV)/bin/python -m tests.bench large

disclosure: $(INSTALLED) ## attack the public renditions of random programmes
	@$(VENV)/bin/python -m tests.disclosure

settlement: $(INSTALLED) ## try what holds of every settlement in ten thousand cases each
	@$(VENV)/bin/python -m pytest --quiet --hypothesis-profile ten_thousand --numprocesses 3 tests/settlement/test_properties.py

faults: $(INSTALLED) ## kill and race, and look that nothing is lost (most of an hour)
	@$(VENV)/bin/python -m tests.faults

safety: $(INSTALLED) ## ask everything as everybody, take down each wall, forge, tamper, flood and fuzz (about twenty minutes); SAFETY="matrix walls" names parts
	@$(VENV)/bin/python -m tests.safety $(SAFETY)

recovery: $(INSTALLED) ## destroy the records of a database of its own, and go back to the second before
	@$(VENV)/bin/python -m tests.recovery

openapi: $(INSTALLED) ## write openapi/ anew from what is served
	@$(VENV)/bin/python -m tests.contract --write
