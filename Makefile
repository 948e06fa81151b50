# Every target sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
METADATA := pyproject.toml $(wildcard core/pyproject.toml plugins/*/pyproject.toml) tools/environments.py

.PHONY: help demo test check bench bench-board docs test-servers clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: .venv/ready ## lease sockets from a budget of four against a real server, and watch
	.venv/bin/radiopool demo

test: .venv/ready .venv-boards/ready ## all tests: core on every supported Python found, the rest on one, boards on MicroPython
	.venv/bin/nox --tags test

check: .venv/ready .venv-boards/ready ## lint, types, import floors, board bytecode, docs, wheels
	.venv/bin/nox --tags check

bench: .venv/ready ## measure beside urllib3 and Adafruit's connection manager
	.venv/bin/python -m benchmarks

bench-board: .venv/ready .venv-boards/ready ## sizes, heap and times on MicroPython beside Adafruit's libraries
	.venv/bin/python -m benchmarks.board

docs: .venv/ready ## build the documentation into docs/_build/html
	.venv/bin/nox --session docs

test-servers: ## install the servers that some tests run against (Debian, Ubuntu; needs root)
	tools/install_test_servers

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-boards .nox .build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/ready: $(METADATA)
	@$(PYTHON) tools/environments.py host

.venv-boards/ready: pyproject.toml tools/environments.py
	@$(PYTHON) tools/environments.py boards
