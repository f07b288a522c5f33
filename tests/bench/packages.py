"""What the benchmark needs of Debian."""

import subprocess

PACKAGES = [
    "g++", "cmake", "make", "libfcgi-dev", "libinih-dev", "libseccomp-dev", "nlohmann-json3-dev",
    "catch2", "libcurl4-openssl-dev",  # the build
    "nginx", "libnginx-mod-http-lua", "php-fpm", "php-cli", "php-apcu", "php-redis", "redis-server",
    "apache2-utils", "wrk", "valgrind"]


def missing():
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES],
                          capture_output=True, text=True, check=False).stdout
    installed = [line.split()[0] for line in said.splitlines() if line.endswith(" installed")]
    return [package for package in PACKAGES if package not in installed]


def install(repository):
    subprocess.run([f"{repository}/.ci/install", *PACKAGES], check=True)


def build(repository, folder):
    """visitsd as it is shipped, and the floor."""
    subprocess.run(["cmake", "-S", repository, "-B", folder, "-DVISITS_TESTS=ON"],
                   stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["cmake", "--build", folder, "--parallel", "--target", "visitsd", "bench_floor",
                    "--", "--no-print-directory", "--silent"], check=True)
