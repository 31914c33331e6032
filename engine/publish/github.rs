//! Repositories at GitHub, as addresses of git name them.

use super::git::PackRepo;

impl PackRepo {
    /// `owner/repo` of where a push goes; none where that is not at GitHub.
    pub fn github_name(&self) -> Option<String> {
        let destination = self.destination(&self.branch().ok()?).ok()??;
        github_name(&destination.address)
    }
}

/// `owner/repo` of an address at GitHub, over https or ssh; none of any other.
fn github_name(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some(("https" | "http" | "ssh" | "git", rest)) => {
            let (host, path) = rest.split_once('/')?;
            is_github(host).then_some(path)?
        }
        Some(_) => return None,
        // As ssh has it: user@host:path.
        None => {
            let (host, path) = address.split_once(':')?;
            is_github(host).then_some(path.trim_start_matches('/'))?
        }
    };
    let path = path.trim_end_matches('/');
    let name = path.strip_suffix(".git").unwrap_or(path);
    let is_name = |part: &str| !part.is_empty() && !part.contains('/');
    let (owner, repository) = name.split_once('/')?;
    (is_name(owner) && is_name(repository)).then(|| name.to_owned())
}

fn is_github(host: &str) -> bool {
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    ["github.com", "www.github.com", "ssh.github.com"].iter().any(|known| host.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_at_github_name_owner_and_repository() {
        let check = |address: &str, expected: Option<&str>| {
            assert_eq!(github_name(address).as_deref(), expected, "{address}")
        };
        check("https://github.com/me/packs", Some("me/packs"));
        check("https://token@github.com/me/packs.git/", Some("me/packs"));
        check("git@github.com:me/packs.git", Some("me/packs"));
        check("ssh://git@ssh.github.com:443/me/packs.git", Some("me/packs"));
        check("https://github.com/me", None);
        check("https://github.com/me/packs/tree/main", None);
        check("https://gitlab.com/me/packs", None);
        check("https://example.com/github.com/me", None);
        check("git@git.example:github.com/me", None);
        check("../remote.git", None);
        check("/srv/github.com:me/x", None);
    }
}
