"""The programme: complexes apply for meters or reducers, which are installed, tried, explained and asked about."""
