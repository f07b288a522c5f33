"""A FastCGI client, for what is asked of a pool without nginx: one request at a time."""

import socket
import struct

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
RESPONDER, KEEP_CONNECTION = 1, 1


def record(kind, content=b""):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def pair(name, value):
    # Lengths of 128 and more take four bytes.
    lengths = [struct.pack(">I", 1 << 31 | len(text)) if len(text) > 127 else bytes([len(text)])
               for text in (name, value)]
    return b"".join(lengths) + name + value


def request(keep=True, **params):
    """The bytes of a GET as nginx sends it, with these parameters besides."""
    all_params = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/", "REQUEST_START": "1800000000.000",
                  "REMOTE_ADDR": "127.0.0.1", **params}
    pairs = b"".join(pair(name.encode(), value.encode()) for name, value in all_params.items())
    begin = struct.pack(">HB5x", RESPONDER, KEEP_CONNECTION if keep else 0)
    return record(BEGIN_REQUEST, begin) + record(PARAMS, pairs) + record(PARAMS) + record(STDIN)


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        try:
            self.socket.connect(path)
        except OSError:
            self.close()
            raise

    def close(self):
        self.socket.close()

    def ask(self, message):
        """All bytes of the answer."""
        self.socket.sendall(message)
        answer = b""
        while not is_whole(answer):
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the answer has no end")
            answer += more
        return answer


def is_whole(answer):
    return any(kind == END_REQUEST for kind, _ in records(answer))


def records(answer):
    while len(answer) >= 8:
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", answer[:8])
        size = 8 + length + padding
        if len(answer) < size:
            return
        yield kind, answer[8:8 + length]
        answer = answer[size:]


def output(answer):
    """What the responder wrote: headers and body."""
    return b"".join(content for kind, content in records(answer) if kind == STDOUT)


def answers(path, message):
    """Whether a pool at that socket gives a page to that request."""
    try:
        connection = Connection(path)
        with connection.socket:
            return b"visits so far" in output(connection.ask(message))
    except OSError:
        return False
