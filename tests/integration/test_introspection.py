# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The documented interfaces are those of the running service, to the letter."""

import xml.etree.ElementTree as xml

from bus import MANAGER
from fixture import ROOT

EMITS_CHANGED = 'org.freedesktop.DBus.Property.EmitsChangedSignal'


def emits_changed(element):
    for annotation in element.iter('annotation'):
        if annotation.get('name') == EMITS_CHANGED:
            return annotation.get('value')
    return 'true'


def described(element):
    """All of a method, signal or property that a caller depends on."""
    if element.tag == 'property':
        return element.get('type'), element.get('access'), emits_changed(element)
    # a signal's arguments may say that they go out, or leave it
    return [(a.get('name'), a.get('type'), a.get('direction') if element.tag == 'method' else None)
            for a in element.iter('arg')]


def interfaces(text):
    """{interface: {(tag, name): what it is}} of our own interfaces."""
    return {i.get('name'): {(e.tag, e.get('name')): described(e) for e in i if e.tag != 'annotation'}
            for i in xml.fromstring(text).iter('interface') if i.get('name').startswith('org.segue.')}


def test_the_documented_interfaces_are_those_of_the_service(segue):
    paths = [MANAGER, segue.create('synth').path, segue.create('room', 'convolver').path, segue.generate('sine')]
    running = {}
    for path in paths:
        running |= interfaces(segue.bus.call(path, 'org.freedesktop.DBus.Introspectable', 'Introspect'))
    assert running == interfaces((ROOT / 'module/org.segue.Segue1.xml').read_text())


def test_everything_documented_has_its_words():
    """A comment stands before each method and signal."""
    source = (ROOT / 'module/org.segue.Segue1.xml').read_text()
    tree = xml.fromstring(source, xml.XMLParser(target=xml.TreeBuilder(insert_comments=True)))
    for interface in tree.iter('interface'):
        commented = False
        for child in interface:
            if child.tag is xml.Comment:
                commented = True
            elif child.tag in ('method', 'signal'):
                assert commented, f'{interface.get("name")}.{child.get("name")}'
                commented = False
