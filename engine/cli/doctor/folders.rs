//! Whether what a run writes finds a place: a small file is written, read and removed in each folder. A folder
//! that does not exist is made and removed again.

use super::row::{Fault, Found, Row, Status};
use crate::cache_folder::cache_folder;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;
/// A run of a night takes less.
const FREE_BYTES_WANTED: u64 = 1024 * MIB;
/// A run cannot even begin with less.
const FREE_BYTES_MIN: u64 = 50 * MIB;

/// Whether a folder can be written, and how much room there is. `option` is how another one is named.
pub fn folder(name: &'static str, folder: &Path, option: &str) -> Found<()> {
    let shown = folder.display();
    let another = format!("name another folder with {option}, or make {shown} a folder that you may write");
    let row = match probe(folder) {
        Err(error) => {
            let fault = match error.kind() {
                ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::NotADirectory
                | ErrorKind::AlreadyExists => Fault::Setup,
                _ => Fault::Infrastructure,
            };
            Row::failed(name, fault, format!("{shown} cannot be written: {error}"), another)
        }
        Ok(Probed { free: None, .. }) => {
            Row::passed(name, format!("{shown} can be written; its free space is not known"))
        }
        Ok(Probed { free: Some(free), is_new }) => {
            let new = if is_new { "can be made" } else { "can be written" };
            let finding = format!("{shown} {new}, {} free", size(free));
            let fix = format!("make room on that disk, or name another folder with {option}");
            match Room::of(free) {
                Room::Enough => Row::passed(name, finding),
                Room::Little => Row::warning(name, finding, fix),
                Room::None => Row::failed(name, Fault::Infrastructure, finding, fix),
            }
        }
    };
    (row, None)
}

/// The same for what can be made again; no run is lost without it.
pub fn cache(name: &'static str) -> Found<()> {
    let another = "PACKWRIGHT_CACHE in the environment";
    let row = match cache_folder() {
        Ok(place) => folder(name, &place, another).0,
        Err(error) => Row::failed(name, Fault::Setup, error.to_string(), format!("name one with {another}")),
    };
    let is_failed = matches!(row.status, Status::Failed(_));
    (Row { status: if is_failed { Status::Warning } else { row.status }, ..row }, None)
}

/// How far the free space goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Enough,
    Little,
    None,
}

impl Room {
    fn of(free_bytes: u64) -> Room {
        match free_bytes {
            ..FREE_BYTES_MIN => Room::None,
            FREE_BYTES_MIN..FREE_BYTES_WANTED => Room::Little,
            _ => Room::Enough,
        }
    }
}

struct Probed {
    /// In bytes; none where this system does not tell.
    free: Option<u64>,
    is_new: bool,
}

fn probe(folder: &Path) -> io::Result<Probed> {
    let folder = std::path::absolute(folder)?;
    let made = Made::all_of(&folder)?;
    write_and_read(&folder)?;
    Ok(Probed { free: free_bytes(&folder)?, is_new: !made.0.is_empty() })
}

/// The folders that were made for the probe, outermost first; removed again.
struct Made(Vec<PathBuf>);

impl Made {
    fn all_of(folder: &Path) -> io::Result<Made> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        let mut made = Made(Vec::new());
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            made.0.push(folder.to_owned());
        }
        if folder.is_dir() { Ok(made) } else { Err(ErrorKind::NotADirectory.into()) }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // Innermost first; one that somebody has put to use meanwhile stays.
        for folder in self.0.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn write_and_read(folder: &Path) -> io::Result<()> {
    let content = [b'x'; 4096];
    let path = folder.join(format!(".packwright-probe-{}", std::process::id()));
    let mut file = fs::File::create_new(&path)?;
    let written = file.write_all(&content).and_then(|()| file.sync_all()).and_then(|()| fs::read(&path));
    let removed = fs::remove_file(&path);
    if written? != content {
        return Err(io::Error::other("what was written is read back as something else"));
    }
    removed
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

fn size(bytes: u64) -> String {
    match bytes / MIB {
        mib @ ..1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let check = |mib: u64, expected: Room| assert_eq!(Room::of(mib * MIB), expected, "{mib} MiB");
        check(0, Room::None);
        check(49, Room::None);
        check(50, Room::Little);
        check(1023, Room::Little);
        check(1024, Room::Enough);
        assert_eq!((size(700 * MIB), size(2500 * MIB)), ("700 MiB".to_owned(), "2 GiB".to_owned()));
    }

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let there = tempfile::tempdir().unwrap();
        let probed = probe(&there.path().join("a/b")).unwrap();
        assert!(probed.is_new && (probed.free.is_some() || !cfg!(unix)));
        assert!(!probe(there.path()).unwrap().is_new);
        assert_eq!(fs::read_dir(there.path()).unwrap().count(), 0);
        fs::write(there.path().join("file"), "").unwrap();
        for path in ["file", "file/b", "file/b/c"] {
            let error = probe(&there.path().join(path)).err().expect("a failure");
            assert_eq!(error.kind(), ErrorKind::NotADirectory, "{path}");
        }
        assert_eq!(fs::read_dir(there.path()).unwrap().count(), 1);
    }
}
