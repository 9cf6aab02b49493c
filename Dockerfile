# Mainstem, with the programs of its embedded PostgreSQL; MAINSTEM_DATABASE_URL names a server instead.
#   docker build -t mainstem .
#   docker run --rm -v mainstem:/data mainstem migrate
#   docker run -v mainstem:/data -p 127.0.0.1:8000:8000 mainstem
FROM python:3.11-slim

# Nobody in particular: PostgreSQL refuses to run as root, and so should a service.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin mainstem \
    && install -d -m 0700 -o mainstem -g mainstem /data

WORKDIR /srv/mainstem
# Exactly the pinned files, or none.
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY migrations migrations
COPY app app
# The command without building a package, which would need a build tool that is not pinned here.
RUN printf '#!/usr/local/bin/python\nfrom app.cli import main\n\nmain()\n' > /usr/local/bin/mainstem \
    && chmod 0755 /usr/local/bin/mainstem \
    && python -m compileall -q app migrations

ENV PYTHONPATH=/srv/mainstem PYTHONUNBUFFERED=1 MAINSTEM_DATA=/data
USER mainstem
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["mainstem"]
CMD ["serve", "--host", "0.0.0.0"]
