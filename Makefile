# make demo     a first conversation: creates .venv, installs Otto, runs commands
# make test     what must pass before every push (installs included)
# make test-all the same with the heavy extras, llama.cpp (compiled in some 7 minutes) and PyTorch
# make lint     ruff and mypy --strict
# make nightly  the large counts of docs/reliability.md
# make docs     writes the generated parts of README.md and docs/ anew

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all lint nightly docs

# Tests start hundreds of Pythons; where none may keep what it compiled, each compiles Otto anew.
export PYTHONDONTWRITEBYTECODE :=

.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/base: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[voice]'
	touch $@

.venv/dev: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[dev,voice,mqtt,serve,mcp,wyoming,postgres,library]'
	touch $@

.venv/all: .venv/dev
	$(PIP) --editable '.[dev,voice,mqtt,serve,mcp,wyoming,postgres,library,llama,finetune,ray]' 'llama-cpp-python[server]'
	touch $@

demo: .venv/base
	PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh

# Two files at a time: much of what is tested is waiting. Models keep both cores busy by themselves.
test: .venv/dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-all: .venv/all
	$(BIN)/pytest --numprocesses 2 --dist loadfile
	$(BIN)/pytest -m 'heavy and not nightly'

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

nightly: .venv/dev
	$(BIN)/pytest -m nightly

docs: .venv/dev
	$(BIN)/python scripts/write_docs.py
