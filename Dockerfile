# The bot as an image: slim, not root, and content with a root file system that is read-only.
#   docker build -t chom-bot . && docker run --read-only --tmpfs /tmp -v chom-state:/var/lib/chom-bot … chom-bot serve
FROM python:3.12-slim-bookworm AS build
COPY requirements.lock /src/
RUN python -m venv /opt/chom && /opt/chom/bin/pip install --no-cache-dir --require-hashes -r /src/requirements.lock
COPY pyproject.toml README.md /src/
COPY actions /opt/chom/app/actions
COPY policies /opt/chom/app/policies
COPY bot /opt/chom/app/bot
RUN printf '#!/opt/chom/bin/python\nfrom bot.__main__ import main\nmain()\n' > /opt/chom/bin/chom-bot \
 && chmod 755 /opt/chom/bin/chom-bot \
 && echo /opt/chom/app > "$(/opt/chom/bin/python -c 'import site; print(site.getsitepackages()[0])')/chom.pth" \
 && /opt/chom/bin/python -m compileall -q /opt/chom/app

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 chom-bot \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/chom-bot --shell /usr/sbin/nologin chom-bot \
 && install -d -o chom-bot -g chom-bot -m 700 /var/lib/chom-bot \
 && install -d /etc/chom-bot
COPY --from=build /opt/chom /opt/chom
ENV PATH=/opt/chom/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    CHOM_CONFIG=/etc/chom-bot/chom.toml \
    CHOM_HEALTH=http://127.0.0.1:8080/healthz
USER chom-bot
WORKDIR /var/lib/chom-bot
VOLUME /var/lib/chom-bot
# The bot drains within seconds of SIGTERM; runs that are under way are handed to the next one.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(os.environ['CHOM_HEALTH'], timeout=4)"]
ENTRYPOINT ["chom-bot"]
CMD ["serve"]
