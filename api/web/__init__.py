"""Where HTTP meets the handlers: bodies, schemas, the gate in front of them, errors, pages, the reference."""
