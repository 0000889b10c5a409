"""The OpenAPI document of the gateway, made from the models that validate bodies and from the table of operations."""
