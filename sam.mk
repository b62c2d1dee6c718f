# AWS SAM: the targets that "sam build" calls, the judges of the templates, and the local run in
# containers. The Makefile includes this file.

export SAM_CLI_TELEMETRY := 0

sam      := .cache/sam/bin/sam
cfn-lint := .cache/sam/bin/cfn-lint
checkov  := .cache/checkov/bin/checkov

# The architecture in Lambda's words.
architecture := $(ARCH:amd64=x86_64)

# --- Targets of "sam build": called once for each function, with the folder for the result ---

build-AuthorizerFunction: $(DIST)/$(ARCH)/authorizer/bootstrap
build-SessionAuthorizerFunction: $(DIST)/$(ARCH)/session-authorizer/bootstrap
build-LoginFunction:      $(DIST)/$(ARCH)/login/bootstrap
build-RefreshFunction:    $(DIST)/$(ARCH)/refresh/bootstrap
build-AccountFunction:    $(DIST)/$(ARCH)/account/bootstrap
build-SessionsFunction:   $(DIST)/$(ARCH)/sessions/bootstrap
build-DiscoveryFunction:  $(DIST)/$(ARCH)/discovery/bootstrap
build-KeysFunction:       $(DIST)/$(ARCH)/keys/bootstrap
build-MailerFunction:     $(DIST)/$(ARCH)/mailer/bootstrap
build-%Function:
	cp $< "$(ARTIFACTS_DIR)/bootstrap"
	$(if $(and $(filter Mailer Keys,$*),$(MAILS)),cp -R "$(MAILS)" "$(ARTIFACTS_DIR)/mails")

# MAILS is a folder with texts of mails of your own; empty means the shipped ones. Deploy with MailTemplates=mails.
# The keys function has a copy, so that it refuses a wrong text before the deployment changes anything.
export MAILS ?=

.PHONY: sam-build
sam-build: .cache/sam/fetched.txt ## Build the functions for ARCH, for "sam deploy"
	ARCH=$(ARCH) $(sam) build --parameter-overrides Architecture=$(architecture)

# STAGE is a stage of samconfig.toml; empty is the default one. PARAMETERS are more parameters of the
# template. --parameter-overrides replaces those of samconfig.toml, so they are repeated here.
STAGE      ?=
PARAMETERS ?=
settings   := $(shell sed -n '/^\[$(or $(STAGE),default).deploy.parameters\]/,/^$$/s/^parameter_overrides = "\(.*\)"$$/\1/p' samconfig.toml)

.PHONY: sam-deploy
sam-deploy: sam-build ## Build and deploy for the same ARCH: make sam-deploy STAGE=prod PARAMETERS="KeyVersion=2"
	$(sam) deploy $(if $(STAGE),--config-env $(STAGE)) $(ARGS) --parameter-overrides Architecture=$(architecture) $(settings) $(PARAMETERS)

# --- The tools: fetched once, each into its own virtual environment ---

.cache/sam/fetched.txt: test/samlocal/requirements-sam.txt
.cache/checkov/fetched.txt: test/samlocal/requirements-checkov.txt
.cache/pins/fetched.txt: test/samlocal/requirements-pins.txt
.cache/sam/fetched.txt .cache/checkov/fetched.txt .cache/pins/fetched.txt:
	@test/python.sh $(@D) $<
	@touch $@

# A package keeps its version if the .in file still permits it. UPGRADE=--upgrade takes the newest versions of all packages
# that the .in file does not name.
UPGRADE ?=

.PHONY: pins
pins: .cache/pins/fetched.txt ## Pin the tools in Python again, with hashes, after a change of a requirements*.in
	@for in in $$(git ls-files '*requirements*.in'); do (cd $$(dirname $$in) && in=$${in##*/} && \
		$(CURDIR)/.cache/pins/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
			--custom-compile-command "make pins" $(UPGRADE) --output-file $${in%.in}.txt $$in) || exit 1; done

# --- The judges: they need neither containers nor an AWS account ---

templates  := template.yaml $(wildcard examples/*.yaml) $(wildcard examples/*/*.yaml)
translated := $(patsubst %.yaml,.cache/judge/%.json,$(notdir $(templates)))

.PHONY: judges judge
judges: .cache/sam/fetched.txt .cache/checkov/fetched.txt
judge: judges ## Judge the templates: sam validate, cfn-lint, checkov
	AWS_DEFAULT_REGION=us-east-1 $(sam) validate --lint
	$(cfn-lint) --include-checks I -- $(templates)
	@# The translated templates, as CloudFormation gets them: only they show circular dependencies.
	@rm -rf .cache/judge && mkdir -p .cache/judge
	@AWS_DEFAULT_REGION=us-east-1 .cache/sam/bin/python test/template/translate.py all .cache/judge $(templates)
	@# W2001, W7001: the translator inserts some parameters and mappings, which then look unused. W3002: "sam deploy" uploads a
	@# nested template.
	$(cfn-lint) --ignore-checks W2001 W3002 W7001 -- $(translated)
	$(checkov) $(templates:%=--file %) --skip-download --compact --quiet

# --- On this machine ---

# Containers and the emulator run on this machine's processor, so ARCH does not matter for them.
machine := $(shell uname -m)
host    := $(if $(filter x86_64 amd64,$(machine)),amd64,$(if $(filter arm64 aarch64,$(machine)),arm64))

.PHONY: processor
processor:
	@[ "$(host)" ] || { echo "Lambda has no functions for this machine's processor, $(machine) (want arm64 or x86_64)" >&2; exit 1; }

.PHONY: containers
containers: processor .cache/sam/fetched.txt
	@command -v docker >/dev/null || { echo "docker is missing: install Docker or a compatible program" >&2; exit 1; }
	@docker info >/dev/null 2>&1 || { echo "\"docker info\" fails: start Docker, and allow this user to use it" >&2; exit 1; }

.PHONY: sam-test
sam-test: containers engines ## Test the functions in containers, behind SAM CLI's API Gateway
	EDGEAUTH_SAM_ARCH=$(host) go test -count=1 -timeout 15m ./test/samlocal

.PHONY: sam-local
sam-local: containers engines ## Serve the API from containers: make sam-local PORT=3000
	@go build -o .cache/samlocal/up ./test/samlocal/up && exec .cache/samlocal/up --arch $(host) --port $(or $(PORT),3000)

.PHONY: deploy-test
deploy-test: processor ## Deploy template.yaml with SAM CLI to an emulator of AWS, and use the stack
	@mkdir -p .cache && rm -f $(LEFT_OUT)
	@test/python.sh .cache/deploy test/deploy/requirements.txt || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory .cache/sam/fetched.txt || [ "$$CI" != true ]
	@status=0; EDGEAUTH_DEPLOY_ARCH=$(host) KEYS_ARCH=$(host) $(GO_TEST) -parallel 4 ./test/deploy || status=1; $(TELL) || status=1; exit $$status
