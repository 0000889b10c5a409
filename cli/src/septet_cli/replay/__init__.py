"""Runs logged requests through a changed system, in a namespace of its own."""
