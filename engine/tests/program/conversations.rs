//! The offline model as a provider has it: every conversation draws its own randomness, and is known again by the
//! number in the ids of its calls, so that repeats differ as those of a real model do.

use futures_util::FutureExt;
use packwright::episode::Message;
use packwright::llm::offline::Offline;
use packwright::llm::{Llm, Reply, Request};
use packwright::units::Seed;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Conversations {
    model: Offline,
    begun: AtomicU64,
}

impl Conversations {
    pub fn reply(&self, mut request: Request) -> Reply {
        let number = number(&request.messages)
            .unwrap_or_else(|| self.begun.fetch_add(1, Ordering::SeqCst).to_string());
        request.seed = Seed(3).child("conversation", &[&number]);
        let reply = self.model.complete(&request).now_or_never().expect("the offline model never waits");
        let mut reply = reply.expect("the offline model never fails");
        for call in &mut reply.turn.tool_calls {
            call.id = format!("{number}-{}", call.id);
        }
        reply
    }
}

/// The number of a conversation that had a call.
fn number(messages: &[Message]) -> Option<String> {
    messages.iter().find_map(|message| match message {
        Message::ToolResult(result) => Some(result.id.split_once('-')?.0.to_owned()),
        _ => None,
    })
}
