#!/usr/bin/env python3
"""Every fault at every system call: runs of a small job in which one call, or all calls from one on, fail or kill the program.

After each run the published files are absent, old or whole and new; success is claimed only with all of them there; an error has exit code 1,
names a file and the cause, and leaves no debris but the unfinished part; and `--resume` finishes the job to the same bytes.

Needs strace. usage: sweep.py PROGRAM [--step N] [--faults kill,kill2,ENOSPC,…] [--calls write,fsync,…] [--threads N] [--verbose]"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

from shop import TIMEOUT_S, Shop, content, violations

# Calls that change files, and that read them or look at them. `kill` strikes at all of them.
CHANGES = ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "ftruncate",
           "fallocate", "mkdir", "mkdirat", "rmdir", "flock"]
LOOKS = ["read", "pread64", "lseek", "getdents64", "statx", "fstat", "newfstatat", "readlink", "statfs"]
FAULTS = {
    "ENOSPC": ["openat", "write", "pwrite64", "fsync", "ftruncate", "fallocate", "mkdir", "rename"],
    "EDQUOT": ["openat", "write", "pwrite64", "fsync", "ftruncate", "fallocate", "mkdir", "rename"],
    "EFBIG": ["write", "pwrite64", "ftruncate", "fallocate"],
    "EIO": CHANGES + LOOKS,
    "EROFS": ["openat", "write", "fsync", "ftruncate", "fallocate", "mkdir", "rename", "unlink", "rmdir"],
    "EMFILE": ["openat"],
    "EINTR": ["write", "read", "fsync", "flock", "fallocate"],
    "kill": CHANGES + LOOKS + ["close", "mmap", "munmap"],
    # Killed, resumed and killed again.
    "kill2": ["write", "fsync", "rename", "ftruncate", "openat"],
}
# What may be interrupted is tried again.
HARMLESS = {"EINTR"}


class Sweep:
    def __init__(self, arguments):
        self.arguments = arguments
        # Not in a RAM disk: nothing is spilled there.
        self.scratch = tempfile.TemporaryDirectory(dir=arguments.scratch)
        self.shop = Shop(arguments.program, os.path.join(self.scratch.name, "shop"))
        self.out = os.path.join(self.scratch.name, "out")
        self.old = self.reference("old", self.shop.other_job)
        self.new = self.reference("new", self.shop.job)
        self.outcomes = collections.Counter()
        self.bad = []

    def reference(self, name, job):
        folder = os.path.join(self.scratch.name, name)
        run = self.shop.render(folder, job=job)
        assert run.returncode == 0, run.stderr.decode()
        return content(folder)

    def strace(self, options, *run_options):
        command = ["strace", "-f", "-qq", *options, *self.shop.command(self.out, *run_options, threads=self.arguments.threads)]
        return subprocess.run(command, timeout=TIMEOUT_S, capture_output=True, stdin=subprocess.DEVNULL)

    def reset(self, overwrite):
        shutil.rmtree(self.out, ignore_errors=True)
        if overwrite:
            shutil.copytree(os.path.join(self.scratch.name, "old"), self.out)

    def calls(self, overwrite, *run_options):
        """For each call the numbers of those that are the program's own: the loader's come before the job is opened."""
        self.reset(overwrite)
        log = os.path.join(self.scratch.name, "trace")
        run = self.strace(["-o", log, "-e", "trace=" + ",".join(sorted({call for calls in FAULTS.values() for call in calls}))], *run_options)
        assert run.returncode == 0, run.stderr.decode()
        counters, numbers, own = collections.defaultdict(collections.Counter), collections.defaultdict(set), False
        for line in open(log):
            found = re.match(r"(\d+) +(\w+)\(", line)
            if not found:
                continue
            thread, call = found.groups()
            # strace counts for each thread.
            counters[call][thread] += 1
            own |= "job.json" in line
            if own:
                numbers[call].add(counters[call][thread])
        return {call: sorted(found) for call, found in numbers.items()}

    def disturb(self, fault, call, number, forever, overwrite):
        self.reset(overwrite)
        options = ["--overwrite"] if overwrite else []
        inject = "signal=SIGKILL" if fault.startswith("kill") else f"error={fault}"
        when = f"inject={call}:{inject}:when={number}{'+' if forever else ''}"
        what = f"{fault} at {call} {number}{' and later' if forever else ''}{', overwriting' if overwrite else ''}"
        try:
            run = self.strace(["-o", "/dev/null", "-e", when], *options)
            if fault == "kill2":
                # The same call of the second run: it has as many of those again, or ends before.
                run = self.strace(["-o", "/dev/null", "-e", when], "--overwrite" if overwrite else "--resume")
        except subprocess.TimeoutExpired:
            return self.blame(what, ["it hangs"])
        self.judge(what, fault, run, overwrite)

    def judge(self, what, fault, run, overwrite):
        killed = fault.startswith("kill")
        told = run.stderr.decode(errors="replace")
        versions = [self.new, self.old] if overwrite else [self.new]
        # What cannot be unlinked stays.
        wrong = violations(self.out, versions, run.returncode == 0, not killed and "at unlink" not in what)
        if killed:
            if run.returncode not in (0, -9, 137):
                wrong.append(f"exit code {run.returncode}: {told[-300:]}")
        elif fault in HARMLESS:
            if run.returncode != 0:
                wrong.append(f"exit code {run.returncode}: {told[-300:]}")
        elif run.returncode not in (0, 1):
            wrong.append(f"exit code {run.returncode}: {told[-300:]}")
        # Where all writes fail, nothing can be told.
        elif run.returncode == 1 and not re.search(r"error: .*/.*\n  caused by: .*os error", told) and "write" not in what:
            wrong.append(f"no file or no cause: {told[-300:]}")
        if "panicked" in told:
            wrong.append("a panic")
        outcome = "killed" if run.returncode in (-9, 137) else f"exit {run.returncode}"
        after = self.shop.render(self.out, "--overwrite" if overwrite else "--resume")
        if after.returncode != 0:
            wrong.append(f"not resumed: {after.stderr.decode()[-300:]}")
        wrong += [f"resumed: {violation}" for violation in violations(self.out, [self.new], True, True)]
        self.outcomes[fault, outcome] += 1
        if self.arguments.verbose:
            last = [line for line in told.splitlines() if line.startswith(("error", "  caused"))]
            print(f"{what}: {outcome}; {' | '.join(last)[:240]}", flush=True)
        if wrong:
            self.blame(what, wrong)

    def blame(self, what, wrong):
        self.bad.append(what)
        print(f"VIOLATION: {what}: {'; '.join(wrong)}", flush=True)

    def run(self):
        for overwrite in (False, True):
            numbers = self.calls(overwrite, *(["--overwrite"] if overwrite else []))
            for fault in self.arguments.faults:
                for call in FAULTS[fault]:
                    if self.arguments.calls and call not in self.arguments.calls:
                        continue
                    for number in numbers.get(call, [])[:: self.arguments.step]:
                        self.disturb(fault, call, number, False, overwrite)
                        if fault not in HARMLESS and not fault.startswith("kill"):
                            self.disturb(fault, call, number, True, overwrite)
        for (fault, outcome), count in sorted(self.outcomes.items()):
            print(f"{fault:8} {outcome:8} {count}")
        print(f"{sum(self.outcomes.values())} runs, {len(self.bad)} violations")
        return 1 if self.bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--step", type=int, default=1, help="strike at every N-th call only")
    parser.add_argument("--faults", type=lambda text: text.split(","), default=list(FAULTS))
    parser.add_argument("--calls", type=lambda text: text.split(","))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scratch", default=".", help="a folder on a disk")
    parser.add_argument("--verbose", action="store_true")
    return Sweep(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
