# quintet: two commands on a fresh machine (Python >= 3.11 and make).
#   make run     set everything up, run an honest backtest on the embedded market, print the verdict
#   make test    set everything up, pass the tests
# and for those who change it:
#   make check   format, lint, types, directions, house laws, traceability, pages: everything but the tests
#   make format  let the formatter and the linter repair what they can
#   make trace   which requirement is proven by which test
#   make docs    write the generated pages again, check every link
#   make bench   measure the hot paths
#   make storm   the long proofs: faults, deaths, planted bugs, load; resumable, about two hours
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The test files that bear a mark. Others make their markets when they are read, which takes minutes without compilation.
marked = $$(grep -rl --include='test_*.py' 'mark\.$(1)' tests)

# Compiled code that checks its array bounds. Its loops are compiled while the suite waits for clocks and sockets.
with_bounds = NUMBA_BOUNDSCHECK=1 NUMBA_OPT=1

.PHONY: run test check format trace docs bench storm clean
.NOTPARALLEL:

run: $(READY)
	@$(BIN)/quintet warm
	@$(BIN)/quintet backtest structure_mm

test: $(READY)
	@$(BIN)/quintet warm
	@echo "quintet: the whole suite"
	@$(BIN)/python -m tests.prepared_loops
	@$(with_bounds) nice -n 19 $(BIN)/python -m tests.prepared_loops & \
		$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder; passed=$$?; wait; exit $$passed
	@echo "quintet: once more with compilation off (the same bits)"
	@NUMBA_DISABLE_JIT=1 $(BIN)/pytest -q -n 2 --dist loadfile -m jit_off $(call marked,jit_off)
	@echo "quintet: once more with compiled array bounds checked"
	@$(with_bounds) $(BIN)/pytest -q -n 2 --dist loadgroup -m bounds $(call marked,bounds)

check: $(READY)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.tidy
	@$(BIN)/python -m tools.trace --check
	@$(BIN)/python -m tools.docs --check

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

trace: $(READY)
	@$(BIN)/python -m tools.trace

docs: $(READY)
	@$(BIN)/python -m tools.docs

bench: $(READY)
	@$(BIN)/python -m benchmarks

storm: $(READY)
	@$(BIN)/quintet warm
	@$(BIN)/python -m tools.storm --page

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml requirements/dev.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"quintet needs Python 3.11 or newer, found {v.major}.{v.minor}")'
	@echo "quintet: building the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
