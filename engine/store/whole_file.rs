//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Puts content in the place of a file, whose folder is made where it is missing. The old file stays until the new one is
/// whole and on disk, so that nobody ever reads half of it, whatever happens in the middle.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    write(path, content.as_ref(), OpenOptions::new().create(true).truncate(true))
}

/// The same for a file that only its owner may read, from its first moment on.
pub fn write_private(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    // What an interrupted writer left may have other permissions.
    match std::fs::remove_file(unfinished(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write(path, content.as_ref(), &mut options)
}

fn write(path: &Path, content: &[u8], options: &mut OpenOptions) -> std::io::Result<()> {
    let unfinished = unfinished(path);
    let mut file = options.write(true).open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

fn unfinished(path: &Path) -> OsString {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b.json");
        write_whole(&path, "one").unwrap();
        write_whole(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(place.path().join("a")).unwrap().count(), 1);
        // Nothing can be written beside it: what is there stays.
        std::fs::create_dir(place.path().join("a/b.json.new")).unwrap();
        assert!(write_whole(&path, "three").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners_whatever_was_left_there() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("token");
        std::fs::write(place.path().join("token.new"), "half").unwrap();
        std::fs::write(&path, "old").unwrap();
        write_private(&path, "secret").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
