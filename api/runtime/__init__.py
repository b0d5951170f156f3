"""What happens at run time and does not belong in Git: accounts, sessions, keys, links, logs, usage."""
