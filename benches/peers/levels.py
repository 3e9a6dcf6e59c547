#!/usr/bin/env python3
"""The levels of compression beside libpng's, as one table: bytes, and processor seconds.

usage: levels.py LAYOUT.json

The layout as in run.py, of one part. gangsheet renders it at each level, everything included; libvips writes the finished part's pixels, which it
has in memory, by libpng at its levels with its default choice of filters. Needs `cargo build --release --features cli`, libvips and
`pip install pyvips`, and memory for the part's pixels.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

import pyvips

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "target", "release", "gangsheet")


def processor_seconds(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def measured(who, work):
    before = processor_seconds(who)
    work()
    return processor_seconds(who) - before


def row(name, seconds, path):
    print(f"| {name} | {seconds:.2f} | {os.path.getsize(path)} |", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        layout = json.load(file)
    print("| by | CPU s | bytes |\n|---|---|---|")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(sys.argv[1]))) as folder:
        for level in ("fast", "balanced", "small"):
            layout["output"] = {**layout.get("output", {}), "name": "part", "compression": level}
            path = os.path.join(folder, "layout.json")
            with open(path, "w") as file:
                json.dump(layout, file)
            command = [PROGRAM, "--log-level", "error", "--progress", "none", "render", "--layout", path, "-o", os.path.join(folder, level)]
            seconds = measured(resource.RUSAGE_CHILDREN, lambda: subprocess.run(command, check=True, capture_output=True))
            row(f"gangsheet, {level}, whole render", seconds, os.path.join(folder, level, "part.png"))
        pixels = pyvips.Image.new_from_file(os.path.join(folder, "fast", "part.png")).copy_memory()
        out = os.path.join(folder, "libpng.png")
        for level in (1, 6, 9):
            seconds = measured(resource.RUSAGE_SELF, lambda: pixels.pngsave(out, compression=level, filter=pyvips.enums.ForeignPngFilter.ALL))
            row(f"libpng, level {level}, encoder alone", seconds, out)


main()
