"""A process to be killed: appends, acknowledges and says on its standard output what is durable."""

import os
import random
from datetime import timedelta
from pathlib import Path

from gateways.link.records import Result
from gateways.spool import open_spool
from tests.gateways.spool.support import ALL, METERS, NOW, discharge, interval


def main(path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    spool = open_spool(path)
    say("epoch", spool.epoch(), spool.next_seq())
    while True:
        what = rnd.random()
        if what < 0.7:
            say("appended", discharge(spool, rnd))
        elif what < 0.8:
            spool.add_alive([(rnd.choice(METERS), interval(rnd.randrange(1000)))])
        elif what < 0.9:
            meter = f"killed-{rnd.random()}"
            spool.begin_session(meter, b"{}")
            say("session", meter)
        else:
            batch = spool.pending(rnd.randrange(1, 20), ALL)
            if batch:
                say("sent", *batch.seqs)
                results = [Result(seq, "stored") for seq in batch.seqs]
                spool.acknowledge(batch.epoch, results, NOW + timedelta(days=rnd.choice([0, 100])))
                say("acknowledged", *batch.seqs)


def say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())
