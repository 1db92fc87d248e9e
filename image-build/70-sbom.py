#!/usr/bin/env python3
"""70-sbom.py STAGE TOP VERSION NAME: the parts list of the image as SPDX 2.3 JSON, NAME.spdx.json, and the licence texts,
NAME.licences.tar.zst.

It names every Debian package of which a file is in the image, with its version and the name of its licence text, and every
crate of the program with the licence that it declares. Dates come from SOURCE_DATE_EPOCH."""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys


def spdx_id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def debian(stage):
    for line in (stage / "packages.txt").read_text().splitlines():
        name, version = line.split()
        text = stage / "licences" / f"{name}.txt"
        yield {
            "SPDXID": spdx_id("deb", name),
            "name": name,
            "versionInfo": version,
            "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "licenseComments": f"licences/{name}.txt" if text.exists() else "no licence text found",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch=arm64"}],
        }


def crates(top):
    """The crates that are linked into the program: dependencies of dependencies, without those of tests and builds."""
    data = json.loads(subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform=aarch64-unknown-linux-gnu", f"--manifest-path={top}/Cargo.toml"],
        capture_output=True, check=True, cwd=top).stdout)
    nodes = {n["id"]: n for n in data["resolve"]["nodes"]}
    packages = {p["id"]: p for p in data["packages"]}
    start = next(p["id"] for p in data["packages"] if p["name"] == "boothcast")
    found, todo = set(), [start]
    while todo:
        at = todo.pop()
        if at in found:
            continue
        found.add(at)
        todo += [d["pkg"] for d in nodes[at]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
    for p in sorted((packages[i] for i in found - {start}), key=lambda p: (p["name"], p["version"])):
        yield {
            "SPDXID": spdx_id("crate", p["name"], p["version"]),
            "name": p["name"],
            "versionInfo": p["version"],
            "supplier": "NOASSERTION",
            "downloadLocation": p.get("repository") or "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": (p.get("license") or "NOASSERTION").replace("/", " OR "),
            "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": f"pkg:cargo/{p['name']}@{p['version']}"}],
        }


def main(stage, top, version, name):
    date = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    own = {
        "SPDXID": "SPDXRef-boothcast", "name": "boothcast", "versionInfo": version, "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "MIT OR Apache-2.0", "copyrightText": "NOASSERTION",
    }
    parts = [own, *debian(stage), *crates(top)]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": os.path.basename(name),
        "documentNamespace": f"urn:boothcast:image:{digest}",
        "creationInfo": {"created": date.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: image-build/70-sbom.py"]},
        "packages": parts,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-boothcast"}]
        + [{"spdxElementId": "SPDXRef-boothcast", "relationshipType": "DEPENDS_ON" if "crate" in p["SPDXID"] else "DISTRIBUTION_ARTIFACT", "relatedSpdxElement": p["SPDXID"]} for p in parts[1:]],
    }
    pathlib.Path(f"{name}.spdx.json").write_text(json.dumps(document, indent=1) + "\n")
    tar = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{os.environ['SOURCE_DATE_EPOCH']}", "-C", str(stage), "-c", "licences"]
    with open(f"{name}.licences.tar.zst", "wb") as out:
        packed = subprocess.Popen(["zstd", "-q", "-19", "-c"], stdin=subprocess.PIPE, stdout=out)
        subprocess.run(tar, stdout=packed.stdin, check=True)
        packed.stdin.close()
        packed.wait()
    print(f"image: parts list: {sum(1 for p in parts if 'deb-' in p['SPDXID'])} Debian packages, {sum(1 for p in parts if 'crate-' in p['SPDXID'])} crates")


main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])
