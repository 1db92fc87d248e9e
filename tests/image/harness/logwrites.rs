//! The log of QEMU's block driver `blklogwrites` (QEMU `block/blklogwrites.c`; the format is that of the kernel's
//! dm-log-writes): which writes reached the disk in which order, and where the guest flushed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const SECTOR: u64 = 512;
const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const KNOWN: u64 = FLUSH | FUA | DISCARD | 8;

struct Entry {
    sector: u64,
    sectors: u64,
    flags: u64,
    /// Where its data stand in the log.
    data: u64,
}

/// Writes the log onto `disk`: all up to the last flush, and of the rest what a coin says. Gives how many writes were
/// lost, of how many that were not flushed.
pub fn replay(log: &Path, disk: &File, seed: u64) -> (usize, usize) {
    let log = File::open(log).unwrap();
    let entries = entries(&log);
    let flushed = entries
        .iter()
        .rposition(|e| e.flags & FLUSH != 0)
        .map_or(0, |i| i + 1);
    let mut coin = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let (mut lost, mut open) = (0, 0);
    for (i, entry) in entries.iter().enumerate() {
        if entry.sectors == 0 || entry.flags & DISCARD != 0 {
            continue;
        }
        if i >= flushed && entry.flags & FUA == 0 {
            open += 1;
            coin ^= coin << 13;
            coin ^= coin >> 7;
            coin ^= coin << 17;
            if coin & 1 == 0 {
                lost += 1;
                continue;
            }
        }
        copy(&log, entry, disk);
    }
    (lost, open)
}

fn entries(log: &File) -> Vec<Entry> {
    let end = log.metadata().unwrap().len();
    let number = |at: u64| {
        let mut bytes = [0; 8];
        log.read_exact_at(&mut bytes, at)
            .map(|()| u64::from_le_bytes(bytes))
            .unwrap_or(u64::MAX)
    };
    if end == 0 {
        return Vec::new();
    }
    assert_eq!(number(0), MAGIC, "this is no log of writes");
    let mut entries = Vec::new();
    let mut at = SECTOR;
    // The count in the log's head is only brought up to date at flushes: what a killed emulator logged last is found
    // by going on while entries make sense.
    while at + SECTOR <= end {
        let (sector, sectors, flags) = (number(at), number(at + 8), number(at + 16));
        let empty = sector == 0 && sectors == 0 && flags == 0;
        let data = if flags & DISCARD == 0 { sectors } else { 0 };
        let next = data
            .checked_mul(SECTOR)
            .and_then(|d| (at + SECTOR).checked_add(d));
        let Some(next) = next.filter(|&n| n <= end && flags & !KNOWN == 0 && !empty) else {
            break;
        };
        entries.push(Entry {
            sector,
            sectors,
            flags,
            data: at + SECTOR,
        });
        at = next;
    }
    entries
}

fn copy(log: &File, entry: &Entry, disk: &File) {
    let mut data = vec![0; usize::try_from(entry.sectors * SECTOR).unwrap()];
    log.read_exact_at(&mut data, entry.data).unwrap();
    disk.write_all_at(&data, entry.sector * SECTOR).unwrap();
}
