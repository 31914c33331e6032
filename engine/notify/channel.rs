//! Channels: where messages go, as the user writes it, and with its secrets once these are known. What is shown or kept of
//! a channel never holds a secret: of an address that stands in full on the command line only the host is.

use crate::agent::external::spec::words;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// The variable with the token of the Telegram bot.
pub const TELEGRAM_TOKEN_VARIABLE: &str = "PACKWRIGHT_TELEGRAM_TOKEN";
/// The variable with another address of Telegram's servers, for tests and for servers of one's own.
pub const TELEGRAM_API_VARIABLE: &str = "PACKWRIGHT_TELEGRAM_API";
pub const TELEGRAM_API: &str = "https://api.telegram.org";

/// What stands in the place of the secret part of an address.
const HIDDEN: &str = "…";
const FORMS: &str = "webhook:URL, webhook:env:VARIABLE, telegram:CHAT_ID, or command:PROGRAM";

/// A channel as the user writes it.
#[derive(Clone, Debug)]
pub enum Spec {
    Webhook(SecretString),
    /// The address is in a variable.
    WebhookOf(String),
    /// An address that was not kept, by what is known of it.
    WebhookLost(String),
    Telegram(String),
    Command(String),
}

/// A channel that can be used.
#[derive(Clone, Debug)]
pub enum Channel {
    Webhook { label: String, address: SecretString },
    Telegram { label: String, chat: String, token: SecretString, api: String },
    Command { label: String, words: Vec<String> },
}

impl Spec {
    /// Reads a channel. What is said of a mistake never repeats what may be secret.
    pub fn read(text: &str) -> Result<Spec, String> {
        let text = text.trim();
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "webhook" => webhook(rest),
            "telegram" => telegram(rest),
            "command" => words(rest).map(|_| Spec::Command(rest.trim().to_owned())),
            "http" | "https" => Err("an address is written as webhook:URL".to_owned()),
            _ => Err(format!("a channel is {FORMS}")),
        }
    }

    /// The text that is kept with a run, from which the channel can be read again unless its address was secret.
    pub fn kept(&self) -> String {
        match self {
            Spec::Webhook(address) => format!("webhook:{}", host_of(address)),
            Spec::WebhookLost(host) => format!("webhook:{host}"),
            Spec::WebhookOf(variable) => format!("webhook:env:{variable}"),
            Spec::Telegram(chat) => format!("telegram:{chat}"),
            Spec::Command(line) => format!("command:{line}"),
        }
    }

    /// The text with all that it holds, for a process that goes on with the run.
    pub fn in_full(&self) -> SecretString {
        match self {
            Spec::Webhook(address) => format!("webhook:{}", address.expose_secret()).into(),
            other => other.kept().into(),
        }
    }

    /// The variables that it needs.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            Spec::WebhookOf(variable) => vec![variable],
            Spec::Telegram(_) => vec![TELEGRAM_TOKEN_VARIABLE, TELEGRAM_API_VARIABLE],
            _ => Vec::new(),
        }
    }

    /// The channel with its secrets, or what is missing or wrong.
    pub fn channel(&self, value: &dyn Fn(&str) -> Option<SecretString>) -> Result<Channel, String> {
        let label = self.kept();
        let needed = |variable: &str| {
            value(variable).ok_or_else(|| {
                format!("the variable {variable} is not set, neither in the environment nor in .env")
            })
        };
        match self {
            Spec::Webhook(address) => Ok(Channel::Webhook { label, address: address.clone() }),
            Spec::WebhookOf(variable) => {
                let address = needed(variable)?;
                check_address(address.expose_secret()).map_err(|problem| format!("the variable {variable}: {problem}"))?;
                Ok(Channel::Webhook { label, address })
            }
            Spec::WebhookLost(_) => Err(
                "a run does not keep an address, since it may be secret; name it again with --notify, or put it into a \
                 variable and write webhook:env:VARIABLE"
                    .to_owned(),
            ),
            Spec::Telegram(chat) => {
                let token = needed(TELEGRAM_TOKEN_VARIABLE)?;
                if !is_token(token.expose_secret()) {
                    return Err(format!("the variable {TELEGRAM_TOKEN_VARIABLE} holds no token of a bot, such as 123456:ABC…"));
                }
                let api = value(TELEGRAM_API_VARIABLE);
                let api = api.map_or(TELEGRAM_API.to_owned(), |api| api.expose_secret().trim_end_matches('/').to_owned());
                check_address(&api).map_err(|problem| format!("the variable {TELEGRAM_API_VARIABLE}: {problem}"))?;
                Ok(Channel::Telegram { label, chat: chat.clone(), token, api })
            }
            Spec::Command(line) => Ok(Channel::Command { label, words: words(line)? }),
        }
    }
}

impl Channel {
    /// What it is called in messages, logs and receipts.
    pub fn label(&self) -> &str {
        match self {
            Channel::Webhook { label, .. }
            | Channel::Telegram { label, .. }
            | Channel::Command { label, .. } => label,
        }
    }
}

impl Channel {
    /// Whether it is called the same.
    pub fn is_like(&self, other: &Channel) -> bool {
        let bare = |label: &str| label.split(" (").next().unwrap_or_default().to_owned();
        bare(self.label()) == bare(other.label())
    }

    /// The same with a number, for the second of a name.
    pub fn numbered(mut self, number: usize) -> Channel {
        let (Channel::Webhook { label, .. }
        | Channel::Telegram { label, .. }
        | Channel::Command { label, .. }) = &mut self;
        *label = format!("{label} ({number})");
        self
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

fn webhook(text: &str) -> Result<Spec, String> {
    if let Some(variable) = text.strip_prefix("env:") {
        let is_name = !variable.is_empty() && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return match is_name {
            true => Ok(Spec::WebhookOf(variable.to_owned())),
            // It may be the address itself.
            false => {
                Err("webhook:env: wants the name of a variable, such as webhook:env:NIGHT_WEBHOOK".to_owned())
            }
        };
    }
    if text.ends_with(HIDDEN) {
        return Ok(Spec::WebhookLost(text.to_owned()));
    }
    check_address(text).map_err(|problem| format!("webhook: {problem}"))?;
    Ok(Spec::Webhook(text.into()))
}

fn telegram(text: &str) -> Result<Spec, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_channel = text
        .strip_prefix('@')
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    if is_number || is_channel {
        return Ok(Spec::Telegram(text.to_owned()));
    }
    let token = if text.contains(':') { "; the bot's token belongs into " } else { "" };
    let variable = if token.is_empty() { "" } else { TELEGRAM_TOKEN_VARIABLE };
    Err(format!(
        "telegram: a chat is a number such as 123456789 or -1001234567890, or @channel{token}{variable}"
    ))
}

fn check_address(text: &str) -> Result<(), String> {
    let url: Url = text
        .parse()
        .map_err(|error| format!("the address is wrong: {error}; one is https://example.com/hook"))?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(()),
        _ => Err("the address must begin with http:// or https://".to_owned()),
    }
}

fn is_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(bot, secret)| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !bot.is_empty()
            && bot.bytes().all(|byte| byte.is_ascii_digit())
            && !secret.is_empty()
            && secret.chars().all(is_plain)
    })
}

/// What may be seen of an address.
fn host_of(address: &SecretString) -> String {
    let Ok(url) = address.expose_secret().parse::<Url>() else { return HIDDEN.to_owned() };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{}{port}/{HIDDEN}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret-t0ken";

    #[test]
    fn what_is_kept_of_a_channel_is_no_secret() {
        let check = |text: &str, expected: &str| {
            let spec = Spec::read(text).expect("a channel");
            assert_eq!(spec.kept(), expected);
            assert_eq!(Spec::read(&spec.kept()).expect("a channel").kept(), expected);
            assert!(!format!("{spec:?}").contains(SECRET));
        };
        check(
            &format!("webhook:https://me:{SECRET}@h.example:8443/{SECRET}?k={SECRET}"),
            "webhook:https://h.example:8443/…",
        );
        check("webhook:env:NIGHT_WEBHOOK", "webhook:env:NIGHT_WEBHOOK");
        check("telegram:-1001234567890", "telegram:-1001234567890");
        check("telegram:@my_channel", "telegram:@my_channel");
        check("command:notify-send 'a b'", "command:notify-send 'a b'");
    }

    #[test]
    fn mistakes_are_told_without_what_may_be_secret() {
        let check = |text: &str, expected: &str| {
            let problem = Spec::read(text).expect_err(text);
            assert!(problem.contains(expected) && !problem.contains(SECRET), "{text}: {problem}");
        };
        check(&format!("https://h/{SECRET}"), "webhook:URL");
        check(&format!("webhook:ftp://h/{SECRET}"), "http://");
        check(&format!("webhook:h/{SECRET}"), "the address is wrong");
        check(&format!("webhook:env:https://h/{SECRET}"), "the name of a variable");
        check(&format!("telegram:123:{SECRET}"), "PACKWRIGHT_TELEGRAM_TOKEN");
        check("telegram:me", "a chat is a number");
        check("command:", "names no program");
        check("mail:me", "a channel is");
    }

    #[test]
    fn what_is_missing_is_named() {
        let nothing = |_: &str| None;
        let garbage = |_: &str| Some(SecretString::from(SECRET));
        for (text, variable) in [("webhook:env:HOOK", "HOOK"), ("telegram:1", TELEGRAM_TOKEN_VARIABLE)] {
            let spec = Spec::read(text).expect("a channel");
            let missing = spec.channel(&nothing).expect_err("no value");
            assert!(missing.contains(&format!("the variable {variable} is not set")), "{missing}");
            let wrong = spec.channel(&garbage).expect_err("a wrong value");
            assert!(wrong.contains(variable) && !wrong.contains(SECRET), "{wrong}");
        }
        let lost =
            Spec::read("webhook:https://h/…").expect("a channel").channel(&nothing).expect_err("it is lost");
        assert!(lost.contains("webhook:env:VARIABLE"), "{lost}");
    }
}
