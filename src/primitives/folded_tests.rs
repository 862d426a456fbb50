use super::*;

#[test]
fn texts_that_people_type_differently_fold_to_the_same() {
    for (one, other) in [
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul", "ISTANBUL"),
        ("Café", "cafe\u{301}"),
        ("Straße", "STRASSE"),
        ("ﾐﾙｸ", "ミルク"),
        ("Ａ１", "a1"),
        ("ﬁne", "FINE"),
        ("Việt", "viet"),
        ("a\u{a0}\u{3000} b\r\n", "\tA B"),
        // The same marks in another order.
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
    ] {
        assert_eq!(fold(one), fold(other), "{one} {other}");
    }
}

#[test]
fn what_is_another_letter_stays_apart() {
    for (one, other) in [
        ("が", "か"),
        ("ぱ", "は"),
        // Vowels of Indic scripts.
        ("कि", "की"),
        ("ı", "i"),
        ("ø", "o"),
    ] {
        assert_ne!(fold(one), fold(other), "{one} {other}");
    }
    assert_eq!(fold("が"), "か\u{3099}");
}

/// Over every character that both know. See tests/data/folding/make.py.
#[test]
fn every_character_is_folded_as_python_does() {
    let table = include_str!("../../tests/data/folding/table.txt");
    let mut compared = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (range, checksum) = line.split_once(' ').unwrap();
        let (first, last) = range.split_once("..").unwrap();
        let point = |text| u32::from_str_radix(text, 16).unwrap();
        let mut found: u64 = 0xcbf2_9ce4_8422_2325;
        for c in (point(first)..=point(last)).map(|point| char::from_u32(point).unwrap()) {
            for byte in (fold(&format!("x{c}y")) + "\n").bytes() {
                found = (found ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            compared += 1;
        }
        assert_eq!(format!("{found:016x}"), checksum, "{range}");
    }
    assert!(compared > 140_000, "{compared}");
}

#[test]
fn the_fast_path_for_ascii_has_the_same_result() {
    for text in [
        "",
        " ",
        "Get  milk ",
        "\u{b}A\tB\r\n",
        "a\u{1f}b",
        "100% Of_It",
    ] {
        // With a letter that is not ASCII it goes the long way.
        assert_eq!(
            fold(&format!("é{text}")),
            format!("e{}", after_letter(text))
        );
    }
}

/// What a text becomes behind a letter: white space before it is not trimmed.
fn after_letter(text: &str) -> String {
    fold(&format!("e{text}"))[1..].to_owned()
}

#[test]
fn words_are_one_to_ten_and_in_one_order() {
    let folded = |text| Words::parse(text).map(|words| words.folded);
    assert_eq!(folded(" Milk  bréad MILK\n"), Some("bread milk".into()));
    assert_eq!(
        folded("1 2 3 4 5 6 7 8 9 10").map(|text| text.len()),
        Some(20)
    );
    assert_eq!(folded("1 2 3 4 5 6 7 8 9 10 10"), None);
    // Nothing is left of a mark alone; and a lone diaeresis stands on a space.
    for nothing in ["", " ", "\u{301}", "\u{a8}"] {
        assert_eq!(folded(nothing), None, "{nothing:?}");
    }
    assert_eq!(folded("a\u{a8}b"), Some("a b".into()));
}
