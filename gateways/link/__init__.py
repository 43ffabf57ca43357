"""The way to the server: delivery, calls, signatures, identity, commands, releases (docs/gateway-api.md)."""
