# make run    installs, prepares the models, indexes DOCS, serves http://HOST:PORT
# make test   the same set-up, then every test
# make check  ruff and mypy
# make lock   writes requirements*.lock anew from pyproject.toml

PYTHON ?= python3
# Not from the environment: some shells export a HOST, and who may connect is said on purpose.
HOST = 127.0.0.1
PORT ?= 7860
DOCS ?= docs/sources
INDEX ?= var/index
export HOST PORT DOCS INDEX

# What the pages call the documents that are shipped; your own are called by their titles.
ifeq ($(DOCS),docs/sources)
export BRIEFING_DESK_COLLECTION_TITLE ?= Kazakhstan and the World Bank Group
endif

ifneq ($(filter index run,$(MAKECMDGOALS)),)
ifeq ($(strip $(DOCS)),)
$(error DOCS is empty; name the documents: make run DOCS="path/to/my documents")
endif
endif

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
LOCKS := requirements.lock requirements-torch-cpu.lock requirements-torch.lock
PIP_INSTALL := $(PY) -m pip install -qq --disable-pip-version-check --no-deps
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help install models index run test test-of-pages test-of-the-rest check format lock clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' Makefile | head -4

install: $(INSTALLED)

# The stamp is written last, so that an installation which was cut short is taken up again.
# torch comes first and alone: the CPU build where pip is offered one, else the registry's build
# with the libraries it needs. No other package may bring a second one, hence --no-deps; that the
# locks are complete is what `pip check` then says.
$(INSTALLED): $(LOCKS) pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Briefing Desk needs Python 3.11 or later, and $(PYTHON) is not. Choose another one:" \
	    "make run PYTHON=python3.12" >&2; exit 2; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV) || { \
	  echo "No virtual environment could be made. On Debian: apt-get install python3-venv" >&2; \
	  exit 2; }
	@echo "Installing the locked packages (a minute or two, once)" >&2
	@said=$$($(PIP_INSTALL) --require-hashes -r requirements-torch-cpu.lock 2>&1) || { \
	  case "$$said" in *"No matching distribution"*) ;; *) echo "$$said" >&2; exit 1 ;; esac; \
	  echo "pip is offered no CPU build of torch for this Python: taking the registry's build" \
	    "(on Linux with its CUDA libraries, several GB)" >&2; \
	  $(PIP_INSTALL) --require-hashes -r requirements-torch.lock; }
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@$(PY) -m pip check --disable-pip-version-check >&2
	@touch $@

models: $(INSTALLED)
	@$(PY) scripts/prepare_models.py

# Exit code 1 means that some file could not be read and is listed: the rest can be asked.
index: models
	@$(PY) scripts/build_index.py "$$DOCS" --index "$$INDEX" || test $$? -eq 1

run: index
	@exec $(PY) scripts/serve.py --host "$$HOST" --port "$$PORT" --index "$$INDEX"

# Two processes, each with its own files; what one says comes in one piece, when it has ended.
test: models
	@echo "The tests run in two processes; each is heard of when it has ended." >&2
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target \
	  test-of-pages test-of-the-rest

test-of-pages: models
	@$(PY) -m pytest tests/browser

test-of-the-rest: models
	@$(PY) -m pytest --ignore tests/browser

check: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(INSTALLED)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# uv only writes the locks (it reads every platform's hashes); pip alone installs them.
# torch and what only torch's registry build needs go into a file of their own.
# requirements-torch-cpu.lock is written by hand: version and SHA-256 of the CPU wheels.
lock:
	"$(PYTHON)" -m venv var/lock
	grep -hv '^#' requirements.lock requirements-torch.lock > var/lock/all.lock
	var/lock/bin/pip install -qq --disable-pip-version-check uv==$(UV_VERSION)
	var/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet $(LOCK_OPTIONS) -o var/lock/all.lock
	@for name in requirements.lock requirements-torch.lock; do \
	  echo "# Written by \`make lock\` from pyproject.toml; to renew every version:" \
	    "make lock LOCK_OPTIONS=--upgrade" > $$name; done
	@awk '/^[a-z0-9]/ { \
	  file = /^(torch|triton|nvidia-|cuda-)/ ? "requirements-torch.lock" : "requirements.lock" } \
	  file { print > file".new" }' var/lock/all.lock
	@for name in requirements.lock requirements-torch.lock; do \
	  cat $$name.new >> $$name && rm $$name.new; done

clean:
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
