"""A segment as PHP writes it, with many variables: one by one would take time that grows with their
square. src/sysv/layout.hpp has the bytes."""

import ctypes
import struct

from processes import Failure, libc

IPC_CREAT, IPC_EXCL = 0o1000, 0o2000
CHUNK = struct.Struct("@qqq4s12x")  # key, length, distance to the next; text; PHP's room
HEADER = struct.Struct("@8sqqqq")   # magic, start, end, free, total
ROOM = 4096                         # that is left: a segment filled to its last byte is a case of its own

libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]


def fill(key, numbers):
    """Makes the segment, with these variables in this order; each is 0."""
    chunks = b"".join(CHUNK.pack(number, 4, CHUNK.size, b"i:0;") for number in numbers)
    end = HEADER.size + len(chunks)
    put(key, HEADER.pack(b"PHP_SM\0\0", HEADER.size, end, ROOM, end + ROOM) + chunks + bytes(ROOM))


def put(key, data):
    identifier = libc.shmget(key, len(data), IPC_CREAT | IPC_EXCL | 0o600)
    address = libc.shmat(identifier, None, 0) if identifier != -1 else None
    if address in (None, ctypes.c_void_p(-1).value):
        raise Failure(f"no segment of {len(data)} bytes can be made at key {key:#x}")
    ctypes.memmove(address, data, len(data))
    libc.shmdt(address)
