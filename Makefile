# `make demo` and `make test` are all the set-up there is; both need Python 3.11 and nothing else.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO   := demo

.PHONY: demo test lint types zoo bench clean

# One thread each: networks this small lose more by sharing cores than they gain, above all on a busy machine.
demo test: export OMP_NUM_THREADS = 1

demo: $(STAMP)
	rm -rf $(DEMO)
	$(BIN)/edgecnn train mobilenet --width 0.25 --res 32 --in-channels 1 --data digits --epochs 20 -o $(DEMO)/run
	$(BIN)/edgecnn export $(DEMO)/run --target jetson -o $(DEMO)/mobilenet.jetson
	$(BIN)/edgecnn export $(DEMO)/run --target pi4 -o $(DEMO)/mobilenet.pi4
	$(BIN)/edgecnn verify $(DEMO)/mobilenet.jetson
	$(BIN)/edgecnn verify $(DEMO)/mobilenet.pi4
	$(BIN)/edgecnn eval $(DEMO)/run $(DEMO)/mobilenet.pi4/model.onnx $(DEMO)/mobilenet.pi4/model.tflite --data digits
	$(BIN)/edgecnn sweep mobilenet --width 0.25,0.5 --res 24,32 --in-channels 1 --data digits --recipe int8 \
		--epochs 6 --warmup-epochs 1 --lr 0.05 --jobs 2 -o $(DEMO)/digits.sweep > /dev/null
	$(BIN)/edgecnn report $(DEMO)/digits.sweep -o $(DEMO)/report.html

test: lint types
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# mypy reads the installed tree: in the repository the folders have other names than the packages.
types: $(STAMP)
	rm -rf build/typecheck
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation --target build/typecheck .
	cd build/typecheck && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p edgecnn

# Every network of the zoo at full size; takes a good quarter of an hour.
zoo: $(STAMP)
	$(BIN)/python benchmarks/zoo.py

bench: $(STAMP)
	$(BIN)/python benchmarks/convert.py

clean:
	rm -rf build dist $(DEMO) *.egg-info

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install -q -c constraints.txt setuptools wheel
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation -e ".[dev]"
	touch $@
