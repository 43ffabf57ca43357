"""Simulated meters on real pseudo-terminals, with the real gateway on the other side as a child process.

The simulation holds the physical world: bins, scales, lids, cards and residents, and a durable log of what each scale
really showed. Gateways may be killed and started again at any moment; the world does not care.
"""

from gateways.simulate.fleet import Fleet, FleetError, FleetGateway, load_fleet
from gateways.simulate.simulation import Simulation, SimulationSettings
from gateways.simulate.truth import Drop, read_truth

__all__ = [
    "Drop",
    "Fleet",
    "FleetError",
    "FleetGateway",
    "Simulation",
    "SimulationSettings",
    "load_fleet",
    "read_truth",
]
