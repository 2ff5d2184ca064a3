# SPDX-License-Identifier: MIT
"""Real machines for the tests: a Debian that boots in a second, real ssh clients, real consoles."""
