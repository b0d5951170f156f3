"""The long-running process: passes at intervals and on demand, and what is live right now."""
