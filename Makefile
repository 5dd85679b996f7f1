# What a person types. `make` alone lists the targets. Each one prepares what it needs and may be repeated.
SITE ?= values/local.yaml
PUSH ?=
NODES ?= 1
JLD := .venv/bin/jld
JLDDEV := .venv/bin/jlddev
UV := $(HOME)/.cache/jld/uv/bin/uv
UV_VERSION := 0.13.9
# The distribution's own where it will do: one that was compiled by hand seldom is optimized, and takes half as long again.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
PACKAGES := chart-tools hub-extensions storage-extensions logging-extensions dev-tools
LEVELS := tests/unit tests/render tests/hub
# Containers often say this: each program would then compile anew all that it imports, which is half of the time that a hub takes to start.
unexport PYTHONDONTWRITEBYTECODE

define NEW_PYTHON
@command -v $(PYTHON) >/dev/null || { echo "jld: Python 3.11 or newer is needed: install python3 and python3-venv." >&2; exit 2; }
@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
  { echo "jld: $(PYTHON) is older than 3.11 or has no venv module: install it (Debian: apt-get install python3-venv), or name another: make PYTHON=python3.12" >&2; exit 2; }
endef

.DEFAULT_GOAL := help
.PHONY: help preflight tools values images cluster cluster-down up lab down test test-fast lint lock schema bench bench-hub bench-frontdoor bench-nfs bench-prepuller chaos-logging

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

tools: .venv/.complete ## Install the tools: .venv here, helm and kubectl in ~/.cache/jld/bin

.venv/.complete: uv.lock pyproject.toml chart-tools/pyproject.toml hub-extensions/pyproject.toml storage-extensions/pyproject.toml logging-extensions/pyproject.toml dev-tools/pyproject.toml
	$(NEW_PYTHON)
	@test "$$($(UV) --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || \
	  { echo "jld: install uv $(UV_VERSION) into ~/.cache/jld" >&2; $(PYTHON) -m venv --clear $(HOME)/.cache/jld/uv && $(HOME)/.cache/jld/uv/bin/pip install --quiet uv==$(UV_VERSION); }
	@echo "jld: install the locked Python packages into .venv" >&2
	@$(UV) sync --frozen --quiet --python $(PYTHON) --compile-bytecode
	@$(JLDDEV) tools
	@touch $@

values: tools ## Write values.yaml from SITE (default values/local.yaml)
	@$(JLD) values $(SITE) --output values.yaml

images: tools ## Build the images whose sources changed (PUSH=registry/path pushes them)
	@$(JLDDEV) images $(if $(PUSH),--push $(PUSH))

preflight:
	$(NEW_PYTHON)
	@PYTHONPATH=dev-tools $(PYTHON) -B -m jlddev.preflight

cluster: preflight tools ## Have a Kubernetes: KUBECONFIG's, kind's, or native nodes (NODES=2 for two)
	@$(JLDDEV) cluster --nodes $(NODES)

cluster-down: tools ## Take the local cluster away
	@$(JLDDEV) cluster-down

up: preflight tools ## Cluster, images, values, install; prints the URL and how to log in
	@$(JLDDEV) up --site $(SITE) --nodes $(NODES)

lab: tools ## Start a lab in what `make up` installed, unless one runs; prints its URL
	@$(JLDDEV) lab $(PERSON)

down: tools ## Take away what `make up` made
	@$(JLDDEV) down

test: tools lint ## All levels that this machine can run: machine by itself, then beside each other unit, render, hub, nfs, mount, systems, logging, kind, cluster
	@$(JLDDEV) nginx
	@failed=0; .venv/bin/pytest tests/machine || failed=1; \
	  .venv/bin/pytest --numprocesses=4 -m "not chaos" --ran-before=machine $(LEVELS) tests/nfs tests/mount tests/systems tests/logging tests/kind tests/cluster || failed=1; exit $$failed

test-fast: tools lint ## unit, render and hub without what is slow, in several processes: under eight minutes, three of them the hub's
	@$(JLDDEV) nginx
	@.venv/bin/pytest --numprocesses=3 -m "not slow" $(LEVELS)

bench: up ## Measure the local installation: memory, and seconds from Start to a lab
	@.venv/bin/python tests/bench/local_cluster.py

bench-hub: tools ## Compare the hub with a stock one: logins in a row and at once, the menu, 100 and 300 starts at once
	@$(JLDDEV) nginx
	@.venv/bin/python tests/bench/logins.py 400
	@.venv/bin/python tests/bench/logins.py 1000 --at-once
	@.venv/bin/python tests/bench/menu.py
	@.venv/bin/python tests/bench/starts.py --standin --labs 100 --runs 5
	@.venv/bin/python tests/bench/starts.py --standin --labs 300 --runs 5 --only unlimited jld

bench-frontdoor: tools ## Compare the front door with its peers under load (QUICK=1 for a first look)
	@$(JLDDEV) nginx
	@.venv/bin/python tests/bench/frontdoor $(if $(QUICK),--quick) $(if $(MARKDOWN),--markdown $(MARKDOWN))

bench-nfs: tools ## Measure the file server, as root: raw clients, memory, restarts (PARTS="load memory" for some)
	@.venv/bin/python tests/bench/nfs $(PARTS)

bench-prepuller: tools ## Simulate 1,000 nodes with 8 images against a real API server: requests, memory and processor of the prepuller
	@.venv/bin/python tests/bench/prepuller

chaos-logging: tools ## Every fault of log shipping, of processes and on a node, some forty minutes; then LINES (1000000) through it while each part is killed now and then
	@.venv/bin/pytest tests/logging tests/cluster/test_logging.py
	@.venv/bin/python tests/bench/log_shipping $(LINES)

lint: tools ## Style, types, imports, dependencies: ruff, mypy, import-linter, deptry (helm lint is among the render tests)
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy --no-error-summary chart-tools/jld hub-extensions/jldhub storage-extensions/jldstorage logging-extensions/jldlogging dev-tools/jlddev dev-tools/guest images/nfs-server
	@cd hub-extensions/jldhub/labs/inside/library && $(CURDIR)/.venv/bin/mypy --no-error-summary --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache/inside --exclude '^$$' jld_repositories.py
	@found=$$(.venv/bin/lint-imports --no-cache 2>&1) || { echo "$$found"; exit 1; }
	@for package in $(PACKAGES); do found=$$(cd $$package && ../.venv/bin/deptry --no-ansi . 2>&1) || { echo "$$found"; exit 1; }; done

schema: tools ## Compose chart/values.yaml and chart/values.schema.json, and docs/reference.md from them
	@$(JLD) schema
	@$(JLD) docs

lock: tools ## Resolve the Python packages anew: uv.lock, the images' requirements.txt, and the table of what the hub's image has
	@$(UV) lock --upgrade
	@$(UV) export --frozen --package jldhub --package jldlogging --no-emit-workspace --no-header --quiet --output-file images/hub/requirements.txt
	@$(UV) export --frozen --only-group lab --no-header --quiet --output-file images/lab/requirements.txt
	@$(UV) export --frozen --only-group lab-science --no-header --quiet --output-file images/lab-science/requirements.txt
	@$(UV) sync --frozen --quiet
	@$(JLD) installed
