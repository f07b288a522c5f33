"""One bar chart, as SVG: requests per second of every contender in one case."""

from html import escape

from figures import median, of

WIDTH, LEFT, BAR, GAP, TOP = 760, 300, 26, 12, 64
ROOM = WIDTH - LEFT - 90  # the longest bar; its number stands right of it

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .note { font-size: 12px; fill: #656d76 }
  .bar { fill: #9aa4af } .bar.visits { fill: #0969da } .bar.bound { fill: #d0d7de }
  .visits { font-weight: 600 }
  .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #8d96a0 } .ground { fill: #0d1117 }
    .bar { fill: #6e7681 } .bar.visits { fill: #4493f8 } .bar.bound { fill: #30363d }
  }
"""


def svg(results, case):
    samples = results["cases"][case]
    speeds = {name: median(of(own, "per_second")) for name, own in samples.items()}
    names = sorted(speeds, key=lambda name: -speeds[name])
    height = TOP + len(names) * (BAR + GAP) + 34
    bars = "".join(bar(results, name, speeds, TOP + i * (BAR + GAP)) for i, name in enumerate(names))
    machine, settings = results["machine"], results["settings"]
    note = (f"{results['titles'][case]} · {settings['workers']} workers · median of "
            f"{settings['rounds']} rounds · {machine['processors']} processors, shared with the load")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="Requests per second, behind the same nginx">
<style>{STYLE}</style>
<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>
<text class="title" x="20" y="34">Requests answered per second, behind the same nginx</text>
{bars}<text class="note" x="20" y="{height - 16}">{escape(note)}</text>
</svg>
"""


def bar(results, name, speeds, y):
    width = max(2, ROOM * speeds[name] / max(speeds.values()))
    kind = "visits" if name == "visits" else "bound" if name in ("floor", "counting-floor", "ceiling") else ""
    middle = y + BAR / 2 + 5
    return (f'<text class="{kind}" x="{LEFT - 12}" y="{middle}" text-anchor="end">{escape(label(results, name))}</text>\n'
            f'<rect class="bar {kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3"/>\n'
            f'<text class="{kind}" x="{LEFT + width + 8:.1f}" y="{middle}">{number(speeds[name])}</text>\n')


def label(results, name):
    shorter = {"floor": "a responder that counts nothing", "counting-floor": "a responder that only counts",
               "ceiling": "nginx alone, return 200", "php": "php-fpm, the tutorial's page"}
    return shorter.get(name, results["contenders"][name])


def number(speed):
    return f"{speed:,.0f}".replace(",", " ")
