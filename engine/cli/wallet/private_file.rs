//! A file that nobody else may read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// Puts content in the place of a file, which only its owner may read from its first moment on. The old file stays until
/// the new one is whole.
pub fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    // What an interrupted run left may have other permissions.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}
