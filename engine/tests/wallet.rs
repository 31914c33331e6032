//! Wallet files as Bittensor's own programs write them, and signatures that those programs made or took.

use crate::conformance;
use packwright::wallet::{
    Address, Form, Key, KeyFile, SIGNATURE_BYTES, Signature, WalletError, from_hex, verify, verify_message,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Throw-away files: `coldkey` (with the password below) and `coldkeypub.txt` are of bittensor-wallet 4.0.1.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/tests/wallet");

pub const PASSWORD: &str = "throw-away password";
pub const COLD_ADDRESS: &str = "5D7aesU2RZiT3V43mS91PApvusemKtXWLQkAaqRMd7KBd1tx";

/// What the vectors of the chain say of keys and signatures.
#[test]
fn keys_and_signatures_are_those_of_the_reference() {
    let Some(lines) = conformance::lines("chain.jsonl") else { return };
    let (mut signatures, mut files) = (0, 0);
    for line in &lines {
        let vector: Value = serde_json::from_str(line).expect("a vector is JSON");
        let text = |name: &str| vector[name].as_str().unwrap_or_else(|| panic!("{name} of {vector}"));
        let signer = || text("ss58").parse::<Address>().expect("an address");
        match text("kind") {
            "commitment" => {
                let call_data = bytes(text("call_data_hex"));
                assert!(verify(&signer(), &call_data, &signature(text("signature_hex"))), "{vector}");
                signatures += 1;
            }
            "credential" => {
                assert_eq!(*from_hex(text("public_hex")).expect("a key"), signer().0);
                let made = signature(text("python_signature_hex"));
                assert!(verify_message(&signer(), text("message").as_bytes(), &made));
                signatures += 1;
            }
            "keyfile" => {
                let key = opened(&vector["keyfile"]).expect("a whole file");
                assert_eq!(key.address(), signer());
                let made = signature(text("rust_signature_hex"));
                assert!(verify(&signer(), text("message").as_bytes(), &made));
                assert!(verify(&signer(), b"another", &key.sign(b"another")));
                files += 1;
            }
            _ => {}
        }
    }
    println!("chain.jsonl: {signatures} signatures and {files} key files agree");
    assert_eq!((signatures, files), (14, 3));
}

#[test]
fn a_key_file_is_used_only_for_the_address_it_names() {
    let read = |change: &dyn Fn(&mut Value)| {
        let mut document = hotkey();
        change(&mut document);
        opened(&document)
    };
    let address = hotkey()["ss58Address"].as_str().expect("an address").to_owned();
    let is_same = |key: Result<Key, WalletError>| key.expect("a key").address().to_string() == address;
    assert!(is_same(read(&|_| {})));
    // As other programs write it.
    assert!(is_same(read(&|file| file["cryptoType"] = json!(1))));
    assert!(is_same(read(&|file| file["secretSeed"] = json!("0x\u{11}\u{11}"))));
    let moved = read(&|file| {
        file[" ss58Address"] = file["ss58Address"].take();
        file.as_object_mut().expect("an object").remove("ss58Address");
    });
    assert!(is_same(moved));

    let refused = |change: &dyn Fn(&mut Value), words: &str| {
        let told = read(change).expect_err(words).to_string();
        assert!(told.contains(words) && !told.contains("ac8a3cdb"), "{told}");
    };
    refused(&|file| file["ss58Address"] = json!(COLD_ADDRESS), "damaged or was tampered with");
    refused(&|file| file["ss58Address"] = json!("5D7"), "no address");
    refused(&|file| file["ss58Address"] = json!(null), "no ss58Address");
    refused(&|file| file["cryptoType"] = json!(0), "an ed25519 key");
    refused(&|file| file["cryptoType"] = json!(2), "unknown cryptography");
    refused(&|file| file["privateKey"] = json!("0xac8a3cdb"), "right length");
    refused(&|file| file["privateKey"] = json!(["ac8a3cdb"]), "no JSON object of texts");
    refused(&|file| file["privateKey"] = json!(null), "no secret key");
    let phrase_alone = |file: &mut Value| {
        file["privateKey"] = json!(null);
        file["secretPhrase"] = json!("ac8a3cdb");
    };
    refused(&phrase_alone, "a key file with a mnemonic alone");
    refused(&|file| *file = json!({"encoded": "ac8a3cdb", "encoding": {}, "address": ""}), "polkadot.js");
}

#[test]
fn what_is_no_key_file_is_refused_by_its_name() {
    let refused = |content: &[u8], words: &str| {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("key");
        std::fs::write(&path, content).expect("a file");
        let told = KeyFile::read(&path).expect_err(words).to_string();
        assert!(told.contains(words) && !told.contains("s3cret"), "{told}");
    };
    refused(b"$ANSIBLE_VAULT;1.1;AES256\ns3cret", "Ansible Vault");
    refused(b"gAAAAAs3cret", "Fernet");
    refused(b"$NACLs3cret", "encrypted and cut off");
    refused(b"s3cret", "no JSON object");
    refused(b"[\"s3cret\"]", "no JSON object");
    refused(&[b' '; 70_000], "too long");
    assert!(matches!(KeyFile::read(Path::new("no/such/file")), Err(WalletError::Missing(_))));
}

#[test]
fn an_encrypted_file_opens_with_its_password_alone() {
    let file = || KeyFile::read(&fixture("coldkey")).expect("a key file");
    assert_eq!(file().form(), Form::Locked);
    assert_eq!(file().address().expect("of the public file").to_string(), COLD_ADDRESS);
    let refused = file().unlock(|| Some(SecretString::from("another password")));
    assert!(matches!(refused, Err(WalletError::WrongPassword(_))), "{refused:?}");
    assert!(matches!(file().unlock(|| None), Err(WalletError::NeedsPassword(_))));
    let shown = format!("{:?}", file());
    assert!(shown.contains("Locked(") && shown.len() < 300, "{shown}");

    let public = KeyFile::read(&fixture("coldkeypub.txt")).expect("a public file");
    assert_eq!(
        (public.form(), public.address().map(|a| a.to_string())),
        (Form::Public, Some(COLD_ADDRESS.into()))
    );
    assert!(matches!(public.unlock(|| None), Err(WalletError::PublicOnly(_))));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_known() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("key");
    std::fs::write(&path, hotkey().to_string()).expect("a file");
    let check = |mode: u32, expected: bool| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        assert_eq!(KeyFile::read(&path).expect("a key file").is_readable_by_others, expected, "{mode:o}");
    };
    check(0o600, false);
    check(0o640, true);
    check(0o604, true);
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(FIXTURES).join(name)
}

/// A plain file of bittensor-wallet 4.0.1.
pub fn hotkey() -> Value {
    let text = std::fs::read(fixture("hotkey")).expect("a file");
    serde_json::from_slice(&text).expect("JSON")
}

/// The key of a file with this content.
pub fn opened(document: &Value) -> Result<Key, WalletError> {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("key");
    std::fs::write(&path, document.to_string()).expect("a file");
    KeyFile::read(&path)?.unlock(|| None)
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn signature(hex: &str) -> Signature {
    *from_hex::<SIGNATURE_BYTES>(hex).expect("a signature")
}
