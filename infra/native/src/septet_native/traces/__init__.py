"""An OTLP/HTTP receiver for traces with a Jaeger-shaped query API and a waterfall page."""
