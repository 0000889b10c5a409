"""Unit tests of the experiments library: suites, runs, metrics, gates, reports and formats. No server is started."""
