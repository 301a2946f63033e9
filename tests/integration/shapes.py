# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks what `--format json` prints against the shapes beside the commands."""
import json
import os

TYPES = {'string': str, 'integer': int, 'number': (int, float), 'boolean': bool, 'null': type(None), 'array': list,
         'object': dict}


def check(value, shape, where='$'):
    """A value against the subset of JSON Schema that tools/virsh/json/README.md describes."""
    kinds = shape['type'] if isinstance(shape['type'], list) else [shape['type']]
    assert any(isinstance(value, TYPES[k]) and not (k in ('integer', 'number') and isinstance(value, bool))
               for k in kinds), f'{where} is {value!r}, not {kinds}'
    if isinstance(value, list):
        for number, item in enumerate(value):
            check(item, shape['items'], f'{where}[{number}]')
    if isinstance(value, dict):
        properties = shape.get('properties', {})
        for key, sub in properties.items():
            assert key in value or sub.get('optional'), f'{where} lacks {key}'
        for key, item in value.items():
            assert key in properties or 'additional' in shape, f'{where} has the unknown key {key}'
            check(item, properties.get(key) or shape['additional'], f'{where}.{key}')


def load(folder, name):
    with open(os.path.join(folder, name + '.json'), encoding='utf-8') as f:
        return json.load(f)
