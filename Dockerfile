# Vouch in an image: what requirements.lock pins, the program, and a user without rights.
#
#   docker compose build      (compose.yaml is how it is meant to be run: docs/deployment.md)
#
# Any image with Python 3.11 or newer as `python` will do, also one of your own without a network.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}

# Of this number are the files in the library, and it must be able to read the documents.
ARG UID=1000
RUN useradd --uid ${UID} --user-group --no-create-home --home-dir /tmp vouch \
    && install --directory --owner vouch --group vouch --mode 700 /library

# In a layer of its own: it stays when only the program changes.
COPY requirements.lock /source/
RUN python -m venv /opt/vouch \
    && /opt/vouch/bin/pip install --no-cache-dir --require-hashes -r /source/requirements.lock

COPY LICENSE Modelfile NOTICE README.md pyproject.toml /source/
COPY data /source/data
COPY models /source/models
COPY ui /source/ui
COPY rag /source/rag
# --no-build-isolation: the build backend is pinned in the lock like everything else
RUN /opt/vouch/bin/pip install --no-cache-dir --no-deps --no-build-isolation /source

ENV PATH=/opt/vouch/bin:${PATH} RAG_HOME=/library RAG_BIND=0.0.0.0 RAG_PORT=8501
USER vouch
VOLUME /library
EXPOSE 8501
# Well is a web app that answers, and asks a stranger to sign in.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", "import http.client, os; \
door = http.client.HTTPConnection('127.0.0.1', int(os.environ['RAG_PORT']), timeout=5); \
door.request('GET', '/'); \
raise SystemExit(door.getresponse().status != 401)"]
CMD ["rag", "serve"]
