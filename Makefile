# Two commands matter: make demo, make test. Both do all their own set-up, in .venv.
# RUNTIME=cpu installs onnxruntime in place of onnxruntime-gpu (which also runs on a CPU).

PYTHON ?= python3
RUNTIME ?= gpu
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(RUNTIME)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-slow lint light clean

demo: $(INSTALLED)
	$(BIN)/dropgan run --data fashion-mnist-10k --recipe conv -o demo
	@echo "Look at demo/samples.png; demo/model.onnx is the file for your own app."

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadfile

# Those that take minutes: a hundred kills, ten thousand damaged files, a cluster, packages installed.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

light: $(INSTALLED)
	$(BIN)/python tests/check_light_install.py

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dropgan needs Python 3.11 or later; say which: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if ls $(VENV)/.installed-* >/dev/null 2>&1 && ! test -e $@; then \
		$(PIP) uninstall --yes onnxruntime onnxruntime-gpu; fi
	$(PIP) install -c constraints.txt -e '.[$(RUNTIME),train,batch,dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@
