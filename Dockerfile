# One image for the API and the worker. Build: docker build -t f1graph .
# Run: docker run -p 8000:8000 -v f1graph:/data f1graph            (everything on one machine)
#      docker run … f1graph api | worker | db upgrade              (one role each, see compose.yaml)

FROM node:24-slim AS web
WORKDIR /web
COPY f1graph/web/package.json f1graph/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY f1graph/web ./
RUN npm run build

FROM python:3.11-slim AS build
# The default torch wheels carry gigabytes of CUDA; these are built for the CPU.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
# The lock also pins what only developers need: as constraints it installs none of that.
RUN sed 's/^torch==.*/&+cpu/' requirements.lock > constraints.txt \
    && pip install "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE schema.graphql ./
COPY migrations ./migrations
COPY f1graph ./f1graph
COPY --from=web /web/dist ./f1graph/web/dist
RUN pip install -c constraints.txt . \
    && ! pip list 2>/dev/null | grep -i '^nvidia-'
# Of libraries what only their own tests and other people's compilers need: a fifth of the whole. The rest, with
# the 150 MB that it will stand on, stays under 1.5 GB, or the build fails.
RUN cd /venv/lib/python3.11/site-packages \
    && rm -rf torch/test torch/include torch/bin/*[tT]est* \
    && find matplotlib networkx numpy pandas scipy sympy -type d -name tests -prune -exec rm -rf {} + \
    && test "$(du -sm /venv | cut -f1)" -lt 1350

FROM python:3.11-slim
# LightGBM is built with OpenMP and brings none of its own.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --uid 10001 f1graph && install -d -o f1graph /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    F1GRAPH_DATA_DIR=/data \
    F1GRAPH_HOST=0.0.0.0 \
    F1GRAPH_LOG_FORMAT=json
USER f1graph
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["f1graph"]
CMD ["up"]
