"""Messages to people about what is broken: the channels by which they are reached, the outbox, and sending."""
