# Each target sets up what it needs by itself, in .venv.  PYTHON=python3.12 make test  picks another interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: sandbox test lab check bench lock pictures clean

sandbox: .venv/ready           ## Slack, two servers and a shop on this machine: open the page that it prints
	$(BIN)/chom-bot sandbox

# Four workers on two cores: much of a test's time is waiting, for a process or for a deadline.
test: .venv/ready              ## everything that needs only Python
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --ignore tests/lab --ignore tests/bench

lab: .venv/ready               ## a real VPS with Laravel, and a browser on the sandbox's page (root on Debian)
	tests/lab/install
	$(BIN)/python -m tests.lab.vps
	CHOM_LAB=1 $(BIN)/python -m pytest -x -v --durations 5 tests/lab

check: .venv/ready             ## style, types, architecture, and that the house is clean
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house

bench: .venv/ready             ## ratios against a peer or a floor in the same run
	$(BIN)/python -m tests.bench

lock: .venv/ready              ## write the hash-locked requirements anew, without addresses
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

pictures: .venv/ready          ## take the README's pictures anew (Chromium and fonts as tests/lab/install has them)
	$(BIN)/python -m tests.lab.browser.pictures

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "CHOM bot needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf .venv .sandbox .lab build *.egg-info
