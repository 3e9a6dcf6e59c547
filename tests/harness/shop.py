"""What the harness scripts share: a small job of several parts, the program, and what may lie in its output folder."""

import hashlib
import json
import os
import random
import struct
import subprocess
import zlib

# A run that takes longer hangs.
TIMEOUT_S = 300


def write_png(path, width, height, seed):
    """Writes an RGBA PNG: half noise, so that parts are some hundred kilobytes, half a gradient with holes."""
    noise = random.Random(seed)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            red = noise.randrange(256) if (x // 40 + y // 40) % 2 else 40
            rows += bytes((red, x % 256, y % 256, 255 if (x + y) % 9 else 0))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunks)


class Shop:
    """A folder with a job of two parts of several bands each, which spills under the smallest limit that holds it."""

    def __init__(self, program, folder):
        self.program = os.path.abspath(program)
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)
        for name, width, height in [("a.png", 300, 200), ("b.png", 260, 310), ("c.png", 120, 120)]:
            write_png(os.path.join(self.folder, name), width, height, name)
        # Absolute paths, so that layouts are the same in whatever folder.
        a, b, c = (os.path.join(self.folder, name) for name in ("a.png", "b.png", "c.png"))
        first = [{"artwork": a, "copies": 3, "turn": "none"}, {"artwork": b, "copies": 5, "size": {"width": "3.1in"}}]
        second = [{"artwork": c, "copies": 7, "turn": 90, "size": {"width": "2in"}}, {"artwork": a, "copies": 2, "turn": 90}]
        job = {
            "version": 1, "name": "Shop", "dpi": 100, "media": {"width": "9in", "max_length": "9in"},
            "orders": [{"id": "1", "items": first}, {"id": "2", "items": second}],
        }
        self.job = self.write("job.json", job)
        # Another day's job, whose parts have the same names.
        job["output"] = {"background": "#ffffff"}
        self.other_job = self.write("other.json", job)
        self.limit = f"{max(self.smallest_limit(self.job), self.smallest_limit(self.other_job))}B"

    def smallest_limit(self, job):
        facts = self.call(["preflight", job, "--effort", "fast", "--threads", "1", "--json"], stdout=subprocess.PIPE)
        return json.loads(facts.stdout)["memory"]["smallest_limit_bytes"]

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            json.dump(content, file)
        return path

    def command(self, out, *options, job=None, threads=1):
        """The command line of a run into the folder `out`, with a log, a progress and spilled pixels."""
        limits = ["--effort", "fast", "--threads", str(threads), "--max-memory", self.limit if threads == 1 else "1G"]
        return [self.program, "render", job or self.job, "-o", out, *limits, *options]

    def call(self, arguments, **options):
        return subprocess.run([self.program, *arguments], timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)

    def render(self, out, *options, job=None):
        """Renders without disturbance; returns the result of the process."""
        return self.call(self.command(out, *options, job=job)[1:])


def content(folder):
    """The files of a folder by name, as hashes; None where there is no folder."""
    if not os.path.isdir(folder):
        return None
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def is_report_of(folder, files):
    """Whether the folder's report is whole and tells of these `files`. Its figures differ from run to run."""
    try:
        with open(os.path.join(folder, "report.json"), "rb") as file:
            report = json.load(file)
    except ValueError:
        return False
    told = {part["file"]: part["sha256"] for part in report["parts"]}
    return told == {name: digest for name, digest in files.items() if name.endswith(".png")}


def violations(folder, versions, ended, tidy):
    """What is wrong with an output folder. `versions` are what undisturbed runs left: the new one, and the old one if there was one;
    `ended` says that the run claimed to have succeeded; `tidy` that it was able to clean up."""
    found = content(folder) or {}
    wrong = []
    for name, digest in found.items():
        if name == "report.json":
            # A report tells of finished parts: then they are there.
            if not any(is_report_of(folder, files) and all(found.get(n) == files[n] for n in files if n.endswith(".png")) for files in versions):
                wrong.append("the report is torn or tells of parts that are not there")
        elif name.endswith(".partial"):
            if tidy and not name.endswith(".png.partial"):
                wrong.append(f"{name} was left behind")
        elif all(files.get(name) != digest for files in versions):
            wrong.append(f"{name} is torn or nobody's")
    if ended:
        new = versions[0]
        if found.keys() != new.keys():
            wrong.append(f"success, with {sorted(found)}")
        wrong += [f"success without {name}" for name in new if name != "report.json" and found.get(name) != new[name]]
    return wrong
