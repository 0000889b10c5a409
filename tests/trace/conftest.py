"""The spans of whole requests, across all services, in the trace store and in Jaeger."""
