"""Rails, policies and text analysis: pure functions, without broker, clock or network."""
