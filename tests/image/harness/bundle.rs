//! Update bundles of a test's own, made of the systems on the card: newer, older, for other boards, by other people, and
//! one whose box ends at once.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Disk, Slot, run};

/// As in `/etc/rauc/system.conf` of the image.
pub const COMPATIBLE: &str = "boothcast-arm64";

/// Makes bundles into a folder that is handed in ([`super::Wish::share`]).
pub struct Bundles {
    pub share: PathBuf,
    work: PathBuf,
    key: PathBuf,
    certificate: PathBuf,
}

/// What a bundle says of itself, and who signs it.
pub struct Label<'a> {
    pub version: &'a str,
    pub compatible: &'a str,
    /// Signed by somebody whom the image does not know.
    pub stranger: bool,
}

impl Default for Label<'_> {
    fn default() -> Self {
        Self {
            version: "99.0.0",
            compatible: COMPATIBLE,
            stranger: false,
        }
    }
}

impl Bundles {
    /// Takes the images of the slots from the card, and the key that the image was built with.
    pub fn new(disk: &Disk) -> Self {
        let work = super::folder().join("bundle");
        let share = super::folder().join("share");
        fs::create_dir_all(&work).unwrap();
        fs::create_dir_all(&share).unwrap();
        disk.save(Slot::A.root(), &work.join("root.img"));
        disk.save(Slot::A.boot(), &work.join("boot.img"));
        let keys = run(
            concat!(env!("CARGO_MANIFEST_DIR"), "/image-build/keys.sh"),
            &[],
        );
        let named = |name: &str| {
            let line = keys
                .lines()
                .find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
            PathBuf::from(line.unwrap_or_else(|| panic!("keys.sh names no {name}: {keys}")))
        };
        Self {
            share,
            key: named("SIGN_KEY"),
            certificate: named("SIGN_CERT"),
            work,
        }
    }

    /// A bundle with the system that the card has.
    pub fn whole(&self, name: &str, label: &Label) {
        self.pack(
            name,
            label,
            &self.work.join("root.img"),
            &self.work.join("boot.img"),
        );
    }

    /// A bundle with next to nothing in it: for those that must be refused before anything of it is written.
    pub fn hollow(&self, name: &str, label: &Label) {
        let (root, boot) = (self.work.join("hollow-root"), self.work.join("hollow-boot"));
        fs::write(&root, vec![0x55; 1 << 20]).unwrap();
        fs::write(&boot, vec![0x66; 1 << 20]).unwrap();
        self.pack(name, label, &root, &boot);
    }

    /// A bundle whose system comes up, and whose box ends at once: its first program puts another file over
    /// `/usr/bin/boothcast`. The root is what was signed.
    pub fn failing(&self, name: &str, label: &Label) {
        let boot = self.work.join("failing-boot.img");
        fs::copy(self.work.join("boot.img"), &boot).unwrap();
        let script = format!(
            "set -euo pipefail; cd '{}'; rm -rf cpio; mkdir cpio
             mcopy -n -o -i failing-boot.img ::initramfs.img initramfs.img
             (zstd -dcf initramfs.img 2>/dev/null || gzip -dc initramfs.img) | (cd cpio && cpio -idm --quiet init)
             grep -q '^exec switch_root' cpio/init
             sed -i 's|^exec switch_root|printf \"#!/bin/sh\\\\nexit 1\\\\n\" >/newroot/run/broken; chmod 755 /newroot/run/broken; mount -o bind /newroot/run/broken /newroot/usr/bin/boothcast\\n&|' cpio/init
             (cd cpio && echo init | cpio -o -H newc --quiet) | zstd -q >more.img
             truncate -s %4 initramfs.img; cat initramfs.img more.img >both.img
             mcopy -n -o -i failing-boot.img both.img ::initramfs.img",
            self.work.display()
        );
        run("bash", &["-c", &script]);
        self.pack(name, label, &self.work.join("root.img"), &boot);
    }

    /// The same bundle with one bit of its contents turned.
    pub fn tampered(&self, from: &str, name: &str) {
        let to = self.share.join(name);
        fs::copy(self.share.join(from), &to).unwrap();
        let file = File::options().read(true).write(true).open(&to).unwrap();
        let middle = file.metadata().unwrap().len() / 2;
        let mut byte = [0];
        file.read_exact_at(&mut byte, middle).unwrap();
        file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
    }

    fn pack(&self, name: &str, label: &Label, root: &Path, boot: &Path) {
        let folder = self.work.join("pack");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::hard_link(root, folder.join("root.img")).unwrap();
        fs::hard_link(boot, folder.join("boot.img")).unwrap();
        let manifest = format!(
            "[update]\ncompatible={}\nversion={}\n\n[bundle]\nformat=verity\n\n[image.rootfs]\nfilename=root.img\n\n\
             [image.boot]\nfilename=boot.img\n",
            label.compatible, label.version
        );
        fs::write(folder.join("manifest.raucm"), manifest).unwrap();
        let to = self.share.join(name);
        let _ = fs::remove_file(&to);
        let (key, certificate) = if label.stranger {
            self.stranger()
        } else {
            (self.key.clone(), self.certificate.clone())
        };
        run(
            "rauc",
            &[
                &format!("--cert={}", certificate.display()),
                &format!("--key={}", key.display()),
                // What was compressed once is not compressed again.
                "--mksquashfs-args=-comp gzip -Xcompression-level 1",
                "bundle",
                folder.to_str().unwrap(),
                to.to_str().unwrap(),
            ],
        );
    }

    /// Key and certificate of somebody else.
    fn stranger(&self) -> (PathBuf, PathBuf) {
        let (key, certificate) = (
            self.work.join("stranger.key"),
            self.work.join("stranger.pem"),
        );
        let args = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -addext extendedKeyUsage=emailProtection";
        let mut args: Vec<&str> = args.split(' ').collect();
        args.extend([
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            certificate.to_str().unwrap(),
        ]);
        run("openssl", &args);
        (key, certificate)
    }
}
