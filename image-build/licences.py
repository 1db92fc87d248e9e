#!/usr/bin/env python3
"""licences.py TO TREE...: the copyright file of every package in the trees, as TO/PACKAGE.txt; the first tree wins."""
import pathlib
import sys


def text(folder, docs):
    """The copyright file of a package; its folder may be a link to that of another package of the same source."""
    for _ in range(8):
        if folder.is_symlink():
            folder = docs / folder.readlink().name
            continue
        file = folder / "copyright"
        if file.is_symlink():
            folder = docs / file.readlink().parent.name
            continue
        return file.read_bytes() if file.is_file() else None
    return None


to = pathlib.Path(sys.argv[1])
to.mkdir(parents=True)
for tree in map(pathlib.Path, sys.argv[2:]):
    docs = tree / "usr/share/doc"
    for folder in sorted(docs.iterdir()) if docs.is_dir() else ():
        target = to / f"{folder.name}.txt"
        found = None if target.exists() else text(folder, docs)
        if found:
            target.write_bytes(found)
