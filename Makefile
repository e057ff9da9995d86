# Each target makes the virtual environment it needs; nothing else has to be installed first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

LOCALSTACK := .venv-localstack

.PHONY: demo docs test test-judges test-hooks test-browser test-plugin test-deploy test-migrate fuzz bench clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "remediator needs Python 3.11: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Repairs a copy of an example. Exit code 1 means that something is left for a person: no failure.
# A repository of its own, where there is git: this one names the example's parameters in its tests.
demo: $(STAMP)
	rm -rf .demo
	mkdir .demo
	cp examples/payment-processing.yaml .demo/
	-git init -q .demo && git -C .demo add .
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

# The hooks for pre-commit and the GitHub Action, installed as their users do.
test-hooks: $(STAMP)
	$(BIN)/python -m pytest -m hooks

# The review page in headless Chromium, which is installed where it is missing (Debian, as root).
test-browser: $(STAMP)
	{ command -v chromium && command -v chromedriver; } >/dev/null || \
	  { apt-get update -q && apt-get install -q -y --no-install-recommends chromium chromium-driver; }
	$(BIN)/python -m pytest -m browser tests/browser

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

# Campaigns over 300 repositories: killed and resumed, and on a Dask cluster that loses a worker.
test-migrate: $(STAMP)
	$(BIN)/python -m pytest -m migrate tests/migrate

# make fuzz MINUTES=10 puts random templates through the engine: hypothesis and atheris at once. Not
# every platform has atheris; without it hypothesis runs alone, and that is said.
# Other inputs every time; with SEED and INPUTS the same, however fast a machine is: luck must not
# decide whether somebody's change passes.
MINUTES ?= 1
INPUTS ?= 0
SEED ?= 0
fuzz: $(STAMP)
	test -e .venv-fuzz/installed || { $(PYTHON) -m venv .venv-fuzz \
	  && .venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check \
	    'atheris>=3' hypothesis -e . \
	  && touch .venv-fuzz/installed; } || rm -rf .venv-fuzz
	cd tests && ../$(BIN)/python -m fuzz.run $(MINUTES) $(INPUTS) $(SEED) ../.venv-fuzz/bin/python

# make bench FOLDER=~/repositories measures over the templates of a folder.
FOLDER ?= examples
bench: $(STAMP)
	$(BIN)/python benchmarks/compare.py $(FOLDER)

clean:
	rm -rf .venv $(LOCALSTACK) .venv-fuzz .fuzz .demo site .mypy_cache .ruff_cache .pytest_cache
	rm -rf build *.egg-info
