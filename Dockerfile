# Four images: --target web, worker, results or monitor; docs/images.md tells what is in them. Builds with BuildKit and
# without. The base is any image with Python, its venv and pip. No package index is named here: pip has its own
# settings in the base, and those that are given as build arguments. TRACES=1 puts in what OpenTelemetry's traces need.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# What the environments begin with: an empty one, and in /tools, by hash as all else, what pyvips is built with, which
# comes as source. Bytecode is made here, since a read-only root keeps none. It does not look at file times, and
# these are all the same: so equal locks give equal layers, which images share.
FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONHASHSEED=0
COPY requirements/build.txt requirements/environment.sh /locks/
RUN python3 -m pip install --only-binary :all: --require-hashes --target /tools -r /locks/build.txt \
 && python3 -m venv --without-pip /venv

FROM build AS monitor-environment
ARG TRACES
COPY requirements/monitor.txt requirements/otel.txt /locks/
RUN sh /locks/environment.sh monitor

FROM build AS results-environment
ARG TRACES
COPY requirements/results.txt requirements/otel.txt /locks/
RUN sh /locks/environment.sh results

FROM build AS worker-environment
ARG TRACES
COPY requirements/worker.txt requirements/otel.txt /locks/
RUN sh /locks/environment.sh worker

FROM build AS web-environment
ARG TRACES
COPY requirements/web.txt requirements/otel.txt /locks/
RUN sh /locks/environment.sh web

FROM ${PYTHON_IMAGE} AS code
COPY pixo/ /app/pixo/
COPY services/ /app/services/
RUN PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash /app \
 && find /app -exec touch --no-dereference --date=@0 {} +

# What all images have. Nothing runs here, so the base needs no shell by now.
FROM ${PYTHON_IMAGE} AS runtime
ARG PYTHON_IMAGE
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Pixo" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    HOME=/tmp \
    PIXO_LOG_FORMAT=json \
    PIXO_HOST=0.0.0.0 \
    PIXO_METRICS_HOST=0.0.0.0
WORKDIR /app
COPY --from=code /app/services/__init__.py /app/services/
COPY --from=code /app/pixo/ /app/pixo/
EXPOSE 9090
STOPSIGNAL SIGTERM
USER 10001:10001

FROM runtime AS monitor
LABEL org.opencontainers.image.title="pixo-monitor" \
      org.opencontainers.image.description="Pixo: who is alive, what lags"
COPY --from=monitor-environment /layer/ /
COPY --from=code /app/services/monitor/ /app/services/monitor/
ENTRYPOINT ["python", "-m", "services.monitor"]

FROM runtime AS results
LABEL org.opencontainers.image.title="pixo-results" \
      org.opencontainers.image.description="Pixo: counts tiles, joins images"
COPY --from=results-environment /layer/ /
COPY --from=code /app/services/results/ /app/services/results/
ENTRYPOINT ["python", "-m", "services.results"]

FROM runtime AS worker
LABEL org.opencontainers.image.title="pixo-worker" \
      org.opencontainers.image.description="Pixo: filters tiles"
COPY --from=worker-environment /layer/ /
COPY --from=code /app/services/worker/ /app/services/worker/
ENTRYPOINT ["python", "-m", "services.worker"]

FROM runtime AS web
LABEL org.opencontainers.image.title="pixo-web" \
      org.opencontainers.image.description="Pixo: page and API"
COPY --from=web-environment /layer/ /
COPY --from=code /app/services/web/ /app/services/web/
EXPOSE 5001
ENTRYPOINT ["python", "-m", "services.web"]
