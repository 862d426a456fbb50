//! Places in an order that people arrange by hand.
//!
//! A position is a fraction between 0 and 1, written with 64 digits that sort as
//! their bytes do: between any two different positions there is another one, so a
//! move writes one row and not its neighbors. A row that was never moved stores none;
//! its position is its id without hyphens, whose digits begin with the time of
//! creation. So a new row stands last, and creating reads no other row.
//!
//! Invariant: at most 64 bytes. Where a gap has no room left, [`between`] says so,
//! and the siblings are spread anew.

use std::cmp::Ordering;

use super::id::ResourceId;
use super::json_writer;

/// The most bytes that a position has.
pub const MAX_BYTES: usize = 64;

/// The digits, from 0 to 63. Those of hexadecimal numbers are among them, in order.
const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Moves tend to go to the same place again and again, before or behind the last one
/// that went there. So a new position is as near to the longer, newer of its
/// neighbors as this part of the gap: a gap then lasts for more than a thousand of them,
/// where halves would use up one bit each.
const PART: u32 = 12;

/// The longest position that is given out where siblings are spread anew.
const LONGEST_SPREAD: usize = 24;

/// A position as digits, the first one the most significant, all 64 of them.
type Fraction = [u8; MAX_BYTES];

/// The position of a row that was never moved: the 32 hexadecimal digits of its id.
pub fn of_id(id: ResourceId) -> String {
    uuid::Uuid::from_bytes(*id.as_bytes()).simple().to_string()
}

/// Writes the position of a row as JSON: the stored one, or that of its id.
///
/// # Errors
///
/// None: it is only the writer's type that has them.
pub fn write_json(
    out: &mut Vec<u8>,
    id: ResourceId,
    stored: Option<&str>,
) -> serde_json::Result<()> {
    match stored {
        Some(position) => json_writer::word(out, position),
        None => {
            let mut digits = [0; 32];
            let id = uuid::Uuid::from_bytes(*id.as_bytes());
            json_writer::word(out, id.simple().encode_lower(&mut digits))
        }
    }
}

/// Whether a text can be a position.
pub fn is_position(text: &str) -> bool {
    let is_digit = |byte| DIGITS.contains(&byte);
    (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_digit)
}

/// A position between two others; at an end of the order where there is no other. None
/// if there is no room, or if they are not in order.
pub fn between(low: Option<&str>, high: Option<&str>) -> Option<String> {
    let (low, high) = match (low, high) {
        (None, None) => return shortest(&[0; MAX_BYTES], &[32; MAX_BYTES], None),
        (None, Some(first)) => return before(first),
        (Some(last), None) => return behind(last),
        (Some(low), Some(high)) => (low, high),
    };
    let (from, to) = (fraction(low), fraction(high));
    let gap = difference(&from, Some(&to))?;
    let part = divide(&gap, PART);
    let wanted = match low.len().cmp(&high.len()) {
        Ordering::Greater => add(&from, &part),
        Ordering::Equal => add(&from, &divide(&gap, 2)),
        Ordering::Less => subtract(&to, &part),
    };
    // As short as it can be without going far from where it is wanted.
    let near = subtract(&wanted, &divide(&part, 2));
    shortest(&near, &wanted, Some(&to)).or_else(|| shortest(&from, &wanted, Some(&to)))
}

/// One millisecond: the last of the 12 digits of an id that are its time.
const MILLISECOND: Fraction = {
    let mut digits = [0; MAX_BYTES];
    digits[11] = 1;
    digits
};

/// A position behind the last one, before any that a row gets which is made a
/// millisecond later. However often it is asked for, it does not grow.
pub fn behind(last: &str) -> Option<String> {
    let from = fraction(last);
    let end = add(&from, &MILLISECOND);
    let wanted = add(&from, &divide(&MILLISECOND, PART));
    if end > from {
        shortest(&from, &wanted, Some(&end))
    } else {
        shortest(&from, &wanted, None)
    }
}

/// A position before the first one. It does not grow either.
fn before(first: &str) -> Option<String> {
    let to = fraction(first);
    let begin = subtract(&to, &MILLISECOND);
    let begin = if begin < to { begin } else { [0; MAX_BYTES] };
    shortest(
        &begin,
        &subtract(&to, &divide(&MILLISECOND, PART)),
        Some(&to),
    )
}

/// `count` positions that divide a gap evenly, in order. None if they would be so long
/// that there is no room between them for thousands more.
pub fn evenly(low: Option<&str>, high: Option<&str>, count: usize) -> Option<Vec<String>> {
    let from = low.map_or([0; MAX_BYTES], fraction);
    let to = high.map(fraction);
    let gap = difference(&from, to.as_ref())?;
    let parts = u32::try_from(count).ok()?.checked_mul(2)?.checked_add(2)?;
    let half = divide(&gap, parts);
    let mut edge = from;
    let mut positions = Vec::with_capacity(count);
    for _ in 0..count {
        let middle = add(&add(&edge, &half), &divide(&half, 2));
        let end = add(&add(&edge, &half), &half);
        let position = shortest(&edge, &middle, Some(&end))?;
        if position.len() > LONGEST_SPREAD {
            return None;
        }
        positions.push(position);
        edge = end;
    }
    Some(positions)
}

/// `count` positions behind the last one, in order, before any that a row gets which is
/// made a millisecond later.
pub fn all_behind(last: &str, count: usize) -> Option<Vec<String>> {
    let from = fraction(last);
    // The beginning of the next one.
    let mut begin = [0; MAX_BYTES];
    for (to, digit) in begin.iter_mut().zip(from).take(12) {
        *to = digit;
    }
    let end = add(&begin, &MILLISECOND);
    let end = (end > from).then(|| text(&end));
    evenly(Some(last), end.as_deref(), count)
}

/// A bound of the ids whose own positions are behind a position, or before it: one such
/// id may lie before the bound, none behind it.
pub fn nearest_id(position: &str, behind: bool) -> ResourceId {
    let fill = if behind { 0 } else { 15 };
    let mut bytes = [0_u8; 16];
    // Of an upper-case letter, which sorts before the lower-case ones, nothing follows.
    let mut digits = position.bytes().map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    let mut is_exact = true;
    for byte in &mut bytes {
        for _ in 0..2 {
            let digit = digits.next().flatten().filter(|_| is_exact);
            is_exact = digit.is_some();
            *byte = (*byte << 4) | digit.unwrap_or(fill);
        }
    }
    ResourceId::from_bytes(bytes)
}

fn digit_char(digit: u8) -> char {
    char::from(*DIGITS.get(usize::from(digit)).unwrap_or(&b'z'))
}

/// What is not a digit, which nobody writes, counts as the last digit below it.
fn fraction(text: &str) -> Fraction {
    let mut digits = [0; MAX_BYTES];
    for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
        let below = DIGITS.partition_point(|known| *known <= byte);
        *digit = below.saturating_sub(1) as u8;
    }
    digits
}

/// `high - low`, of which none is the end of the order; none if it is not positive.
fn difference(low: &Fraction, high: Option<&Fraction>) -> Option<Fraction> {
    match high {
        Some(high) if high <= low => None,
        Some(high) => Some(subtract(high, low)),
        // From the largest fraction: one unit in the last place less than 1.
        None => Some(subtract(&[63; MAX_BYTES], low)),
    }
}

fn subtract(from: &Fraction, what: &Fraction) -> Fraction {
    let mut result = [0; MAX_BYTES];
    let mut borrow = 0;
    for ((digit, a), b) in result.iter_mut().zip(from).zip(what).rev() {
        let value = 64 + *a - *b - borrow;
        borrow = u8::from(value < 64);
        *digit = value % 64;
    }
    result
}

fn add(to: &Fraction, what: &Fraction) -> Fraction {
    let mut result = [0; MAX_BYTES];
    let mut carry = 0;
    for ((digit, a), b) in result.iter_mut().zip(to).zip(what).rev() {
        let value = *a + *b + carry;
        carry = value / 64;
        *digit = value % 64;
    }
    result
}

fn divide(what: &Fraction, by: u32) -> Fraction {
    let mut result = [0; MAX_BYTES];
    let mut rest = 0;
    for (digit, value) in result.iter_mut().zip(what) {
        let whole = rest * 64 + u32::from(*value);
        *digit = (whole / by) as u8;
        rest = whole % by;
    }
    result
}

/// The shortest beginning of `wanted` that still lies between the two.
fn shortest(low: &Fraction, wanted: &Fraction, high: Option<&Fraction>) -> Option<String> {
    let mut cut = [0; MAX_BYTES];
    for (at, digit) in wanted.iter().enumerate() {
        if let Some(place) = cut.get_mut(at) {
            *place = *digit;
        }
        if *digit > 0 && cut > *low && high.is_none_or(|high| cut < *high) {
            return Some(text(&cut));
        }
    }
    None
}

/// Without the zeros at the end.
fn text(digits: &Fraction) -> String {
    let len = digits.iter().rposition(|digit| *digit > 0);
    let digits = digits.iter().take(len.map_or(0, |last| last + 1));
    digits.map(|digit| digit_char(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_id_on_one_side_of_a_position_lies_behind_its_bound(
            bytes in any::<[u8; 16]>(),
            keep in 0_usize..32,
            rest in "[-0-9A-Z_a-z]{0,4}",
        ) {
            let id = ResourceId::from_bytes(bytes);
            // Alike at the beginning, so that the digits decide.
            let position: String = of_id(id).chars().take(keep).chain(rest.chars()).collect();
            if of_id(id) >= position {
                prop_assert!(id >= nearest_id(&position, true), "{id} {position}");
            }
            if of_id(id) <= position {
                prop_assert!(id <= nearest_id(&position, false), "{id} {position}");
            }
        }
    }

    /// How many moves into one gap there are before there is no room. `next` yields
    /// the neighbors of the next one, of those before it and the position just made.
    fn moves_into(
        mut low: String,
        mut high: String,
        next: impl Fn(usize, &mut String, &mut String, String),
    ) -> usize {
        for count in 0..20_000 {
            let Some(new) = between(Some(&low), Some(&high)) else {
                return count;
            };
            assert!(low < new && new < high, "{low} < {new} < {high}");
            assert!(new.len() <= MAX_BYTES, "{new}");
            next(count, &mut low, &mut high, new);
        }
        20_000
    }

    /// Two rows that were made in the same millisecond, one behind the other.
    fn neighbors() -> (String, String) {
        let [one, two] = [
            "01a2293d68c571eab5c49265921571cb",
            "01a2293d68c571eab5c4926692157101",
        ];
        (one.to_owned(), two.to_owned())
    }

    #[test]
    fn a_gap_lasts_for_a_thousand_moves_to_the_same_place() {
        let (low, high) = neighbors();
        let forward = moves_into(low, high, |_, low, _, new| *low = new);
        assert!(forward >= 1_000, "{forward}");
        let (low, high) = neighbors();
        let backward = moves_into(low, high, |_, _, high, new| *high = new);
        assert!(backward >= 1_000, "{backward}");
    }

    #[test]
    fn a_gap_lasts_for_a_hundred_moves_of_an_adversary_who_sees_them() {
        let (low, high) = neighbors();
        let count = moves_into(low, high, |count, low, high, new| match count % 2 {
            0 => *low = new,
            _ => *high = new,
        });
        assert!(count >= 100, "{count}");
    }

    #[test]
    fn the_beginning_and_the_end_last_for_thousands_of_moves() {
        let (mut first, mut last) = neighbors();
        for _ in 0..5_000 {
            let before = between(None, Some(&first)).expect("there is room");
            let behind = between(Some(&last), None).expect("there is room");
            assert!(before < first && last < behind);
            (first, last) = (before, behind);
        }
        assert!(first.len() <= 16 && last.len() <= 16, "{first} {last}");
    }

    #[test]
    fn many_are_spread_in_order_with_room_between_them() {
        let (low, high) = neighbors();
        for (low, high) in [
            (None, None),
            (Some(low.as_str()), None),
            (None, Some(high.as_str())),
        ] {
            for count in [1, 2, 1_000, 100_000] {
                let all = evenly(low, high, count).unwrap();
                assert_eq!(all.len(), count);
                assert!(all.is_sorted_by(|a, b| a < b));
                assert!(low.is_none_or(|low| low < all[0].as_str()));
                assert!(high.is_none_or(|high| all[count - 1].as_str() < high));
            }
        }
        let full = between(Some("a"), Some("b")).unwrap();
        assert_eq!(
            evenly(Some(&full), Some(&format!("{full}{}", "-".repeat(63))), 1),
            None
        );
    }

    #[test]
    fn the_end_is_before_what_comes_a_millisecond_later() {
        let id = ResourceId::parse("01a2293d-68c5-71ea-b5c4-9265921571cb").unwrap();
        let mut last = of_id(id);
        for later in ["01a2293d68c6", "01a2293d68c7", "01a2293d68c8"] {
            last = behind(&last).unwrap();
            assert!(last.as_str() < later, "{last}");
        }
    }

    #[test]
    fn many_stand_behind_the_last_and_before_what_comes_a_millisecond_later() {
        let id = ResourceId::parse("01a2293d-68c5-71ea-b5c4-9265921571cb").unwrap();
        let last = of_id(id);
        let all = all_behind(&last, 50_000).unwrap();
        assert_eq!(all.len(), 50_000);
        assert!(all.is_sorted_by(|a, b| a < b));
        assert!(all[0] > last && all[49_999].as_str() < "01a2293d68c6");
        // Again behind those, as a second file is.
        let again = all_behind(&all[49_999], 50_000).unwrap();
        assert!(again[0] > all[49_999] && again[49_999].as_str() < "01a2293d68c7");
        let end = "z".repeat(MAX_BYTES - 1);
        assert_eq!(all_behind(&end, 1).map(|all| all.len()), None);
    }

    #[test]
    fn moves_at_random_keep_positions_short() {
        // xorshift: the same moves in every run.
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut row: Vec<String> = evenly(None, None, 200).unwrap();
        for _ in 0..100_000 {
            row.remove(next(200));
            let to = next(200);
            let low = to.checked_sub(1).map(|at| row[at].as_str());
            let new = between(low, row.get(to).map(String::as_str)).expect("there is room");
            row.insert(to, new);
        }
        let longest = row.iter().map(String::len).max().unwrap();
        assert!(longest <= 32, "{longest}");
    }

    #[test]
    fn nothing_lies_between_a_position_and_itself() {
        let (low, high) = neighbors();
        assert_eq!(between(Some(&low), Some(&low)), None);
        assert_eq!(between(Some(&high), Some(&low)), None);
    }

    fn is_between(a: &str, b: &str) {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        if let Some(new) = between(Some(low), Some(high)) {
            assert!(low < new.as_str() && new.as_str() < high);
            assert!(new.len() <= MAX_BYTES);
        }
    }

    proptest! {
        #[test]
        fn what_is_made_lies_between(a in "[-0-9A-Z_a-z]{1,64}", b in "[-0-9A-Z_a-z]{1,64}") {
            is_between(&a, &b);
        }

        #[test]
        fn no_text_makes_it_panic(a in ".{0,80}", b in ".{0,80}") {
            let _ = between(Some(&a), Some(&b));
        }
    }
}
