# What people do with this repository. "make" lists it.

# ARCH is what the functions are built for, arm64 or amd64; ARGS go to "edgeauth dev".
ARCH     ?= arm64
DIST     ?= dist
FUZZTIME ?= 30s
ROUNDS   ?= 300
ARGS     ?=

FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))

# What go.mod names builds and tests, also where the environment says "local", as Go's container images do: an older
# standard library has faults that a function would be deployed with.
export GOTOOLCHAIN := auto

# The race detector needs a C compiler. Without one the tests run all the same, and the list at the end says so.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

ifeq ($(filter $(ARCH),arm64 amd64),)
$(error ARCH is "$(ARCH)", and Lambda has arm64 and amd64)
endif

.PHONY: help run build build-all engines test test-go check audit fuzz model bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run everything on this machine: make run ARGS="--upstream http://127.0.0.1:3000"
	@go build -o bin/edgeauth ./cmd/edgeauth && exec bin/edgeauth dev $(ARGS)

build: $(FUNCTIONS:%=$(DIST)/$(ARCH)/%/bootstrap) ## Build the functions for ARCH into dist/<arch>/<function>/bootstrap

build-all: ## Build the functions for both architectures
	@$(MAKE) --no-print-directory build ARCH=arm64
	@$(MAKE) --no-print-directory build ARCH=amd64

# The same sources give the same bytes, wherever they stand: no paths, no build id, nothing about the work tree.
# go build knows better than make what is out of date.
$(DIST)/$(ARCH)/%/bootstrap: always
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o $@ ./functions/$*

.PHONY: always
always:

engines: ## Fetch the DynamoDB engines that tests run on, once
	@test/engine/fetch.sh

# Modules of their own, so that what they need is nobody else's dependency.
MODULES = examples/customlogin test/clients

# Every run counts: results from a cache would leave nothing in the list of what was left out.
LEFT_OUT = .cache/left-out
GO_TEST  = go test -count=1 -timeout 20m

# The benchmarks measure in their own time; only what they judge by is tested.
MORE_MODULES = (cd bench && go vet ./... && go test -count=1 -run Rank .) && for m in $(MODULES); do (cd $$m && go vet ./... && $(GO_TEST) ./...) || exit 1; done

# Prints what was left out, and fails where nothing may be.
TELL = if [ -s $(LEFT_OUT) ]; then echo; echo "Left out:"; sort -u $(LEFT_OUT); [ "$$CI" != true ]; fi

test: ## Run every test but those in containers. With CI=true nothing may be left out
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@test/engine/fetch.sh || [ "$$CI" != true ]
	@test/clients/fetch.sh || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory judges || [ "$$CI" != true ]
	@if [ -e .cache/checkov/fetched.txt ]; then $(MAKE) --no-print-directory judge; else echo "the judges of the templates: make judge" >>$(LEFT_OUT); fi
	@[ "$(RACE)" ] || echo "the race detector is missing: install a C compiler" >>$(LEFT_OUT)
	go vet ./...
	@echo "$(GO_TEST) $(RACE) ./..."
	@status=0; $(GO_TEST) $(RACE) ./... || status=1; $(MORE_MODULES) || status=1; $(TELL) || status=1; exit $$status

test-go: export EDGEAUTH_TEST_GO_ALONE = 1
test-go: ## Run the tests that need Go alone
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@echo "the race detector was not asked for: make test" >>$(LEFT_OUT)
	go vet ./...
	@echo "$(GO_TEST) ./..."
	@status=0; CGO_ENABLED=0 $(GO_TEST) ./... || status=1; $(MORE_MODULES) || status=1; $(TELL) || :; exit $$status

check: ## Run all that continuous integration runs: test, audit, sam-test
	@$(MAKE) --no-print-directory audit
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory sam-test

# Licences that ask for no more than to be named.
LICENCES = Apache-2.0,MIT,BSD-2-Clause,BSD-3-Clause,ISC
AUDITOR  = go tool -modfile=test/audit/go.mod

# ST1005: an error may begin with the name of a field, which is capitalized.
audit: ## Judge the code: staticcheck, and the licences of all that is linked
	@mkdir -p .cache
	$(AUDITOR) staticcheck -checks inherit,-ST1005 ./...
	$(AUDITOR) go-licenses check --allowed_licenses=$(LICENCES) ./functions/... ./cmd/... ./pkg/... 2>.cache/licences.txt || { cat .cache/licences.txt >&2; exit 1; }

fuzz: ## Fuzz each target for FUZZTIME
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' pkg cmd functions | while IFS=: read -r file target; do \
		go test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) "./$${file%/*}" </dev/null || exit 1; done

model: ## Search the rules of rotation on a finer grid: two minutes
	go test ./test/modelcheck -run NeverLoggedOut -v -timeout 60m -model.grid 5s -count=1

bench: engines ## Measure, as ratios within one run
	npm ci --prefix bench/node --no-audit --no-fund --loglevel=error
	cd bench && go test -run '^$$' -bench . -benchtime $(ROUNDS)x

clean: ## Remove what was built and fetched
	rm -rf bin $(DIST) .cache

include sam.mk
