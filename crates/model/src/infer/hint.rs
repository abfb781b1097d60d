//! What the user knows of paths: `/users/{name}/**`, `/users/^me`.

/// A hint for templates.
///
/// Segments are literals, `{name}` for a parameter, `^word` for a literal that stays one, `*` for any segment, and at
/// the end `**` for whatever follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Keep(String),
    Parameter(String),
    Any,
    Rest,
}

/// What hints say of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Literal,
    Parameter(String),
}

impl std::str::FromStr for Hint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or("a template begins with a slash: /users/{name}")?;
        let mut parts = Vec::new();
        for segment in path.split('/') {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            parts.push(match (segment, name) {
                ("**", _) => Part::Rest,
                ("*", _) => Part::Any,
                (_, Some("")) => return Err("a parameter needs a name: {name}".to_owned()),
                (_, Some(name)) if name.contains(['{', '}']) => {
                    return Err("the name of a parameter has no braces: {name}".to_owned());
                }
                (_, Some(name)) => Part::Parameter(name.to_owned()),
                (_, None) if segment.contains(['{', '}']) => {
                    return Err(
                        "a parameter is a whole segment: /files/{name}, not /files/{name}.txt".to_owned()
                    );
                }
                (_, None) => match segment.strip_prefix('^') {
                    Some(word) => Part::Keep(word.to_owned()),
                    None => Part::Literal(segment.to_owned()),
                },
            });
        }
        let last = parts.len().saturating_sub(1);
        if parts.iter().take(last).any(|part| *part == Part::Rest) {
            return Err("** stands at the end of a template".to_owned());
        }
        Ok(Self(parts))
    }
}

impl Hint {
    /// What it says of `segment` behind a path of `prefix` (`None` for a parameter).
    pub(crate) fn say(&self, prefix: &[Option<&str>], segment: &str) -> Option<Said> {
        let mut parts = self.0.iter();
        for before in prefix {
            let fits = match (parts.next()?, before) {
                (Part::Literal(word) | Part::Keep(word), Some(before)) => word == before,
                (Part::Literal(_) | Part::Keep(_), None) => false,
                (Part::Parameter(_), before) => before.is_none(),
                (Part::Any, _) => true,
                (Part::Rest, _) => return None,
            };
            if !fits {
                return None;
            }
        }
        match parts.next()? {
            Part::Keep(word) => (word == segment).then_some(Said::Literal),
            Part::Parameter(name) => Some(Said::Parameter(name.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_say_what_they_say() {
        let hint: Hint = "/users/{name}/**".parse().unwrap();
        assert_eq!(hint.say(&[Some("users")], "alice"), Some(Said::Parameter("name".into())));
        assert_eq!(hint.say(&[Some("orders")], "alice"), None);
        assert_eq!(hint.say(&[Some("users"), None], "orders"), None);
        let keep: Hint = "/users/^me".parse().unwrap();
        assert_eq!(keep.say(&[Some("users")], "me"), Some(Said::Literal));
        assert_eq!(keep.say(&[Some("users")], "you"), None);
        for wrong in ["users", "/a/{}", "/a/**/b", "/a/{b}.txt", "/a/{{b}}", "/a/{b}{c}"] {
            assert!(wrong.parse::<Hint>().is_err(), "{wrong}");
        }
    }
}
