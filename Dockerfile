# docker build -t mockdock . && docker run --rm -p 127.0.0.1:8080:8080 mockdock
# Own scenarios: docker run -v "$PWD:/scenarios:ro" mockdock serve llm.yaml --host 0.0.0.0
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS built
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY mockdock ./mockdock
COPY fixtures ./fixtures
COPY scenarios ./scenarios
RUN python -m venv /opt/mockdock && /opt/mockdock/bin/pip install --no-cache-dir .[redis]

FROM python:${PYTHON}-slim
COPY --from=built /opt/mockdock /opt/mockdock
RUN useradd --system --no-create-home --uid 10001 mockdock
ENV PATH=/opt/mockdock/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /scenarios
USER mockdock
EXPOSE 8080
# Any answer will do: with a control token a check that has none is refused.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=1s CMD ["python", "-c", "from http.client import HTTPConnection as To; to = To('127.0.0.1', 8080, timeout=2); to.request('GET', '/__mockdock/health'); to.getresponse().read()"]
ENTRYPOINT ["mockdock"]
CMD ["serve", "quickstart", "--host", "0.0.0.0"]
