"""Who is who: passwords, second factor, first run, where a request comes from."""
