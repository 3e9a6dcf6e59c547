#!/usr/bin/env python3
"""Prints every file of a folder with the real program, each within 256 MiB, and tells what became of it.

    cargo build --release --features cli
    python3 tests/harness/badinputs.py FOLDER [PROGRAM]

FOLDER holds MANIFEST.tsv: `path`, `format` and `expect` a line, under a heading. What is expected is one of
  accept   valid: printed at its own size
  reject   refused by name
  limit    huge or slow: printed, or refused with a limit
  either   readers disagree: printed at its own size, or refused
Nothing may panic, hang, be killed or take more than 3 seconds. Sizes are checked where Pillow is installed. Where a memory cgroup can be
made (as root), each file has one of 256 MiB, and what is killed for memory is counted. Exits with 1 if anything was not as expected; a
refusal that is expected only because other readers refuse the file is a note.
"""

import collections, csv, json, os, pathlib, shutil, signal, struct, subprocess, sys, tempfile, time, warnings

MEMORY = 256 << 20
SECONDS = 3.0
HANG_SECONDS = 30


def size_of(path):
    """Width and height as Pillow reads them, after the orientation that the file asks for; None where it cannot."""
    try:
        from PIL import Image

        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(path) as image:
            turned = image.format in ("JPEG", "TIFF", "WEBP") and image.getexif().get(0x112, 1) >= 5
            return image.size[::-1] if turned else image.size
    except Exception:
        return None


def cgroup():
    """A memory cgroup of its own for each file, and how to count what was killed in it; None where none can be made."""
    for root, limit, events in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"),
        ("/sys/fs/cgroup", "memory.max", "memory.events"),
    ):
        group = pathlib.Path(root, f"gangsheet.{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(MEMORY))
            return group, group / events
        except OSError:
            group.rmdir()
    return None


def run(command, group):
    """Exit code (negative for a signal, None for a hang), seconds, largest resident set in bytes, standard error."""
    if group:
        command = ["sh", "-c", f'echo $$ >"{group[0]}/cgroup.procs"; exec "$@"', "sh", *command]
    with tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        signal.alarm(HANG_SECONDS)
        try:
            _, status, usage = os.wait4(child.pid, 0)
            code = os.waitstatus_to_exitcode(status)
        except TimeoutError:
            child.kill()
            _, _, usage = os.wait4(child.pid, 0)
            code = None
        signal.alarm(0)
        child.returncode = 0
        seconds = time.monotonic() - start
        errors.seek(0)
        return code, seconds, usage.ru_maxrss * 1024, errors.read().decode(errors="replace")


def job(path, pixel_for_pixel):
    size = {"dpi": 100} if pixel_for_pixel else {"fit": ["1in", "1in"]}
    side = "2147483647px" if pixel_for_pixel else "100px"
    item = {"artwork": str(path), "size": size, "turn": "none"}
    return {
        "version": 1,
        "name": "bad",
        "dpi": 100,
        "media": {"width": side, "max_length": side},
        "gutter": "0px",
        "orders": [{"id": "1", "items": [item]}],
        "output": {"crop": "content"},
    }


def outcome(code, errors):
    if "panicked" in errors or "RUST_BACKTRACE" in errors:
        return "panic"
    if code is None:
        return "hang"
    if code < 0 or code > 128:
        return f"killed by signal {-code if code < 0 else code - 128}"
    if code == 5 or code == 3 and "limit" in errors:
        return "limit"
    return {0: "printed", 3: "refused"}.get(code, f"exit {code}")


def verdict(row, path, found, seconds, errors, printed_size, true_size):
    """What is wrong, and whether it is only worth a look."""
    if found not in ("printed", "refused", "limit"):
        return found, False
    if seconds > SECONDS:
        return f"took {seconds:.1f} s", False
    if found == "printed" and printed_size and true_size and printed_size != true_size:
        return f"printed as {printed_size}, is {true_size}", False
    if found == "refused" and path.name not in errors:
        return "the refusal does not name the file", False
    if row["expect"] == "accept" and found != "printed":
        return errors.strip().splitlines()[-1] if errors.strip() else found, False
    if row["expect"] == "reject" and found == "printed":
        return "printed", row["basis"].startswith("consensus")
    return None, False


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/gangsheet"
    group = cgroup()
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    with open(folder / "MANIFEST.tsv") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE))
    table, wrong, notes, slowest, largest = collections.Counter(), [], [], (0, ""), (0, "")
    with tempfile.TemporaryDirectory(dir="target") as scratch:
        scratch = pathlib.Path(scratch).resolve()
        for row in rows:
            path = folder / row["path"]
            true_size = size_of(path)
            exact = row["expect"] in ("accept", "either") and (not true_size or true_size[0] * true_size[1] < 1 << 24)
            (scratch / "job.json").write_text(json.dumps(job(path, exact)))
            command = [program, "render", str(scratch / "job.json"), "-o", str(scratch / "out"), "--max-memory", f"{MEMORY >> 20}MiB"]
            code, seconds, resident, errors = run([*command, "--progress", "none", "--log-level", "error"], group)
            part, printed_size = scratch / "out" / "bad part 1.png", None
            if exact and code == 0:
                printed_size = struct.unpack(">II", part.read_bytes()[16:24])
            shutil.rmtree(scratch / "out", ignore_errors=True)
            found = outcome(code, errors)
            table[row["expect"], found] += 1
            slowest, largest = max(slowest, (seconds, row["path"])), max(largest, (resident, row["path"]))
            fault, only_a_note = verdict(row, path, found, seconds, errors, printed_size, true_size)
            if fault:
                (notes if only_a_note else wrong).append(f"{row['path']} ({row['expect']}, {row['basis']}): {fault}")
    killed = "not counted: no memory cgroup can be made here"
    if group:
        killed = next((line.split()[1] for line in group[1].read_text().splitlines() if line.startswith("oom_kill ")), "?")
        group[0].rmdir()

    outcomes = sorted({found for _, found in table})
    print("| expected | " + " | ".join(outcomes) + " |")
    print("|---|" + "---|" * len(outcomes))
    for expect in ("accept", "reject", "limit", "either"):
        print(f"| {expect} | " + " | ".join(str(table[expect, found]) for found in outcomes) + " |")
    print(f"\n{len(rows)} files; slowest {slowest[0]:.2f} s ({slowest[1]}); largest resident set {largest[0] / (1 << 20):.1f} MiB ({largest[1]})")
    print(f"killed for memory in a cgroup of {MEMORY >> 20} MiB: {killed}")
    for title, lines in (("worth a look", notes), ("NOT AS EXPECTED", wrong)):
        print(f"{len(lines)} {title}")
        for line in lines:
            print("  " + line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
