#!/usr/bin/env python3
"""Whole renders of layouts by gangsheet and by its peers, turn by turn, as one table.

usage: run.py [--runs N] [--limit SIZE] [--only NAME,…] LAYOUT.json …

Layouts are what `gangsheet pack -o` writes; artwork in them must be PNG with absolute paths. Needs `cargo build --release --features cli`
before. Peers that are not installed are left out: libvips (`pip install pyvips`, and the library), Pillow (`pip install pillow`) and OpenCV
(`pip install opencv-python-headless`). Figures are the medians of N runs of whole processes (default 1); of several parts, which peers render
one after the other, the sum of times and bytes, and the largest memory.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "..", "target", "release", "gangsheet")
PEERS = {"libvips": ("pyvips", "vips.py"), "Pillow": ("PIL", "pillow.py"), "OpenCV": ("cv2", "opencv.py")}


def measured(command):
    """Wall-clock and processor seconds, and the peak resident set in MiB, of a process of its own."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def by_gangsheet(layout, parts, folder, limit):
    figures = measured([PROGRAM, "--log-level", "error", "--progress", "none", "render", "--max-memory", limit, "--layout", layout, "-o", folder])
    return *figures, sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".png"))


def by_peer(script, layout, parts, folder):
    outputs = [os.path.join(folder, f"{part}.png") for part in range(1, parts + 1)]
    figures = [measured([sys.executable, os.path.join(HERE, script), layout, str(part), out]) for part, out in enumerate(outputs, 1)]
    wall, processor, memory = zip(*figures)
    return sum(wall), sum(processor), max(memory), sum(map(os.path.getsize, outputs))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--limit", default="128MiB")
    options.add_argument("--only", default="libvips,Pillow,OpenCV")
    options.add_argument("layouts", nargs="+")
    options = options.parse_args()
    if not os.path.exists(PROGRAM):
        sys.exit("cargo build --release --features cli: the program is not there yet")
    renderers = {"gangsheet": lambda *work: by_gangsheet(*work, options.limit)}
    for name, (module, script) in PEERS.items():
        if name not in options.only.split(","):
            continue
        if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
            print(f"left out: {name}, whose Python module {module} cannot be imported", file=sys.stderr)
            continue
        renderers[name] = lambda *work, script=script: by_peer(script, *work)
    print("| layout | by | wall s | CPU s | peak RSS | output | × gangsheet's wall |\n|---|---|---|---|---|---|---|")
    for layout in options.layouts:
        with open(layout) as file:
            parts = len(json.load(file)["parts"])
        runs = {name: [] for name in renderers}
        for _ in range(options.runs):
            for name, render in renderers.items():
                folder = tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(layout)))
                try:
                    runs[name].append(render(layout, parts, folder))
                finally:
                    shutil.rmtree(folder)
        medians = {name: [statistics.median(column) for column in zip(*figures)] for name, figures in runs.items()}
        for name, (wall, processor, memory, size) in medians.items():
            by = f"gangsheet, {options.limit}" if name == "gangsheet" else name
            ratio = wall / medians["gangsheet"][0]
            title = os.path.splitext(os.path.basename(layout))[0]
            print(f"| {title} | {by} | {wall:.2f} | {processor:.2f} | {memory:.0f} MiB | {size / 1e6:.1f} MB | {ratio:.1f} |", flush=True)


main()
