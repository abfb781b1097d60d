//! Relative links in Markdown lead somewhere.

use std::path::Path;

use crate::workspace::shown;

pub(super) fn check(path: &Path, text: &str) -> Vec<String> {
    let folder = path.parent().unwrap_or(path);
    let broken = targets(text).into_iter().filter(|target| {
        let file = target.split('#').next().unwrap_or_default();
        !file.is_empty()
            && !file.contains("://")
            && !file.starts_with("mailto:")
            && !folder.join(file).exists()
    });
    broken
        .map(|target| format!("{}: the link to `{target}` leads nowhere; mend or remove it", shown(path)))
        .collect()
}

/// What stands in `](…)`, outside of code blocks.
fn targets(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            targets.extend(line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()));
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("x.md");
        let text = "[a](Cargo.toml) [b](https://x.test/y) [c](#d)\n```\n[e](f)\n```\n[g](gone.md#h) [i](src/main.rs)";
        assert_eq!(
            check(&here, text),
            ["xtask/x.md: the link to `gone.md#h` leads nowhere; mend or remove it"]
        );
    }
}
