# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What all acts of the demo have: swaps that are printed as they happen."""

import sys
import time
from dataclasses import dataclass

from fixture import wait_until

RATE = 48000
ENOUGH = 1e-5   # what may be between recorded and computed, of full scale: -100 dB


@dataclass
class Heard:
    """A swap as it was heard."""
    label: str
    position: int
    fade: int       # frames


class Show:
    """Prints what happens, when it happens."""

    def __init__(self, segue, recorder, exact):
        self.segue = segue
        self.recorder = recorder
        self.exact = exact      # no other program's load makes the clock jump
        self.n_swaps = self.n_buffers = 0
        self._began = time.monotonic()
        # what was before isn't told
        self.segue.bus.dispatch()
        self._n_seen = len(self.segue.bus.signals)
        self._labels = {}       # of buffers, by their paths

    def line(self, what, text, buffer=None):
        name = '' if buffer is None else '/'.join(buffer.split('/')[-2:]) if buffer != '/' else 'silence'
        label = f'{name:10} {self._labels.get(buffer, ""):17}' if name else ''
        print(f'{time.monotonic() - self._began:7.3f} s  {what:9}  {label}{text}', flush=True)

    def _dispatch(self):
        """Tell of what the bus has told."""
        signals = self.segue.bus.signals
        self.segue.bus.dispatch()
        for _, _, member, args in signals[self._n_seen:]:
            if member == 'Finished':
                _, result, buffer, position, _, message = args
                self.line(result, message or f'at frame {position}', buffer)
            elif member == 'BufferReclaimed':
                buffer, size, age = args
                self.line('reclaimed', f'{size / 1024:.0f} KiB, {age / 1e6:.2f} s old', buffer)
        self._n_seen = len(signals)

    def wait(self, predicate, what):
        def step():
            self._dispatch()
            return predicate()
        return wait_until(what, step)

    def wait_for(self, position, seconds):
        """Until so much after a frame is recorded."""
        end = position + round(seconds * RATE)
        self.wait(lambda: self.recorder.position() >= end, f'frame {end}')

    def swap(self, node, buffer, label, fade, at=None):
        """Play a buffer that was just made, now or from a frame on; the first frame it was heard at."""
        self._labels[buffer] = label
        when = {}
        if at is not None and self.exact:
            when = {'at': at, 'late': True}
        elif at is not None:
            self.wait_for(at, 0.0)
        serial = node.set_buffer(buffer, fade=fade, **when)
        # ours no more: it lives as long as it is heard
        self.segue.release(buffer)
        self.n_buffers += 1
        self.line('queued', f'fade {fade * 1000:.0f} ms{f", for frame {at}" if when else ""}', buffer)
        return self._answer(node, serial, label)

    def clear(self, node):
        """Fade to silence within 20 ms."""
        return self._answer(node, node.clear(fade=0.02), 'silence')

    def _answer(self, node, serial, label):
        self.wait(lambda: any(f.serial == serial for f in node.all_finished()), 'answer')
        finished = node.finished(serial)
        if finished.result != 'applied':
            sys.exit(f'demo: {label} was not heard: {finished.message}')
        self.n_swaps += 1
        return finished.position
