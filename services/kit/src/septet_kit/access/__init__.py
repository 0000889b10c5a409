"""Who may do what on Kafka: the table, made from what services say of themselves, and its ACLs."""
