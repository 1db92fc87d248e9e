#!/usr/bin/env python3
"""modules.py FOLDER LIST...: the modules named in the lists and all that they depend on, as paths in FOLDER.

FOLDER is lib/modules/RELEASE with a modules.dep. A name that is neither a module nor built in is an error, unless it
begins with "?" in the list."""
import fnmatch
import pathlib
import sys


def plain(path):
    """The name of a module: without folder and endings, "-" and "_" being the same."""
    return pathlib.PurePath(path).name.split(".ko")[0].replace("-", "_")


def words(path):
    for line in pathlib.Path(path).read_text().splitlines():
        yield from line.split("#")[0].split()


def main(folder, *lists):
    needs = {}
    for line in pathlib.Path(folder, "modules.dep").read_text().splitlines():
        module, _, rest = line.partition(":")
        needs[module] = rest.split()
    built_in = {plain(p) for p in pathlib.Path(folder, "modules.builtin").read_text().split()}
    wanted, unknown = [], []
    for word in (w for path in lists for w in words(path)):
        name = plain(word.lstrip("?"))
        hits = [m for m in needs if fnmatch.fnmatchcase(plain(m), name)]
        wanted += hits
        if not hits and name not in built_in and not word.startswith("?"):
            unknown.append(word)
    if unknown:
        sys.exit(f"not in this kernel: {' '.join(unknown)}")
    found = set()
    while wanted:
        module = wanted.pop()
        if module not in found:
            found.add(module)
            wanted += needs[module]
    print("\n".join(sorted(found)))


main(*sys.argv[1:])
