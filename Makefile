# Every target does its own set-up: a virtual environment in .venv, filled by pip with what lock/ names,
# each file held against its SHA-256. The second run finds it ready. PYTHON=python3.12 picks another
# interpreter.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
LOCKED := $(PIP) --require-hashes
BENCHES := $(filter-out fuzz mutants,$(patsubst bench/%.py,%,$(shell grep -l '^if __name__' bench/*.py)))

.PHONY: demo test test-all lint types bench fuzz mutants docs lock wheel dist clean
.DEFAULT_GOAL := demo

demo: $(READY)
	$(BIN)/brie demo

test: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" tests

test-all: lint types
	$(BIN)/python -m pytest -n 2 --dist loadfile tests

lint: $(READY)
	$(BIN)/ruff check src tests bench models docs/pages.py .ci
	$(BIN)/ruff format --check src tests bench models docs/pages.py .ci

types: $(READY)
	$(BIN)/mypy

bench: $(READY)
	@for name in $(BENCHES); do echo "== bench.$$name"; $(BIN)/python -m bench.$$name || exit 1; done

# Damaged input for everything that reads, about ten minutes: see bench/fuzz.py.
fuzz: $(READY)
	$(BIN)/python -m bench.fuzz

# Are wrong lines noticed? Some 300 of them, about half an hour: see bench/mutants.py.
mutants: $(READY)
	$(BIN)/python -m bench.mutants

# The documentation as a site in site/, and the two files for coding agents; a broken link fails.
docs: $(READY)
	$(BIN)/python -m docs.pages
	$(BIN)/mkdocs build --quiet --strict

# lock/, constraints.txt and docs/licences.md from pyproject.toml: see .ci/lock.py.
lock:
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; $(PYTHON) -m venv "$$tools"; \
	  "$$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'pip>=26' 'uv==0.13.9'; \
	  "$$tools/bin/python" .ci/lock.py

wheel: $(READY)
	$(BIN)/python -m build --no-isolation --wheel --outdir dist .

# What a release is made of, and a trial of it: the wheel in an environment and a folder of its own.
dist: $(READY)
	$(LOCKED) -r lock/release.txt
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	@set -e; trial=$$(mktemp -d); trap 'rm -rf "$$trial"' EXIT; wheel=$$(ls "$$PWD"/dist/*.whl); \
	  $(BIN)/python -m venv "$$trial/venv"; \
	  "$$trial/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
	    -c constraints.txt "$$wheel[train]"; \
	  mkdir "$$trial/project"; cd "$$trial/project"; unset PYTHONPATH; \
	  ../venv/bin/brie --version; ../venv/bin/brie demo

# Nothing is installed that the lock does not name: not even for building brie itself. pip says which build
# of torch it takes here; the one for CPUs alone goes without the packages of lock/torch.txt.
$(READY): pyproject.toml lock/packages.txt lock/sources.txt lock/torch.txt lock/torch-cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "brie needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(LOCKED) --only-binary=:all: -r lock/packages.txt
	$(LOCKED) --no-build-isolation -r lock/sources.txt
	@build=torch; $(BIN)/python -m pip install --dry-run --no-deps --ignore-installed -c constraints.txt torch 2>&1 | \
	  grep -q 'Would install torch-[0-9.]*+cpu' && build=torch-cpu; \
	  echo "$(LOCKED) -r lock/$$build.txt"; $(LOCKED) -r "lock/$$build.txt"
	$(PIP) --no-build-isolation -e .
	@missing=$$($(BIN)/python -m pip check) || { echo "$$missing"; exit 1; }
	@touch $@

clean:
	rm -rf .venv dist build site .mypy_cache .ruff_cache .pytest_cache
