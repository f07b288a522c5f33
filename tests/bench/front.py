"""nginx in front of every contender: one nginx, the shipped configuration, a server for each."""

import os
import re
import socket
import urllib.request

from processes import Failure, Program, children

MODULES = "/usr/lib/nginx/modules"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def block(text, head):
    """The block of an nginx configuration that begins with these words, to its closing brace."""
    begin = text.find(head)
    if begin == -1:
        raise Failure(f"nginx/nginx.conf has no “{head}” any more: tests/bench/front.py wants it")
    depth = 0
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if text[at] == "}" and depth == 0:
            return text[begin:at + 1]
    raise Failure(f"nginx/nginx.conf has no end of “{head}”")


class Shipped:
    """nginx/nginx.conf, and copies of its parts for pools other than the shipped one."""

    def __init__(self, repository):
        self.repository = repository
        self.text = self.contents("nginx/nginx.conf")

    def contents(self, path):
        with open(f"{self.repository}/{path}", encoding="utf-8") as file:
            return file.read()

    def upstream(self, name):
        """The shipped upstream, connections kept and all, to the socket STATE/NAME.sock."""
        text = block(self.text, "upstream visits {")
        return text.replace("upstream visits", f"upstream {name}").replace(
            "/visits.sock", f"/{name}.sock")

    def server(self, name, port):
        """The shipped server with all its locations, in front of that upstream."""
        text = re.sub(r'include "@HERE@/(.*?)";',
                      lambda match: self.contents(f"nginx/{match[1]}"), block(self.text, "server {"))
        text = text.replace("fastcgi_pass visits;", f"fastcgi_pass {name};")
        return re.sub(r'listen "@LISTEN@" default_server', f"listen 127.0.0.1:{port}", text)

    def with_parts(self, main, http, workers):
        text = self.text.replace("events {", main + "\nevents {", 1)
        text = text.replace("  server {", http + "\n  server {", 1)
        if workers:
            text = text.replace("worker_processes auto;", f"worker_processes {workers};")
        return text


def plain_server(port, location):
    """A server that has nothing but one location."""
    return f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {location} }} }}\n"


class Front:
    """The one nginx. `state` is the folder of the pools' sockets."""

    def __init__(self, repository, state, contenders, workers):
        shipped = Shipped(repository)
        self.status_port = free_port()
        self.own_requests = 0
        http = ("lua_shared_dict visits 1m;\n" if any(c.name == "lua" for c in contenders) else "")
        http += "".join(contender.nginx(shipped) for contender in contenders)
        http += plain_server(self.status_port, "stub_status;")
        main = "".join(f"load_module {MODULES}/{module}.so;\n"
                       for module in ("ndk_http_module", "ngx_http_lua_module")
                       if any(c.name == "lua" for c in contenders))
        template = f"{state}/nginx.conf.in"
        with open(template, "w", encoding="utf-8") as file:
            file.write(shipped.with_parts(main, http, workers))
        port = next((c.port for c in contenders if c.name == "visits"), None) or free_port()
        self.program = Program(
            [f"{repository}/nginx/front"], f"{state}/nginx.log", STATE=state, PORT=str(port),
            NGINX_USER="root", TEMPLATE=template, ACCESS_LOG="off")

    def expect(self):
        self.program.expect("does not answer", lambda: self.status() is not None)

    def stop(self):
        self.program.stop()

    def workers(self):
        return children(self.program.pid)

    def status(self):
        """nginx's own figures, or None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/", timeout=5) as page:
                self.own_requests += 1
                return page.read().decode()
        except OSError:
            return None

    def received(self):
        """Requests that nginx has had so far, without such questions."""
        return int(re.search(r"\n\s*\d+ \d+ (\d+)", self.status())[1]) - self.own_requests

    def is_quiet(self):
        """Whether no client is connected but the one that asks."""
        return int(re.search(r"Active connections: (\d+)", self.status())[1]) == 1
