# Two commands do everything on a fresh machine with Python >= 3.11 and make:
#   make demo     run the platform on simulated meters and vehicles
#   make test     run the tests
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Test processes side by side, each with a database server of its own; 0: all in one.
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help install demo test check lint types arrows soak bench lock clean

help:            ## show this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install: $(STAMP) ## create .venv and install what requirements.lock names

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: $(STAMP)   ## run meters, vehicles, broker, database and collectors; ARGS="--for 60 --summary FILE"
	$(BIN)/jieyong demo $(ARGS)

# In the order of collection: the end-to-end tests, which mostly wait, come first and hold up nobody.
test: $(STAMP)   ## run the tests; ARGS="-k spool"
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not soak" $(ARGS)

check: lint types arrows test ## lint, types, import arrows, tests: the gate

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

arrows: $(STAMP)
	$(BIN)/lint-imports

soak: $(STAMP)   ## run the long tests
	$(BIN)/python -m pytest -m soak $(ARGS)

bench: $(STAMP)  ## run one benchmark: make bench BENCH=polling
	$(BIN)/python -m tests.bench $(BENCH) $(ARGS)

lock:            ## pin every dependency again (needs `pip install uv`)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--all-extras --output-file requirements.lock pyproject.toml

clean:           ## remove the virtual environment and all local state
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis
