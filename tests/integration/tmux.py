# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A terminal of any size that is read as text: a tmux of its own."""

import os
import shlex
import time

from fixture import wait_until

CONFIG = '''set -g default-shell /bin/sh
set -g status off
set -g remain-on-exit on
set -g default-terminal tmux-256color
set -sg escape-time 0
'''


class Tmux:
    """A program in a terminal, ended with the terminal.

        with Tmux(session, 80, 24, 'seguectl', 'top') as terminal:
            terminal.wait_for('q quits')
    """

    def __init__(self, session, columns, rows, *command, env=None):
        self.session = session
        self.socket = session.path / f'tmux-{time.monotonic_ns()}'
        config = session.path / 'tmux.conf'
        config.write_text(CONFIG)
        words = ['env', '-u', 'TMUX', *(f'{k}={v}' for k, v in (env or {}).items()), *map(str, command)]
        # tmux itself has the status sometimes only
        self.result = self.socket.with_suffix('.status')
        self._tmux('-f', config, 'new-session', '-d', '-x', columns, '-y', rows, '-c', session.path / 'home',
                   f'trap : INT; {shlex.join(words)}; echo $? > {self.result}')

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self._tmux('kill-server')

    def _tmux(self, *args):
        return self.session.run('tmux', '-S', self.socket, *args, check=True).stdout

    def lines(self, *options):
        """What it shows, each line without the blanks at its end."""
        return self._tmux('capture-pane', '-p', *options).splitlines()

    def text(self):
        return '\n'.join(self.lines())

    def wait_for(self, *words):
        """Until it shows all of these; the lines."""
        def shown():
            lines = self.lines()
            return lines if all(word in '\n'.join(lines) for word in words) else None
        try:
            return wait_until(f'{words} in the terminal', shown)
        except AssertionError as e:
            raise AssertionError(f'{e}:\n{self.text()}') from None

    def keys(self, *keys):
        """Names as tmux has them, or text."""
        self._tmux('send-keys', *keys)

    def signal(self, number):
        """To the program."""
        shell = self._tmux('list-panes', '-F', '#{pane_pid}').strip()
        with open(f'/proc/{shell}/task/{shell}/children') as f:
            os.kill(int(f.read()), number)

    def resize(self, columns, rows):
        self._tmux('resize-window', '-x', columns, '-y', rows)

    def status(self):
        """The program's exit status, once it has ended."""
        return int(wait_until('end of the program',
                              lambda: self.result.exists() and self.result.read_text().strip()))
