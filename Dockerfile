# The service in an image: python:3.11-slim, what requirements/run.txt pins, the code and the console.
# scripts/check_deployment.py carries out these very steps where there is no container engine.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/run.txt run.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --require-hashes -r run.txt \
    && printf '#!/bin/sh\nexec python -m entrypoints.cli "$@"\n' > /opt/venv/bin/backend \
    && chmod 0755 /opt/venv/bin/backend

FROM node:20-bookworm-slim AS console
WORKDIR /build/console
COPY console .
RUN npm ci --silent && npm run --silent build

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite+aiosqlite:////data/backend.db
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin backend \
    && install -d -o 10001 -g 10001 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
COPY --from=console /build/entrypoints/console_files entrypoints/console_files
COPY alembic alembic
USER 10001
VOLUME /data
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '4000') + '/health', timeout=2)"]
CMD ["backend", "serve"]
