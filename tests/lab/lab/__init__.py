# SPDX-License-Identifier: MIT
"""Machines for the tests: a Debian that boots in a second, with OpenSSH clients and console logins."""
