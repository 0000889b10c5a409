"""The kit's own classes on a simulated transport: no broker, no sleep, the same result on every machine."""
