# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Build Segue in every way its tests want, run them, and count.

Builds live below build/: the plain one in build/ itself, one for each sanitizer in a folder of it. The
last line reads `N passed, N failed`; the exit status is 0 when nothing failed.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLANG = 'clang-22'


@dataclass
class Build:
    """One way to build the tree, and how its C tests are run."""
    name: str
    path: str
    what: str
    setup: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    select: list = field(default_factory=list)  # of `meson test`; empty: all


BUILDS = [
    Build('plain', 'build', 'unit tests'),
    Build('asan', 'build/asan', 'unit tests, AddressSanitizer and UBSan',
          ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dwerror=true'],
          {'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1'}),
    Build('tsan', 'build/tsan', 'unit tests, ThreadSanitizer',
          ['-Db_sanitize=thread', '-Db_lundef=false'],
          {'CC': CLANG, 'TSAN_OPTIONS': 'halt_on_error=1'}, ['--suite', 'unit']),
    # meson has no name for this sanitizer
    Build('rtsan', 'build/rtsan', 'unit tests, RealtimeSanitizer',
          ['-Dc_args=-fsanitize=realtime -Werror=function-effects', '-Dc_link_args=-fsanitize=realtime',
           '-Db_lundef=false', '-Dwerror=true'],
          {'CC': CLANG}),
]


class Counts:
    """Results of one step, read from a JUnit file."""

    def __init__(self, step):
        self.step = step
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0

    def read(self, path):
        for case in xml.parse(path).iter('testcase'):
            if case.find('failure') is not None or case.find('error') is not None:
                self.failed += 1
            elif case.find('skipped') is not None:
                self.skipped += 1
            else:
                self.passed += 1

    def __str__(self):
        skipped = f', {self.skipped} skipped' if self.skipped else ''
        return f'{self.step:44} {self.passed:5} passed {self.failed:3} failed{skipped}  ({self.seconds:.0f} s)'


def heading(text):
    print(f'\n== {text}', flush=True)


def environment(extra, runtime):
    """The user's, without what leads to the user's own audio and bus."""
    lost = 'DBUS_SESSION_BUS_ADDRESS', 'PIPEWIRE_REMOTE', 'PIPEWIRE_RUNTIME_DIR', 'PULSE_SERVER'
    env = {k: v for k, v in os.environ.items() if k not in lost}
    return env | {'HOME': runtime, 'XDG_RUNTIME_DIR': runtime, 'LC_ALL': 'C.UTF-8'} | extra


def make(build, env):
    """Configure a build where that is due, and compile. False if it can't be."""
    heading(f'build: {build.path}')
    path = ROOT / build.path
    if not (path / 'build.ninja').exists():
        if subprocess.run(['meson', 'setup', path, ROOT, *build.setup], env=env).returncode != 0:
            return False
    return subprocess.run(['ninja', '-C', path, '--quiet'], env=env).returncode == 0


def run_meson(build, names, env, counts):
    path = ROOT / build.path
    chosen = list(build.select)
    if names:
        listed = subprocess.run(['meson', 'test', '-C', path, '--list', *chosen], env=env,
                                capture_output=True, text=True).stdout.splitlines()
        tests = [line.split(' / ')[-1] for line in listed]
        chosen += [t for t in tests if any(n in t for n in names)]
        if len(chosen) == len(build.select):
            return
    heading(build.what)
    log = path / 'meson-logs/testlog.junit.xml'
    log.unlink(missing_ok=True)
    status = subprocess.run(['meson', 'test', '-C', path, '--no-rebuild', '--print-errorlogs', *chosen],
                            env=env).returncode
    if log.exists():
        counts.read(log)
    counts.failed += status != 0 and counts.failed == 0


def run_pytest(names, everything, env, counts):
    log = ROOT / 'build/integration.junit.xml'
    log.unlink(missing_ok=True)
    heading(counts.step)
    command = [sys.executable, '-m', 'pytest', '-q', '--timeout=180', f'--junitxml={log}',
               '-p', 'no:cacheprovider', '--durations=5', '-rs', ROOT / 'tests/integration']
    if not everything:
        command += ['-m', 'not slow']
    if names:
        # names of C tests may have spaces, which -k reads otherwise
        command += ['-k', ' or '.join(f'({" and ".join(n.split())})' for n in names)]
    status = subprocess.run(command, env=env, cwd=ROOT).returncode
    if log.exists():
        counts.read(log)
    # 5: nothing was selected, which is what a name of a C test does
    counts.failed += status not in (0, 5) and counts.failed == 0


def main():
    parser = argparse.ArgumentParser(prog='tests/run', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', metavar='NAME', nargs='*', help='only tests whose name contains it')
    parser.add_argument('--all', action='store_true', help='the slow ones, too')
    parser.add_argument('--build', choices=[b.name for b in BUILDS], help='only the C tests of this build')
    parser.add_argument('--as-built', action='store_true', help='only integration tests, of the plain build as it is')
    args = parser.parse_args()

    steps = []
    with tempfile.TemporaryDirectory(prefix='segue-run.') as runtime:
        for build in BUILDS:
            if args.build in (None, build.name) and not args.as_built:
                env = environment(build.env, runtime)
                counts = Counts(build.what)
                steps.append(counts)
                began = time.monotonic()
                if make(build, env):
                    run_meson(build, args.names, env, counts)
                else:
                    counts.failed += 1
                counts.seconds = time.monotonic() - began
        if args.build is None:
            counts = Counts('integration tests')
            steps.append(counts)
            began = time.monotonic()
            run_pytest(args.names, args.all, environment({
                'SEGUE_BUILD': str(ROOT / ('build' if args.as_built else 'build/asan')),
                'SEGUE_PLAIN_BUILD': str(ROOT / 'build'),
                'SEGUE_RTSAN_BUILD': str(ROOT / 'build/rtsan'),
                'PYTHONDONTWRITEBYTECODE': '1'}, runtime), counts)
            counts.seconds = time.monotonic() - began

    heading('summary')
    for counts in steps:
        print(counts)
    passed, failed = sum(c.passed for c in steps), sum(c.failed for c in steps)
    if passed + failed == 0 and args.names:
        print(f'tests/run: no test has {" or ".join(args.names)} in its name', file=sys.stderr)
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed != 0 or passed == 0)


try:
    main()
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
