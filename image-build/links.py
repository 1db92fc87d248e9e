#!/usr/bin/env python3
"""links.py missing|dangling|unused ROOT: faults of the links between files of a root, one a line.

missing: libraries that a program or library needs and that are not there. dangling: symbolic links that lead nowhere.
unused: shared libraries that no program, no plug-in and no name in keep.list needs."""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

FOLDERS = ("/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib/aarch64-linux-gnu/systemd")
# Where a link of a read-only root may lead although nothing is there when it is built.
LATER = ("/run/", "/proc/", "/dev/")


def elves(root):
    """Path -> what it links to, and the folders of its RUNPATH."""
    found = {}
    paths = []
    for top, _, files in os.walk(root):
        for name in files:
            path = os.path.join(top, name)
            if not os.path.islink(path) and os.path.getsize(path) > 64:
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF" and not path.endswith((".ko", ".o")):
                        paths.append(path)
    out = subprocess.run(["readelf", "-d", "-W", *paths], capture_output=True, text=True).stdout
    at = paths[0][len(root):] if len(paths) == 1 else None
    for line in out.splitlines():
        if line.startswith("File: "):
            at = line[6:][len(root):]
            found[at] = ([], [])
        elif hit := re.search(r"\(NEEDED\).*\[(.*)\]", line):
            found[at][0].append(hit[1])
        elif hit := re.search(r"\(R(?:UN)?PATH\).*\[(.*)\]", line):
            found[at][1].extend(p.replace("$ORIGIN", os.path.dirname(at)) for p in hit[1].split(":"))
    return found


def resolve(root, path):
    """The file that a path inside the root leads to, or None."""
    for _ in range(20):
        real = root + path
        if not os.path.islink(real):
            return os.path.normpath(path) if os.path.lexists(real) else None
        target = os.readlink(real)
        path = target if target.startswith("/") else os.path.normpath(os.path.join(os.path.dirname(path), target))
        for top in ("/lib/", "/bin/", "/sbin/"):
            if path.startswith(top):
                path = "/usr" + path
        if path.startswith(LATER):
            return path
    return None


def provider(root, name, extra):
    for folder in (*extra, *FOLDERS):
        hit = resolve(root, f"{folder}/{name}")
        if hit:
            return hit
    return None


def missing(root):
    for path, (needed, extra) in sorted(elves(root).items()):
        for name in needed:
            if not provider(root, name, extra):
                yield f"{path} needs {name}, which is not there"


def dangling(root):
    for top, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = os.path.join(top, name)
            if os.path.islink(path):
                place = path[len(root):]
                if os.readlink(path).startswith(LATER):
                    continue
                if not resolve(root, place):
                    yield f"{place} -> {os.readlink(path)}"


def unused(root):
    keep = [w for line in pathlib.Path(__file__).with_name("keep.list").read_text().splitlines() for w in line.split("#")[0].split()]
    graph = elves(root)
    library = re.compile(r"^/usr/lib/aarch64-linux-gnu/lib[^/]*\.so[^/]*$")
    todo = [p for p in graph if not library.match(p) or any(fnmatch.fnmatchcase(os.path.basename(p), k) for k in keep)]
    used = set()
    while todo:
        path = todo.pop()
        if path in used:
            continue
        used.add(path)
        for name in graph.get(path, ((), ()))[0]:
            hit = provider(root, name, graph[path][1])
            if hit:
                todo.append(hit)
    yield from sorted(p for p in graph if library.match(p) and p not in used)


for line in globals()[sys.argv[1]](sys.argv[2].rstrip("/")):
    print(line)
