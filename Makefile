# SPDX-License-Identifier: BSD-3-Clause
# All that these targets need they install: into .venv, and programs for tests by apt-get.

PYTHON ?= python3
TESTS ?=
# All tests go to three processes, each file to one of them: on two cores, since many wait for what
# others do. Many start commands of ours, which need not be compiled at each start.
PYTEST_ARGS ?= $(if $(strip $(TESTS)),,-n 3 --dist loadfile)
BENCH_ARGS ?=
PICTURE_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

FRONTEND := pyaiot/dashboard/frontend
PAGE_SOURCES := $(shell find $(FRONTEND) -name node_modules -prune -o -name tests -prune -o -type f -print)

# PROGRAM:PACKAGE
PROGRAMS := curl:curl mosquitto:mosquitto mosquitto_pub:mosquitto-clients coap-client-notls:libcoap3-bin \
	chromium:chromium chromedriver:chromium-driver gcc:build-essential nginx:nginx-light \
	pg_ctlcluster:postgresql zbarimg:zbar-tools

.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench bench-quick bench-page pictures build clean

help:
	@echo "make demo   run everything with simulated nodes, and open http://localhost:8080"
	@echo "make test   run all tests; TESTS=tests/broker runs some"
	@echo "make check  look at style, spelling and types; make fix mends what can be mended"
	@echo "make bench  measure the broker against others, and write docs/performance.md;"
	@echo "            make bench-quick takes a minute and writes nothing"
	@echo "make bench-page  measure the page in Chromium before 2,500 nodes; BENCH_ARGS=--help"
	@echo "make pictures  take pictures of every view of the page into build/pictures"
	@echo "make build  make a wheel and a source archive in dist/"
	@echo "make clean  remove all that these targets made"

demo: $(VENV)/page
	$(BIN)/aiot demo

test: $(VENV)/page $(VENV)/with-tests
	scripts/packages $(PROGRAMS) || true
	$(BIN)/python scripts/frontend
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(PYTEST_ARGS) $(TESTS)
ifeq ($(strip $(TESTS)),)
	$(BIN)/python scripts/frontend test
endif

check: $(VENV)/with-tests
	scripts/check

fix: $(VENV)/with-tests
	scripts/check --fix

# It installs what it is measured against.
bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

bench-quick: $(VENV)/installed
	$(BIN)/python -m benchmarks.run --quick $(BENCH_ARGS)

bench-page: $(VENV)/page
	scripts/packages chromium:chromium || true
	$(BIN)/python -m benchmarks.page $(BENCH_ARGS)

pictures: $(VENV)/page $(VENV)/with-tests
	scripts/packages $(PROGRAMS) || true
	$(BIN)/python -m scripts.pictures $(PICTURE_ARGS)

build: $(VENV)/with-tests
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	rm -rf $(FRONTEND)/node_modules pyaiot/dashboard/static
	find pyaiot tests utils benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/made: scripts/venv
	scripts/venv $(PYTHON) $(VENV)
	touch $@

# Installing builds the page, too, unless it is newer than its sources.
$(VENV)/installed: $(VENV)/made pyproject.toml setup.py
	$(PIP) install --editable .
	touch $@

$(VENV)/page: $(VENV)/installed $(PAGE_SOURCES)
	$(BIN)/python -c 'import setup, sys; sys.exit(not setup.is_fresh())' || $(PIP) install --no-deps --editable .
	touch $@

$(VENV)/with-tests: $(VENV)/installed
	$(PIP) install --editable '.[test]'
	touch $@
