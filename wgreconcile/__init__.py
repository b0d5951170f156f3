"""WireGuard interfaces kept on a desired state that lives in Git."""
