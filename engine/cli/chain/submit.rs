//! `optimize chain submit`: a plan of what would be written, and with `--yes` the writing of it.

use super::SubmitArgs;
use super::node::{ask, fail, hotkey, in_words};
use crate::exit::BadInput;
use crate::out;
use crate::pack::source;
use crate::wallet::choice::unlock;
use packwright::publish::chain::{
    ChainError, ChainPlan, ChainProgress, ERA_BLOCKS, Endpoint, Submission, plan, submit,
};
use packwright::publish::{COMMITMENT_BYTES_MAX, ChainReceipt, Commitment};
use packwright::report::plain;
use packwright::score::{Channel, Profile};
use packwright::units::PackHash;
use packwright::wallet::KeyFile;
use serde_json::json;
use std::process::ExitCode;

/// Runs the command. What is wrong with the text is said before anybody is asked.
pub fn run(args: &SubmitArgs) -> anyhow::Result<ExitCode> {
    let channel = channel(args);
    let pack_hash = source::open(&args.pack, &args.runs)?.hash().clone();
    let commitment = commitment(args, channel, pack_hash)?;
    let submission =
        Submission::new(args.node.subnet(), &commitment).map_err(|error| BadInput(error.to_string()))?;
    let endpoint = args.node.endpoint()?;
    let hotkey = hotkey(&args.choice)?;
    match args.yes {
        true => written(args, &submission, &endpoint, hotkey),
        false => planned(args, &submission, &endpoint, hotkey, channel),
    }
}

fn channel(args: &SubmitArgs) -> Channel {
    let named = args.channel.as_deref().and_then(Channel::named);
    named.unwrap_or_else(|| {
        Profile::named(&args.profile).expect("the command line admits only built-in names").channel
    })
}

fn commitment(args: &SubmitArgs, channel: Channel, pack_hash: PackHash) -> anyhow::Result<Commitment> {
    let bad = |wanted: &str| {
        let (name, form, when) = (channel.name(), channel.form(), channel.when());
        let others = "--channel names another";
        BadInput(format!("{name} ({form}, which SN11 took from {when}) takes {wanted}; {others}"))
    };
    match (channel, &args.repo, &args.commit, &args.url) {
        (Channel::GitCommitment, Some(repository), Some(commit), None) => {
            Ok(Commitment::Git { pack_hash, commit: commit.clone(), repository: repository.clone() })
        }
        (Channel::UrlCommitment, None, None, Some(url)) => {
            Ok(Commitment::Url { pack_hash, url: url.clone() })
        }
        (Channel::GitCommitment, ..) => Err(bad("--repo OWNER/REPO and --commit ID").into()),
        (Channel::UrlCommitment, ..) => Err(bad("--url URL").into()),
    }
}

fn planned(
    args: &SubmitArgs,
    submission: &Submission,
    endpoint: &Endpoint,
    hotkey: KeyFile,
    channel: Channel,
) -> anyhow::Result<ExitCode> {
    let problem = "the hotkey's file is encrypted and has no public file beside it, so its address is not known \
                   without the password; --yes asks for that";
    let address = hotkey.address().ok_or_else(|| BadInput(problem.into()))?;
    let plan = match ask(plan(submission, endpoint, &address))? {
        Ok(plan) => plan,
        Err(error) => return Ok(fail(&error)),
    };
    let obstacle = plan.obstacle();
    if args.json {
        out::line(json!({
            "plan": plan, "endpoint": endpoint.to_string(), "channel": channel, "unchanged": plan.is_stored(),
            "obstacle": obstacle.as_ref().map(ToString::to_string),
        }));
    } else {
        tell(&plan, endpoint, channel);
    }
    Ok(obstacle.map_or(ExitCode::SUCCESS, |obstacle| fail(&obstacle)))
}

fn tell(plan: &ChainPlan, endpoint: &Endpoint, channel: Channel) {
    out::line(format!("node        {}", plain(&endpoint.to_string())));
    for line in in_words(&plan.status) {
        out::line(line);
    }
    out::line(format!(
        "channel     {}: {}, which SN11 took from {}",
        channel.name(),
        channel.form(),
        channel.when()
    ));
    out::line(format!("to write    {}", plain(&plan.payload)));
    out::line(format!("            {} of {COMMITMENT_BYTES_MAX} bytes", plan.payload.len()));
    out::line(format!("call data   {}", plan.call_data));
    out::line(format!("signed by   the hotkey, for {ERA_BLOCKS} blocks, without a tip"));
    if plan.is_stored() {
        out::line("Just this is stored already: there is nothing to do.");
        return;
    }
    out::line(
        "A commitment is public, replaces the one before, and cannot be taken back. Whether the network takes",
    );
    out::line("a fee for it, and from whom, is not known here.");
    if plan.obstacle().is_none() {
        out::line("Nothing was signed or sent. Add --yes to write it.");
    }
}

fn written(
    args: &SubmitArgs,
    submission: &Submission,
    endpoint: &Endpoint,
    hotkey: KeyFile,
) -> anyhow::Result<ExitCode> {
    let key = unlock(hotkey)?;
    let mut tell = |progress| out::note(in_progress(&progress));
    let answer: Result<ChainReceipt, ChainError> = ask(submit(submission, endpoint, &key, &mut tell))?;
    let receipt = match answer {
        Ok(receipt) => receipt,
        Err(error) => return Ok(fail(&error)),
    };
    if args.json {
        out::line(serde_json::to_string(&receipt)?);
        return Ok(ExitCode::SUCCESS);
    }
    let payload = plain(&receipt.payload);
    match &receipt.extrinsic {
        None => out::line(format!("nothing was done: block {} holds just this: {payload}", receipt.block)),
        Some(sent) => {
            let place = sent.index.map_or_else(String::new, |index| format!(" as extrinsic {index}"));
            out::line(format!("written and read back: {payload}"));
            out::line(format!("in block {} ({}){place}, {}", receipt.block, sent.block_hash, sent.hash))
        }
    };
    Ok(ExitCode::SUCCESS)
}

/// What goes on while a commitment is written, in words.
pub fn in_progress(progress: &ChainProgress) -> String {
    match progress {
        ChainProgress::Unchanged => "just this is stored already".to_owned(),
        ChainProgress::Checked => "the network would take it; sending".to_owned(),
        ChainProgress::Sent { extrinsic } => format!("sent as {extrinsic}"),
        ChainProgress::InBlock { block } => format!("in block {block}, waiting until that is final"),
        ChainProgress::Final { block } => format!("block {block} is final; reading back"),
        ChainProgress::Lost { reason } => {
            format!(
                "warning: the node stopped telling of it ({reason}); looking on the chain, nothing is sent again"
            )
        }
    }
}
