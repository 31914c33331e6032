//! A command line in a few words, as the runtime's warnings put it. Programs that office assistants seldom use
//! are named and no more.

/// Longer arguments are not repeated, in characters.
const ARGUMENT_CHARS_MAX: usize = 48;

/// Says what a command line does.
pub(super) fn summary(command: &str) -> String {
    let stages: Vec<String> = split(first_stage(command), '|').map(|stage| of_words(&words(stage))).collect();
    match &stages[..] {
        [] => "run command".to_owned(),
        [only] => only.clone(),
        [first, .., last] => {
            let between = stages.len() - 2;
            let more = if between > 0 { format!(" (+{between} steps)") } else { String::new() };
            format!("{first} -> {last}{more}")
        }
    }
}

/// Everything before the first `;`, `&&` or `||` outside of quotes.
fn first_stage(command: &str) -> &str {
    let ends = outside_quotes(command).find(|(at, letter)| {
        *letter == ';' || (matches!(letter, '&' | '|') && command[at + 1..].starts_with(*letter))
    });
    ends.map_or(command, |(at, _)| &command[..at])
}

fn split(stage: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut places: Vec<usize> =
        outside_quotes(stage).filter(|(_, letter)| *letter == separator).map(|(at, _)| at).collect();
    places.push(stage.len());
    let mut start = 0;
    let parts = places.into_iter().map(move |end| {
        let part = &stage[start..end];
        start = (end + 1).min(stage.len());
        part.trim()
    });
    parts.filter(|part| !part.is_empty())
}

/// The characters that no quote and no backslash covers.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, letter)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match (quote, letter) {
            (_, '\\') => escaped = true,
            (Some(open), letter) if open == *letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(*letter),
            (None, _) => return true,
        }
        false
    })
}

fn words(stage: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quote, mut escaped) = (None, false);
    for letter in stage.chars() {
        match (quote, letter) {
            _ if std::mem::take(&mut escaped) => word.push(letter),
            (_, '\\') => escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, letter) if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, letter) => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let assigned = words.iter().take_while(|word| is_assignment(word)).count();
    words.split_off(assigned)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    !name.is_empty()
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn of_words(words: &[String]) -> String {
    let Some(program) = words.first() else { return "run command".to_owned() };
    let program = program.rsplit('/').next().unwrap_or(program).trim().to_lowercase();
    let plain: Vec<&str> =
        words[1..].iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let about = |verb: &str, alone: &str| {
        plain.first().map_or_else(|| alone.to_owned(), |target| format!("{verb} {target}"))
    };
    match program.as_str() {
        "curl" | "wget" => {
            let is_url = |word: &&String| {
                let word = word.to_lowercase();
                word.starts_with("http://") || word.starts_with("https://")
            };
            words.iter().find(is_url).map_or_else(|| "fetch url".to_owned(), |url| format!("fetch {url}"))
        }
        "ls" => about("list files in", "list files"),
        "cat" => about("show", "show output"),
        "rm" => about("remove", "remove files"),
        "mkdir" => about("create folder", "create folder"),
        "touch" => about("create file", "create file"),
        "echo" | "printf" => "print text".to_owned(),
        "grep" | "rg" | "ripgrep" => match &plain[..] {
            [] => "search text".to_owned(),
            [pattern] => format!("search \"{pattern}\""),
            [pattern, .., target] => format!("search \"{pattern}\" in {target}"),
        },
        _ => match plain.first() {
            Some(argument) if is_short_and_plain(argument) => format!("run {program} {argument}"),
            _ => format!("run {program}"),
        },
    }
}

fn is_short_and_plain(argument: &str) -> bool {
    argument.chars().count() <= ARGUMENT_CHARS_MAX
        && argument.chars().all(|letter| letter.is_ascii_alphanumeric() || "._/-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_put_into_words() {
        let check = |command: &str, expected: &str| assert_eq!(summary(command), expected, "{command}");
        check("ls -la", "list files");
        check("himalaya envelope list --page 2", "run himalaya envelope");
        check(
            "curl -s 'https://api.notion.so/v1/pages' | jq .",
            "fetch https://api.notion.so/v1/pages -> run jq .",
        );
        check("cat a && rm b", "show a");
        check("TOKEN=x cat 'a b'", "show a b");
        check("a | b | c", "run a -> run c (+1 steps)");
        check("grep -i x y.txt", "search \"x\" in y.txt");
        check("", "run command");
    }
}
