//! Whether a winner could be published: what the lint says of the pack that it inherits from, the champion, and, where it is
//! to go on chain, the wallet and the chain.

use super::DoctorArgs;
use super::row::{Fault, Found, Row};
use crate::exit::Exit;
use crate::publish::on_chain::{ChainChoice, Trouble};
use crate::publish::readiness;
use crate::run::gate::{Champion, findings, refusal};
use packwright::pack::Pack;
use packwright::scenario::Suite;
use packwright::score::Profile;

const CHAMPION: &str = "champion";
const WALLET: &str = "wallet";
const CHAIN: &str = "chain";

/// What stands against the start pack, which a winner keeps most of.
pub fn lint(args: &DoctorArgs, suite: &Suite, pack: &Pack, profile: &Profile) -> Found<()> {
    let found = findings(pack, suite, profile, None);
    let row = match refusal(&found, &args.run.process.allow_lint) {
        None => Row::passed("lint", "nothing stands against the start pack"),
        Some(refusal) => Row::warning(
            "lint",
            format!("{} in the start pack; a winner that keeps it is not published", refusal.why),
            "see `optimize pack lint`, or let a rule go with --allow-lint",
        ),
    };
    (row, None)
}

/// Whether the champion's pack is there, and how similar the start pack is to it.
pub fn champion(args: &DoctorArgs, pack: Option<&Pack>, profile: &Profile) -> Found<()> {
    let max = profile.similarity_max;
    let row = match args.run.champion.as_deref().map(|name| Champion::named(name, &args.run.runs)).transpose()
    {
        Err(error) => Row::failed(
            CHAMPION,
            Fault::Setup,
            format!("{error:#}"),
            "name a pack as `optimize pack` takes one, or `none`",
        ),
        Ok(None) => Row::not_configured(
            CHAMPION,
            "no winner is compared with a champion's pack; --champion names one",
        ),
        Ok(Some(None)) => Row::not_configured(CHAMPION, "--champion none: there is nobody to be a copy of"),
        Ok(Some(Some(champion))) => match pack.map(|pack| champion.similarity(pack)) {
            None => Row::passed(CHAMPION, format!("{} is a pack", champion.name)),
            Some(similarity) => {
                let finding = format!(
                    "the start pack is similar to {} by {similarity:.2}; a winner is published below {max}",
                    champion.name
                );
                match similarity < max {
                    true => Row::passed(CHAMPION, finding),
                    false => Row::warning(CHAMPION, finding, "begin with a pack of your own (--start)"),
                }
            }
        },
    };
    (row, None)
}

/// What the options for the chain come to, and whether the hotkey's file opens without a person.
pub fn wallet(args: &DoctorArgs, profile: &Profile) -> Found<ChainChoice> {
    if !args.run.on_chain.is_wanted() {
        let finding = "no run uses one without --on-chain; `optimize wallet show` looks at it";
        return (Row::not_configured(WALLET, finding), None);
    }
    let fix = "correct the option or the file; docs/chain.md says which wallets are read";
    let choice = match args.run.on_chain.choice(profile.channel) {
        Ok(choice) => choice,
        Err(error) => return (Row::failed(WALLET, Fault::Setup, format!("{error:#}"), fix), None),
    };
    match choice.as_ref().map(readiness::wallet) {
        Some(Err(trouble)) => (Row::failed(WALLET, Fault::Setup, trouble.words, fix), None),
        Some(Ok(finding)) => (Row::passed(WALLET, finding), choice),
        None => (Row::not_configured(WALLET, "nothing is to go on chain"), None),
    }
}

/// Whether the network would take a commitment. Nothing is signed.
pub fn chain(args: &DoctorArgs, choice: Option<&ChainChoice>) -> Found<()> {
    let row = match choice {
        None if args.run.on_chain.is_wanted() => Row::needs(CHAIN, WALLET),
        None => Row::not_configured(
            CHAIN,
            "no run uses one without --on-chain; `optimize chain status` looks at it",
        ),
        Some(choice) => match readiness::chain(choice, &args.run.packs, args.run.public_url.as_deref()) {
            Ok(found) if found.passes => Row::passed(CHAIN, found.lines.join("; ")),
            Ok(found) => Row::warning(CHAIN, found.lines.join("; "), "nothing, if it is over by the morning"),
            Err(trouble) => failed(trouble),
        },
    };
    (row, None)
}

fn failed(Trouble { words, exit, .. }: Trouble) -> Row {
    let fix = "see `optimize chain status`";
    match exit {
        Exit::Infrastructure => {
            Row::failed(CHAIN, Fault::Infrastructure, words, "try again, or name another node")
        }
        _ => Row::failed(CHAIN, Fault::Setup, words, fix),
    }
}
