"""Who may do what: accounts and API tokens of people, keys of gateways, and the rule that every route declares."""
