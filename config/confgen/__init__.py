# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generator of configuration files: parse (text -> model), check (rules), then one module per output."""
