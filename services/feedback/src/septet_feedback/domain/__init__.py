"""Pure logic of feedback: signals and labels, without broker, database and clock."""
