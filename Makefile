# Everything is installed into this folder: .venv, build, caches. Nothing outside it is changed.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
LAYERS := build/layers/host
TEMPLATES := build/cdk.out
BENCH := build/bench-venv
INDEPENDENT := build/independent
MESH := build/mesh-venv

export PYTHONDONTWRITEBYTECODE := 1
export XDG_CACHE_HOME := $(CURDIR)/build/cache
export PIP_CACHE_DIR := $(XDG_CACHE_HOME)/pip
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(XDG_CACHE_HOME)/jsii
export npm_config_cache := $(XDG_CACHE_HOME)/npm

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint unit simulate mesh system synth generated lambda bench load lock install clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## The main job, done for real on this machine; its files are in build/demo
	@$(BIN)/python -m infra.embedded.demo

serve: $(VENV)/.installed ## The whole service on this machine, until Ctrl-C
	@$(BIN)/keyholder dev serve

test: lint unit mesh system synth ## Everything that proves it

lint: install ## Style, format, types, which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: install ## Unit, contract and simulation tests
	$(BIN)/pytest -q -n 2 --dist loadgroup tests/unit tests/contract tests/simulation

simulate: install ## The ledger's simulation alone; make simulate N=2000 runs that many schedules
	KEYHOLDER_SCHEDULES=$(or $(N),40) $(BIN)/pytest -q -n 2 tests/simulation

mesh: install ## Opt-outs asked for over NHS Digital's own MESH server, on loopback
	$(BIN)/pytest -q tests/mesh

system: install ## The whole stack on the embedded engine, over HTTPS
	$(BIN)/pytest -q tests/system

# W3005: the CDK states dependencies that CloudFormation could work out itself.
synth: install ## The CloudFormation templates, checked by cdk-nag and cfn-lint
	$(BIN)/python -m infra.build_layers host
	CDK_OUTDIR=$(TEMPLATES) KEYHOLDER_LAYERS=$(LAYERS) $(BIN)/python -m infra.app
	$(BIN)/cfn-lint --ignore-checks W3005 --template $(TEMPLATES)/*.template.json

generated: install ## Write the generated pages anew: the API's description, permissions, policy
	$(BIN)/python -m infra.describe

lambda: install ## The layers as Lambda needs them (arm64, Python 3.13), for deploying
	$(BIN)/python -m infra.build_layers lambda

# The peers are no part of Keyholder, so they have an environment of their own.
bench: install $(BENCH)/.installed ## Measure pseudonyms, against other libraries, the policy and the ledger; writes build/bench.json
	@rm -f build/bench.json
	@missed=0; \
	PYTHONPATH=layers/keyholder/python $(BENCH)/bin/python -m benchmarks.pseudonyms build/bench.json || missed=1; \
	for name in policy ledger verifier ledger_embedded; do $(BIN)/python -m benchmarks.$$name build/bench.json || missed=1; done; \
	exit $$missed

load: install ## A hundred callers at once, 500 records each, against the whole stack; adds to build/bench.json
	@$(BIN)/python -m benchmarks.load build/bench.json

lock: install ## Lock the dependencies again after a change of requirements/*.in
	for name in runtime mesh development benchmarks mesh-sandbox; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header requirements/$$name.in -o requirements/$$name.txt; done
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --constraints requirements/runtime.txt \
		$(foreach name,cryptography cffi pycparser,--no-emit-package $(name)) requirements/timestamps.in -o requirements/timestamps.txt

install: $(VENV)/.installed $(INDEPENDENT)/.installed $(MESH)/.installed ## Install what is needed, into this folder

clean: ## Remove what was made, but not the installation
	rm -rf build/demo $(TEMPLATES)

$(VENV)/.installed: requirements/development.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Keyholder needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || \
		{ echo "Keyholder needs Node.js 20 or newer (the CDK runs on it)." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "'$(PYTHON) -m venv' does not work here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m infra.build_layers host
	@touch $@

# A verifier that is not ours, for the tests alone: what it is and its hashes stand in the lock file.
$(INDEPENDENT)/.installed: tests/independent/package-lock.json
	@command -v npm >/dev/null || { echo "The tests verify the ledger with a package of npm: install npm (it comes with Node.js)." >&2; exit 1; }
	@mkdir -p $(INDEPENDENT) && cp tests/independent/package.json tests/independent/package-lock.json $(INDEPENDENT)
	npm ci --prefix $(INDEPENDENT) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(BENCH)/.installed: requirements/benchmarks.txt
	@test -n "$(PYTHON)" || { echo "Keyholder needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements/benchmarks.txt
	@touch $@

# NHS Digital's MESH server pins packages that the functions have newer; Python 3.14 is not among what it runs with.
$(MESH)/.installed: requirements/mesh-sandbox.txt
	@python=$$(for name in $(PYTHON) python3.13 python3.12 python3.11; do \
		$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$name && break; done); \
	test -n "$$python" || { echo "The tests run NHS Digital's MESH server, which needs Python 3.11 to 3.13." >&2; exit 1; }; \
	test -x $(MESH)/bin/python || $$python -m venv $(MESH)
	$(MESH)/bin/python -m pip install --quiet --require-hashes -r requirements/mesh-sandbox.txt
	@touch $@
