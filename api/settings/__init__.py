"""Settings of the dashboard that a person would want in Git: ``state/settings.yaml``."""
