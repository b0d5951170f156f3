"""Jinja2 templates of configuration files."""
