# Otto in a container: docker build -t otto .
#   docker run --rm -p 127.0.0.1:10800:10800 -v otto:/data otto          for Home Assistant (Wyoming)
#   compose.yaml                                                          several replicas of the service behind a proxy
FROM python:3.12-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends espeak-ng libportaudio2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 otto

WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY otto otto
COPY finetune finetune
COPY skills skills
COPY examples examples
COPY prompts prompts
RUN pip install --no-cache-dir --constraint constraints.txt '.[voice,serve,mcp,wyoming,postgres,mqtt]'

USER otto
ENV XDG_CONFIG_HOME=/data/config XDG_STATE_HOME=/data/state XDG_CACHE_HOME=/data/cache XDG_DATA_HOME=/data/share \
    XDG_RUNTIME_DIR=/data/run
VOLUME /data
ENTRYPOINT ["otto"]
CMD ["wyoming", "--uri", "tcp://0.0.0.0:10800"]
