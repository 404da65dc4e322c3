# `make run` and `make test` work on a bare Debian or Ubuntu with Python 3.11-3.14; everything lands in
# .venv and build. PYTHON=/path/to/python names the interpreter. ARGS goes to what is run:
# make test ARGS="-k masking", make run ARGS="--port 8080".

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PY := .venv/bin/python
HELPPARI := .venv/bin/helppari
ARGS ?=

.PHONY: help setup setup-run run test check fix docs widget bench faults lock clean

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## Make .venv with all that developing and testing need
	@scripts/setup dev

setup-run:
	@scripts/setup run

# Exit code 1 of a build means that an article has problems: its last good version is served.
run: setup-run ## Index the sample articles, serve them and print the address
	@$(HELPPARI) index build --kb kb --out build/index || [ $$? = 1 ]
	@exec $(HELPPARI) serve --index build/index $(ARGS)

test: setup ## Run all tests
	@scripts/browser
	@scripts/test $(ARGS)

check: setup ## Look at style, types and whether the reference pages are up to date
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) scripts/reference.py --check

fix: setup ## Mend what ruff can, and write the reference pages anew
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) scripts/reference.py

docs: setup ## Write the generated parts of docs/reference anew
	$(PY) scripts/reference.py

widget: ## Test the chat widget and build widget/dist anew (needs npm)
	@scripts/widget build

bench: setup ## Measure against the budgets
	$(PY) -m evals.bench $(ARGS)

# ARGS names the database and the number of kills: make faults ARGS="--database postgresql --times 50"
faults: setup ## Kill serving processes while customers talk, and see that nothing is lost or doubled
	$(PY) -m evals.faults kills --out build/faults/$$(date +%Y%m%d-%H%M%S) $(ARGS)

# The lock holds every platform's and Python's versions. Torch's CUDA libraries are left out of it, because
# pip then takes the CPU wheel where there is one, and finds them by itself where there is none.
lock: setup-run ## Write the lock files anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@mkdir -p build
	@test -x build/uv/bin/uv || { $(PY) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv; }
	@compile() { \
	  build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	    $(if $(UPGRADE),--upgrade) "$${@:2}" pyproject.toml -o $$1; \
	  { echo "# Exact versions for Python 3.11-3.14, made by \`make lock\` from pyproject.toml. Do not edit."; \
	    grep -vE '^(#|nvidia-|cuda-|triton)' $$1; } > build/lock; \
	  mv build/lock $$1; \
	}; \
	compile requirements-dev.lock --all-extras; \
	compile requirements.lock --constraint requirements-dev.lock
	@echo "written: requirements.lock, requirements-dev.lock"

clean: ## Remove .venv and everything that was built (the prepared encoder in the cache stays)
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
