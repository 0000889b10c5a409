"""What a prompt holds, what a model costs, how text is streamed: no broker, no client, no I/O."""
