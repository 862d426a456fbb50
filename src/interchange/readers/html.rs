//! The text of HTML that mail programs write: no layout, no scripts, one pass.

/// The text.
pub fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    // What a tag hides until its end tag.
    while let Some((before, tag)) = rest.split_once('<') {
        push(&mut out, before);
        let is_tag =
            tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !is_tag {
            out.push('<');
            rest = tag;
            continue;
        }
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tag.split_once('>') else {
            // No tag ends from here on: it is all text.
            push(&mut out, &format!("<{tag}"));
            rest = "";
            break;
        };
        rest = after;
        let name = tag
            .trim_start_matches('/')
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "script" | "style" | "title" if !tag.starts_with('/') => {
                let end = format!("</{name}");
                rest = after_end(rest, &end);
            }
            "br" | "p" | "div" | "tr" | "ul" | "ol" | "table" | "blockquote" | "h1" | "h2"
            | "h3" | "h4" | "h5" | "h6" | "pre" | "hr" => line_break(&mut out, name == "br"),
            "li" if !tag.starts_with('/') => {
                line_break(&mut out, false);
                out.push_str("- ");
            }
            "td" | "th" if tag.starts_with('/') => out.push(' '),
            _ => {}
        }
    }
    push(&mut out, rest);
    let lines: Vec<&str> = out.trim().split('\n').map(str::trim_end).collect();
    lines.join("\n")
}

/// What is behind an end tag, in any case.
fn after_end<'a>(text: &'a str, end: &str) -> &'a str {
    let bytes = text.as_bytes();
    let found = bytes
        .windows(end.len())
        .position(|it| it.eq_ignore_ascii_case(end.as_bytes()));
    found.and_then(|at| text.get(at..)).unwrap_or_default()
}

fn line_break(out: &mut String, always: bool) {
    while out.ends_with(' ') {
        out.pop();
    }
    if always || !(out.is_empty() || out.ends_with('\n')) {
        out.push('\n');
    }
}

/// Adds text with its white space collapsed and its entities decoded.
fn push(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (decoded, after) =
            entity(rest).unwrap_or_else(|| (c, rest.get(c.len_utf8()..).unwrap_or_default()));
        rest = after;
        match c {
            ' ' | '\t' | '\r' | '\n' => {
                if !out.is_empty() && !out.ends_with([' ', '\n']) {
                    out.push(' ');
                }
            }
            _ => out.push(decoded),
        }
    }
}

fn entity(text: &str) -> Option<(char, &str)> {
    let name = text.strip_prefix('&')?;
    let end = name.char_indices().take(10).find(|(_, c)| *c == ';')?.0;
    let (name, rest) = (name.get(..end)?, name.get(end + 1..)?);
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "euro" => '€',
        "rsquo" => '’',
        "lsquo" => '‘',
        "ldquo" => '“',
        "rdquo" => '”',
        "bull" => '•',
        "copy" => '©',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((c, rest))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn html_becomes_its_text() {
        for (html, wanted) in [
            (
                "<html><body>bring <b>two</b></body></html>\r\n",
                "bring two",
            ),
            ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
            ("<ul><li>a</li><li>b &amp; c</li></ul>", "- a\n- b & c"),
            (
                "<style>x{}</STYLE >a<!-- c -->&#228;&#x20AC;&nbsp;&bad;",
                "aä€\u{a0}&bad;",
            ),
            ("1 < 2 <b", "1 < 2 <b"),
            ("", ""),
        ] {
            assert_eq!(text(html), wanted, "{html}");
        }
    }

    #[test]
    fn tags_that_never_end_cost_one_pass() {
        let _ = text(&"<".repeat(2_000_000));
        let _ = text(&"<a".repeat(1_000_000));
        let _ = text(&"&".repeat(2_000_000));
        let _ = text(&"<!--".repeat(500_000));
    }
}
