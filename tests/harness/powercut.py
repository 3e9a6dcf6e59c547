#!/usr/bin/env python3
"""Power cuts: runs of a small job on a file system of their own, killed at a system call or let to their end, after which the file system
stops at once without writing anything more, and is mounted again.

What is published then is whole, a run that claimed success left all of its files, and `--resume` finishes the job to the same bytes. With
`--without-fsync` the same runs are made with fsync disabled, and the script succeeds if it finds that this loses files: it can fail.

Needs root, strace, ext4 and loop devices; gcc for `--without-fsync`.
usage: powercut.py PROGRAM [--step N] [--without-fsync] [--scratch FOLDER]"""

import argparse
import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from shop import TIMEOUT_S, Shop, content, violations

# ioctl(2) of ext4, and its flag to write nothing more, not even the journal.
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
IMAGE_BYTES = 64 << 20
CALLS = ["openat", "write", "fsync", "rename", "ftruncate", "fallocate", "unlink", "mkdir"]
NO_FSYNC = "int fsync(int f) { (void)f; return 0; } int fdatasync(int f) { (void)f; return 0; }"


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, scratch):
        self.image, self.path = os.path.join(scratch, "disk.img"), os.path.join(scratch, "disk")
        os.makedirs(self.path)

    def fresh(self):
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        quiet("mkfs.ext4", "-q", "-F", self.image)
        self.mount()
        quiet("sync", "-f", self.path)

    def mount(self):
        quiet("mount", "-o", "loop", self.image, self.path)

    def unmount(self):
        quiet("umount", self.path)

    def cut_power(self):
        folder = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(folder)
        self.unmount()
        self.mount()


def quiet(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Cuts:
    def __init__(self, arguments, scratch):
        self.arguments, self.scratch = arguments, scratch
        self.shop = Shop(arguments.program, os.path.join(scratch, "shop"))
        self.disk = Disk(scratch)
        self.out = os.path.join(self.disk.path, "out")
        self.environment = dict(os.environ)
        if arguments.without_fsync:
            source, library = os.path.join(scratch, "nofsync.c"), os.path.join(scratch, "nofsync.so")
            with open(source, "w") as file:
                file.write(NO_FSYNC)
            quiet("gcc", "-shared", "-fPIC", "-o", library, source)
            self.environment["LD_PRELOAD"] = library
        reference = os.path.join(scratch, "new")
        run = self.shop.render(reference)
        assert run.returncode == 0, run.stderr.decode()
        self.new = content(reference)
        self.runs, self.bad = 0, []

    def run_program(self, *strace):
        command = [*strace, *self.shop.command(self.out)]
        return subprocess.run(command, timeout=TIMEOUT_S, capture_output=True, stdin=subprocess.DEVNULL, env=self.environment)

    def counts(self):
        """How often the program makes each call."""
        self.disk.fresh()
        log = os.path.join(self.scratch, "trace")
        self.run_program("strace", "-f", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS))
        self.disk.unmount()
        with open(log) as file:
            made = re.findall(r"^\d+ +(\w+)\(", file.read(), re.M)
        return {call: made.count(call) for call in CALLS}

    def cut(self, what, *strace):
        self.disk.fresh()
        run = self.run_program(*strace)
        self.disk.cut_power()
        self.runs += 1
        wrong = violations(self.out, [self.new], run.returncode == 0, False)
        after = self.shop.render(self.out, "--resume")
        if after.returncode != 0:
            wrong.append(f"not resumed: {after.stderr.decode()[-300:]}")
        wrong += [f"resumed: {violation}" for violation in violations(self.out, [self.new], True, True)]
        self.disk.unmount()
        if wrong:
            self.bad.append(what)
            print(f"VIOLATION: {what}: {'; '.join(wrong)}", flush=True)

    def run(self):
        counts = self.counts()
        for _ in range(3):
            self.cut("cut after success")
        for call, count in counts.items():
            for number in range(1, count + 1, self.arguments.step):
                inject = f"inject={call}:signal=SIGKILL:when={number}"
                self.cut(f"killed at {call} {number}, cut", "strace", "-f", "-qq", "-o", "/dev/null", "-e", inject)
        print(f"{self.runs} cuts, {len(self.bad)} violations")
        if self.arguments.without_fsync:
            return 0 if self.bad else 1
        return 1 if self.bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--step", type=int, default=1, help="kill at every N-th call only")
    parser.add_argument("--without-fsync", action="store_true")
    parser.add_argument("--scratch", default=".", help="a folder on a disk")
    arguments = parser.parse_args()
    scratch = tempfile.mkdtemp(dir=os.path.abspath(arguments.scratch))
    try:
        return Cuts(arguments, scratch).run()
    finally:
        subprocess.run(["umount", os.path.join(scratch, "disk")], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
