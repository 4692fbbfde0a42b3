# Everything is a target here; `make help` lists them. Only Go, git and make are needed for run, build and
# test (a C compiler too for the race detector; without one the tests run without it). The other tools are
# built from pinned versions into .tools on first use.

SHELL := /bin/bash
.DEFAULT_GOAL := help

MODULES := $(patsubst %/go.mod,%,$(sort $(wildcard */go.mod services/*/go.mod)))
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
TOOLS   := $(CURDIR)/.tools
BASE    ?= HEAD~1
RACE    := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && [ "$$(go env CGO_ENABLED)" = 1 ] && echo -race)

BUF_VERSION           := v1.75.0
PROTOC_GEN_GO_VERSION := v1.36.12
GOLANGCI_VERSION      := v2.15.0
GOFUMPT_VERSION       := v0.12.0

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## build covewise and start the demo: the whole system against fake servers, page on 127.0.0.1:8080
	./bin/covewise demo

build: ## build the covewise binary into bin/
	go build -ldflags '$(LDFLAGS)' -o bin/ ./allinone/cmd/covewise

# Packages in which the race detector takes minutes: pure functions on one goroutine, with histories by the ten thousand;
# the poller's fleets of 12,345 devices and 200 tenants, which test/scenarios has run under it; the ticketer's stories, of
# which those with it are the ones in which several processes, tenants or looks meet; schedules of chaos, which `make chaos`
# plays without it, too. Of company-sync only the comparison of a whole server runs without it, and with it over a tenth.
NO_RACE := ./services/evaluator/internal/corpus ./services/evaluator/internal/judge ./services/evaluator/internal/group ./services/poller/app ./services/ticketer/app ./test/chaos
MEETING := Two|Tenants|Storm|Hook|Callback|Look|Seen|Late

GO_TEST := go test -vet=off -parallel 4 -shuffle=on -timeout 10m -ldflags=-w

# The tests wait more than they work, so that more than two at once are worth it on two cores; the longest come first.
# -w leaves out what only debuggers read, a third of the linker's work. Servers of tests keep their files in memory where
# there is room (2 GB): making and removing so many on a disk takes up to a third of a package's processor time. Programs
# stay where they may be run. `make lint` vets, and a program under the race detector sleeps a second before it ends unless
# it is told not to.
test: ## run all tests, with the race detector where there is a C compiler and it can be afforded
	@[ -n "$(RACE)" ] || echo "no C compiler: running without the race detector"
	@if [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'END {print $$4}')" -gt 2000000 ]; then \
	  export GOTMPDIR="$${GOTMPDIR:-$${TMPDIR:-/tmp}}" TMPDIR="$$(mktemp -d /dev/shm/covewise-test-XXXXXX)"; trap 'rm -rf "$$TMPDIR"' EXIT; \
	fi; set -e; export GORACE=atexit_sleep_ms=0; \
	$(GO_TEST) $(NO_RACE); \
	$(GO_TEST) -run '^TestAComparisonOfAWholeServerIsCheap$$' ./services/companysync/app; \
	$(GO_TEST) $(RACE) -run '$(MEETING)' ./services/ticketer/app; \
	$(GO_TEST) $(RACE) -p 3 ./test/crash ./test/scenarios \
	  $$(go list work | grep -vxF "$$(go list $(NO_RACE))")

bench: ## run the benchmarks and print their figures beside a reference measured in the same run
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./test/bench/...
	go test -run '^$$' -bench 'Storm|CreatesAmongNotes' -benchtime 1x -timeout 30m ./services/ticketer/app
	go test -run '^$$' -bench 'Judging|Unchanged' -benchtime 3x -benchmem -timeout 30m ./services/evaluator/internal/sweeps ./services/evaluator/internal/judge

chaos: ## play schedules of faults against the real services: SCHEDULES (500), SEED and STEPS to replay, DURATION, WORKERS
	go test ./test/chaos -run '^TestNoScheduleOfFaultsBreaksAPromise$$' -count=1 -v -timeout 0 -args \
	  -schedules $(or $(SCHEDULES),$(if $(SEED),50,500)) -workers $(or $(WORKERS),6) \
	  $(if $(SEED),-seed $(SEED)) $(if $(STEPS),-steps '$(STEPS)') $(if $(DURATION),-duration $(DURATION))

FUZZ_TIME ?= 20s
FUZZ_TARGETS := \
	./connectors/cove:FuzzStatistics ./connectors/cove:FuzzEnvelope ./connectors/cove:FuzzVisa ./connectors/cove:FuzzCleanMessage \
	./connectors/cove/columns:FuzzValues ./connectors/cove/columns:FuzzCodes \
	./connectors/connectwise:FuzzTextStaysOneValue ./connectors/connectwise/cwfake/internal/filter:FuzzCompile \
	./connectors/cove/covefake:FuzzFilter ./platform/tenant/wording:FuzzTemplatesAreBounded \
	./platform/tenant/wording:FuzzATemplateTakesNoMoreStepsThanWereCounted ./platform/tenant/agreement:FuzzParse \
	./services/companysync/internal/match:FuzzNormal ./services/companysync/internal/directory:FuzzNoNameChangesTheMeaningOfACondition

# A failure without an input is Go's: at the end of its time the coordinator may take the deadline for an error (it compares two
# contexts of which one is told before the other). One with an input says so, and is written to testdata.
fuzz: ## fuzz every reader of foreign bytes for FUZZ_TIME each (default 20s)
	@for t in $(FUZZ_TARGETS); do echo "fuzz $$t"; \
	  out=$$(go test -run '^$$' -fuzz "^$${t#*:}$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 1s $${t%%:*} 2>&1); failed=$$?; echo "$$out"; \
	  [ $$failed = 0 ] || echo "$$out" | grep -A1 "^--- FAIL: $${t#*:} " | grep -qx ' *context deadline exceeded' || exit 1; done

fmt: $(TOOLS)/gofumpt $(TOOLS)/golangci-lint ## format Go and proto files
	@for m in $(MODULES); do (cd $$m && $(TOOLS)/golangci-lint fmt ./...) || exit 1; done
	@$(MAKE) --no-print-directory $(TOOLS)/buf && $(TOOLS)/buf format -w

lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## lint every module and the contracts
	@for m in $(MODULES); do echo "lint $$m"; (cd $$m && $(TOOLS)/golangci-lint run ./...) || exit 1; done
	$(TOOLS)/buf lint
	$(TOOLS)/buf format -d --exit-code

gen: $(TOOLS)/buf $(TOOLS)/protoc-gen-go ## regenerate the contracts' Go code and the generated documents
	PATH=$(TOOLS):$$PATH $(TOOLS)/buf generate
	go run ./connectors/cove/columns/cmd/columnsdoc > docs/columns.md

gen-check: gen ## prove that generated files are committed as they are generated
	git diff --exit-code -- proto docs

breaking: $(TOOLS)/buf ## prove that the contracts stay readable for older readers (against BASE, default the commit before)
	@if git rev-parse -q --verify $(BASE)^{commit} >/dev/null; then $(TOOLS)/buf breaking --against ".git#ref=$$(git rev-parse $(BASE))"; else echo "no commit $(BASE) to compare with"; fi

tidy: ## tidy every module
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done
	go work sync

standalone: ## build and vet every module by itself, without the workspace
	@for m in $(MODULES); do echo "build $$m"; (cd $$m && GOWORK=off go build ./... && GOWORK=off go vet ./...) || exit 1; done

verify: gen-check lint breaking build standalone test chaos fuzz ## what CI does

clean: ## remove built files; data directories stay
	rm -rf bin .tools

$(TOOLS)/buf: Makefile
	GOWORK=off GOBIN=$(TOOLS) go install github.com/bufbuild/buf/cmd/buf@$(BUF_VERSION) && touch $@
$(TOOLS)/protoc-gen-go: Makefile
	GOWORK=off GOBIN=$(TOOLS) go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO_VERSION) && touch $@
$(TOOLS)/golangci-lint: Makefile
	GOWORK=off GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) && touch $@
$(TOOLS)/gofumpt: Makefile
	GOWORK=off GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION) && touch $@

.PHONY: help run build test bench chaos fuzz fmt lint gen gen-check breaking tidy standalone verify clean
