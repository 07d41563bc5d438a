# quintet: two commands on a fresh machine (Python >= 3.11 and make).
#   make run     set everything up, run an honest backtest on the embedded market, print the verdict
#   make test    set everything up, pass the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check bench docs trace format clean

$(READY): pyproject.toml requirements/dev.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"quintet needs Python 3.11 or newer, found {v.major}.{v.minor}")'
	@echo "quintet: building the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

