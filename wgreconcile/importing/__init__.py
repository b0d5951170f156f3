"""From existing configuration files to desired state: read, name, document, keep the keys apart."""
