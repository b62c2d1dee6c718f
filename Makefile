# The commands of this repository. "make" lists them.

# ARCH is the architecture of the functions, arm64 or amd64. ARGS are arguments of "edgeauth dev".
ARCH     ?= arm64
DIST     ?= dist
FUZZTIME ?= 30s
ROUNDS   ?= 300
ARGS     ?=

FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))

# Use the Go version that go.mod names, even if the environment says "local", as Go's container
# images do: the standard library of an older version has faults, which the functions would contain.
export GOTOOLCHAIN := auto

# The race detector needs a C compiler. Without one, the tests run without it, and the list at the
# end says so.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

ifeq ($(filter $(ARCH),arm64 amd64),)
$(error ARCH is "$(ARCH)" (want arm64 or amd64))
endif

.PHONY: help run build build-all engines test test-go test-frameworks test-web npm sizes openapi check audit fuzz model generated travellers bench costs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run everything on this machine: make run ARGS="--upstream http://127.0.0.1:3000"
	@go build -o bin/edgeauth ./cmd/edgeauth && exec bin/edgeauth dev $(ARGS)

build: $(FUNCTIONS:%=$(DIST)/$(ARCH)/%/bootstrap) ## Build the functions for ARCH into dist/<arch>/<function>/bootstrap

build-all: ## Build the functions for both architectures
	@$(MAKE) --no-print-directory build ARCH=arm64
	@$(MAKE) --no-print-directory build ARCH=amd64

# The keys function always runs on x86_64, and it knows ARCH. So it starts also if the other functions are built for
# another processor than the stack has, and refuses the deployment in a sentence. An emulator on an arm64 machine needs
# KEYS_ARCH=arm64.
KEYS_ARCH ?= amd64
$(DIST)/$(ARCH)/keys/bootstrap: GOARCH = $(KEYS_ARCH)
$(DIST)/$(ARCH)/keys/bootstrap: facts = -X main.builtFor=$(architecture)
GOARCH = $(ARCH)

# The same sources give the same bytes in every folder: the binaries contain no paths, no build id
# and no state of the work tree. go build knows better than make what is out of date.
$(DIST)/$(ARCH)/%/bootstrap: always
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags '-s -w -buildid= $(facts)' -o $@ ./functions/$*

.PHONY: always
always:

engines: ## Fetch the DynamoDB engines for the tests, once
	@test/engine/fetch.sh

# These are modules of their own, so that no other module depends on what they need. test/own is outside of
# the module: it shows what a program of another module can do with the library.
MODULES = examples/customlogin test/clients test/frameworks test/own

# -count=1 runs every test: a cached result would add nothing to the list of tests that were left
# out.
LEFT_OUT = .cache/left-out
GO_TEST  = go test -count=1 -timeout 20m

# The race detector slows these down up to tenfold and has nothing to find: each search, each simulation and each
# comparison with a model is one goroutine, and PLAIN has no more. The requests of TestEnds meet in the store. Of SEARCHED,
# the tests named by SEARCHES and MODELS run without it, and all others with it.
PLAIN    = ./test/modelcheck ./test/rotation ./test/simulate ./test/costs ./test/document ./test/imports ./test/template ./pkg/auth/password
SEARCHED = ./pkg/auth/dynamo ./pkg/auth/bolt ./pkg/auth/flow ./pkg/auth/login ./pkg/auth/session ./pkg/auth/user ./functions/keys
SEARCHES = ConformanceCatchesMutants$$|^TestFaultsOf|^TestRandom|^Test(Ends|DumpGivesNoCode|StrangersDoNotUseUpTheOwnersMails|FewNetworksKeepNoOwnerOut|EmailPointersHaveOneKey|EveryLetterHasOneKey|RevocationListLatency|RevocationListDay|EvictionIsBounded)$$
MODELS   = ./^EqualsThe|././^EqualsThe
COMPARED = ^Test(Sessions|Users|Versions|Revocations|Attempts|Flows)$$
OTHERS   = $$(go list ./... | grep -vxF -e "$$(go list $(PLAIN) $(SEARCHED))")

# Benchmarks run only with "make bench". Here, only the statistics that they use are tested.
MORE_MODULES = (cd bench && go vet ./... && go test -count=1 -run Rank .) && for m in $(MODULES); do (cd $$m && go vet ./... && $(GO_TEST) ./...) || exit 1; done

# Print what was left out. With CI=true, fail if there is anything.
TELL = if [ -s $(LEFT_OUT) ]; then echo; echo "Left out:"; sort -u $(LEFT_OUT); [ "$$CI" != true ]; fi

test: ## Run every test except those in containers and of deployments; with CI=true no test may be left out
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@test/engine/fetch.sh || [ "$$CI" != true ]
	@test/fetch.sh clients || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory judges || [ "$$CI" != true ]
	@if [ -e .cache/checkov/fetched.txt ]; then $(MAKE) --no-print-directory judge; else echo "the judges of the templates: make judge" >>$(LEFT_OUT); fi
	@[ "$(RACE)" ] || echo "the race detector is missing: install a C compiler" >>$(LEFT_OUT)
	go vet ./...
	@echo "$(GO_TEST) $(RACE) ./... but searches and simulations, which run without it"
	@status=0; $(GO_TEST) $(RACE) -skip '$(SEARCHES)|$(MODELS)' $(SEARCHED) || status=1; $(GO_TEST) $(RACE) $(OTHERS) || status=1; \
		$(GO_TEST) -run '$(SEARCHES)|$(COMPARED)/^EqualsThe|$(COMPARED)/./^EqualsThe' $(SEARCHED) || status=1; \
		$(GO_TEST) $(PLAIN) || status=1; $(MORE_MODULES) || status=1; $(TELL) || status=1; exit $$status

test-go: export EDGEAUTH_TEST_GO_ALONE = 1
test-go: ## Run the tests that need only Go
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@echo "the race detector was not asked for: make test" >>$(LEFT_OUT)
	go vet ./...
	@echo "$(GO_TEST) ./..."
	@status=0; CGO_ENABLED=0 $(GO_TEST) ./... || status=1; $(MORE_MODULES) || status=1; $(TELL) || :; exit $$status

test-frameworks: ## Run web frameworks and the Serverless Framework with the authorizer, and compare the CDK's and Terraform's examples
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@test/fetch.sh frameworks || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory .cache/sam/fetched.txt || [ "$$CI" != true ]
	@status=0; (cd test/frameworks && EDGEAUTH_TEST_FRAMEWORKS=1 $(GO_TEST) .) || status=1; $(TELL) || status=1; exit $$status

# Chromium and a busy machine: each test has its own limit of time.
test-web: ## Run the browser client in Chromium, behind a proxy that drops and delays answers
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@test/fetch.sh web || [ "$$CI" != true ]
	@test/web/chromium.sh || { echo "the browser client in Chromium: install Chromium" >>$(LEFT_OUT); [ "$$CI" != true ]; }
	go build -o bin/edgeauth ./cmd/edgeauth
	@status=0; if command -v node >/dev/null && [ -e .cache/web/node/fetched.txt ]; then node --test --test-concurrency=2 --test-reporter=spec test/web/*.test.mjs || status=1; \
		else echo "the browser client: install Node.js 20 or later" >>$(LEFT_OUT); fi; $(TELL) || status=1; exit $$status

npm: ## Pack the browser client for npm into dist/npm
	@test/fetch.sh web
	@rm -rf $(DIST)/npm && mkdir -p $(DIST)/npm
	@cp web/package.json web/README.md web/*.js web/*.d.ts LICENSE $(DIST)/npm
	@.cache/web/node/node_modules/.bin/esbuild web/edgeauth.js web/edgeauth-account.js --minify --format=esm --target=es2022 --log-level=warning --out-extension:.js=.min.js --outdir=$(DIST)/npm
	@cd $(DIST)/npm && npm pack --loglevel=error

sizes: ## Measure the browser client and others, for the table in docs/browser.md
	@test/fetch.sh sizes
	@node test/sizes/sizes.mjs --check

openapi: ## Hold a running server to docs/openapi.yaml, with requests that Schemathesis makes up
	@test/python.sh .cache/openapi test/openapi/requirements.txt
	EDGEAUTH_TEST_OPENAPI=1 go test -count=1 -timeout 30m ./test/openapi

check: ## Run all that continuous integration runs: audit, test, test-frameworks, test-web, openapi, sam-test, deploy-test
	@$(MAKE) --no-print-directory audit
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-frameworks
	@$(MAKE) --no-print-directory test-web
	@$(MAKE) --no-print-directory -j2 openapi sam-test
	@$(MAKE) --no-print-directory deploy-test

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

model: ## Check the rules of rotation and of step-up on finer grids (three minutes)
	go test ./test/modelcheck -run 'NeverLog' -v -timeout 60m -model.grid 5s -model.stepup 15s -count=1

generated: engines ## Compare the stores with the rules on more generated cases (four minutes)
	go test ./pkg/auth/dynamo ./pkg/auth/bolt -run '^Test(Sessions|Versions|Ends)$$' -timeout 60m -count=1 -cases 10000 -refreshes 1000

travellers: ## Count the false alarms of the signals of refreshes (seven minutes)
	go test ./test/simulate -run Travellers -v -timeout 60m -travellers 10000 -count=1

bench: engines ## Measure, as ratios within one run
	npm ci --prefix bench/node --no-audit --no-fund --loglevel=error
	cd bench && go test -run '^$$' -bench . -benchtime $(ROUNDS)x

costs: engines ## Compute what a deployment costs, into docs/costs.md
	go test -count=1 ./test/costs -run TestPage -update
	go test -count=1 ./test/costs

clean: ## Remove everything that was built or fetched
	rm -rf bin $(DIST) .cache

include sam.mk
