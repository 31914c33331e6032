//! `optimize wallet`, with files that bittensor-wallet wrote for throw-away keys.

use super::place::{Place, Printed};
use crate::wallet::{COLD_ADDRESS, fixture, hotkey};

const TOKEN: &str = "t0ken-of-the-miner";

/// A place with a wallet: an encrypted coldkey, and a plain hotkey.
pub fn with_wallet() -> Place {
    let place = Place::new();
    let folder = place.path(".bittensor/wallets/miner");
    std::fs::create_dir_all(folder.join("hotkeys")).expect("a folder");
    for name in ["coldkey", "coldkeypub.txt"] {
        std::fs::copy(fixture(name), folder.join(name)).expect("a file");
    }
    std::fs::write(folder.join("hotkeys/default"), hotkey().to_string()).expect("a file");
    for name in ["coldkey", "hotkeys/default"] {
        keep_private(&folder.join(name));
    }
    place
}

#[test]
fn wallet_files_are_shown_without_their_secrets() {
    let place = with_wallet();
    let hot = hotkey()["ss58Address"].as_str().expect("an address").to_owned();
    let shown = place.optimize(&["wallet", "show", "--wallet", "miner"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{shown:?}");
    let lines: Vec<&str> = shown.out.lines().collect();
    assert!(lines[0].ends_with(&format!("{COLD_ADDRESS}, encrypted with a password")), "{shown:?}");
    assert!(lines[1].ends_with(&format!("{hot}, not encrypted")), "{shown:?}");
    let json = place.optimize(&["wallet", "show", "--wallet", "miner", "--json"]);
    assert!(json.out.contains(r#""format":"encrypted""#), "{json:?}");
    assert!(!shown.out.contains("ac8a3cdb") && !json.out.contains("ac8a3cdb"));
    for (arguments, words) in [
        (&["wallet", "show"][..], "--wallet NAME"),
        (&["wallet", "show", "--wallet", "nobody"], "is not there"),
        (&["wallet", "show", "--wallet", "../miner"], "no name of a wallet"),
    ] {
        let refused = place.optimize(arguments);
        assert!(refused.code == 3 && refused.err.contains(words), "{refused:?}");
    }
}

#[test]
fn credentials_are_signed_once_and_verified() {
    let place = with_wallet();
    let sign = |url: &str, password: &str, more: &[&str]| -> Printed {
        let arguments =
            ["wallet", "sign-credentials", "--name", "miner", "--api-url", url, "--output", "signed.txt"];
        let mut command = place.command(&[&arguments, more].concat());
        let command = command.env("PACKWRIGHT_API_TOKEN", TOKEN).env("PACKWRIGHT_WALLET_PASSWORD", password);
        let printed = Printed::of(command.output().expect("a start"));
        assert!(!format!("{printed:?}").contains(TOKEN), "{printed:?}");
        printed
    };
    let unknown = sign("https://miner.example/v1", "", &[]);
    assert!(unknown.code == 3 && unknown.err.contains("PACKWRIGHT_WALLET_PASSWORD"), "{unknown:?}");
    let signed = sign("https://miner.example/v1", crate::wallet::PASSWORD, &[]);
    assert_eq!(signed.code, 0, "{signed:?}");
    assert!(signed.err.contains("holds the API's token in clear"), "{signed:?}");
    check_private(&place.path("signed.txt"));
    let file = || std::fs::read_to_string(place.path("signed.txt")).expect("a file");
    let before = file();
    assert!(
        before.starts_with(&format!(
            "https://miner.example/v1<seperate>{TOKEN}\n\tSigned by: {COLD_ADDRESS}\n"
        ))
    );

    let again = sign("https://miner.example/v1", crate::wallet::PASSWORD, &[]);
    assert!(again.code == 0 && again.out.contains("nothing was changed"), "{again:?}");
    assert_eq!(file(), before);

    let verify = |more: &[&str]| place.optimize(&[&["wallet", "verify", "signed.txt"], more].concat());
    let verified = verify(&["--address", COLD_ADDRESS]);
    assert!(
        verified.code == 0 && verified.out.contains(&format!("signed by {COLD_ADDRESS}")),
        "{verified:?}"
    );
    assert!(!verified.out.contains(TOKEN), "{verified:?}");
    let hot = hotkey()["ss58Address"].as_str().expect("an address").to_owned();
    assert_eq!(verify(&["--address", &hot]).code, 6);
    std::fs::write(place.path("signed.txt"), before.replace("miner.example", "other.example"))
        .expect("a file");
    let forged = verify(&[]);
    assert!(forged.code == 6 && forged.out.contains("NOT signed"), "{forged:?}");
    std::fs::write(place.path("signed.txt"), "something else").expect("a file");
    assert_eq!(verify(&[]).code, 3);
}

#[cfg(unix)]
fn keep_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}

#[cfg(unix)]
fn check_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
