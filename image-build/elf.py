#!/usr/bin/env python3
"""elf.py [--also TREE] POOL FILE...: the files of POOL that these programs and libraries need.

FILE is a path inside POOL, or @PATH for one outside of it. Printed, one a line: the files, the libraries that they link to,
and the links that lead to them. A library that lies in TREE already is not looked for in POOL."""
import argparse
import os
import re
import subprocess
import sys

FOLDERS = ("/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib/aarch64-linux-gnu/systemd", "/lib/aarch64-linux-gnu")


def links_to(path):
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*?)\]", out)


def find(tree, name):
    return next((f"{d}/{name}" for d in FOLDERS if os.path.lexists(f"{tree}{d}/{name}")), None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--also")
    parser.add_argument("pool")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    pool = args.pool.rstrip("/")
    found, missing, todo = set(), set(), list(args.files)
    while todo:
        path = todo.pop()
        if path in found:
            continue
        real = path[1:] if path.startswith("@") else pool + path
        if not os.path.lexists(real):
            sys.exit(f"{path} is not in {pool}")
        if not path.startswith("@"):
            found.add(path)
            if os.path.islink(real):
                target = os.readlink(real)
                todo.append(target if target.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(path), target)))
                continue
        for name in links_to(real):
            if args.also and find(args.also, name):
                continue
            hit = find(pool, name)
            if hit:
                todo.append(hit)
            else:
                missing.add(f"{name} (for {path})")
    if missing:
        sys.exit(f"not found in {pool}: {', '.join(sorted(missing))}")
    print("\n".join(sorted(found)))


main()
