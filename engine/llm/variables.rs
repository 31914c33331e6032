//! Variables of the environment that hold secrets, known by their names: no program of strangers gets them by itself.

use super::provider::Provider;
use std::ffi::OsStr;

/// Variables whose names end so hold secrets.
const SECRET_ENDINGS: [&str; 11] = [
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "ACCESS_KEY_ID",
    "SECRET_KEY",
    "PRIVATE_KEY",
    "_TOKEN",
    "_SECRET",
    "_PASSWORD",
    "WEBHOOK",
    // Its channels may have addresses in full.
    "PACKWRIGHT_NOTIFY",
];

/// Whether a variable holds a secret, by its name.
pub fn is_secret_variable(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_uppercase();
    let is_of_provider = Provider::all().filter_map(Provider::key_variable).any(|known| known == name);
    is_of_provider || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_secrets_are_known_by_their_names() {
        let check =
            |name: &str, expected: bool| assert_eq!(is_secret_variable(name.as_ref()), expected, "{name}");
        for name in [
            "OPENAI_API_KEY",
            "MY_API_KEY",
            "HF_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DB_PASSWORD",
            "NIGHT_WEBHOOK",
        ] {
            check(name, true);
        }
        for name in ["PATH", "HOME", "KEYBOARD", "TOKENIZERS_PARALLELISM", "LANG"] {
            check(name, false);
        }
    }
}
