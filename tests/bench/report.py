"""results.json as Markdown."""

from figures import median, of, ratios, spread


def markdown(results):
    parts = [heading(results), goals(results), *(case(results, name) for name in results["cases"]),
             exactness(results), starts(results), flatness(results), instructions(results)]
    return "\n".join(part for part in parts if part)


def table(columns, rows):
    """The first column is text, the others are numbers."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def thousands(number):
    return f"{number:,.0f}".replace(",", " ")


def with_spread(numbers, form):
    low, high = spread(numbers)
    return f"{form(median(numbers))} ({form(low)}–{form(high)})"


def one_digit(number):
    return f"{number:.1f}"


def two_digits(number):
    return f"{number:.2f}"


def heading(results):
    machine = results["machine"]
    settings = results["settings"]
    others = [100 * share for samples in results["cases"].values()
              for contender in samples.values() for share in of(contender, "others")]
    noise = f" Other programs took {with_spread(others, one_digit)} % of it meanwhile." if others else ""
    return (f"# visits and others, behind the same nginx\n\n"
            f"{machine['processors']} processors ({machine['model']}), Linux {machine['kernel']}, "
            f"load {machine['load']:.1f} before the start.{noise}\n"
            f"{machine['nginx']}, {machine['php']}; {settings['workers']} workers in each pool; medians of "
            f"{settings['rounds']} rounds in turn (lowest–highest). wrk ran for {settings['seconds']} s, "
            f"ab sent {settings['requests']} requests. Load, nginx and pool shared the processors.\n\n"
            "php-fpm has opcache, looks for no newer page, and loads only what the page needs; nginx keeps no connection to\n"
            "it, because each would hold a worker. ab speaks HTTP/1.0: the tutorial's page, without a Content-Length, ends its\n"
            "connections, kept or not.\n")


def title(results, name):
    return results["contenders"][name]


def case(results, name):
    samples = results["cases"][name]
    rows = [row(results, samples, contender) for contender in by_speed(samples)]
    return (f"## {results['titles'][name]}\n\n" + table(
        ["", "requests/s", *(f": {name}" for name in others_in(samples)), "p50, µs", "p99, µs", "CPU of pool, µs",
         "of nginx, µs", "of ab or wrk, µs", "failed"], rows))


def others_in(samples):
    """Those that all are held against."""
    return [name for name in ("before", "php", "floor") if name in samples]


def by_speed(samples):
    return sorted(samples, key=lambda name: -median(of(samples[name], "per_second")))


def row(results, samples, name):
    own = samples[name]
    return [title(results, name), with_spread(of(own, "per_second"), thousands),
            *(ratio(samples, name, other, "per_second") for other in others_in(samples)),
            thousands(median(of(own, "p50"))), thousands(median(of(own, "p99"))),
            with_spread(of(own, "pool"), one_digit), with_spread(of(own, "nginx"), one_digit),
            one_digit(median(of(own, "client"))),
            sum(of(own, "failed"))]


def ratio(samples, name, other, figure):
    if name == other or other not in samples:
        return ""
    return with_spread(ratios(of(samples[name], figure), of(samples[other], figure)), two_digits)


def goals(results):
    """What is asked of visits, and what was seen."""
    rows = [row for name, samples in results["cases"].items() if "visits" in samples
            for row in goals_of(name, samples)]
    rows += goals_of_pool(results)
    return "## Goals\n\n" + table(["", "wanted", "seen"], rows) if rows else ""


def goals_of(name, samples):
    _, kept, concurrency = name.split("-")
    if kept == "keep" and concurrency != "1" and "php" in samples:
        yield [f"{name}: requests/s, to php-fpm's", "≥ 5", ratio(samples, "visits", "php", "per_second")]
    if kept == "close" and "php" in samples:
        yield [f"{name}: requests/s, to php-fpm's", "≥ 1", ratio(samples, "visits", "php", "per_second")]
    if "floor" in samples:
        yield [f"{name}: requests/s, to the floor's", "≥ 0.95",
               ratio(samples, "visits", "floor", "per_second")]
        yield [f"{name}: CPU of nginx and pool, the floor's to it", "≥ 0.95",
               with_spread(ratios(cpu(samples["floor"]), cpu(samples["visits"])), two_digits)]
    if concurrency == "100" and "php" in samples:
        ours, theirs = median(of(samples["visits"], "p99")), median(of(samples["php"], "p50"))
        yield [f"{name}: p99, and php-fpm's p50, µs", "less", f"{thousands(ours)}, {thousands(theirs)}"]


def cpu(samples):
    return [pool + nginx for pool, nginx in zip(of(samples, "pool"), of(samples, "nginx"))]


def goals_of_pool(results):
    pools = results.get("starts", {})
    if "visits" in pools:
        own = pools["visits"]
        yield ["from pool start to first answer, ms", "≤ 50", with_spread(own["milliseconds"], one_digit)]
        yield ["private memory of an idle worker, KiB", "≤ 1024", thousands(median(own["private"]) / 1024)]
    for what, points in results.get("flatness", {}).items():
        if "floor" in what:
            continue
        yield [f"CPU of the pool over {what}, highest to lowest median", "≤ 1.10", two_digits(steepness(points))]


def steepness(points):
    medians = [median(times) for times in points.values()]
    return max(medians) / min(medians)


def exactness(results):
    rows = [[title(results, name), thousands(tally["answered"]), thousands(tally["received"]),
             thousands(tally["counted"]), "yes" if tally["exact"] else "**no**"]
            for name, tally in results["exactness"].items() if "counted" in tally]
    return ("## Counters\n\nA counter is exact when it is no less than the answers that ab and wrk report, and no more than\n"
            "the requests that nginx received: wrk ends in the midst of requests.\n\n" +
            table(["", "answered", "received", "counted", "exact"], rows)) if rows else ""


def starts(results):
    rows = [[title(results, name), with_spread(own["milliseconds"], one_digit),
             with_spread([size / 1024 for size in own["private"]], thousands)]
            for name, own in results.get("starts", {}).items()]
    return "## Starting, and memory\n\n" + table(
        ["", "start to first answer, ms", "private memory of an idle worker, KiB"], rows) if rows else ""


def flatness(results):
    parts = [table([what, "CPU of the pool for a request, µs"],
                   [[thousands(int(point)), with_spread(times, two_digits)] for point, times in points.items()])
             for what, points in results.get("flatness", {}).items()]
    return ("## Cost of a request in the pool\n\nWithout nginx, one request at a time, so that each wakes a worker once, and all on one processor.\n\n" +
            "\n".join(parts)) if parts else ""


def own_title(name):
    return {"visits": "visits", "before": "visits before", "floor": "the floor"}[name]


def instructions(results):
    parts = []
    for name, own in results.get("instructions", {}).items():
        rows = [[f"`{function}`", thousands(count), f"{100 * count / own['total']:.1f} %"]
                for function, count in own["functions"][:30]]
        callers = [[f"`{caller}`", one_digit(count)] for caller, count in own["allocating"]]
        parts.append(f"{own_title(name)}: {thousands(own['total'])} instructions, "
                     f"{one_digit(own['allocations'])} allocations.\n\n" +
                     table(["function", "instructions", "share"], rows) +
                     ("\n" + table(["allocates", "times"], callers) if callers else ""))
    return ("## User-space instructions for a request in a worker\n\nBy callgrind, without nginx; what a function itself took, without those that it calls.\n\n" +
            "\n".join(parts)) if parts else ""
