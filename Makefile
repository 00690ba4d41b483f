# make run      install what is missing, start the app, print where it is      (PORT=9000 for a fixed port)
# make test     everything the tests need, then linters, the import contract and the tests
# make bench    ratios against bare Streamlit scripts, measured in one run     (writes benchmarks/out/ratios.md)
# make pictures the README's pictures, made anew from the running app
# make gallery  the classic animations of assets/gallery, made anew
# make clean    remove the virtual environment and caches
#
# UV_TORCH_BACKEND=cpu make run     the small CPU build of torch; decided at the first installation

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
PORT   ?=
TESTS  ?=
# A worker waits for its browser as often as the browser for it: one more than there are cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(1 + (os.cpu_count() or 1), 8))')

# Without byte code every start compiles torch again, which takes ten seconds longer.
unexport PYTHONDONTWRITEBYTECODE

# Output of pip and uv stays quiet unless it fails; V=1 shows it.
QUIET := $(if $(V),,--quiet)

.PHONY: run test lint bench pictures gallery clean
.DELETE_ON_ERROR:

run: $(VENV)/.app
	@$(BIN)/python -m streamlit run app.py $(if $(PORT),--server.port $(PORT))

test: lint $(VENV)/.browser $(VENV)/.redis
	$(BIN)/python -m pytest -n $(WORKERS) --durations=30 $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/oxlint viz/components viz/export
	$(BIN)/basedpyright

bench: $(VENV)/.browser
	$(BIN)/python -m benchmarks

pictures: $(VENV)/.browser
	$(BIN)/python assets/make_pictures.py
	$(BIN)/python -m viz.export --input-size 4 --padding 1 --legend no assets/readme/play.gif

gallery: $(VENV)/.app
	$(BIN)/python -m viz.export --batch assets/gallery/configs.csv --out assets/gallery --width 640 --legend no

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ConvScope needs Python 3.11 or newer; $(PYTHON) is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install $(QUIET) --disable-pip-version-check uv

$(VENV)/.app: requirements.txt | $(UV)
	@echo "Installing what the app needs (torch is large: a minute or more) …"
	@$(UV) pip install $(QUIET) --python $(BIN)/python -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	@echo "Installing what the tests need …"
	@$(UV) pip install $(QUIET) --python $(BIN)/python -r requirements-dev.txt
	@touch $@

$(VENV)/.browser: tests/browser/install.sh $(VENV)/.dev
	@sh tests/browser/install.sh $(BIN)/playwright
	@touch $@

$(VENV)/.redis: tests/rooms/install.sh $(VENV)/.dev
	@sh tests/rooms/install.sh
	@touch $@
