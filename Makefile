# Every command of the project. `make help` lists them. CI and the pre-commit hooks use the same targets.

PYTHON ?= python3
PLATFORM ?= opentok
export PLATFORM

VENV := .venv
BIN := $(VENV)/bin
# Tools that call `python3` or `uv` by name (the layers' makefiles) find those of the environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0
export UV_LINK_MODE := copy
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak samples coverage up down serve tokens check format bench load build deploy verify forget invoke callbacks docs lock audit clean

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# ----------------------------------------------------------------------------------------- set-up

DEV := $(VENV)/.installed
CLOUD := .venv-ministack/.installed
SAM := .venv-sam/.installed
BROWSER_SDK := $(VENV)/.browser-sdk

setup: $(DEV) $(CLOUD) $(BROWSER_SDK)  ## install what the other commands need (they run this automatically)

$(DEV): tests/requirements.txt tests/requirements-uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "set-up: Python 3.11 or later is needed, and $(PYTHON) is older: make PYTHON=... setup" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo "set-up: $(PYTHON) cannot create environments: on Debian or Ubuntu, apt install python3-venv" >&2; exit 1; }
	@echo "set-up: tools and libraries into $(VENV)"
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements-uv.txt; }
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python tests/requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(CLOUD): local/requirements.txt $(DEV)
	@echo "set-up: MiniStack into .venv-ministack"
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-ministack
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-ministack/bin/python local/requirements.txt
	@touch $@

# Calls in the browser require it; all else works without Node.
$(BROWSER_SDK): local/browser_sdk/package-lock.json $(DEV)
	@$(BIN)/python -m local.browser_sdk
	@touch $@

$(SAM): local/requirements-sam.txt $(DEV)
	@echo "set-up: the SAM command line into .venv-sam"
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-sam
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-sam/bin/python local/requirements-sam.txt
	@touch $@

lock: $(DEV)  ## update the lock files from the requirements.in files
	@$(BIN)/python layers/lock.py
	@for name in tests/requirements tests/requirements-uv local/requirements local/requirements-sam; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    --custom-compile-command 'make lock' --output-file $$name.txt $$name.in || exit 1; \
	done

# ------------------------------------------------------------------------------- the local stack

# PARAMETERS sets parameters of the template, as in `make deploy`. In a value, %20 stands for a space.
# A value cannot contain a single quote.
LOCAL_PARAMETERS = $(foreach pair,$(PARAMETERS),--parameter '$(call spaced,$(pair))')
spaced = $(subst %20,$(space),$(1))
space := $(subst x,,x x)

demo: setup  ## one end-to-end walkthrough; the last line is the result as JSON
	@$(BIN)/python -m local.stack $(LOCAL_PARAMETERS) demo

up: setup  ## start the local stack in the background
	@$(BIN)/python -m local.stack $(LOCAL_PARAMETERS) up

down: setup  ## stop the local stack, even after a crash
	@$(BIN)/python -m local.stack down

serve: setup  ## start the local stack in the foreground, and print addresses and a token
	@$(BIN)/python -m local.stack $(LOCAL_PARAMETERS) serve

tokens: setup  ## print new JWTs for alice, bob, carol and the moderator (valid for an hour)
	@$(BIN)/python -m local.stack tokens

forget: setup  ## list what is stored of one user of a deployed stack: make forget SUB=… STACK=name (APPLY=1 removes it)
	@test -n "$(SUB)" || { echo "usage: make forget SUB=the-users-sub STACK=name [APPLY=1]" >&2; exit 2; }
	@$(BIN)/python -m local.forget '$(SUB)' $(if $(TENANT),--tenant '$(TENANT)') $(if $(STACK),--stack $(STACK)) $(if $(APPLY),--apply) $(ARGS)

invoke: setup  ## invoke a function of the running stack: F=create_session E=events/create_session.json
	@test -n "$(F)" -a -n "$(E)" || { echo "usage: make invoke F=create_session E=events/create_session.json" >&2; exit 2; }
	@$(BIN)/python -m local.stack invoke $(F) $(E)

# ------------------------------------------------------------------------------ tests and checks

test: setup  ## all tests: unit, contract, integration (long tests with a tenth of the iterations)
	@tests/install_chromium.sh
	@test -z "$(ARGS)" || $(BIN)/pytest $(ARGS)
	@test -n "$(ARGS)" || $(BIN)/python -m tests.suite

OTHER_PLATFORM := $(if $(filter vonage,$(PLATFORM)),opentok,vonage)

soak: export SOAK := 1
soak: setup  ## the same tests with all iterations, on both platforms, with results
	@tests/install_chromium.sh
	@test -z "$(ARGS)" || $(BIN)/pytest $(ARGS)
	@test -n "$(ARGS)" || $(BIN)/pytest --numprocesses auto --dist loadfile tests/unit tests/contract
	@test -n "$(ARGS)" || $(BIN)/pytest tests/integration
	@test -n "$(ARGS)" || PLATFORM=$(OTHER_PLATFORM) $(BIN)/pytest tests/integration
	@test -n "$(ARGS)" || $(BIN)/python -m tests.benchmarks.emulator_throughput
	@test -n "$(ARGS)" || $(BIN)/python -m tests.benchmarks.load

samples: setup  ## run the vendor's sample apps in Chromium: make samples SAMPLES=directory [PLATFORM=vonage]
	@test -n "$(SAMPLES)" || { echo "usage: make samples SAMPLES=directory, a copy of the vendor's opentok-web-samples" >&2; exit 2; }
	@tests/install_chromium.sh
	@SAMPLES="$(abspath $(SAMPLES))" $(BIN)/pytest tests/integration/console/vendor_samples.py $(ARGS)

coverage: setup  ## list lines and branches that the unit tests do not cover
	@$(BIN)/pytest tests/unit --cov --cov-report=term-missing:skip-covered

bench: setup  ## run the benchmarks; the last line is the result as JSON
	@$(BIN)/python -m tests.benchmarks $(ARGS)

load: setup  ## requests per second and percentiles on a local stack with 30 warm workers
	@$(BIN)/python -m tests.benchmarks.load $(ARGS)

check: setup $(SAM)  ## format, lint, types, import directions, template, secrets
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint template.yaml monitoring.yaml
	@$(BIN)/python -m tests.lint_template
	@AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam validate --lint
	@$(BIN)/python -m tests.secrets_scan

format: setup  ## format the code as `make check` requires
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

callbacks: setup  ## register the callback URL with the vendor, or show how: URL=... (WRITE=1 changes it)
	@test -n "$(URL)" || { echo "usage: make callbacks URL=<the output CallbackUrl> [PLATFORM=vonage APPLICATION=<id>] [WRITE=1]" >&2; exit 2; }
	@$(BIN)/python -m local.callbacks --url "$(URL)" --platform $(PLATFORM) \
	  $(if $(APPLICATION),--application "$(APPLICATION)") $(if $(WRITE),--write)

docs: setup  ## generate the parts of the pages that come from openapi.yaml, template.yaml and the emulator
	@$(BIN)/python docs/generate_api.py
	@$(BIN)/python docs/generate_parameters.py
	@$(BIN)/python docs/generate_fidelity.py

audit: setup  ## check the locked versions for known vulnerabilities (needs the internet)
	@for lock in layers/*/requirements.txt local/requirements*.txt tests/requirements*.txt; do \
	  $(BIN)/uv tool run pip-audit@2.10.1 --require-hashes --disable-pip --requirement $$lock || exit 1; \
	done

# ------------------------------------------------------------------------------------------- AWS
# ARCHITECTURE=x86_64 builds and deploys for x86_64. PARAMETERS sets other parameters of the template.
ARCHITECTURE ?= arm64
export ARCHITECTURE
# SAM interprets double quotes, and requires them around a value with spaces.
DEPLOYED_PARAMETERS = $(foreach pair,$(PARAMETERS),'$(call name,$(pair))="$(call spaced,$(subst ",\",$(call setting,$(pair))))"')
name = $(firstword $(subst =, ,$(1)))
setting = $(patsubst $(call name,$(1))=%,%,$(1))

build: setup $(SAM)  ## sam build; writes each layer's bill of materials to dist/
	@SBOM_DIR=$(CURDIR)/dist .venv-sam/bin/sam build

deploy: build  ## deploy to your AWS account: make deploy PARAMETERS="Platform=vonage LogLevel=DEBUG"
	@$(BIN)/python -m local.preflight --architecture $(ARCHITECTURE) $(LOCAL_PARAMETERS) $(ARGS)
	@.venv-sam/bin/sam deploy --parameter-overrides Architecture=$(ARCHITECTURE) $(DEPLOYED_PARAMETERS) $(ARGS)

STACK ?= opentok-sessions

verify: setup  ## acceptance run against a deployed stack: make verify STACK=name (ARGS="--local .local" for the local one)
	@$(BIN)/python -m local.verify $(STACK) $(ARGS)

clean:  ## delete everything that was installed or built
	@test ! -x $(BIN)/python || $(BIN)/python -m local.stack down
	rm -rf .venv .venv-ministack .venv-sam .local .aws-sam dist tests/contract/clients/node_modules \
	  local/browser_sdk/node_modules tests/contract/browser_sdk/older/node_modules
