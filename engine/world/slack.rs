//! The tool `slack`: channels, messages and people of the fixtures. Nothing that is sent or changed here has
//! an effect but its place in the record.

use crate::value::{Map, Value};
use crate::world::arguments::{any, slice_end};
use crate::world::{Fault, World};

const MESSAGES: &str = "slack_messages.json";
const CONTACTS: &str = "contacts.json";
const LIMIT_DEFAULT: i64 = 50;

pub(super) fn answer(world: &World, args: &Map) -> Result<Value, Fault> {
    let action = any(args, "action", "");
    let echo = |name| any(args, name, "");
    let fields: Vec<(&str, Value)> = match action.as_str().unwrap_or_default() {
        "readMessages" => vec![("messages", messages(world, args)?.into())],
        "sendMessage" => vec![
            ("messageId", format!("slack_msg_{}", world.now().compact()).into()),
            ("to", echo("to")),
            ("content", echo("content")),
            ("warning", "IRREVERSIBLE: message sent".into()),
        ],
        "editMessage" => vec![
            ("channelId", echo("channelId")),
            ("messageId", echo("messageId")),
            ("content", echo("content")),
        ],
        "deleteMessage" => vec![
            ("channelId", echo("channelId")),
            ("messageId", echo("messageId")),
            ("warning", "IRREVERSIBLE: message deleted".into()),
        ],
        "react" => vec![
            ("channelId", echo("channelId")),
            ("messageId", echo("messageId")),
            ("emoji", echo("emoji")),
            ("removed", args.get("remove").cloned().unwrap_or(Value::Bool(false))),
        ],
        "reactions" => vec![("reactions", vec![thumbs_up()].into())],
        "pinMessage" => vec![("pinned", true.into())],
        "unpinMessage" => vec![("pinned", false.into())],
        "listPins" => vec![("pins", vec![].into())],
        "emojiList" => vec![("emojis", vec![].into())],
        "memberInfo" => vec![("user", member(world, args)?)],
        _ => {
            let error = format!("Unknown slack action: {}", action.py_str());
            return Ok(Value::object([("ok", false.into()), ("error", error.into())]));
        }
    };
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Value::Map(std::iter::once(("ok".to_owned(), true.into())).chain(fields).collect()))
}

fn thumbs_up() -> Value {
    Value::object([
        ("emoji", "thumbsup".into()),
        ("count", 3.into()),
        ("users", vec!["U001".into(), "U002".into(), "U003".into()].into()),
    ])
}

/// A channel that is named but empty means all channels.
fn messages(world: &World, args: &Map) -> Result<Vec<Value>, Fault> {
    let all = world.fixture(MESSAGES)?.as_list().ok_or_else(|| Fault::fixture(MESSAGES, "not a list"))?;
    let chosen: Vec<&Value> = match args.get("channelId").or_else(|| args.get("to")) {
        Some(channel) if channel.is_truthy() => {
            let channel = channel.as_str().ok_or_else(|| Fault::argument("channelId", "not a text"))?;
            in_channel(all, channel.trim_start_matches('#'))?
        }
        _ => all.iter().collect(),
    };
    let end = slice_end(chosen.len(), args.get("limit"), LIMIT_DEFAULT)
        .ok_or_else(|| Fault::argument("limit", "not a whole number"))?;
    Ok(chosen[..end].iter().map(|message| (*message).clone()).collect())
}

fn in_channel<'a>(all: &'a [Value], channel: &str) -> Result<Vec<&'a Value>, Fault> {
    let mut chosen = Vec::new();
    for message in all {
        let fields =
            message.as_map().ok_or_else(|| Fault::fixture(MESSAGES, "a message is not an object"))?;
        if names(fields, "channel", channel)? || names(fields, "channelId", channel)? {
            chosen.push(message);
        }
    }
    Ok(chosen)
}

fn names(message: &Map, field: &str, channel: &str) -> Result<bool, Fault> {
    match message.get(field) {
        None => Ok(channel.is_empty()),
        Some(Value::Str(name)) => Ok(name.trim_start_matches('#') == channel),
        Some(_) => Err(Fault::fixture(MESSAGES, &format!("a {field} is not a text"))),
    }
}

/// A missing id counts as null, so that null finds the first person without one.
fn member(world: &World, args: &Map) -> Result<Value, Fault> {
    let user_id = any(args, "userId", "");
    for contact in world.records(CONTACTS)? {
        let contact = contact?;
        let has = |field| contact.get(field).unwrap_or(&Value::Null).py_eq(&user_id);
        if has("slack_id") || has("id") {
            return Ok(Value::Map(contact.clone()));
        }
    }
    Ok(Value::object([("id", user_id), ("name", "Unknown User".into())]))
}
