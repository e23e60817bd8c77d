# Everything a developer runs. `make` alone lists the targets.

VERSION ?= 1.0.0
GITREF  ?= $(shell git rev-parse --short=7 HEAD 2>/dev/null || echo unknown)

BUILD   := build
BINARY  := $(BUILD)/teleport-jira
SANDBOX := $(BUILD)/sandbox
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.gitRef=$(GITREF)

# Building, vetting and linting share what they compile by sharing these.
STATIC := CGO_ENABLED=0 GOFLAGS='$(GOFLAGS) -trimpath'

# The race detector needs a C compiler; without one the tests run without it.
RACE     := $(if $(shell command -v $$(go env CC)),-race)
FUZZTIME ?= 3s

LINT_VERSION := v2.15.0
LINT         := $(BUILD)/tools/golangci-lint-$(LINT_VERSION)/golangci-lint

DEMO_ADDR ?= 127.0.0.1:8090

.DEFAULT_GOAL := help
.PHONY: help build test vet unit simulate test-faults soak bench fuzz lint fmt demo demo-check docs clean $(BINARY) $(SANDBOX)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(BINARY) ## build the static binary build/teleport-jira

$(BINARY):
	$(STATIC) go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/teleport-jira

$(SANDBOX):
	$(STATIC) go build -ldflags '-s -w' -o $@ ./cmd/sandbox

# The fuzz targets come before the tests: go test's own lines are the last word.
test: build vet fuzz unit ## build, vet, fuzz briefly, run unit and end-to-end tests

vet:
	$(STATIC) go vet ./...

# The simulation runs a few hundred worlds plain and a few under the race
# detector, which would take ten times as long for all of them.
SIMULATION := ./internal/sim

unit: $(BINARY)
	@[ -n '$(RACE)' ] || echo 'no C compiler: the tests run without the race detector'
	go test $(RACE) -vet=off -timeout 10m $$(go list ./... | grep -v /internal/sim$$)
	SIM_RUNS=8 go test $(RACE) -vet=off -timeout 10m -run 'Simulate|Replica|LostAnswers' $(SIMULATION)
	$(STATIC) SIM_RUNS=200 go test -vet=off -timeout 10m $(SIMULATION)

simulate: ## run N (1000) seeded simulations from SEED (1) on; a failing seed is printed
	SIM_RUNS=$(or $(N),1000) SIM_SEED=$(or $(SEED),1) go test -count=1 -timeout 4h -run '^TestSimulate$$' ./internal/sim

# How the daemon does as a process, between doubles on real sockets.
TRIALS := TELEPORT_JIRA_BIN='$(abspath $(BINARY))' go test -vet=off -count=1 -v -timeout 4h ./internal/load

test-faults: $(BINARY) ## kill and pause 2, 3 and 5 replicas at random while both sides fail; SEED repeats a schedule
	FAULTS=1 SEED=$(SEED) $(TRIALS) -parallel 3 -run '^TestFaults$$'

soak: $(BINARY) ## load two replicas with people and faults for SOAK (10m), then check memory and goroutines
	SOAK=$(or $(SOAK),10m) SEED=$(SEED) $(TRIALS) -run '^TestSoak$$'

bench: $(BINARY) ## measure the daemon against its targets, and the hot paths COUNT (5) times; results go to build/
	BENCH=1 REPORT='$(abspath $(BUILD)/bench.md)' $(TRIALS) -run '^TestBenchmark$$'
	go test -run '^$$' -bench . -benchmem -count $(or $(COUNT),5) $(BENCHED) | tee $(BUILD)/bench.txt

# The packages with benchmarks of hot paths, for benchstat.
BENCHED := ./internal/plan ./internal/reconcile ./internal/wikitext ./internal/jira ./internal/webhook

fuzz: ## run each fuzz target for FUZZTIME (3s)
	@scripts/fuzz $(FUZZTIME)

lint: $(LINT) ## check style, dependency direction, formatting and go.mod
	$(STATIC) $(LINT) run
	go mod tidy -diff

fmt: $(LINT) ## format the code (gofumpt)
	$(LINT) fmt

# An installed golangci-lint of the pinned version is used; otherwise it is
# built once, which takes minutes.
$(LINT):
	@scripts/golangci-lint $(LINT_VERSION) $(@D)

demo: $(BINARY) $(SANDBOX) ## start a cluster double, a Jira double and the daemon, with a board to try them on
	@$(SANDBOX) --listen $(DEMO_ADDR) --daemon $(BINARY)

docs: ## write the parts of docs/ that follow from the code
	go test ./internal/docs -run "Manual|Metrics" -update

# axe-core judges whether people with disabilities can use the page. Without the
# file, which .ci/run fetches, that one test is skipped and says so.
AXE := build/axe/package/axe.min.js

demo-check: $(BINARY) ## use the demo in a headless Chromium
	SANDBOX_DAEMON='$(abspath $(BINARY))' SANDBOX_AXE='$(abspath $(wildcard $(AXE)))' \
		go test -count=1 -v -timeout 8m -run '^TestBoard' ./internal/sandbox

include deploy/deploy.mk

clean: ## remove what was built, but not the tools
	rm -rf $(BINARY) $(SANDBOX) dist
