"""Pure logic of judge: which responses are judged, the budget, the circuit breaker and the resulting event."""
