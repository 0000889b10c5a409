"""Model of prompt injection: signals of rules, n-grams and an instruction classifier."""
