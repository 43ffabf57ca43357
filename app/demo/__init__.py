"""A demo that anybody can start: three real complexes with made-up residents, the service, and simulated gateways.

`town` is what there is, `loading` puts it into a database, `fleet` tells the simulator, `run` keeps the processes.
Everything that the demo keeps lies in `var/`.
"""
