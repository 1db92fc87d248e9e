#!/usr/bin/env python3
"""parts.py STAGE BASE POOL KERNEL: which file of the root is of which package.

Writes STAGE/parts.txt ("PATH PACKAGE VERSION" for each file) and STAGE/packages.txt ("PACKAGE VERSION", those of which at
least one file is in the image). What is of no package is named "generated" where generated.list knows it, and "unknown"
otherwise, which check.sh refuses."""
import fnmatch
import os
import pathlib
import sys


def normal(path):
    """/lib/x and /usr/lib/x are one file: merged /usr."""
    for top in ("/lib/", "/bin/", "/sbin/", "/lib64/"):
        if path.startswith(top):
            return "/usr" + path
    return path


def of_dpkg(base):
    """Files of the installed packages, with the versions of dpkg's status."""
    versions, name = {}, None
    info = base / "var/lib/dpkg"
    for line in (info / "status").read_text(errors="replace").splitlines():
        if line.startswith("Package: "):
            name = line.split()[1]
        elif line.startswith("Version: "):
            versions[name] = line.split()[1]
    owner = {}
    for listing in sorted((info / "info").glob("*.list")):
        package = listing.stem.split(":")[0]
        for path in listing.read_text().splitlines():
            owner[normal(path)] = (package, versions.get(package, ""))
    for line in (info / "diversions").read_text().splitlines():
        if line.startswith("/"):
            owner.setdefault(normal(line), ("base-files", versions.get("base-files", "")))
    return owner


def lines_of(path):
    for line in path.read_text().splitlines():
        words = line.rsplit(" ", 2)
        yield normal(words[0]), (words[1], words[2])


def of_kernel(kernel):
    owner = {}
    for line in (kernel / "packages.txt").read_text().splitlines():
        package, version = line.split()
        package = package.split(":")[0]
        for top, _, files in os.walk(kernel / package):
            for name in files:
                path = "/" + os.path.relpath(os.path.join(top, name), kernel / package)
                owner[normal(path)] = (package, version)
    return owner


def main(stage, base, pool, kernel):
    root = stage / "root"
    here = pathlib.Path(__file__).parent
    generated = [w for line in (here / "generated.list").read_text().splitlines() for w in line.split("#")[0].split()]
    sources = [dict(lines_of(stage / "ours.txt")), of_dpkg(base), dict(lines_of(pool / "files.txt")), of_kernel(kernel)]
    modules = next(p for p in sources[3].values() if p[0].startswith("linux-image"))
    parts = []
    for top, folders, files in os.walk(root):
        for name in files + [d for d in folders if os.path.islink(os.path.join(top, d))]:
            path = "/" + os.path.relpath(os.path.join(top, name), root)
            found = next((s[path] for s in sources if path in s), None)
            if not found and path.startswith("/usr/lib/modules/"):
                found = modules
            if not found:
                known = any(fnmatch.fnmatchcase(path, p) for p in generated)
                found = ("generated", "-") if known else ("unknown", "-")
            parts.append((path, *found))
    parts.sort()
    (stage / "parts.txt").write_text("".join(f"{' '.join(p)}\n" for p in parts))
    # The initramfs and the boot partitions hold these besides.
    extra = {p for p in sources[3].values()} | {v for k, v in sources[2].items() if k == "/usr/sbin/dmsetup"}
    packages = {p[1:] for p in parts if p[1] not in ("generated", "unknown", "boothcast", "boothcast-test")} | extra
    (stage / "packages.txt").write_text("".join(f"{' '.join(p)}\n" for p in sorted(packages)))


main(*(pathlib.Path(a) for a in sys.argv[1:]))
