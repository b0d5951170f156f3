"""The HTTP API: checks requests, writes desired state, answers from what was observed."""
