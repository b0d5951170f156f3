"""What is: configuration files, live interfaces, addresses, routes. Reads only."""
