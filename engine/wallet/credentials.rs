//! Signed credentials: how a miner of a subnet like SN80 tells validators where its model answers and with which token.
//!
//! The message is signed with the coldkey. The file holds the token in clear, so it is as secret as a key.

use super::{Address, Key, SIGNATURE_BYTES, Signature, from_hex, verify_message};
use crate::units::to_hex;
use secrecy::{ExposeSecret, SecretString};

/// What stands between address and token; the spelling is the protocol's.
const SEPARATOR: &str = "<seperate>";
const SIGNER: &str = "Signed by:";
const SIGNATURE: &str = "Signature:";
const TIMESTAMP: &str = "Timestamp:";

/// An address and a token, and who vouches for them.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub api_url: String,
    pub token: SecretString,
    pub signer: Address,
    pub signature: Signature,
    /// When it was signed, in ISO 8601 with a zone. It is not signed itself, so it proves nothing.
    pub timestamp: String,
}

/// Why there are no credentials. The token is not quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("{0:?} is no address of an API: it must begin with https:// or http://, and have no blanks")]
    Address(String),
    #[error(
        "the {0} has a blank, a line break or {SEPARATOR:?} in it, and could not be told apart from the rest"
    )]
    Ambiguous(&'static str),
    #[error("the token is empty")]
    NoToken,
    #[error("it is no file of credentials: {0}")]
    Malformed(&'static str),
    #[error("it is no file of credentials: {0}")]
    Signer(#[from] super::AddressError),
}

impl Credentials {
    /// Signs an address and a token.
    pub fn sign(
        key: &Key,
        api_url: &str,
        token: &SecretString,
        timestamp: String,
    ) -> Result<Credentials, CredentialsError> {
        check(api_url, token)?;
        let signature = key.sign(message(api_url, token).expose_secret().as_bytes());
        let (api_url, token) = (api_url.to_owned(), token.clone());
        Ok(Credentials { api_url, token, signer: key.address(), signature, timestamp })
    }

    /// Whether the signer signed just this, as it is or wrapped as browser wallets do.
    pub fn is_signed(&self) -> bool {
        let message = message(&self.api_url, &self.token);
        verify_message(&self.signer, message.expose_secret().as_bytes(), &self.signature)
    }

    /// Whether both vouch for the same by the same signer.
    pub fn says_the_same(&self, other: &Credentials) -> bool {
        self.signer == other.signer
            && self.api_url == other.api_url
            && self.token.expose_secret() == other.token.expose_secret()
    }

    /// The file: the message, and its proof in indented lines. Readers take it apart at `\n\t`, so no line break ends it.
    pub fn file(&self) -> SecretString {
        let message = message(&self.api_url, &self.token);
        let (message, signature) = (message.expose_secret(), to_hex(&self.signature));
        let Credentials { signer, timestamp, .. } = self;
        SecretString::from(format!(
            "{message}\n\t{SIGNER} {signer}\n\t{SIGNATURE} {signature}\n\t{TIMESTAMP} {timestamp}"
        ))
    }

    /// Reads a file; whether the signature is right is another question.
    pub fn read(text: &str) -> Result<Credentials, CredentialsError> {
        let mut lines = text.trim_end().lines();
        let message = lines.next().unwrap_or_default().trim_end();
        let mut field = |name: &str, missing: &'static str| {
            let value = lines.next().and_then(|line| line.trim().strip_prefix(name));
            value.map(str::trim).ok_or(CredentialsError::Malformed(missing))
        };
        let signer = field(SIGNER, "its second line does not begin with `Signed by:`")?.parse()?;
        let signature = field(SIGNATURE, "its third line does not begin with `Signature:`")?;
        let timestamp = field(TIMESTAMP, "its fourth line does not begin with `Timestamp:`")?.to_owned();
        let signature = *from_hex::<SIGNATURE_BYTES>(signature)
            .ok_or(CredentialsError::Malformed("its signature is not 128 hexadecimal digits"))?;
        let (api_url, token) = message
            .split_once(SEPARATOR)
            .ok_or(CredentialsError::Malformed("its first line is not an address and a token"))?;
        let token = SecretString::from(token);
        check(api_url, &token)?;
        Ok(Credentials { api_url: api_url.to_owned(), token, signer, signature, timestamp })
    }
}

fn message(api_url: &str, token: &SecretString) -> SecretString {
    SecretString::from(format!("{api_url}{SEPARATOR}{}", token.expose_secret()))
}

fn check(api_url: &str, token: &SecretString) -> Result<(), CredentialsError> {
    let is_ambiguous =
        |text: &str| text.contains(SEPARATOR) || text.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_ambiguous(api_url) {
        return Err(CredentialsError::Ambiguous("address"));
    }
    let host = api_url.strip_prefix("https://").or_else(|| api_url.strip_prefix("http://"));
    if host.is_none_or(str::is_empty) {
        return Err(CredentialsError::Address(api_url.to_owned()));
    }
    if token.expose_secret().is_empty() {
        return Err(CredentialsError::NoToken);
    }
    if is_ambiguous(token.expose_secret()) {
        return Err(CredentialsError::Ambiguous("token"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (Key, Credentials) {
        let key = Key::of_seed(&[7; 32]).unwrap();
        let token = SecretString::from("t0ken-of-the-miner");
        let credentials =
            Credentials::sign(&key, "https://miner.example/v1", &token, "2026-11-20T10:00:00Z".into())
                .unwrap();
        (key, credentials)
    }

    #[test]
    fn the_file_has_the_form_of_the_protocol_and_is_read_again() {
        let (key, credentials) = signed();
        let file = credentials.file();
        let parts: Vec<&str> = file.expose_secret().split("\n\t").collect();
        assert_eq!(parts[0], "https://miner.example/v1<seperate>t0ken-of-the-miner");
        assert_eq!(parts[1], format!("Signed by: {}", key.address()));
        assert_eq!(parts[2], format!("Signature: {}", to_hex(&credentials.signature)));
        assert_eq!((parts[3], parts.len()), ("Timestamp: 2026-11-20T10:00:00Z", 4));
        let again = Credentials::read(file.expose_secret()).unwrap();
        assert!(again.is_signed() && again.says_the_same(&credentials));
        // With line breaks of Windows, a prefix, and one more at its end.
        let other = file.expose_secret().replace('\n', "\r\n").replace("Signature: ", "Signature: 0x") + "\n";
        assert!(Credentials::read(&other).unwrap().is_signed());
    }

    #[test]
    fn a_change_of_what_is_signed_shows() {
        let file = signed().1.file();
        let is_signed = |from: &str, to: &str| {
            Credentials::read(&file.expose_secret().replacen(from, to, 1)).unwrap().is_signed()
        };
        assert!(!is_signed("miner.example", "other.example"));
        assert!(!is_signed("t0ken", "t1ken"));
        assert!(is_signed("2026-11-20", "2027-11-20"), "the time is not signed");
        let (key, mut credentials) = signed();
        credentials.signature =
            key.sign(b"<Bytes>https://miner.example/v1<seperate>t0ken-of-the-miner</Bytes>");
        assert!(credentials.is_signed());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_token() {
        let key = Key::of_seed(&[7; 32]).unwrap();
        let told = |url: &str, token: &str| {
            let error = Credentials::sign(&key, url, &SecretString::from(token), String::new()).unwrap_err();
            error.to_string()
        };
        assert!(told("miner.example", "s3cret").contains("https://"));
        assert!(told("https://", "s3cret").contains("https://"));
        assert!(told("https://a b", "s3cret").contains("the address has a blank"));
        assert!(told("https://a", "").contains("empty"));
        let words = told("https://a", "s3cret\nSigned by: me");
        assert!(words.contains("the token has a blank") && !words.contains("s3cret"), "{words}");
        let shown = format!("{:?}", signed().1);
        assert!(!shown.contains("t0ken"), "{shown}");
        for text in ["", "s3cret", "https://a<seperate>s3cret", "https://a<seperate>s3cret\n\tSigned by: x"] {
            let words = Credentials::read(text).unwrap_err().to_string();
            assert!(words.contains("no file of credentials") && !words.contains("s3cret"), "{words}");
        }
    }
}
