"""The web console: its page, its assets and how they are served."""
