#!/usr/bin/env python3
"""Draws docs/images/demo.svg from the record of scripts/demo: voltage, current and temperature of both cells against time.

    build/release/bin/cellrig export 1 --db build/demo/demo.db --output build/demo/run-1.csv --overwrite
    build/release/bin/cellrig export 2 --db build/demo/demo.db --output build/demo/run-2.csv --overwrite
    docs/images/make_demo_plot.py build/demo/run-1.csv build/demo/run-2.csv docs/images/demo.svg

Standard library only. Each line is the least and the greatest value of every pixel column, so no peak is lost.
"""

import csv
import math
import sys
from pathlib import Path

WIDTH, LEFT, RIGHT = 960, 64, 16
TOP, PANEL_HEIGHT, PANEL_GAP, BOTTOM = 74, 150, 22, 44
COLORS = ["#0b6fb8", "#c9540a"]
LABELS = ["ch1: fast charge 15 to 90 %", "ch2: reference test, three cycles, reference test"]
PANELS = [
    ("voltage_V", "voltage / V", (2.4, 4.4), 0.5),
    ("current_A", "current / A", (-6.0, 6.0), 2.0),
    ("cell_temperature_degC", "cell / °C", (20.0, 45.0), 5.0),
]
FAST_CHARGE = "fast charge"


def read_run(path):
    """Columns of one run as lists; a value that was not measured is None. `test_time_h` is added."""
    run = {"test_time_h": [], "step_name": [], **{name: [] for name, *_ in PANELS}}
    with Path(path).open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            run["test_time_h"].append(float(row["test_time_s"]) / 3600)
            run["step_name"].append(row["step_name"])
            for name, *_ in PANELS:
                run[name].append(float(row[name]) if row[name] else None)
    return run


class Panel:
    """One pair of axes. `hours` is the length of the time axis."""

    def __init__(self, index, bounds, hours):
        self.top = TOP + index * (PANEL_HEIGHT + PANEL_GAP)
        self.low, self.high = bounds
        self.hours = hours

    def x(self, hour):
        return LEFT + (WIDTH - LEFT - RIGHT) * hour / self.hours

    def y(self, value):
        return self.top + PANEL_HEIGHT * (self.high - value) / (self.high - self.low)

    def line(self, hours, values, color):
        """First, least, greatest and last value of each pixel column, in the order of time."""
        columns = {}
        for hour, value in zip(hours, values):
            if value is not None:
                columns.setdefault(int(self.x(hour)), []).append(value)
        points = []
        for column, inside in columns.items():
            least, greatest = inside.index(min(inside)), inside.index(max(inside))
            for at in sorted({0, least, greatest, len(inside) - 1}):
                points.append(f"{column},{self.y(inside[at]):.1f}")
        kept = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
        return f'<polyline points="{" ".join(kept)}" fill="none" stroke="{color}" stroke-width="1.4" stroke-linejoin="round"/>'

    def frame(self, label, tick):
        parts = []
        value = math.ceil(self.low / tick) * tick
        while value <= self.high:
            y = self.y(value)
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e3e3"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
            value += tick
        middle = self.top + PANEL_HEIGHT / 2
        parts.append(f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{label}</text>')
        parts.append(f'<rect x="{LEFT}" y="{self.top}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL_HEIGHT}" fill="none" stroke="#999"/>')
        return parts


def fast_charge_band(run, hours, bottom):
    inside = [hour for hour, name in zip(run["test_time_h"], run["step_name"]) if name == FAST_CHARGE]
    if not inside:
        return []
    panel = Panel(0, (0, 1), hours)
    left, right = panel.x(inside[0]), panel.x(inside[-1])
    minutes = (inside[-1] - inside[0]) * 60
    return [
        f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{bottom - TOP}" fill="{COLORS[0]}" opacity="0.12"/>',
        f'<text x="{right + 8:.1f}" y="{Panel(2, PANELS[2][2], hours).y(42.7):.1f}" fill="{COLORS[0]}">'
        f"15 to 90 %: {minutes:.1f} min</text>",
    ]


def draw(runs):
    hours = max(run["test_time_h"][-1] for run in runs)
    height = TOP + len(PANELS) * PANEL_HEIGHT + (len(PANELS) - 1) * PANEL_GAP + BOTTOM
    bottom = height - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="16">scripts/demo: two LG M50 cells on one bench (simulated)</text>',
    ]
    for i, label in enumerate(LABELS):
        x = LEFT + 300 * i
        parts.append(f'<line x1="{x}" x2="{x + 24}" y1="50" y2="50" stroke="{COLORS[i]}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 32}" y="54">{label}</text>')
    parts += fast_charge_band(runs[0], hours, bottom)
    for index, (name, label, bounds, tick) in enumerate(PANELS):
        panel = Panel(index, bounds, hours)
        parts += panel.frame(label, tick)
        # The shorter run last, so that it is not hidden.
        for i in reversed(range(len(runs))):
            parts.append(panel.line(runs[i]["test_time_h"], runs[i][name], COLORS[i]))
    axis = Panel(0, (0, 1), hours)
    for hour in range(0, int(hours) + 1, 2):
        parts.append(f'<text x="{axis.x(hour):.1f}" y="{bottom + 18}" text-anchor="middle">{hour}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 36}" text-anchor="middle">test time / h</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    runs = [read_run(path) for path in sys.argv[1:3]]
    Path(sys.argv[3]).write_text(draw(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
