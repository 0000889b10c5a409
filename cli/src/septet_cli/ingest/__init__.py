"""``septet ingest``: loads documents from files and Python modules and publishes them."""
