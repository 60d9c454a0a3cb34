# Two commands matter: make demo, make test. Both do all their own set-up, in .venv.
# RUNTIME=gpu installs onnxruntime-gpu, RUNTIME=cpu onnxruntime. Nothing said: what .venv has already, else
# gpu where an NVIDIA driver answers. onnxruntime-gpu has no wheels for macOS, nor for Linux on Arm.

PYTHON ?= python3
VENV := .venv
ifndef RUNTIME
RUNTIME := $(patsubst $(VENV)/.installed-%,%,$(firstword $(wildcard $(VENV)/.installed-*)))
ifeq ($(RUNTIME),)
RUNTIME := $(shell nvidia-smi -L >/dev/null 2>&1 && test "$$(uname -m)" = x86_64 && echo gpu || echo cpu)
endif
endif
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(RUNTIME)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install demo test test-slow torture lint docs light study study-run clean

demo: $(INSTALLED)
	@echo "Training takes several minutes; the line below says how much is left."
	$(BIN)/dropgan run --data fashion-mnist-10k --recipe conv --conditional -o demo
	@echo "Look at demo/samples.png; demo/model.onnx is the file for your own app."

# What the others need, and nothing else.
install: $(INSTALLED)

# Each of pytest's processes has a core of its own: more threads would only wait for one another. The order
# stays that of tests/conftest.py, which begins with the longest files.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Those that take minutes: a hundred kills, ten thousand damaged files, a cluster, packages installed.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

# Attacks: locks, traps in the current directory, telemetry, caches, numbers, hostile files, kills. At most
# 20 minutes; DROPGAN_TORTURE_SEED chooses other cases, DROPGAN_TORTURE_MINUTES less time.
torture: $(INSTALLED)
	OMP_NUM_THREADS=1 timeout 1200 $(BIN)/python -m pytest -m torture tests/torture

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy -p tests -p benchmarks

# The documentation as pages: open build/site/index.html.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# docs/dropout.md and its picture again, from the recorded runs; a minute.
study: $(INSTALLED)
	$(BIN)/python benchmarks/dropout_figures.py

# Trains the runs of the study that have no record yet, which takes hours; QUICK=1 trains six short ones into
# docs/study/quick.jsonl, which takes minutes.
study-run: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/dropout_study.py $(if $(QUICK),--quick)

light: $(INSTALLED)
	$(BIN)/python tests/check_light_install.py

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dropgan needs Python 3.11 or later; say which: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if ls $(VENV)/.installed-* >/dev/null 2>&1 && ! test -e $@; then \
		$(PIP) uninstall --yes onnxruntime onnxruntime-gpu; fi
	@echo "Installing dropgan[$(RUNTIME),train,batch,dev] into $(VENV): PyTorch is large, this can take minutes."
	$(PIP) install -c constraints.txt -e '.[$(RUNTIME),train,batch,dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@
