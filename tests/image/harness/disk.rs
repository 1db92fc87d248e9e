//! A card of a test's own: a sparse copy of the image, looked at and damaged from outside.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Image, logwrites, run};

/// U-Boot's environment on the disk (RAUC's BOOT_ORDER and counters).
const ENV_AT: u64 = 512 * 1024;
const ENV_SIZE: usize = 16 * 1024;

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    A,
    B,
}

impl Slot {
    /// Partition of its kernel.
    pub fn boot(self) -> usize {
        if self == Self::A { 2 } else { 3 }
    }

    /// Partition of its root.
    pub fn root(self) -> usize {
        if self == Self::A { 5 } else { 6 }
    }

    pub fn other(self) -> Self {
        if self == Self::A { Self::B } else { Self::A }
    }

    pub fn name(self) -> &'static str {
        if self == Self::A { "A" } else { "B" }
    }
}

/// The card.
pub struct Disk {
    pub path: PathBuf,
}

impl Disk {
    /// A copy of the image on a card of this many bytes: larger than the image, so that there is room to grow into.
    pub fn new(image: &Image, size: u64) -> Self {
        let path = super::folder().join("card.img");
        sparse_copy(&image.card(), &path);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(size)
            .unwrap();
        Self { path }
    }

    /// Start and length of a partition, in bytes.
    pub fn partition(&self, number: usize) -> (u64, u64) {
        let table = run("sfdisk", &["-J", self.path.to_str().unwrap()]);
        let table: serde_json::Value = serde_json::from_str(&table).unwrap();
        let partitions = table["partitiontable"]["partitions"].as_array().unwrap();
        let wanted = format!("{}{number}", self.path.display());
        let found = partitions.iter().find(|p| p["node"] == wanted.as_str());
        let found = found.unwrap_or_else(|| panic!("no partition {number}: {table}"));
        let bytes = |key: &str| found[key].as_u64().unwrap() * 512;
        (bytes("start"), bytes("size"))
    }

    /// Puts a file of a person's onto the boot partition, as on a PC.
    pub fn put_firmware(&self, name: &str, content: &str) {
        let from = super::folder().join("put");
        fs::write(&from, content).unwrap();
        self.put_file(name, &from);
    }

    /// The same with a file that is there.
    pub fn put_file(&self, name: &str, from: &Path) {
        let (start, _) = self.partition(1);
        let disk = format!("{}@@{start}", self.path.display());
        let to = format!("::{name}");
        run(
            "mcopy",
            &["-n", "-o", "-i", &disk, from.to_str().unwrap(), &to],
        );
    }

    /// Takes a file of a FAT partition out.
    pub fn take(&self, partition: usize, name: &str, to: &Path) {
        let (start, _) = self.partition(partition);
        let disk = format!("{}@@{start}", self.path.display());
        let from = format!("::{name}");
        run(
            "mcopy",
            &["-n", "-o", "-i", &disk, &from, to.to_str().unwrap()],
        );
    }

    /// What a slot holds, kernel and root, as one hash.
    pub fn hash(&self, slot: Slot) -> String {
        let mut hash = Sha256::new();
        for number in [slot.boot(), slot.root()] {
            self.each_block(number, |block| hash.update(block));
        }
        hash.finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .concat()
    }

    /// Whether these bytes stand anywhere in a partition.
    pub fn contains(&self, partition: usize, bytes: &[u8]) -> bool {
        let mut found = false;
        let mut kept = Vec::new();
        self.each_block(partition, |block| {
            // Across the border of two blocks too.
            kept.extend_from_slice(block);
            found |= holds(&kept, bytes);
            kept.drain(..kept.len().saturating_sub(bytes.len()));
        });
        found
    }

    /// The contents of a partition, a MiB at a time.
    fn each_block(&self, partition: usize, mut see: impl FnMut(&[u8])) {
        let (start, size) = self.partition(partition);
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(start)).unwrap();
        let mut left = size;
        let mut block = vec![0; 1 << 20];
        while left > 0 {
            let n = usize::try_from(left.min(1 << 20)).unwrap();
            file.read_exact(&mut block[..n]).unwrap();
            see(&block[..n]);
            left -= n as u64;
        }
    }

    /// Keeps the contents of a partition in a file.
    pub fn save(&self, partition: usize, to: &Path) {
        let mut file = File::create(to).unwrap();
        self.each_block(partition, |block| file.write_all(block).unwrap());
    }

    /// Makes a partition the same as another.
    pub fn copy_partition(&self, from: usize, to: usize) {
        let (start, size) = self.partition(to);
        assert!(size >= self.partition(from).1);
        let file = File::options().write(true).open(&self.path).unwrap();
        let mut at = start;
        self.each_block(from, |block| {
            file.write_all_at(block, at).unwrap();
            at += block.len() as u64;
        });
    }

    /// Breaks U-Boot's environment, as a write that a power cut tore.
    pub fn tear_variables(&self) {
        let file = File::options().write(true).open(&self.path).unwrap();
        file.write_all_at(&[0; 512], ENV_AT).unwrap();
    }

    /// Overwrites a part of a partition.
    pub fn damage(&self, partition: usize, offset: u64, length: usize) {
        let (start, size) = self.partition(partition);
        assert!(offset + length as u64 <= size);
        let file = File::options().write(true).open(&self.path).unwrap();
        file.write_all_at(&vec![0xa5; length], start + offset)
            .unwrap();
    }

    /// A variable of U-Boot's environment, if the environment is whole.
    pub fn variable(&self, name: &str) -> Option<String> {
        let mut block = vec![0; ENV_SIZE];
        File::open(&self.path)
            .unwrap()
            .read_exact_at(&mut block, ENV_AT)
            .unwrap();
        let sum = u32::from_le_bytes(block[..4].try_into().unwrap());
        if sum != crc32(&block[4..]) {
            return None;
        }
        block[4..].split(|&b| b == 0).find_map(|line| {
            let (key, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
    }

    /// Writes U-Boot's environment anew with these variables.
    pub fn set_variables(&self, variables: &[(&str, &str)]) {
        let mut block = vec![0; 4];
        for (key, value) in variables {
            block.extend(format!("{key}={value}\0").bytes());
        }
        block.resize(ENV_SIZE, 0);
        let sum = crc32(&block[4..]);
        block[..4].copy_from_slice(&sum.to_le_bytes());
        let file = File::options().write(true).open(&self.path).unwrap();
        file.write_all_at(&block, ENV_AT).unwrap();
    }

    /// A copy that [`Disk::lose_unflushed`] starts from, and the log that the emulator shall write.
    pub fn begin_log(&self) -> PathBuf {
        sparse_copy(&self.path, &self.path.with_extension("before"));
        let log = self.path.with_extension("log");
        let _ = fs::remove_file(&log);
        File::create(&log).unwrap();
        log
    }

    /// What a card with a cache of its own is left with by a power cut: all that was flushed, and of what came after
    /// the last flush a part that `seed` chooses. Gives how many writes were lost of how many.
    pub fn lose_unflushed(&self, seed: u64) -> (usize, usize) {
        let before = self.path.with_extension("before");
        let size = fs::metadata(&self.path).unwrap().len();
        sparse_copy(&before, &self.path);
        let file = File::options().write(true).open(&self.path).unwrap();
        file.set_len(size).unwrap();
        logwrites::replay(&self.path.with_extension("log"), &file, seed)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for path in [
            self.path.with_extension("before"),
            self.path.with_extension("log"),
        ] {
            let _ = fs::remove_file(path);
        }
        // A card is gigabytes, if sparse ones; it is kept where a test failed and somebody asks for it.
        if !(std::thread::panicking() && std::env::var_os("IMAGE_TEST_KEEP").is_some()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// An ext4 file system with the files of a folder, to be handed in as a second disk.
pub fn pack(folder: &Path) -> PathBuf {
    let packed = super::folder().join("share.img");
    let _ = fs::remove_file(&packed);
    let used: u64 = fs::read_dir(folder)
        .unwrap()
        .map(|e| fs::metadata(e.unwrap().path()).unwrap().len())
        .sum();
    let mut file = File::create(&packed).unwrap();
    file.set_len(used * 5 / 4 + (32 << 20)).unwrap();
    file.flush().unwrap();
    run(
        "mke2fs",
        &[
            "-q",
            "-t",
            "ext4",
            "-m",
            "0",
            "-O",
            "^has_journal",
            "-d",
            folder.to_str().unwrap(),
            packed.to_str().unwrap(),
        ],
    );
    packed
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.iter()
        .enumerate()
        .filter(|&(_, b)| *b == needle[0])
        .any(|(i, _)| hay[i..].starts_with(needle))
}

fn sparse_copy(from: &Path, to: &Path) {
    let _ = fs::remove_file(to);
    run(
        "cp",
        &[
            "--reflink=auto",
            "--sparse=always",
            from.to_str().unwrap(),
            to.to_str().unwrap(),
        ],
    );
}

/// CRC-32 of IEEE 802.3, as U-Boot's environment carries it.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

#[test]
fn crc_is_that_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
