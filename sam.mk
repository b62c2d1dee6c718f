# AWS SAM: what its build calls, what judges the templates, and what runs them on this machine. The Makefile includes it.

export SAM_CLI_TELEMETRY := 0

sam      := .cache/sam/bin/sam
cfn-lint := .cache/sam/bin/cfn-lint
checkov  := .cache/checkov/bin/checkov

# Lambda's name for ARCH.
architecture := $(ARCH:amd64=x86_64)

# --- what "sam build" calls, once for every function, with the folder that it takes the result from ---

build-AuthorizerFunction: $(DIST)/$(ARCH)/authorizer/bootstrap
build-LoginFunction:      $(DIST)/$(ARCH)/login/bootstrap
build-RefreshFunction:    $(DIST)/$(ARCH)/refresh/bootstrap
build-AccountFunction:    $(DIST)/$(ARCH)/account/bootstrap
build-SessionsFunction:   $(DIST)/$(ARCH)/sessions/bootstrap
build-DiscoveryFunction:  $(DIST)/$(ARCH)/discovery/bootstrap
build-KeysFunction:       $(DIST)/$(ARCH)/keys/bootstrap
build-%Function:
	cp $< "$(ARTIFACTS_DIR)/bootstrap"

.PHONY: sam-build
sam-build: .cache/sam/fetched.txt ## Build the functions for ARCH as "sam deploy" takes them
	ARCH=$(ARCH) $(sam) build --parameter-overrides Architecture=$(architecture)

# --- the tools, fetched once, each into an environment of its own ---

.cache/sam/fetched.txt: test/samlocal/requirements-sam.txt
.cache/checkov/fetched.txt: test/samlocal/requirements-checkov.txt
.cache/sam/fetched.txt .cache/checkov/fetched.txt:
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.10 or later" >&2; exit 1; }
	@python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "python3 is too old or makes no virtual environments: install Python 3.10 or later with venv (Debian: python3-venv)" >&2; exit 1; }
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@cp $< $@ # last, so that half of a fetch counts for nothing

# --- judges: they need neither containers nor an account ---

templates  := template.yaml $(wildcard examples/*.yaml)
translated := $(patsubst %.yaml,.cache/judge/%.json,$(notdir $(templates)))

.PHONY: judges judge
judges: .cache/sam/fetched.txt .cache/checkov/fetched.txt
judge: judges ## Judge the templates: sam validate, cfn-lint, checkov
	@for t in $(templates); do AWS_DEFAULT_REGION=us-east-1 $(sam) validate --lint --template $$t || exit 1; done
	$(cfn-lint) --include-checks I -- $(templates)
	@# What CloudFormation gets: circular dependencies show only there.
	@rm -rf .cache/judge && mkdir -p .cache/judge
	@for t in $(templates); do \
		AWS_DEFAULT_REGION=us-east-1 .cache/sam/bin/python test/template/translate.py cloudformation $$t >.cache/judge/$$(basename $$t .yaml).json || exit 1; done
	@# W2001: the translator puts in some parameters' defaults, and then they look unused.
	$(cfn-lint) --ignore-checks W2001 -- $(translated)
	$(checkov) $(templates:%=--file %) --framework cloudformation --skip-download --compact --quiet

# --- in containers, on this machine ---

# Containers run what this machine's processor runs, whatever ARCH is for.
machine := $(shell uname -m)
host    := $(if $(filter x86_64 amd64,$(machine)),amd64,$(if $(filter arm64 aarch64,$(machine)),arm64))

.PHONY: containers
containers: .cache/sam/fetched.txt
	@[ "$(host)" ] || { echo "this machine is $(machine), for which Lambda has no image: use one with arm64 or x86_64" >&2; exit 1; }
	@command -v docker >/dev/null || { echo "docker is missing: install Docker, or a program that stands in for it" >&2; exit 1; }
	@docker info >/dev/null 2>&1 || { echo "Docker is not running, or not for you: start it and see that \"docker info\" works" >&2; exit 1; }

.PHONY: sam-test
sam-test: containers engines ## Run the functions in containers, behind API Gateway as SAM CLI has it
	EDGEAUTH_SAM_ARCH=$(host) go test -count=1 -timeout 15m ./test/samlocal

.PHONY: sam-local
sam-local: containers engines ## Serve the API from containers: make sam-local PORT=3000
	@go build -o .cache/samlocal/up ./test/samlocal/up && exec .cache/samlocal/up --arch $(host) --port $(or $(PORT),3000)
