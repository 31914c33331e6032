//! Keeps credentials out of messages: addresses of remotes often carry a user and a token.

/// The shortest user name in a web address that is taken for a token.
const TOKEN_LENGTH_MIN: usize = 16;

/// Returns the text with the user part and the query of every address in it replaced by `***`.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let address_end = rest.find(|c: char| c.is_whitespace() || "'\"<>".contains(c)).unwrap_or(rest.len());
        let (address, after) = rest.split_at(address_end);
        out.push_str(&redact_address(address));
        rest = after;
    }
    out + rest
}

/// Returns the text without the credentials of one address, wherever they stand in it, and without those of
/// any other address in it.
pub(super) fn redact_secrets_of(address: &str, text: &str) -> String {
    let mut text = text.replace(address, &redact(address));
    for secret in secrets(address) {
        text = text.replace(&secret, "***");
    }
    redact(&text)
}

/// What follows `://`: the user part ends at the last `@` before the path.
fn redact_address(address: &str) -> String {
    let host_end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let user_end = address[..host_end].rfind('@');
    let shown = user_end.map_or(address.to_owned(), |at| format!("***{}", &address[at..]));
    match shown.find('?') {
        Some(query) => format!("{}?***", &shown[..query]),
        None => shown,
    }
}

/// The password of an address, its user where that is a token, and both without percent signs.
fn secrets(address: &str) -> Vec<String> {
    let Some((_, rest)) = address.split_once("://") else { return Vec::new() };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(user_end) = rest[..host_end].rfind('@') else { return Vec::new() };
    let (user, password) = rest[..user_end].split_once(':').unwrap_or((&rest[..user_end], ""));
    let mut secrets = Vec::new();
    if user.len() >= TOKEN_LENGTH_MIN {
        secrets.extend([user.to_owned(), percent_decoded(user)]);
    }
    if !password.is_empty() {
        secrets.extend([password.to_owned(), percent_decoded(password)]);
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (bytes[at], hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Returns text of unknown origin as it may be shown: no control characters, and not without end.
pub(super) fn presentable(text: &str) -> String {
    const CHARACTERS_MAX: usize = 2_000;
    let shown: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).take(CHARACTERS_MAX).collect();
    let lines: Vec<&str> = shown.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// A text without a secret, wherever it stands.
pub(super) fn without(secret: &str, text: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_user_part() {
        let check = |text: &str, expected: &str| assert_eq!(redact(text), expected);
        check("https://alice:t0ken@host/a/b.git", "https://***@host/a/b.git");
        check(
            "fatal: 'https://t0ken@host/a' and ssh://git@h/x",
            "fatal: 'https://***@host/a' and ssh://***@h/x",
        );
        check("https://a:p@ss@host/x@y", "https://***@host/x@y");
        check("https://host/a?token=abc rest", "https://host/a?*** rest");
        check("https://host/a/b", "https://host/a/b");
        check("git@github.com:owner/repo.git", "git@github.com:owner/repo.git");
        check("/srv/packs.git", "/srv/packs.git");
        check("é://ü@ö", "é://***@ö");
    }

    #[test]
    fn the_credentials_of_a_remote_are_found_outside_its_address_too() {
        let check = |address: &str, text: &str, expected: &str| {
            assert_eq!(redact_secrets_of(address, text), expected);
        };
        check("https://a:p%21w@h/x", "password p!w for https://a@h/x", "password *** for https://***@h/x");
        check("https://ghp_0123456789abcdef@h/x", "user ghp_0123456789abcdef", "user ***");
        check("https://a:p w@h/x", "cannot reach https://a:p w@h/x", "cannot reach https://***@h/x");
        check("/srv/x", "cannot reach /srv/x", "cannot reach /srv/x");
    }

    #[test]
    fn what_a_remote_says_cannot_steer_a_terminal() {
        assert_eq!(presentable("a\u{1b}[2Jb\r\n\n\u{7}c \n"), "a[2Jb\nc");
        assert_eq!(presentable(&"x".repeat(5_000)).len(), 2_000);
    }
}
