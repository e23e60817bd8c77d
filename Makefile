# Everything a developer runs. `make` alone lists the targets.

VERSION ?= 1.0.0
GITREF  ?= $(shell git rev-parse --short=7 HEAD 2>/dev/null || echo unknown)

BUILD   := build
BINARY  := $(BUILD)/teleport-jira
SANDBOX := $(BUILD)/sandbox
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.gitRef=$(GITREF)

# Building, vetting, linting and most tests share what they compile by sharing
# these.
STATIC := CGO_ENABLED=0 GOFLAGS='$(GOFLAGS) -trimpath'

# The race detector needs a C compiler; without one the tests run without it.
RACE_FLAG := $(if $(shell command -v $$(go env CC)),-race)
FUZZTIME  ?= 3s

LINT_VERSION := v2.15.0
LINT         := $(BUILD)/tools/golangci-lint-$(LINT_VERSION)/golangci-lint

DEMO_ADDR ?= 127.0.0.1:8090

.DEFAULT_GOAL := help
.PHONY: help build test test-all test-rest vet unit e2e simulation cover simulate day test-faults soak bench fuzz sizes \
	lint vulnerabilities fmt demo demo-check docs clean $(BINARY) $(SANDBOX)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(BINARY) ## build the static binary build/teleport-jira

$(BINARY):
	$(STATIC) go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/teleport-jira

$(SANDBOX):
	$(STATIC) go build -ldflags '-s -w' -o $@ ./cmd/sandbox

# scripts/test runs targets one after another, shows how far they are, and ends
# with what passed, failed and was skipped. It has them write JSON for it to read.
RUN := @go run ./scripts/test $(if $(RACE_FLAG),,--skipped 'race detector: no C compiler')
TEST := build 'unit RACE=$(RACE_FLAG)' sizes e2e simulation
REST := 'simulate N=$(or $(N),500)' fuzz cover vet lint vulnerabilities test-faults 'soak SOAK=$(or $(SOAK),1m)' demo-check test-deploy test-kubernetes 'bench COUNT=1'
JSON :=

test: ## build, unit and end-to-end tests, a short simulation
	$(RUN) --skipped 'larger simulation, fuzzing, coverage, lint, vulnerabilities, faults, soak, demo-check, test-deploy, test-kubernetes, bench: make test-all runs them' $(TEST)

test-all: ## the same, and all the other tests and checks (root, Debian)
	$(RUN) $(TEST) $(REST)

# What test leaves out, for .ci/run.
test-rest:
	$(RUN) $(REST)

vet:
	$(STATIC) go vet ./...

# The simulation is apart from the unit tests for its size, the end-to-end tests
# for what they are: processes and sockets, where the race detector sees nothing
# of the daemon.
UNIT := $$(go list ./... | grep -v -e /internal/sim$$ -e /internal/e2e$$)

unit: ## run the unit tests, or those of one package: make unit PKG=./internal/plan
	$(if $(RACE),,$(STATIC)) go test $(JSON) $(RACE) -vet=off -timeout 10m $(or $(PKG),$(UNIT))

# With the race detector, answers of many megabytes take minutes.
sizes: ## run the tests of very large issues
	$(STATIC) go test $(JSON) -vet=off -timeout 10m -run 'TooLarge|LargeIssue|LongHistory|LongOnes|TooLong' ./internal/jira

e2e: $(BINARY) ## run the end-to-end tests: the program between doubles
	$(STATIC) TELEPORT_JIRA_BIN='$(abspath $(BINARY))' go test $(JSON) -vet=off -timeout 10m ./internal/e2e

# Some worlds plain and a few under the race detector, which would take ten times
# as long for all of them.
simulation: ## run the scenes of the simulation and SIM_RUNS (40) worlds
	$(if $(RACE_FLAG),SIM_RUNS=2 go test $(JSON) -race -vet=off -timeout 10m -run 'Simulate|Replica|LostAnswers' ./internal/sim)
	$(STATIC) SIM_RUNS=$(or $(SIM_RUNS),40) go test $(JSON) -vet=off -timeout 10m ./internal/sim

day: ## live a working day of DAY_REQUESTS (20000) requests and DAY_REPLICAS (5) replicas, and show the calls
	DAY_REQUESTS=$(or $(DAY_REQUESTS),20000) DAY_REPLICAS=$(or $(DAY_REPLICAS),5) $(STATIC) go test $(or $(JSON),-v) -vet=off -count=1 -timeout 2h -run '^TestDay$$' ./internal/sim

cover: ## show what own tests cover of the core, and fail below 85 %
	@scripts/cover 85 ./internal/reconcile ./internal/app

simulate: ## run N (1000) seeded simulations from SEED (1) on; a failing seed is printed
	SIM_RUNS=$(or $(N),1000) SIM_SEED=$(or $(SEED),1) $(STATIC) go test $(JSON) -vet=off -count=1 -timeout 4h -run '^TestSimulate$$' ./internal/sim

# How the daemon does as a process, between doubles on real sockets.
TRIALS := TELEPORT_JIRA_BIN='$(abspath $(BINARY))' go test $(or $(JSON),-v) -vet=off -count=1 -timeout 4h ./internal/load

test-faults: $(BINARY) ## kill and pause replicas at random while both sides fail, cut their networks; SEED repeats a schedule
	FAULTS=1 SEED=$(SEED) $(TRIALS) -parallel 3 -run '^TestFaults'

soak: $(BINARY) ## load two replicas with people and faults for SOAK (10m), then check memory and goroutines
	SOAK=$(or $(SOAK),10m) SEED=$(SEED) $(TRIALS) -run '^TestSoak$$'

bench: $(BINARY) ## measure the daemon against its targets, and the hot paths COUNT (5) times; results go to build/
	BENCH=1 REPORT='$(abspath $(BUILD)/bench.md)' $(TRIALS) -run '^TestBenchmark$$'
	go test -run '^$$' -bench . -benchmem -count $(or $(COUNT),5) $(BENCHED) >$(BUILD)/bench.txt || { cat $(BUILD)/bench.txt; exit 1; }
	@cat $(BUILD)/bench.txt

# The packages with benchmarks of hot paths, for benchstat.
BENCHED := ./internal/plan ./internal/reconcile ./internal/wikitext ./internal/jira ./internal/jira/throttle ./internal/webhook

fuzz: ## run each fuzz target for FUZZTIME (3s)
	@$(STATIC) scripts/fuzz $(FUZZTIME) $(JSON)

lint: $(LINT) ## check style, words, dependency direction, formatting and go.mod
	@go run ./scripts/words cmd internal scripts deploy
	$(STATIC) $(LINT) run
	go mod tidy -diff

vulnerabilities: ## look for known vulnerabilities, where the database can be reached
	@scripts/vulnerabilities v1.1.4

fmt: $(LINT) ## format the code (gofumpt)
	$(LINT) fmt

# An installed golangci-lint of the pinned version is used; otherwise it is
# built once, which takes minutes.
$(LINT):
	@scripts/golangci-lint $(LINT_VERSION) $(@D)

demo: ## start a cluster double, a Jira double and the daemon, with a board to try them on
	@scripts/progress 'building the daemon and the doubles, minutes the first time' $(MAKE) -s $(BINARY) $(SANDBOX)
	@$(SANDBOX) --listen $(DEMO_ADDR) --daemon $(BINARY)

docs: ## write the parts of docs/ that follow from the code
	go test ./internal/docs -run "Manual|Metrics" -update

# axe-core judges whether people with disabilities can use the page. Without the
# file, which .ci/run fetches, that one test is skipped and says so.
AXE := build/axe/package/axe.min.js

demo-check: $(BINARY) ## use the demo in a headless Chromium
	SANDBOX_DAEMON='$(abspath $(BINARY))' SANDBOX_AXE='$(abspath $(wildcard $(AXE)))' \
		go test $(or $(JSON),-v) -count=1 -timeout 8m -run '^TestBoard' ./internal/sandbox

include deploy/deploy.mk

clean: ## remove what was built, but not the tools
	rm -rf $(BINARY) $(SANDBOX) dist
