"""How the gateway tells that it works: watchdog, live status, `jongnyang-gateway status`."""
