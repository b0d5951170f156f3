"""What should be: model, documents, schema, secrets, store."""
