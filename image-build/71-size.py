#!/usr/bin/env python3
"""71-size.py STAGE NAME: how much of the root each package is, as NAME.sizes.txt and NAME.sizes.json; without a NAME it
prints the text.

A package's share of the compressed root is estimated from its files' own compressed sizes, scaled so that the sum is the
size of the squashfs."""
import collections
import json
import os
import pathlib
import subprocess
import sys


def compressed(root, paths):
    """Bytes after zstd, all files of a package as one stream."""
    data = subprocess.Popen(["zstd", "-q", "-6", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = subprocess.Popen(["wc", "-c"], stdin=data.stdout, stdout=subprocess.PIPE)
    for path in paths:
        with open(root + path, "rb") as file:
            while chunk := file.read(1 << 20):
                data.stdin.write(chunk)
    data.stdin.close()
    size = int(out.communicate()[0])
    data.wait()
    return size


def main(stage, name):
    root = f"{stage}/root"
    groups = collections.defaultdict(list)
    for line in pathlib.Path(stage, "parts.txt").read_text().splitlines():
        path, package, version = line.rsplit(" ", 2)
        if os.path.isfile(root + path) and not os.path.islink(root + path):
            groups[package, version].append(path)
    rows = []
    for (package, version), paths in groups.items():
        raw = sum(os.path.getsize(root + p) for p in paths)
        rows.append({"package": package, "version": version, "files": len(paths), "bytes": raw, "packed": compressed(root, paths)})
    whole = os.path.getsize(f"{stage}/root.img")
    factor = whole / sum(r["packed"] for r in rows)
    for r in rows:
        r["packed"] = round(r["packed"] * factor)
    rows.sort(key=lambda r: (-r["packed"], r["package"]))
    parts = {p: os.path.getsize(f"{stage}/{p}") for p in ("root.img", "Image.gz", "initramfs.img") if os.path.exists(f"{stage}/{p}")}
    if name and os.path.exists(f"{name}.img.zst"):
        parts["image.zst"] = os.path.getsize(f"{name}.img.zst")
    lines = [f"{size:>12}  {part}" for part, size in parts.items()]
    lines += ["", f"{'packed kB':>10} {'kB':>8} {'files':>6}  package version"]
    lines += [f"{r['packed'] / 1000:10.1f} {r['bytes'] / 1000:8.0f} {r['files']:6}  {r['package']} {r['version']}" for r in rows]
    text = "\n".join(lines) + "\n"
    if not name:
        print(text, end="")
        return
    pathlib.Path(f"{name}.sizes.txt").write_text(text)
    pathlib.Path(f"{name}.sizes.json").write_text(json.dumps({"parts": parts, "packages": rows}, indent=1) + "\n")


main(sys.argv[1], sys.argv[2])
