"""What retrieval knows, free of brokers, databases and clocks."""
