"""What the tests of several directories share: servers, clients, record batches, test suites; and its own tests."""
