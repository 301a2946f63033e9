# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test runner behind ./check: discovery, containment with leak checks, results. See ../README.md."""
