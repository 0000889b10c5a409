"""Use cases: screen a question, review a draft and decide its next step."""
