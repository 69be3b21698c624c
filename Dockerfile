# One image for every part: the command says which. Build: docker build -t jieyong .
# On a network without internet give the address of its index: --build-arg PIP_INDEX_URL=…
FROM python:3.12-slim-bookworm

ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

WORKDIR /opt/jieyong
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --require-hashes --requirement requirements.lock

COPY collector/ collector/
COPY fleet/ fleet/
COPY jieyong/ jieyong/
COPY metering/ metering/
COPY reporting/ reporting/
COPY rules/ rules/
COPY notify/ notify/
COPY registry/ registry/
COPY simulators/ simulators/
COPY storage/ storage/
RUN pip install --no-deps --editable .

# The state directory belongs to whom the collectors run as; a fresh volume takes this over.
RUN useradd --system --uid 9808 --create-home --home-dir /var/lib/jieyong jieyong
USER jieyong
WORKDIR /var/lib/jieyong
ENV JIEYONG_STATE_DIR=/var/lib/jieyong
VOLUME /var/lib/jieyong

ENTRYPOINT ["jieyong"]
CMD ["--help"]
