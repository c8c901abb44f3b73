# make demo   set everything up and run a cluster on this machine
# make test   set up what the tests need, and run all checks
# See doc/contributing.md for the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:

# The first Python that is new enough; `python3` if none is, to complain about.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	python=python3; done; echo $$python)
VENV := .venv
BIN := $(VENV)/bin
# Arguments for the command that a target runs: make demo ARGS="--json".
ARGS ?=

# Debian packages, by what needs them.
VENV_PACKAGES := python3 python3-venv
# python-qpid-proton comes as C source.
BUILD_PACKAGES := gcc libc6-dev python3-dev
TEST_PACKAGES := postgresql pgbouncer iproute2 curl rabbitmq-server activemq libaxis-java libsoap-lite-perl openjdk-17-jdk-headless chromium
BENCH_PACKAGES := haproxy gcc libc6-dev libssl-dev postgresql rabbitmq-server
CHAOS_PACKAGES := postgresql iproute2
CAPTURE_CHAOS_PACKAGES := postgresql rabbitmq-server
EVENTLOG_CHAOS_PACKAGES := postgresql rabbitmq-server

# The stamps carry a digest of all that is installed and of where it stands, so a
# deleted file or a checkout that moved means a new installation, and a touched one does not.
SOURCES := $(sort setup.cfg pyproject.toml README.md $(wildcard twisted/plugins/*.py) \
	$(shell find ixproxy -type f -not -name '*.py[co]'))
DIGEST := $(shell { pwd; sha256sum $(SOURCES); } 2>&1 | sha256sum | cut -c1-20)
INSTALLED := $(VENV)/installed-$(DIGEST)
INSTALLED_TEST := $(VENV)/installed-test-$(DIGEST)

# A virtual environment knows its own path, so one that was copied or moved is made anew.
ifneq ($(wildcard $(VENV)/pyvenv.cfg),)
ifeq ($(shell grep -cx 'command = .* $(CURDIR)/$(VENV)' $(VENV)/pyvenv.cfg),0)
$(shell rm -rf $(VENV))
endif
endif

# Say which Debian packages of a list are missing, and install them when that is possible. Tests
# start servers of their own, so what a package would start is forbidden meanwhile, the way Debian has
# for that, unless the machine has a rule of its own.
POLICY := /usr/sbin/policy-rc.d
define debian
missing=; for package in $(1); do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
		|| missing+=" $$package"; \
done; \
if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian packages:$$missing"; \
		apt-get -q update >/dev/null; \
		( if [ ! -e $(POLICY) ]; then \
			trap 'rm -f $(POLICY)' EXIT; printf '#!/bin/sh\nexit 101\n' > $(POLICY); chmod 755 $(POLICY); \
		fi; \
		DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $$missing >/dev/null ); \
	else \
		echo "Missing Debian packages:$$missing (as root: apt-get install$$missing)" >&2; \
	fi; \
fi
endef

# Install the project into $(VENV), with an extra or without, and say what came in. A plain
# installation, for an editable one hides the twistd plug-in. build/ is removed: setuptools
# would install deleted modules from it.
PIP := $(BIN)/python -m pip --disable-pip-version-check
define install
echo "Installing ixproxy$(1) and what it needs into $(VENV) (a minute or two at the first time)"
rm -rf build ixproxy.egg-info
before=$$($(PIP) freeze)
$(PIP) install -qq 'setuptools>=65' wheel 'cffi>=1.16'
$(PIP) install -qq --no-build-isolation '.$(1)'
new=$$(comm -13 <(sort <<< "$$before") <($(PIP) freeze | sort) | sed 's/ @ .*//' | paste -sd ' ')
echo "Installed: $${new:-ixproxy}"
rm -rf build ixproxy.egg-info
endef

.PHONY: help
help:
	@echo 'make demo      set everything up and run a cluster on this machine (ARGS="--feed file" for one way in)'
	@echo 'make test      set up what the tests need; run ruff, mypy and pytest'
	@echo 'make install   the project into $(VENV), so that $(BIN)/ixctl and the twistd plug-in are current'
	@echo 'make mutants   does the simulator find the faults that are recorded?'
	@echo 'make bench     run the benchmarks'
	@echo 'make simulate  run 10,000 simulations on all processors (ARGS="--seeds A:B" for others)'
	@echo 'make chaos     faults on real processes under load, on both stores (as root: with network faults)'
	@echo 'make capture-chaos  documents while nodes, capture points, brokers and databases are killed'
	@echo 'make eventlog-chaos  event logs that are away and full while nodes are killed (as root: with full disks)'
	@echo 'make doc       build the documentation into doc/_build/html'
	@echo 'make protocol  write the pages of protocol, options, life cycle and check-config from the tables'
	@echo 'make clean     remove what the others left, but for $(VENV)'

.PHONY: demo
demo: $(INSTALLED)
	@$(BIN)/ixctl demo --responder examples/auto_responder.py --feed both $(ARGS)

# Which tests failed, from the log of a half: it is thousands of lines long, and another follows.
MOST_NAMED := 12
define failures
echo "Failed in $(1):"; \
sed 's/\x1b\[[0-9;]*m//g' "$(2)" | awk -v most=$(MOST_NAMED) ' \
	/^=+ short test summary info =+$$/ { there = 1; count = 0; next } \
	/^(FAILED|ERROR) / { if (there) lines[count++] = substr($$0, 1, 200) } \
	END { for (i = 0; i < count && i < most; i++) print "  " lines[i]; \
		if (count > most) print "  and " count - most " more"; \
		if (!count) print "  it names no test: see above" }'
endef

# All three checks run, so that one failure does not hide another. The tests take a processor
# for a quarter of an hour and more; those in memory, tests/testing, are half of that.
.PHONY: test
test: $(INSTALLED_TEST)
	@$(call debian,$(TEST_PACKAGES))
	@export PYTHONPATH="$(CURDIR)"; failed=; \
	echo "ruff check"; $(BIN)/python -m ruff check . || failed+=" ruff"; \
	echo "mypy --strict"; $(BIN)/python -m mypy || failed+=" mypy"; \
	if [ -n "$(strip $(ARGS))" ]; then \
		echo "pytest $(ARGS)"; $(BIN)/python -m pytest $(ARGS) || failed+=" pytest"; \
	else \
		echo "pytest, in two halves side by side"; \
		logs=$$(mktemp -d); color=; if [ -t 1 ]; then color=--color=yes; fi; \
		$(BIN)/python -m pytest tests/testing > "$$logs/testing" 2>&1 & testing=$$!; \
		trap 'kill $$testing 2>/dev/null || true; rm -rf "$$logs"' EXIT; \
		$(BIN)/python -m pytest $$color --ignore tests/testing 2>&1 | tee "$$logs/others" \
			|| failed+=" pytest"; \
		echo "pytest tests/testing"; \
		wait $$testing || failed+=" pytest-of-tests/testing"; \
		cat "$$logs/testing"; \
		case "$$failed " in *" pytest "*) $(call failures,pytest,$$logs/others);; esac; \
		case "$$failed " in *" pytest-of-tests/testing "*) \
			$(call failures,pytest tests/testing,$$logs/testing);; esac; \
	fi; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

.PHONY: mutants
mutants: $(INSTALLED_TEST)
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m tests.mutants $(ARGS)

.PHONY: bench
bench: $(INSTALLED)
	@$(call debian,$(BENCH_PACKAGES))
	@PYTHONPATH="$(CURDIR)" $(BIN)/python bench/run.py $(ARGS)

# Without ARGS: 10,000 seeds. Whatever ARGS say of seeds, all processors work on it.
.PHONY: simulate
simulate: $(INSTALLED)
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m ixproxy.testing.simulation --jobs "$$(nproc)" \
		$(if $(ARGS),$(ARGS),--seeds 0:10000)

# Both stores run, so that what is wrong on one does not hide the other.
.PHONY: chaos
chaos: $(INSTALLED_TEST)
	@$(call debian,$(CHAOS_PACKAGES))
	@export PYTHONPATH="$(CURDIR)"; failed=; \
	for store in sqlite postgresql; do \
		echo "chaos on $$store"; \
		$(BIN)/python -m ixproxy.testing.chaos --store $$store --rounds 20 --minutes 12 $(ARGS) \
			|| failed+=" $$store"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

# One kind after the other; what is wrong with one does not hide the others.
.PHONY: capture-chaos
capture-chaos: $(INSTALLED_TEST)
	@$(call debian,$(CAPTURE_CHAOS_PACKAGES))
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m ixproxy.testing.capture_chaos $(ARGS)

# Likewise: one log after the other.
.PHONY: eventlog-chaos
eventlog-chaos: $(INSTALLED_TEST)
	@$(call debian,$(EVENTLOG_CHAOS_PACKAGES))
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m ixproxy.testing.eventlog_chaos $(ARGS)

.PHONY: doc
doc: $(INSTALLED_TEST)
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m sphinx -q -W --keep-going -b html doc doc/_build/html
	@echo 'See doc/_build/html/index.html'

.PHONY: protocol
protocol: $(INSTALLED)
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m ixproxy.cli.protocol_page > doc/protocol.md.new
	@mv doc/protocol.md.new doc/protocol.md
	@PYTHONPATH="$(CURDIR)" $(BIN)/python doc/options_page.py > doc/options.md.new
	@mv doc/options.md.new doc/options.md
	@PYTHONPATH="$(CURDIR)" $(BIN)/python doc/life_cycle_page.py > doc/life-cycle.md.new
	@mv doc/life-cycle.md.new doc/life-cycle.md
	@PYTHONPATH="$(CURDIR)" $(BIN)/python doc/check_config_page.py > doc/check-config.md.new
	@mv doc/check-config.md.new doc/check-config.md
	@PYTHONPATH="$(CURDIR)" $(BIN)/python doc/event_log_tables_page.py > doc/event-log-tables.md.new
	@mv doc/event-log-tables.md.new doc/event-log-tables.md

.PHONY: clean
clean:
	@rm -rf build dist ixproxy.egg-info doc/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@rm -f twisted/plugins/dropin.cache
	@find ixproxy tests twisted bench doc examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: install
install: $(INSTALLED)

$(INSTALLED): $(BIN)/python
	@$(call install,[capture])
	@rm -f $(VENV)/installed-*
	@touch $@

$(INSTALLED_TEST): $(BIN)/python
	@$(call debian,$(BUILD_PACKAGES))
	@$(call install,[test])
	@rm -f $(VENV)/installed-*
	@touch $@ $(INSTALLED)

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call debian,$(VENV_PACKAGES)); }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ixproxy needs Python 3.11 or newer: make PYTHON=python3.11")'
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
