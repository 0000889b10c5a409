"""Access control on Kafka: a table made from the specs of the services, and its ACLs."""
