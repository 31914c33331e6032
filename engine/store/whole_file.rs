//! Files that are there whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Puts content in the place of a file, whose folder is made where it is missing. The old file stays until the new one is
/// whole and on disk, so that nobody ever reads half of it, whatever happens in the middle.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut file = File::create(&unfinished)?;
    file.write_all(content.as_ref())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
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
}
