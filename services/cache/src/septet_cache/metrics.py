"""What an operator counts."""

from __future__ import annotations

from septet_kit.observe.metrics import counter

lookups = counter("septet_cache_lookups_total", "Lookups by their result.", ["status"])
rejected = counter(
    "septet_cache_rejected_total", "Nearest candidates that were not served, by check.", ["check"]
)
admissions = counter("septet_cache_admissions_total", "Responses seen, by whether they were kept.", ["kept"])
revocations = counter("septet_cache_revocations_total", "Entries revoked, by cause.", ["cause"])
