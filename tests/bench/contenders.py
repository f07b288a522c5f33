"""Who is compared: each starts its processes in a folder, and says what nginx has to know of it."""

import contextlib
import glob
import os
import re
import subprocess
import time
import urllib.request

import fastcgi
from front import Shipped, free_port, plain_server
from processes import Failure, Program, children, name_of, tree

PLAIN = "default_type 'text/html; charset=UTF-8';"
PHP_PAGE = "header('Content-Length: ' . strlen($text = sprintf('%d visits so far', $count)));\necho $text;"

# ../shared/tutorial.md's page, with a key of its own.
TUTORIAL = """<?php
$key = {key};
$semid = sem_get($key);
sem_acquire($semid);
$id = shm_attach($key);
if (shm_has_var($id, 0)) {{
    $count = shm_get_var($id, 0) + 1;
}} else {{
    $count = 1;
}}
shm_put_var($id, 0, $count);
shm_detach($id);
sem_release($semid);
echo sprintf("%d visits so far", $count);
"""


def free_keys():
    """Keys that name no System V object, from a range that this process has for itself."""
    first = 0x62000000 + os.getpid() % 0x10000 * 0x100
    used = subprocess.run(["ipcs"], capture_output=True, text=True, check=True).stdout
    return (key for key in range(first, first + 0x100) if f"{key:#010x}" not in used)


@contextlib.contextmanager
def scratch(key):
    """Removes what stands at the key at last."""
    try:
        yield key
    finally:
        subprocess.run(["ipcrm", "-M", str(key), "-S", str(key)],
                       stderr=subprocess.DEVNULL, check=False)


class Contender:
    counts = True   # whether its answer is a number that grows
    keeps = False   # whether nginx keeps connections to it
    is_extra = False  # only when it is named

    def __init__(self, surroundings, name=None):
        self.here = surroundings
        self.name = name or self.name
        self.port = free_port()
        self.programs = []
        self.pool = None
        self.seconds_to_answer = None

    def start(self, stack):
        """Starts its processes; the stack ends them."""

    def request(self, keep=True):
        """The bytes that get a page from its pool."""
        return fastcgi.request(keep)

    def run(self, stack, words, **environment):
        """Starts its pool, and waits for the first answer."""
        begin = time.monotonic()
        self.pool = Program(words, f"{self.here.state}/{self.name}.log", **environment)
        stack.callback(self.pool.stop)
        self.programs.append(self.pool)
        message = self.request(keep=False)
        self.pool.expect("does not answer", lambda: fastcgi.answers(self.socket(), message))
        self.seconds_to_answer = time.monotonic() - begin

    def pool_workers(self):
        """Its processes that answer."""
        return [pid for pid in children(self.pool.pid) if not name_of(pid).endswith("-status")]

    def processes(self):
        return [pid for program in self.programs for pid in tree(program.pid)]

    def count(self):
        """The number that one more visit gets."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=20) as page:
            return int(re.fullmatch(r"(\d+) visits so far\n?", page.read().decode())[1])

    def socket(self):
        return f"{self.here.state}/{self.name}.sock"


class Visits(Contender):
    name = "visits"
    title = "visits"
    keeps = True

    def nginx(self, _):
        return ""  # the shipped server itself

    def build(self):
        return self.here.build

    def words(self, key, *directives):
        words = [f"{self.build()}/visitsd", "-F"]
        for directive in (f"listen={self.socket()}", f"visits.key={key}",
                          f"pm.max_children={self.here.workers}", *directives):
            words += ["-d", directive]
        return words

    def start(self, stack, key=None):
        self.run(stack, self.words(key or stack.enter_context(scratch(next(self.here.keys)))))


class Before(Visits):
    """Another checkout's visits, behind what its nginx/ says of server and upstream."""

    name = "before"
    title = "visits before"
    is_extra = True

    def build(self):
        return f"{self.here.before}/build"

    def nginx(self, _):
        shipped = Shipped(self.here.before)
        return shipped.upstream(self.name) + "\n" + shipped.server(self.name, self.port) + "\n"


class Floor(Contender):
    name = "floor"
    title = "the floor: nothing parsed, nothing counted"
    counts = False
    keeps = True

    def nginx(self, shipped):
        return shipped.upstream(self.name) + "\n" + shipped.server(self.name, self.port) + "\n"

    def words(self):
        return [f"{self.here.build}/tests/bench/bench_floor", self.socket(),
                str(self.here.workers), self.answer()]

    def answer(self):
        """A file with the very bytes that visits answered once."""
        path = f"{self.here.state}/answer"
        if not os.path.exists(path):
            with contextlib.ExitStack() as stack:
                visits = Visits(self.here, "example")
                visits.start(stack)
                connection = fastcgi.Connection(visits.socket())
                with connection.socket, open(path, "wb") as file:
                    file.write(connection.ask(fastcgi.request()))
        return path

    def start(self, stack, _=None):
        self.run(stack, self.words())


class CountingFloor(Floor):
    """What the lock and the count cost, whatever else a pool does."""

    name = "counting-floor"
    title = "the floor that counts, under PHP's lock: nothing parsed"
    counts = True
    key = None

    def start(self, stack, key=None):
        self.key = key or stack.enter_context(scratch(next(self.here.keys)))
        self.run(stack, [*self.words(), str(self.key)])

    def count(self):
        super().count()  # its text is always the same
        read = f"echo shm_get_var(shm_attach({self.key}), 0);"
        return int(subprocess.run(["php", "-r", read], capture_output=True, text=True, check=True).stdout)


class Ceiling(Contender):
    name = "ceiling"
    title = "the ceiling: nginx alone, return 200"
    counts = False

    def nginx(self, _):
        return plain_server(self.port, f"{PLAIN} return 200 '1234567 visits so far';")


class Lua(Contender):
    name = "lua"
    title = "nginx with Lua and a shared dict"

    def nginx(self, _):
        return plain_server(self.port, PLAIN + """ content_by_lua_block {
          local text = ngx.shared.visits:incr("visits", 1, 0) .. " visits so far"
          ngx.header["Content-Length"] = #text
          ngx.print(text)
        }""")


class Php(Contender):
    """php-fpm with one page, opcache, and no extension but those that the page needs. A worker of
    php-fpm is held by the connection that nginx keeps to it, so nginx keeps none: with more visitors
    than workers the others would wait until a timeout."""

    extensions = ()

    def page_text(self, stack):
        raise NotImplementedError

    def workers(self):
        return self.here.workers

    def upstream(self):
        return f"upstream {self.name} {{ server unix:{self.socket()}; }}\n"

    def nginx(self, _):
        return self.upstream() + plain_server(self.port, f"""
          fastcgi_pass {self.name}; fastcgi_keep_conn {'on' if self.keeps else 'off'};
          fastcgi_next_upstream off; fastcgi_pass_request_headers off;
          fastcgi_param SCRIPT_FILENAME {self.page()};
          fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;""")

    def page(self):
        return f"{self.here.state}/{self.name}.php"

    def write(self, ending, text):
        path = f"{self.here.state}/{self.name}.{ending}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def words(self):
        ini = self.write("ini", "zend_extension=opcache\nopcache.validate_timestamps=0\n" +
                         "".join(f"extension={name}\n" for name in self.extensions))
        who = "user = root\ngroup = root\n" if os.geteuid() == 0 else ""
        conf = self.write("conf", f"[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n[www]\n{who}"
                          f"listen = {self.socket()}\npm = static\npm.max_children = {self.workers()}\n")
        root = ["-R"] if os.geteuid() == 0 else []
        return [program(), "-F", "-c", ini, "-y", conf, *root]

    def start(self, stack):
        self.write("php", self.page_text(stack))
        self.run(stack, self.words(), PHP_INI_SCAN_DIR="")

    def request(self, keep=True):
        return fastcgi.request(keep, SCRIPT_FILENAME=self.page())


def program():
    found = sorted(glob.glob("/usr/sbin/php-fpm[0-9]*"))
    if not found:
        raise Failure("there is no php-fpm in /usr/sbin")
    return found[-1]


class Tutorial(Php):
    name = "php"
    title = "php-fpm, the tutorial's page"
    extensions = ("sysvsem", "sysvshm")

    def page_text(self, stack):
        return TUTORIAL.format(key=stack.enter_context(scratch(next(self.here.keys))))


class KeptTutorial(Tutorial):
    """With so many workers that each connection that nginx keeps has one of its own."""

    name = "php-kept"
    title = "php-fpm, the tutorial's page, a worker for each of nginx's connections"
    keeps = True
    is_extra = True

    def workers(self):
        return 128

    def upstream(self):
        return f"upstream {self.name} {{ server unix:{self.socket()}; keepalive 128; }}\n"


class Apcu(Php):
    name = "apcu"
    title = "php-fpm with APCu"
    extensions = ("apcu",)

    def page_text(self, _):
        return f"<?php\n$count = apcu_inc('visits');\n{PHP_PAGE}\n"


class Redis(Php):
    name = "redis"
    title = "php-fpm with Redis"
    extensions = ("igbinary", "redis")

    def page_text(self, stack):
        store = f"{self.here.state}/store.sock"
        server = Program(["redis-server", "--port", "0", "--unixsocket", store, "--save", "",
                          "--appendonly", "no", "--dir", self.here.state], f"{self.here.state}/store.log")
        stack.callback(server.stop)
        self.programs.append(server)
        server.expect("does not listen", lambda: os.path.exists(store))
        return (f"<?php\n$redis = new Redis;\n$redis->pconnect('{store}');\n"
                f"$count = $redis->incr('visits');\n{PHP_PAGE}\n")


ALL = [Visits, Before, Tutorial, Apcu, Redis, Lua, Floor, CountingFloor, Ceiling, KeptTutorial]
