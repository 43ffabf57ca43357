"""The commands of `jongnyang-gateway`, one module each; `gateways/cli.py` loads the one that is used."""
