//! Where in a filter expression the mistake is.
//!
//! libpcap says `syntax error` and no more. The place is found by asking it about beginnings of the expression: the
//! first word after which no continuation makes sense is the one to look at. A guess in theory, exact for what people mistype.

/// What may follow an unfinished expression: if none of these does, the last word is wrong.
const CONTINUATIONS: [&str; 12] = [
    "",
    "tcp",
    "host 10.0.0.1",
    "port 1",
    "10.0.0.1",
    "10.0.0.0/8",
    "1",
    "1-2",
    "02:00:00:00:00:01",
    "= 1",
    "] = 1",
    "0] = 1",
];

/// The character at which the mistake is, counted from 0, or `None` if that cannot be told.
pub(super) fn position(expression: &str, message: &str, parses: impl Fn(&str) -> bool) -> Option<usize> {
    // Most messages quote what they do not know: unknown host 'name'.
    if !message.contains("syntax error") {
        let (_, quoted) = message.split_once('\'')?;
        let (word, _) = quoted.split_once('\'')?;
        return words(expression)
            .find(|&(_, text)| text == word)
            .map(|(start, _)| characters(expression, start));
    }
    let all: Vec<(usize, &str)> = words(expression).collect();
    for &(start, word) in &all {
        let beginning = expression.get(..start.saturating_add(word.len()))?;
        if !may_go_on(beginning, &parses) {
            return Some(characters(expression, start));
        }
    }
    // Every beginning makes sense, the whole does not: something is missing at its end.
    Some(expression.trim_end().chars().count())
}

/// Whether something can follow a beginning so that it parses. Open parentheses are closed for it.
fn may_go_on(beginning: &str, parses: &impl Fn(&str) -> bool) -> bool {
    let open = beginning.matches('(').count().saturating_sub(beginning.matches(')').count());
    // More than this is not written by people, and each is a call of libpcap.
    let closing = ")".repeat(open.min(16));
    CONTINUATIONS.iter().any(|continuation| parses(&format!("{beginning} {continuation}{closing}")))
}

/// The words and signs of an expression, each with where it begins in bytes.
fn words(expression: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '\\');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = expression.get(at..)?;
        let rest_trimmed = rest.trim_start();
        let start = at + (rest.len() - rest_trimmed.len());
        let first = rest_trimmed.chars().next()?;
        let length = match rest_trimmed.find(|c| !is_word(c)) {
            _ if !is_word(first) => first.len_utf8(),
            Some(length) => length,
            None => rest_trimmed.len(),
        };
        at = start + length;
        Some((start, rest_trimmed.get(..length)?))
    })
}

/// How many characters come before a byte.
fn characters(text: &str, byte: usize) -> usize {
    text.get(..byte).map_or(0, |before| before.chars().count())
}
