"""What soak and chaos share: a district with simulated gateways, the service as a process, and its books."""
