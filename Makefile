# Each target makes the virtual environment it needs; nothing else has to be installed first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

LOCALSTACK := .venv-localstack

.PHONY: demo docs test test-judges test-plugin test-deploy bench clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "remediator needs Python 3.11: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Repairs a copy of an example. Exit code 1 means that something is left for a person: no failure.
demo: $(STAMP)
	rm -rf .demo
	mkdir .demo
	cp examples/payment-processing.yaml .demo/
	$(BIN)/remediator fix .demo/payment-processing.yaml || test $$? -eq 1

test: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

# Writes the pages that follow from the code, and the site that `make test` only tries to build.
docs: $(STAMP)
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

# Two other judges look at every case: minutes, so apart from the tests that run all the time.
test-judges: $(STAMP)
	$(BIN)/python -m pytest -n auto -m judges

# Builds the wheels of remediator and of examples/plugin, and installs them: asks the package index.
test-plugin: $(STAMP)
	$(BIN)/python -m pytest -m plugin

$(LOCALSTACK)/installed: tests/deploy/requirements.txt
	$(PYTHON) -m venv $(LOCALSTACK)
	$(LOCALSTACK)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# Deploys repaired templates on this machine: no account, no Docker, no network once installed.
test-deploy: $(STAMP) $(LOCALSTACK)/installed
	$(BIN)/python -m pytest -m deploy

# make bench FOLDER=~/repositories measures over the templates of a folder.
FOLDER ?= examples
bench: $(STAMP)
	$(BIN)/python benchmarks/compare.py $(FOLDER)

clean:
	rm -rf .venv $(LOCALSTACK) .demo site .mypy_cache .ruff_cache .pytest_cache build *.egg-info
