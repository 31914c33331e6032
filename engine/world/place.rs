//! Places: where the folders of a world stand in a small file system that holds nothing else, and how a path
//! that a call names is followed there, symbolic links and `..` included, as `os.path.realpath` does.

use crate::scenario::{Entry, Folder};
use crate::world::World;

/// The longest name of a file, in bytes, and the longest path.
const NAME_BYTES_MAX: usize = 255;
const PATH_BYTES_MAX: usize = 4095;
/// No honest folder nests links this deep.
const LINKS_MAX: usize = 40;

/// A folder and the absolute path at which it stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub path: &'a str,
    pub folder: &'a Folder,
}

/// Why a path cannot be followed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPath {
    Nul,
    TooLong,
    LinkLoop,
}

/// What a path leads to inside a place.
pub(super) struct Found<'a> {
    /// Relative to the place, after all links; empty for the place itself.
    pub path: String,
    /// None where nothing stands there.
    pub entry: Option<&'a Entry>,
}

impl BadPath {
    pub(super) fn problem(self) -> &'static str {
        match self {
            BadPath::Nul => "a path cannot hold a NUL character",
            BadPath::TooLong => "the path or one of its names is too long",
            BadPath::LinkLoop => "symbolic links that lead to themselves",
        }
    }
}

impl World {
    /// Follows a path from a place; none when it leads out of that place.
    pub(super) fn find<'a>(&'a self, place: Place<'a>, path: &str) -> Result<Option<Found<'a>>, BadPath> {
        if path.contains('\0') {
            return Err(BadPath::Nul);
        }
        let mut at = parts(place.path);
        self.follow(&mut at, path, &mut 0)?;
        let base = parts(place.path);
        if !at.starts_with(&base) {
            return Ok(None);
        }
        let inside = at[base.len()..].join("/");
        let too_long = at.iter().any(|name| name.len() > NAME_BYTES_MAX) || inside.len() > PATH_BYTES_MAX;
        if too_long {
            return Err(BadPath::TooLong);
        }
        Ok(Some(Found { entry: place.folder.get(&inside), path: inside }))
    }

    /// Walks on from an absolute path, which is free of links before and after.
    fn follow(&self, at: &mut Vec<String>, path: &str, links: &mut usize) -> Result<(), BadPath> {
        if path.starts_with('/') {
            at.clear();
        }
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    at.pop();
                }
                _ => {
                    at.push(name.to_owned());
                    if let Some(target) = self.link_at(at) {
                        *links += 1;
                        if *links > LINKS_MAX {
                            return Err(BadPath::LinkLoop);
                        }
                        at.pop();
                        self.follow(at, target, links)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn link_at(&self, at: &[String]) -> Option<&str> {
        [self.workspace_place(), self.fixtures_place()].into_iter().find_map(|place| {
            let base = parts(place.path);
            let inside = at.strip_prefix(&base[..])?.join("/");
            match place.folder.get(&inside)? {
                Entry::Symlink(target) => Some(target.as_str()),
                Entry::File(_) | Entry::Dir => None,
            }
        })
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
