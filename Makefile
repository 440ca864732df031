# make demo    see it work                  make test    run the tests
# make check   style, types and layers      make clean   remove what was made here
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check clean

demo: .venv/demo
	$(BIN)/livefill demo -o demo

test: .venv/test
	$(BIN)/pytest

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python scripts/one_opencv.py
	touch $@

.venv/test: .venv/demo
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python scripts/one_opencv.py
	touch $@

clean:
	rm -rf .venv demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
