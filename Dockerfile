# A service of samples: docker build -t dropgan . && docker run -p 8000:8000 -v ./models:/models:ro dropgan
# With an NVIDIA GPU: docker build --build-arg RUNTIME=cuda -t dropgan-cuda . && docker run --gpus all ...
# Neither image was built where this was written, for want of a registry of images.
FROM python:3.11-slim
ARG RUNTIME=cpu
COPY . /source
RUN pip install --no-cache-dir -c /source/constraints.txt "/source[${RUNTIME},server]" \
    && rm -rf /source \
    && useradd --create-home dropgan
USER dropgan
ENV ORT_DISABLE_TELEMETRY=1
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
ENTRYPOINT ["dropgan", "serve"]
CMD ["/models", "--host", "0.0.0.0"]
