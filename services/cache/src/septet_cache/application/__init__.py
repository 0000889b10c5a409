"""Use cases: look up a question, admit an answer, revoke answers."""
