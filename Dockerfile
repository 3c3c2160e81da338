# Build: docker build -t waardhaven .     Run: docker run -p 8000:8000 -v waardhaven:/data waardhaven
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
COPY requirements.lock ./
RUN python -m venv /opt/waardhaven && /opt/waardhaven/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/waardhaven/bin/python scripts/vendor_assets.py \
    && /opt/waardhaven/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
RUN useradd --system --create-home --uid 10001 waardhaven && install -d -o waardhaven -m 700 /data
COPY --from=build /opt/waardhaven /opt/waardhaven
ENV PATH=/opt/waardhaven/bin:$PATH HOST=0.0.0.0 PORT=8000 DATA_DIR=/data PYTHONUNBUFFERED=1
USER waardhaven
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["waardhaven"]
CMD ["up"]
