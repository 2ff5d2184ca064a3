# SPDX-License-Identifier: MIT
"""Simulated hosts that run the code of sesslimit-fleetd, see tests/fleet/bench. Several processes share a namespace."""

import json
import subprocess

from fleet.cluster import PREFIX
from fleet.net import inside

NAMESPACE = "bench"
ADDRESS = "10.99.0.200"
USER = "bench"


class Simulations:
    """Starts processes of simulated hosts. All of them use one user of etcd, whose role has as many ranges as that of a
    host, so that etcd checks as much for each call. One user saves the creation of a thousand."""

    def __init__(self, cluster, program):
        self._cluster, self._program = cluster, program
        self._processes = []
        cluster.network.add(NAMESPACE, ADDRESS)
        cluster.authority.issue(USER)
        cluster.ctl("user", "add", USER, "--no-password")
        cluster.ctl("role", "add", USER)
        for permission, below in (("readwrite", "n/"), ("readwrite", "h/"), ("readwrite", "p/"), ("read", "end/")):
            cluster.ctl("role", "grant-permission", USER, "--prefix=true", permission, PREFIX + below)
        cluster.ctl("user", "grant-role", USER, USER)

    def start(self, first, count, ttl=30, user=USER):
        process = Simulation(self._cluster, self._program, first, count, ttl, user)
        self._processes.append(process)
        return process

    def close(self):
        for process in self._processes:
            process.close()


class Simulation:
    """A process with simulated hosts. Its commands are the functions of tests/fleet/bench/fleet.hpp."""

    def __init__(self, cluster, program, first, count, ttl, user):
        authority = cluster.authority
        endpoints = ",".join(endpoint.removeprefix("https://") for endpoint in cluster.endpoints)
        self._process = subprocess.Popen(
            inside(NAMESPACE, program, authority.certificate, authority.directory / f"{user}.pem",
                   authority.directory / f"{user}.key", endpoints, "test", first, count, ttl),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.count = count

    def send(self, *words):
        print(*words, file=self._process.stdin, flush=True)

    def receive(self):
        line = self._process.stdout.readline()
        assert line, "a process of simulated hosts has ended"
        return json.loads(line)

    def ask(self, *words):
        self.send(*words)
        return self.receive()

    def join(self, per_second=50):
        answer = self.ask("join", per_second)
        assert answer["joined"], f"the simulated hosts did not join within {answer['seconds']} s"
        return answer["seconds"]

    def close(self):
        self._process.kill()
        self._process.wait()
