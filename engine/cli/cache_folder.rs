//! Where things are kept that can be made again: `PACKWRIGHT_CACHE`, or the user's cache folder.

use crate::exit::BadInput;
use std::path::PathBuf;

/// The program's cache folder; it may not exist yet.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("PACKWRIGHT_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("packwright")))
        .or_else(|| Some(set("HOME")?.join(".cache").join("packwright")));
    let folder = folder.ok_or_else(|| {
        BadInput("there is no cache folder: set PACKWRIGHT_CACHE to a folder that can be written".into())
    })?;
    Ok(std::path::absolute(folder)?)
}
