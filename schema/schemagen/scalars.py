# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scalar types: how they are named in tables, stored in C and written in an RNG grammar."""
import re


class Scalar:
    """A type of attribute or text. needs_max: the table must bound its length."""

    def __init__(self, ctype, code, align, needs_max=False, has=False, rng='<text/>', words='text',
                 bits=0, width=0, unit=None):
        self.ctype, self.code, self.align = ctype, code, align
        self.needs_max, self.has, self.rng, self.words = needs_max, has, rng, words
        self.bits, self.width, self.unit = bits, width, unit


def data(kind):
    return f'<data type="{kind}"/>'


def choice(*values):
    return '<choice>' + ''.join(f'<value>{v}</value>' for v in values) + '</choice>'


FIXED = {
    'string': Scalar('char *', 'XML_STRING', 8, needs_max=True),
    'raw': Scalar('char *', 'XML_RAW', 8, needs_max=True, words='any elements'),
    'bitmap': Scalar('struct Bitmap *', 'XML_BITMAP', 8, needs_max=True, words='set such as 0-3,^2'),
    'yesno': Scalar('Tristate', 'XML_YESNO', 1, rng=choice('yes', 'no'), words='yes, no'),
    'onoff': Scalar('Tristate', 'XML_ONOFF', 1, rng=choice('on', 'off'), words='on, off'),
    'present': Scalar('bool', 'XML_PRESENT', 1, rng='<empty/>', words='empty element'),
    'uuid': Scalar('guint8', 'XML_UUID', 1, has=True, words='UUID'),
    'mac': Scalar('guint8', 'XML_MAC', 1, has=True, words='hardware address'),
}
ARRAYS = {'uuid': 16, 'mac': 6}


def lookup(name):
    """The scalar type of that name, or None."""
    if name in FIXED:
        return FIXED[name]
    match = re.match(r'^([ui])(8|16|32|64)$', name)
    if match:
        sign, bits = match[1], int(match[2])
        kind = 'XML_UINT' if sign == 'u' else 'XML_INT'
        rng = data('unsignedLong' if sign == 'u' else 'long')
        return Scalar(f"g{'u' if sign == 'u' else ''}int{bits}", kind, bits // 8, rng=rng,
                      words='number', bits=bits)
    match = re.match(r'^x(8|16|32|64)\.(\d)(U?)$', name)
    if match:
        bits = int(match[1])
        return Scalar(f'guint{bits}', 'XML_HEX_UPPER' if match[3] else 'XML_HEX', bits // 8,
                      words='number, hexadecimal', bits=bits, width=int(match[2]))
    match = re.match(r'^o(16|32)\.(\d)$', name)
    if match:
        bits = int(match[1])
        return Scalar(f'guint{bits}', 'XML_OCTAL', bits // 8, words='number, octal', bits=bits, width=int(match[2]),
                      rng='<data type="string"><param name="pattern">[0-7]+</param></data>')
    match = re.match(r'^size\.(B|KiB|MiB)$', name)
    if match:
        shift = {'B': 0, 'KiB': 10, 'MiB': 20}[match[1]]
        return Scalar('guint64', 'XML_SIZE', 8, words=f'size, kept in {match[1]}',
                      rng=data('unsignedLong'), bits=64, width=shift,
                      unit={'B': 'bytes', 'KiB': 'KiB', 'MiB': 'M'}[match[1]])
    return None
