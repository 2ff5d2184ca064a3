# SPDX-License-Identifier: MIT
"""Virtual machines for the tests: a Debian with its own kernel, clock, virtual terminals and serial lines."""
