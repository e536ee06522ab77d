# Everything is made inside this folder: .venv, node_modules, .cache.
# Two commands matter: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := $(shell command -v npm 2>/dev/null)
export SOLCX_BINARY_PATH := $(CURDIR)/scripts/solc
# Hundreds of processes start in the tests: what one compiles of ours, the others read.
unexport PYTHONDONTWRITEBYTECODE

FUZZ_MINUTES ?= 60
EVM_FUZZ_MINUTES ?= 10
SOAK_MINUTES ?= 60
QKD_BLOCKS ?= 100000
WORKERS ?= 2

.PHONY: demo test sourcify fuzz kme-fuzz soak faults differential blocks link-statistics verify-physics lint \
  check-generated bench bench-scan scan-bench evm-cases corpus corpus-packages tools liboqs hyperlane lock picture \
  clean
.DEFAULT_GOAL := demo

## The main job: one message, there and back, attested and verified on chain.
demo: $(VENV)/.core $(if $(NPM),node_modules/.done)
	$(BIN)/astralink demo

## The whole suite. Anvil, solc, Hyperlane's contracts and liboqs are used where Node.js, Cargo and
## CMake are there. The order is that of tests/schedule.py, for WORKERS at once.
test: $(VENV)/.dev $(if $(NPM),node_modules/.done .cache/sourcify/.done) liboqs hyperlane
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

## The invariants' machines for an hour, or FUZZ_MINUTES; prints the seeds, of which FUZZ_SEED repeats one.
## Then the readers of bytecode for ten minutes, or EVM_FUZZ_MINUTES; EVM_FUZZ_SEED repeats a run.
fuzz: $(VENV)/.dev
	FUZZ_MINUTES=$(FUZZ_MINUTES) $(BIN)/python -m pytest -s tests/invariants/test_delivery.py \
	  tests/invariants/test_signers.py tests/invariants/test_tokens.py tests/invariants/test_verdicts.py
	EVM_FUZZ_MINUTES=$(EVM_FUZZ_MINUTES) $(BIN)/python -m pytest -s tests/fuzz

## The whole bridge under random faults for an hour, or SOAK_MINUTES; SOAK_SEED repeats a run. The
## report is in .cache/soak; one of an hour that passes is written to docs as well.
soak: $(VENV)/.dev node_modules/.done
	$(BIN)/python -m tests.soak --minutes $(SOAK_MINUTES) $(if $(SOAK_SEED),--seed $(SOAK_SEED)) --docs docs

## Every process killed at every stage, chains reorged, every other fault by itself, and the
## page docs/faults.md of what came of it. Prints its seed; FAULT_SEED repeats one.
faults: $(VENV)/.dev node_modules/.done
	rm -rf .cache/faults
	FAULTS=all $(BIN)/python -m pytest -s tests/faults
	$(BIN)/python scripts/fault_page.py

## More requests made up from the KME's OpenAPI document, or KME_FUZZ_EXAMPLES for each method.
kme-fuzz: $(VENV)/.dev
	KME_FUZZ_EXAMPLES=$(or $(KME_FUZZ_EXAMPLES),500) $(BIN)/python -m pytest -s --timeout 3600 \
	  tests/integration/test_keyservice_kme.py -k made_up

## More changed signatures of ML-DSA-87, the contract against independent libraries.
differential: $(VENV)/.dev liboqs
	ASTRALINK_DIFFERENTIAL_CASES=2000 $(BIN)/python -m pytest -s tests/contracts/test_ml_dsa_verifier_differential.py

## The verifier beside lib-sourcify on all cases, and the page docs/verifier-match.md of what came of
## it. Compilers of ten versions are fetched once into .cache/compilers.
sourcify: $(VENV)/.dev node_modules/.done .cache/sourcify/.done
	SOURCIFY=all $(BIN)/python -m pytest -s tests/differential/test_sourcify.py
	$(BIN)/python scripts/verifier_page.py

## The statistics of the link with twenty times the pulses, and the entropy estimates of a million bits.
link-statistics: $(VENV)/.dev
	LINK_STATISTICS=1 $(BIN)/python -m pytest tests/unit/quantum/test_optics.py \
	  tests/unit/quantum/test_entropy.py

## The statistics of codes, circuits and memories in full.
verify-physics: $(VENV)/.dev
	PHYSICS=1 $(BIN)/python -m pytest -n $(WORKERS) --timeout 3600 tests/unit/quantum/codes \
	  tests/unit/quantum/circuits tests/unit/quantum/memory tests/unit/quantum/montecarlo \
	  tests/unit/apps/test_qec.py tests/unit/apps/test_qec_circuits.py tests/unit/apps/test_state.py

## Both ends of the link equal in 100,000 small blocks, or QKD_BLOCKS.
blocks: $(VENV)/.dev
	QKD_BLOCKS=$(QKD_BLOCKS) $(BIN)/python -m pytest -s --timeout 7200 tests/unit/quantum/test_ends.py \
	  -k long_run

## What a reader sees before a machine does: style, types, layers.
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## Builds everything that is committed as built, and compares.
check-generated: $(VENV)/.dev node_modules/.done
	$(BIN)/python scripts/build_contracts.py --check
	$(BIN)/python scripts/provider_table.py --check README.md
	$(BIN)/python scripts/link_page.py --check

## Gas of the on-chain verifiers, and whether any figure is worse than what is committed.
bench: $(VENV)/.core node_modules/.done
	$(BIN)/astralink bench gas --check gas-snapshot.json

## How long scans of bytecode take; fails where one takes a second of processor time.
bench-scan: $(VENV)/.dev .cache/evm-cases/node_modules/.done
	$(BIN)/python scripts/bench_scan.py --limit 1

## The picture of the demo's screen in the README.
picture: $(VENV)/.core $(if $(NPM),node_modules/.done)
	$(BIN)/astralink demo --picture docs/demo.svg

## Anvil, solc and the contracts that ours import, from npm.
tools: node_modules/.done

## liboqs for the tests of its provider, built once from the sources that a crate carries.
liboqs: $(VENV)/.dev
	@if command -v cargo >/dev/null && command -v cmake >/dev/null && command -v cc >/dev/null; then \
	  $(BIN)/python scripts/build_liboqs.py >/dev/null || echo "liboqs: not built, its tests are skipped"; \
	else \
	  echo "liboqs: not built, its tests are skipped; cargo, cmake and a C compiler build it"; \
	fi

## Hyperlane's own contracts for the tests of the adapters, from npm, once (110 MB, of which 100 KB
## are kept).
hyperlane: $(VENV)/.dev
	@if [ -n "$(NPM)" ]; then \
	  $(BIN)/python scripts/fetch_hyperlane.py >/dev/null; \
	else \
	  echo "hyperlane: not fetched, its tests are skipped; npm brings it"; \
	fi

## Precision and recall of the source scanner on labelled contracts of others (tests/corpus/README.md).
corpus: $(VENV)/.dev node_modules/.done corpus-packages
	$(BIN)/python -m tests.corpus

## Those contracts, from npm (400 MB), and older compilers for them.
corpus-packages: .cache/corpus/.done

.cache/corpus/.done: tests/corpus/package.json tests/corpus/package-lock.json .npmrc
	@echo "installing the corpus of contracts into .cache/corpus"
	@mkdir -p .cache/corpus
	@cp tests/corpus/package.json tests/corpus/package-lock.json .npmrc .cache/corpus
	cd .cache/corpus && $(NPM) ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent
	@touch $@

## SCAN_PROJECT (default: thirdweb's 423 contracts) scanned on two cores, with the seconds of each step.
scan-bench: $(VENV)/.core node_modules/.done corpus-packages
	$(BIN)/astralink scan $(or $(SCAN_PROJECT),.cache/corpus/node_modules/@thirdweb-dev/contracts) --workers 2 --timings \
	  --format json --output /dev/null

## Compile the contracts of tests/evm_cases again with eight Solidities, and compare; `EVM_CASES=`
## writes them. VYPER names a Vyper 0.4.3 of an environment of its own.
EVM_CASES ?= --check
evm-cases: $(VENV)/.dev .cache/evm-cases/node_modules/.done
	$(BIN)/python -m tests.evm_cases.compile .cache/evm-cases/node_modules $(VYPER) $(EVM_CASES)

.cache/evm-cases/node_modules/.done: tests/evm_cases/package.json tests/evm_cases/package-lock.json
	@mkdir -p .cache/evm-cases
	cp tests/evm_cases/package.json tests/evm_cases/package-lock.json .cache/evm-cases/
	cd .cache/evm-cases && $(NPM) ci --ignore-scripts --no-audit --no-fund --legacy-peer-deps --silent
	@touch $@

# Pinned with hashes. uv makes the files (`make lock`); pip installs from them.
lock:
	uv pip compile pyproject.toml requirements/build.in --extra ape --extra test --extra lint \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/dev.txt
	uv pip compile requirements/qualtran.in -c requirements/dev.txt --no-deps \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/qualtran.txt
	uv pip compile pyproject.toml requirements/build.in -c requirements/dev.txt \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/core.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"expected Python 3.11 or later, got {v.major}.{v.minor}: set PYTHON")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements/core.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the bridge's libraries into $(VENV) (about half a minute)"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/qualtran.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the libraries of the tests into $(VENV) (a few minutes)"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/qualtran.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.core

node_modules/.done: package.json package-lock.json
	@echo "installing Anvil, solc and the contracts that ours import into node_modules"
	@# Not `npm ci`: the lock names one platform's Anvil, and npm adds the one of this machine.
	$(NPM) install --no-save --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.cache/sourcify/.done: tests/sourcify/package.json tests/sourcify/package-lock.json
	@echo "installing lib-sourcify into .cache/sourcify"
	@mkdir -p .cache/sourcify && cp $^ .cache/sourcify/
	@# Not `npm ci`, as above: of the packages for other machines the lock names no version.
	cd .cache/sourcify && $(NPM) install --no-save --ignore-scripts --no-audit --no-fund --silent
	@touch $@

clean:
	rm -rf $(VENV) node_modules .cache .build
