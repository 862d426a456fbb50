//! The names of the formats in requests and responses.

use super::format::Format;

/// A format as requests name it.
struct Known {
    format: Format,
    /// Its name in `?format=`.
    name: &'static str,
    /// Its media type, which others can share.
    essence: &'static str,
    /// What responses have as `Content-Type`, and the extension of a file; none if it is
    /// only read.
    written: Option<(&'static str, &'static str)>,
}

const KNOWN: [Known; 7] = [
    Known {
        format: Format::Ndjson,
        name: "ndjson",
        essence: "application/x-ndjson",
        written: Some(("application/x-ndjson", "ndjson")),
    },
    Known {
        format: Format::Csv,
        name: "csv",
        essence: "text/csv",
        written: Some(("text/csv; charset=utf-8; header=present", "csv")),
    },
    Known {
        format: Format::ICalendar,
        name: "icalendar",
        essence: "text/calendar",
        written: Some(("text/calendar; charset=utf-8; component=VTODO", "ics")),
    },
    Known {
        format: Format::TodoTxt,
        name: "todotxt",
        essence: "text/plain",
        written: Some(("text/plain; charset=utf-8", "txt")),
    },
    Known {
        format: Format::Google,
        name: "google",
        essence: "application/json",
        written: None,
    },
    Known {
        format: Format::Todoist,
        name: "todoist",
        essence: "text/csv",
        written: None,
    },
    Known {
        format: Format::Microsoft,
        name: "microsoft",
        essence: "application/json",
        written: None,
    },
];

fn known(format: Format) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.format == format)
}

/// The name of a format in `?format=`.
pub fn name(format: Format) -> &'static str {
    known(format).map_or("", |known| known.name)
}

/// The names of all formats, or of those that can be written.
pub fn names(written: bool) -> impl Iterator<Item = &'static str> {
    let known = KNOWN
        .iter()
        .filter(move |known| !written || known.written.is_some());
    known.map(|known| known.name)
}

/// The format with a name.
pub fn by_name(name: &str) -> Option<Format> {
    let mut known = KNOWN.iter().filter(|known| known.name == name);
    known.next().map(|known| known.format)
}

/// The media types of all formats, or of those that can be written, each once.
pub fn essences(written: bool) -> Vec<&'static str> {
    let mut essences = Vec::new();
    for known in KNOWN
        .iter()
        .filter(|known| !written || known.written.is_some())
    {
        if !essences.contains(&known.essence) {
            essences.push(known.essence);
        }
    }
    essences
}

/// The formats with a media type.
pub fn by_essence(essence: &str) -> Vec<Format> {
    let others = [("application/ndjson", "application/x-ndjson")];
    let other = others.iter().find(|(other, _)| *other == essence);
    let essence = other.map_or(essence, |(_, essence)| essence);
    let known = KNOWN.iter().filter(|known| known.essence == essence);
    known.map(|known| known.format).collect()
}

/// What a response with a format has as `Content-Type`, and the extension of its file.
pub fn written(format: Format) -> Option<(&'static str, &'static str)> {
    known(format).and_then(|known| known.written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_its_name_and_among_those_of_its_type() {
        for known in &KNOWN {
            assert_eq!(by_name(known.name), Some(known.format));
            assert_eq!(name(known.format), known.name);
            assert!(by_essence(known.essence).contains(&known.format));
        }
        assert_eq!(names(true).count(), 4);
        assert_eq!(essences(false).len(), 5);
        assert_eq!(by_essence("application/ndjson"), [Format::Ndjson]);
        assert_eq!(by_essence("application/xml"), []);
    }
}
