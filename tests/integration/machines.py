# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Two machines joined by a cable: network namespaces and a veth pair, and in each a session as fixture.py has it.

Both share CLOCK_MONOTONIC, which the drivers' clocks run on: a time on one is a time on the other.
"""

import contextlib
import os
import re
import subprocess

from fixture import ROOT, Session, wait_until

ADDRESSES = '10.77.0.1', '10.77.0.2'
MULTICAST = '224.0.0.0/4'
RTP = (ROOT / 'examples/rtp.conf').read_text()


def with_latency(msec):
    """rtp.conf for late packets, as a busy machine has them."""
    return re.sub(r'(sess.latency.msec) = \d+', rf'\1 = {msec}', RTP)


class Network:
    """Two namespaces, 0 and 1. As root, or as a user who may have a namespace of users."""

    def __init__(self):
        self.processes = []
        self._as_user = [] if os.geteuid() == 0 else ['--user', '--preserve-credentials']
        try:
            self._unshare([], ['--user', '--map-root-user'] if self._as_user else [])
            self._unshare(self._enter_users(), [])
            self._join()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """The namespaces and the cable go with their last process."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _enter_users(self):
        return ['nsenter', '--target', str(self.processes[0].pid), *self._as_user] if self._as_user else []

    def _unshare(self, wrapper, options):
        """A process that does nothing but have a namespace."""
        ours = os.readlink('/proc/self/ns/net')
        process = subprocess.Popen([*wrapper, 'unshare', '--net', *options, 'sleep', 'infinity'])
        self.processes.append(process)

        def is_elsewhere():
            if process.poll() is not None:
                raise OSError('no network namespace can be made')
            return os.readlink(f'/proc/{process.pid}/ns/net') != ours
        wait_until('namespace', is_elsewhere)

    def enter(self, machine):
        """What a command begins with that runs there."""
        return ['nsenter', '--target', str(self.processes[machine].pid), '--net', *self._as_user]

    def _ip(self, machine, *args):
        subprocess.run([*self.enter(machine), 'ip', *args], check=True)

    def _join(self):
        self._ip(0, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns',
                 str(self.processes[1].pid))
        for machine, address in enumerate(ADDRESSES):
            self._ip(machine, 'link', 'set', 'lo', 'up')
            self._ip(machine, 'address', 'add', f'{address}/24', 'dev', 'eth0')
            self._ip(machine, 'link', 'set', 'eth0', 'up')
            self._ip(machine, 'route', 'add', MULTICAST, 'dev', 'eth0')

    def cut(self):
        """One of them loses its carrier, the other its routes."""
        self._ip(1, 'link', 'set', 'eth0', 'down')

    def mend(self):
        self._ip(1, 'link', 'set', 'eth0', 'up')
        self._ip(1, 'route', 'replace', MULTICAST, 'dev', 'eth0')


class Machine(Session):
    """A session whose processes all run in a namespace; its daemon has rtp.conf, with the other's address."""

    def __init__(self, network, number, configuration, in_daemon=True, **arguments):
        self.configuration = configuration.replace('192.168.1.20', ADDRESSES[1 - number])
        super().__init__(fragment=self.configuration if in_daemon else None, **arguments)
        self.wrapper = network.enter(number)

    def _told(self, *options):
        """By pw-link, which sometimes gives no answer."""
        try:
            return self.run('pw-link', *options, timeout=2).stdout
        except subprocess.TimeoutExpired:
            return ''

    def inputs_of(self, node):
        """Ports, whatever this PipeWire calls them, in their order."""
        def find():
            return [p for p in self._told('-i').split() if p.startswith(f'{node}:')]
        return wait_until(f'ports of {node}', find)

    def links(self):
        return self._told('-l')


class Machines:
    """Two of them, `here` and `there`, each with PipeWire and WirePlumber."""

    def __init__(self, configuration=RTP, **arguments):
        self.network = Network()
        self.here, self.there = (Machine(self.network, i, configuration, **arguments) for i in (0, 1))

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.network)
            for machine in self.there, self.here:
                stack.enter_context(machine)
                machine.start_wireplumber()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        return self._stack.__exit__(*exc)

    def logs(self):
        return [(f'{where}: {name}', text) for where in ('here', 'there') for name, text in getattr(self, where).logs()]

    def remove(self):
        self.here.remove()
        self.there.remove()
