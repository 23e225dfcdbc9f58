# Every target sets up what it needs: a fresh machine with git, make and python3 + pip is enough.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV_VERSION := 0.13.9
# The system's certificates, so that it also works behind a company's proxy.
export UV_SYSTEM_CERTS := 1
PROFILE ?= configs/profiles/backtest.toml
# How long paper and rehearsal run, seconds.
DURATION ?= 180
# How long a soak is, minutes, and how fast the clock of chaos and soak runs.
SOAK_MINUTES ?= 60
RATE ?= 5
REHEARSAL := configs/profiles/rehearsal.toml

# An installed uv is taken; else one is put into .tools, whatever the system says about pip.
define find_uv
	if uv --version >/dev/null 2>&1; then UV="uv"; \
	else \
	  [ -d .tools/uv ] || python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --target .tools/uv "uv==$(UV_VERSION)"; \
	  UV="env PYTHONPATH=$(CURDIR)/.tools/uv python3 -m uv"; \
	fi
endef

.PHONY: help recovery setup backtest compare paper rehearse preflight parity drills test check lint types property attacks mutants bench chaos soak limits catalog demo clean lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.done ## build the environment from requirements.lock

.venv/.done: requirements.lock .python-version
	@$(find_uv); set -e; \
	[ -x $(PY) ] || $$UV venv --quiet .venv; \
	$$UV pip sync --quiet --require-hashes --python $(PY) requirements.lock
	@# Where a service runs nothing can be written, and a kill must not wait for the compiler.
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -c "import ops.commands.kill, ops.direct.command"
	@touch $@

backtest: demo ## run the demo backtest behind the gate and write its report
	@$(PY) run_backtest.py --profile $(PROFILE)

compare: demo ## run it guarded and unguarded, and compare
	@$(PY) run_backtest.py --profile $(PROFILE) --unguarded

paper: setup ## trade on paper for DURATION seconds, on a venue of this machine; needs no key
	@$(PY) run_live.py --profile configs/profiles/paper.toml --duration $(DURATION)

rehearse: setup ## trade through the live adapter on a venue of this machine, and check the wire
	@$(PY) run_live.py --profile $(REHEARSAL) --duration $(DURATION)
	@run=$$(ls -td runs/*-rehearsal* | head -1); \
	$(PY) -m venue.checkers $$run/wire.jsonl --journal $$run/journal.jsonl \
	  --node-state $$run/final_state.json --limits $(REHEARSAL)

parity: demo ## run one demo day as backtest, on paper and in rehearsal, and compare (minutes)
	@$(PY) -W ignore -m ops.parity --profile configs/profiles/parity-bars.toml --catalog data/demo \
	  --start 2026-01-10T00:00:00+00:00 --end 2026-01-11T00:00:00+00:00

preflight: setup ## judge PROFILE's machine, keys and account without trading
	@$(PY) run_live.py --profile $(PROFILE) --check

drills: setup ## play every incident against a local venue, and print a table (minutes)
	@nice -n 10 $(PY) -W ignore -m ops drill --all

test: setup ## run every test
	@$(PY) -m pytest -n 2 --dist loadfile -q

check: lint types test ## what a change must pass before it is committed

lint: setup ## judge style and format
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

types: setup ## judge types
	@$(PY) -m mypy

property: setup ## run the property tests at length
	@$(PY) -m pytest -q tests/property --hypothesis-profile=long

attacks: setup ## run the attack suite
	@$(PY) -m pytest -q tests/attacks

mutants: setup ## break the risk core on purpose; every mutant must die
	@$(PY) -m benchmarks.mutants

bench: setup ## measure what the docs claim (more than half an hour, on an idle machine)
	@$(PY) -m benchmarks

chaos: setup ## ten rehearsals with all faults mixed, each ten minutes of a fast clock
	@$(PY) -W ignore -m benchmarks.chaos --rate $(RATE) --out runs/chaos.json

soak: setup ## one such rehearsal of SOAK_MINUTES
	@$(PY) -W ignore -m benchmarks.chaos --seeds 1 --first-seed 5 --minutes $(SOAK_MINUTES) --rate $(RATE) --folder runs/soak --out runs/soak.json

recovery: setup ## kill a node 200 times at its worst moments, and judge what comes back (half an hour)
	@nice -n 10 $(PY) -W ignore -m benchmarks.recovery --out runs/recovery.json

limits: setup ## print each limit of PROFILE, where it is enforced and what it means
	@$(PY) -m configs --profile $(PROFILE)

catalog: demo ## check the quality of the demo catalog (its outage is a bad day)
	@$(PY) -m catalog check --catalog data/demo || [ $$? -eq 1 ]

demo: setup ## build the embedded demo catalog when there is none
	@$(PY) -m catalog demo

lock: ## resolve requirements.lock anew from pyproject.toml
	@$(find_uv); set -e; \
	$$UV pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate --no-emit-index-url \
	  --no-emit-find-links --no-header --extra dev --extra bench pyproject.toml -o requirements.lock

clean: ## remove the environment, runs and the demo catalog
	rm -rf .venv .tools runs data/demo
