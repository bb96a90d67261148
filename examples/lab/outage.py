"""A test of an agent in Python, against a lab: what is asked at the master is asked at the replica once the master is gone.

usage: outage.py STANDIN        the path of the standin command
"""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest
import urllib.request

STANDIN = sys.argv.pop(1) if len(sys.argv) > 1 else "standin"


class Lab:
    """A lab that ends with this process."""

    def __init__(self):
        self.process = subprocess.Popen(
            [STANDIN, "lab", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.place = json.loads(self.process.stdout.readline())

    def control(self, method, path, body=None):
        request = urllib.request.Request(
            self.place["control"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


def ask(place, host, path):
    """An agent's request, with its certificate."""
    ssldir = place["ssldir"]
    tls = ssl.create_default_context(cafile=os.path.join(ssldir, "certs/ca.pem"))
    tls.load_cert_chain(
        os.path.join(ssldir, "certs/agent.test.pem"),
        os.path.join(ssldir, "private_keys/agent.test.pem"),
    )
    # Puppet's certificates may have a common name and no alt name, which Python does not look at.
    tls.check_hostname = False
    connection = http.client.HTTPSConnection(host, 8140, context=tls, timeout=20)
    # The lab's names are in no DNS.
    connection._create_connection = lambda address, *rest: socket.create_connection(
        (place["hosts"][address[0]], address[1]), *rest
    )
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


class Outage(unittest.TestCase):
    NODE = "/puppet/v3/node/agent.test?environment=production"

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)

    def run_of_an_agent(self):
        """The agent under test: the first server of its list that can be reached."""
        for host in ("master.test", "replica.test"):
            try:
                return host, ask(self.lab.place, host, self.NODE)
            except OSError:
                continue
        self.fail("no server answered")

    def served_by(self):
        receipts = self.lab.control("GET", "/v1/journal")
        return [receipt["host"] for receipt in receipts if receipt["answered"] == 200]

    def test_the_replica_serves_while_the_master_is_gone(self):
        self.assertEqual(self.run_of_an_agent(), ("master.test", 200))
        fault = self.lab.control("POST", "/v1/faults", {"host": "master.test", "what": "refuse"})
        self.assertEqual(self.run_of_an_agent(), ("replica.test", 200))
        self.lab.control("DELETE", f"/v1/faults/{fault['id']}")
        self.assertEqual(self.run_of_an_agent(), ("master.test", 200))
        self.assertEqual(self.served_by(), ["master.test", "replica.test", "master.test"])

    def test_a_fault_that_nobody_knows_is_refused(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.lab.control("POST", "/v1/faults", {"host": "master.test", "what": "gremlins"})
        self.addCleanup(refused.exception.close)
        self.assertEqual(refused.exception.code, 400)
        self.assertIn("gremlins", json.loads(refused.exception.read())["error"])


if __name__ == "__main__":
    unittest.main()
