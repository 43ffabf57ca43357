"""A demo that anybody can start: three real complexes with made-up residents, the service, and simulated gateways.

`town` is what there is (`district` the rest of a whole one), `loading` puts it into a database, `fleet` tells the
simulator, `run` keeps the processes. `history` makes the year before: `patterns` are the numbers, `residents` draw days
from them, `stories` say what happened, `booking` writes it. Everything that the demo keeps lies in `var/`.
"""
