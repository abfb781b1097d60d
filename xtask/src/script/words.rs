//! Cuts a script into statements, and statements into words and bytes.
//!
//! A statement begins at the start of a line and goes on over the indented lines below it. `"…"` are bytes, with
//! `\r \n \t \0 \\ \"` and `\xHH`; a line that begins with `|` is itself up to its end, and CRLF. `#` begins a comment.

use super::Mistake;

/// One statement with the line it begins in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Bytes(Vec<u8>),
}

pub(super) fn statements(text: &str) -> Result<Vec<Statement>, Mistake> {
    let mut statements: Vec<Statement> = Vec::new();
    for (index, content) in text.lines().enumerate() {
        let line = index + 1;
        let indented = content.starts_with([' ', '\t']);
        let content = content.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let tokens = if let Some(rest) = content.strip_prefix('|') {
            // One space sets the text off from the bar, and is not part of it.
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            vec![Token::Bytes([rest.as_bytes(), b"\r\n"].concat())]
        } else {
            tokens(content, line)?
        };
        if indented {
            let Some(last) = statements.last_mut() else {
                return Err(Mistake::new(
                    line,
                    "an indented line goes on with the one above, and there is none",
                ));
            };
            last.tokens.extend(tokens);
        } else if content.starts_with('|') {
            return Err(Mistake::new(line, "a `|` line belongs to a statement: indent it"));
        } else {
            statements.push(Statement { line, tokens });
        }
    }
    Ok(statements)
}

fn tokens(content: &str, line: usize) -> Result<Vec<Token>, Mistake> {
    let mut tokens = Vec::new();
    let mut rest = content.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (bytes, behind) = unquote(quoted, line)?;
            tokens.push(Token::Bytes(bytes));
            rest = behind.trim_start();
        } else {
            let (word, behind) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            tokens.push(Token::Word(word.to_string()));
            rest = behind.trim_start();
        }
    }
    Ok(tokens)
}

/// The bytes up to the closing quote, and what is behind it.
fn unquote(quoted: &str, line: usize) -> Result<(Vec<u8>, &str), Mistake> {
    let mut bytes = Vec::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next() {
            None => return Err(Mistake::new(line, "a `\"` is missing at the end of a text")),
            Some('"') => return Ok((bytes, rest.as_str())),
            Some('\\') => bytes.push(escaped(&mut rest, line)?),
            Some(other) => bytes.extend(other.to_string().as_bytes()),
        }
    }
}

fn escaped(rest: &mut std::str::Chars<'_>, line: usize) -> Result<u8, Mistake> {
    let wrong = || Mistake::new(line, "after `\\` comes r, n, t, 0, `\\`, `\"` or x and two hex digits");
    match rest.next() {
        Some('r') => Ok(b'\r'),
        Some('n') => Ok(b'\n'),
        Some('t') => Ok(b'\t'),
        Some('0') => Ok(0),
        Some('\\') => Ok(b'\\'),
        Some('"') => Ok(b'"'),
        Some('x') => {
            let digits: String = rest.by_ref().take(2).collect();
            if digits.len() == 2 {
                u8::from_str_radix(&digits, 16).map_err(|_| wrong())
            } else {
                Err(wrong())
            }
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Vec<Token> {
        let mut statements = statements(text).expect("it is well written");
        assert_eq!(statements.len(), 1);
        statements.remove(0).tokens
    }

    #[test]
    fn a_statement_goes_on_over_indented_lines() {
        let text =
            "# why\nclient\n  | GET / HTTP/1.1\n  |\n  # the body\n  \"a\\x00\\\"#\" # end\nserver fin";
        let got = statements(text).expect("it is well written");
        let bytes = |bytes: &[u8]| Token::Bytes(bytes.to_vec());
        let word = |word: &str| Token::Word(word.to_string());
        assert_eq!(
            got,
            [
                Statement {
                    line: 2,
                    tokens: vec![
                        word("client"),
                        bytes(b"GET / HTTP/1.1\r\n"),
                        bytes(b"\r\n"),
                        bytes(b"a\0\"#")
                    ]
                },
                Statement { line: 7, tokens: vec![word("server"), word("fin")] },
            ]
        );
    }

    #[test]
    fn a_bar_keeps_its_line_as_it_is() {
        assert_eq!(only("x\n  |  \\r # \" ")[1], Token::Bytes(b" \\r # \" \r\n".to_vec()));
        assert_eq!(only("x\n  |a")[1], Token::Bytes(b"a\r\n".to_vec()));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, wanted) in [
            ("\n  x", "2: an indented line goes on with the one above, and there is none"),
            ("x\n| y", "2: a `|` line belongs to a statement: indent it"),
            ("x \"y", "1: a `\"` is missing at the end of a text"),
            ("x \"\\q\"", "1: after `\\` comes r, n, t, 0, `\\`, `\"` or x and two hex digits"),
            ("x \"\\x1\"", "1: after `\\` comes r, n, t, 0, `\\`, `\"` or x and two hex digits"),
        ] {
            assert_eq!(statements(text).expect_err(text).to_string(), wanted);
        }
    }
}
