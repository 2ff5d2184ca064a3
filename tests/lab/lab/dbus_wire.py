# SPDX-License-Identifier: MIT
"""Encoding of D-Bus method calls, replies and errors, little-endian, as in the D-Bus specification."""

import struct
from dataclasses import dataclass
from typing import Any, Iterator

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = 1, 2, 3, 4, 5, 6, 7, 8

_FIXED = {"y": "B", "b": "I", "u": "I", "i": "i", "t": "Q"}
_ALIGNMENT = {"y": 1, "g": 1, "v": 1, "t": 8, "(": 8, "{": 8}  # the others: 4


@dataclass(frozen=True)
class Message:
    """A received message.

    error: name of the error, "" for none; text: first argument of a call or an error if it is a text; member:
    "interface.Name" of a call.
    """

    kind: int
    reply_to: int
    error: str
    text: str
    serial: int
    member: str
    sender: str


def call(serial: int, destination: str, path: str, member: str, signature: str, values: tuple) -> bytes:
    """Encodes a method call. member: "interface.Name". Values: see marshal()."""
    interface, _, name = member.rpartition(".")
    fields = [(PATH, ("o", path)), (INTERFACE, ("s", interface)), (MEMBER, ("s", name)), (DESTINATION, ("s", destination))]
    return _message(METHOD_CALL, serial, fields, signature, values)


def reply(serial: int, to: Message, signature: str, values: tuple) -> bytes:
    """Encodes the reply to a method call."""
    fields = [(REPLY_SERIAL, ("u", to.serial)), (DESTINATION, ("s", to.sender))]
    return _message(METHOD_RETURN, serial, fields, signature, values)


def error(serial: int, to: Message, name: str, text: str) -> bytes:
    """Encodes an error as the reply to a method call."""
    fields = [(REPLY_SERIAL, ("u", to.serial)), (DESTINATION, ("s", to.sender)), (ERROR_NAME, ("s", name))]
    return _message(ERROR, serial, fields, "s", (text,))


def _message(kind: int, serial: int, fields: list, signature: str, values: tuple) -> bytes:
    body = marshal(signature, *values)
    fields = fields + ([(SIGNATURE, ("g", signature))] if signature else [])
    head = bytearray(marshal("yyyyuua(yv)", ord("l"), kind, 0, 1, len(body), serial, fields))
    _align(head, 8)
    return bytes(head) + body


def marshal(signature: str, *values: Any) -> bytes:
    """Encodes values. An array is a list, a struct or dict entry a tuple, a variant a tuple (signature, value)."""
    out = bytearray()
    for kind, value in zip(_types(signature), values, strict=True):
        _put(out, kind, value)
    return bytes(out)


def length(start: bytes) -> int:
    """Returns the length of the whole message. `start` must contain at least its first 16 bytes."""
    body, _, fields = struct.unpack_from("<III", start, 4)
    return 16 + (fields + 7) // 8 * 8 + body


def parsed(message: bytes) -> Message:
    fields = dict(_fields(message))
    kind = message[1]
    body = message[16 + (struct.unpack_from("<I", message, 12)[0] + 7) // 8 * 8 :]
    text = _text(body, 0)[0] if kind != METHOD_RETURN and fields.get(SIGNATURE, "").startswith("s") else ""
    (serial,) = struct.unpack_from("<I", message, 8)
    member = f"{fields.get(INTERFACE, '')}.{fields.get(MEMBER, '')}"
    return Message(kind, fields.get(REPLY_SERIAL, 0), fields.get(ERROR_NAME, ""), text, serial, member,
                   fields.get(SENDER, ""))


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    at, end = 16, 16 + struct.unpack_from("<I", message, 12)[0]
    while at < end:
        at = (at + 7) // 8 * 8
        code, kind = message[at], chr(message[at + 2])
        at += 4
        if kind == "g":
            size = message[at]
            value, at = message[at + 1 : at + 1 + size].decode(), at + size + 2
        elif kind == "u":
            value, at = struct.unpack_from("<I", message, at)[0], at + 4
        else:
            value, at = _text(message, at)
        yield code, value


def _text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<I", data, at)
    return data[at + 4 : at + 4 + size].decode(), at + size + 5


def _types(signature: str) -> Iterator[str]:
    """Yields the complete types of a signature."""
    at = 0
    while at < len(signature):
        end = at
        while signature[end] == "a":
            end += 1
        depth = 0
        while True:
            depth += (signature[end] in "({") - (signature[end] in ")}")
            end += 1
            if depth == 0:
                break
        yield signature[at:end]
        at = end


def _align(out: bytearray, to: int) -> None:
    out.extend(bytes(-len(out) % to))


def _put(out: bytearray, kind: str, value: Any) -> None:
    _align(out, _ALIGNMENT.get(kind[0], 4))
    if kind in _FIXED:
        out += struct.pack("<" + _FIXED[kind], value)
    elif kind == "g":
        out += bytes([len(value)]) + value.encode() + b"\0"
    elif kind in "so":
        data = value.encode()
        out += struct.pack("<I", len(data)) + data + b"\0"
    elif kind == "v":
        _put(out, "g", value[0])
        _put(out, *value)
    elif kind[0] == "a":
        _put_array(out, kind[1:], value)
    else:
        for each, inner in zip(_types(kind[1:-1]), value, strict=True):
            _put(out, each, inner)


def _put_array(out: bytearray, kind: str, values: list) -> None:
    length_at = len(out)
    out += bytes(4)
    _align(out, _ALIGNMENT.get(kind[0], 4))
    start = len(out)
    for value in values:
        _put(out, kind, value)
    struct.pack_into("<I", out, length_at, len(out) - start)
